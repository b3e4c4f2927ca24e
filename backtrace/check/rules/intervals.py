"""Intervals for whole matrices, rounded outward: what a value can be, given what was written.

An ``Interval`` holds, for every entry, one or more pieces [lo, hi]; several pieces are a union
(ReLU′ of a z near 0 is 0 or 1, nothing between). Arrays are pieces × rows × columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backtrace.check.rules.operand import ArrayOperand, Plain

Floats: TypeAlias = NDArray[np.float64]
RealFunction: TypeAlias = Callable[[Floats], Floats]

EPS = 2.0**-52
UNBOUNDED = 1e300  # stands for infinity, so that 0 times it is 0 and not nan
BOUNDLESS = UNBOUNDED / 1e20  # what it may have come to, multiplied by what stands on a sheet
MOST_PIECES = 6
SINGLE = 1e-11  # an interval no wider than this, relatively, is one number with rounding noise,
NOISE = 1e-15  # and so is one as narrow as what is left where larger numbers cancel


class Interval(ArrayOperand):
    """Every entry's pieces; ``lo is hi`` where all entries are single exact numbers."""

    __slots__ = ("hi", "lo")

    def __init__(self, lo: Floats, hi: Floats) -> None:
        self.lo = lo
        self.hi = hi

    @property
    def exact(self) -> bool:
        return self.lo is self.hi

    @property
    def shape(self) -> tuple[int, ...]:
        return self.lo.shape[1:]

    @property
    def T(self) -> Interval:  # noqa: N802
        lo = self.lo.swapaxes(1, 2)
        return Interval(lo, lo if self.exact else self.hi.swapaxes(1, 2))

    def rearranged(self, arrangement: Callable[[Plain], Plain]) -> Interval:
        lo = _each_piece(self.lo, arrangement)
        return Interval(lo, lo if self.exact else _each_piece(self.hi, arrangement))

    @property
    def unbounded(self) -> NDArray[np.bool_]:
        """Which entries nothing can be said of."""
        wide = (self.lo <= -BOUNDLESS) | (self.hi >= BOUNDLESS)
        return np.asarray(wide[0] if len(wide) == 1 else wide.any(axis=0))


def _each_piece(x: Floats, arrangement: Callable[[Plain], Plain]) -> Floats:
    if len(x) == 1:
        return arrangement(x[0])[None]
    return np.stack([arrangement(piece) for piece in x])


def point(values: Any) -> Interval:
    """Exact numbers: an array, or a scalar as 1 × 1."""
    array = np.array(values, dtype=np.float64, ndmin=2)[None]
    array = _within(array, -UNBOUNDED, UNBOUNDED)  # a mask has −∞
    return Interval(array, array)


def some(mask: Any) -> bool:
    """Whether any is so, or not 0; ``any`` takes as long as ten additions of so small matrices."""
    return bool(np.count_nonzero(mask))


def every(mask: Any) -> bool:
    """Whether all are so: ``all``, which takes twice as long."""
    return bool(np.count_nonzero(mask) == mask.size)


def between(lo: Floats, hi: Floats) -> Interval:
    """One piece an entry, between two matrices."""
    return Interval(lo[None], hi[None])


def hull(x: Interval) -> Interval:
    """One piece an entry, from the lowest to the highest."""
    if x.lo.shape[0] == 1:
        return x
    return Interval(x.lo.min(axis=0, keepdims=True), x.hi.max(axis=0, keepdims=True))


def either(x: Interval, y: Interval) -> Interval:
    """From the lower of two to the higher, piece by piece."""
    return Interval(np.minimum(x.lo, y.lo), np.maximum(x.hi, y.hi))


def in_any(ways: Iterable[Interval]) -> Interval:
    """The pieces of all of them."""
    lows, highs = zip(*((each.lo, each.hi) for each in ways), strict=True)
    return Interval(np.concatenate(lows), np.concatenate(highs))


def outward(lo: Floats, hi: Floats, ulps: float = 4.0) -> Interval:
    """The interval a little wider than computed, by ``ulps`` of each bound, and bounded.

    A bound of exactly 0 stays: a ReLU that is off is off, and a float that has underflowed to 0
    is 0 for the student's calculator as well.
    """
    return bounded(lo - np.abs(lo) * (ulps * EPS), hi + np.abs(hi) * (ulps * EPS))


def bounded(lo: Floats, hi: Floats) -> Interval:
    return Interval(np.fmax(lo, -UNBOUNDED), np.fmin(hi, UNBOUNDED))


