"""Homework: answers held against a tape by the digits written, slips followed, mistakes named."""
