"""A trace or a report → text: pure, data in, text out; one module a format."""