def clipped(x: Interval, low: float | Floats, high: float | Floats) -> Interval:
    """The part of the interval inside the range of an operation."""
    return Interval(_within(x.lo, low, high), _within(x.hi, low, high))


def _within(x: Floats, low: float | Floats, high: float | Floats) -> Floats:
    """``np.clip``, which takes three times as long."""
    return np.minimum(np.maximum(x, low), high)


# Arithmetic: what NumPy's functions make of intervals


def _interval(x: Any) -> Interval:
    return x if isinstance(x, Interval) else point(x)


def _is_number(x: Any) -> bool:
    return not isinstance(x, Interval) and np.ndim(x) == 0


def _paired(x: Any, y: Any) -> tuple[Interval, Interval]:
    """Two intervals, every piece of the one against every piece of the other; hulls where that
    would be too many."""
    x, y = _interval(x), _interval(y)
    first, second = len(x.lo), len(y.lo)
    if first == 1 or second == 1:
        return x, y
    if first * second > MOST_PIECES:
        return hull(x), hull(y)
    one, two = np.repeat(np.arange(first), second), np.tile(np.arange(second), first)
    return Interval(x.lo[one], x.hi[one]), Interval(y.lo[two], y.hi[two])


def added(x: Any, y: Any) -> Interval:
    if _is_number(y) and y == 0:
        return _interval(x)
    x, y = _paired(x, y)
    return outward(x.lo + y.lo, x.hi + y.hi, 2)


def subtracted(x: Any, y: Any) -> Interval:
    x, y = _paired(x, y)
    return outward(x.lo - y.hi, x.hi - y.lo, 2)


def multiplied(x: Any, y: Any) -> Interval:
    """Entry by entry, with broadcasting; a thing times itself is its square, never below 0."""
    if _is_number(x) or _is_number(y):
        return scaled(x, float(y)) if _is_number(y) else scaled(y, float(x))
    if x is y:
        return _squared(x)
    x, y = _paired(x, y)
    return outward(*extremes(np.multiply, x, y), 2)


def extremes(function: np.ufunc, x: Interval, y: Interval) -> tuple[Floats, Floats]:
    """The least and the most at the ends of both."""
    xs = (x.lo,) if x.exact else (x.lo, x.hi)
    ys = (y.lo,) if y.exact else (y.lo, y.hi)
    ends = [function(one, two) for one in xs for two in ys]
    lo = hi = ends[0]
    for end in ends[1:]:
        lo, hi = np.minimum(lo, end), np.maximum(hi, end)
    return lo, hi


def scaled(x: Interval, factor: float) -> Interval:
    """``factor`` times the interval; negating is exact."""
    if factor == 1:
        return x
    if abs(factor) == 1:
        return negated(x)
    lo, hi = x.lo * factor, x.hi * factor
    return outward(lo, hi, 2) if factor > 0 else outward(hi, lo, 2)


def negated(x: Interval) -> Interval:
    return Interval(-x.hi, -x.lo)


def divided(x: Any, y: Any) -> Interval:
    """Entry by entry; unbounded where the divisor may be 0."""
    if _is_number(y):
        return x if y == 1 else _over_number(x, float(y))
    x, y = _paired(x, y)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        lo, hi = extremes(np.true_divide, x, y)
    through_zero = (y.lo <= 0) & (y.hi >= 0)
    return outward(
        np.where(through_zero, -UNBOUNDED, np.nan_to_num(lo, nan=-UNBOUNDED)),
        np.where(through_zero, UNBOUNDED, np.nan_to_num(hi, nan=UNBOUNDED)),
    )


def _over_number(x: Interval, n: float) -> Interval:
    lo, hi = x.lo / n, x.hi / n
    return outward(lo, hi, 2) if n > 0 else outward(hi, lo, 2)


def absolute(x: Interval) -> Interval:
    one, two = np.abs(x.lo), np.abs(x.hi)
    least = np.where((x.lo <= 0) & (x.hi >= 0), 0.0, np.minimum(one, two))
    return Interval(least, np.maximum(one, two))


def _squared(x: Interval) -> Interval:
    size = absolute(x)
    return outward(size.lo * size.lo, size.hi * size.hi, 2)


def _root(x: Interval) -> Interval:
    x = clipped(x, 0.0, UNBOUNDED)
    return outward(np.sqrt(x.lo), np.sqrt(x.hi))


