"""Intervals of the operations of equations that are narrower than their lines give.

A softmax, a variance, the largest of several: each number stands in their lines more than once.
Here it is taken once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from backtrace.check.rules.interval_rules import (
    IntervalRule,
    derivative,
    loss_gradient,
    loss_terms,
)
from backtrace.check.rules.intervals import (
    Floats,
    Interval,
    clipped,
    hull,
    mapped,
    multiplied,
    summed,
)
from backtrace.check.rules.softmax_bounds import softmax
from backtrace.functions.activations import Parameters
from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.losses import LOSSES
from backtrace.tape.equation_operations import (
    EQUATION_OPERATIONS,
    entries_of,
    freedom,
    softmax_axis,
    spread_windows,
    windows,
)
from backtrace.tape.setting import Setting

# The chain rule


def _chain(
    s: Setting, p: Parameters, upstream: Interval, z: Interval, *learned: Interval
) -> Interval:
    return multiplied(upstream, derivative(s, p, z, *learned))


def _chain_from_activation(s: Setting, p: Parameters, upstream: Interval, a: Interval) -> Interval:
    """The slope as it is worked from the activation: 1 − tanh²."""
    row = FUNCTIONS[p["activation"]]
    from_a = row.derivative_from_activation
    assert from_a is not None
    slope = mapped(hull(a), lambda x: from_a(x, p), row.from_activation_turning(p))
    return multiplied(upstream, slope)


# Softmax


def along(s: Setting, p: Parameters, x: Interval) -> Interval:
    """With what belongs to one softmax in a row (and back again)."""
    return x if softmax_axis(s, p) == -1 else x.T


def _softmax(s: Setting, p: Parameters, z: Interval) -> Interval:
    return along(s, p, clipped(softmax(along(s, p, z)), 0.0, 1.0))


def _softmax_slope(s: Setting, p: Parameters, upstream: Interval, a: Interval) -> Interval:
    """aⱼ(1 − aⱼ)·δⱼ − aⱼ·Σ δₖaₖ over the others k, each number once but for aⱼ."""
    upstream, a = hull(along(s, p, upstream)), hull(along(s, p, a))
    own = multiplied(upstream, mapped(a, lambda x: x * (1 - x), (0.5,)))
    others = _others(multiplied(upstream, a), -1)
    return along(s, p, own - multiplied(a, others))


def _others(x: Interval, axis: int) -> Interval:
    """For each entry the sum of the others along an axis."""
    lo, hi = (end.sum(axis=axis, keepdims=True) - end for end in (x.lo, x.hi))
    noise = 1e-14 * np.abs(x.lo).sum(axis=axis, keepdims=True)
    return Interval(lo - noise, hi + noise)


# Reductions


def _flat(p: Parameters, x: Interval) -> Interval:
    """What is reduced together as rows (a single one of all): samples of a size."""
    x = hull(x)
    if p.get("each") == "row":
        return x
    if p.get("each") == "column":
        return x.T
    return Interval(x.lo.reshape(1, 1, -1), x.hi.reshape(1, 1, -1))


def _unflat(p: Parameters, x: Interval, shape: tuple[int, ...]) -> Interval:
    if p.get("each") == "row":
        return x
    if p.get("each") == "column":
        return x.T
    return Interval(x.lo.reshape(1, *shape), x.hi.reshape(1, *shape))


def _reduce(s: Setting, p: Parameters, x: Interval) -> Interval:
    if p["reduce"] not in ("max", "var"):
        plain: Interval = EQUATION_OPERATIONS["reduce"].evaluate(s, p, x)
        return plain
    if p["reduce"] == "max":
        flat = _flat(p, x)
        lo, hi = (end.max(axis=-1, keepdims=True) for end in (flat.lo, flat.hi))
        found = Interval(lo, hi)
    else:
        centred = _flat(p, _centred(p, x))
        squares = multiplied(centred, centred)
        found = summed(squares, axis=-1, keepdims=True) / freedom(p, x.shape)
    return found.T if p.get("each") == "column" else found


def _centred(p: Parameters, x: Interval) -> Interval:
    """xᵢ − mean, xᵢ(1 − 1/n) less the others' share."""
    flat, n = _flat(p, x), entries_of(p, x.shape)
    centred = flat * (1 - 1 / n) - _others(flat, -1) / n
    return _unflat(p, centred, x.shape)


def _reduce_slope(s: Setting, p: Parameters, upstream: Interval, x: Interval) -> Interval:
    if p["reduce"] == "var":
        return multiplied(upstream * (2 / freedom(p, x.shape)), _centred(p, x))
    if p["reduce"] == "max":
        return _masked(_unflat(p, _wins(_flat(p, x)), x.shape), upstream)
    found: Interval = EQUATION_OPERATIONS["reduce_slope"].evaluate(s, p, upstream, x)
    return found


