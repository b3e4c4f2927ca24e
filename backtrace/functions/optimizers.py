"""The optimizers: the lines a person works for one parameter, a row each; and the schedules of η.

A line is an operation of the tape on ids in which ``{}`` stands for the parameter (``W1``, ``b2``);
``v{}_old`` is the state before the update. The formulas are those of the papers named in the rows
as PyTorch has them: ε outside the root, decay of AdamW apart from the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from backtrace.functions.number import Number


class UpdateLine(msgspec.Struct, frozen=True):
    """``id`` = ``operation``(``operands``), with these constants of the optimizer.

    η is ``rate``; ``t`` counts the updates from 1.
    """

    id: str
    operation: str
    operands: tuple[str, ...]
    constants: dict[str, str] = {}


Lines: TypeAlias = tuple[UpdateLine, ...]


class UpdateRule(msgspec.Struct, frozen=True):
    """One optimizer: its constants with defaults, its states, and its lines for each form."""

    title: str
    lines: dict[str, Lines]  # keyed by form; "" where there is one form only
    states: tuple[str, ...] = ()
    letters: dict[str, str] = {}  # of the lines that are not called by their letter
    rate: Number | None = None  # η where a spec names none; None where it must
    constants: dict[str, Number] = {}
    aliases: dict[str, str] = {}
    ascent: str = ""  # its title where an update climbs, if another
    source: str = ""
    rational: bool = True

    @property
    def forms(self) -> tuple[str, ...]:
        """The names of its forms, the default first; empty where there is only one."""
        return tuple(form for form in self.lines if form)


AVERAGE_OF_STEPS = "u"  # the state that averages squared steps, not squared gradients
APPLY = UpdateLine("{}_new", "apply_step", ("{}", "step_{}"))
MOMENTUM_STEP = UpdateLine("step_{}", "scale_step", ("v{}",), {"rate": "rate"})
ADAM_LINES = (
    UpdateLine("m{}", "average", ("m{}_old", "d{}"), {"beta": "beta1"}),
    UpdateLine("v{}", "average_squares", ("v{}_old", "d{}"), {"beta": "beta2"}),
    UpdateLine("mhat{}", "unbias", ("m{}",), {"beta": "beta1", "t": "t"}),
    UpdateLine("vhat{}", "unbias", ("v{}",), {"beta": "beta2", "t": "t"}),
)
ADAM_STEP = UpdateLine(
    "step_{}", "adaptive_step", ("mhat{}", "vhat{}"), {"rate": "rate", "epsilon": "epsilon"}
)

OPTIMIZERS: dict[str, UpdateRule] = {
    "sgd": UpdateRule(
        title="gradient descent",
        ascent="gradient ascent",
        lines={"": (UpdateLine("{}_new", "descend", ("{}", "d{}"), {"rate": "rate"}),)},
    ),
    "momentum": UpdateRule(
        title="gradient descent with momentum",
        ascent="gradient ascent with momentum",
        lines={
            "accumulate": (
                UpdateLine("v{}", "accumulate", ("v{}_old", "d{}"), {"beta": "momentum"}),
                MOMENTUM_STEP,
                APPLY,
            ),
            "step": (
                UpdateLine(
                    "v{}",
                    "accumulate_step",
                    ("v{}_old", "d{}"),
                    {"beta": "momentum", "rate": "rate"},
                ),
                UpdateLine("step_{}", "copy", ("v{}",)),
                APPLY,
            ),
            "ema": (
                UpdateLine("v{}", "average", ("v{}_old", "d{}"), {"beta": "momentum"}),
                MOMENTUM_STEP,
                APPLY,
            ),
        },
        states=("v",),
        constants={"momentum": Number(0.9, "0.9")},
        aliases={"beta": "momentum"},
        source="Polyak 1964; Sutskever et al. 2013",
    ),
    "nesterov": UpdateRule(
        title="Nesterov's accelerated gradient",
        lines={
            "": (
                UpdateLine("v{}", "accumulate", ("v{}_old", "d{}"), {"beta": "momentum"}),
                UpdateLine(
                    "step_{}",
                    "look_ahead_step",
                    ("d{}", "v{}"),
                    {"beta": "momentum", "rate": "rate"},
                ),
                APPLY,
            )
        },
        states=("v",),
        constants={"momentum": Number(0.9, "0.9")},
        aliases={"beta": "momentum"},
        source="Nesterov 1983, in PyTorch's form w − η(g + βv)",
    ),
    "adagrad": UpdateRule(
        title="AdaGrad",
        lines={
            "": (
                UpdateLine("s{}", "accumulate_squares", ("s{}_old", "d{}")),
                UpdateLine(
                    "step_{}",
                    "adaptive_step",
                    ("d{}", "s{}"),
                    {"rate": "rate", "epsilon": "epsilon"},
                ),
                APPLY,
            )
        },
        states=("s",),
        constants={"epsilon": Number(1e-10, "1e-10")},
        source="Duchi, Hazan and Singer 2011",
        rational=False,
    ),
    "rmsprop": UpdateRule(
        title="RMSProp",
        lines={
            "": (
                UpdateLine("s{}", "average_squares", ("s{}_old", "d{}"), {"beta": "decay"}),
                UpdateLine(
                    "step_{}",
                    "adaptive_step",
                    ("d{}", "s{}"),
                    {"rate": "rate", "epsilon": "epsilon"},
                ),
                APPLY,
            )
        },
        states=("s",),
        constants={"decay": Number(0.99, "0.99"), "epsilon": Number(1e-8, "1e-8")},
        aliases={"beta": "decay", "beta2": "decay", "alpha": "decay", "rho": "decay"},
        source="Tieleman and Hinton 2012",
        rational=False,
    ),
    "adadelta": UpdateRule(
        title="AdaDelta",
        lines={
            "": (
                UpdateLine("s{}", "average_squares", ("s{}_old", "d{}"), {"beta": "rho"}),
                UpdateLine("r{}", "rescale", ("d{}", "u{}_old", "s{}"), {"epsilon": "epsilon"}),
                UpdateLine("u{}", "average_squares", ("u{}_old", "r{}"), {"beta": "rho"}),
                UpdateLine("step_{}", "scale_step", ("r{}",), {"rate": "rate"}),
                APPLY,
            )
        },
        states=("s", "u"),
        rate=Number(1.0, "1"),
        constants={"rho": Number(0.9, "0.9"), "epsilon": Number(1e-6, "1e-6")},
        aliases={"beta": "rho", "decay": "rho"},
        source="Zeiler 2012; there is no η in it, which is η = 1",
        rational=False,
    ),
    "adam": UpdateRule(
        title="Adam",
        lines={
            "": (
                *ADAM_LINES,
                ADAM_STEP,
                APPLY,
            )
        },
        states=("m", "v"),
        letters={"mhat": "m̂", "vhat": "v̂"},
        constants={
            "beta1": Number(0.9, "0.9"),
            "beta2": Number(0.999, "0.999"),
            "epsilon": Number(1e-8, "1e-8"),
        },
        source="Kingma and Ba 2015",
        rational=False,
    ),
    "nadam": UpdateRule(
        title="NAdam",
        lines={
            "": (
                *ADAM_LINES[:2],
                UpdateLine(
                    "mhat{}",
                    "look_ahead_average",
                    ("m{}", "d{}"),
                    {"beta": "beta1", "momentum_decay": "momentum_decay", "t": "t"},
                ),
                ADAM_LINES[3],
                ADAM_STEP,
                APPLY,
            )
        },
        states=("m", "v"),
        letters={"mhat": "m̂", "vhat": "v̂"},
        constants={
            "beta1": Number(0.9, "0.9"),
            "beta2": Number(0.999, "0.999"),
            "epsilon": Number(1e-8, "1e-8"),
            "momentum_decay": Number(0.004, "0.004"),
        },
        source="Dozat 2016, with the averages of Adam, as PyTorch has it",
        rational=False,
    ),
    "adamw": UpdateRule(
        title="AdamW",
        lines={
            "": (
                *ADAM_LINES,
                UpdateLine(
                    "step_{}",
                    "decayed_step",
                    ("mhat{}", "vhat{}", "{}"),
                    {"rate": "rate", "epsilon": "epsilon", "weight_decay": "weight_decay"},
                ),
                APPLY,
            )
        },
        states=("m", "v"),
        letters={"mhat": "m̂", "vhat": "v̂"},
        constants={
            "beta1": Number(0.9, "0.9"),
            "beta2": Number(0.999, "0.999"),
            "epsilon": Number(1e-8, "1e-8"),
            "weight_decay": Number(0.01, "0.01"),
        },
        source="Loshchilov and Hutter 2019",
        rational=False,
    ),
}


def optimizer_of(parameter: str, worked: Set[tuple[str, str]]) -> tuple[UpdateRule, Lines] | None:
    """The optimizer, and its lines, whose (ids, operations) are those worked for a parameter."""
    for row in OPTIMIZERS.values():
        for lines in row.lines.values():
            if {(line.id.format(parameter), line.operation) for line in lines} == worked:
                return row, lines
    return None


def line_of(id: str, parameter: str, worked: Set[tuple[str, str]]) -> UpdateLine | None:
    """The line of the optimizer in which a step is worked."""
    found = optimizer_of(parameter, worked)
    lines = () if found is None else found[1]
    return next((line for line in lines if line.id.format(parameter) == id), None)


def letter_of_state(state: str) -> str:
    """How what an optimizer works with is written: m̂ for ``mhat``."""
    return next((row.letters[state] for row in OPTIMIZERS.values() if state in row.letters), state)


class Momentums(msgspec.Struct, frozen=True):
    """NAdam's momentum μ of an update, that of the next, and the product of all up to this one."""

    now: float
    next: float
    product: float


