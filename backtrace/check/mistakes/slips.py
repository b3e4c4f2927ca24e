"""Slips of the hand: what a written number was meant to be, by what may befall a single number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from backtrace.check.model import Figure

SHIFTS = (1, -1, 2, -2, 3, -3)
CUT = 0.999  # of a unit: a digit further is no number cut off
MOST_DIGITS = 12  # of a number; one that long is copied by a machine


class Meant(msgspec.Struct, frozen=True):
    """What a number may have been meant as: it stands for what lies from ``low`` to ``high``.

    ``fine``: only numbers that are known to a few units tell anything by this slip.
    """

    code: str
    low: float
    high: float
    fine: bool = False


def meant(cell: Figure) -> Iterator[Meant]:
    """What a number may have been meant as, the likeliest slip first."""
    if cell.value != 0:
        yield _around("sign-slip", -cell.value, cell.half_unit)
        yield from _with_the_point_moved(cell)
    yield from _with_digits_swapped(cell)
    if cell.value != 0:
        unit = CUT * 2 * cell.half_unit
        low, high = (0.0, unit) if cell.value > 0 else (-unit, 0.0)
        yield Meant("cut-off", cell.value + low, cell.value + high, fine=True)
    yield from _with_another_digit(cell)


def _around(code: str, value: float, half: float, *, fine: bool = False) -> Meant:
    return Meant(code, value - half, value + half, fine)


def _with_the_point_moved(cell: Figure) -> Iterator[Meant]:
    if cell.digits > 1:
        for shift in SHIFTS:
            scale = 10.0**shift
            yield _around("point-moved", cell.value * scale, cell.half_unit * scale)


def _with_digits_swapped(cell: Figure) -> Iterator[Meant]:
    for one, two in pairwise(_places(cell)):
        digits = list(cell.plain)
        digits[one], digits[two] = digits[two], digits[one]
        if digits[one] != digits[two]:
            yield _read("digits-swapped", cell, "".join(digits))


def _with_another_digit(cell: Figure) -> Iterator[Meant]:
    for place in _places(cell):
        for digit in "0123456789":
            other = f"{cell.plain[:place]}{digit}{cell.plain[place + 1 :]}"
            if digit != cell.plain[place] and float(other) != 0:
                yield _read("copied-wrong", cell, other)


def _read(code: str, cell: Figure, text: str) -> Meant:
    return _around(code, float(text), cell.half_unit, fine=True)


def _places(cell: Figure) -> list[int]:
    """Where the digits of a plain decimal stand; of any other number, nowhere."""
    plain = "" if "/" in cell.text else cell.plain.lstrip("+-").replace(".", "", 1)
    if not (plain.isascii() and plain.isdigit()) or len(plain) > MOST_DIGITS:
        return []
    return [k for k, character in enumerate(cell.plain) if character.isdigit()]
