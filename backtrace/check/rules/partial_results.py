"""How far roundings inside a line can take it: what people note down on the way to its result.

e^z before the quotient, each product before the sum, each sample's share before the batch's, the
parts of an optimizer's step. Each row says, for an operation on operands that lie in intervals, how
far its entries may be off when every partial result is rounded as ``Noting`` says.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backtrace.check.rules.function_partials import activate, slope, square_of_slope
from backtrace.check.rules.intervals import Floats, Interval, extremes
from backtrace.check.rules.noting import Noting, Slack, is_trivial, noted_one_by_one, size_of
from backtrace.check.rules.update_partials import UPDATE_PARTIALS
from backtrace.functions.activations import Parameters
from backtrace.tape.operations import matmul_operands
from backtrace.tape.setting import Setting

# Sums of products


def _matmul(s: Setting, p: Parameters, noting: Noting, x: Interval, y: Interval) -> Floats:
    """Each product before the sum. One product alone is the line itself."""
    products, trivial = products_of(s, p, x, y)
    if products.shape[1] == 1 and p.get("samples", 1) == 1:
        return np.zeros((products.shape[0], products.shape[2]))
    return np.asarray(np.where(trivial, 0.0, noted_one_by_one(noting, products)).sum(axis=1))


def products_of(s: Setting, p: Parameters, x: Interval, y: Interval) -> tuple[Interval, Any]:
    """Rows × terms × columns, and which of them nobody notes down."""
    x, y = matmul_operands(s, p, x, y)
    lo, hi = extremes(np.multiply, x[:, :, None], y[None])
    across, below = is_trivial(x.lo[0], x.hi[0]), is_trivial(y.lo[0], y.hi[0])
    return Interval(lo, hi), across[:, :, None] | below[None]


def _share(s: Setting, p: Parameters, noting: Noting, x: Interval) -> Any:
    """Each sample's share of a mean, or the sum that is divided."""
    n = p.get("samples", 1)
    if n == 1:
        return 0.0
    axis = None if p.get("all") else s.sample_axis
    off = noting.of(Interval(x.lo / n, x.hi / n)).sum(axis=axis, keepdims=True)
    return np.maximum(off, noting.error_of_sum(size_of(x).sum(axis=axis, keepdims=True)) / n)


def _shares_of_all(s: Setting, p: Parameters, noting: Noting, x: Interval) -> Any:
    return _share(s, {**p, "all": True}, noting, x)


# Losses


def _loss_terms(s: Setting, p: Parameters, noting: Noting, *operands: Interval) -> Any:
    """What is noted of an addend before it stands there."""
    if len(operands) < 2:
        return 0.0
    rule: Slack = ADDENDS.get(p["loss"], _squared)
    return rule(noting, p, *operands)


def _squared(noting: Noting, p: Parameters, a: Interval, y: Interval) -> Any:
    """The error, and its square before it is halved or divided."""
    gap = Interval(a.lo - y.hi, a.hi - y.lo)
    square = size_of(gap) ** 2
    halved = 0.0 if p["loss"] in WHOLE_SQUARES else noting.of(Interval(square[None], square[None]))
    return halved + 2 * size_of(gap) * noting.of(gap)


def _logarithm(noting: Noting, p: Parameters, a: Interval, y: Interval) -> Any:
    """ln ŷ before it is multiplied, and 1 − ŷ before its logarithm."""
    multiplied = np.where(
        is_trivial(y.lo[0], y.hi[0]), 0.0, 3 * noting.error(np.ones_like(size_of(a)))
    )
    if p["loss"] == "cross_entropy":
        return multiplied
    other = 1 - a.hi[0]
    return multiplied + np.where(y.lo[0] == 1, 0.0, noting.error_of_sum(other) / other)


def _divergence(noting: Noting, p: Parameters, a: Interval, y: Interval) -> Any:
    """y/ŷ and its logarithm; of y = 0 nobody works anything."""
    none = (y.lo[0] == 0) & (y.hi[0] == 0)
    return np.where(none, 0.0, 3 * noting.error(np.ones_like(size_of(a))))


def _log_cosh(noting: Noting, p: Parameters, a: Interval, y: Interval) -> Any:
    """The error and its cosh, which is never below 1."""
    gap = Interval(a.lo - y.hi, a.hi - y.lo)
    return noting.of(gap) + _cosh_noted(noting, gap)


def _cosh_noted(noting: Noting, e: Interval) -> Floats:
    cosh = np.cosh(np.minimum(size_of(e), 700.0))  # beyond, it is inf
    return np.asarray(noting.error(cosh) / cosh)


ADDENDS: dict[str, Slack] = {
    "cross_entropy": _logarithm,
    "binary_cross_entropy": _logarithm,
    "kl": _divergence,
    "log_cosh": _log_cosh,
    "hinge": lambda noting, p, a, y: 2 * noting.error_of_sum(2 + 2 * size_of(a).max()),
    "mae": lambda noting, p, a, y: 0.0,  # the error is the line
    "binary_hinge": lambda noting, p, a, y: 0.0,  # −ŷ or ŷ, and 1: nothing is noted
}


def _loss_terms_from_error(s: Setting, p: Parameters, noting: Noting, e: Interval) -> Any:
    if p["loss"] == "log_cosh":
        return _cosh_noted(noting, e)
    square = size_of(e) ** 2
    return 0.0 if p["loss"] in WHOLE_SQUARES else noting.of(Interval(square[None], square[None]))


WHOLE_SQUARES = ("sse", "mse")  # whose terms are squares and nothing else


def _loss_gradient(s: Setting, p: Parameters, noting: Noting, *operands: Interval) -> Any:
    whole = 1 if p.get("samples", 1) == 1 and len(operands) == 1 else 2
    parts = whole * noting.error(size_of(operands[0]) + (len(operands) > 1))
    if p["loss"] != "binary_cross_entropy":
        return parts
    return np.maximum(parts, _quotient_noted(noting, *operands) / p.get("samples", 1))


def _quotient_noted(noting: Noting, a: Interval, y: Interval) -> Any:
    """(a − y)/(a(1 − a)), and a(1 − a) before it is divided by, of which a digit is noted."""
    found = np.zeros(a.shape)
    for end in (a.lo[0], a.hi[0]):
        below = end * (1 - end)
        off = np.minimum(noting.error(below), below / 2)
        above = np.maximum(np.abs(end - y.lo[0]), np.abs(end - y.hi[0]))
        found = np.maximum(found, above * off / (below * (below - off)))
    return found + noting.error(found)


PARTIAL_RESULTS: dict[str, Slack] = {
    "matmul": _matmul,
    "sum_samples": _share,
    "total": _shares_of_all,
    "activate": activate,
    "activation_derivative": slope,
    "derivative_from_activation": square_of_slope,
    "loss_terms": _loss_terms,
    "loss_terms_from_error": _loss_terms_from_error,
    "loss_gradient": _loss_gradient,
    "loss_gradient_from_activation": _loss_gradient,
    "jacobian_product": lambda s, p, noting, da, g: (
        da.shape[1 - s.sample_axis] * noting.error(size_of(da))
    ),
    **UPDATE_PARTIALS,
}
