"""A page → a file's text: a writer a format."""
