"""Intervals for whole matrices, rounded outward: what a value can be, given what was written.

A ``Box`` holds, for every entry, one or more pieces [lo, hi]; several pieces are a union (ReLU′ of
a z near 0 is 0 or 1, nothing between). Arrays are pieces × rows × columns; scalars are 1 × 1.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

EPS = 2.0**-52
UNBOUNDED = 1e300  # stands for infinity, so that 0 times it is 0 and not nan
MOST_PIECES = 6
SINGLE = 1e-11  # an interval no wider than this, relatively, is one number with rounding noise,
NOISE = 1e-15  # and so is one as narrow as what is left where larger numbers cancel


class Box(msgspec.Struct, frozen=True, eq=False):
    """Every entry's pieces; ``lo is hi`` where all entries are single exact numbers."""

    lo: Floats
    hi: Floats

    @property
    def exact(self) -> bool:
        return self.lo is self.hi

    @property
    def shape(self) -> tuple[int, int]:
        _, rows, columns = self.lo.shape
        return rows, columns

    @property
    def unbounded(self) -> NDArray[np.bool_]:
        """Which entries nothing can be said of."""
        wide = (self.lo <= -UNBOUNDED / 10) | (self.hi >= UNBOUNDED / 10)
        return np.asarray(wide.any(axis=0))


def point(values: Any) -> Box:
    """Exact numbers: a 2-D array, or a scalar as 1 × 1."""
    array = np.array(values, dtype=np.float64, ndmin=2)[None]
    return Box(array, array)


def box(lo: Floats, hi: Floats) -> Box:
    return Box(lo[None], hi[None])


def hull(x: Box) -> Box:
    """One piece an entry, from the lowest to the highest."""
    if x.lo.shape[0] == 1:
        return x
    return Box(x.lo.min(axis=0, keepdims=True), x.hi.max(axis=0, keepdims=True))


def outward(lo: Floats, hi: Floats, ulps: float = 4.0) -> Box:
    """The box a little wider than computed, by ``ulps`` of each bound, and bounded.

    A bound of exactly 0 stays: a ReLU that is off is off, and a float that has underflowed to 0
    is 0 for the student's calculator as well.
    """
    return bounded(lo - np.abs(lo) * (ulps * EPS), hi + np.abs(hi) * (ulps * EPS))


def bounded(lo: Floats, hi: Floats) -> Box:
    return Box(np.fmax(lo, -UNBOUNDED), np.fmin(hi, UNBOUNDED))


def clipped(x: Box, low: float, high: float) -> Box:
    """The part of the box inside the range of an operation."""
    return Box(np.clip(x.lo, low, high), np.clip(x.hi, low, high))


def transposed(x: Box) -> Box:
    lo = x.lo.swapaxes(1, 2)
    return Box(lo, lo if x.exact else x.hi.swapaxes(1, 2))


def scaled(x: Box, factor: float) -> Box:
    """``factor`` times the box; negating is exact."""
    if factor == 1:
        return x
    if abs(factor) == 1:
        return Box(-x.hi, -x.lo)
    one, two = x.lo * factor, x.hi * factor
    return outward(np.minimum(one, two), np.maximum(one, two), 2)


def divided(x: Box, n: float) -> Box:
    return x if n == 1 else outward(x.lo / n, x.hi / n, 2)


