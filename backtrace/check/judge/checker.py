"""Holds sheets against an exercise: every written quantity judged, in the order of work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from backtrace.check.judge.exercise import Exercise, Key
from backtrace.check.judge.judgement import Judgement
from backtrace.check.judge.sheet import Sheet
from backtrace.check.judge.workings import Working, accused, coarser, looks_cut, speaks_for
from backtrace.check.model import Answers, Judged, Report, Verdict, WrittenQuantity
from backtrace.spec.model import AnswerDigits, Spec


class Checker(Exercise):
    """An exercise that marks sheets; made once for a class.

    ``strict``: what is worked by another convention, or cut off, is a mistake.
    """

    def __init__(
        self,
        spec: Spec,
        asked: AnswerDigits | None = None,
        credit: Mapping[Verdict, float] | None = None,
        *,
        strict: bool = False,
    ) -> None:
        super().__init__(spec, asked, credit)
        self.strict = strict or spec.accept == "none"

    def check(self, answers: Answers) -> Report:
        """The report on one sheet. Never raises, whatever was written.

        A sheet that has something wrong is tried whole in other ways of working before anything
        is said to be a mistake.
        """
        # Where a student's numbers overflow or have no logarithm, the interval says so.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            usual = self.sheet(answers, Working())
            found = usual.quantities
            if not accused(found):
                return self.report(answers, found)
            other = self.other_working(answers, usual)
            if other is not None:
                return self.report(answers, other.quantities, other.working.said)
            explained = self.sheet(answers, Working(), explains=True)
            return self.report(answers, explained.quantities)

    def sheet(
        self, answers: Answers, working: Working, *, explains: bool = False, whole: bool = True
    ) -> Sheet:
        """A sheet, judged; not ``whole``: up to the first thing that is wrong."""
        sheet = Sheet(self, answers, working, explains=explains)
        found: list[Judged] = []
        for judged in self._judged(sheet):
            found.append(judged)
            if not whole and accused((judged,)):
                break
        sheet.quantities = tuple(found)
        return sheet

    def other_working(self, answers: Answers, usual: Sheet) -> Sheet | None:
        """The sheet in the first other way of working that leaves nothing wrong, and for which
        more than a single number speaks."""
        ways = [
            way for way in coarser(usual.written) if speaks_for(way, usual.quantities, self.steps)
        ]
        if not self.strict and looks_cut(usual.written, self.values):
            ways.insert(0, Working(cut=True))
        for working in ways:
            sheet = self.sheet(answers, working, whole=False)
            if not accused(sheet.quantities):
                return sheet
        return None

    def report(
        self,
        answers: Answers,
        quantities: tuple[Judged, ...],
        conventions: dict[str, str] | None = None,
    ) -> Report:
        return Report(answers.student, answers.file, quantities, answers.notes, conventions)

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
