"""What the writers of a step's line have at hand, and the pieces that several of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.formula import (
    Brackets,
    Constant,
    Expr,
    Fraction,
    Ref,
    Row,
    Terms,
    Text,
    Value,
    parts,
    rebuilt,
    row,
)
from backtrace.notation.symbols import Symbols
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step
from backtrace.tape.trace import Trace, TracedStep

Stages: TypeAlias = list[Expr]
LEFT_OUT = Text("⋯")
LONG = 12  # terms of a sum written out; of a longer one the first and last few


class Workings(msgspec.Struct, frozen=True):
    """What writing a step needs beside the step: its update's steps by id, symbols, conventions."""

    steps: Mapping[str, TracedStep]
    symbols: Symbols
    setting: Setting

    @classmethod
    def of(cls, traced: TracedStep, trace: Trace, symbols: Symbols | None = None) -> Workings:
        steps = trace.update(traced.epoch, traced.batch)
        return cls(steps, symbols or Symbols.of(trace), Setting(trace.conventions))

    def value(self, id: str) -> Any:
        return self.steps[id].value

    def entry(self, id: str, i: int, j: int) -> Value:
        """One entry of a quantity; a bias, which has one line, is met by every sample."""
        value = self.value(id)
        if np.ndim(value) == 0:
            return Value(value[()], id)
        rows, columns = value.shape
        i, j = min(i, rows - 1), min(j, columns - 1)
        return Value(value[i, j], id, i, j)


class Writing(msgspec.Struct, frozen=True):
    """How one operation is written.

    ``right`` is the right-hand side of its equation; ``rule`` the formula of one entry where
    ``right`` only names a function; ``stages`` one entry unfolded, worked further at each stage
    (without them the references of ``right`` are replaced by their entries).
    """

    right: Callable[[Step, Workings], Expr]
    rule: Callable[[Step, Workings], Expr] | None = None
    stages: Callable[[TracedStep, Workings, int, int], Stages] | None = None


def filled_in(expr: Expr, workings: Workings, i: int, j: int) -> Expr:
    """A right-hand side with every quantity replaced by its entry at (i, j)."""
    if isinstance(expr, Ref):
        return workings.entry(expr.id, i, j)
    if isinstance(expr, Constant):
        return Value(expr.value)
    if isinstance(expr, Text):
        return Text(expr.text.replace("⊙", "·"))
    return rebuilt(expr, lambda part: filled_in(part, workings, i, j))


def mean_is_late(steps: Iterable[TracedStep]) -> bool:
    """Whether the loss's 1/n enters in the gradients of the parameters, and not before."""
    return any(
        "samples" in traced.parameters and traced.phase == "backward"
        for traced in steps
        if traced.operation in ("matmul", "sum_samples")
    )


def over_n(step: Step) -> list[Expr]:
    """1/n · in front, where the step carries the mean of more than one sample."""
    n = step.parameters.get("samples", 1)
    return [] if n == 1 else [Fraction(Text("1"), Constant("samples", n)), Text(" · ")]


def sign(workings: Workings) -> str:
    return " + " if workings.setting.descent else " − "


def downhill(workings: Workings) -> str:
    return "" if workings.setting.descent else "−"


def sum_of(terms: list[Expr], separator: str = " + ") -> list[Expr]:
    """Terms with ``separator`` between them; of a long sum only the first and last few."""
    if len(terms) > LONG:
        terms = [*terms[:4], LEFT_OUT, *terms[-2:]]
    joined: list[Expr] = []
    for term in terms:
        joined += [Text(separator), term] if joined else [term]
    return joined


def is_cut(expr: Expr) -> bool:
    """Whether terms of a long sum are left out of it."""
    return expr == LEFT_OUT or any(map(is_cut, parts(expr)))


def signed_sum(values: list[Value]) -> list[Expr]:
    """Worked terms added up: a negative one is subtracted rather than put in brackets."""
    if len(values) > LONG:
        return sum_of(list(values))
    return [values[0] if len(values) == 1 else Terms(tuple(values))]


def scaled(step: Step, inner: list[Expr]) -> Expr:
    """1/n · ( … ) around a sum, where the step carries the mean."""
    n = step.parameters.get("samples", 1)
    if n == 1:
        return Row(tuple(inner))
    alone = len(inner) == 1 and not isinstance(inner[0], Terms)
    bracketed: Expr = Row(tuple(inner)) if alone else Brackets(Row(tuple(inner)))
    return Row((Fraction(Text("1"), Value(n)), Text(" · "), bracketed))


def constants(step: Step) -> dict[str, Value]:
    """The parameters of a function's row, to be filled into its formulas."""
    values = step.parameters.items()
    return {name: Value(value) for name, value in values if not isinstance(value, str)}


def holes(step: Step, z: Expr, *learned: Expr) -> Mapping[str, Expr]:
    """What the formula of a step's function is filled with: its constants, z, what it learns."""
    return FUNCTIONS[step.parameters["activation"]].at({**constants(step), "z": z}, learned)


def added(step: Step, workings: Workings) -> Expr:
    return row(Ref(step.operands[0]), " + ", Ref(step.operands[1]))
