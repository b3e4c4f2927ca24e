"""The steps of a trace on a terminal."""
