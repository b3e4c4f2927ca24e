"""A network as a PyTorch program: the text of its parts, and what holds them together."""
