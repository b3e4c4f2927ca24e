"""How partial results are noted down, and what rounding one does to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
import numpy as np

from backtrace.check.rules.intervals import (
    Floats,
    Interval,
    every,
    hull,
    is_left_alone,
    single,
    some,
)

TELLING = 20.0  # half units in the last place that make two significant digits
TIE = 1e-6  # of a unit that what was worked from exact numbers may lie off a tie
FINER = 10.0  # times as fine as a unit is the next


class Noting(msgspec.Struct, frozen=True):
    """How partial results are rounded: ``half`` a unit of a decimal each way, or to so many
    significant ``digits``, whichever is coarser. ``keeps``: whether what would show next to nothing
    stays in the calculator; None where that is not known. ``sums``: whether sums of what was noted
    are noted as well. ``cut``: digits are cut off instead. ``way``: in which of its ways
    a function is worked throughout (1/(1 + e⁻ᶻ), eᶻ/(1 + eᶻ)); None where it may be any.
    ``up``: a tie goes away from 0, as at school; else either way."""

    half: float
    digits: int | None = None
    keeps: bool | None = None
    sums: bool = False
    cut: bool = False
    way: int | None = None
    up: bool = False

    @property
    def share(self) -> float:
        """Of a unit in the last place, how much of a number may be lost."""
        return 1.0 if self.cut else 0.5

    @property
    def finer(self) -> Noting:
        """With one digit more."""
        digits = None if self.digits is None else self.digits + 1
        return msgspec.structs.replace(self, half=self.half / FINER, digits=digits)

    def error(self, size: Floats) -> Floats:
        """What is lost at most of numbers of this size: half a unit in the last place, or one."""
        return self.share * self.unit(size)

    def unit(self, size: Floats) -> Floats:
        """A unit in the last place of numbers of this size; 0 of 0 where digits are significant."""
        if self.digits is None:
            return _everywhere(size.shape, 2 * self.half)
        positive = size > 0
        if not every(positive):
            return np.where(positive, self.unit(np.where(positive, size, 1.0)), 0.0)
        place = np.floor(np.log10(size))
        return np.maximum(10.0 ** (place + 1 - self.digits), 2 * self.half)

    def error_of_sum(self, size: Floats) -> Floats:
        """The same of a sum of noted numbers: it has no more decimals than they have."""
        return np.zeros(np.shape(size)) if self.digits is None else self.error(size)

    def of_sums(self) -> tuple[Noting, ...]:
        """With sums noted or not; those of decimals have no more of them."""
        return (self,) if self.digits is None else (self, msgspec.structs.replace(self, sums=True))

    def sum(self, x: Floats) -> Floats:
        """A sum of noted numbers, as it is noted; a tie goes away from 0."""
        return self._rounded(x, np.sign(x)) if self.sums else x

    def rounded(self, x: Interval) -> Interval:
        """What the interval's numbers are rounded to: either way, where they lie between two; or
        cut off to, where what has no more digits stays."""
        return Interval(*ordered(self._rounded(x.lo, -1.0), self._rounded(x.hi, 1.0)))

    def ways(self, x: Interval, trivial: Any = False) -> Iterator[Interval]:
        """What may be noted of numbers: all of them rounded; the trivial ones as they are; also
        those that would show next to nothing, which may stay in the calculator."""
        rounded, tiny = self.rounded(x), size_of(x)[None] < TELLING * self.half
        first = tiny if self.keeps else np.zeros_like(tiny)
        yield chosen(first, x, rounded)
        for kept in (first | trivial, first | trivial | (tiny & (self.keeps is None))):
            if some(kept != first):
                yield chosen(kept, x, rounded)

    def error_in(self, x: Interval) -> Floats | float:
        """What is lost at most of the numbers of an interval."""
        if self.digits is None:
            return self.share * 2 * self.half
        return self.error(np.maximum(np.abs(x.lo), np.abs(x.hi)))

    def _rounded(self, x: Floats, side: float | Floats) -> Floats:
        # A tie goes to the side that the interval opens to.
        tie = np.copysign(TIE, x) if self.up else np.asarray(side * TIE)
        if self.digits is None and self.half > 0:
            return self._whole(x / (2 * self.half), tie) * (2 * self.half)
        unit = self.unit(np.abs(x))
        if every(unit):
            return self._whole(x / unit, tie) * unit
        safe = np.where(unit > 0, unit, 1.0)
        return np.where(unit > 0, self._whole(x / safe, tie) * safe, x)

    def _whole(self, units: Floats, tie: Floats) -> Floats:
        if self.cut:
            return np.asarray(np.trunc(units + np.copysign(TIE, units)))
        return np.asarray(np.rint(units + tie))

    def of(self, x: Interval) -> Floats:
        """What rounding may do to a partial result; nothing to a number that it leaves alone, and
        to one of less than half a unit no more than make it 0."""
        ends, alone = hull(x), single(x)
        lo, hi = ends.lo[0], ends.hi[0]
        size = np.maximum(np.abs(lo), np.abs(hi))
        full = self.unit(size)
        error: Floats = np.minimum(self.share * full, size)
        if not some(alone):
            return error
        middle, unit = (lo + hi) / 2, np.where(full > 0, full, 1.0)
        kept = is_left_alone(middle, np.rint(middle / unit) * unit, unit)
        return np.where(alone & kept, 0.0, error)


@lru_cache(maxsize=512)
def _everywhere(shape: tuple[int, ...], unit: float) -> Floats:
    found = np.full(shape, unit)
    found.setflags(write=False)
    return found


def chosen(which: Any, x: Interval, y: Interval) -> Interval:
    """Some numbers from the one, and the others from the other."""
    return Interval(np.where(which, x.lo, y.lo), np.where(which, x.hi, y.hi))


Slack: TypeAlias = Callable[..., Any]


def widened_by(x: Interval, off: Floats | float) -> Interval:
    if not some(off):
        return x
    return Interval(x.lo - off, x.hi + off)


def size_of(x: Interval) -> Floats:
    """How large its entries can be."""
    return np.asarray(np.maximum(np.abs(x.lo[0]), np.abs(x.hi[0])))


def noted_one_by_one(noting: Noting, x: Interval) -> Floats:
    """``Noting.of`` for an array of any number of axes."""
    shape = x.lo.shape[1:]
    flat = Interval(x.lo.reshape(1, 1, -1), x.hi.reshape(1, 1, -1))
    return noting.of(flat).reshape(shape)


def is_trivial(lo: Floats, hi: Floats) -> Any:
    """Who multiplies by 0 or by 1 notes nothing down."""
    return (lo == hi) & ((lo == 0) | (np.abs(lo) == 1))


def part(noting: Noting, factor: float | Floats, x: Interval) -> Floats:
    """What noting a constant times x may do: η·dW, β·v; or each of several, a line of x each."""
    return noting.of(Interval(*ordered(x.lo * factor, x.hi * factor)))


def ordered(one: Floats, two: Floats) -> tuple[Floats, Floats]:
    return np.minimum(one, two), np.maximum(one, two)
