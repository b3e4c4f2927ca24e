"""How the loss answers when entries of one quantity move: the forward part of a tape, in stacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.functions.activations import Array
from backtrace.tape.arithmetic import Floats
from backtrace.tape.operations import Setting
from backtrace.tape.run import evaluate
from backtrace.tape.steps import Step
from backtrace.tape.verification.cost import multiplications
from backtrace.tape.verification.kinks import Sides, sides

Reals: TypeAlias = NDArray[np.float64]
Marks: TypeAlias = NDArray[np.int64]
Indices: TypeAlias = NDArray[np.intp]

STACK_BYTES = 32_000_000  # of all values of a stack of forward passes
BY_ENTRY = 16  # multiplications that one entry of an elementwise step costs, about


class Reading(msgspec.Struct, frozen=True, eq=False):
    """What moving entries did, an entry each.

    ``change`` is that of the loss, ``gross`` the sum of what single samples changed by, without
    their signs; ``mark`` is another number wherever a kink lies between.
    """

    change: Reals
    gross: Reals
    mark: Marks


class Response(Protocol):
    """The loss as a function of the entries of one quantity, each moved by itself."""

    passes: Passes
    size: Reals  # by entry: the sum of the absolute addends of the loss that it can change
    mark: Marks  # by entry: of the point itself

    def read(self, entries: Indices, steps: Reals) -> Reading:
        """The reading of these entries, each moved by its step."""

    def together(self, entries: Indices) -> Iterator[Indices]:
        """The entries in such numbers as ``apart`` takes well."""

    def apart(self, entries: Indices, steps: Reals) -> tuple[Reals, Marks]:
        """Entries moved by ``steps`` (rungs × entries), the samples they reach apart.

        The changes and marks are rungs × entries × samples.
        """

    def moved(self, entry: int, step: float) -> Reals:
        """The quantity with one entry moved."""


class Crossing(msgspec.Struct, frozen=True):
    """A kink that lies within reach: of the quantity ``id`` at ``index`` (from 1)."""

    id: str
    index: tuple[int, int]


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


class Passes:
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
        worked = self._worked(stack)
        with np.errstate(invalid="ignore", over="ignore"):
            found = self._by_sample(self._addends(worked) - self.terms)
            if self.penalty is not None:
                found = np.column_stack([found, self._penalty(stack) - self.charge])
        return found, self._marks(worked)

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
        for step in self.steps:
            values[step.id] = self.part.work(step, values)
        return values

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


class OneByOne:
    """The response to entries that move one at a time, whatever they reach."""

    def __init__(self, passes: Passes, frame: Indices) -> None:
        """``frame`` holds the places (in the flattened quantity) of the entries to be moved."""
        self.passes, self.frame = passes, frame
        total = float(passes.sizes.sum())
        self.size = np.full(len(frame), total)
        random = np.random.default_rng(1)
        self._weights = random.integers(1, 2**62, size=len(passes.marks))
        self.mark = np.full(len(frame), self._joined(passes.marks[None])[0])

    def read(self, entries: Indices, steps: Reals) -> Reading:
        parts = [self._read(*each) for each in _chunks(entries, steps, self.passes.members)]
        return Reading(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def together(self, entries: Indices) -> Iterator[Indices]:
        return iter(entries[:, None])

    def apart(self, entries: Indices, steps: Reals) -> tuple[Reals, Marks]:
        repeated = np.broadcast_to(entries, steps.shape).ravel()
        parts = [
            self.passes.changes(self._stack(*each))
            for each in _chunks(repeated, steps.ravel(), self.passes.members)
        ]
        changes, marks = (np.concatenate(each) for each in zip(*parts, strict=True))
        shape = (*steps.shape, changes.shape[1])
        return changes.reshape(shape), marks.reshape(shape)

    def moved(self, entry: int, step: float) -> Reals:
        """The quantity with one entry moved."""
        return np.asarray(self._stack(np.array([entry]), np.array([step]))[0])

    def _read(self, entries: Indices, steps: Reals) -> tuple[Reals, Reals, Marks]:
        changes, marks = self.passes.changes(self._stack(entries, steps))
        return changes.sum(axis=1), np.abs(changes).sum(axis=1), self._joined(marks)

    def _stack(self, entries: Indices, steps: Reals) -> Reals:
        stack = np.repeat(self.passes.value[None], len(entries), axis=0)
        flat = stack.reshape(len(entries), -1)
        flat[np.arange(len(entries)), self.frame[entries]] += steps
        return stack

    def _joined(self, marks: Marks) -> Marks:
        return np.asarray(np.einsum("ks,s->k", marks, self._weights))


class BySample:
    """The response to entries of a z or an a: one unit moves, in all samples at once.

    What one sample holds must not reach another; ``samples_are_apart`` says whether it does.
    """

    def __init__(self, passes: Passes, frame: Indices) -> None:
        """``frame`` is units × samples: the places of the entries in the flattened quantity."""
        self.passes, self.frame = passes, frame
        units, samples = frame.shape
        self.samples = samples
        self.size = np.tile(passes.sizes, units)
        self.mark = np.tile(passes.marks, units)

    def read(self, entries: Indices, steps: Reals) -> Reading:
        all_steps = np.zeros(self.frame.shape)
        all_steps.flat[entries] = steps
        moved = np.flatnonzero(all_steps.any(axis=1))
        changes = np.zeros(self.frame.shape)
        marks = np.zeros(self.frame.shape, dtype=np.int64)
        for units, amounts in _chunks(moved, all_steps[moved], self.passes.members):
            changes[units], marks[units] = self.passes.changes(self._stack(units, amounts))
        change = changes.ravel()[entries]
        return Reading(change, np.abs(change), marks.ravel()[entries])

    def together(self, entries: Indices) -> Iterator[Indices]:
        if entries.size:
            yield entries

    def apart(self, entries: Indices, steps: Reals) -> tuple[Reals, Marks]:
        rungs = [self.read(entries, step) for step in steps]
        changes = np.stack([each.change for each in rungs])
        return changes[..., None], np.stack([each.mark for each in rungs])[..., None]

    def moved(self, entry: int, step: float) -> Reals:
        """The quantity with one entry moved."""
        unit, sample = divmod(entry, self.samples)
        amounts = np.zeros((1, self.samples))
        amounts[0, sample] = step
        return np.asarray(self._stack(np.array([unit]), amounts)[0])

    def samples_are_apart(self, steps: Reals) -> bool:
        """Whether moving every other sample leaves the rest as they are; ``steps`` by entry."""
        amounts = steps.reshape(self.frame.shape).copy()
        amounts[:, ::2] = 0
        stack = self.passes.value[None].copy()
        stack.reshape(-1)[self.frame.ravel()] += amounts.ravel()
        changes, marks = self.passes.changes(stack)
        still = slice(0, None, 2)
        told = np.isfinite(self.passes.sizes[still])  # the loss of a sample may be no number
        unmoved = (changes[0, still] == 0) & (marks[0, still] == self.passes.marks[still])
        return bool(unmoved[told].all())

    def _stack(self, units: Indices, amounts: Reals) -> Reals:
        stack = np.repeat(self.passes.value[None], len(units), axis=0)
        flat = stack.reshape(len(units), -1)
        flat[np.arange(len(units))[:, None], self.frame[units]] += amounts
        return stack


def _chunks(first: Any, second: Any, size: int) -> Iterator[tuple[Any, Any]]:
    for start in range(0, len(first), size):
        yield first[start : start + size], second[start : start + size]
