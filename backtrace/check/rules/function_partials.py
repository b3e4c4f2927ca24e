"""How far roundings on the way can take activations and their slopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backtrace.check.rules.intervals import Floats, Interval
from backtrace.check.rules.noting import Noting
from backtrace.functions.activations import SELU_ALPHA, SELU_SCALE, Parameters
from backtrace.functions.elementary import FUNCTIONS
from backtrace.tape.setting import Setting


def activate(s: Setting, p: Parameters, noting: Noting, z: Interval, *learned: Interval) -> Floats:
    row = FUNCTIONS[p["activation"]]
    if not row.elementwise:
        off = _softmax(s, noting, z)
    else:
        rule = INNER_RESULTS.get(p["activation"], _nothing if row.rational else _usual)
        off = rule(noting, _ends(z), p).max(axis=0)
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
    off = np.zeros(z.shape)
    for end in (z.lo[0], z.hi[0]):
        found = softmax_noted(noting, end if s.sample_axis == 0 else end.T)
        off = np.maximum(off, found if s.sample_axis == 0 else found.T)
    return off


def softmax_noted(noting: Noting, rows: Floats) -> Floats:
    """A share moves by (1 − a)/Σ for its own power, by a/Σ for another's and for their sum; so it
    does where the largest z is taken off first."""
    off = np.zeros(rows.shape)
    for z in (rows, rows - rows.max(axis=1, keepdims=True)):
        powers = np.exp(z)
        whole = powers.sum(axis=1, keepdims=True)
        a, error = powers / whole, noting.error(powers)
        others = error.sum(axis=1, keepdims=True) - error
        noted = ((1 - a) * error + a * (others + noting.error(whole))) / whole
        off = np.fmax(off, noted)
    return off


def slope(s: Setting, p: Parameters, noting: Noting, x: Interval, *learned: Interval) -> Any:
    """1 − a², a(1 − a): the activation itself, as noted, and a square on the way."""
    row = FUNCTIONS[p["activation"]]
    if not row.elementwise:
        return 2 * np.max(_softmax(s, noting, x)) + 3 * noting.error(np.ones(1))[0]
    if row.rational and row.from_activation_formula is None:
        return 0.0
    off: Floats = _slope_at(noting, _ends(x), p).max(axis=0)
    return off


def _ends(x: Interval) -> Floats:
    """Where each entry begins, and where it ends; one array, as one call takes half the time."""
    return x.lo if x.exact else np.concatenate((x.lo, x.hi))


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


def square_of_slope(s: Setting, p: Parameters, noting: Noting, a: Interval) -> Any:
    """The square on the way from a written a."""
    row = FUNCTIONS[p["activation"]]
    whole = row.rational and row.from_activation_formula is None
    return 0.0 if whole else noting.error(np.ones(1))[0]
