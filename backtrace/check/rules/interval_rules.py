"""What each operation makes of intervals, and of doubt: two columns keyed by operation.

``interval`` bounds the value of a step whose operands are only known to lie in intervals, as
tightly as the operation allows as a whole. ``spread`` says which entries of the result rest on
which entries of the operands. Operands and results are those of ``tape.operations``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.rules.intervals import (
    UNBOUNDED,
    Box,
    Floats,
    absolute,
    added,
    box,
    clipped,
    divided,
    either,
    hull,
    mapped,
    multiplied,
    outward,
    point,
    product,
    quotient,
    scaled,
    squared,
    subtracted,
    summed,
    transposed,
)
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.penalties import FORMS
from backtrace.tape.operations import Parameters, Setting

Doubt: TypeAlias = NDArray[np.bool_]


class Rule(msgspec.Struct, frozen=True):
    """``interval(setting, parameters, *boxes)`` and ``spread(setting, parameters, *doubts)``."""

    interval: Callable[..., Box]
    spread: Callable[..., Doubt]


# Spreads


def _entrywise(s: Setting, p: Parameters, *doubts: Doubt) -> Doubt:
    result = doubts[0]
    for doubt in doubts[1:]:
        result = result | doubt
    return result


def _matmul_spread(s: Setting, p: Parameters, x: Doubt, y: Doubt) -> Doubt:
    x, y = _without_bias(s, p, x, y)
    transpose = p.get("transpose", "")
    rows = np.asarray(x.any(axis=0 if transpose == "first" else 1))
    columns = np.asarray(y.any(axis=1 if transpose == "second" else 0))
    return np.asarray(rows[:, None] | columns[None, :])


def _without_bias(s: Setting, p: Parameters, x: Any, y: Any) -> tuple[Any, Any]:
    omit = p.get("omit", "")
    if not omit:
        return x, y
    if p["omit_from"] == "first":
        return s.without_bias(x, omit), y
    return x, s.without_bias(y, omit)


def _whole(s: Setting, p: Parameters, *doubts: Doubt) -> Doubt:
    return np.array([[any(bool(doubt.any()) for doubt in doubts)]])


def _by_sample(s: Setting, p: Parameters, *doubts: Doubt) -> Doubt:
    """Every entry of a sample rests on every entry of that sample."""
    axis = 1 - s.sample_axis
    doubt = doubts[0].any(axis=axis, keepdims=True)
    for other in doubts[1:]:
        doubt = doubt | other.any(axis=axis, keepdims=True)
    return np.asarray(np.broadcast_to(doubt, doubts[0].shape))


def _activate_spread(s: Setting, p: Parameters, z: Doubt) -> Doubt:
    doubt = z if ACTIVATIONS[p["activation"]].elementwise else _by_sample(s, p, z)
    ones = p.get("ones", "")
    if not ones:
        return doubt
    axis = 1 - s.sample_axis
    line = np.zeros_like(doubt[:, :1] if axis == 1 else doubt[:1])
    return np.concatenate([line, doubt] if ones == "first" else [doubt, line], axis=axis)


def _derivative_spread(s: Setting, p: Parameters, z: Doubt) -> Doubt:
    if ACTIVATIONS[p["activation"]].elementwise:
        return z
    k = z.shape[1 - s.sample_axis]
    by_sample = np.asarray(z.any(axis=1 - s.sample_axis))
    stacked = np.repeat(np.repeat(by_sample, k)[:, None], k, axis=1)
    return stacked if s.sample_axis == 0 else stacked.T


def _jacobian_spread(s: Setting, p: Parameters, da: Doubt, g: Doubt) -> Doubt:
    rows, stacked = (da, g) if s.sample_axis == 0 else (da.T, g.T)
    samples, k = rows.shape
    by_sample = np.asarray(rows.any(axis=1) | stacked.reshape(samples, k * k).any(axis=1))
    result = np.repeat(by_sample[:, None], k, axis=1)
    return result if s.sample_axis == 0 else result.T


def _sum_spread(s: Setting, p: Parameters, delta: Doubt) -> Doubt:
    axis = None if p.get("all") else s.sample_axis
    return np.asarray(delta.any(axis=axis, keepdims=True))


def _loss_spread(s: Setting, p: Parameters, *doubts: Doubt) -> Doubt:
    if p["loss"] == "hinge":
        return _by_sample(s, p, *doubts)
    return _entrywise(s, p, *doubts)


# Intervals: forward


def _mean(x: Box, p: Parameters) -> Box:
    return divided(x, p["samples"]) if "samples" in p else x


def _matmul(s: Setting, p: Parameters, x: Box, y: Box) -> Box:
    x, y = hull(x), hull(y)
    if p.get("omit"):
        x, y = _boxes_without_bias(s, p, x, y)
    transpose = p.get("transpose", "")
    x = transposed(x) if transpose == "first" else x
    y = transposed(y) if transpose == "second" else y
    return _mean(product(x, y), p)


def _boxes_without_bias(s: Setting, p: Parameters, x: Box, y: Box) -> tuple[Box, Box]:
    xl, yl = _without_bias(s, p, x.lo[0], y.lo[0])
    xh, yh = _without_bias(s, p, x.hi[0], y.hi[0])
    one = box(xl, xh) if not x.exact else Box(lo := xl[None], lo)
    two = box(yl, yh) if not y.exact else Box(lo := yl[None], lo)
    return one, two


def _add_bias(s: Setting, p: Parameters, x: Box, b: Box) -> Box:
    return subtracted(x, b) if p.get("subtract") else added(x, b)


def _copy(s: Setting, p: Parameters, x: Box) -> Box:
    return x


def _activate(s: Setting, p: Parameters, z: Box) -> Box:
    row = ACTIVATIONS[p["activation"]]
    if row.elementwise:
        jumps = row.kinks(p) if p["activation"] == "step" else ()
        a = mapped(z, lambda x: row.value(x, p), row.turning(p), jumps)
    else:
        a = softmax(z, axis=2 - s.sample_axis)
    return _augmented(s, clipped(a, *_bounds(row.range)), p.get("ones", ""))


def _bounds(limits: tuple[float, float]) -> tuple[float, float]:
    return max(limits[0], -UNBOUNDED), min(limits[1], UNBOUNDED)


def _augmented(s: Setting, a: Box, ones: str) -> Box:
    if not ones:
        return a
    axis = 2 - s.sample_axis
    line = np.ones_like(a.lo[:, :, :1] if axis == 2 else a.lo[:, :1])

    def with_line(x: Floats) -> Floats:
        return np.concatenate([line, x] if ones == "first" else [x, line], axis=axis)

    return Box(with_line(a.lo), with_line(a.hi))


def softmax(z: Box, axis: int) -> Box:
    """Largest where its own z is highest and the others lowest, and the other way round."""
    z = hull(z)
    return outward(_corner(z.lo, z.hi, axis), _corner(z.hi, z.lo, axis), 8.0 + z.lo.shape[axis])


def _corner(own: Floats, others: Floats, axis: int) -> Floats:
    """e^own / (e^own + Σ e^others), each entry's own against the others'."""
    mine, theirs = np.moveaxis(own, axis, -1)[..., None], np.moveaxis(others, axis, -1)
    k = theirs.shape[-1]
    beside = np.where(np.eye(k, dtype=bool), -np.inf, theirs[..., None, :])  # [..., j, the others]
    top = np.maximum(mine, beside.max(axis=-1, keepdims=True))
    own_power = np.exp(mine - top)[..., 0]
    share = own_power / (own_power + np.exp(beside - top).sum(axis=-1))
    return np.moveaxis(share, -1, axis)


def _sum_of_others(x: Floats, axis: int) -> Floats:
    """For each entry the sum of the others along the axis (not total − own, which cancels)."""
    k = x.shape[axis]
    moved = np.moveaxis(x, axis, -1)
    others = moved @ (1.0 - np.eye(k))
    return np.moveaxis(others, -1, axis)


# Intervals: derivatives


def _derivative(s: Setting, p: Parameters, z: Box) -> Box:
    row = ACTIVATIONS[p["activation"]]
    if not row.elementwise:
        return _softmax_jacobian(s, z)
    jumps = row.kinks(p)
    turning = tuple(t for t in row.derivative_turning(p) if t not in jumps)
    g = mapped(z, lambda x: row.derivative(x, p), turning, jumps)
    return clipped(g, *_bounds(row.derivative_range))


def _derivative_from_activation(s: Setting, p: Parameters, a: Box) -> Box:
    """g′ worked from a; ``p`` may say that a carries a 1 for the next layer's bias."""
    row = ACTIVATIONS[p["activation"]]
    a = _without_ones(s, a, p.get("ones", ""))
    from_a = row.derivative_from_activation
    assert from_a is not None
    if not row.elementwise:
        return _jacobian_from_activation(s, _in_range(hull(a), 0.0, 1.0))
    a = _in_range(a, *row.range)
    turning = row.from_activation_turning(p)
    jumps = turning if row.kinks(p) else ()
    return mapped(a, lambda x: from_a(x, p), () if jumps else turning, jumps)


