"""One student's sheet: what each step is worked from, and what rests on what.

What an earlier explanation says stands in an operand's place is a ``Hypothesis``; several are kept
in mind where explanations tie.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.judge.exercise import Exercise, Key
from backtrace.check.judge.replay import NOTHING, Override, Replay, StandIns, Work
from backtrace.check.model import Answers, Figure, Judged, WrittenQuantity
from backtrace.check.rules.evaluation import dependent
from backtrace.check.rules.intervals import Floats, Interval, between
from backtrace.tape.steps import Step

Doubt: TypeAlias = NDArray[np.bool_]
MOST_HYPOTHESES = 12  # ways the sheet may have come about that are kept in mind
MOST_WORK = 8_000  # lines that are worked for the verdicts on one sheet, by other right forms too
MOST_SEARCH = 12_000  # lines that are worked in search of its mistakes
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
        self.replays: dict[float, Replay] = {}  # by unit, those in which nothing is replaced
        self.work = Work(MOST_WORK)
        self.search = Work(MOST_SEARCH)

    def read(self, place: Key) -> WrittenNumbers:
        """The written numbers of a quantity, remembered for the steps that follow."""
        self.numbers[place] = self.numbers_of(self.written[place], place)
        return self.numbers[place]

    def numbers_of(self, written: WrittenQuantity, place: Key) -> WrittenNumbers:
        rows, columns = self.exercise.values[place].shape
        truncated = self.exercise.allow_truncation
        return WrittenNumbers.of(written, (rows, columns), self.units[place], truncated)

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

    def replay(self, unit: float, over: Override = NOTHING) -> Replay:
        """The lines as they are worked for a quantity, of whose last decimal ``unit`` is half."""
        plain = self.replays.get(unit)
        if plain is None:
            plain = self.replays[unit] = Replay(self, unit, NOTHING, None)
        return Replay(self, unit, over, plain) if over else plain

    def ahead(self, place: Key) -> Interval | None:
        """What was written further down, where a wrong rule reaches for it; None where nothing."""
        written = self.written.get(place)
        if written is None or not written.cells:
            return None
        numbers = self.numbers_of(written, place)
        return between(numbers.low, numbers.high) if numbers.there.all() else None

    # What rests on what

    def doubt(self, place: Key) -> Doubt:
        """Which entries are, or rest on, something that is neither right nor rounded."""
        if self.exercise.is_given(place) and place not in self.doubts:
            return np.zeros(self.exercise.values[place].shape, dtype=bool)
        if place not in self.doubts:
            for at in self.exercise.lines_before(place, self.has_doubt):
                self.doubts[at] = self.doubt_of_operands(at, self.exercise.steps[at])
        return self.doubts[place]

    def has_doubt(self, place: Key) -> bool:
        return place in self.doubts or self.exercise.is_given(place)

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
            is_sound = own.verdict == "carried" or not self.doubt(place).any()
            return self.roots.get(place) if is_sound else place
        if self.exercise.is_given(place):
            return None
        if place not in self.roots:
            for at in self.exercise.lines_before(place, self.has_root):
                self.roots[at] = self.first_root(self.exercise.operands[at])
        return self.roots[place]

    def has_root(self, place: Key) -> bool:
        return place in self.roots or place in self.judged or self.exercise.is_given(place)

    def first_root(self, places: tuple[Key, ...]) -> Key | None:
        roots = [root for root in map(self.root, places) if root is not None]
        return min(roots, key=self.exercise.order.__getitem__, default=None)