def _wins(flat: Interval) -> Interval:
    """Of each row which entry is the largest: 1 where it must be, 0 where it can't be.

    Of equal ones the first.
    """
    lo, hi = flat.lo[0], flat.hi[0]
    least, most = np.zeros_like(lo), np.zeros_like(hi)
    for at in range(lo.shape[1]):
        before, after = (np.s_[:, :at], np.s_[:, at + 1 :])
        most[:, at] = (hi[:, at, None] > lo[before]).all(1) & (hi[:, at, None] >= lo[after]).all(1)
        least[:, at] = (lo[:, at, None] > hi[before]).all(1) & (lo[:, at, None] >= hi[after]).all(1)
    is_same = lo is hi or np.array_equal(lo, hi)
    return Interval(most[None] if is_same else least[None], most[None])


def _masked(mask: Interval, upstream: Interval) -> Interval:
    """The gradient where it goes, 0 where not, either where both may be: two pieces."""
    upstream, may = hull(upstream), mask.hi > 0
    must = mask.lo > 0
    through = Interval(np.where(may, upstream.lo, 0.0), np.where(may, upstream.hi, 0.0))
    if (must == may).all():
        return through
    none = Interval(np.where(must, upstream.lo, 0.0), np.where(must, upstream.hi, 0.0))
    return Interval(np.concatenate([through.lo, none.lo]), np.concatenate([through.hi, none.hi]))


def _larger_slope(
    s: Setting, p: Parameters, upstream: Interval, x: Interval, y: Interval
) -> Interval:
    upstream, x, y = hull(upstream), hull(x), hull(y)
    if not p["largest"]:
        x, y = -x, -y
    first_must, first_may = x.lo >= y.hi, x.hi >= y.lo
    must, may = (first_must, first_may) if p["of"] == 1 else (~first_may, ~first_must)
    ends = [np.broadcast_to(np.asarray(each * 1.0), upstream.lo.shape) for each in (must, may)]
    return _masked(Interval(*ends), upstream)


# Windows


def _pool_slope(s: Setting, p: Parameters, upstream: Interval, x: Interval) -> Interval:
    size = (p["size"], p["size"])
    if p["pool"] == "mean":
        found: Interval = EQUATION_OPERATIONS["pool_slope"].evaluate(s, p, upstream, x)
        return found
    x, upstream = hull(x), hull(upstream)
    places = list(windows(x, size, p["stride"]))
    wins = _wins(Interval(*(_side_by_side(places, end) for end in ("lo", "hi"))))
    parts = [
        hull(_masked(_one(wins, at, upstream.lo.shape), upstream)) for at in range(len(places))
    ]
    spread: Interval = spread_windows(parts, size, p["stride"], x.shape)
    return spread


def _side_by_side(places: list[Interval], end: str) -> Floats:
    """A row a window, a column a place in it."""
    return np.stack([getattr(place, end)[0].ravel() for place in places], axis=1)[None]


def _one(wins: Interval, at: int, shape: tuple[int, ...]) -> Interval:
    """What is known of one place of every window."""
    return Interval(wins.lo[:, :, at].reshape(shape), wins.hi[:, :, at].reshape(shape))


# Losses


def _plain(s: Setting) -> Setting:
    """Gradients of equations are those of the objective, whichever way an update goes."""
    return Setting(msgspec.structs.replace(s.conventions, sign="gradient"))


def _without_mean(p: Parameters) -> Parameters:
    return {key: value for key, value in p.items() if key not in ("samples", "of")}


def _loss_of(s: Setting, p: Parameters, a: Interval, y: Interval) -> Interval:
    terms = loss_terms(s, _without_mean(p), a, y)
    total = summed(terms, axis=(-2, -1), keepdims=True)
    return total / p["samples"] if "samples" in p else total


def _loss_slope(
    s: Setting, p: Parameters, upstream: Interval, a: Interval, y: Interval
) -> Interval:
    row, plain = LOSSES[p["loss"]], _plain(s)
    if row.from_error:
        slope = loss_gradient(plain, _without_mean(p), a - y)
        slope = -slope if p.get("of") == 2 else slope
    elif p.get("of") == 2:
        found: Interval = EQUATION_OPERATIONS["loss_slope"].evaluate(plain, p, upstream, a, y)
        return found
    else:
        slope = loss_gradient(plain, _without_mean(p), a, y)
    slope = multiplied(upstream, slope)
    return slope / p["samples"] if "samples" in p else slope


def _softmax_diagonal(s: Setting, p: Parameters, upstream: Interval, a: Interval) -> Interval:
    """Only the diagonal of the Jacobian, which no right line uses."""
    return multiplied(upstream, mapped(hull(a), lambda x: x * (1 - x), (0.5,)))


EQUATION_RULES: dict[str, IntervalRule] = {
    "chain": _chain,
    "chain_from_activation": _chain_from_activation,
    "softmax": _softmax,
    "softmax_slope": _softmax_slope,
    "softmax_diagonal": _softmax_diagonal,
    "reduce": _reduce,
    "reduce_slope": _reduce_slope,
    "larger_slope": _larger_slope,
    "pool_slope": _pool_slope,
    "loss_of": _loss_of,
    "loss_slope": _loss_slope,
}


def _depends_on_both(s: Setting, p: Parameters, upstream: Any, a: Any) -> Any:
    return upstream * a


# What no tape has, for who asks what rests on what.
EQUATION_FORMS: dict[str, Callable[..., Any]] = {
    "chain_from_activation": _depends_on_both,
    "softmax_diagonal": _depends_on_both,
}