def _in_range(a: Box, low: float, high: float) -> Box:
    """The part of an activation's box in its range; where there is none (somebody forgot the
    activation, and went on) the box as it is."""
    low, high = _bounds((low, high))
    reaches = (a.hi >= low) & (a.lo <= high)
    kept = clipped(a, low, high)
    if reaches.all():
        return kept
    return Box(np.where(reaches, kept.lo, a.lo), np.where(reaches, kept.hi, a.hi))


def _without_ones(s: Setting, a: Box, ones: str) -> Box:
    if not ones:
        return a
    kept = slice(1, None) if ones == "first" else slice(None, -1)
    place = (slice(None), slice(None), kept) if s.sample_axis == 0 else (slice(None), kept)
    return Box(a.lo[place], a.hi[place])


def _rows(s: Setting, x: Floats) -> Floats:
    return x if s.sample_axis == 0 else x.T


def _stacked(s: Setting, jacobian: Floats) -> Floats:
    """samples × k × k → (samples·k) × k, or its transpose in columns layout."""
    samples, k, _ = jacobian.shape
    return _rows(s, jacobian.reshape(samples * k, k))


def _jacobian_from_activation(s: Setting, a: Box) -> Box:
    """a(1 − a) on the diagonal, as one function; −aᵢaⱼ beside it."""
    lo, hi = _rows(s, a.lo[0]), _rows(s, a.hi[0])
    ends = [-x[:, :, None] * y[:, None, :] for x in (lo, hi) for y in (lo, hi)]
    return _jacobian(s, lo, hi, np.minimum.reduce(ends), np.maximum.reduce(ends))


