"""What was worked as JSON, and a trace back from it."""
