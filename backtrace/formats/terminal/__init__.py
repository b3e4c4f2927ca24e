"""Pages as coloured lines for a terminal of any width."""
