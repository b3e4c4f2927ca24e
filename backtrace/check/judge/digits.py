"""How written numbers are read: what each may stand for, and whether its digits are enough.

A number with fewer decimals than its neighbours is first read to theirs: calculators and
spreadsheets drop zeros, and 0.55 beside 0.498 is 0.550. Where it fits nothing so, it is read by its
own digits: 12 beside 0.031 has two significant ones, and 1230 may have three.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.answers.figures import EXACT
from backtrace.check.judge.exercise import Key
from backtrace.check.model import Figure, WrittenQuantity
from backtrace.check.rules.intervals import Floats, Interval, between, hull, single
from backtrace.spec.model import AnswerDigits

Mask: TypeAlias = NDArray[np.bool_]
NO_DECIMALS = 2  # to how many a sheet of whole numbers is read
ALIKE = 0.9  # of the numbers: what a sheet does throughout
FINE = 2  # decimals from which on one significant digit says enough
NOISE = 4 * 2.0**-52
SLACK = 1e-12  # relative float noise that a comparison forgives


class DigitReading(msgspec.Struct, frozen=True, eq=False):
    """One way to read the numbers of a quantity.

    Each stands for what lies between ``low`` and ``high``; ``half`` is half a unit of its last
    digit, ``enough`` says whether its digits tell anything.
    """

    low: Floats
    high: Floats
    half: Floats
    enough: Mask


class Numbers(msgspec.Struct, frozen=True, eq=False):
    """What was written for one quantity: the values, which of them are there, and their readings,
    the likeliest first. ``low``, ``high``, ``half`` and ``enough`` are those of the readings that
    were taken, entry by entry. ``unit`` is half a unit of the decimals that were kept.
    """

    values: Floats
    there: Mask
    readings: tuple[DigitReading, ...]
    unit: float
    low: Floats
    high: Floats
    half: Floats
    enough: Mask

    def meets(self, box: Interval) -> Mask:
        """Which written entries overlap the box (left-out ones count as doing so)."""
        return self.meets_as(self, box)

    def meets_as(self, reading: DigitReading | Numbers, box: Interval) -> Mask:
        slack = SLACK * (1.0 + np.abs(self.values))
        overlap = (box.lo - slack <= reading.high) & (reading.low <= box.hi + slack)
        return np.asarray(overlap.any(axis=0) | ~self.there)

    def alone_in(self, box: Interval) -> Mask:
        """Which numbers equal a box that holds nothing else: they stand for themselves."""
        lo, hi = hull(box).lo[0], hull(box).hi[0]
        low, high = lo - 1e-9 * np.abs(lo), hi + 1e-9 * np.abs(hi)
        return np.asarray(single(box) & (low <= self.values) & (self.values <= high))

    def settled(self, box: Interval, alone: Mask) -> Interval:
        """What later steps take: all that each number may stand for, or itself alone."""
        ends = (np.where(alone, self.values, end) for end in (self.low, self.high))
        return between(*ends) if alone.any() else between(self.low, self.high)

    def taken(self, which: NDArray[np.intp]) -> Numbers:
        """The same numbers, each read as the reading of that index has it."""
        fields = {
            name: np.choose(which, [getattr(reading, name) for reading in self.readings])
            for name in ("low", "high", "half", "enough")
        }
        return msgspec.structs.replace(self, **fields)


def kept_decimals(written: Mapping[Key, WrittenQuantity]) -> dict[Key, int]:
    """The decimals of each quantity: the most that an entry of it shows.

    Where none shows any, they are the fewest that any number of the sheet with decimals has.
    Fractions show nothing: who writes 17/4 has rounded nothing.
    """
    shown = {place: [*_decimals(each)] for place, each in written.items()}
    usual = min((d for found in shown.values() for d in found), default=NO_DECIMALS)
    return {place: max(found, default=usual) for place, found in shown.items()}


def usual_decimals(kept: Mapping[Key, int]) -> int:
    """How many decimals most quantities show; of a tie the more."""
    found = Counter(kept.values())
    return max(found, key=lambda decimals: (found[decimals], decimals), default=NO_DECIMALS)


def kept_digits(written: Mapping[Key, WrittenQuantity]) -> int | None:
    """To how many significant digits a sheet is written throughout; None where it is not."""
    found = [cell for each in written.values() for cell in figures(each) if _shows_digits(cell)]
    if not found:
        return None
    usual, alike = Counter(cell.digits for cell in found).most_common(1)[0]
    varied = len({cell.decimals for cell in found}) > 1
    return usual if varied and alike >= ALIKE * len(found) else None


def _shows_digits(cell: Figure) -> bool:
    return cell.value != 0 and 0 < cell.decimals < EXACT


def _decimals(written: WrittenQuantity) -> Iterable[int]:
    for cell in figures(written):
        if 0 < cell.decimals < EXACT:
            yield cell.decimals


def figures(written: WrittenQuantity) -> Iterable[Figure]:
    return (cell for line in written.cells for cell in line if isinstance(cell, Figure))


def numbers(
    written: WrittenQuantity,
    shape: tuple[int, int],
    decimals: int,
    asked: AnswerDigits,
    *,
    usual: int | None,
    cut: bool = False,
) -> Numbers:
    """The numbers of a quantity whose lines were worked with so many ``decimals``.

    ``usual``: how many most lines of the sheet have, for a line may have lost all its zeros; None
    where the sheet is written to significant digits, each number to its own decimals.
    ``cut``: the digits were cut off rather than rounded.
    """
    values = np.zeros(shape)
    there = np.zeros(shape, dtype=bool)
    own, places = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    digits = np.zeros(shape, dtype=np.int64)
    coarse, coarse_digits = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for i, line in enumerate(written.cells):
        for j, cell in enumerate(line):
            if isinstance(cell, Figure):
                there[i, j], values[i, j] = True, cell.value
                own[i, j], digits[i, j], places[i, j] = _own(cell), cell.digits, cell.decimals
                coarse[i, j], coarse_digits[i, j] = _with_idle_zeros(cell)
    exact = there & (own == 0)
    habit = np.where(exact, 0.0, np.minimum(own, 0.5 * 10.0**-decimals))
    largest = float(np.abs(values[there]).max(initial=0.0))
    fine = there & (exact | says_enough(largest, decimals, asked))
    by_digits = exact | (_enough_digits(digits, places, asked) & (values != 0))
    readings = [_reading(values, own, by_digits, cut=cut)]
    if usual is not None:
        readings.insert(0, _reading(values, habit, fine, cut=cut))
    if (coarse > own).any():
        enough = exact | _enough_digits(coarse_digits, places, asked)
        readings.append(_reading(values, coarse, enough, cut=cut))
    if usual is not None and usual > decimals:
        whole = np.where(exact, 0.0, np.minimum(own, 0.5 * 10.0**-usual))
        fine = there & (exact | says_enough(largest, usual, asked))
        readings.append(_reading(values, whole, fine, cut=cut))
    first = readings[0]
    return Numbers(
        values,
        there,
        tuple(readings),
        0.5 * 10.0**-decimals,
        first.low,
        first.high,
        first.half,
        first.enough,
    )


def _own(cell: Figure) -> float:
    """Half a unit of the last digit, and of a zero no more than a whole number's."""
    return min(cell.half_unit, 0.5) if cell.value == 0 else cell.half_unit


