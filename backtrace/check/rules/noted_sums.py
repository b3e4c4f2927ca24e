"""What sums give whose addends are noted with known digits: products, shares, parts of an update.

Between two numbers as they are noted there is none: where few sums come of them, each is a piece of
its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backtrace.check.rules.evaluation import interval
from backtrace.check.rules.intervals import (
    Interval,
    divided,
    hull,
    in_any,
    multiplied,
    negated,
    scaled,
    subtracted,
)
from backtrace.check.rules.noting import Noting, chosen, size_of
from backtrace.check.rules.partial_results import products_of
from backtrace.functions.activations import Parameters
from backtrace.tape.equation_operations import entries_of
from backtrace.tape.setting import Setting

MOST_SUMS = 9  # that are told apart
HALF_SQUARES = {  # 0: of each output
    "half_sse": 0.5,
    "half_mse": 0.5,
    "huber": 0.5,
    "mse_elements": 0.0,
}


def rounded_matmul(s: Setting, p: Parameters, noting: Noting, x: Interval, y: Interval) -> Interval:
    """A product with 0 or 1, or one that is the whole line, need not be noted, and may be."""
    products, trivial = products_of(s, p, x, y)
    n = p.get("samples", 1)
    alone = products.shape[1] == 1 and n == 1
    found = _sums(noting, products, 2, trivial | alone)
    if n > 1 and noting.digits is not None:  # a sum of so many decimals has them already
        found = in_any((found, noting.rounded(found)))
    noise = 1e-12 * (np.abs(found.lo) + np.abs(found.hi))
    return Interval((found.lo - noise) / n, (found.hi + noise) / n)


def _sums(noting: Noting, x: Interval, axis: int, trivial: Any = False) -> Interval:
    """What numbers add up to along an axis (pieces first) that were noted one by one."""
    return in_any(_sum_of(noting, x, way, axis) for way in noting.ways(x, trivial))


def _sum_of(noting: Noting, x: Interval, way: Interval, axis: int) -> Interval:
    """The sum of ``x`` noted in a ``way``: between two noted numbers there is none, and so the sums
    are pieces of their own where they are few."""
    kept = (way.lo == x.lo) & (way.hi == x.hi)
    unit = noting.unit(np.maximum(np.abs(way.lo), np.abs(way.hi)))
    steps = np.where(kept | (unit == 0), 0.0, (way.hi - way.lo) / np.where(unit == 0, 1.0, unit))
    steps = np.nan_to_num(np.round(steps), nan=np.inf)
    width = np.where(kept, way.hi - way.lo, 0.0).sum(axis=axis)
    if noting.digits is None:  # all of one unit
        steps, unit = (f(x, axis=axis, keepdims=True) for f, x in ((np.sum, steps), (np.max, unit)))
    lows = [way.lo.sum(axis=axis)]
    for count, size in zip(np.moveaxis(steps, axis, 0), np.moveaxis(unit, axis, 0), strict=True):
        if len(lows) * (count.max() + 1) > MOST_SUMS:
            width = width + count * size
        else:
            ups = [np.minimum(up, count) * size for up in range(int(count.max()) + 1)]
            lows = [low + up for low in lows for up in ups]
    low = np.concatenate(lows)
    return Interval(low, low + width)


def rounded_whole(operation: str) -> Callable[..., Interval]:
    """A line that is a product by itself."""

    def rounded(s: Setting, p: Parameters, noting: Noting, *operands: Interval) -> Interval:
        return one_by_one(noting, interval(operation, s, p, *operands))

    return rounded


def one_by_one(noting: Noting, x: Interval) -> Interval:
    """Numbers as they may be noted."""
    ends = hull(x)
    return _sums(noting, Interval(ends.lo[:, None], ends.hi[:, None]), 1)


def rounded_terms(s: Setting, p: Parameters, noting: Noting, *operands: Interval) -> Interval:
    """Each addend, or its square before it is halved; of a margin what it is taken from as well."""
    from_error = len(operands) == 1
    operation = "loss_terms_from_error" if from_error else "loss_terms"
    if p["loss"] == "hinge":
        a, y = operands
        ways = [one_by_one(noting, a), chosen(y.lo != 0, one_by_one(noting, a), a)]
        terms = [interval(operation, s, p, each, y) for each in ways]
        return in_any((*terms, *(one_by_one(noting, each) for each in terms)))
    whole = rounded_whole(operation)(s, p, noting, *operands)
    if p["loss"] not in HALF_SQUARES:
        return whole
    error = operands[0] if from_error else subtracted(*operands)
    share = HALF_SQUARES[p["loss"]] or 1 / error.shape[1 - s.sample_axis]
    halves = scaled(one_by_one(noting, multiplied(error, error)), share)
    if p["loss"] == "huber":  # which is no square beyond δ
        ends, is_square = hull(whole), size_of(error) <= float(p["delta"])
        halves = Interval(
            np.where(is_square, halves.lo, ends.lo), np.where(is_square, halves.hi, ends.hi)
        )
    return in_any((whole, halves))


def rounded_share(s: Setting, p: Parameters, noting: Noting, x: Interval) -> Interval | None:
    """Each sample's share before the batch's sum, or the sum that is divided. A share that is a
    number of the page may be taken as it stands there, or as it was noted."""
    n = p.get("samples", 1)
    if n == 1:
        return _sum_of_shares(s, p, noting, x, trivial=True)
    ways = [_sum_of_shares(s, p, noting, scaled(x, 1 / n))]
    if noting.digits is not None:  # a sum of so many decimals has them already
        whole = interval("sum_samples", s, {**p, "samples": 1}, x)
        ways.append(scaled(noting.rounded(whole), 1 / n))
    return in_any(ways)


def _sum_of_shares(
    s: Setting, p: Parameters, noting: Noting, shares: Interval, trivial: bool = False
) -> Interval:
    if p.get("all"):
        shares = Interval(*(end.reshape(1, -1, 1, 1) for end in (shares.lo, shares.hi)))
        whole = _sums(noting, shares, 1, trivial)
    else:
        axis = 1 + s.sample_axis
        found = _sums(noting, shares, axis, trivial)
        whole = Interval(*(np.expand_dims(end, axis) for end in (found.lo, found.hi)))
    return negated(whole) if p.get("negate") else whole


def rounded_addends(
    s: Setting, p: Parameters, noting: Noting, *addends: Interval
) -> Interval | None:
    """What several ways or parts of a line add up to, each as it stands or as it was noted."""
    if len({each.shape for each in addends}) > 1:
        return None
    low, high = ([each.lo for each in addends], [each.hi for each in addends])
    return _sums(noting, Interval(np.stack(low, 1), np.stack(high, 1)), 1, trivial=True)


def rounded_difference(
    s: Setting, p: Parameters, noting: Noting, x: Interval, y: Interval
) -> Interval | None:
    return rounded_addends(s, p, noting, x, negated(y))


def rounded_reduction(s: Setting, p: Parameters, noting: Noting, x: Interval) -> Interval | None:
    """A sum or a mean of numbers, each as it stands or as it was noted."""
    if p["reduce"] not in ("sum", "mean"):
        return None
    axis = {"column": 1, "row": 2}.get(p.get("each", ""))
    if axis is None:
        flat = Interval(*(end.reshape(1, -1, 1, 1) for end in (x.lo, x.hi)))
        whole = _sums(noting, flat, 1, trivial=True)
    else:
        found = _sums(noting, x, axis, trivial=True)
        whole = Interval(*(np.expand_dims(end, axis) for end in (found.lo, found.hi)))
    return scaled(whole, 1 / entries_of(p, x.shape)) if p["reduce"] == "mean" else whole


def rounded_share_of_all(s: Setting, p: Parameters, noting: Noting, x: Interval) -> Interval | None:
    return rounded_share(s, {**p, "all": True}, noting, x)


def rounded_jacobian_product(
    s: Setting, p: Parameters, noting: Noting, da: Interval, g: Interval, *limit_of: Interval
) -> Interval | None:
    """Each product before the sum, sample by sample."""
    if limit_of:
        return None
    da, g = s.rows(da), s.rows(g)
    samples, k = da.shape
    blocks = Interval(*(end.reshape(-1, samples, k, k) for end in (g.lo, g.hi)))
    across = Interval(*(end[:, :, None, :] for end in (da.lo, da.hi)))
    turned: Interval = s.rows(_sums(noting, multiplied(blocks, across), 3))
    return turned


def rounded_gradient(
    s: Setting, p: Parameters, noting: Noting, x: Interval, *others: Interval
) -> Interval | None:
    """The error before it is multiplied, each sample's gradient before the mean; of a quotient
    also what it is divided by."""
    if len(others) > 1:  # from z as well
        return None
    single = {**p, "samples": 1}
    whole = interval("loss_gradient", s, single, x, *others)
    ways = [one_by_one(noting, whole)]
    if not others:
        ways.append(interval("loss_gradient", s, single, one_by_one(noting, x)))
    elif p["loss"] == "binary_cross_entropy":
        below = _kept_from_zero(noting, multiplied(x, subtracted(1.0, x)))
        quotient = divided(interval("error", s, p, x, *others), below)
        ways += [quotient, one_by_one(noting, quotient)]
    return scaled(in_any(ways), 1 / p.get("samples", 1))


def rounded_gradient_of_activation(
    s: Setting, p: Parameters, noting: Noting, a: Interval, y: Interval
) -> Interval | None:
    return rounded_gradient(s, p, noting, interval("error", s, p, a, y))


def _kept_from_zero(noting: Noting, x: Interval) -> Interval:
    """Numbers as they may be noted, by none of which one may divide as 0."""
    noted = one_by_one(noting, x)
    is_none = noted.lo <= 0
    return Interval(np.where(is_none, x.lo, noted.lo), np.where(is_none, x.hi, noted.hi))
