"""The forward part of a tape, and what becomes of the loss when one quantity of it is moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.functions.array import Array
from backtrace.tape.arithmetic import Floats
from backtrace.tape.operations import Setting
from backtrace.tape.run import Values, evaluate, worked
from backtrace.tape.steps import Step
from backtrace.verify.cost import multiplications
from backtrace.verify.kinks import Crossing, crossings

Indices: TypeAlias = NDArray[np.intp]
Precision: TypeAlias = type[np.floating[Any]]

BY_ENTRY = 16  # multiplications that one entry of an elementwise step costs, about
STACK_BYTES = 1_000_000  # of all values of a stack of forward passes: they fit into a cache


class Forward:
    """The steps of one update from the inputs to the addends of the loss, and their values.

    ``wide`` are those in the widest precision, ``narrow`` the same in a narrower one: how far the
    two are apart tells what rounding does. With an upstream gradient G in place of a loss the
    addends are G ⊙ a.
    """

    def __init__(
        self, steps: Sequence[Step], wide: Values, narrow: Values, setting: Setting
    ) -> None:
        self.setting, self.wide, self.narrow = setting, wide, narrow
        self.precision: Precision = wide[steps[0].id].dtype.type
        self.values = {each: _in(each, wide) for each in (np.float64, self.precision)}
        forward = [step for step in steps if step.phase in ("forward", "loss")]
        self.penalty = next((step for step in forward if step.operation == "penalty"), None)
        self.output = [step.id for step in forward if step.operation == "activate"][-1]
        terms = [step for step in forward if step.operation == "loss_terms"]
        self.terms = terms[0] if terms else self._given_gradient(steps)
        totals = [step for step in forward if step.operation == "total"]
        self.total = totals[0] if totals else Step("data_loss", "total", (self.terms.id,))
        self.steps = [step for step in forward if step.id != self.terms.id] + [self.terms]

    def _given_gradient(self, steps: Sequence[Step]) -> Step:
        upstream = next(step.id for step in steps if step.of == self.output)
        return Step("loss_terms", "hadamard", (upstream, self.output), phase="loss")

    @property
    def samples(self) -> int:
        return int(self.setting.rows(self.wide[self.output]).shape[0])

    def behind(self, id: str) -> list[Step]:
        """The steps to be worked again when ``id`` moves, the addends of the loss last."""
        moved, found = {id}, []
        for step in self.steps:
            kept = _by_its_operands(step) if id == self.output else step
            if step.id != id and moved & set(_operands(kept)):
                moved.add(step.id)
                found.append(kept)
        return _leading_to(self.terms.id, found)

    def effort(self, id: str) -> int:
        """About how many multiplications the pass takes that answers to a move of ``id``."""
        steps = self.behind(id)
        shapes = {id: np.shape(value) for id, value in self.wide.items()}
        products = sum(multiplications(step, shapes, self.setting) for step in steps)
        entries = sum(int(np.prod(step.shape)) for step in steps) + self.wide[id].size
        return int(products + BY_ENTRY * entries)

    def shares(self, terms: Array, precision: Precision) -> Array:
        """Each sample's share of the loss, for a stack of addends."""
        alone = {self.total.operands[0]: self.setting.rows(terms)[..., None, :]}
        return evaluate(self.setting, Floats(precision), self.total, alone)


