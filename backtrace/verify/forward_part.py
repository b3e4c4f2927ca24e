"""The forward part of a tape, as far as it has to be worked again when a quantity moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.tape.arithmetic import Floats
from backtrace.tape.operations import Setting
from backtrace.tape.run import evaluate
from backtrace.tape.steps import Step
from backtrace.verify.cost import multiplications

BY_ENTRY = 16  # multiplications that one entry of an elementwise step costs, about


class ForwardPart:
    """The steps of one update from the inputs to the addends of the loss, and their values.

    With an upstream gradient G in place of a loss the addends are G ⊙ a.
    """

    def __init__(
        self, steps: Sequence[Step], values: Mapping[str, Array], setting: Setting
    ) -> None:
        self.setting = setting
        self.numbers = Floats(np.float64)
        self.values = dict(values)
        forward = [step for step in steps if step.phase in ("forward", "loss")]
        self.penalty = next((step for step in forward if step.operation == "penalty"), None)
        self.last = [step.id for step in forward if step.operation == "activate"][-1]
        terms = [step for step in forward if step.operation == "loss_terms"]
        self.terms = terms[0] if terms else self._given_gradient()
        totals = [step for step in forward if step.operation == "total"]
        self.total = totals[0] if totals else Step("data_loss", "total", (self.terms.id,))
        self.steps = [step for step in forward if step.id != self.terms.id] + [self.terms]

    def _given_gradient(self) -> Step:
        upstream = f"d{self.last}"
        return Step("loss_terms", "hadamard", (upstream, self.last), phase="loss")

    @property
    def samples(self) -> int:
        return int(self.setting.rows(self.values[self.last]).shape[0])

    def from_id(self, id: str) -> list[Step]:
        """The steps to be worked again when ``id`` moves, the addends of the loss last."""
        moved, found = {id}, []
        for step in self.steps:
            kept = self._by_its_operands(step) if id == self.last else step
            if step.id != id and moved & set(names(kept)):
                moved.add(step.id)
                found.append(kept)
        return _leading_to(self.terms.id, found)

    def _by_its_operands(self, step: Step) -> Step:
        """The addends of the loss from a, where they are worked from z for the digits' sake."""
        if "stable_from" not in step.parameters:
            return step
        left_out = ("stable_from", "activation")
        parameters = {k: v for k, v in step.parameters.items() if k not in left_out}
        return msgspec.structs.replace(step, parameters=parameters)

    def effort(self, id: str) -> int:
        """About how many multiplications the pass takes that answers to a move of ``id``."""
        steps = self.from_id(id)
        shapes = {id: np.shape(value) for id, value in self.values.items()}
        products = sum(multiplications(step, shapes, self.setting) for step in steps)
        entries = sum(int(np.prod(step.shape)) for step in steps) + self.values[id].size
        return int(products + BY_ENTRY * entries)

    def work(self, step: Step, values: Mapping[str, Array]) -> Array:
        return evaluate(self.setting, self.numbers, step, values)


def names(step: Step) -> tuple[str, ...]:
    """The ids that a step reads: the addends of a loss that are worked from z don't look at a."""
    stable = step.parameters.get("stable_from")
    return step.operands if stable is None else (*step.operands[1:], stable)


def _leading_to(id: str, steps: list[Step]) -> list[Step]:
    needed, found = {id}, []
    for step in reversed(steps):
        if step.id in needed:
            needed.update(names(step))
            found.append(step)
    return found[::-1]
