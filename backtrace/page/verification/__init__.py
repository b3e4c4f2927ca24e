"""What is said of a verification: gradients, published figures, costs."""
