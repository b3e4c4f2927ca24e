"""What of a trace is said on one line: steps that belong together, a loss and what it became."""
