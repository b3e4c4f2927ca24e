"""Written text → a number that remembers it."""

from __future__ import annotations

import re

from backtrace.functions.number import Number

__all__ = ["LONGEST", "Number", "written_number"]

LONGEST = 100
"""Characters of one number; longer ones are refused, for exact arithmetic would drag them along."""

_WHOLE = "(?:0|[1-9][0-9]*)"
NUMBER = re.compile(
    rf"[+-]?(?:{_WHOLE}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{{1,4}})?"
    rf"|(?P<above>[+-]?{_WHOLE}) ?/ ?(?P<below>{_WHOLE})",
    re.ASCII,
)


def written_number(text: str) -> Number | None:
    """The number that ``text`` writes, which keeps the text; None where it is none.

    Accepts ``2``, ``+2``, ``-.5``, ``5.``, ``1e-3``, ``1E3``, ``1/3`` and ``-1/3``, with ASCII
    digits.
    """
    text = text.strip(" ")
    match = NUMBER.fullmatch(text) if len(text) <= LONGEST else None
    value = None if match is None else _value(match)
    return None if value is None else Number(value, text)


def _value(match: re.Match[str]) -> float | None:
    """The float nearest to what is written, or None beyond what a float can hold."""
    if match["above"] is not None:
        return _quotient(int(match["above"]), int(match["below"]))
    text = match.group()
    value = float(text)
    mantissa = re.split("[eE]", text)[0]
    if value in (float("inf"), float("-inf")) or (value == 0 and re.search("[1-9]", mantissa)):
        return None
    return value


def _quotient(above: int, below: int) -> float | None:
    try:
        value = above / below
    except (ZeroDivisionError, OverflowError):
        return None
    return value if value or not above else None