def _with_idle_zeros(cell: Figure) -> tuple[float, int]:
    """Half a unit, and the digits, of a whole number whose last zeros only keep its place."""
    whole = cell.decimals == 0 and cell.value != 0 and float(cell.value).is_integer()
    text = str(abs(int(cell.value))) if whole and abs(cell.value) < 1e15 else ""
    idle = min(len(text) - len(text.rstrip("0")), max(len(text) - 2, 0))
    return (cell.half_unit * 10.0**idle, cell.digits - idle) if idle else (_own(cell), cell.digits)


def says_enough(largest: float, decimals: int, asked: AnswerDigits) -> bool:
    """Whether a quantity shows enough at so many decimals, by its largest entry."""
    if asked.decimals is not None:
        return decimals >= asked.decimals
    if asked.digits is not None:
        return largest >= 10.0 ** (asked.digits - 1 - decimals)
    return round(largest * 10.0**decimals, 6) >= (1 if decimals >= FINE else 10)


def _enough_digits(
    digits: NDArray[np.int64], places: NDArray[np.int64], asked: AnswerDigits
) -> Mask:
    """Whether each number shows enough by its own digits."""
    if asked.decimals is not None:
        return np.asarray(places >= asked.decimals)
    if asked.digits is not None:
        return np.asarray(digits >= asked.digits)
    return np.asarray((digits >= 2) | (places >= FINE))


def _reading(values: Floats, half: Floats, enough: Mask, *, cut: bool) -> DigitReading:
    noise = np.abs(values) * NOISE
    low, high = values - half - noise, values + half + noise
    if cut:  # a whole unit away from zero, and none towards it
        high = np.where(values >= 0, values + 2 * half + noise, values + noise)
        low = np.where(values <= 0, values - 2 * half - noise, values - noise)
    return DigitReading(low, high, half, enough)
