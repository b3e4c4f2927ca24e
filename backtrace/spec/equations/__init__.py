"""Formulas in place of layers: their syntax, their names, their lines."""
