"""What the program says of itself: its networks, its mistakes, its handbook, its schemas."""
