"""One student's sheet: what each step is worked from, and what rests on what.

An operand that was written is taken as written; one that was not is worked from what was, and
widened by what rounding it may have cost. What an earlier explanation says stands in an operand's
place is a ``Hypothesis``; several are kept in mind where explanations tie.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.judge.exercise import Exercise, Key, key
from backtrace.check.mistakes.rewrites import Wrong
from backtrace.check.model import Answers, Figure, Judged, WrittenQuantity
from backtrace.check.rules.evaluation import dependent, interval
from backtrace.check.rules.intervals import Floats, Interval, widened
from backtrace.functions.activations import ACTIVATIONS
from backtrace.tape.arithmetic import Floats as FloatArithmetic
from backtrace.tape.steps import Step

Doubt: TypeAlias = NDArray[np.bool_]
StandIns: TypeAlias = dict[Key, Step | Wrong | Interval]
Override: TypeAlias = Mapping[Key, Step | Wrong | Interval]
NOTHING: Override = {}
MOST_HYPOTHESES = 12  # ways the sheet may have come about that are kept in mind
MOST_PAIRS = 1000  # pairs of mistakes that are tried for one sheet, over all its wrong steps
SLACK = 1e-12  # relative float noise that a comparison forgives


class WrittenNumbers(msgspec.Struct, frozen=True, eq=False):
    """What was written for one quantity: values, half units, and which entries are there."""

    values: Floats
    half: Floats
    there: Doubt
    digits: NDArray[np.int64]
    decimals: NDArray[np.int64]
    unit: float  # half a unit of the quantity's last decimal
    low: Floats  # the numbers that the written ones may stand for lie between these
    high: Floats

    @classmethod
    def of(
        cls, written: WrittenQuantity, shape: tuple[int, int], unit: float, truncated: bool
    ) -> WrittenNumbers:
        """``truncated``: the digits may have been cut off rather than rounded."""
        values, half = np.zeros(shape), np.zeros(shape)
        there = np.zeros(shape, dtype=bool)
        digits, decimals = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for i, line in enumerate(written.cells):
            for j, cell in enumerate(line):
                if isinstance(cell, Figure):
                    values[i, j], half[i, j], there[i, j] = cell.value, cell.half_unit, True
                    digits[i, j], decimals[i, j] = cell.digits, cell.decimals
        low, high = _stands_for(values, half, truncated)
        return cls(values, half, there, digits, decimals, unit, low, high)

    def meets(self, box: Interval) -> Doubt:
        """Which written entries overlap the box (left-out ones count as doing so)."""
        slack = SLACK * (1.0 + np.abs(self.values))
        overlap = (box.lo - slack <= self.high) & (self.low <= box.hi + slack)
        return np.asarray(overlap.any(axis=0) | ~self.there)


def _stands_for(values: Floats, half: Floats, truncated: bool) -> tuple[Floats, Floats]:
    """Half a unit each way, or a whole one away from zero where digits are cut off."""
    noise = np.abs(values) * 4 * 2.0**-52
    low, high = values - half - noise, values + half + noise
    if truncated:
        high = np.where(values >= 0, np.maximum(high, values + 2 * half), high)
        low = np.where(values <= 0, np.minimum(low, values - 2 * half), low)
    return low, high


def last_units(written: Mapping[Key, WrittenQuantity]) -> dict[Key, float]:
    """Half a unit of the last decimal that was kept in each quantity.

    Whole numbers alone (``0``, ``[2, -1]``) do not show how many decimals the lines before them
    were worked with: then it is what the sheet's coarsest decimals say. Fractions are exact: who
    writes 17/4 has rounded nothing on the way there.
    """
    finest: dict[Key, float] = {}
    for place, each in written.items():
        halves = [
            cell.half_unit
            for line in each.cells
            for cell in line
            if isinstance(cell, Figure) and cell.half_unit
        ]
        finest[place] = min(halves, default=0.0)
    usual = max((half for half in finest.values() if 0 < half < 0.5), default=0.5)
    return {place: half if half < 0.5 else usual for place, half in finest.items()}


class Hypothesis(msgspec.Struct, frozen=True, eq=False):
    """One way the sheet may have come about: what earlier explanations put in the place of given
    or unwritten quantities, and the first quantity that was explained so."""

    stand_ins: Override
    origin: Key


class Sheet:
    """One student's answers in the course of being judged."""

    def __init__(self, exercise: Exercise, answers: Answers) -> None:
        self.exercise = exercise
        self.written: dict[Key, WrittenQuantity] = {
            (w.epoch, w.batch, w.id): w for w in answers.written
        }
        self.units = last_units(self.written)
        self.numbers: dict[Key, WrittenNumbers] = {}
        self.intervals: dict[Key, Interval] = {}  # what was written, as later steps take it
        self.doubts: dict[Key, Doubt] = {}  # entries that are neither right nor rounded
        self.judged: dict[Key, Judged] = {}
        self.hypotheses: list[Hypothesis] = []
        self.pairs_left = MOST_PAIRS
        self.roots: dict[Key, Key | None] = {}
        self.worked: dict[tuple[Key, float], Interval] = {}

    def read(self, place: Key) -> WrittenNumbers:
        """The written numbers of a quantity, remembered for the steps that follow."""
        rows, columns = self.exercise.values[place].shape
        truncated = self.exercise.allow_truncation
        numbers = WrittenNumbers.of(
            self.written[place], (rows, columns), self.units[place], truncated
        )
        self.numbers[place] = numbers
        return numbers

    def explained(self, place: Key, opened: list[StandIns]) -> None:
        """Each explanation that puts something in an operand's place is a hypothesis (a tie gives
        several); those that were there go on with it."""
        if not opened:
            return
        before = self.hypotheses or [Hypothesis({}, place)]
        both = [
            Hypothesis({**hypothesis.stand_ins, **stand_ins}, hypothesis.origin)
            for hypothesis in before
            for stand_ins in opened
        ]
        self.hypotheses = [*self.hypotheses, *both][:MOST_HYPOTHESES]

    # What later steps take

    def operand(self, place: Key, unit: float, over: Override = NOTHING) -> Interval:
        """A quantity as the step at hand takes it: as given, as written, or worked out.

        ``unit`` is half a unit of the last decimal of the quantity being judged.
        """
        if place in over:
            return self._overridden(place, unit, over)
        if place in self.intervals:
            return self.intervals[place]
        if self.exercise.is_given(place):
            return self.exercise.exact(place)
        ahead = self._ahead(place) if place in self.written else None
        if ahead is not None:
            return ahead
        if not over:
            memo = self.worked.get((place, unit))
            if memo is None:
                memo = self.worked[(place, unit)] = self._unwritten(place, unit, over)
            return memo
        return self._unwritten(place, unit, over)

    def _unwritten(self, place: Key, unit: float, over: Override) -> Interval:
        return self.may_be_rounded(place, self.step_interval(place, unit, over), unit)

    def may_be_rounded(self, place: Key, box: Interval, unit: float) -> Interval:
        """A line that was not written may have been rounded; it stays in its operation's range."""
        step = self.exercise.steps[place]
        if step.operation == "given":
            return box
        wide = self._widened(box, unit)
        if step.operation == "activate":
            low, high = ACTIVATIONS[step.parameters["activation"]].range
            if wide is not box and np.isfinite(low):
                wide = Interval(np.maximum(wide.lo, low), wide.hi)
            if wide is not box and np.isfinite(high):
                wide = Interval(wide.lo, np.minimum(wide.hi, high))
        return wide

    def _widened(self, box: Interval, unit: float) -> Interval:
        """How far rounding (half a unit), or cutting off, can take a line that was not written."""
        return widened(box, unit * (2 if self.exercise.allow_truncation else 1), 2 * unit)

    def _ahead(self, place: Key) -> Interval | None:
        """What was written further down, where a wrong rule reaches for it; None where nothing."""
        written = self.written.get(place)
        if written is None or not written.cells:
            return None
        rows, columns = self.exercise.values[place].shape
        truncated = self.exercise.allow_truncation
        numbers = WrittenNumbers.of(written, (rows, columns), self.units[place], truncated)
        return Interval(numbers.low[None], numbers.high[None]) if numbers.there.all() else None

    def _overridden(self, place: Key, unit: float, over: Override) -> Interval:
        replaced = over[place]
        if isinstance(replaced, Interval):
            return replaced
        rest = {other: value for other, value in over.items() if other != place}
        box = self.replaced_interval(place, replaced, unit, rest)
        # A wrong rule need not keep to the right one's range.
        return self._widened(box, unit)

    def replaced_interval(
        self, place: Key, replaced: Step | Wrong, unit: float, over: Override
    ) -> Interval:
        """What a step gives that stands in the place of another."""
        if isinstance(replaced, Wrong):
            box = self.replaced_interval(place, replaced.step, unit, over)
            if replaced.factor != 1:
                lo, hi = box.lo * replaced.factor, box.hi * replaced.factor
                box = Interval(np.minimum(lo, hi), np.maximum(lo, hi))
            if replaced.turn:
                box = Interval(box.lo.swapaxes(1, 2), box.hi.swapaxes(1, 2))
            return box
        parameters = FloatArithmetic(np.float64).parameters(replaced.parameters)
        operands = [self.operand((*place[:2], id), unit, over) for id in replaced.operands]
        setting = self.exercise.setting
        return self.exercise.line(interval(replaced.operation, setting, parameters, *operands))

    def step_interval(self, place: Key, unit: float, over: Override = NOTHING) -> Interval:
        """L of a step: its rule on the operands as the student has them."""
        exercise, step = self.exercise, self.exercise.steps[place]
        if step.operation == "given":
            sources = exercise.operands[place]
            return self.operand(sources[0], unit, over) if sources else exercise.exact(place)
        if step.operation == "forward_again":
            return self._forward_again(place, unit, over)
        operands = [self.operand(source, unit, over) for source in exercise.operands[place]]
        parameters = exercise.parameters[place]
        return exercise.line(interval(step.operation, exercise.setting, parameters, *operands))

    def _forward_again(self, place: Key, unit: float, over: Override) -> Interval:
        """The forward part once more on the new parameters, none of its lines written."""
        exercise, (epoch, batch, _) = self.exercise, place
        steps = exercise.contexts[(epoch, batch)].steps
        new = {steps[id].of: id for id in exercise.steps[place].operands}
        worked: dict[str, Interval] = {}

        def value(id: str) -> Interval:
            if id in worked:
                return worked[id]
            if id in new:
                return self.operand((epoch, batch, new[id]), unit, over)
            return self.operand((epoch, batch, id), unit, over)

        for step in steps.values():
            if step.phase not in ("forward", "loss"):
                continue
            operands = [value(id) for id in step.operands]
            where = key(step)
            parameters = exercise.parameters[where]
            box = interval(step.operation, exercise.setting, parameters, *operands)
            box = exercise.line(box)
            if step.role == "loss":
                return box
            worked[step.id] = self.may_be_rounded(where, box, unit)
        raise AssertionError("an update without a loss has no loss after it")

    # What rests on what

    def doubt(self, place: Key) -> Doubt:
        """Which entries are, or rest on, something that is neither right nor rounded."""
        if place in self.doubts:
            return self.doubts[place]
        if self.exercise.is_given(place):
            return np.zeros(self.exercise.values[place].shape, dtype=bool)
        found = self.doubt_of_operands(place, self.exercise.steps[place])
        self.doubts[place] = found
        return found

    def doubt_of_operands(self, place: Key, step: Step) -> Doubt:
        """Which entries of a step rest on a doubtful entry of an operand."""
        if step.operation == "given":
            return self.doubt(self.exercise.operands[place][0])
        doubts = [self.doubt((*place[:2], id)) for id in step.operands]
        if step.operation == "forward_again":
            return np.array([[any(bool(doubt.any()) for doubt in doubts)]])
        if not any(doubt.any() for doubt in doubts):
            return np.zeros(self.exercise.values[place].shape, dtype=bool)
        parameters = self.exercise.parameters[place] | step.parameters
        return dependent(step.operation, self.exercise.setting, parameters, *doubts)

    def root(self, place: Key) -> Key | None:
        """The first quantity whose mistake ``place`` rests on; None where all is sound."""
        if place in self.judged:
            own = self.judged[place]
            if own.verdict == "carried":
                return self.roots.get(place)
            return place if bool(self.doubt(place).any()) else self.roots.get(place)
        if self.exercise.is_given(place):
            return None
        if place in self.roots:
            return self.roots[place]
        found = self.first_root(self.exercise.operands[place])
        self.roots[place] = found
        return found

    def first_root(self, places: tuple[Key, ...]) -> Key | None:
        order = list(self.exercise.steps)
        roots = [root for root in map(self.root, places) if root is not None]
        return min(roots, key=order.index, default=None)
