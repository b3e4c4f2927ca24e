"""How the loss answers when entries of one quantity move: one at a time, or one in every sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.verify.forward_stacks import Close, ForwardStacks, Marks, Reals

Indices: TypeAlias = NDArray[np.intp]


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

    stacks: ForwardStacks
    size: Reals  # by entry: the sum of the absolute addends of the loss that it can change
    mark: Marks  # by entry: of the point itself

    def read(self, entries: Indices, steps: Reals) -> Reading:
        """The reading of these entries, each moved by its step."""

    def together(self, entries: Indices) -> Iterator[Indices]:
        """The entries in such numbers as ``apart`` takes well."""

    def closely(self, entries: Indices, steps: Reals) -> Close:
        """As ``apart``, with what rounding may have done and how far the passes have moved."""

    def marks_of(self, entries: Indices) -> Marks:
        """The marks of the point itself, entries × the samples they reach."""

    def apart(self, entries: Indices, steps: Reals) -> tuple[Reals, Marks]:
        """Entries moved by ``steps`` (rungs × entries), the samples they reach apart.

        The changes and marks are rungs × entries × samples.
        """

    def moved(self, entry: int, step: float) -> Reals:
        """The quantity with one entry moved."""


class OneByOne:
    """The response to entries that move one at a time, whatever they reach."""

    def __init__(self, stacks: ForwardStacks, frame: Indices) -> None:
        """``frame`` holds the places (in the flattened quantity) of the entries to be moved."""
        self.stacks, self.frame = stacks, frame
        total = float(stacks.sizes.sum())
        self.size = np.full(len(frame), total)
        random = np.random.default_rng(1)
        self._weights = random.integers(1, 2**62, size=len(stacks.marks))
        self.mark = np.full(len(frame), self._joined(stacks.marks[None])[0])

    def read(self, entries: Indices, steps: Reals) -> Reading:
        parts = [self._read(*each) for each in _chunks(entries, steps, self.stacks.members)]
        return Reading(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def together(self, entries: Indices) -> Iterator[Indices]:
        return iter(entries[:, None])

    def apart(self, entries: Indices, steps: Reals) -> tuple[Reals, Marks]:
        repeated = np.broadcast_to(entries, steps.shape).ravel()
        parts = [
            self.stacks.changes(self._stack(*each))
            for each in _chunks(repeated, steps.ravel(), self.stacks.members)
        ]
        changes, marks = (np.concatenate(each) for each in zip(*parts, strict=True))
        shape = (*steps.shape, changes.shape[1])
        return changes.reshape(shape), marks.reshape(shape)

    def closely(self, entries: Indices, steps: Reals) -> Close:
        repeated = np.broadcast_to(entries, steps.shape).ravel()
        chunks = _chunks(repeated, steps.ravel(), self.stacks.members)
        parts = [self.stacks.closely(self._stack(*each)) for each in chunks]
        return _gathered(parts, lambda x: np.concatenate(x).reshape(*steps.shape, -1))

    def marks_of(self, entries: Indices) -> Marks:
        return np.tile(self.stacks.marks, (len(entries), 1))

    def moved(self, entry: int, step: float) -> Reals:
        """The quantity with one entry moved."""
        return np.asarray(self._stack(np.array([entry]), np.array([step]))[0])

    def _read(self, entries: Indices, steps: Reals) -> tuple[Reals, Reals, Marks]:
        changes, marks = self.stacks.changes(self._stack(entries, steps))
        return changes.sum(axis=1), np.abs(changes).sum(axis=1), self._joined(marks)

    def _stack(self, entries: Indices, steps: Reals) -> Reals:
        stack = np.repeat(self.stacks.value[None], len(entries), axis=0)
        flat = stack.reshape(len(entries), -1)
        flat[np.arange(len(entries)), self.frame[entries]] += steps
        return stack

    def _joined(self, marks: Marks) -> Marks:
        return np.asarray(np.einsum("ks,s->k", marks, self._weights))


class BySample:
    """The response to entries of a z or an a: one unit moves, in all samples at once.

    What one sample holds must not reach another; ``samples_are_apart`` says whether it does.
    """

    def __init__(self, stacks: ForwardStacks, frame: Indices) -> None:
        """``frame`` is units × samples: the places of the entries in the flattened quantity."""
        self.stacks, self.frame = stacks, frame
        units, samples = frame.shape
        self.samples = samples
        self.size = np.tile(stacks.sizes, units)
        self.mark = np.tile(stacks.marks, units)

    def read(self, entries: Indices, steps: Reals) -> Reading:
        all_steps = np.zeros(self.frame.shape)
        all_steps.flat[entries] = steps
        moved = np.flatnonzero(all_steps.any(axis=1))
        changes = np.zeros(self.frame.shape)
        marks = np.zeros(self.frame.shape, dtype=np.int64)
        for units, amounts in _chunks(moved, all_steps[moved], self.stacks.members):
            changes[units], marks[units] = self.stacks.changes(self._stack(units, amounts))
        change = changes.ravel()[entries]
        return Reading(change, np.abs(change), marks.ravel()[entries])

    def together(self, entries: Indices) -> Iterator[Indices]:
        if entries.size:
            yield entries

    def apart(self, entries: Indices, steps: Reals) -> tuple[Reals, Marks]:
        rungs = [self.read(entries, step) for step in steps]
        changes = np.stack([each.change for each in rungs])
        return changes[..., None], np.stack([each.mark for each in rungs])[..., None]

    def closely(self, entries: Indices, steps: Reals) -> Close:
        units, samples = np.divmod(entries, self.samples)
        moved, rows = np.unique(units, return_inverse=True)
        parts = []
        for step in steps:
            amounts = np.zeros((len(moved), self.samples))
            amounts[rows, samples] = step
            chunks = _chunks(moved, amounts, self.stacks.members)
            looks = [self.stacks.closely(self._stack(*each)) for each in chunks]
            parts.append(_gathered(looks, lambda x: np.concatenate(x)[rows, samples]))
        return _gathered(parts, lambda x: np.stack(x)[..., None])

    def marks_of(self, entries: Indices) -> Marks:
        return np.asarray(self.mark[entries][:, None])

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
        stack = self.stacks.value[None].copy()
        stack.reshape(-1)[self.frame.ravel()] += amounts.ravel()
        changes, marks = self.stacks.changes(stack)
        still = slice(0, None, 2)
        told = np.isfinite(self.stacks.sizes[still])  # the loss of a sample may be no number
        unmoved = (changes[0, still] == 0) & (marks[0, still] == self.stacks.marks[still])
        return bool(unmoved[told].all())

    def _stack(self, units: Indices, amounts: Reals) -> Reals:
        stack = np.repeat(self.stacks.value[None], len(units), axis=0)
        flat = stack.reshape(len(units), -1)
        flat[np.arange(len(units))[:, None], self.frame[units]] += amounts
        return stack


def _gathered(parts: Sequence[Close], join: Callable[[list[Any]], Any]) -> Close:
    """What several looks have found, each column of it put together by ``join``."""
    each = [msgspec.structs.astuple(part) for part in parts]
    return Close(*(join(list(column)) for column in zip(*each, strict=True)))


def _chunks(first: Any, second: Any, size: int) -> Iterator[tuple[Any, Any]]:
    for start in range(0, len(first), size):
        yield first[start : start + size], second[start : start + size]
