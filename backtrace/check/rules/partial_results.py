"""How far roundings inside a line can take it: what people note down on the way to its result.

e^z before the quotient, each product before the sum, each sample's share before the batch's, the
parts of an optimizer's step. Each row says, for an operation on operands that lie in intervals, how
far its entries may be off when every partial result is rounded as ``Noting`` says.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
import numpy as np

from backtrace.check.rules.intervals import Floats, Interval, hull, is_left_alone, single
from backtrace.functions.activations import SELU_ALPHA, SELU_SCALE, Parameters
from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.optimizers import momentums
from backtrace.tape.operations import matmul_operands
from backtrace.tape.setting import Setting


class Noting(msgspec.Struct, frozen=True):
    """How partial results are rounded: ``half`` a unit of a decimal each way, or to so many
    significant ``digits``, whichever is coarser."""

    half: float
    digits: int | None = None

    def error(self, size: Floats) -> Floats:
        """Half a unit in the last place of numbers of this size."""
        if self.digits is None:
            return np.full(np.shape(size), self.half)
        with np.errstate(divide="ignore"):
            place = np.floor(np.log10(np.where(size > 0, size, 1.0)))
        return np.where(size > 0, np.maximum(0.5 * 10.0 ** (place + 1 - self.digits), self.half), 0)

    def error_of_sum(self, size: Floats) -> Floats:
        """The same of a sum of noted numbers: it has no more decimals than they have."""
        return np.zeros(np.shape(size)) if self.digits is None else self.error(size)

    def rounded(self, x: Interval) -> Interval:
        """What the interval's numbers are rounded to: either way, where they lie between two."""
        return Interval(self._rounded(x.lo, -1.0), self._rounded(x.hi, 1.0))

    def _rounded(self, x: Floats, side: float) -> Floats:
        error = self.error(np.abs(x))
        unit = np.where(error > 0, 2 * error, 1.0)
        tie = side * 1e-9  # a tie goes to the side that the interval opens to
        return np.where(error > 0, np.round(x / unit + tie) * unit, x)

    def of(self, x: Interval) -> Floats:
        """What rounding may do to a partial result; nothing to a number that it leaves alone."""
        lo, hi = hull(x).lo[0], hull(x).hi[0]
        error = self.error(np.maximum(np.abs(lo), np.abs(hi)))
        unit = np.where(error > 0, 2 * error, 1.0)
        middle = (lo + hi) / 2
        kept = is_left_alone(middle, np.round(middle / unit) * unit, unit)
        return np.where(single(x) & kept, 0.0, error)


Slack: TypeAlias = Callable[..., Any]


def widened_by(x: Interval, off: Floats | float) -> Interval:
    if not np.any(off):
        return x
    return Interval(x.lo - off, x.hi + off)


def size_of(x: Interval) -> Floats:
    """How large its entries can be."""
    return np.asarray(np.maximum(np.abs(x.lo[0]), np.abs(x.hi[0])))


# Sums of products


def _matmul(s: Setting, p: Parameters, noting: Noting, x: Interval, y: Interval) -> Floats:
    """Each product before the sum. One product alone is the line itself."""
    products, trivial = products_of(s, p, x, y)
    if products.shape[1] == 1 and p.get("samples", 1) == 1:
        return np.zeros((products.shape[0], products.shape[2]))
    return np.asarray(np.where(trivial, 0.0, _noted(noting, products)).sum(axis=1))


def products_of(s: Setting, p: Parameters, x: Interval, y: Interval) -> tuple[Interval, Any]:
    """Rows × terms × columns, and which of them nobody notes down."""
    x, y = matmul_operands(s, p, x, y)
    xl, xh = x.lo[0][:, :, None], x.hi[0][:, :, None]
    yl, yh = y.lo[0][None], y.hi[0][None]
    ends = np.stack([xl * yl, xl * yh, xh * yl, xh * yh])
    trivial = is_trivial(xl, xh) | is_trivial(yl, yh)
    return Interval(ends.min(axis=0)[None], ends.max(axis=0)[None]), trivial


