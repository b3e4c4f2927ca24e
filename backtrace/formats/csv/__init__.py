"""Tables as CSV, in full precision and safe to open."""