def _jacobian(s: Setting, lo: Floats, hi: Floats, beside_lo: Floats, beside_hi: Floats) -> Box:
    """The Jacobian's box: ``lo`` and ``hi`` bound a itself, the others what is off the diagonal."""
    one, two = lo * (1 - lo), hi * (1 - hi)
    top = np.where((lo < 0.5) & (hi > 0.5), 0.25, np.maximum(one, two))
    diagonal = np.eye(lo.shape[1], dtype=bool)[None]
    least = np.where(diagonal, np.minimum(one, two)[:, :, None], beside_lo)
    most = np.where(diagonal, top[:, :, None], beside_hi)
    return outward(_stacked(s, least)[None], _stacked(s, most)[None], 16.0)


def _softmax_jacobian(s: Setting, z: Box) -> Box:
    z = hull(z)
    a = softmax(z, axis=2 - s.sample_axis)
    lo, hi = _rows(s, z.lo[0]), _rows(s, z.hi[0])
    beside_hi, beside_lo = _beside_diagonal(lo, hi)
    return _jacobian(s, _rows(s, a.lo[0]), _rows(s, a.hi[0]), beside_lo, beside_hi)


def _beside_diagonal(lo: Floats, hi: Floats) -> tuple[Floats, Floats]:
    """The bounds of −aᵢaⱼ over a box of z (samples × k): (highest, lowest), samples × k × k.

    ln aᵢaⱼ = zᵢ + zⱼ − 2 ln Σe^z is concave in (zᵢ, zⱼ) and falls in every other z: its minimum is
    at a corner with the others high, its maximum with the others low, at a corner or, along an
    edge, where aᵢ = ½.
    """
    size = lo.shape[1]
    if size == 1:
        nothing = np.zeros((lo.shape[0], 1, 1))
        return nothing, nothing
    others = 1.0 - np.eye(size)[:, None, :] - np.eye(size)[None, :, :]
    others = np.maximum(others, 0.0)  # [i, j, k] is 1 where k is neither i nor j
    top = hi.max(axis=1, keepdims=True)
    lo, hi = np.maximum(lo - top, -700.0), hi - top
    rest_low = np.einsum("ijk,sk->sij", others, np.exp(lo))
    rest_high = np.einsum("ijk,sk->sij", others, np.exp(hi))
    ends_i = (lo[:, :, None], hi[:, :, None])
    ends_j = (lo[:, None, :], hi[:, None, :])

    def share(zi: Floats, zj: Floats, rest: Floats) -> Floats:
        total = np.exp(zi) + np.exp(zj) + rest
        return np.exp(zi + zj) / (total * total)

    corners = [share(zi, zj, rest_high) for zi in ends_i for zj in ends_j]
    edges = [share(zi, zj, rest_low) for zi in ends_i for zj in ends_j]
    for zj in ends_j:
        best = np.clip(np.log(np.exp(zj) + rest_low), ends_i[0], ends_i[1])
        edges.append(share(best, zj, rest_low))
    for zi in ends_i:
        best = np.clip(np.log(np.exp(zi) + rest_low), ends_j[0], ends_j[1])
        edges.append(share(zi, best, rest_low))
    return -np.minimum.reduce(corners), -np.maximum.reduce(edges)


