"""Holds sheets against an exercise: every written quantity judged, in the order of work."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backtrace.check.judge.exercise import Exercise, Key
from backtrace.check.judge.judgement import Judgement
from backtrace.check.judge.sheet import Sheet
from backtrace.check.model import Answers, Judged, Report, Verdict, WrittenQuantity


class Checker(Exercise):
    """An exercise that marks sheets; made once for a class."""

    def check(self, answers: Answers) -> Report:
        """The report on one sheet. Never raises, whatever was written."""
        sheet = Sheet(self, answers)
        # Where a student's numbers overflow or have no logarithm, the interval says so.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            quantities = tuple(self._judged(sheet))
        return Report(answers.student, answers.file, quantities, answers.notes)

    def _judged(self, sheet: Sheet) -> Iterator[Judged]:
        asked = set(self.spec.ask)
        for place, step in self.steps.items():
            name = str(step.at)
            if place in sheet.written and _anything(sheet.written[place]):
                judged = Judgement(sheet, place).judged(bool(asked) and name not in asked)
                sheet.judged[place] = judged
                yield judged
            elif name in asked:
                yield self._missing(place)

    def _missing(self, place: Key) -> Judged:
        """What was asked for and not given."""
        rows, columns = self.values[place].shape
        entries: tuple[tuple[Verdict, ...], ...] = (("missing",) * columns,) * rows
        blank = (("",) * columns,) * rows
        possible = float(rows * columns)
        return Judged(place[2], place[0], place[1], "missing", entries, blank, possible=possible)


def _anything(written: WrittenQuantity) -> bool:
    """Whether a quantity has an entry at all, and not only blanks."""
    cells = written.cells or written.raw
    return any(cell is not None for line in cells for cell in line) or bool(written.problem)
