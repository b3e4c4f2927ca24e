"""What is said of a single entry: its paths, where their numbers come from, what it means."""