# Intervals: loss


def _error(s: Setting, p: Parameters, a: Box, y: Box) -> Box:
    return subtracted(y, a) if s.descent else subtracted(a, y)


def _even(e: Box, function: Callable[[Floats], Floats]) -> Box:
    """A function of |e| that rises with it."""
    size = absolute(hull(e))
    return clipped(outward(function(size.lo), function(size.hi)), 0.0, UNBOUNDED)


def _loss_terms(s: Setting, p: Parameters, a: Box, y: Box | None = None) -> Box:
    """From a and y; from the error alone where ``p`` says so (a is the error then)."""
    name = p["loss"]
    if name == "output" or (y is None and not p.get("from_error")):
        return a
    if LOSSES[name].from_error:
        e = a if y is None else subtracted(a, y)
        return _even(e, lambda x: LOSSES[name].terms(x, 0.0, p))
    assert y is not None
    if name == "hinge":
        return _hinge(s, a, y)
    return _cross_entropy(p, _in_range(hull(a), 0.0, 1.0), hull(y))


def _loss_terms_from_z(s: Setting, p: Parameters, z: Box, y: Box) -> Box:
    """The terms of a cross-entropy straight from the pre-activation, where that is stable."""
    if p["activation"] == "softmax":
        return _softmax_terms(s, hull(z), hull(y))
    z, y = hull(z), hull(y)
    row = LOSSES[p["loss"]].stable[p["activation"]]
    ends = [row(x, t, p) for x in (z.lo, z.hi) for t in (y.lo, y.hi)]
    least, most = np.minimum.reduce(ends), np.maximum.reduce(ends)
    if p["loss"] == "binary_cross_entropy":
        logit = np.log(np.clip(y.lo, 1e-300, 1.0)) - np.log(np.clip(1 - y.lo, 1e-300, 1.0))
        inside = (z.lo < logit) & (logit < z.hi)
        least = np.where(inside, np.minimum(least, row(logit, y.lo, p)), least)
    return clipped(outward(least, most, 8.0), 0.0, UNBOUNDED)


def _softmax_terms(s: Setting, z: Box, y: Box) -> Box:
    """−y ln a: a falls where the others rise, so its ends are the softmax's, in logarithms."""
    axis = 2 - s.sample_axis
    high = -_log_corner(z.lo, z.hi, axis)
    low = -_log_corner(z.hi, z.lo, axis)
    return multiplied(clipped(outward(low, high, 16.0), 0.0, UNBOUNDED), y)


