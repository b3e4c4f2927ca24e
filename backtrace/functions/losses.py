"""The losses: each entry's addend, its gradient at the prediction and the formula, a row each.

``terms`` are the addends of the loss without the 1/n that averages samples; a ½ belongs to them.
``gradient`` is ∂terms/∂ŷ, entry by entry, likewise without 1/n.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.activations import (
    NONE,
    Parameters,
    filled,
    log_softmax,
    sigmoid,
    softmax,
    softplus,
    summed,
)
from backtrace.functions.array import AnyArray
from backtrace.functions.formula import (
    HALF,
    Brackets,
    Expr,
    Hole,
    Letter,
    Sum,
    call,
    cases,
    expression,
    mentions,
    row,
)
from backtrace.functions.number import Number

LossFunction: TypeAlias = Callable[[AnyArray, AnyArray, Parameters], AnyArray]


class LossRule(msgspec.Struct, frozen=True):
    """One loss.

    ``terms(a, y, p)`` takes samples × k arrays, or stacks of them. ``gradient`` takes e = ŷ − y
    and p where ``from_error`` is true, else (a, y, p). ``stable`` gives the terms from z for the
    activations whose logarithm would be taken of a rounded 0 otherwise, ``stable_gradient`` the
    gradient from z where a rounded a would be subtracted from 1. ``through`` gives ∂terms/∂z from
    z for the activations whose slope falls to 0 as fast as the gradient grows: where floats have
    ∞ · 0, it has the product's limit. ``kinks(a, y, p)`` is, entry by
    entry, how far the prediction is from a point without a derivative, with its sign; None where
    there are no such points. ``case(a, y, p)`` is the addend's formula on the side of these
    numbers, where ``term_formula`` only names it. ``entrywise``: each addend depends on its own
    prediction alone, and is convex in it.
    """

    title: str
    terms: LossFunction
    gradient: Callable[..., AnyArray]
    gradient_formula: Expr  # of one entry, with E or with A and Y
    term_formula: Expr
    formula: Expr  # the whole loss, with MEAN for the 1/n in front
    from_error: bool = True
    mean: bool = True
    targets: Literal["any", "none", "unit_interval", "distribution", "one_hot", "signs"] = "any"
    outputs: Literal["any", "unit_interval"] = "any"
    parameters: dict[str, Number] = {}
    stable: dict[str, LossFunction] = {}
    stable_gradient: dict[str, LossFunction] = {}
    through: dict[str, LossFunction] = {}
    shortcut: str = ""  # the output activation with which delta is simply ŷ − y
    rational: bool = True
    kinks: LossFunction | None = None
    entrywise: bool = True
    case: Callable[[float, float, Parameters], Expr] | None = None

    @property
    def has_error(self) -> bool:
        """Whether ŷ − y says something: not where the targets are only names of classes."""
        return self.targets not in ("none", "one_hot", "signs")

    @property
    def counts_outputs(self) -> bool:
        """Whether the number of outputs stands in its formula."""
        return mentions(self.term_formula, OUTPUTS)


def _weighted_log(weight: AnyArray, probability: AnyArray) -> AnyArray:
    """weight · ln(probability), and 0 where the weight is 0, whatever the logarithm."""
    with np.errstate(divide="ignore"):
        logs = np.log(probability)
    return np.where(weight == 0, 0.0, weight * np.where(weight == 0, 0.0, logs))


def _quotient(above: AnyArray, below: AnyArray) -> AnyArray:
    """above / below, and 0 where above is 0; inf, without a warning, where only below is."""
    with np.errstate(divide="ignore"):
        return np.where(above == 0, 0.0, above / np.where(above == 0, 1.0, below))


def _square(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return (a - y) * (a - y)


def _half_square(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return (a - y) * (a - y) / 2


def _element_square(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return (a - y) * (a - y) / p["outputs"]


def _absolute(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return np.abs(a - y)


def _distance(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return a - y


def sign(e: AnyArray, p: Parameters = NONE) -> AnyArray:
    """The sign of every entry, 0 at 0."""
    return np.where(e > 0, filled(e, 1), np.where(e < 0, filled(e, -1), filled(e, 0)))


def _huber(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    e, delta = np.abs(a - y), p["delta"]
    return np.where(e <= delta, e * e / 2, delta * (e - delta / 2))


def _clipped(e: AnyArray, p: Parameters) -> AnyArray:
    return np.where(np.abs(e) <= p["delta"], e, sign(e) * p["delta"])


def _binary_cross_entropy(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return 0.0 - (_weighted_log(y, a) + _weighted_log(1 - y, 1 - a))  # never a −0


def _binary_cross_entropy_from_z(z: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    # −y ln σ(z) − (1−y) ln(1−σ(z)) = y·softplus(−z) + (1−y)·softplus(z): no cancellation.
    return y * softplus(-z) + (1 - y) * softplus(z)


def _binary_cross_entropy_gradient(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return _quotient(1 - y, 1 - a) - _quotient(y, a)


def _binary_cross_entropy_gradient_from_z(z: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    # 1/(1 − σ(z)) is 1 + eᶻ and 1/σ(z) is 1 + e⁻ᶻ: at z = 30, 1 − a has three digits left.
    with np.errstate(over="ignore", invalid="ignore"):
        off, on = (1 - y) * (1 + np.exp(z)), y * (1 + np.exp(-z))
    return np.where(y == 1, 0.0, off) - np.where(y == 0, 0.0, on)


def _binary_cross_entropy_through_sigmoid(z: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    # (a − y)/(a(1 − a)) · a(1 − a), with σ(−z) for 1 − a
    return (1 - y) * sigmoid(z) - y * sigmoid(-z)


def _cross_entropy(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return 0.0 - _weighted_log(y, a)


def _cross_entropy_from_softmax(z: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return np.where(y == 0, 0.0, 0.0 - y * log_softmax(z, axis=-1))  # never a −0


def _cross_entropy_from_sigmoid(z: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return y * softplus(-z)


def _cross_entropy_gradient(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return 0.0 - _quotient(y, a)


def _cross_entropy_through_softmax(z: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return softmax(z, axis=-1) * summed(y, axis=-1) - y  # −Σⱼ yⱼ/aⱼ · aⱼ(1 − aⱼ or −aᵢ)


def _cross_entropy_through_sigmoid(z: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return 0.0 - y * sigmoid(-z)  # −y/a · a(1 − a)


def _divergence(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return _weighted_log(y, _quotient(y, a))


def _divergence_from_softmax(z: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return _weighted_log(y, y) + _cross_entropy_from_softmax(z, y, p)


def _divergence_from_sigmoid(z: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return _weighted_log(y, y) + _cross_entropy_from_sigmoid(z, y, p)


def _log_cosh(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    """Near 0 by cosh e − 1 = 2 sinh²(e/2), which keeps its digits; far out by |e|, which stays."""
    size = np.abs(a - y)
    half = np.sinh(np.minimum(size, 1) / 2)
    far = size + np.log1p(np.exp(-2 * size)) - math.log(2)
    return np.where(size < 1, np.log1p(2 * (half * half)), far)


def _signed_margins(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return 1 - y * a


def _binary_hinge(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return np.maximum(1 - y * a, filled(a, 0))


def _binary_hinge_gradient(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return np.where(1 - y * a > 0, 0 - y, filled(a, 0))


def _margins(a: AnyArray, y: AnyArray) -> AnyArray:
    """1 + ŷⱼ − ŷ_true, and 0 at the true class."""
    true = summed(a * y, axis=-1)
    return np.where(y == 0, 1 + a - true, filled(a, 0))


def _hinge(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return np.maximum(_margins(a, y), filled(a, 0))


def _hinge_margins(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    return _margins(a, y)


def _hinge_gradient(a: AnyArray, y: AnyArray, p: Parameters) -> AnyArray:
    violated = np.where(_margins(a, y) > 0, filled(a, 1), filled(a, 0))
    return violated - y * summed(violated, axis=-1)


def _output(a: AnyArray, y: Any, p: Parameters) -> AnyArray:
    return a * 1


def _output_gradient(a: AnyArray, y: Any, p: Parameters) -> AnyArray:
    return filled(a, 1)


A, Y, E, A_TRUE = Hole("a"), Hole("y"), Hole("e"), Hole("a_true")
MEAN, OUTPUTS, DELTA = Hole("mean"), Hole("outputs"), Hole("delta")
LN = Letter("ln")


def _huber_case(a: float, y: float, p: Parameters) -> Expr:
    return HALF * (A - Y) ** 2 if abs(a - y) <= p["delta"] else DELTA * (abs(A - Y) - HALF * DELTA)


def _divergence_case(a: float, y: float, p: Parameters) -> Expr:
    return Y * call("ln", Y / A) if y else expression(0)


LOSSES: dict[str, LossRule] = {
    "sse": LossRule(
        title="sum of squared errors",
        terms=_square,
        gradient=lambda e, p: 2 * e,
        gradient_formula=2 * E,
        term_formula=(A - Y) ** 2,
        formula=row(MEAN, Sum((A - Y) ** 2)),
        mean=False,
    ),
    "half_sse": LossRule(
        title="half the sum of squared errors",
        terms=_half_square,
        gradient=lambda e, p: e,
        gradient_formula=E,
        term_formula=HALF * (A - Y) ** 2,
        formula=row(MEAN, HALF, Sum((A - Y) ** 2)),
        mean=False,
    ),
    "mse": LossRule(
        title="mean squared error",
        terms=_square,
        gradient=lambda e, p: 2 * e,
        gradient_formula=2 * E,
        term_formula=(A - Y) ** 2,
        formula=row(MEAN, Sum((A - Y) ** 2)),
    ),
    "half_mse": LossRule(
        title="half the mean squared error",
        terms=_half_square,
        gradient=lambda e, p: e,
        gradient_formula=E,
        term_formula=HALF * (A - Y) ** 2,
        formula=row(MEAN, HALF, Sum((A - Y) ** 2)),
    ),
    "mse_elements": LossRule(
        title="squared error, averaged over all entries",
        terms=_element_square,
        gradient=lambda e, p: 2 * e / p["outputs"],
        gradient_formula=2 / OUTPUTS * E,
        term_formula=1 / OUTPUTS * (A - Y) ** 2,
        formula=row(
            MEAN, 1 / Letter("k"), " ", Sum((A - Y) ** 2), ", ", Letter("k"), " = ", OUTPUTS
        ),
    ),
    "mae": LossRule(
        title="mean absolute error",
        terms=_absolute,
        gradient=sign,
        gradient_formula=call("sign", E),
        term_formula=abs(A - Y),
        formula=row(MEAN, Sum(abs(A - Y))),
        kinks=_distance,
    ),
    "huber": LossRule(
        title="Huber loss",
        terms=_huber,
        gradient=_clipped,
        gradient_formula=cases(E, abs(E) <= DELTA, call("sign", E) * DELTA),
        term_formula=call("h", A - Y),
        formula=row(MEAN, Sum(call("h", A - Y))),
        parameters={"delta": Number(1.0, "1")},
        case=_huber_case,
    ),
    "binary_cross_entropy": LossRule(
        title="binary cross-entropy",
        terms=_binary_cross_entropy,
        gradient=_binary_cross_entropy_gradient,
        gradient_formula=(A - Y) / (A * (1 - A)),
        term_formula=-(Y * call("ln", A) + (1 - Y) * call("ln", 1 - A)),
        formula=row(
            "−", MEAN, "Σ(", Y, " ", LN, " ", A, " + ", Brackets(1 - Y), " ", call("ln", 1 - A), ")"
        ),
        from_error=False,
        targets="unit_interval",
        outputs="unit_interval",
        stable={"sigmoid": _binary_cross_entropy_from_z},
        stable_gradient={"sigmoid": _binary_cross_entropy_gradient_from_z},
        through={"sigmoid": _binary_cross_entropy_through_sigmoid},
        shortcut="sigmoid",
        rational=False,
    ),
    "cross_entropy": LossRule(
        title="cross-entropy",
        terms=_cross_entropy,
        gradient=_cross_entropy_gradient,
        gradient_formula=-(Y / A),
        term_formula=-(Y * call("ln", A)),
        formula=row("−", MEAN, "Σ ", Y, " ", LN, " ", A),
        from_error=False,
        targets="distribution",
        outputs="unit_interval",
        stable={"softmax": _cross_entropy_from_softmax, "sigmoid": _cross_entropy_from_sigmoid},
        through={
            "softmax": _cross_entropy_through_softmax,
            "sigmoid": _cross_entropy_through_sigmoid,
        },
        shortcut="softmax",
        rational=False,
    ),
    "hinge": LossRule(
        title="multi-class hinge loss",
        terms=_hinge,
        gradient=_hinge_gradient,
        gradient_formula=cases(1, 1 + A - A_TRUE > 0, 0),
        term_formula=call("max", 0, 1 + A - A_TRUE),
        formula=row(
            MEAN,
            Sum(call("max", 0, 1 + row(A, "[", Letter("j"), "]") - A_TRUE)),
            ", ",
            Letter("j"),
            " ≠ ",
            "true",
        ),
        from_error=False,
        targets="one_hot",
        kinks=_hinge_margins,
        entrywise=False,
    ),
    "kl": LossRule(
        title="Kullback–Leibler divergence",
        terms=_divergence,
        gradient=_cross_entropy_gradient,
        gradient_formula=-(Y / A),
        term_formula=Y * call("ln", Y / A),
        formula=row(MEAN, "Σ ", Y, " ", call("ln", Y / A)),
        from_error=False,
        targets="distribution",
        outputs="unit_interval",
        stable={"softmax": _divergence_from_softmax, "sigmoid": _divergence_from_sigmoid},
        through={
            "softmax": _cross_entropy_through_softmax,
            "sigmoid": _cross_entropy_through_sigmoid,
        },
        shortcut="softmax",
        rational=False,
        case=_divergence_case,
    ),
    "log_cosh": LossRule(
        title="log-cosh loss",
        terms=_log_cosh,
        gradient=lambda e, p: np.tanh(e),
        gradient_formula=call("tanh", E),
        term_formula=call("ln", call("cosh", A - Y)),
        formula=row(MEAN, Sum(call("ln", call("cosh", A - Y)))),
        rational=False,
    ),
    "binary_hinge": LossRule(
        title="hinge loss",
        terms=_binary_hinge,
        gradient=_binary_hinge_gradient,
        gradient_formula=cases(-Y, 1 - Y * A > 0, 0),
        term_formula=call("max", 0, 1 - Y * A),
        formula=row(MEAN, Sum(call("max", 0, 1 - Y * A))),
        from_error=False,
        targets="signs",
        kinks=_signed_margins,
    ),
    "output": LossRule(
        title="the outputs themselves",
        terms=_output,
        gradient=_output_gradient,
        gradient_formula=expression(1),
        term_formula=A,
        formula=row(MEAN, Sum(A)),
        from_error=False,
        mean=False,
        targets="none",
    ),
}
