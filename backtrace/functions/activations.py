"""The activations: value, derivative, derivative from the activation and formula, a row each.

Every function takes an array of any shape and the parameters of its row; the arrays are float64,
float32 or, where ``rational`` is true, object arrays of Fractions. Softmax works along the axis of
the units and is the one activation whose derivative is a matrix: it has functions of its own
here, and ``elementwise`` is False in its row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.array import AnyArray
from backtrace.functions.error_function import erfc
from backtrace.functions.formula import (
    HALF,
    Expr,
    Hole,
    Letter,
    Sum,
    Transposed,
    call,
    cases,
    exp,
    expression,
    row,
)
from backtrace.functions.number import Number

Parameters: TypeAlias = Mapping[str, Any]
NONE: Parameters = MappingProxyType({})
Elementwise: TypeAlias = Callable[[AnyArray, Parameters], AnyArray]
Points: TypeAlias = Callable[[Parameters], tuple[float, ...]]


class Activation(msgspec.Struct, frozen=True):
    """One activation g.

    ``turning`` are the points at which g stops rising or falling or jumps, ``derivative_turning``
    those of g′, ``from_activation_turning`` those of g′ as a function of a; between two of them the
    function is monotonic, so its extrema over an interval lie at its ends and at these points.
    ``kinks`` are the points without a derivative; there ``derivative`` returns the usual choice.
    ``range`` is the closed set of values that g can have.

    ``learned`` names the parameter that a network learns: it is a matrix of its own, one number or
    one a unit, of which ``parameters`` has what it starts from; ``by_learned`` is ∂a/∂ of it.
    """

    symbol: str  # as a function of z: σ(z)
    title: str
    value: Elementwise
    derivative: Elementwise
    derivative_from_activation: Elementwise | None
    formula: Expr  # of one entry, with Z
    derivative_formula: Expr
    range: tuple[float, float]
    derivative_range: tuple[float, float]
    from_activation_formula: Expr | None = None  # where it is how one works by hand, with A
    parameters: dict[str, Number] = {}
    turning: Points = lambda p: ()
    derivative_turning: Points = lambda p: ()
    from_activation_turning: Points = lambda p: ()
    kinks: Points = lambda p: ()
    rational: bool = False
    differentiable: bool = True
    elementwise: bool = True
    learned: str = ""
    by_learned: Elementwise | None = None
    by_learned_formula: Expr | None = None
    source: str = ""

    @property
    def constants(self) -> dict[str, Number]:
        """The parameters that stay what they are."""
        return {name: value for name, value in self.parameters.items() if name != self.learned}

    def at(self, p: Parameters, learned: Sequence[Any]) -> Parameters:
        """The parameters with what is learned, where a step has it as an operand."""
        return {**p, self.learned: learned[0]} if learned else p


def _zero(p: Parameters) -> tuple[float, ...]:
    return (0.0,)


def filled(like: AnyArray, value: Any) -> AnyArray:
    """``value`` in every entry, in the shape and arithmetic of ``like`` (no −0, no int)."""
    if like.dtype == object:
        from fractions import Fraction

        value = Fraction(value)
    return np.full(like.shape, value, dtype=like.dtype)


def _linear(z: AnyArray, p: Parameters) -> AnyArray:
    return z * p["slope"]


def _linear_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    return filled(z, p["slope"])


def sigmoid(z: AnyArray, p: Parameters = NONE) -> AnyArray:
    """σ(z) = 1/(1 + e⁻ᶻ); where e⁻ᶻ overflows, σ(z) is 0 as it should be."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))


def _sigmoid_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    return sigmoid(z) * sigmoid(-z)  # σ(−z) is 1 − σ(z) with all its digits


def _tanh(z: AnyArray, p: Parameters) -> AnyArray:
    return np.tanh(z)


def _tanh_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    # 1 - tanh² loses every digit where tanh is near 1: with e = e^(-2|z|) it is 4e/(1 + e)².
    e = np.exp(-2 * np.abs(z))
    return 4 * e / ((1 + e) * (1 + e))


