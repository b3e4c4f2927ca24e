"""A wrong step worked with the student's own numbers, up to the result and not including it.

What was not written is unfolded until it rests on what was, or stands there as its symbol: no
value that the student has not written, and the spec does not give, is ever printed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
import numpy as np

from backtrace.check.model import Answers, Figure, Judged, WrittenQuantity
from backtrace.check.sheets.exercise import Exercise, Key
from backtrace.functions.formula import (
    Absolute,
    Apply,
    Brackets,
    Expr,
    Row,
    Symbol,
    Terms,
    Value,
    parts,
    rebuilt,
    row,
)
from backtrace.functions.losses import LOSSES
from backtrace.notation.forward import is_identity
from backtrace.notation.steps import entry_stages, writing
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import text
from backtrace.notation.workings import Workings
from backtrace.spec.ids import At, id_of
from backtrace.tape.steps import Step
from backtrace.tape.trace import TracedStep

DEPTHS = (3, 2, 1, 0)  # steps unfolded one inside the other; beyond, a symbol stands for the rest
LONGEST = 110  # characters of a worked line; a longer one is unfolded less deep
DECIMALS = 12  # the student's numbers are shown as written


class WorkedLine(msgspec.Struct, frozen=True):
    """The rule in symbols, and one entry of it with the student's numbers: ``left`` = ``right``."""

    rule: str
    left: str
    right: str


def worked_line(exercise: Exercise, answers: Answers, judged: Judged) -> WorkedLine | None:
    """The first wrong entry of a quantity worked on the student's numbers; None for a given one."""
    place = (judged.epoch, judged.batch, judged.id)
    step = exercise.steps[place]
    if step.operation in ("given", "forward_again"):
        return None
    page = _StudentPage(exercise, answers, place)
    wrong = judged.places("wrong") or [(1, 1)]
    i, j = wrong[0][0] - 1, wrong[0][1] - 1
    with np.errstate(all="ignore"):  # a stranger's 1e300 times another
        right = page.worked(place, i, j)
    return WorkedLine(page.rule(place), page.entry_name(place, i, j), right)


