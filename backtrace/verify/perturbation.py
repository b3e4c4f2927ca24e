"""What becomes of the loss when single entries of one quantity of the forward part are moved."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backtrace.functions.array import Array
from backtrace.functions.losses import LOSSES
from backtrace.tape.arithmetic import FloatArithmetic
from backtrace.tape.run import Values, worked
from backtrace.verify.evaluations import Evaluations
from backtrace.verify.kinks import Crossing, crossings

Indices: TypeAlias = NDArray[np.intp]

STACK_BYTES = 1_000_000  # of all values of a stack of forward passes: they fit into a cache


class Perturbation:
    """One quantity moved, in stacks of forward passes that each move some of its entries.

    A column of what they give is a sample; with ``penalised`` the last one is the penalty.
    """

    def __init__(self, evaluations: Evaluations, id: str, *, penalised: bool = False) -> None:
        self.evaluations, self.id, self.terms = evaluations, id, evaluations.terms.id
        penalty = evaluations.penalty
        self.penalty = penalty if penalised and penalty and id in penalty.operands else None
        self.steps = evaluations.behind(id) + ([self.penalty] if self.penalty else [])
        none = np.zeros((1, 1), dtype=np.intp)
        self.base = {each: self._passes(none, none.astype(each)) for each in evaluations.start}

    def responses(self, places: Indices, offsets: Array) -> Array:
        """By row of ``places`` (in the flattened quantity) moved by ``offsets``: the changes."""
        values = self.evaluations.double
        entries = values[self.id].size + 2 * sum(values[s.operands[0]].size for s in self.steps)
        together = max(1, int(STACK_BYTES // (offsets.itemsize * entries)))
        parts = [slice(start, start + together) for start in range(0, len(places), together)]
        return np.concatenate([self._changes(places[each], offsets[each]) for each in parts])

    def _changes(self, places: Indices, offsets: Array) -> Array:
        base, moved = self.base[offsets.dtype.type], self._passes(places, offsets)
        with np.errstate(invalid="ignore", over="ignore", under="ignore"):
            changes = self.evaluations.shares(moved[self.terms] - base[self.terms])
            if self.penalty is None:
                return changes
            return np.column_stack([changes, moved[self.penalty.id] - base[self.penalty.id]])

    def _passes(self, places: Indices, offsets: Array) -> Values:
        """The values of a stack of passes."""
        values, numbers = (
            self.evaluations.start[offsets.dtype.type],
            FloatArithmetic(offsets.dtype.type),
        )
        stack = np.repeat(values[self.id][None], len(places), axis=0)
        flat = stack.reshape(len(places), -1)
        flat[np.arange(len(places))[:, None], places] += offsets
        return worked(self.steps, values | {self.id: stack}, self.evaluations.setting, numbers)

    @property
    def roundings(self) -> Array:
        """By column: what the rounding of a pass is a fraction of, however much its lines cancel.

        That of a narrow pass is how far it is from the wide one; an a may be subtracted from a 1.
        """
        parameters = next(step.parameters for step in self.steps if step.id == self.terms)
        of_a = "loss" in parameters and not LOSSES[parameters["loss"]].from_error
        wide, narrow = self.evaluations.widest, self.evaluations.narrower
        terms, near = (self.base[each][self.terms] for each in (wide, narrow))
        with np.errstate(invalid="ignore", over="ignore"):
            sizes = np.abs(terms) + np.abs(terms - near) / np.finfo(narrow).eps
            sizes += of_a and "stable_from" not in parameters
            found = self.evaluations.shares(sizes)[0]
        return np.append(found, np.abs(self.base[wide][self.penalty.id])) if self.penalty else found

    def crossings(self, place: int, offset: Array) -> tuple[Crossing, ...]:
        """The kinks between the point and where one entry is moved up and down by ``offset``."""
        found: dict[Crossing, None] = {}
        here = self.evaluations.start[offset.dtype.type]
        for sign in (-1, 1):
            there = self._passes(np.array([[place]]), np.reshape(sign * offset, (1, 1)))
            for step in self.steps:
                found |= dict.fromkeys(crossings(self.evaluations.setting, step, here, there))
        return tuple(found)
