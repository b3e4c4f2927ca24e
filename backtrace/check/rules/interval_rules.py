"""The operations whose interval is narrower than their lines give, operand by operand.

An activation and its derivative are functions of one variable, monotonic between turning points; a
softmax and its Jacobian have their extrema at corners; a loss is convex in each prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TypeAlias

import numpy as np

from backtrace.check.rules.intervals import (
    UNBOUNDED,
    Floats,
    Interval,
    clipped,
    either,
    hull,
    mapped,
    multiplied,
    outward,
)
from backtrace.check.rules.softmax_bounds import (
    at_corners,
    jacobian_from_softmax,
    softmax,
    softmax_jacobian,
)
from backtrace.functions.activations import Parameters
from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.losses import LOSSES, LossRule
from backtrace.tape.operations import OPERATIONS, augmented, mean, without_ones
from backtrace.tape.setting import Setting

IntervalRule: TypeAlias = Callable[..., Interval]


def rows(s: Setting, x: Interval) -> Interval:
    """``x`` with a sample a row, whatever the layout (and back again)."""
    return x if s.sample_axis == 0 else x.T


# Activations


def _activate(s: Setting, p: Parameters, z: Interval) -> Interval:
    row = FUNCTIONS[p["activation"]]
    if row.elementwise:
        jumps = () if row.differentiable else row.kinks(p)
        a = mapped(z, lambda x: row.value(x, p), row.turning(p), jumps)
    else:
        a = rows(s, softmax(rows(s, z)))
    found: Interval = augmented(s, clipped(a, *_bounds(row.range)), p.get("ones", ""))
    return found


def _at_learned(rule: IntervalRule) -> IntervalRule:
    """A function that is monotonic in what it learns lies between what the ends of that give."""

    def on_both(s: Setting, p: Parameters, z: Interval, *learned: Interval) -> Interval:
        if not learned:
            return rule(s, p, z)
        (slope,), row = map(hull, learned), FUNCTIONS[p["activation"]]
        shape = np.broadcast_shapes(z.shape, slope.shape)
        z = z.rearranged(lambda x: np.broadcast_to(x, shape))
        ends = (slope.lo,) if slope.exact else (slope.lo, slope.hi)
        return reduce(either, (rule(s, row.at(p, [end[0]]), z) for end in ends))

    return on_both


def _bounds(limits: tuple[float, float]) -> tuple[float, float]:
    return max(limits[0], -UNBOUNDED), min(limits[1], UNBOUNDED)


def _derivative(s: Setting, p: Parameters, z: Interval) -> Interval:
    row = FUNCTIONS[p["activation"]]
    if not row.elementwise:
        return rows(s, softmax_jacobian(rows(s, z)))
    jumps = row.kinks(p)
    turning = tuple(t for t in row.derivative_turning(p) if t not in jumps)
    g = mapped(z, lambda x: row.derivative(x, p), turning, jumps)
    return clipped(g, *_bounds(row.derivative_range))


derivative = _at_learned(_derivative)


def _derivative_from_activation(s: Setting, p: Parameters, a: Interval) -> Interval:
    row = FUNCTIONS[p["activation"]]
    from_a = row.derivative_from_activation
    assert from_a is not None
    a, turning = without_ones(s, p, a), row.from_activation_turning(p)
    if p.get("by_sight"):  # a written 0.00 is off, whatever it stands for
        a = _aside(a, turning)
    low, high = _bounds(row.range)
    middle = (a.lo + a.hi) / 2  # as it is written, be it rounded out of the range: SELU's -1.76
    least = np.where(a.hi < low, a.lo, np.minimum(low, middle))  # or wrong, and all of it out of it
    a = _in_range(a, least, np.where(a.lo > high, a.hi, np.maximum(high, middle)))
    if not row.elementwise:
        return rows(s, jacobian_from_softmax(rows(s, hull(a))))
    jumps = turning if row.kinks(p) else ()
    return mapped(a, lambda x: from_a(x, p), () if jumps else turning, jumps)


def _aside(a: Interval, jumps: tuple[float, ...]) -> Interval:
    """The jump alone for what lies on both sides of it: there the slope is that of 0."""
    ends = hull(a)
    lo, hi = ends.lo, ends.hi
    for at in jumps:
        both = (lo < at) & (at < hi)
        lo, hi = np.where(both, at, lo), np.where(both, at, hi)
    return Interval(lo, hi)


def _in_range(a: Interval, low: float | Floats, high: float | Floats) -> Interval:
    """The part of an activation's interval in its range; where there is none (somebody forgot the
    activation, and went on) the interval as it is."""
    reaches = (a.hi >= low) & (a.lo <= high)
    kept = clipped(a, low, high)
    if reaches.all():
        return kept
    return Interval(np.where(reaches, kept.lo, a.lo), np.where(reaches, kept.hi, a.hi))


def _chain_to_learned(s: Setting, p: Parameters, upstream: Interval, z: Interval) -> Interval:
    row = FUNCTIONS[p["activation"]]
    by_learned = row.by_learned
    assert by_learned is not None
    shares = multiplied(upstream, mapped(z, lambda x: by_learned(x, p), row.turning(p)))
    found: Interval = mean(shares, p)
    return found


# Losses


def loss_terms(s: Setting, p: Parameters, a: Interval, y: Interval | None = None) -> Interval:
    row = LOSSES[p["loss"]]
    if y is None or not row.entrywise:
        found: Interval = OPERATIONS["loss_terms"].evaluate(s, p, a, y)
        return found
    if row.from_error:
        return _loss_terms_from_error(s, p, a - y)
    a, y = _prediction(row, a), hull(y)
    ends = [row.terms(x, t, p) for x in (a.lo, a.hi) for t in (y.lo, y.hi)]
    return _convex(row, p, ends, a, y)


def _loss_terms_from_error(s: Setting, p: Parameters, e: Interval) -> Interval:
    """A loss of the error is lowest at 0."""
    row = LOSSES[p["loss"]]
    return mapped(e, lambda x: row.terms(x, 0.0, p), turning=(0.0,))


def _loss_terms_from_z(s: Setting, p: Parameters, z: Interval, y: Interval) -> Interval:
    """The terms straight from the pre-activation, where that is stable."""
    row, unit = LOSSES[p["loss"]], FUNCTIONS[p["activation"]]
    z, y = rows(s, hull(z)), rows(s, hull(y))
    corners = ((z.lo[0], z.hi[0]), (z.hi[0], z.lo[0]))
    stable = row.stable[p["activation"]]
    if unit.elementwise:
        ends = [stable(own, t, p) for own, _ in corners for t in (y.lo, y.hi)]
        a = mapped(z, lambda x: unit.value(x, p))
    else:
        ends = [
            at_corners(lambda x, t: stable(x, t, p), own, others, t[0])[None]
            for own, others in corners
            for t in (y.lo, y.hi)
        ]
        a = softmax(z)
    return rows(s, _convex(row, p, ends, a, y))


def _prediction(row: LossRule, a: Interval) -> Interval:
    return _in_range(a, 0.0, 1.0) if row.outputs == "unit_interval" else a


def _convex(
    row: LossRule, p: Parameters, ends: Sequence[Floats], a: Interval, y: Interval
) -> Interval:
    """The terms between their values at the ends and, where the gradient changes its sign inside,
    their minimum."""
    least, most = np.minimum.reduce(ends), np.maximum.reduce(ends)
    for target in (y.lo, y.hi)[: 1 if y.exact else 2]:
        falls, rises = row.gradient(a.lo, target, p) < 0, row.gradient(a.hi, target, p) > 0
        if (falls & rises).any():
            lowest = row.terms(_stationary(row, p, a, target), target, p)
            least = np.where(falls & rises, np.minimum(least, lowest), least)
    senseless = np.isnan(least) | np.isnan(most)  # the logarithm of a negative number
    return outward(
        np.where(senseless, -UNBOUNDED, least), np.where(senseless, UNBOUNDED, most), 16.0
    )


def _stationary(row: LossRule, p: Parameters, a: Interval, target: Floats) -> Floats:
    """Where the gradient passes 0, by bisection."""
    lo, hi = a.lo, a.hi
    for _ in range(60):
        middle = (lo + hi) / 2
        falls = row.gradient(middle, target, p) < 0
        lo, hi = np.where(falls, middle, lo), np.where(falls, hi, middle)
    return lo


def loss_gradient(s: Setting, p: Parameters, x: Interval, y: Interval | None = None) -> Interval:
    """Rising in the prediction, as that of a convex function is."""
    row = LOSSES[p["loss"]]
    gradient: Interval
    if row.from_error:
        gradient = mean(mapped(x, lambda e: row.gradient(e, p), (), _jumps(row, p)), p)
        return gradient
    if y is None or not row.entrywise or row.kinks is not None:
        gradient = OPERATIONS["loss_gradient"].evaluate(s, p, x, y)
        return gradient
    a, y = _prediction(row, x), hull(y)
    ends = [row.gradient(x, t, p) for x in (a.lo, a.hi) for t in (y.lo, y.hi)]
    gradient = mean(outward(np.minimum.reduce(ends), np.maximum.reduce(ends), 8.0), p)
    return -gradient if s.descent else gradient


def _jumps(row: LossRule, p: Parameters) -> tuple[float, ...]:
    """The error at which a loss of the error has no derivative."""
    return () if row.kinks is None else (-float(row.kinks(0.0, 0.0, p)),)


def _loss_gradient_from_activation(s: Setting, p: Parameters, a: Interval, y: Interval) -> Interval:
    return loss_gradient(s, p, OPERATIONS["error"].evaluate(s, p, a, y))


NARROWER: dict[str, IntervalRule] = {
    "activate": _at_learned(_activate),
    "activation_derivative": derivative,
    "chain_to_learned": _chain_to_learned,
    "derivative_from_activation": _derivative_from_activation,
    "loss_terms": loss_terms,
    "loss_terms_from_error": _loss_terms_from_error,
    "loss_terms_from_z": _loss_terms_from_z,
    "loss_gradient": loss_gradient,
    "loss_gradient_from_activation": _loss_gradient_from_activation,
}
