"""A YAML text → nodes that know where they stand, and the problems of a document."""
