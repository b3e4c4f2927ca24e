"""A sheet's lines on its numbers as they stand, worked in plain floats.

What a line gives there is among all that it may give on what the numbers stand for, and is worked
many times as fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from backtrace.check.mistakes.rewrites import Wrong
from backtrace.check.model import Figure, Verdict, WrittenQuantity
from backtrace.check.rules.evaluation import interval, number
from backtrace.check.rules.intervals import Floats, Interval, every, hull, point
from backtrace.check.sheets.exercise import ADAPTIVE, Exercise, Key, Work
from backtrace.check.sheets.replay import Override
from backtrace.tape.arithmetic import FloatArithmetic
from backtrace.tape.steps import Step

OF_MORE = ("given", "forward_again", *ADAPTIVE)  # what these give hangs on more than their operands
NARROW = 0.02  # of the largest number, that one is known closely


class Written(Protocol):
    """A sheet, as far as it is needed here."""

    exercise: Exercise
    work: Work

    @property
    def written(self) -> Mapping[Key, WrittenQuantity]: ...

    @property
    def intervals(self) -> Mapping[Key, Interval]: ...

    def carried(self, values: Floats) -> Floats: ...


class Worked:
    """What was worked from a sheet's numbers as they stand."""

    def __init__(self) -> None:
        self.found: dict[Key, Floats | None] = {}
        self.worked: dict[Key, Floats | None] = {}
        self.rough: dict[Key, Floats | None] = {}  # worked, also where it may be unbounded
        self.lines: dict[Key, list[Key]] = {}  # not known, that a quantity is worked from
        # Of numbers that follow from it, by whether their digits were cut off
        self.verdicts: dict[tuple[bool, Key], list[list[Verdict]] | None] = {}