def _noted(noting: Noting, x: Interval) -> Floats:
    """``Noting.of`` for an array of any number of axes."""
    shape = x.lo.shape[1:]
    flat = Interval(x.lo.reshape(1, 1, -1), x.hi.reshape(1, 1, -1))
    return noting.of(flat).reshape(shape)


def is_trivial(lo: Floats, hi: Floats) -> Any:
    """Who multiplies by 0 or by 1 notes nothing down."""
    return (lo == hi) & ((lo == 0) | (np.abs(lo) == 1))


def _share(s: Setting, p: Parameters, noting: Noting, x: Interval) -> Any:
    """Each sample's share of a mean."""
    n = p.get("samples", 1)
    if n == 1:
        return 0.0
    off = noting.of(Interval(x.lo / n, x.hi / n))
    return off.sum() if p.get("all") else off.sum(axis=s.sample_axis, keepdims=True)


def _shares_of_all(s: Setting, p: Parameters, noting: Noting, x: Interval) -> Any:
    return _share(s, {**p, "all": True}, noting, x)


def _product_of_constant(name: str) -> Slack:
    """A constant times the last operand: η·dW, β·v, λ·w."""

    def off(s: Setting, p: Parameters, noting: Noting, *operands: Interval) -> Any:
        factor, x = float(p[name]), operands[-1]
        return noting.of(Interval(*ordered(x.lo * factor, x.hi * factor)))

    return off


def ordered(one: Floats, two: Floats) -> tuple[Floats, Floats]:
    return np.minimum(one, two), np.maximum(one, two)


# Functions


def _activate(s: Setting, p: Parameters, noting: Noting, z: Interval, *learned: Interval) -> Floats:
    row = FUNCTIONS[p["activation"]]
    if not row.elementwise:
        off = _softmax(s, noting, z)
    else:
        rule = INNER_RESULTS.get(p["activation"], _nothing if row.rational else _usual)
        off = np.maximum(rule(noting, z.lo[0], p), rule(noting, z.hi[0], p))
    return _beside_ones(s, off, p.get("ones", ""))


def _beside_ones(s: Setting, off: Floats, ones: str) -> Floats:
    if not ones:
        return off
    axis = 1 - s.sample_axis
    line = np.zeros_like(off[:, :1] if axis == 1 else off[:1])
    return np.concatenate([line, off] if ones == "first" else [off, line], axis=axis)


def _sigmoid(noting: Noting, z: Floats, p: Parameters) -> Floats:
    """1/(1 + e⁻ᶻ) moves by σ² for e⁻ᶻ, eᶻ/(1 + eᶻ) by (1 − σ)² for eᶻ."""
    a = 1 / (1 + np.exp(-z))
    down, up = np.exp(-z), np.exp(z)
    by_minus = (noting.error(down) + noting.error_of_sum(1 + down)) * a * a
    by_plus = noting.error(up) * (1 - a) ** 2 + noting.error_of_sum(1 + up) * a * (1 - a)
    return np.asarray(np.maximum(by_minus, by_plus))


def _tanh(noting: Noting, z: Floats, p: Parameters) -> Floats:
    """(eᶻ − e⁻ᶻ)/(eᶻ + e⁻ᶻ), powers and sums rounded, or by e^2z or e^−2z.

    A sum below moves the quotient by its own share at most, and so does a difference above.
    """
    up, down = np.exp(np.abs(z)), np.exp(-np.abs(z))
    whole = up + down
    by_both = 2 * (down * noting.error(up) + up * noting.error(down)) / (whole * whole)
    ways = [by_both + 2 * noting.error_of_sum(whole) / whole]
    for power in (up * up, down * down):
        sums = 2 * noting.error_of_sum(1 + power) / (1 + power)
        ways.append(2 * noting.error(power) / (1 + power) ** 2 + sums)
    return np.asarray(np.maximum.reduce(ways))