def _log_corner(own: Floats, others: Floats, axis: int) -> Floats:
    """ln(e^own / (e^own + Σ e^others)), without ever underflowing to ln 0."""
    top = others.max(axis=axis, keepdims=True)
    rest = _sum_of_others(np.exp(others - top), axis)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.logaddexp(0.0, np.log(rest) + top - own))


def _cross_entropy(p: Parameters, a: Box, y: Box) -> Box:
    terms = LOSSES[p["loss"]].terms
    ends = [terms(x, t, p) for x in (a.lo, a.hi) for t in (y.lo, y.hi)]
    least, most = np.minimum.reduce(ends), np.maximum.reduce(ends)
    senseless = np.isnan(least) | np.isnan(most)  # the logarithm of a negative number
    least = np.where(senseless, -UNBOUNDED, least)
    most = np.where(senseless, UNBOUNDED, most)
    if p["loss"] == "binary_cross_entropy":  # convex in a, lowest where a is the target
        for t in (y.lo, y.hi):
            inside = (a.lo < t) & (t < a.hi)
            least = np.where(
                inside, np.minimum(least, terms(np.where(inside, t, 0.5), t, p)), least
            )
    # A cross-entropy of probabilities is never negative.
    within = (a.lo >= 0.0) & (a.hi <= 1.0) & (y.lo >= 0.0) & (y.hi <= 1.0) & ~senseless
    result = outward(least, most, 8.0)
    return Box(np.where(within, np.maximum(result.lo, 0.0), result.lo), result.hi)


def _hinge(s: Setting, a: Box, y: Box) -> Box:
    margins = _margins(s, a, y)
    return clipped(margins, 0.0, UNBOUNDED)


def _margins(s: Setting, a: Box, y: Box) -> Box:
    """1 + ŷⱼ − ŷ_true, and 0 at the true class."""
    axis = 2 - s.sample_axis
    a, y = hull(a), hull(y)
    true_lo = (a.lo * y.lo).sum(axis=axis, keepdims=True)
    true_hi = (a.hi * y.lo).sum(axis=axis, keepdims=True)
    margins = outward(1 + a.lo - true_hi, 1 + a.hi - true_lo)
    other = y.lo == 0
    return Box(np.where(other, margins.lo, 0.0), np.where(other, margins.hi, 0.0))


def _total(s: Setting, p: Parameters, terms: Box) -> Box:
    return _mean(summed(terms, None), p)


def _penalty(s: Setting, p: Parameters, *weights: Box) -> Box:
    above, below = FORMS[p["form"]].l2
    total = point(0.0)
    for w, omit in zip(weights, p["omit"], strict=True):
        kept = hull(w)
        kept = box(s.without_bias(kept.lo[0], omit), s.without_bias(kept.hi[0], omit))
        squares = scaled(summed(squared(kept), None), p["l2"] * above / below / p["over"])
        sizes = scaled(summed(absolute(kept), None), p["l1"] / p["over"])
        total = added(total, added(squares, sizes))
    return total


def _add(s: Setting, p: Parameters, x: Box, y: Box) -> Box:
    return added(x, y)


# Intervals: backward


def _loss_gradient(s: Setting, p: Parameters, x: Box, y: Box | None = None) -> Box:
    """Of the error, or of a and y; a loss that takes the error may also be worked from a and y."""
    row = LOSSES[p["loss"]]
    if row.from_error:
        e = x if y is None else _error(s, p, x, y)
        jumps = (0.0,) if p["loss"] == "mae" else ()
        return _mean(mapped(e, lambda v: row.gradient(v, p), (), jumps), p)
    gradient = _mean(_gradient_at(s, p, x, y), p)
    return scaled(gradient, -1.0) if s.descent else gradient


def _gradient_at(s: Setting, p: Parameters, a: Box, y: Box | None) -> Box:
    if p["loss"] == "output" or y is None:
        ones = np.ones_like(a.lo[:1])
        return Box(ones, ones)
    if p["loss"] == "hinge":
        return _hinge_gradient(s, a, y)
    a, y = _in_range(hull(a), 0.0, 1.0), hull(y)
    gradient = LOSSES[p["loss"]].gradient
    # Rising in a, falling in y: (a − y)/(a(1 − a)) and −y/a alike.
    return outward(gradient(a.lo, y.hi, p), gradient(a.hi, y.lo, p), 8.0)


