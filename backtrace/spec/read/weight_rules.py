"""Weights and biases by rule: the table of rules, and drawing from them reproducibly."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np

from backtrace.spec.document.fields import ANY, NOT_NEGATIVE, Fields, choice
from backtrace.spec.document.problems import Place, Problems
from backtrace.spec.document.reader import Mapping, Scalar
from backtrace.spec.numbers import Number

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Weights: TypeAlias = "NDArray[np.float64]"
Draw: TypeAlias = "Callable[[Generator, tuple[int, int], Fan, dict[str, float]], Weights]"

MOST_DRAWN = 20_000_000
"""The weights of one layer that are drawn by rule: 160 MB of floats."""

DEFAULT_SEED = 0
"""The seed of a spec without ``seed:``; every run draws the same numbers."""


class Fan(msgspec.Struct, frozen=True):
    """The inputs and outputs of a layer, on which xavier and he depend."""

    inputs: int
    units: int


class Rule(msgspec.Struct, frozen=True):
    """A rule with its parameters, and where it stands."""

    name: str
    parameters: dict[str, float]
    place: Place


class _Initializer(msgspec.Struct, frozen=True):
    draw: Draw
    parameters: dict[str, Number] = {}


def _uniform(random: Generator, shape: tuple[int, int], fan: Fan, p: dict[str, float]) -> Weights:
    return random.uniform(p["low"], p["high"], shape)


def _normal(random: Generator, shape: tuple[int, int], fan: Fan, p: dict[str, float]) -> Weights:
    return random.normal(p["mean"], p["std"], shape)


def _xavier(random: Generator, shape: tuple[int, int], fan: Fan, p: dict[str, float]) -> Weights:
    """Uniform within ±√(6/(inputs + units)), Glorot and Bengio 2010."""
    bound = math.sqrt(6 / (fan.inputs + fan.units))
    return random.uniform(-bound, bound, shape)


def _he(random: Generator, shape: tuple[int, int], fan: Fan, p: dict[str, float]) -> Weights:
    """Normal with variance 2/inputs, He et al. 2015."""
    return random.normal(0.0, math.sqrt(2 / fan.inputs), shape)


def _constant(random: Generator, shape: tuple[int, int], fan: Fan, p: dict[str, float]) -> Weights:
    return np.full(shape, p.get("value", 0.0))


INITIALIZERS: dict[str, _Initializer] = {
    "uniform": _Initializer(_uniform, {"low": Number(-0.5, "-0.5"), "high": Number(0.5, "0.5")}),
    "normal": _Initializer(_normal, {"mean": Number(0.0, "0"), "std": Number(0.1, "0.1")}),
    "xavier": _Initializer(_xavier),
    "he": _Initializer(_he),
    "zeros": _Initializer(_constant),
    "constant": _Initializer(_constant, {"value": Number(0.0, "0")}),
}
RANDOM = tuple(name for name, row in INITIALIZERS.items() if row.draw is not _constant)


def read_rule(problems: Problems, node: Mapping | Scalar, what: str) -> Rule | None:
    """``{init: uniform, low: -0.5, high: 0.5}`` or the bare name of a rule."""
    if isinstance(node, Scalar):
        return Rule(node.text, _defaults(node.text), node) if node.text in INITIALIZERS else None
    init = node.entries["init"].value
    name = choice(problems, init, INITIALIZERS, "")
    if not name:
        return None
    defaults = INITIALIZERS[name].parameters
    entries = Fields(problems, node, what, ["init", *defaults])
    values: dict[str, float] = {}
    for key, default in defaults.items():
        accepted = NOT_NEGATIVE if key == "std" else ANY
        values[key] = float(entries.number(key, default, accepted))
    if name == "uniform" and values["low"] > values["high"]:
        found = f"low {values['low']:g} above high {values['high']:g}"
        problems.add(node, found, "low below high", "Exchange the two.", code="E111")
        return None
    return Rule(name, values, node)


def draw(rule: Rule, shape: tuple[int, int], fan: Fan, seed: int | None, stream: int) -> Weights:
    """Numbers of ``shape``; each ``stream`` (one a parameter) is independent of the others.

    So adding a layer, or drawing its bias, leaves the numbers of all others as they were.
    """
    from numpy.random import PCG64, Generator, SeedSequence

    start = DEFAULT_SEED if seed is None else seed
    random = Generator(PCG64(SeedSequence([start, stream])))
    return INITIALIZERS[rule.name].draw(random, shape, fan, rule.parameters)


def _defaults(name: str) -> dict[str, float]:
    initializer = INITIALIZERS.get(name)
    return {} if initializer is None else {k: float(v) for k, v in initializer.parameters.items()}