def _bipolar_sigmoid(z: AnyArray, p: Parameters) -> AnyArray:
    return np.tanh(z / 2)  # the same function, and nothing overflows


def _bipolar_sigmoid_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    return 2 * _sigmoid_derivative(z, p)  # 2σ(z) − 1 is the function


def _softsign(z: AnyArray, p: Parameters) -> AnyArray:
    return z / (1 + np.abs(z))


def _softsign_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    share = 1 / (1 + np.abs(z))  # its square may be 0, the square of 1 + |z| may not be inf
    return share * share


def _softsign_from_activation(a: AnyArray, p: Parameters) -> AnyArray:
    return (1 - np.abs(a)) * (1 - np.abs(a))


def _relu(z: AnyArray, p: Parameters) -> AnyArray:
    return np.maximum(z, filled(z, 0)) + 0  # the larger of 0 and -0 may be -0


def _positive(z: AnyArray, p: Parameters) -> AnyArray:
    return np.where(z > 0, filled(z, 1), filled(z, 0))


def _leaky_relu(z: AnyArray, p: Parameters) -> AnyArray:
    return np.where(z > 0, z, z * p["slope"])


def _leaky_relu_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    return np.where(z > 0, filled(z, 1), filled(z, p["slope"]))


def _leaky_relu_from_activation(a: AnyArray, p: Parameters) -> AnyArray:
    # A falling branch folds both signs of z onto a > 0; the table offers this form for slope ≥ 0.
    return np.where(a > 0, filled(a, 1), filled(a, p["slope"]))


def _prelu(z: AnyArray, p: Parameters) -> AnyArray:
    return np.where(z > 0, z, z * p["alpha"])


def _prelu_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    return np.where(z > 0, filled(z, 1), filled(z, 0) + p["alpha"])


def _negative_part(z: AnyArray, p: Parameters) -> AnyArray:
    return np.minimum(z, filled(z, 0))


def _elu(z: AnyArray, p: Parameters) -> AnyArray:
    return np.where(z > 0, z, p["alpha"] * np.expm1(np.minimum(z, 0)))


def _elu_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    return np.where(z > 0, 1, p["alpha"] * np.exp(np.minimum(z, 0)))


def _elu_from_activation(a: AnyArray, p: Parameters) -> AnyArray:
    return np.where(a > 0, 1, a + p["alpha"])


SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


def _selu(z: AnyArray, p: Parameters) -> AnyArray:
    return SELU_SCALE * _elu(z, {"alpha": SELU_ALPHA})


def _selu_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    return SELU_SCALE * _elu_derivative(z, {"alpha": SELU_ALPHA})


def _selu_from_activation(a: AnyArray, p: Parameters) -> AnyArray:
    return np.where(a > 0, SELU_SCALE, a + SELU_SCALE * SELU_ALPHA)


def _normal_cdf(z: AnyArray) -> AnyArray:
    """Φ(z) by erfc, which keeps its digits far out on the left, where 1 + erf loses them."""
    return erfc(z * -math.sqrt(0.5)) / 2


def _normal_density(z: AnyArray) -> AnyArray:
    return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _gelu(z: AnyArray, p: Parameters) -> AnyArray:
    return z * _normal_cdf(z)


def _gelu_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    return _normal_cdf(z) + z * _normal_density(z)


def _silu(z: AnyArray, p: Parameters) -> AnyArray:
    return z * sigmoid(z)


def _silu_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    return sigmoid(z) + z * _sigmoid_derivative(z, p)