def _hinge_gradient(s: Setting, a: Box, y: Box) -> Box:
    margins, axis = _margins(s, a, y), 2 - s.sample_axis
    surely = np.where(margins.lo > 0, 1.0, 0.0)
    maybe = np.where(margins.hi > 0, 1.0, 0.0)
    true = y.lo[:1] != 0
    lo = np.where(true, -maybe.sum(axis=axis, keepdims=True), surely)
    hi = np.where(true, -surely.sum(axis=axis, keepdims=True), maybe)
    return Box(lo, hi)


def _shortcut_delta(s: Setting, p: Parameters, a: Box, y: Box) -> Box:
    return _mean(_error(s, p, a, y), p)


def _hadamard(s: Setting, p: Parameters, da: Box, g: Box) -> Box:
    return multiplied(da, g)


def _jacobian_product(s: Setting, p: Parameters, da: Box, g: Box) -> Box:
    da, g = hull(da), hull(g)
    errors_lo, errors_hi = _rows(s, da.lo[0]), _rows(s, da.hi[0])
    samples, k = errors_lo.shape
    lo, hi = (_rows(s, end).reshape(samples, k, k) for end in (g.lo[0], g.hi[0]))
    terms = (
        multiplied(Box(lo, hi), Box(errors_lo[:, None, :], errors_hi[:, None, :]))
        if (samples == 1)
        else _sample_products(lo, hi, errors_lo, errors_hi)
    )
    least, most = terms.lo.sum(axis=2), terms.hi.sum(axis=2)
    slack = (np.abs(terms.lo) + np.abs(terms.hi)).sum(axis=2) * (k + 2) * 2.0**-52
    return outward(_rows(s, least - slack)[None], _rows(s, most + slack)[None])


def _sample_products(lo: Floats, hi: Floats, errors_lo: Floats, errors_hi: Floats) -> Box:
    """Jacobian entries times errors, with the samples where pieces usually stand."""
    el, eh = errors_lo[:, None, :], errors_hi[:, None, :]
    products = np.stack([lo * el, lo * eh, hi * el, hi * eh])
    return outward(products.min(axis=0), products.max(axis=0), 2)


def _sum_samples(s: Setting, p: Parameters, delta: Box) -> Box:
    total = _mean(summed(delta, None if p.get("all") else s.sample_axis), p)
    return scaled(total, -1.0) if p.get("negate") else total


def _add_penalty(s: Setting, p: Parameters, data: Box, w: Box) -> Box:
    above, below = FORMS[p["form"]].l2
    pull = scaled(hull(w), p["l2"] * above * 2 / below / p["over"])
    if p["l1"]:
        signs = hull(mapped(w, np.sign, (), (0.0,)))
        pull = added(pull, scaled(signs, p["l1"] / p["over"]))
    if p.get("omit"):
        line: Any = 0 if p["omit"] == "first" else -1
        lo, hi = pull.lo.copy(), pull.hi.copy()
        at = (slice(None), line) if s.input_axis == 0 else (slice(None), slice(None), line)
        lo[at] = hi[at] = 0.0
        pull = Box(lo, hi)
    return subtracted(data, pull) if s.descent else added(data, pull)


# Intervals: update


def _downhill(s: Setting, x: Box) -> Box:
    return x if s.descent else scaled(x, -1.0)


def _descend(s: Setting, p: Parameters, w: Box, gradient: Box) -> Box:
    return added(w, _downhill(s, scaled(gradient, p["rate"])))


def _accumulate(s: Setting, p: Parameters, v: Box, g: Box) -> Box:
    return added(scaled(v, p["beta"]), g)


def _accumulate_step(s: Setting, p: Parameters, v: Box, g: Box) -> Box:
    return added(scaled(v, p["beta"]), _downhill(s, scaled(g, p["rate"])))


def _average(s: Setting, p: Parameters, v: Box, g: Box) -> Box:
    return added(scaled(v, p["beta"]), scaled(g, 1 - p["beta"]))


