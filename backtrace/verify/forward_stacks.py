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
from backtrace.verify.forward_part import ForwardPart
from backtrace.verify.kinks import Crossing, Sides, crossings, sides
from backtrace.verify.rounding import ALLOWANCE, EPS, PATTERNS, ROUNDINGS, off
from backtrace.verify.span import span

Reals: TypeAlias = NDArray[np.float64]
Marks: TypeAlias = NDArray[np.int64]

STACK_BYTES = 1_000_000  # of all values of a stack of forward passes: they fit into a cache


class Close(msgspec.Struct, frozen=True, eq=False):
    """What a closer look at some passes finds, by member of the stack and column.

    ``noise`` is how far rounding may have moved the loss, ``spans`` how far the pass has moved
    beside what its functions take to change their course.
    """

    changes: Reals
    marks: Marks
    noise: Reals
    spans: Reals


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
        self.base = base = self._worked(self.value[None])
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
        return self._changes(values), self._marks(values)

    def closely(self, stack: Reals) -> Close:
        """The same with what rounding may have done, and how far the passes lie from the point."""
        values = self._worked(stack)
        return Close(
            self._changes(values), self._marks(values), self._noise(values), self._spans(values)
        )

    def _changes(self, values: Mapping[str, Array]) -> Reals:
        with np.errstate(invalid="ignore", over="ignore"):
            found = self._by_sample(self._addends(values) - self.terms)
            if self.penalty is None:
                return found
            return np.column_stack([found, self._penalty(values[self.id]) - self.charge])

    def _noise(self, values: Mapping[str, Array]) -> Reals:
        """How far the share of each sample moves when every line is off by a few roundings."""
        addends, setting = self._addends(values), self.part.setting
        found = np.zeros((values[self.id].shape[0], self.part.samples))
        for pattern in range(PATTERNS):
            with np.errstate(invalid="ignore", over="ignore"):
                moved = self._addends(off(self.steps, values, setting, pattern)) - addends
                found = np.maximum(found, ALLOWANCE * self._by_sample(np.abs(moved)))
        if self.penalty is None:
            return found
        charge = np.abs(self.charge) + np.abs(self._penalty(values[self.id]))
        return np.column_stack([found, ROUNDINGS * EPS * charge])

    def _spans(self, values: Mapping[str, Array]) -> Reals:
        members = values[self.id].shape[0]
        found = np.zeros((members, self.part.samples))
        for step in self.steps:
            spanned = span(self.part.setting, step, self.base, values)
            if spanned is not None:
                found = np.fmax(found, spanned)
        if self.penalty is None:
            return found
        return np.column_stack([found, np.zeros(members)])

    def crossed(self, value: Reals) -> list[Crossing]:
        """The kinks that lie between the point and ``value``, a penalty's apart."""
        there, setting = self._worked(value[None]), self.part.setting
        found = [
            each for s in self.steps for each in crossings(setting, s, self.part.values, there)
        ]
        if self._l1 and not found:
            signs = np.argwhere(np.sign(value) != np.sign(self.value)).tolist()
            found = [Crossing(self.id, (i + 1, j + 1), 0.0, self.value[i, j]) for i, j in signs]
        return found

    def several_in_a_sample(self, crossed: Iterable[Crossing]) -> bool:
        """Whether a sample stands at more than one of these kinks; a penalty's are of none."""
        samples = [
            each.index[self.part.setting.sample_axis]
            for each in crossed
            if each.id != self.id or self.id[0] not in "Wb"
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
