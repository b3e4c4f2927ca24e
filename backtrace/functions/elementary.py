"""The elementary functions that a line of equations may use, a row each, as the activations have.

``FUNCTIONS`` are these and the activations: whatever works entry by entry.
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Mapping

import numpy as np

from backtrace.functions.activations import ACTIVATIONS, INF, Activation, Parameters, Z, filled
from backtrace.functions.array import AnyArray
from backtrace.functions.formula import Hole, Root, call, exp, expression
from backtrace.functions.losses import sign
from backtrace.functions.number import Number

EXPONENT = Hole("exponent")


def _zero(p: Parameters) -> tuple[float, ...]:
    return (0.0,)


def _power(z: AnyArray, p: Parameters) -> AnyArray:
    return z ** _exponent(p)


def _power_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    exponent = _exponent(p)
    if exponent in (0, 1):  # not 0 · 0⁻¹
        return filled(z, exponent)
    return exponent * z ** (exponent - 1)


def _exponent(p: Parameters) -> float | int:
    """A whole exponent as an integer: so fractions stay fractions, and negative bases real."""
    exponent = p["exponent"]
    return int(exponent) if exponent == int(exponent) else float(exponent)


def power_is_rational(p: Parameters) -> bool:
    return isinstance(_exponent(p), int)


def _rounded(z: AnyArray, p: Parameters) -> AnyArray:
    """Halves away from zero, as by hand."""
    scale = 10 ** int(p["decimals"])
    if z.dtype == object:
        from fractions import Fraction

        half = Fraction(1, 2)
        each = [math.copysign(1, x) * Fraction(math.floor(abs(x) * scale + half)) for x in z.flat]
        return np.array([Fraction(x) / scale for x in each], dtype=object).reshape(z.shape)
    return sign(z) * np.floor(np.abs(z) * scale + 0.5) / scale


ELEMENTARY: dict[str, Activation] = {
    "exp": Activation(
        symbol="exp",
        title="the exponential",
        value=lambda z, p: np.exp(z),
        derivative=lambda z, p: np.exp(z),
        derivative_from_activation=lambda a, p: a,
        formula=exp(Z),
        derivative_formula=exp(Z),
        range=(0.0, INF),
        derivative_range=(0.0, INF),
    ),
    "ln": Activation(
        symbol="ln",
        title="the natural logarithm",
        value=lambda z, p: np.log(z),
        derivative=lambda z, p: 1 / z,
        derivative_from_activation=None,
        formula=call("ln", Z),
        derivative_formula=1 / Z,
        range=(-INF, INF),
        derivative_range=(-INF, INF),
    ),
    "sqrt": Activation(
        symbol="√",
        title="the square root",
        value=lambda z, p: np.sqrt(z),
        derivative=lambda z, p: 1 / (2 * np.sqrt(z)),
        derivative_from_activation=lambda a, p: 1 / (2 * a),
        formula=Root(Z),
        derivative_formula=1 / (2 * Root(Z)),
        range=(0.0, INF),
        derivative_range=(0.0, INF),
    ),
    "abs": Activation(
        symbol="abs",
        title="the absolute value",
        value=lambda z, p: np.abs(z),
        derivative=lambda z, p: sign(z),
        derivative_from_activation=None,
        formula=abs(Z),
        derivative_formula=call("sign", Z),
        range=(0.0, INF),
        derivative_range=(-1.0, 1.0),
        turning=_zero,
        derivative_turning=_zero,
        kinks=_zero,
        rational=True,
    ),
    "sin": Activation(
        symbol="sin",
        title="the sine",
        value=lambda z, p: np.sin(z),
        derivative=lambda z, p: np.cos(z),
        derivative_from_activation=None,
        formula=call("sin", Z),
        derivative_formula=call("cos", Z),
        range=(-1.0, 1.0),
        derivative_range=(-1.0, 1.0),
        turning=lambda p: tuple((k + 0.5) * math.pi for k in range(-32, 32)),
        derivative_turning=lambda p: tuple(k * math.pi for k in range(-32, 33)),
    ),
    "cos": Activation(
        symbol="cos",
        title="the cosine",
        value=lambda z, p: np.cos(z),
        derivative=lambda z, p: -np.sin(z),
        derivative_from_activation=None,
        formula=call("cos", Z),
        derivative_formula=-call("sin", Z),
        range=(-1.0, 1.0),
        derivative_range=(-1.0, 1.0),
        turning=lambda p: tuple(k * math.pi for k in range(-32, 33)),
        derivative_turning=lambda p: tuple((k + 0.5) * math.pi for k in range(-32, 32)),
    ),
    "power": Activation(
        symbol="power",
        title="a power",
        value=_power,
        derivative=_power_derivative,
        derivative_from_activation=None,
        formula=Z**EXPONENT,
        derivative_formula=EXPONENT * Z ** (EXPONENT - 1),
        range=(-INF, INF),
        derivative_range=(-INF, INF),
        parameters={"exponent": Number(2.0, "2")},
        turning=_zero,
        derivative_turning=_zero,
        rational=True,
    ),
    "round": Activation(
        symbol="round",
        title="rounding, which lets the gradient through",
        value=_rounded,
        derivative=lambda z, p: filled(z, 1),
        derivative_from_activation=lambda a, p: filled(a, 1),
        formula=call("round", Z, Hole("decimals")),
        derivative_formula=expression(1),
        range=(-INF, INF),
        derivative_range=(1.0, 1.0),
        parameters={"decimals": Number(0.0, "0")},
        rational=True,
    ),
}

FUNCTIONS: Mapping[str, Activation] = ChainMap(ACTIVATIONS, ELEMENTARY)
