"""What people note down inside a line of equations, and how far its roundings can take the line.

The rows of layers' operations are in ``partial_results``; ``slack`` asks both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backtrace.check.rules.equation_rules import along
from backtrace.check.rules.function_partials import slope, softmax_noted
from backtrace.check.rules.interval_rules import derivative, rows
from backtrace.check.rules.intervals import (
    UNBOUNDED,
    Floats,
    Interval,
    hull,
    in_any,
    multiplied,
    point,
)
from backtrace.check.rules.noting import Noting, Slack, size_of
from backtrace.check.rules.partial_results import PARTIAL_RESULTS
from backtrace.functions.activations import ACTIVATIONS, Parameters
from backtrace.tape.arguments import taken
from backtrace.tape.equation_operations import entries_of
from backtrace.tape.setting import Setting


def slack(
    operation: str, s: Setting, p: Parameters, noting: Noting, *operands: Interval
) -> Floats | float:
    """How far each entry of a step may be off for what was rounded on the way to it."""
    rule = PARTIAL_RESULTS.get(operation) or EQUATION_PARTIALS.get(operation)
    if rule is None and "summed" not in p:
        return 0.0
    given = [each if isinstance(each, Interval) else point(each) for each in taken(p, operands)]
    given = [hull(each) for each in given]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        off = 0.0 if rule is None else rule(s, p, noting, *given)
        found = np.asarray(_placed(p, noting, off, given), dtype=np.float64)
    bounded: Floats = np.fmin(found, UNBOUNDED)  # and for what is no number
    return bounded


def _placed(p: Parameters, noting: Noting, off: Any, given: list[Interval]) -> Any:
    """Past the sum over what was broadcast, each of whose terms is noted; at its widest past a
    view, which only takes entries elsewhere."""
    if "summed" in p:
        terms = max(given[0].shape) if p["summed"] != "all" else int(np.prod(given[0].shape))
        off = terms * (np.max(off) + float(noting.error(np.ones(1))[0]))
    return np.max(off) if "undo" in p else off


def _chain(
    s: Setting, p: Parameters, noting: Noting, upstream: Interval, z: Interval, *learned: Interval
) -> Any:
    """The slope, and what is noted on the way to it."""
    noted = noting.error(size_of(derivative(s, p, z, *learned)))
    known = p["activation"] in ACTIVATIONS
    return size_of(upstream) * (noted + (slope(s, p, noting, z) if known else noted))


def _chain_from_activation(
    s: Setting, p: Parameters, noting: Noting, upstream: Interval, a: Interval
) -> Any:
    return 2 * size_of(upstream) * noting.error(np.ones(1))[0]


def _softmax(s: Setting, p: Parameters, noting: Noting, z: Interval) -> Any:
    off = np.zeros(z.shape)
    for end in (z.lo, z.hi):
        found = softmax_noted(noting, along(s, p, Interval(end, end)).lo[0])
        off = np.maximum(off, along(s, p, point(found)).lo[0])
    return off


def _softmax_slope(
    s: Setting, p: Parameters, noting: Noting, upstream: Interval, a: Interval
) -> Any:
    """Each product of the Jacobian, and each of its entries before that."""
    k = along(s, p, a).shape[1]
    unit = float(noting.error(np.ones(1))[0])
    return k * (unit + unit * float(size_of(upstream).max()))


def _reduce(s: Setting, p: Parameters, noting: Noting, x: Interval) -> Any:
    """A sum before it is divided; a mean, the distances from it and their squares."""
    n, unit = entries_of(p, x.shape), float(noting.error(np.ones(1))[0])
    if p["reduce"] == "mean":
        return unit / n
    if p["reduce"] == "var":
        spread = float((x.hi - x.lo).max()) + float(np.ptp(x.hi))
        return 2 * spread * unit + unit
    return 0.0


def _reduce_slope(
    s: Setting, p: Parameters, noting: Noting, upstream: Interval, x: Interval
) -> Any:
    if p["reduce"] == "var":
        return 2 * noting.error(size_of(upstream)) + noting.error(np.ones(1))[0]
    return 0.0


def _over_slope(
    s: Setting, p: Parameters, noting: Noting, upstream: Interval, x: Interval, y: Interval
) -> Any:
    """The product above and the square below."""
    above, below = size_of(multiplied(upstream, x)), np.min(np.abs(np.array([y.lo, y.hi])))
    square = below * below
    return noting.error(above) / square + above * noting.error(np.array(square)) / square**2


def _conv(s: Setting, p: Parameters, noting: Noting, x: Interval, k: Interval) -> Any:
    """Each product before the sum."""
    products = float(size_of(x).max() * size_of(k).max())
    return int(np.prod(k.shape)) * float(noting.error(np.array([products]))[0])


def _conv_back(
    s: Setting, p: Parameters, noting: Noting, upstream: Interval, x: Interval, like: Interval
) -> Any:
    products = float(size_of(x).max() * size_of(upstream).max())
    terms = int(np.prod(upstream.shape))
    return terms * float(noting.error(np.array([products]))[0])


def _pool(s: Setting, p: Parameters, noting: Noting, x: Interval) -> Any:
    return 0.0 if p["pool"] == "max" else noting.error(np.ones(1))[0] / p["size"] ** 2


def _loss(s: Setting, p: Parameters, noting: Noting, a: Interval, y: Interval) -> Any:
    """Each addend, and what is noted on the way to it."""
    inner = PARTIAL_RESULTS["loss_terms"](s, p, noting, rows(s, a), rows(s, y))
    each = np.broadcast_to(np.max(inner) + noting.error(np.ones(1))[0], a.shape)
    return each.sum() / p.get("samples", 1)


def _loss_slope(
    s: Setting, p: Parameters, noting: Noting, upstream: Interval, a: Interval, y: Interval
) -> Any:
    inner = PARTIAL_RESULTS["loss_gradient"](s, p, noting, rows(s, a), rows(s, y))
    return size_of(upstream).max() * np.max(inner) + noting.error(np.ones(1))[0]


def _times(s: Setting, p: Parameters, noting: Noting, x: Interval, y: Interval) -> Any:
    """A constant written as a number: λ/3 as 0.333."""
    at = _constant(p)
    if at is None:
        return 0.0
    constant, other = ((x, y), (y, x))[at]
    return size_of(other) * noting.of(constant)


def _over(s: Setting, p: Parameters, noting: Noting, x: Interval, y: Interval) -> Any:
    """The same: √2 as 1.41, below the line; or a third of x as 0.333·x."""
    at = _constant(p)
    if at is None:
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        if at == 0:
            return noting.of(x) / np.minimum(np.abs(y.lo[0]), np.abs(y.hi[0]))
        divided = noting.of(y) / y.lo[0] ** 2
        return size_of(x) * np.maximum(divided, noting.of(Interval(1 / y.lo, 1 / y.hi)))


def rounded_times(s: Setting, p: Parameters, noting: Noting, x: Interval, y: Interval) -> Interval:
    """A product that has been noted with so many digits, or with a constant that has."""
    at, ways = _constant(p), noting.ways(multiplied(x, y))
    if at is None:
        return in_any(ways)
    constant, other = ((x, y), (y, x))[at]
    return in_any((*ways, multiplied(other, noting.rounded(constant))))


def rounded_over(
    s: Setting, p: Parameters, noting: Noting, x: Interval, y: Interval
) -> Interval | None:
    """A quotient by a constant that has been noted so, or a product with its reciprocal."""
    if _constant(p) != 1:
        return None
    reciprocals = (Interval(1 / each.hi, 1 / each.lo) for each in (noting.rounded(y), y))
    of_rounded, exact = reciprocals
    return in_any(multiplied(x, each) for each in (of_rounded, noting.rounded(exact)))


def _constant(p: Parameters) -> int | None:
    """Which of two arguments is a number."""
    named = [at for at, each in enumerate(p.get("arguments", ())) if isinstance(each, str)]
    return named[0] if len(named) == 1 else None


EQUATION_PARTIALS: dict[str, Slack] = {
    "times": _times,
    "over": _over,
    "chain": _chain,
    "chain_from_activation": _chain_from_activation,
    "softmax": _softmax,
    "softmax_slope": _softmax_slope,
    "reduce": _reduce,
    "reduce_slope": _reduce_slope,
    "over_slope": _over_slope,
    "conv": _conv,
    "conv_transpose": _conv,
    "conv_input": _conv_back,
    "conv_kernel": _conv_back,
    "pool": _pool,
    "loss_of": _loss,
    "loss_slope": _loss_slope,
}