def softplus(z: AnyArray, p: Parameters = NONE) -> AnyArray:
    """ln(1 + eᶻ), written max(z, 0) + ln(1 + e^(−|z|)) so that nothing overflows."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _softplus_from_activation(a: AnyArray, p: Parameters) -> AnyArray:
    return -np.expm1(-a)


def _mish(z: AnyArray, p: Parameters) -> AnyArray:
    return z * np.tanh(softplus(z))


def _mish_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    inner = softplus(z)
    return np.tanh(inner) + z * _tanh_derivative(inner, p) * sigmoid(z)


def _hard_tanh(z: AnyArray, p: Parameters) -> AnyArray:
    return np.where(z >= 1, filled(z, 1), np.where(z <= -1, filled(z, -1), z))


def _between_minus_and_plus_1(x: AnyArray, p: Parameters) -> AnyArray:
    return np.where((x > -1) & (x < 1), filled(x, 1), filled(x, 0))


def _hard_sigmoid(z: AnyArray, p: Parameters) -> AnyArray:
    line = z * p["slope"] + filled(z, 0.5)
    return np.where(line >= 1, filled(z, 1), np.where(line <= 0, filled(z, 0), line))


def _hard_sigmoid_derivative(z: AnyArray, p: Parameters) -> AnyArray:
    line = z * p["slope"] + filled(z, 0.5)
    return np.where((line > 0) & (line < 1), filled(z, p["slope"]), filled(z, 0))


def _hard_sigmoid_from_activation(a: AnyArray, p: Parameters) -> AnyArray:
    return np.where((a > 0) & (a < 1), filled(a, p["slope"]), filled(a, 0))


def _step(z: AnyArray, p: Parameters) -> AnyArray:
    return np.where(z >= 0, filled(z, 1), filled(z, 0))


def _flat(z: AnyArray, p: Parameters) -> AnyArray:
    return filled(z, 0)


def summed(x: AnyArray, axis: int) -> AnyArray:
    """The sums along ``axis``, which stays as an axis of length 1."""
    if x.ndim != 2 or x.dtype == object:
        return np.sum(x, axis=axis, keepdims=True)
    # A product with 1s: the same sum, several times as fast for long, narrow matrices.
    ones = np.ones((x.shape[axis], 1), dtype=x.dtype)
    return np.dot(x, ones) if axis in (-1, 1) else np.dot(ones.T, x)


def softmax(z: AnyArray, axis: int) -> AnyArray:
    """e^(zⱼ)/Σ e^(zₖ) along ``axis``; the largest z is subtracted first, which changes nothing."""
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / summed(e, axis)


def log_softmax(z: AnyArray, axis: int) -> AnyArray:
    """ln softmax(z) along ``axis``, without ever taking the logarithm of an underflowed 0.

    The largest z adds e⁰ = 1 to the sum, each of several as large; ln(1 + the rest) keeps the
    digits of a small rest.
    """
    shifted = z - np.max(z, axis=axis, keepdims=True)
    largest, none, one = shifted == 0, filled(z, 0), filled(z, 1)
    rest = summed(np.where(largest, none, np.exp(shifted)), axis)
    others = summed(np.where(largest, one, none), axis) - 1
    return shifted - np.log1p(rest + others)


def softmax_jacobian(a: AnyArray) -> AnyArray:
    """diag(a) − a aᵀ for each sample of ``a`` (samples × k), stacked: (samples·k) × k.

    a − a² loses its digits where a is near 1: on the diagonal stands a·Σ of the others, who add up
    to 1 − a.
    """
    samples, k = a.shape
    diagonal = np.eye(k, dtype=a.dtype)
    beside = a[:, :, None] * a[:, None, :] * (1 - diagonal)
    jacobians = summed(beside, -1) * diagonal - beside
    return jacobians.reshape(samples * k, k)


def _softmax_rows(z: AnyArray, p: Parameters) -> AnyArray:
    return softmax(z, axis=-1)


def _softmax_jacobian_rows(z: AnyArray, p: Parameters) -> AnyArray:
    return softmax_jacobian(softmax(z, axis=-1))


def _softmax_from_rows(a: AnyArray, p: Parameters) -> AnyArray:
    return softmax_jacobian(a)


INF = math.inf
SILU_MINIMUM = -1.2784645427610738
SILU_SLOPE_EXTREMUM = 2.3993572805154677
GELU_MINIMUM = -0.7517915246935645
MISH_MINIMUM = -1.192431214515495
MISH_SLOPE_EXTREMA = (-2.256376396380793, 1.4905711794854284)

Z, A, SLOPE, ALPHA = Hole("z"), Hole("a"), Hole("slope"), Hole("alpha")
SIGMA, PHI = call("σ", Z), call("Φ", Z)
TANH_OF_SOFTPLUS = call("tanh", call("ln", 1 + exp(Z)))
LINE = SLOPE * Z + Number(0.5, "0.5")
SCALE_SHORT, ALPHA_SHORT = Number(SELU_SCALE, "1.0507"), Number(SELU_ALPHA, "1.6733")

ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(
        symbol="id",
        title="linear",
        value=_linear,
        derivative=_linear_derivative,
        derivative_from_activation=_linear_derivative,
        formula=SLOPE * Z,
        derivative_formula=SLOPE,
        range=(-INF, INF),
        derivative_range=(-INF, INF),
        parameters={"slope": Number(1.0, "1")},
        rational=True,
    ),
    "sigmoid": Activation(
        symbol="σ",
        title="sigmoid",
        value=sigmoid,
        derivative=_sigmoid_derivative,
        derivative_from_activation=lambda a, p: a * (1 - a),
        formula=1 / (1 + exp(-Z)),
        derivative_formula=SIGMA * (1 - SIGMA),
        from_activation_formula=A * (1 - A),
        range=(0.0, 1.0),
        derivative_range=(0.0, 0.25),
        derivative_turning=_zero,
        from_activation_turning=lambda p: (0.5,),
    ),
    "tanh": Activation(
        symbol="tanh",
        title="tanh",
        value=_tanh,
        derivative=_tanh_derivative,
        derivative_from_activation=lambda a, p: 1 - a * a,
        formula=call("tanh", Z),
        derivative_formula=1 - call("tanh", Z) ** 2,
        from_activation_formula=1 - A**2,
        range=(-1.0, 1.0),
        derivative_range=(0.0, 1.0),
        derivative_turning=_zero,
        from_activation_turning=_zero,
    ),
    "relu": Activation(
        symbol="ReLU",
        title="ReLU",
        value=_relu,
        derivative=_positive,
        derivative_from_activation=_positive,
        formula=call("max", 0, Z),
        derivative_formula=cases(1, Z > 0, 0),
        range=(0.0, INF),
        derivative_range=(0.0, 1.0),
        turning=_zero,
        derivative_turning=_zero,
        from_activation_turning=_zero,
        kinks=_zero,
        rational=True,
    ),
    "leaky_relu": Activation(
        symbol="LReLU",
        title="leaky ReLU",
        value=_leaky_relu,
        derivative=_leaky_relu_derivative,
        derivative_from_activation=_leaky_relu_from_activation,
        formula=cases(Z, Z > 0, SLOPE * Z),
        derivative_formula=cases(1, Z > 0, SLOPE),
        range=(-INF, INF),
        derivative_range=(-INF, INF),
        parameters={"slope": Number(0.01, "0.01")},
        turning=_zero,
        derivative_turning=_zero,
        from_activation_turning=_zero,
        kinks=_zero,
        rational=True,
        source="Maas, Hannun and Ng 2013",
    ),
    "prelu": Activation(
        symbol="PReLU",
        title="PReLU",
        value=_prelu,
        derivative=_prelu_derivative,
        derivative_from_activation=None,  # a negative slope folds both signs of z onto a > 0
        formula=cases(Z, Z > 0, ALPHA * Z),
        derivative_formula=cases(1, Z > 0, ALPHA),
        range=(-INF, INF),
        derivative_range=(-INF, INF),
        parameters={"alpha": Number(0.25, "0.25")},
        turning=_zero,
        derivative_turning=_zero,
        kinks=_zero,
        rational=True,
        learned="alpha",
        by_learned=_negative_part,
        by_learned_formula=call("min", 0, Z),
        source="He, Zhang, Ren and Sun 2015",
    ),
    "elu": Activation(
        symbol="ELU",
        title="ELU",
        value=_elu,
        derivative=_elu_derivative,
        derivative_from_activation=_elu_from_activation,
        formula=cases(Z, Z > 0, ALPHA * (exp(Z) - 1)),
        derivative_formula=cases(1, Z > 0, ALPHA * exp(Z)),
        range=(-INF, INF),
        derivative_range=(-INF, INF),
        parameters={"alpha": Number(1.0, "1")},
        turning=_zero,
        derivative_turning=_zero,
        from_activation_turning=_zero,
        kinks=lambda p: () if p["alpha"] == 1 else (0.0,),
        source="Clevert, Unterthiner and Hochreiter 2016",
    ),
    "selu": Activation(
        symbol="SELU",
        title="SELU",
        value=_selu,
        derivative=_selu_derivative,
        derivative_from_activation=_selu_from_activation,
        formula=expression(SCALE_SHORT) * cases(Z, Z > 0, ALPHA_SHORT * (exp(Z) - 1)),
        derivative_formula=expression(SCALE_SHORT) * cases(1, Z > 0, ALPHA_SHORT * exp(Z)),
        range=(-SELU_SCALE * SELU_ALPHA, INF),
        derivative_range=(0.0, SELU_SCALE * SELU_ALPHA),
        derivative_turning=_zero,
        from_activation_turning=_zero,
        kinks=_zero,
        source="Klambauer, Unterthiner, Mayr and Hochreiter 2017",
    ),
    "gelu": Activation(
        symbol="GELU",
        title="GELU",
        value=_gelu,
        derivative=_gelu_derivative,
        derivative_from_activation=None,
        formula=Z * PHI,
        derivative_formula=PHI + Z * call("φ", Z),
        range=(-0.16997120747990369, INF),
        derivative_range=(-0.12890414518515479, 1.1289041451851548),
        turning=lambda p: (GELU_MINIMUM,),
        derivative_turning=lambda p: (-math.sqrt(2), math.sqrt(2)),
        source="Hendrycks and Gimpel 2016, the exact form by erf",
    ),
    "silu": Activation(
        symbol="SiLU",
        title="SiLU",
        value=_silu,
        derivative=_silu_derivative,
        derivative_from_activation=None,
        formula=Z * SIGMA,
        derivative_formula=SIGMA * (1 + Z * (1 - SIGMA)),
        range=(-0.2784645427610738, INF),
        derivative_range=(-0.09983932012886692, 1.0998393201288669),
        turning=lambda p: (SILU_MINIMUM,),
        derivative_turning=lambda p: (-SILU_SLOPE_EXTREMUM, SILU_SLOPE_EXTREMUM),
        source="Elfwing, Uchibe and Doya 2018 (swish with β = 1)",
    ),
    "mish": Activation(
        symbol="Mish",
        title="Mish",
        value=_mish,
        derivative=_mish_derivative,
        derivative_from_activation=None,
        formula=Z * TANH_OF_SOFTPLUS,
        derivative_formula=TANH_OF_SOFTPLUS + Z * (1 - TANH_OF_SOFTPLUS**2) * SIGMA,
        range=(-0.30884341301725040, INF),
        derivative_range=(-0.11252612238946256, 1.0884981612517279),
        turning=lambda p: (MISH_MINIMUM,),
        derivative_turning=lambda p: MISH_SLOPE_EXTREMA,
        source="Misra 2020",
    ),
    "softplus": Activation(
        symbol="softplus",
        title="softplus",
        value=softplus,
        derivative=sigmoid,
        derivative_from_activation=_softplus_from_activation,
        formula=call("ln", 1 + exp(Z)),
        derivative_formula=1 / (1 + exp(-Z)),
        range=(0.0, INF),
        derivative_range=(0.0, 1.0),
    ),
    "bipolar_sigmoid": Activation(
        symbol="bσ",
        title="bipolar sigmoid",
        value=_bipolar_sigmoid,
        derivative=_bipolar_sigmoid_derivative,
        derivative_from_activation=lambda a, p: (1 - a * a) / 2,
        formula=(1 - exp(-Z)) / (1 + exp(-Z)),
        derivative_formula=HALF * (1 - call("bσ", Z) ** 2),
        from_activation_formula=HALF * (1 - A**2),
        range=(-1.0, 1.0),
        derivative_range=(0.0, 0.5),
        derivative_turning=_zero,
        from_activation_turning=_zero,
        source="Fausett 1994",
    ),
    "softsign": Activation(
        symbol="softsign",
        title="softsign",
        value=_softsign,
        derivative=_softsign_derivative,
        derivative_from_activation=_softsign_from_activation,
        formula=Z / (1 + abs(Z)),
        derivative_formula=1 / (1 + abs(Z)) ** 2,
        from_activation_formula=(1 - abs(A)) ** 2,
        range=(-1.0, 1.0),
        derivative_range=(0.0, 1.0),
        derivative_turning=_zero,
        from_activation_turning=_zero,
        rational=True,
        source="Bergstra, Desjardins, Lamblin and Bengio 2009",
    ),
    "hard_tanh": Activation(
        symbol="htanh",
        title="hard tanh",
        value=_hard_tanh,
        derivative=_between_minus_and_plus_1,
        derivative_from_activation=_between_minus_and_plus_1,
        formula=call("min", 1, call("max", -expression(1), Z)),
        derivative_formula=cases(1, row(-expression(1), " < ", Z, " < ", 1), 0),
        range=(-1.0, 1.0),
        derivative_range=(0.0, 1.0),
        turning=lambda p: (-1.0, 1.0),
        derivative_turning=lambda p: (-1.0, 1.0),
        from_activation_turning=lambda p: (-1.0, 1.0),
        kinks=lambda p: (-1.0, 1.0),
        rational=True,
        source="Collobert 2004",
    ),
    "hard_sigmoid": Activation(
        symbol="hσ",
        title="hard sigmoid",
        value=_hard_sigmoid,
        derivative=_hard_sigmoid_derivative,
        derivative_from_activation=_hard_sigmoid_from_activation,
        formula=call("min", 1, call("max", 0, LINE)),
        derivative_formula=cases(SLOPE, row(0, " < ", LINE, " < ", 1), 0),
        range=(0.0, 1.0),
        derivative_range=(0.0, INF),
        parameters={"slope": Number(1 / 6, "1/6")},
        turning=lambda p: (-0.5 / p["slope"], 0.5 / p["slope"]),
        derivative_turning=lambda p: (-0.5 / p["slope"], 0.5 / p["slope"]),
        from_activation_turning=lambda p: (0.0, 1.0),
        kinks=lambda p: (-0.5 / p["slope"], 0.5 / p["slope"]),
        rational=True,
        source="PyTorch's: slope 1/6",
    ),
    "step": Activation(
        symbol="step",
        title="step",
        value=_step,
        derivative=_flat,
        derivative_from_activation=_flat,
        formula=cases(1, Z >= 0, 0),
        derivative_formula=expression(0),
        range=(0.0, 1.0),
        derivative_range=(0.0, 0.0),
        turning=_zero,
        kinks=_zero,
        rational=True,
        differentiable=False,
    ),
    "softmax": Activation(
        symbol="softmax",
        title="softmax",
        value=_softmax_rows,
        derivative=_softmax_jacobian_rows,
        derivative_from_activation=_softmax_from_rows,
        formula=exp(Z) / Sum(exp(Z)),
        derivative_formula=row(
            call("diag", Letter("a")),
            " − ",
            Letter("a"),
            "·",
            Transposed(Letter("a")),
            " for each sample",
        ),
        range=(0.0, 1.0),
        derivative_range=(-0.25, 0.25),
        elementwise=False,
    ),
}
