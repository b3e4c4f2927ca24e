"""A sheet's lines on its numbers as they stand, worked in plain floats.

What a line gives there is among all that it may give on what the numbers stand for, and is worked
many times as fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from backtrace.check.judge.exercise import Exercise, Key
from backtrace.check.model import Figure, WrittenQuantity
from backtrace.check.rules.evaluation import number
from backtrace.check.rules.intervals import Floats, Interval


class Written(Protocol):
    """A sheet, as far as it is needed here."""

    exercise: Exercise

    @property
    def written(self) -> Mapping[Key, WrittenQuantity]: ...

    @property
    def intervals(self) -> Mapping[Key, Interval]: ...


class InFloats:
    """The numbers of a sheet, and what is worked from them; None where an entry is not there, or a
    line may be unbounded."""

    def __init__(self, sheet: Written) -> None:
        self.sheet = sheet
        self.exercise = sheet.exercise
        self.found: dict[Key, Floats | None] = {}
        self.worked: dict[Key, Floats | None] = {}

    def operand(self, place: Key) -> Floats | None:
        """A quantity as a line takes it: given, written, or worked out."""
        if not self.is_known(place):
            for at in self.exercise.lines_before(place, self.is_known):
                self.found[at] = self.step(at)
        return self.found[place]

    def is_known(self, place: Key) -> bool:
        """Whether nothing before a quantity matters to it."""
        if place not in self.found:
            written = self.sheet.written.get(place)
            if self.exercise.is_given(place):
                box = self.sheet.intervals.get(place) or self.exercise.exact(place)
                self.found[place] = box.lo[0]
            elif written is not None and written.cells:
                self.found[place] = _values(written)
        return place in self.found

    def step(self, place: Key) -> Floats | None:
        """What the line of a quantity gives."""
        if place not in self.worked:
            self.worked[place] = self.line(place)
        return self.worked[place]

    def line(self, place: Key) -> Floats | None:
        exercise, step = self.exercise, self.exercise.steps[place]
        if place in exercise.may_be_unbounded:
            return None
        operands = [self.operand(source) for source in exercise.operands[place]]
        there = [each for each in operands if each is not None]
        if len(there) < len(operands):
            return None
        if step.operation == "given":
            return there[0]
        if step.operation == "forward_again":
            return self.forward_again(place, dict(zip(step.operands, there, strict=True)))
        return number(step.operation, exercise.setting, exercise.parameters[place], *there)

    def forward_again(self, place: Key, new: dict[str, Floats]) -> Floats | None:
        """The forward part once more on the ``new`` parameters, none of its lines written."""
        exercise, (epoch, batch, _) = self.exercise, place
        steps = exercise.contexts[epoch, batch].steps
        values: dict[str, Floats | None] = {steps[each].of: x for each, x in new.items()}
        for step in steps.values():
            if step.phase not in ("forward", "loss"):
                continue
            for operand in step.operands:
                if operand not in values:
                    values[operand] = self.operand((epoch, batch, operand))
            given = [values[operand] for operand in step.operands]
            there = [each for each in given if each is not None]
            if len(there) < len(given):
                return None
            parameters = exercise.parameters[epoch, batch, step.id]
            found = number(step.operation, exercise.setting, parameters, *there)
            if step.role == "loss" or step.id == exercise.steps[place].of:
                return found
            values[step.id] = found
        raise AssertionError("an update without a loss has no loss after it")


def _values(written: WrittenQuantity) -> Floats | None:
    """The numbers of a quantity; None where an entry is left out, or is none."""
    rows = [[cell.value for cell in line if isinstance(cell, Figure)] for line in written.cells]
    if any(len(row) < len(line) for row, line in zip(rows, written.cells, strict=True)):
        return None
    return np.array(rows)
