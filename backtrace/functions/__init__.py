"""Activations, losses, optimizers and penalties: one table each, one row a function."""
