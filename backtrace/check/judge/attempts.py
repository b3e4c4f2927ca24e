"""Sheets judged in one way of working or another: every written quantity, in the order of work."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from backtrace.check.diagnosis.repetition import likelier_together
from backtrace.check.judge.borne_out import weight_of_names
from backtrace.check.judge.judgement import Judgement
from backtrace.check.judge.marks import for_work_done
from backtrace.check.model import Answers, Judged, Verdict, WrittenQuantity
from backtrace.check.sheets.exercise import Exercise, Key, Work
from backtrace.check.sheets.sheet import MOST_WORK, Page, Sheet
from backtrace.check.sheets.workings import ACCUSED, Working, accused, accused_places

Tried: TypeAlias = Sheet | Key  # a sheet as it was worked, or the first line that does not stand so
StaysWrong: TypeAlias = Callable[[Key], bool]  # whether a line is wrong however it was worked
MOST_NAMED = 5  # lines that are wrong for which names are sought before another working
LEAST_WORK, WORK_A_LINE = 1_000, 20  # lines that are worked in search of another way of working
WORK_OF_NAMES = 500  # for verdicts on what follows from mistakes, if nothing else may be tried


class Attempts(Exercise):
    """An exercise whose sheets are judged as they may have been worked; made once for a class."""

    _last_page: Page | None = None

    def _page(self, answers: Answers) -> Page:
        """The page of the answers, made once for all ways in which they are tried."""
        if self._last_page is None or self._last_page.answers is not answers:
            self._last_page = Page(answers, self)
        return self._last_page

    def sheet(self, answers: Answers, working: Working) -> Sheet:
        """A sheet, judged."""
        sheet = Sheet(self, self._page(answers), working, explains=False)
        sheet.quantities = for_work_done(sheet, tuple(self._judged(sheet)))
        return sheet

    def with_explanations(self, answers: Answers, judged: Sheet) -> Sheet:
        """A judged sheet, once more, and what is wrong explained; half of the search that is left
        is kept for other workings, of which one may be the likelier."""
        sheet = Sheet(self, self._page(answers), judged.working, before=judged)
        sheet.search = Work(self.searches.left // 2, self.searches)
        if self.trials.left < WORK_OF_NAMES:  # what follows from a mistake is seen all the same
            sheet.work = Work(WORK_OF_NAMES)
        explained = likelier_together([*self._judged(sheet)])
        sheet.quantities = for_work_done(sheet, explained)
        return sheet

    def attempt(
        self,
        answers: Answers,
        working: Working,
        wrong: AbstractSet[Key] = frozenset(),
        work: Work | None = None,
    ) -> Sheet | None:
        """A sheet, judged in an attempt to have nothing else ``wrong``; None where there is."""
        found = self.tried(answers, working, wrong.__contains__, work)
        return found if isinstance(found, Sheet) else None

    def tried(
        self,
        answers: Answers,
        working: Working,
        stays_wrong: StaysWrong,
        work: Work | None = None,
        most: float = math.inf,
    ) -> Tried | None:
        """A sheet, judged to the first line that is wrong and need not be; None where more than so
        many entries are wrong."""
        sheet = Sheet(self, self._page(answers), working, explains=False)
        sheet.work = work or sheet.work
        found: list[Judged] = []
        for judged in self._judged(sheet):
            found.append(judged)
            most -= judged.count(*ACCUSED)
            if most < 0:
                return None
            for place in accused_places((judged,)):
                if not stays_wrong(place):
                    return place
        sheet.quantities = for_work_done(sheet, tuple(found))
        return sheet

    def with_at_most(self, answers: Answers, working: Working, most: int) -> Sheet | None:
        """The sheet in a working; None where more than so many entries are wrong."""
        found = self.tried(answers, working, lambda place: True, most=most)
        return found if isinstance(found, Sheet) else None

    def may_stand(self, answers: Answers, working: Working, usual: Sheet, work: Work) -> bool:
        """Whether what is wrong in the usual working may stand in another, if every other number is
        taken for all that it may stand for: who asks this first need not judge whole sheets."""
        wrong = accused_places(usual.quantities)
        sheet = self.as_written(answers, working, wrong, work)
        if sheet is None:
            return True
        in_order = sorted(wrong, key=self.order.__getitem__)
        return not any(accused((Judgement(sheet, at).judged(extra=False),)) for at in in_order)

    def excused(self, answers: Answers, working: Working, usual: Sheet, work: Work) -> list[Key]:
        """Which lines that are wrong in the usual working may stand in another, if all others stand
        for whatever they may."""
        wrong = sorted(accused_places(usual.quantities), key=self.order.__getitem__)
        sheet = self.as_written(answers, working, frozenset(), work)
        if sheet is None:
            return wrong
        return [at for at in wrong if not accused((Judgement(sheet, at).judged(extra=False),))]

    def stands(self, answers: Answers, working: Working, place: Key, work: Work) -> bool:
        """Whether a single line may stand, if all others stand for whatever they may."""
        sheet = self.as_written(answers, working, frozenset(), work)
        return sheet is None or not Judgement(sheet, place).is_accused()

    def as_written(
        self, answers: Answers, working: Working, apart: AbstractSet[Key], work: Work
    ) -> Sheet | None:
        """A sheet in which all numbers but those ``apart`` stand for whatever they may; None where
        some are not there."""
        sheet = Sheet(self, self._page(answers), working, explains=False)
        sheet.work = work
        return sheet if sheet.take_as_written(apart) else None

    def lenient(self, answers: Answers, usual: Sheet) -> Sheet:
        """The usual sheet, as if lines were rounded again and again, where that too leaves
        something wrong: what follows so speaks for no other way of working."""
        if usual.lenient is None:
            same = self.stays_wrong(answers, usual)
            usual.lenient = usual if same else self.sheet(answers, Working(again=True))
            usual.lenient.usual = usual
        return usual.lenient if accused(usual.lenient.quantities) else usual

    def stays_wrong(self, answers: Answers, usual: Sheet) -> bool:
        """Whether all that is wrong is so however often lines were rounded: then nothing else is
        said of the sheet."""
        sheet = self.as_written(
            answers, Working(again=True), frozenset(), Work(MOST_WORK, self.trials)
        )
        if sheet is None:
            return False
        for each in usual.quantities:
            if each.verdict in ACCUSED:
                judged = Judgement(sheet, (each.epoch, each.batch, each.id)).judged(extra=False)
                if judged.places(*ACCUSED) != each.places(*ACCUSED):
                    return False
        return True

    def of_names(self, answers: Answers, usual: Sheet, places: AbstractSet[Key]) -> float:
        """How much likelier what is wrong at these places is with mistakes that have names than
        with slips; of many none is asked, as one mistake leaves few so."""
        if len(places) > MOST_NAMED:
            return 0.0
        if usual.with_names is None:
            usual.with_names = self.with_explanations(answers, usual)
        return weight_of_names(usual, usual.with_names, places)

    def work(self, most: int = MOST_WORK) -> Work:
        """What may be done in search of another way of working: an honest sheet takes a few
        attempts, each of which works every line once."""
        wanted = LEAST_WORK + WORK_A_LINE * len(self.steps)
        return Work(min(most, wanted), self.trials)

    def _judged(self, sheet: Sheet) -> Iterator[Judged]:
        for place in self.steps:
            if place in sheet.written and _anything(sheet.written[place]):
                extra = bool(self.asked_for) and place not in self.asked_for
                judged = sheet.judged[place] = Judgement(sheet, place).judged(extra)
                yield judged
            elif place in self.asked_for:
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
