"""Forward passes in stacks, and what each makes of the loss and of the sides of its kinks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.functions.array import Array
from backtrace.tape.run import worked
from backtrace.tape.steps import Step
from backtrace.tape.verification.forward_part import ForwardPart
from backtrace.tape.verification.kinks import Sides, sides

Reals: TypeAlias = NDArray[np.float64]
Marks: TypeAlias = NDArray[np.int64]

STACK_BYTES = 32_000_000  # of all values of a stack of forward passes


class Crossing(msgspec.Struct, frozen=True):
    """A kink that lies within reach: of the quantity ``id`` at ``index`` (from 1)."""

    id: str
    index: tuple[int, int]


class ForwardStacks:
    """Stacks of forward passes that differ in one quantity, and what became of the loss in each.

    A column of what they give is a sample; with ``penalised`` the last one is the penalty.
    """

    def __init__(self, part: ForwardPart, id: str, *, penalised: bool = False) -> None:
        self.part, self.id = part, id
        self.steps = part.from_id(id)
        charged = penalised and part.penalty is not None and id in part.penalty.operands
        self.penalty = part.penalty if charged else None
        random = np.random.default_rng(0)
        self._weights: dict[str, Marks] = {}
        for step in [*self.steps, Step(id, "given", shape=part.values[id].shape)]:
            width = int(np.prod(step.shape or (1,)))
            self._weights[step.id] = random.integers(1, 2**62, size=max(width, 1))
        self.value: Reals = part.values[id]
        self.terms = np.zeros(1)
        self.charge = np.zeros(())
        base = self._worked(self.value[None])
        self.terms = self._addends(base)
        self.charge = self._penalty(self.value)
        self.marks = self._marks(base)[0]
        self.sizes = self._by_sample(np.abs(self.terms))[0]
        if self.penalty is not None:
            self.sizes = np.append(self.sizes, np.abs(self.charge))

    @property
    def members(self) -> int:
        """How many passes a stack may hold."""
        entries = 2 * sum(int(np.prod(step.shape)) for step in self.steps) + self.value.size
        return max(1, STACK_BYTES // (8 * max(entries, 1)))

    @property
    def reach(self) -> float:
        """How large the terms are that a product on the way adds up, the largest of all."""
        largest = 1.0
        for step in self.steps:
            if step.operation == "matmul":
                sizes = {id: np.abs(self.part.values[id]) for id in step.operands}
                largest = max(largest, float(np.max(self.part.work(step, sizes), initial=0.0)))
        return largest

    def changes(self, stack: Reals) -> tuple[Reals, Marks]:
        """By member of the stack and column: the change of the loss, and the mark of its kinks."""
        values = self._worked(stack)
        with np.errstate(invalid="ignore", over="ignore"):
            found = self._by_sample(self._addends(values) - self.terms)
            if self.penalty is not None:
                found = np.column_stack([found, self._penalty(stack) - self.charge])
        return found, self._marks(values)

    def crossed(self, value: Reals) -> list[Crossing]:
        """The kinks that lie between the point and ``value``, a penalty's apart."""
        here, there = self._worked(self.value[None]), self._worked(value[None])
        found = []
        for step in self.steps:
            before, after = (sides(self.part.setting, step, v) for v in (here, there))
            if before is None or after is None:
                continue
            moved = self.part.setting.rows(before != after)[0]
            id = step.operands[0] if step.operation == "activate" else step.id
            found += [Crossing(id, (i + 1, j + 1)) for i, j in np.argwhere(moved).tolist()]
        if self._l1 and not found:
            signs = np.argwhere(np.sign(value) != np.sign(self.value)).tolist()
            found += [Crossing(self.id, (i + 1, j + 1)) for i, j in signs]
        return found

    def several_in_a_sample(self, crossed: Iterable[Crossing]) -> bool:
        """Whether a sample stands at more than one of these kinks."""
        samples = [
            each.index[self.part.setting.sample_axis] for each in crossed if each.id != self.id
        ]
        return len(samples) > len(set(samples))

    def _worked(self, stack: Reals) -> dict[str, Array]:
        values = self.part.values | {self.id: stack}
        return worked(self.steps, values, self.part.setting, self.part.numbers)

    def _addends(self, values: Mapping[str, Array]) -> Array:
        return self.part.setting.rows(values[self.part.terms.id])

    def _by_sample(self, addends: Array) -> Reals:
        """The share of each sample in the loss: its total, taken of that sample alone."""
        alone = {self.part.total.operands[0]: addends[..., None, :]}
        return np.asarray(self.part.work(self.part.total, alone))

    def _penalty(self, stack: Reals) -> Reals:
        if self.penalty is None:
            return np.zeros(())
        return np.asarray(self.part.work(self.penalty, self.part.values | {self.id: stack}))

    @property
    def _l1(self) -> bool:
        return self.penalty is not None and float(self.penalty.parameters["l1"]) != 0

    def _marks(self, values: Mapping[str, Array]) -> Marks:
        members, columns = values[self.id].shape[0], self.part.samples
        found = np.zeros((members, columns), dtype=np.int64)
        for step in self.steps:
            which = sides(self.part.setting, step, values)
            if which is not None:
                found += self._hashed(which, step.id)
        if self.penalty is None:
            return found
        signs = np.sign(values[self.id]).astype(np.int8).reshape(members, 1, -1)
        last = self._hashed(signs if self._l1 else 0 * signs, self.id)
        return np.hstack([found, last])

    def _hashed(self, which: Sides, id: str) -> Marks:
        """One number a sample for the sides of all its entries; it wraps around, as a hash may."""
        weights = self._weights[id][: which.shape[-1]]
        return np.asarray(np.einsum("...j,j->...", which.astype(np.int64), weights))
