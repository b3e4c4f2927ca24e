"""One sample's way through a network, as it is drawn."""
