"""The steps of one update worked in several precisions, and their forward part worked again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.array import Array
from backtrace.functions.losses import LOSSES
from backtrace.tape.arithmetic import FloatArithmetic
from backtrace.tape.operations import mean
from backtrace.tape.run import Values, evaluate, worked
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step
from backtrace.verify.cost import multiplications
from backtrace.verify.objective import Objective

Precision: TypeAlias = type[np.floating[Any]]

DEAR = 3_000_000  # multiplications of a forward pass that is not worked wider than in double
LUCK = 4  # times as far off as it happens to be, a narrower value may be
BY_ENTRY = 16  # multiplications that one entry of an elementwise step costs, about


class Evaluations:
    """The values of ``steps`` in double precision, in the widest and in a narrower one beside it.

    The widest are what is verified: how far the narrower ones are from them tells what rounding
    does to a line, however much it cancels. ``start`` holds the widest in every precision.
    """

    def __init__(self, objective: Objective, double: Values, setting: Setting) -> None:
        self.steps, self.double, self.setting = objective.steps, double, setting
        steps = self.steps
        self.by_id = {step.id: step for step in steps}
        self.forward = [step for step in steps if step.phase in ("forward", "loss")]
        self.penalty, self.output = objective.penalty, objective.output
        self.terms, self.total = objective.terms, objective.total
        self.widest, self.narrower = self._precisions()
        self.wide = worked(steps, self._given(self.widest), setting, FloatArithmetic(self.widest))
        self.narrow = self._narrow()
        precisions: set[Precision] = {np.float64, self.widest, self.narrower}
        self.start = {each: _cast(self.wide, each) for each in precisions}

    def _precisions(self) -> tuple[Precision, Precision]:
        """Of doubles alone products are fast; some platforms have nothing wider, either."""
        has_wider = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps
        if has_wider and self._multiplications(self.forward) <= DEAR:
            return np.longdouble, np.float64
        return np.float64, np.float32

    def _given(self, precision: Precision) -> Values:
        """Targets that are distributions add up to 1 to the last digit of a precision."""
        given = [step.id for step in self.steps if step.operation == "given"]
        start = _cast({id: self.double[id] for id in given}, precision)
        loss = self.terms.parameters.get("loss")
        if loss is not None and LOSSES[loss].targets == "distribution":
            y = self.terms.operands[1]
            start[y] = start[y] / start[y].sum(axis=1 - self.setting.sample_axis, keepdims=True)
        return start

    def _narrow(self) -> Values:
        """The narrower values, with a rounding where a line cancels and the loss does not."""
        values, random = self._given(self.narrower), np.random.default_rng(0)
        numbers, unit = FloatArithmetic(self.narrower), np.finfo(self.narrower).eps
        for step in self.steps:
            if step.operation != "given":
                value = evaluate(self.setting, numbers, step, values)
                signs = random.choice([-unit, unit], size=value.shape)
                values[step.id] = numbers.line(value + signs * _cancelled(step, values))
        return values

    def doubt(self, id: str) -> Array:
        """How far rounding may have moved each entry of a value."""
        with np.errstate(invalid="ignore"):
            distance = LUCK * np.abs(self.wide[id] - self.narrow[id])
        return np.where(np.isfinite(distance), distance, np.inf)

    def behind(self, id: str) -> list[Step]:
        """The steps to be worked again when ``id`` moves, the addends of the loss last."""
        steps = [step for step in self.forward if step.id != self.terms.id]
        steps.append(_by_its_operands(self.terms) if id == self.output else self.terms)
        moved, needed = {id}, {self.terms.id}
        for step in steps:
            if moved & set(_operands(step)):
                moved.add(step.id)
        for step in reversed(steps):
            if step.id in needed:
                needed.update(_operands(step))
        return [step for step in steps if step.id != id and step.id in moved & needed]

    def effort(self, id: str) -> int:
        """About how many multiplications the pass takes that answers to a move of ``id``."""
        steps = self.behind(id)
        entries = self.double[id].size + sum(self.double[step.operands[0]].size for step in steps)
        return self._multiplications(steps) + BY_ENTRY * int(entries)

    def _multiplications(self, steps: Sequence[Step]) -> int:
        shapes = {step.id: step.shape for step in self.steps}
        return sum(multiplications(step, shapes, self.setting) for step in steps)

    def shares(self, terms: Array) -> Array:
        """Each sample's share of the loss, for a stack of addends."""
        alone = {self.total.operands[0]: self.setting.rows(terms)[..., None, :]}
        return evaluate(self.setting, FloatArithmetic(terms.dtype.type), self.total, alone)


def _cancelled(step: Step, values: Values) -> Array:
    """The size of what is subtracted and in the loss, from z, is not: a − y, a softmax's a − a²."""
    if step.operation == "shortcut_delta":
        a, y = (np.abs(values[id]) for id in step.operands)
        return np.asarray(mean(a + y, step.parameters))
    is_slope = step.operation == "activation_derivative"
    return np.asarray(is_slope and not ACTIVATIONS[step.parameters["activation"]].elementwise)


def _cast(values: Values, precision: Precision) -> Values:
    with np.errstate(over="ignore", under="ignore"):
        return {id: np.asarray(value, dtype=precision) for id, value in values.items()}


def _operands(step: Step) -> tuple[str, ...]:
    """The ids that a step reads: the addends of a loss that are worked from z don't look at a."""
    stable = step.parameters.get("stable_from")
    return step.operands if stable is None else (*step.operands[1:], stable)


def _by_its_operands(terms: Step) -> Step:
    """The addends of the loss from a, where they are worked from z for the digits' sake."""
    parameters = dict(terms.parameters)
    if parameters.pop("stable_from", None):
        del parameters["activation"]
    return msgspec.structs.replace(terms, parameters=parameters)
