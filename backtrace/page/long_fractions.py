"""Fractions that are too long to be read, as decimals on a page and with a word that says so."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import log10

from backtrace.functions.array import Array
from backtrace.tape.arithmetic import as_floats

LONGEST = 24  # characters of a fraction that a reader takes in


def readable(values: Mapping[str, Array]) -> tuple[dict[str, Array], str]:
    """The matrices, those with long fractions as floats; and a sentence, empty without any."""
    lengths = {id: _longest(value) for id, value in values.items()}
    shown = {id: as_floats(v) if lengths[id] > LONGEST else v for id, v in values.items()}
    longest = max(lengths.values(), default=0)
    if longest <= LONGEST:
        return shown, ""
    digits = f"Decimals of fractions of up to {longest:,} digits; --format json has them whole."
    return shown, digits


def _longest(value: Array) -> int:
    """The digits above and below the longest fraction, worked without writing it down."""
    if value.dtype != object:
        return 0
    return max((_digits(entry) for entry in value.flat), default=0)


def _digits(entry: Fraction | float) -> int:
    if not isinstance(entry, Fraction):  # what is not finite
        return 0
    bits = entry.numerator.bit_length() + entry.denominator.bit_length()
    return round(bits * log10(2))