class Perturbation:
    """One quantity moved, in stacks of forward passes that each move some of its entries.

    A column of what they give is a sample; with ``penalised`` the last one is the penalty.
    """

    def __init__(self, forward: Forward, id: str, *, penalised: bool = False) -> None:
        self.forward, self.id = forward, id
        self.steps = forward.behind(id)
        charged = penalised and forward.penalty is not None and id in forward.penalty.operands
        self.penalty = forward.penalty if charged else None
        self.base = {precision: self._unmoved(precision) for precision in forward.values}

    def responses(self, places: Indices, offsets: Array) -> Array:
        """By row of ``places`` (in the flattened quantity) moved by ``offsets``: the changes."""
        entries = 2 * sum(int(np.prod(step.shape)) for step in self.steps)
        entries += self.forward.wide[self.id].size
        together = max(1, STACK_BYTES // (offsets.itemsize * entries))
        starts = range(0, len(places), together)
        parts = [slice(start, start + together) for start in starts]
        return np.concatenate([self._changes(places[each], offsets[each]) for each in parts])

    def _changes(self, places: Indices, offsets: Array) -> Array:
        precision = offsets.dtype.type
        base, moved = self.base[precision], self.passes(places, offsets)
        forward, terms = self.forward, self.forward.terms.id
        with np.errstate(invalid="ignore", over="ignore", under="ignore"):
            found = forward.shares(moved[terms] - base[terms], precision)
            if self.penalty is None:
                return found
            charges = (self._charge(values, precision) for values in (moved, base))
            return np.column_stack([found, np.subtract(*charges)])

    def _unmoved(self, precision: Precision) -> Values:
        """A pass in which nothing is moved, worked as the others are."""
        return self.passes(np.zeros((1, 1), dtype=np.intp), np.zeros((1, 1), dtype=precision))

    def passes(self, places: Indices, offsets: Array) -> Values:
        """The values of a stack of passes."""
        precision = offsets.dtype.type
        values = self.forward.values[precision]
        stack = np.repeat(values[self.id][None], len(places), axis=0)
        flat = stack.reshape(len(places), -1)
        flat[np.arange(len(places))[:, None], places] += offsets
        return worked(
            self.steps, values | {self.id: stack}, self.forward.setting, Floats(precision)
        )

    def _charge(self, values: Mapping[str, Array], precision: Precision) -> Array:
        assert self.penalty is not None
        return evaluate(self.forward.setting, Floats(precision), self.penalty, values)

    @property
    def roundings(self) -> Array:
        """By column: what the rounding of a pass is a fraction of, however much is cancelled.

        That of a narrow pass is how far it is from the wide one.
        """
        forward, precision = self.forward, self.forward.precision
        wide, narrow = (
            worked(self.steps, values, forward.setting, Floats(values[self.id].dtype.type))
            for values in (forward.wide, forward.narrow)
        )
        unit = np.finfo(narrow[self.id].dtype).eps
        terms = wide[forward.terms.id]
        with np.errstate(invalid="ignore", over="ignore"):
            sizes = np.abs(terms) + np.abs(terms - narrow[forward.terms.id]) / unit
            found = forward.shares(sizes[None], precision)[0]
        if self.penalty is None:
            return found
        return np.append(found, np.abs(self._charge(wide, precision)))

    def crossings(self, place: int, offset: Array) -> tuple[Crossing, ...]:
        """The kinks between the point and where one entry is moved up and down by ``offset``."""
        found: dict[Crossing, None] = {}
        here = self.forward.values[offset.dtype.type]
        for sign in (-1, 1):
            there = self.passes(np.array([[place]]), np.reshape(sign * offset, (1, 1)))
            for step in self.steps:
                found |= dict.fromkeys(crossings(self.forward.setting, step, here, there))
            found |= dict.fromkeys(self._zeros(here[self.id], there[self.id][0]))
        return tuple(found)

    def _zeros(self, here: Array, there: Array) -> Iterator[Crossing]:
        """The weights that cross a 0, where their sizes are penalised."""
        if self.penalty is not None and float(self.penalty.parameters["l1"]):
            for i, j in np.argwhere(np.sign(here) != np.sign(there)).tolist():
                yield Crossing(self.id, (i + 1, j + 1), 0.0, float(here[i, j]))


def _in(precision: Precision, values: Values) -> Values:
    with np.errstate(over="ignore", under="ignore"):
        return {id: np.asarray(value, dtype=precision) for id, value in values.items()}


def _operands(step: Step) -> tuple[str, ...]:
    """The ids that a step reads: the addends of a loss that are worked from z don't look at a."""
    stable = step.parameters.get("stable_from")
    return step.operands if stable is None else (*step.operands[1:], stable)


def _by_its_operands(step: Step) -> Step:
    """The addends of the loss from a, where they are worked from z for the digits' sake."""
    if "stable_from" not in step.parameters:
        return step
    left_out = ("stable_from", "activation")
    parameters = {k: v for k, v in step.parameters.items() if k not in left_out}
    return msgspec.structs.replace(step, parameters=parameters)


def _leading_to(id: str, steps: list[Step]) -> list[Step]:
    needed, found = {id}, []
    for step in reversed(steps):
        if step.id in needed:
            needed.update(_operands(step))
            found.append(step)
    return found[::-1]
