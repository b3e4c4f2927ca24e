"""A sheet held against an exercise: verdicts by the two intervals G and L."""
