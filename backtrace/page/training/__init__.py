"""What is said of a training: its outcome, its chart, what it mistakes for what, advice."""
