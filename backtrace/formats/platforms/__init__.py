"""Exercises as learning platforms take them, a module a platform."""