class InFloats:
    """The numbers of a sheet, and what is worked from them; None where an entry is not there, or a
    line has no value there. What was ``worked`` so before is known."""

    def __init__(self, sheet: Written, worked: Worked) -> None:
        self.sheet = sheet
        self.exercise = sheet.exercise
        self.found, self.worked = worked.found, worked.worked
        self.rough, self.lines = worked.rough, worked.lines
        self.verdicts = worked.verdicts

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
                values = _values(written)
                self.found[place] = None if values is None else self.sheet.carried(values)
        return place in self.found

    def step(self, place: Key) -> Floats | None:
        """What the line of a quantity gives."""
        if place not in self.worked:
            self.worked[place] = self.line(place)
        return self.worked[place]

    def line(self, place: Key) -> Floats | None:
        exercise, step = self.exercise, self.exercise.steps[place]
        operands = [self.operand(source) for source in exercise.operands[place]]
        there = [each for each in operands if each is not None]
        if len(there) < len(operands):
            return None
        if step.operation == "given":
            return there[0]
        if step.operation == "forward_again":
            found = self.forward_again(place, dict(zip(step.operands, there, strict=True)))
        else:
            parameters = exercise.parameters[place]
            found = number(step.operation, exercise.setting, parameters, *there)
        return found if found is not None and every(np.isfinite(found)) else None

    def under(self, place: Key, over: Override) -> Floats | None:
        """What the line of a quantity gives with numbers or wrong steps in the place of others;
        None where that can't be told so plainly."""
        values: dict[Key, Floats] = {}
        steps: dict[Key, Step | Wrong] = {}
        for at, instead in over.items():
            if not isinstance(instead, Interval):
                steps[at] = instead
            elif (middle := _if_narrow(instead)) is not None:
                values[at] = middle
            else:
                return None
        self.sheet.work.spend(1)
        if len(over) > 1 and not all(self.is_on_the_way(*each, place) for each in steps.items()):
            return None
        for at in self.lines_before(place):
            if at not in steps and values.keys().isdisjoint(self.exercise.operands[at]):
                continue
            found = self.step_under(at, steps.get(at, self.exercise.steps[at]), values)
            if found is None:
                return None
            values.setdefault(at, found)
        return values.get(place)

    def is_on_the_way(self, at: Key, instead: Step | Wrong, place: Key) -> bool:
        """Whether a step in the place of a line has no operands but those that are known, or lie
        before a quantity in any case."""
        step = instead.step if isinstance(instead, Wrong) else instead
        operands = ((*at[:2], id) for id in step.operands)
        return all(
            self.is_on_the_page(each) or each in self.lines_before(place) for each in operands
        )

    def lines_before(self, place: Key) -> list[Key]:
        """The lines that are neither given nor written and that a quantity is worked from, in the
        order of work, itself last."""
        if place not in self.lines:
            self.lines[place] = self.exercise.lines_before(place, self.is_on_the_page)
        return self.lines[place]

    def is_on_the_page(self, place: Key) -> bool:
        """Whether a quantity is given or written."""
        written = self.sheet.written.get(place)
        return self.exercise.is_given(place) or (written is not None and bool(written.cells))

    def step_under(
        self, at: Key, instead: Step | Wrong, values: Mapping[Key, Floats]
    ) -> Floats | None:
        """What a step gives in the place of a line, on these ``values`` where there are any."""
        step = instead.step if isinstance(instead, Wrong) else instead
        is_own = instead is self.exercise.steps[at]
        if step.operation == "given" and is_own:  # by an update before
            (source,) = self.exercise.operands[at]
            return values[source] if source in values else self.at_hand(source)
        if self.exercise.steps[at].operation in OF_MORE:
            return None
        operands = ((*at[:2], id) for id in step.operands)
        given = [values[each] if each in values else self.at_hand(each) for each in operands]
        there = [each for each in given if each is not None]
        if len(there) < len(given):
            return None
        setting = self.exercise.setting
        if is_own:
            own = self.exercise.parameters[at]
            return _finite(number(step.operation, setting, own, *there))
        try:
            box = self.of_another(step, [*map(point, there)])
        except (ValueError, KeyError):  # operands whose shapes do not meet
            return None
        box = hull(instead.made_of(box) if isinstance(instead, Wrong) else box)
        return _finite((box.lo[0] + box.hi[0]) / 2)

    def of_another(self, step: Step, operands: list[Interval]) -> Interval:
        """What another step than the right one gives; of two mistakes one may only turn that."""
        remembered = self.exercise.remembered
        key = remembered.key(step, operands)
        known = remembered.get(key)
        if known is not None:
            return known
        parameters = FloatArithmetic(np.float64).parameters(step.parameters)
        found = interval(step.operation, self.exercise.setting, parameters, *operands)
        return remembered.keep(key, step, found)

    def at_hand(self, place: Key) -> Floats | None:
        """A quantity as a line takes it, also where one before it may be unbounded and is not."""
        if self.is_on_the_page(place):
            return self.operand(place)
        if place not in self.rough:
            for at in self.exercise.lines_before(place, self.is_at_hand):
                self.rough[at] = self.step_under(at, self.exercise.steps[at], {})
        return self.rough[place]

    def is_at_hand(self, place: Key) -> bool:
        return place in self.rough or self.is_on_the_page(place)

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


def _if_narrow(box: Interval) -> Floats | None:
    """The middle of what is known closely."""
    ends = hull(box)
    middle: Floats = (ends.lo[0] + ends.hi[0]) / 2
    width = float((ends.hi - ends.lo).max(initial=0.0))
    return middle if width <= NARROW * float(np.abs(middle).max(initial=0.0)) else None


def _finite(x: Floats) -> Floats | None:
    return x if every(np.isfinite(x)) else None


def _values(written: WrittenQuantity) -> Floats | None:
    """The numbers of a quantity; None where an entry is left out, or is none."""
    rows = [[cell.value for cell in line if isinstance(cell, Figure)] for line in written.cells]
    if any(len(row) < len(line) for row, line in zip(rows, written.cells, strict=True)):
        return None
    return np.array(rows)
