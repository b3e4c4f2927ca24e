"""Data files: what a spec asks of one → its numbers, of every format that there is."""
