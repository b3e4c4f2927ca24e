"""One entry of a matrix read as another number: what follows from it, and which number it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.diagnosis.wrong_quantity import WrongQuantity
from backtrace.check.rules.evaluation import dependent
from backtrace.check.rules.intervals import Floats, Interval, hull, point
from backtrace.check.sheets.exercise import Key
from backtrace.check.sheets.replay import StandIns

MOST_REMEMBERED = 5_000  # readings of an exercise, and what they reach
MOST_TRIED = 8  # numbers, to find the one that an entry must have been read as


class Bounds(msgspec.Struct, frozen=True):
    """Where a number must lie; ``alone`` where no other solution is to be expected."""

    low: float
    high: float
    alone: bool = False

    @property
    def is_finite(self) -> bool:
        return bool(np.isfinite(self.high - self.low))

    def hold(self, text: str) -> bool:
        return self.low <= float(text) <= self.high


class Reading:
    """One entry of a matrix read as another number: everywhere, or in the line ``once`` alone."""

    def __init__(
        self, on: WrongQuantity, source: Key, row: int, column: int, once: Key | None = None
    ) -> None:
        self.on = on
        self.source = source
        self.row = row
        self.column = column
        self.once = once

    def of(self, low: float, high: float) -> StandIns:
        """What stands in the place of others if the entry lies between these."""
        instead = self.with_entry(low, high)
        if self.once is None:
            return {self.source: instead}
        exercise, plain = self.on.exercise, self.on.sheet.replay(self.on.unit)
        operands = [
            instead if source == self.source else plain.operand(source)
            for source in exercise.operands[self.once]
        ]
        parameters = exercise.parameters[self.once]
        return {self.once: plain.evaluated(exercise.steps[self.once], parameters, operands)}

    def in_floats(self, x: float) -> Floats | None:
        """What was wrong if the entry is ``x``, and all other numbers are as they stand."""
        sheet = self.on.sheet
        own = sheet.in_floats.operand(self.source)
        if own is None:
            return None
        matrix = own.copy()
        matrix[self.row, self.column] = x
        if self.once is None:
            return sheet.in_floats.under(self.on.place, {self.source: point(matrix)})
        step = self.on.exercise.steps[self.once]
        line = sheet.in_floats.step_under(self.once, step, {self.source: matrix})
        return (
            None if line is None else sheet.in_floats.under(self.on.place, {self.once: point(line)})
        )

    def with_entry(self, low: float, high: float) -> Interval:
        """The matrix with another number; one of the student's own has its digits' width."""
        own = self.on.sheet.intervals.get(self.source)
        box = self.on.exercise.exact(self.source) if own is None else hull(own)
        lo, hi, i, j = box.lo[0].copy(), box.hi[0].copy(), self.row, self.column
        half = 0.0 if own is None else (hi[i, j] - lo[i, j]) / 2
        lo[i, j], hi[i, j] = low - half, high + half
        return Interval(lo[None], hi[None]) if (lo != hi).any() else point(lo)

    @cached_property
    def reached(self) -> NDArray[np.bool_]:
        """Which entries of the wrong quantity rest on this one at all: the same for all students
        who left out the same lines."""
        known = self.on.exercise.reached
        how = (self.source, self.row, self.column, self.once, *self.on.in_order)
        if how not in known:
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            known[how] = self.marked()
        return known[how]

    @property
    def reaches_all(self) -> bool:
        """Whether all rests on it that the right rule does not give."""
        return bool(self.reached[self.on.off].all())

    def marked(self) -> NDArray[np.bool_]:
        exercise = self.on.exercise
        marks: dict[Key, NDArray[np.bool_]] = {}
        read = np.zeros(exercise.values[self.source].shape, dtype=bool)
        read[self.row, self.column] = True
        for place in self.on.in_order:
            operands = exercise.operands[place]
            known = marks if self.once not in (None, place) else {**marks, self.source: read}
            if known.keys().isdisjoint(operands):
                continue
            step = exercise.steps[place]
            if step.operation in ("given", "forward_again"):
                return np.ones(exercise.values[self.on.place].shape, dtype=bool)
            found = [
                known.get(source, np.zeros(exercise.values[source].shape, dtype=bool))
                for source in operands
            ]
            parameters = exercise.parameters[place]
            marks[place] = dependent(step.operation, exercise.setting, parameters, *found)
        none = np.zeros(exercise.values[self.on.place].shape, dtype=bool)
        return marks.get(self.on.place, none)


class Root(NamedTuple):
    """Where a function has a value; ``alone`` where no other place is to be expected, and no slope
    where none was found."""

    x: float
    slope: float
    alone: bool

    @property
    def is_found(self) -> bool:
        return bool(np.isfinite(self.slope))


def root_of(
    function: Callable[[float], float], start: float, target: float, near: float
) -> Root | None:
    """Where a function comes ``near`` its target, by secants; None where it does not move."""
    x0, y0 = start, function(start)
    x1 = start + max(0.125, abs(start) / 64)
    y1 = function(x1)
    if y0 == y1 and function(-start - 1.0) == y0 == function(start + 1.0):
        return None
    for tried in range(MOST_TRIED):
        slope = (y1 - y0) / (x1 - x0) if x1 != x0 else 0.0
        if slope == 0 or not np.isfinite(slope):
            break
        x0, y0, x1 = x1, y1, x1 + (target - y1) / slope
        y1 = function(x1)
        if abs(y1 - target) < near:
            return Root(x1, slope, alone=tried == 0)
    return Root(start, np.nan, alone=False)