def _exponential(factor: Callable[[Parameters], float]) -> Callable[..., Floats]:
    """A constant times e^z, where z is negative."""

    def off(noting: Noting, z: Floats, p: Parameters) -> Floats:
        return np.where(z < 0, factor(p) * noting.error(np.exp(np.minimum(z, 0))), 0.0)

    return off


def _selu(noting: Noting, z: Floats, p: Parameters) -> Floats:
    """e^z below 0, and α(e^z − 1) before it is scaled."""
    power = np.exp(np.minimum(z, 0))
    inner = SELU_ALPHA * noting.error(power) + noting.error(SELU_ALPHA * (1 - power))
    return np.where(z < 0, SELU_SCALE * inner, 0.0)


def _softplus(noting: Noting, z: Floats, p: Parameters) -> Floats:
    power = np.exp(z)
    return np.asarray((noting.error(power) + noting.error_of_sum(1 + power)) / (1 + power))


def _silu(noting: Noting, z: Floats, p: Parameters) -> Floats:
    """z times a σ that was noted."""
    return np.asarray(np.abs(z) * (_sigmoid(noting, z, p) + noting.error(1 / (1 + np.exp(-z)))))


def _mish(noting: Noting, z: Floats, p: Parameters) -> Floats:
    """z times a tanh of a logarithm, both noted."""
    inner = _softplus(noting, z, p) + noting.error(np.log(1 + np.exp(z)))
    return np.asarray(np.abs(z) * (inner + noting.error(np.ones_like(z))))


def _softsign(noting: Noting, z: Floats, p: Parameters) -> Floats:
    below = 1 + np.abs(z)
    return np.asarray(noting.error(below) * np.abs(z) / below**2)


def _hard_sigmoid(noting: Noting, z: Floats, p: Parameters) -> Floats:
    return noting.error(np.abs(z * float(p["slope"])))


def _power(noting: Noting, z: Floats, p: Parameters) -> Floats:
    """A power below a fraction line before the quotient; the square before the cube."""
    exponent = float(p["exponent"])
    if exponent < 0:
        return np.asarray(noting.error(np.abs(z) ** -exponent) * np.abs(z) ** (2 * exponent))
    if exponent in (0, 1, 2):
        return np.zeros_like(z)
    return np.asarray((1 + np.abs(z)) * noting.error(z * z))


def _nothing(noting: Noting, z: Floats, p: Parameters) -> Floats:
    return np.zeros_like(z)


def _usual(noting: Noting, z: Floats, p: Parameters) -> Floats:
    """z times something that was rounded, or a power."""
    return (1 + np.abs(z)) * noting.error(np.ones_like(z))


INNER_RESULTS: dict[str, Callable[..., Floats]] = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "softsign": _softsign,
    "power": _power,
    "hard_sigmoid": _hard_sigmoid,
    "softplus": _softplus,
    "silu": _silu,
    "mish": _mish,
    "elu": _exponential(lambda p: abs(float(p["alpha"]))),
    "selu": _selu,
}


def _softmax(s: Setting, noting: Noting, z: Interval) -> Floats:
    """A share moves by (1 − a)/Σ for its own power, by a/Σ for another's and for their sum."""
    off = np.zeros(z.shape)
    for end in (z.lo[0], z.hi[0]):
        rows = end if s.sample_axis == 0 else end.T
        powers = np.exp(rows)
        whole = powers.sum(axis=1, keepdims=True)
        a, error = powers / whole, noting.error(powers)
        others = error.sum(axis=1, keepdims=True) - error
        found = ((1 - a) * error + a * (others + noting.error(whole))) / whole
        off = np.maximum(off, found if s.sample_axis == 0 else found.T)
    return off


def slope(s: Setting, p: Parameters, noting: Noting, x: Interval, *learned: Interval) -> Any:
    """1 − a², a(1 − a): the activation itself, as noted, and a square on the way."""
    row = FUNCTIONS[p["activation"]]
    if not row.elementwise:
        return 2 * np.max(_softmax(s, noting, x)) + 3 * noting.error(np.ones(1))[0]
    if row.rational and row.from_activation_formula is None:
        return 0.0
    return np.maximum(*(_slope_at(noting, end[0], p) for end in (x.lo, x.hi)))