def pieces(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Two arrays with every piece of the one against every piece of the other."""
    if x.shape[0] == 1 or y.shape[0] == 1:
        return x, y
    count = x.shape[0] * y.shape[0]
    first = np.repeat(x, y.shape[0], axis=0)
    second = np.tile(y, (x.shape[0], 1, 1))
    assert first.shape[0] == count
    return first, second


def paired(x: Box, y: Box) -> tuple[Box, Box]:
    """Two boxes with their pieces paired; hulls where that would be too many."""
    if x.lo.shape[0] * y.lo.shape[0] > MOST_PIECES:
        x, y = hull(x), hull(y)
    (xl, yl), (xh, yh) = pieces(x.lo, y.lo), pieces(x.hi, y.hi)
    return Box(xl, xh), Box(yl, yh)


def added(x: Box, y: Box) -> Box:
    x, y = paired(x, y)
    return outward(x.lo + y.lo, x.hi + y.hi, 2)


def subtracted(x: Box, y: Box) -> Box:
    x, y = paired(x, y)
    return outward(x.lo - y.hi, x.hi - y.lo, 2)


def multiplied(x: Box, y: Box) -> Box:
    """Entry by entry, with broadcasting."""
    x, y = paired(x, y)
    products = (x.lo * y.lo, x.lo * y.hi, x.hi * y.lo, x.hi * y.hi)
    lo = np.minimum(np.minimum(products[0], products[1]), np.minimum(products[2], products[3]))
    hi = np.maximum(np.maximum(products[0], products[1]), np.maximum(products[2], products[3]))
    return outward(lo, hi, 2)


def quotient(x: Box, y: Box) -> Box:
    """Entry by entry; unbounded where the divisor may be 0."""
    x, y = paired(x, y)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        quotients = np.stack(
            np.broadcast_arrays(x.lo / y.lo, x.lo / y.hi, x.hi / y.lo, x.hi / y.hi)
        )
    lo, hi = quotients.min(axis=0), quotients.max(axis=0)
    through_zero = (y.lo <= 0) & (y.hi >= 0)
    return outward(
        np.where(through_zero, -UNBOUNDED, np.nan_to_num(lo, nan=-UNBOUNDED)),
        np.where(through_zero, UNBOUNDED, np.nan_to_num(hi, nan=UNBOUNDED)),
    )


def squared(x: Box) -> Box:
    """x² as one function: never below 0."""
    one, two = np.abs(x.lo), np.abs(x.hi)
    least = np.where((x.lo <= 0) & (x.hi >= 0), 0.0, np.minimum(one, two))
    most = np.maximum(one, two)
    return clipped(outward(least * least, most * most, 2), 0.0, UNBOUNDED)


def absolute(x: Box) -> Box:
    one, two = np.abs(x.lo), np.abs(x.hi)
    least = np.where((x.lo <= 0) & (x.hi >= 0), 0.0, np.minimum(one, two))
    return Box(least, np.maximum(one, two))


def product(x: Box, y: Box) -> Box:
    """The matrix product: every entry a sum of products of intervals."""
    x, y = hull(x), hull(y)
    xl, xh, yl, yh = x.lo[0], x.hi[0], y.lo[0], y.hi[0]
    if x.exact:
        up, down = np.maximum(xl, 0.0), np.minimum(xl, 0.0)
        lo, hi = up @ yl + down @ yh, up @ yh + down @ yl
    elif y.exact:
        up, down = np.maximum(yl, 0.0), np.minimum(yl, 0.0)
        lo, hi = xl @ up + xh @ down, xh @ up + xl @ down
    else:
        lo, hi = _interval_product(xl, xh, yl, yh)
    size = np.maximum(np.abs(xl), np.abs(xh)) @ np.maximum(np.abs(yl), np.abs(yh))
    slack = size * ((xl.shape[1] + 4) * EPS)
    return bounded((lo - slack)[None], (hi + slack)[None])


def _interval_product(xl: Floats, xh: Floats, yl: Floats, yh: Floats) -> tuple[Floats, Floats]:
    left_lo, left_hi = xl[:, :, None], xh[:, :, None]
    right_lo, right_hi = yl[None], yh[None]
    one, two = left_lo * right_lo, left_lo * right_hi
    three, four = left_hi * right_lo, left_hi * right_hi
    lo = np.minimum(np.minimum(one, two), np.minimum(three, four)).sum(axis=1)
    hi = np.maximum(np.maximum(one, two), np.maximum(three, four)).sum(axis=1)
    return lo, hi


def summed(x: Box, axis: int | None) -> Box:
    """The sum over an axis of the matrix (0 rows, 1 columns), or over all entries."""
    x = hull(x)
    along: Any = (1, 2) if axis is None else axis + 1
    lo = x.lo.sum(axis=along, keepdims=True)
    hi = x.hi.sum(axis=along, keepdims=True)
    count = x.lo[0].size if axis is None else x.lo.shape[axis + 1]
    size = np.maximum(np.abs(x.lo), np.abs(x.hi)).sum(axis=along, keepdims=True)
    slack = size * ((count + 2) * EPS)
    return bounded(lo - slack, hi + slack)


def mapped(
    x: Box,
    function: Callable[[Floats], Floats],
    turning: tuple[float, ...] = (),
    jumps: tuple[float, ...] = (),
) -> Box:
    """The image under a function that is monotonic between its ``turning`` points and ``jumps``.

    At a jump that an interval reaches, the image is the union of the images on either side and
    of the value there.
    """
    for jump in jumps:
        if bool(((x.lo <= jump) & (x.hi >= jump)).any()):
            return _jumping(x, function, turning, jumps)
    return outward(*_image(x.lo, x.hi, function, turning))


def _image(
    lo: Floats, hi: Floats, function: Callable[[Floats], Floats], turning: tuple[float, ...]
) -> tuple[Floats, Floats]:
    one = np.asarray(function(lo), dtype=np.float64)
    two = one if lo is hi else np.asarray(function(hi), dtype=np.float64)
    least, most = np.minimum(one, two), np.maximum(one, two)
    for at in turning:
        inside = (lo < at) & (hi > at)
        if inside.any():
            value = float(np.asarray(function(np.array([[at]])))[0, 0])
            least = np.where(inside, np.minimum(least, value), least)
            most = np.where(inside, np.maximum(most, value), most)
    return least, most


def _jumping(
    x: Box,
    function: Callable[[Floats], Floats],
    turning: tuple[float, ...],
    jumps: tuple[float, ...],
) -> Box:
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


def _united(found: list[tuple[Floats, Floats, NDArray[np.bool_]]]) -> Box:
    """The pieces that are there; a piece that is not repeats one that is."""
    lo, hi, seen = found[0]
    for one, two, there in found[1:]:
        lo, hi = np.where(seen, lo, one), np.where(seen, hi, two)
        seen = seen | there
    lows = [np.where(there, one, lo) for one, _, there in found]
    highs = [np.where(there, two, hi) for _, two, there in found]
    return outward(np.concatenate(lows), np.concatenate(highs))


def either(x: Box, y: Box) -> Box:
    """The union: what one form or the other of a step allows."""
    shape = np.broadcast_shapes(x.lo.shape[1:], y.lo.shape[1:])

    def all_of(one: Floats, two: Floats) -> Floats:
        return np.concatenate([np.broadcast_to(a, (a.shape[0], *shape)) for a in (one, two)])

    return Box(all_of(x.lo, y.lo), all_of(x.hi, y.hi))


def single(x: Box) -> NDArray[np.bool_]:
    """Which entries are one number (up to rounding noise)."""
    whole = hull(x)
    lo, hi = whole.lo[0], whole.hi[0]
    return np.asarray(hi - lo <= SINGLE * np.abs(lo) + NOISE)


def widened(x: Box, slack: float, unit: float) -> Box:
    """The box of a line that may have been rounded to a multiple of ``unit``, by up to ``slack``.

    A single number that this rounding leaves alone stays as it is: 3.7 is 3.7 to any number of
    decimals from one on.
    """
    if slack == 0:
        return x
    middle = (x.lo + x.hi) / 2
    rounded = np.round(middle / unit) * unit
    unchanged = np.abs(middle - rounded) <= SINGLE * (1.0 + np.abs(middle))
    kept = single(x)[None] & unchanged
    if kept.all():
        return x
    return Box(np.where(kept, x.lo, x.lo - slack), np.where(kept, x.hi, x.hi + slack))