class _StudentPage:
    """The student's numbers laid out as an update's steps, with nothing where none was written."""

    def __init__(self, exercise: Exercise, answers: Answers, place: Key) -> None:
        self.exercise = exercise
        self.place = place
        self.written: dict[Key, WrittenQuantity] = {
            (w.epoch, w.batch, w.id): w for w in answers.written if w.cells
        }
        spec = exercise.spec
        self.symbols = Symbols.asked_by(spec)
        self.page = Workings(self._steps(), self.symbols, exercise.setting)

    def _steps(self) -> Mapping[str, TracedStep]:
        steps = dict(self.exercise.contexts[self.place[:2]].steps)
        steps[self.place[2]] = self._shortest(steps[self.place[2]])
        return {id: TracedStep(step, self._value(id)) for id, step in steps.items()}

    def _shortest(self, step: Step) -> Step:
        """(p − y)/n at once, where a board's loss goes back through p, and dp is not written."""
        steps = self.exercise.contexts[self.place[:2]].steps
        slope = steps[step.operands[0]] if step.operation == "chain" else step
        epoch, batch, _ = self.place
        at = (epoch, batch, slope.id)
        if slope.operation != "loss_slope" or at in self.written or slope.parameters["of"] != 1:
            return step
        upstream, output, targets = slope.operands
        of = step.parameters["activation"]
        is_its = steps[output].operands == step.operands[1:]
        is_short = LOSSES[slope.parameters["loss"]].shortcut == of and is_its
        if not is_short or (self.exercise.values[epoch, batch, upstream] != 1).any():
            return step
        samples = {k: v for k, v in slope.parameters.items() if k == "samples"}
        return msgspec.structs.replace(
            step, operation="shortcut_delta", operands=(output, targets), parameters=samples
        )

    def _value(self, id: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        place = (*self.place[:2], id)
        exact = self.exercise.values[place]
        known = np.full(exact.shape, math.nan)
        if self.exercise.is_given(place):
            known[...] = exact
        written = self.written.get(place)
        if written is None and self.exercise.steps[place].operation == "given":
            before = self.exercise.operands[place]  # what the update before left: W1_new is W1
            written = self.written.get(before[0]) if before else None
        if written is not None:
            for i, line in enumerate(written.cells):
                for j, cell in enumerate(line):
                    if isinstance(cell, Figure):
                        known[i, j] = cell.value
        if self.exercise.steps[place].shape == ():
            return np.asarray(known[0, 0])
        return known

    def rule(self, place: Key) -> str:
        """The right rule in symbols."""
        step = self.page.steps[place[2]].step
        written = writing(step)
        side = written.right if written.rule is None else written.rule
        return f"{self.symbols.name(place[2])} = {text(side(step, self.page), self.symbols)}"

    def entry_name(self, place: Key, i: int, j: int) -> str:
        """``δ₂[1,2]``, ``δ₂@1.2[1,2]``; a number has no indices."""
        epoch, batch, id = place
        name = self.symbols.name(id) + str(At(id, epoch, batch)).removeprefix(id)
        shape = self.page.steps[id].shape
        is_number = shape == () or (self.symbols.single_numbers and shape == (1, 1))
        return name if is_number else f"{name}[{i + 1},{j + 1}]"

    def worked(self, place: Key, i: int, j: int) -> str:
        line = ""
        for depth in DEPTHS:
            own = _bare(self.unfolded(place[2], i, j, depth, {place[2]}))
            line = text(own, self.symbols, DECIMALS)
            if len(line) <= LONGEST:
                break
        return line

    def unfolded(self, id: str, i: int, j: int, depth: int, above: set[str]) -> Expr:
        """One entry's sum, with every operand that was not written unfolded in its turn."""
        stages = entry_stages(self.page.steps[id], self.page, i, j)
        return self.resolved(self.chosen(stages, id), depth, above)

    def chosen(self, stages: list[Expr], id: str) -> Expr:
        """The stage that is nearest to what was written; a slope is worked from a where it is."""
        step = self.page.steps[id]
        operands = set(step.operands)
        if step.operation == "activation_derivative":
            stages, operands = stages[::-1], operands | {id_of("activation", step.layer)}
        whole = [s for s in stages if all(self.known(v) for v in _values(s)) and _sourced(s)]
        nearest = [s for s in whole if {v.id for v in _values(s) if v.id} <= operands]
        return (nearest or whole or stages)[0]

    def known(self, value: Value) -> bool:
        return not value.id or not math.isnan(float(value.value))

    def resolved(self, expr: Expr, depth: int, above: set[str]) -> Expr:
        if isinstance(expr, Value):
            return expr if self.known(expr) else self.unwritten(expr, depth, above)

        def inner(part: Expr) -> Expr:
            return self.resolved(part, depth, above)

        found = rebuilt(expr, inner)
        if isinstance(found, Brackets) and isinstance(found.inner, Brackets):
            return found.inner
        return found

    def unwritten(self, value: Value, depth: int, above: set[str]) -> Expr:
        """What stands for a number that was not written: its own line, or its symbol."""
        step = self.page.steps[value.id]
        place = (*self.place[:2], value.id)
        known = self.exercise.is_given(place) or step.operation in ("given", "forward_again")
        repeats = step.operation == "copy" or is_identity(step.parameters)  # costs no depth
        if (depth == 0 and not repeats) or known or value.id in above:
            return row(Symbol(value.id), f"[{value.row + 1},{value.column + 1}]")
        deeper = depth if repeats else depth - 1
        own = self.unfolded(value.id, value.row, value.column, deeper, above | {value.id})
        return own if _is_short(own) else Brackets(own)


def _bare(expr: Expr) -> Expr:
    """A whole line without brackets around it."""
    while True:
        if isinstance(expr, Brackets):
            expr = expr.inner
        elif isinstance(expr, Row | Terms) and len(expr.items) == 1:
            expr = expr.items[0]
        else:
            return expr


def _is_short(expr: Expr) -> bool:
    """Whether an expression needs no brackets inside another."""
    if isinstance(expr, Row):
        return len(expr.items) == 1 and _is_short(expr.items[0])
    return isinstance(expr, Value | Brackets | Apply | Absolute)


def _sourced(expr: Expr) -> bool:
    """Whether every number of an expression says where it stands (worked-out ones do not)."""
    values = _values(expr)
    return any(value.id for value in values)


def _values(expr: Expr) -> list[Value]:
    if isinstance(expr, Value):
        return [expr]
    return [value for part in parts(expr) for value in _values(part)]