def _slope_at(noting: Noting, z: Floats, p: Parameters) -> Floats:
    """How far the slope at z moves with its activation, which stays on its side of 0."""
    row = FUNCTIONS[p["activation"]]
    if p["activation"] == "softsign":  # 1/(1 + |z|)²: the sum and its square
        below = 1 + np.abs(z)
        return np.asarray(2 * noting.error(below) / below**3 + noting.error(below**2) / below**4)
    square = noting.error(np.ones_like(z))
    if row.rational:
        return square
    from_a = row.derivative_from_activation
    if from_a is None:  # σ(z) + z·σ′(z) and the like
        return 2 * (1 + np.abs(z)) * square
    a = row.value(z, p)
    off = INNER_RESULTS.get(p["activation"], _usual)(noting, z, p) + noting.error(a)
    ends = [np.where(x * a <= 0, a, x) for x in (a - off, a + off)]
    moved = np.maximum(*(np.abs(from_a(x, p) - from_a(a, p)) for x in ends))
    return np.asarray(square + moved)


def _square_of_slope(s: Setting, p: Parameters, noting: Noting, a: Interval) -> Any:
    """The square on the way from a written a."""
    row = FUNCTIONS[p["activation"]]
    whole = row.rational and row.from_activation_formula is None
    return 0.0 if whole else noting.error(np.ones(1))[0]


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
    return whole * noting.error(size_of(operands[0]) + (len(operands) > 1))


# Penalties and optimizers


def _penalty(s: Setting, p: Parameters, noting: Noting, *weights: Interval) -> Any:
    amount = float(p["l1"]) + float(p["l2"])
    squares = sum(float(noting.error(size_of(w) ** 2).sum()) for w in weights)
    return amount * squares + sum(float(noting.error(np.ones(1))[0]) for _ in weights)


def _add_penalty(s: Setting, p: Parameters, noting: Noting, data: Interval, w: Interval) -> Any:
    amount = float(p["l1"]) + 2 * float(p["l2"])
    return noting.error(amount * np.maximum(size_of(w), 1e-300))


def _gradient_norm(s: Setting, p: Parameters, noting: Noting, *gradients: Interval) -> Any:
    """Each square before they are added up; the root of a smaller sum moves further."""
    off = sum(float(noting.error(size_of(g) ** 2).sum()) for g in gradients)
    least = sum(float((np.maximum(np.maximum(g.lo, -g.hi)[0], 0.0) ** 2).sum()) for g in gradients)
    whole = max(least, off)
    return math.sqrt(whole) - math.sqrt(whole - off)


def _clip_to_norm(s: Setting, p: Parameters, noting: Noting, g: Interval, norm: Interval) -> Any:
    """The factor before the product, or g/norm before it is multiplied by c."""
    limit = float(p["limit"])
    ends = [limit / np.maximum(end, limit) for end in (norm.hi, norm.lo)]
    share = size_of(g) * ends[1][0] / limit
    factor = noting.of(Interval(*ends))
    return np.where(factor > 0, np.maximum(size_of(g) * factor, limit * noting.error(share)), 0.0)


def _average(s: Setting, p: Parameters, noting: Noting, old: Interval, new: Interval) -> Any:
    beta = float(p["beta"])
    return noting.error(beta * size_of(old)) + noting.error((1 - beta) * size_of(new))


def _average_squares(s: Setting, p: Parameters, noting: Noting, v: Interval, g: Interval) -> Any:
    share = 1 - float(p["beta"])
    squares = size_of(g) ** 2
    parts = noting.error(float(p["beta"]) * size_of(v)) + noting.error(share * squares)
    return parts + share * noting.error(squares)


def _squares(s: Setting, p: Parameters, noting: Noting, v: Interval, g: Interval) -> Any:
    return noting.error(size_of(g) ** 2)