def _logarithm(x: Interval) -> Interval:
    """Unbounded below where it may be taken of 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        lo, hi = (np.log(np.maximum(end, 0.0)) for end in (x.lo, x.hi))
    return outward(lo, hi)


def _maximum(x: Any, y: Any) -> Interval:
    x, y = _paired(x, y)
    return Interval(np.maximum(x.lo, y.lo), np.maximum(x.hi, y.hi))


def _minimum(x: Any, y: Any) -> Interval:
    x, y = _paired(x, y)
    return Interval(np.minimum(x.lo, y.lo), np.minimum(x.hi, y.hi))


def product(x: Any, y: Any) -> Interval:
    """The matrix product: every entry a sum of products of intervals."""
    if _interval(x).shape == _interval(y).shape == (1, 1):
        return multiplied(_interval(x), _interval(y))
    x, y = hull(_interval(x)), hull(_interval(y))
    xl, xh, yl, yh = x.lo[0], x.hi[0], y.lo[0], y.hi[0]
    if x.exact:
        up, down = np.maximum(xl, 0.0), np.minimum(xl, 0.0)
        lo, hi = up @ yl + down @ yh, up @ yh + down @ yl
    elif y.exact:
        up, down = np.maximum(yl, 0.0), np.minimum(yl, 0.0)
        lo, hi = xl @ up + xh @ down, xh @ up + xl @ down
    else:
        across, below = Interval(xl[:, :, None], xh[:, :, None]), Interval(yl[None], yh[None])
        lo, hi = (end.sum(axis=1) for end in extremes(np.multiply, across, below))
    size = np.maximum(np.abs(xl), np.abs(xh)) @ np.maximum(np.abs(yl), np.abs(yh))
    slack = size * ((xl.shape[1] + 4) * EPS)
    return bounded((lo - slack)[None], (hi + slack)[None])


def summed(
    x: Interval, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
) -> Interval:
    """The sum along an axis; over all entries it stays 1 × 1."""
    if x.shape == (1, 1) and len(x.lo) > 1 and (axis is None or keepdims):
        return x  # of one number
    x = hull(x)
    lo, hi = x.lo[0], x.hi[0]
    size = np.maximum(np.abs(lo), np.abs(hi)).sum(axis=axis, keepdims=keepdims)
    slack = size * ((lo.size // max(np.size(size), 1) + 2) * EPS)
    least = lo.sum(axis=axis, keepdims=keepdims) - slack
    most = hi.sum(axis=axis, keepdims=keepdims) + slack
    return bounded(np.array(least, ndmin=2)[None], np.array(most, ndmin=2)[None])


def _jacobian_product(subscripts: str, jacobians: Interval, errors: Interval) -> Interval:
    """``einsum("sij,sj->si")``."""
    return summed(jacobians * errors[:, None, :], axis=-1)


# Comparisons are 0 or 1, or anything between where they may turn out either way


def _greater(x: Any, y: Any) -> Interval:
    x, y = _paired(x, y)
    return Interval((x.lo > y.hi) * 1.0, (x.hi > y.lo) * 1.0)


def _equal(x: Any, y: Any) -> Interval:
    x, y = _paired(x, y)
    maybe = (x.lo <= y.hi) & (y.lo <= x.hi)
    return Interval((maybe & (x.lo == x.hi) & (y.lo == y.hi)) * 1.0, maybe * 1.0)


def _chosen(condition: Any, x: Any, y: Any) -> Interval:
    """``np.where``: both where the condition may turn out either way."""
    condition, x, y = (hull(_interval(each)) for each in (condition, x, y))
    yes, no = condition.lo > 0, condition.hi == 0
    lo = np.where(yes, x.lo, np.where(no, y.lo, np.minimum(x.lo, y.lo)))
    hi = np.where(yes, x.hi, np.where(no, y.hi, np.maximum(x.hi, y.hi)))
    return Interval(lo, hi)


def _concatenated(operands: Sequence[Any], axis: int) -> Interval:
    parts = [_interval(operand) for operand in operands]
    pieces = max(len(part.lo) for part in parts)

    def joined(ends: Sequence[Floats]) -> Floats:
        whole = [np.broadcast_to(end, (pieces, *end.shape[1:])) for end in ends]
        return np.concatenate(whole, axis=axis)

    return Interval(joined([part.lo for part in parts]), joined([part.hi for part in parts]))


Interval.functions = {
    np.add: added,
    np.subtract: subtracted,
    np.multiply: multiplied,
    np.true_divide: divided,
    np.negative: negated,
    np.absolute: absolute,
    np.sqrt: _root,
    np.log: _logarithm,
    np.maximum: _maximum,
    np.minimum: _minimum,
    np.matmul: product,
    np.greater: _greater,
    np.less: lambda x, y: _greater(y, x),
    np.equal: _equal,
    np.sum: summed,
    np.dot: product,
    np.where: _chosen,
    np.concatenate: _concatenated,
    np.einsum: _jacobian_product,
}


# Functions of one variable


def mapped(
    x: Interval,
    function: RealFunction,
    turning: tuple[float, ...] = (),
    jumps: tuple[float, ...] = (),
) -> Interval:
    """The image under a function that is monotonic between its ``turning`` points and ``jumps``.

    At a jump that an interval reaches, the image is the union of the images on either side and
    of the value there.
    """
    for jump in jumps:
        if some((x.lo <= jump) & (x.hi >= jump)):
            return _jumping(x, function, turning, jumps)
    return outward(*_image(x.lo, x.hi, function, turning))


def _image(
    lo: Floats, hi: Floats, function: RealFunction, turning: tuple[float, ...]
) -> tuple[Floats, Floats]:
    ends = np.asarray(function(lo if lo is hi else np.concatenate((lo, hi))), dtype=np.float64)
    one, two = ends[: len(lo)], ends[-len(hi) :]
    least, most = np.minimum(one, two), np.maximum(one, two)
    for at in turning:
        inside = (lo < at) & (hi > at)
        if some(inside):
            value = float(np.asarray(function(np.array([[at]])))[0, 0])
            least = np.where(inside, np.minimum(least, value), least)
            most = np.where(inside, np.maximum(most, value), most)
    return least, most


def _jumping(
    x: Interval,
    function: RealFunction,
    turning: tuple[float, ...],
    jumps: tuple[float, ...],
) -> Interval:
    x = hull(x)
    found: list[tuple[Floats, Floats, NDArray[np.bool_]]] = []
    edges = (-np.inf, *sorted(jumps), np.inf)
    for left, right in pairwise(edges):
        lo = np.maximum(x.lo, np.nextafter(left, np.inf))
        hi = np.minimum(x.hi, np.nextafter(right, -np.inf))
        there = lo <= hi
        safe_lo, safe_hi = np.where(there, lo, hi), hi
        found.append((*_image(safe_lo, safe_hi, function, turning), there))
    for jump in jumps:
        value = float(np.asarray(function(np.array([[jump]])))[0, 0])
        there = (x.lo <= jump) & (x.hi >= jump)
        found.append((np.full_like(x.lo, value), np.full_like(x.lo, value), there))
    return _united(found)


def _united(found: list[tuple[Floats, Floats, NDArray[np.bool_]]]) -> Interval:
    """The pieces that are there; a piece that is not repeats one that is."""
    lo, hi, seen = found[0]
    for one, two, there in found[1:]:
        lo, hi = np.where(seen, lo, one), np.where(seen, hi, two)
        seen = seen | there
    lows = [np.where(there, one, lo) for one, _, there in found]
    highs = [np.where(there, two, hi) for _, two, there in found]
    return outward(np.concatenate(lows), np.concatenate(highs))


def single(x: Interval) -> NDArray[np.bool_]:
    """Which entries are one number (up to rounding noise)."""
    whole = hull(x)
    lo, hi = whole.lo[0], whole.hi[0]
    return np.asarray(hi - lo <= SINGLE * np.abs(lo) + NOISE)


def is_left_alone(value: Floats, rounded: Floats, unit: Floats | float) -> NDArray[np.bool_]:
    """Whether rounding to a multiple of ``unit`` changes nothing but float noise."""
    return np.asarray(
        np.abs(value - rounded) <= np.minimum(SINGLE * (1 + np.abs(value)), unit / 1e3)
    )


def widened(x: Interval, slack: Floats | float, unit: Floats | float) -> Interval:
    """``x``, a line that may have been rounded to a multiple of ``unit``, by up to ``slack``.

    A single number that this rounding leaves alone stays as it is: 3.7 is 3.7 to any number of
    decimals from one on.
    """
    alone = single(x)
    if not some(alone):
        return Interval(x.lo - slack, x.hi + slack)
    middle = (x.lo + x.hi) / 2
    rounded = np.rint(middle / unit) * unit
    kept = alone[None] & is_left_alone(middle, rounded, unit)
    if every(kept):
        return x
    return Interval(np.where(kept, x.lo, x.lo - slack), np.where(kept, x.hi, x.hi + slack))
