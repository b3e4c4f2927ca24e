"""JSON Schema (2020-12) of what the program reads and writes, for editors and other programs.

A schema is never stricter than the reader: where a rule can't be said in one (that shapes fit, that
a name is known), it is left out.
"""