def _momentum(s: Setting, p: Parameters, noting: Noting, v: Interval, g: Interval) -> Any:
    return noting.error(float(p["beta"]) * size_of(v)) + noting.error(
        float(p.get("rate", 1.0)) * size_of(g)
    ) * ("rate" in p)


def _look_ahead(s: Setting, p: Parameters, noting: Noting, g: Interval, v: Interval) -> Any:
    rate = abs(float(p["rate"]))
    inner = noting.error(float(p["beta"]) * size_of(v)) + noting.error(size_of(g) + size_of(v))
    return rate * inner


def _unbias(s: Setting, p: Parameters, noting: Noting, m: Interval) -> Any:
    below = 1 - float(p["beta"]) ** p["t"]
    off = noting.of(Interval(np.full((1, 1, 1), below), np.full((1, 1, 1), below)))[0, 0]
    return size_of(m) * off / (below * max(below - off, 1e-300))


def _look_ahead_average(s: Setting, p: Parameters, noting: Noting, m: Interval, g: Interval) -> Any:
    """Each share before the sum, and the product before it is divided."""
    mu = momentums(float(p["beta"]), float(p["momentum_decay"]), p["t"])
    found = np.zeros(m.shape)
    for x, share, rest in (
        (m, mu.next, 1 - mu.product * mu.next),
        (g, 1 - mu.now, 1 - mu.product),
    ):
        size = share * size_of(x)
        found = found + noting.error(size) / rest + noting.error(size / rest)
    return found


def _rescale(
    s: Setting, p: Parameters, noting: Noting, g: Interval, steps: Interval, squares: Interval
) -> Any:
    """Both roots, and their quotient."""
    epsilon = float(p["epsilon"])
    above = np.sqrt(np.maximum(steps.hi[0], 0.0) + epsilon)
    below = np.sqrt(np.maximum(squares.lo[0], 0.0) + epsilon)
    off = noting.error(below)
    safe = np.maximum(below - off, 1e-300)
    quotient = (noting.error(above) + above * off / safe) / safe
    return size_of(g) * (quotient + noting.error(above / safe))


def _adaptive_step(s: Setting, p: Parameters, noting: Noting, *operands: Interval) -> Any:
    m, v = operands[:2]
    rate, root = abs(float(p["rate"])), np.sqrt(np.maximum(v.lo[0], 0.0))
    off = noting.error(root) + noting.error_of_sum(root)
    safe = np.maximum(root - off, 1e-300)
    ratio = size_of(m) / safe
    wide = rate * ratio * off / safe + noting.error(rate * size_of(m)) / safe
    longest = np.minimum(ratio, p.get("largest_ratio", np.inf))
    noted = np.maximum(noting.error(rate * np.ones_like(root)), rate * noting.error(longest))
    return np.minimum(wide, rate * (1 + ratio)) + noted


PARTIAL_RESULTS: dict[str, Slack] = {
    "matmul": _matmul,
    "sum_samples": _share,
    "total": _shares_of_all,
    "activate": _activate,
    "activation_derivative": slope,
    "derivative_from_activation": _square_of_slope,
    "loss_terms": _loss_terms,
    "loss_terms_from_error": _loss_terms_from_error,
    "loss_gradient": _loss_gradient,
    "loss_gradient_from_activation": _loss_gradient,
    "jacobian_product": lambda s, p, noting, da, g: (
        da.shape[1 - s.sample_axis] * noting.error(size_of(da))
    ),
    "penalty": _penalty,
    "add_penalty": _add_penalty,
    "gradient_norm": _gradient_norm,
    "clip_to_norm": _clip_to_norm,
    "descend": _product_of_constant("rate"),
    "accumulate": _momentum,
    "accumulate_step": _momentum,
    "average": _average,
    "accumulate_squares": _squares,
    "average_squares": _average_squares,
    "look_ahead_step": _look_ahead,
    "unbias": _unbias,
    "look_ahead_average": _look_ahead_average,
    "rescale": _rescale,
    "adaptive_step": _adaptive_step,
    "decayed_step": _adaptive_step,
}
