"""The catalogue of mistakes, and what each makes of a step."""
