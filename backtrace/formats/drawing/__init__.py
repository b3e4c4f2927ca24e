"""Drawings of a network and of its training: SVG and PNG."""
