"""The losses: each entry's addend, its gradient at the prediction and the formula, a row each.

``terms`` are the addends of the loss without the 1/n that averages samples; a ½ belongs to them.
``gradient`` is ∂terms/∂ŷ, entry by entry, likewise without 1/n.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.activations import (
    NONE,
    Formula,
    Parameters,
    filled,
    log_softmax,
    softplus,
    summed,
)
from backtrace.functions.array import Array
from backtrace.functions.number import Number

Terms: TypeAlias = Callable[[Array, Array, Parameters], Array]


class Loss(msgspec.Struct, frozen=True):
    """One loss.

    ``terms(a, y, p)`` takes samples × k arrays, or stacks of them. ``gradient`` takes e = ŷ − y
    and p where ``from_error`` is true, else (a, y, p). ``stable`` gives the terms from z for the
    activations whose logarithm would be taken of a rounded 0 otherwise, ``stable_gradient`` the
    gradient from z where a rounded a would be subtracted from 1. ``sides(a, y, p)`` says on which
    side of the kinks and bends every entry lies: where it says the same of two predictions, the
    terms are smooth between them. It is None where they are smooth everywhere.
    """

    title: str
    terms: Terms
    gradient: Callable[..., Array]
    gradient_formula: Formula  # of one entry, with {e}, {a}, {y}
    term_formula: Formula
    formula: Formula  # the whole loss, with {mean} for the 1/n in front, {e}, {a}, {y}
    from_error: bool = True
    mean: bool = True
    targets: Literal["any", "none", "unit_interval", "distribution", "one_hot"] = "any"
    outputs: Literal["any", "unit_interval"] = "any"
    parameters: dict[str, Number] = {}
    stable: dict[str, Terms] = {}
    stable_gradient: dict[str, Terms] = {}
    shortcut: str = ""  # the output activation with which delta is simply ŷ − y
    rational: bool = True
    sides: Terms | None = None


def _weighted_log(weight: Array, probability: Array) -> Array:
    """weight · ln(probability), and 0 where the weight is 0, whatever the logarithm."""
    with np.errstate(divide="ignore"):
        logs = np.log(probability)
    return np.where(weight == 0, 0.0, weight * np.where(weight == 0, 0.0, logs))


def _quotient(above: Array, below: Array) -> Array:
    """above / below, and 0 where above is 0; inf, without a warning, where only below is."""
    with np.errstate(divide="ignore"):
        return np.where(above == 0, 0.0, above / np.where(above == 0, 1.0, below))


def _square(a: Array, y: Array, p: Parameters) -> Array:
    return (a - y) * (a - y)


def _half_square(a: Array, y: Array, p: Parameters) -> Array:
    return (a - y) * (a - y) / 2


def _element_square(a: Array, y: Array, p: Parameters) -> Array:
    return (a - y) * (a - y) / p["outputs"]


def _absolute(a: Array, y: Array, p: Parameters) -> Array:
    return np.abs(a - y)


def _absolute_sides(a: Array, y: Array, p: Parameters) -> Array:
    return np.sign(a - y)


def sign(e: Array, p: Parameters = NONE) -> Array:
    """The sign of every entry, 0 at 0."""
    return np.where(e > 0, filled(e, 1), np.where(e < 0, filled(e, -1), filled(e, 0)))


def _huber(a: Array, y: Array, p: Parameters) -> Array:
    e, delta = np.abs(a - y), p["delta"]
    return np.where(e <= delta, e * e / 2, delta * (e - delta / 2))


def _huber_sides(a: Array, y: Array, p: Parameters) -> Array:
    return np.sign(np.abs(a - y) - p["delta"])


def _clipped(e: Array, p: Parameters) -> Array:
    return np.where(np.abs(e) <= p["delta"], e, sign(e) * p["delta"])


def _binary_cross_entropy(a: Array, y: Array, p: Parameters) -> Array:
    return 0.0 - (_weighted_log(y, a) + _weighted_log(1 - y, 1 - a))  # never a −0


def _binary_cross_entropy_from_z(z: Array, y: Array, p: Parameters) -> Array:
    # −y ln σ(z) − (1−y) ln(1−σ(z)) = y·softplus(−z) + (1−y)·softplus(z): no cancellation.
    return y * softplus(-z) + (1 - y) * softplus(z)


def _binary_cross_entropy_gradient(a: Array, y: Array, p: Parameters) -> Array:
    return _quotient(1 - y, 1 - a) - _quotient(y, a)


def _binary_cross_entropy_gradient_from_z(z: Array, y: Array, p: Parameters) -> Array:
    # 1/(1 − σ(z)) is 1 + eᶻ and 1/σ(z) is 1 + e⁻ᶻ: at z = 30, 1 − a has three digits left.
    with np.errstate(over="ignore", invalid="ignore"):
        off, on = (1 - y) * (1 + np.exp(z)), y * (1 + np.exp(-z))
    return np.where(y == 1, 0.0, off) - np.where(y == 0, 0.0, on)


def _cross_entropy(a: Array, y: Array, p: Parameters) -> Array:
    return 0.0 - _weighted_log(y, a)


def _cross_entropy_from_softmax(z: Array, y: Array, p: Parameters) -> Array:
    return np.where(y == 0, 0.0, 0.0 - y * log_softmax(z, axis=-1))  # never a −0


def _cross_entropy_from_sigmoid(z: Array, y: Array, p: Parameters) -> Array:
    return y * softplus(-z)


def _cross_entropy_gradient(a: Array, y: Array, p: Parameters) -> Array:
    return 0.0 - _quotient(y, a)


def _margins(a: Array, y: Array) -> Array:
    """1 + ŷⱼ − ŷ_true, and 0 at the true class."""
    true = summed(a * y, axis=-1)
    return np.where(y == 0, 1 + a - true, filled(a, 0))


def _hinge(a: Array, y: Array, p: Parameters) -> Array:
    margins = _margins(a, y)
    return np.where(margins <= 0, filled(a, 0), margins)  # asked this way round, nan stays nan


def _hinge_sides(a: Array, y: Array, p: Parameters) -> Array:
    return _hinge(a, y, p) > 0


def _hinge_gradient(a: Array, y: Array, p: Parameters) -> Array:
    violated = np.where(_margins(a, y) > 0, filled(a, 1), filled(a, 0))
    return violated - y * summed(violated, axis=-1)


def _output(a: Array, y: Any, p: Parameters) -> Array:
    return a * 1


def _output_gradient(a: Array, y: Any, p: Parameters) -> Array:
    return filled(a, 1)


SQUARE_GRADIENT = Formula("2·{e}", r"2 \cdot {e}")
ERROR_GRADIENT = Formula("{e}", "{e}")

LOSSES: dict[str, Loss] = {
    "sse": Loss(
        title="sum of squared errors",
        terms=_square,
        gradient=lambda e, p: 2 * e,
        gradient_formula=SQUARE_GRADIENT,
        term_formula=Formula("({a} − {y})²", r"({a} - {y})^{2}"),
        formula=Formula("{mean}Σ({a} − {y})²", r"{mean} \sum ({a} - {y})^{2}"),
        mean=False,
    ),
    "half_sse": Loss(
        title="half the sum of squared errors",
        terms=_half_square,
        gradient=lambda e, p: e,
        gradient_formula=ERROR_GRADIENT,
        term_formula=Formula("½·({a} − {y})²", r"\tfrac{1}{2} ({a} - {y})^{2}"),
        formula=Formula("{mean}½Σ({a} − {y})²", r"{mean} \tfrac{1}{2} \sum ({a} - {y})^{2}"),
        mean=False,
    ),
    "mse": Loss(
        title="mean squared error",
        terms=_square,
        gradient=lambda e, p: 2 * e,
        gradient_formula=SQUARE_GRADIENT,
        term_formula=Formula("({a} − {y})²", r"({a} - {y})^{2}"),
        formula=Formula("{mean}Σ({a} − {y})²", r"{mean} \sum ({a} - {y})^{2}"),
    ),
    "half_mse": Loss(
        title="half the mean squared error",
        terms=_half_square,
        gradient=lambda e, p: e,
        gradient_formula=ERROR_GRADIENT,
        term_formula=Formula("½·({a} − {y})²", r"\tfrac{1}{2} ({a} - {y})^{2}"),
        formula=Formula("{mean}½Σ({a} − {y})²", r"{mean} \tfrac{1}{2} \sum ({a} - {y})^{2}"),
    ),
    "mse_elements": Loss(
        title="squared error, averaged over all entries",
        terms=_element_square,
        gradient=lambda e, p: 2 * e / p["outputs"],
        gradient_formula=Formula("2·{e}/{outputs}", r"2 \cdot {e} / {outputs}"),
        term_formula=Formula("({a} − {y})²/{outputs}", r"({a} - {y})^{2} / {outputs}"),
        formula=Formula(
            "{mean}1/k Σ({a} − {y})², k = {outputs}",
            r"{mean} \tfrac1k \sum ({a} - {y})^{2} \text{ with } k = {outputs}",
        ),
    ),
    "mae": Loss(
        title="mean absolute error",
        terms=_absolute,
        gradient=sign,
        gradient_formula=Formula("sign({e})", r"\mathrm{sign}({e})"),
        term_formula=Formula("|{a} − {y}|", r"\lvert {a} - {y} \rvert"),
        formula=Formula("{mean}Σ|{a} − {y}|", r"{mean} \sum \lvert {a} - {y} \rvert"),
        sides=_absolute_sides,
    ),
    "huber": Loss(
        title="Huber loss",
        terms=_huber,
        gradient=_clipped,
        gradient_formula=Formula(
            "{e} if |{e}| ≤ {delta} else ±{delta}",
            r"{e} \text{ if } \lvert {e} \rvert \leq {delta} \text{ else } \pm {delta}",
        ),
        term_formula=Formula("h({a} − {y})", r"h({a} - {y})"),
        formula=Formula("{mean}Σh({a} − {y})", r"{mean} \sum h({a} - {y})"),
        parameters={"delta": Number(1.0, "1")},
        sides=_huber_sides,
    ),
    "binary_cross_entropy": Loss(
        title="binary cross-entropy",
        terms=_binary_cross_entropy,
        gradient=_binary_cross_entropy_gradient,
        gradient_formula=Formula(
            "({a} − {y})/({a}·(1 − {a}))", r"\frac{{a} - {y}}{{a} \cdot (1 - {a})}"
        ),
        term_formula=Formula(
            "−({y}·ln({a}) + (1 − {y})·ln(1 − {a}))",
            r"-({y} \cdot \ln({a}) + (1 - {y}) \cdot \ln(1 - {a}))",
        ),
        formula=Formula(
            "−{mean}Σ({y} ln {a} + (1 − {y}) ln(1 − {a}))",
            r"-{mean} \sum ({y} \ln {a} + (1 - {y}) \ln(1 - {a}))",
        ),
        from_error=False,
        targets="unit_interval",
        outputs="unit_interval",
        stable={"sigmoid": _binary_cross_entropy_from_z},
        stable_gradient={"sigmoid": _binary_cross_entropy_gradient_from_z},
        shortcut="sigmoid",
        rational=False,
    ),
    "cross_entropy": Loss(
        title="cross-entropy",
        terms=_cross_entropy,
        gradient=_cross_entropy_gradient,
        gradient_formula=Formula("−{y}/{a}", r"-\frac{{y}}{{a}}"),
        term_formula=Formula("−{y}·ln({a})", r"-{y} \cdot \ln({a})"),
        formula=Formula("−{mean}Σ {y} ln {a}", r"-{mean} \sum {y} \ln {a}"),
        from_error=False,
        targets="distribution",
        outputs="unit_interval",
        stable={"softmax": _cross_entropy_from_softmax, "sigmoid": _cross_entropy_from_sigmoid},
        shortcut="softmax",
        rational=False,
    ),
    "hinge": Loss(
        title="multi-class hinge loss",
        terms=_hinge,
        gradient=_hinge_gradient,
        gradient_formula=Formula(
            "1 where 1 + {a} − {a_true} > 0", r"1 \text{ where } 1 + {a} - {a_true} > 0"
        ),
        term_formula=Formula("max(0, 1 + {a} − {a_true})", r"\max(0, 1 + {a} - {a_true})"),
        formula=Formula(
            "{mean}Σ max(0, 1 + {a}ⱼ − {a_true}), j ≠ true",
            r"{mean} \sum_{j \neq \text{true class}} \max(0, 1 + {a}[j] - {a_true})",
        ),
        from_error=False,
        targets="one_hot",
        sides=_hinge_sides,
    ),
    "output": Loss(
        title="the outputs themselves",
        terms=_output,
        gradient=_output_gradient,
        gradient_formula=Formula("1", "1"),
        term_formula=Formula("{a}", "{a}"),
        formula=Formula("{mean}Σ{a}", r"{mean} \sum {a}"),
        from_error=False,
        mean=False,
        targets="none",
    ),
}
