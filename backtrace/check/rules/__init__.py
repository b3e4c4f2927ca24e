"""What each operation makes of intervals."""
