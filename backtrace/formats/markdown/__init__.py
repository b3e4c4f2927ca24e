"""Pages as Markdown, for every place where it is read."""