def _accumulate_squares(s: Setting, p: Parameters, v: Box, g: Box) -> Box:
    return added(v, squared(g))


def _average_squares(s: Setting, p: Parameters, v: Box, g: Box) -> Box:
    return added(scaled(v, p["beta"]), scaled(squared(g), 1 - p["beta"]))


def _scale_step(s: Setting, p: Parameters, v: Box) -> Box:
    return _downhill(s, scaled(v, p["rate"]))


def _look_ahead_step(s: Setting, p: Parameters, g: Box, v: Box) -> Box:
    return _downhill(s, scaled(added(g, scaled(v, p["beta"])), p["rate"]))


def _unbias(s: Setting, p: Parameters, m: Box) -> Box:
    return divided(m, 1 - p["beta"] ** p["t"])


def _adaptive_step(s: Setting, p: Parameters, m: Box, v: Box) -> Box:
    root = mapped(clipped(v, 0.0, UNBOUNDED), np.sqrt)
    below = added(clipped(root, 0.0, UNBOUNDED), point(p["epsilon"]))
    return _downhill(s, scaled(quotient(m, below), p["rate"]))


def _decayed_step(s: Setting, p: Parameters, m: Box, v: Box, w: Box) -> Box:
    step = _adaptive_step(s, p, m, v)
    return subtracted(step, scaled(w, p["rate"] * p["weight_decay"]))


RULES: dict[str, Rule] = {
    "copy": Rule(_copy, _entrywise),
    "matmul": Rule(_matmul, _matmul_spread),
    "add_bias": Rule(_add_bias, _entrywise),
    "activate": Rule(_activate, _activate_spread),
    "activation_derivative": Rule(_derivative, _derivative_spread),
    "error": Rule(_error, _entrywise),
    "loss_terms": Rule(_loss_terms, _loss_spread),
    "total": Rule(_total, _whole),
    "penalty": Rule(_penalty, _whole),
    "add": Rule(_add, _entrywise),
    "loss_gradient": Rule(_loss_gradient, _loss_spread),
    "shortcut_delta": Rule(_shortcut_delta, _entrywise),
    "hadamard": Rule(_hadamard, _entrywise),
    "jacobian_product": Rule(_jacobian_product, _jacobian_spread),
    "sum_samples": Rule(_sum_samples, _sum_spread),
    "add_penalty": Rule(_add_penalty, _entrywise),
    "descend": Rule(_descend, _entrywise),
    "accumulate": Rule(_accumulate, _entrywise),
    "accumulate_step": Rule(_accumulate_step, _entrywise),
    "average": Rule(_average, _entrywise),
    "accumulate_squares": Rule(_accumulate_squares, _entrywise),
    "average_squares": Rule(_average_squares, _entrywise),
    "scale_step": Rule(_scale_step, _entrywise),
    "look_ahead_step": Rule(_look_ahead_step, _entrywise),
    "unbias": Rule(_unbias, _entrywise),
    "adaptive_step": Rule(_adaptive_step, _entrywise),
    "decayed_step": Rule(_decayed_step, _entrywise),
    "apply_step": Rule(_add, _entrywise),
}


# Forms of a step that are as right as the tape's own, and rules that only wrong steps use


def _error_over(s: Setting, p: Parameters, e: Box) -> Box:
    """δ = error, or error/n: the short-cut by way of a written error."""
    return _mean(e, p)


def _from_activation_spread(s: Setting, p: Parameters, a: Doubt) -> Doubt:
    ones = p.get("ones", "")
    if ones:
        kept = slice(1, None) if ones == "first" else slice(None, -1)
        a = a[:, kept] if s.sample_axis == 0 else a[kept]
    return _derivative_spread(s, p, a)


FORMS_OF_RULES: dict[str, Rule] = {
    "derivative_from_activation": Rule(_derivative_from_activation, _from_activation_spread),
    "loss_terms_from_z": Rule(_loss_terms_from_z, _loss_spread),
    "error_over": Rule(_error_over, _entrywise),
}

__all__ = ["FORMS_OF_RULES", "RULES", "Doubt", "Rule", "either", "softmax"]
