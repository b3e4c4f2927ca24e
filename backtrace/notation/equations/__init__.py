"""How the lines of equations and their gradients are written."""
