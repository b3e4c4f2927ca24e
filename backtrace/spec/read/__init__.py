"""The nodes of a spec's document → a Spec: each part of it read by a module of its own."""