@lru_cache(maxsize=64)
def momentums(beta: float, decay: float, t: int) -> Momentums:
    """μ = β(1 − ½·0.96^(ψt)) with ψ, the ``decay``, and t from 1: μ grows from about ½β to β."""
    product = 1.0
    for earlier in range(1, t + 1):
        product *= _momentum(beta, decay, earlier)
        if product < NEGLIGIBLE:
            break
    return Momentums(_momentum(beta, decay, t), _momentum(beta, decay, t + 1), product)


def _momentum(beta: float, decay: float, t: int) -> float:
    return beta * (1 - float(0.96 ** (decay * t)) / 2)


NEGLIGIBLE = 1e-20  # beside the 1 that a product of momentums is taken from


class RateSchedule(msgspec.Struct, frozen=True):
    """How η changes: ``rate(base, t, constants)`` for update t, counted from 0."""

    constants: tuple[str, ...]
    rate: Callable[[Any, int, dict[str, Any]], Any]


SCHEDULES: dict[str, RateSchedule] = {
    "constant": RateSchedule((), lambda base, t, c: base),
    "step": RateSchedule(
        ("every", "factor"),
        lambda base, t, c: base * c["factor"] ** (t // int(c["every"])),
    ),
    "exponential": RateSchedule(("factor",), lambda base, t, c: base * c["factor"] ** t),
    "inverse_time": RateSchedule(("decay",), lambda base, t, c: base / (1 + c["decay"] * t)),
}
