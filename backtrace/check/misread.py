"""What a given number may have been read as."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backtrace.check.intervals import Floats

MOST_NEIGHBOURS = 12


def candidates(given: Floats, i: int, j: int) -> Iterator[str]:
    """The usual misreadings of ``given[i, j]``: its sign lost, a neighbour's number, the point
    moved, two digits swapped, one digit taken for another."""
    value = float(given[i, j])
    own = _text(value)
    yield _text(-value)
    for other in list(dict.fromkeys(given.ravel().tolist()))[:MOST_NEIGHBOURS]:
        yield _text(other)
    for factor in (10.0, 0.1):
        yield _text(value * factor)
    yield from ("0", "1")
    yield from _other_digits(own)


def _other_digits(text: str) -> Iterator[str]:
    places = [k for k, character in enumerate(text) if character.isdigit()]
    for one, two in zip(places, places[1:], strict=False):
        swapped = list(text)
        swapped[one], swapped[two] = swapped[two], swapped[one]
        yield "".join(swapped)
    for place in places:
        for digit in "0123456789":
            yield text[:place] + digit + text[place + 1 :]


def _text(value: float) -> str:
    short = f"{value:.12g}"
    return short.removeprefix("-") if float(short) == 0 else short


def decimals(given: Floats) -> int:
    """The most decimals that an entry of a given matrix has."""
    most = 0
    for value in given.ravel()[:64].tolist():
        text = np.format_float_positional(value, trim="-")
        most = max(most, len(text.partition(".")[2]))
    return most


def simplest(low: float, high: float, given: Floats) -> str | None:
    """The number with the fewest decimals in [low, high], as plain as the given ones; or None."""
    for places in range(decimals(given) + 1):
        scale = 10.0**places
        first = np.ceil(low * scale - 1e-9)
        if first <= high * scale + 1e-9:
            return _text(float(first / scale))
    return None
