"""Holds sheets against an exercise: in which way each was worked, and where it went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec
import numpy as np

from backtrace.check.judge.attempts import Attempts
from backtrace.check.judge.borne_out import (
    is_told_by_one_rule,
    most_of_names,
    weight,
    weight_of_cutting,
    weight_of_rules,
)
from backtrace.check.judge.conventions import (
    as_mistake,
    codes_of,
    differing,
    is_worked_so,
    other_conventions,
)
from backtrace.check.judge.exchanged_lines import exchanged
from backtrace.check.judge.scratch_work import ENOUGH, TOLD, ScratchWork, enough
from backtrace.check.model import Answers, Judged, Report, Verdict, WrittenQuantity
from backtrace.check.policy import score
from backtrace.check.rules.noting import Noting
from backtrace.check.sheets.digits import PRINTED, figures, shows_decimals
from backtrace.check.sheets.exercise import MOST_SEARCHES, Key, Work
from backtrace.check.sheets.readings import filled_up, readings
from backtrace.check.sheets.sheet import MOST_WORK, Sheet
from backtrace.check.sheets.workings import (
    ACCUSED,
    Working,
    accused,
    accused_entries,
    accused_places,
    between_lines,
    explains_more,
    is_far_less,
    loosest,
    mistakes_made,
    worked_to,
)
from backtrace.spec.model import AnswerDigits, Spec

MOST_BESIDE = 700  # lines that are worked in search of another way of working beside mistakes
MOST_LEFT = 12  # lines wrong however the rest was noted; with more nobody knows of any habit
UNTOLD = -10.0  # below, other lines tell that digits were not cut off
SURE = 10.0  # from which on they tell so, whatever was noted coarsely
MOST_REMEMBERED = 200  # reports, the last that were new


class Checker(Attempts):
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
        self._same_as: dict[tuple[WrittenQuantity, ...], Report] = {}

    def check(self, answers: Answers) -> Report:
        """The report on one sheet. Never raises, whatever was written.

        A sheet that has something wrong is tried whole in other ways of working before anything
        is said to be a mistake.
        """
        known = self._same_as.get(answers.written)
        if known is not None:
            own = {name: getattr(answers, name) for name in ("student", "file", "notes", "keys")}
            return msgspec.structs.replace(known, **own)
        self.trials.left, self.searches.left = self.most_trials, MOST_SEARCHES
        # Where a student's numbers overflow or have no logarithm, the interval says so.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            usual = self.sheet(answers, Working())
            if accused(usual.quantities):
                report = self.with_mistakes(answers, usual)
            else:
                report = self.report(answers, usual.quantities)
        self.remember(answers, report)
        return report

    def remember(self, answers: Answers, report: Report) -> None:
        """Keeps a report for those who wrote the same: what is right, and a mistake that is often
        made, gives the same numbers each time. What was read otherwise is its student's own."""
        if report.read is None and report.notes == answers.notes:
            if len(self._same_as) >= MOST_REMEMBERED:
                del self._same_as[next(iter(self._same_as))]
            self._same_as[answers.written] = report

    def with_mistakes(self, answers: Answers, usual: Sheet) -> Report:
        """The report on a sheet that has something wrong in the usual working."""
        read, usual, refused = self.as_meant(answers, usual)
        report = self.with_fewer_decimals(read, usual)
        if report is None or accused(report.quantities):
            report = self.otherwise(read, usual) or report
        if read is answers and (report is None or accused(report.quantities)):
            found = None if self.strict else self.as_meant_in_another_convention(answers, usual)
            if found is not None and (report is None or found.score.points > report.score.points):
                return found
        if report is None or accused(report.quantities):
            back = exchanged(read, usual, lambda answers: self.sheet(answers, Working()))
            if back is not None:
                found = self.otherwise(back.answers, back.sheet)
                found = found or self.explained(back.answers, back.sheet)
                found = back.charged(found, read)
                if report is None or found.score.points > report.score.points:
                    return msgspec.structs.replace(found, read=back.answers)
        report = report or self.explained(read, usual)
        report = self.in_likelier_convention(read, usual, report) or report
        if refused:
            return as_mistake(report, self.spec.marks, ["transposed"], refused)
        return report if read is answers else msgspec.structs.replace(report, read=read)

    def with_fewer_decimals(self, answers: Answers, usual: Sheet) -> Report | None:
        """The report on a sheet that was filled up with zeros, if less is wrong without them; what
        is the key's but for the zeros was rounded."""
        read = filled_up(answers, self)
        if read is None:
            return None
        shorter, worked = read
        sheet = self.sheet(shorter, Working())
        if accused_entries(sheet.quantities) >= accused_entries(usual.quantities):
            return None
        wholly = sheet if not accused(sheet.quantities) else None
        wholly = wholly or self.other_working(shorter, sheet, Noting(0.5 * 10.0**-worked))
        report = (
            self.worked(shorter, wholly, sheet)
            if wholly is not None
            else self.in_other_convention(shorter, sheet) or self.explained(shorter, sheet)
        )
        both = zip(report.quantities, usual.quantities, strict=True)
        quantities = tuple(as_rounded(judged, before) for judged, before in both)
        conventions = {**worked_to(worked), **(report.conventions or {})}
        return msgspec.structs.replace(report, quantities=quantities, conventions=conventions)

    def otherwise(self, answers: Answers, usual: Sheet) -> Report | None:
        """The report in another working that leaves nothing wrong, or in another convention."""
        return self.in_other_working(answers, usual) or self.in_other_convention(answers, usual)

    def explained(self, answers: Answers, usual: Sheet) -> Report:
        """The report on a sheet with mistakes, in the working in which those are the fewest."""
        best: Sheet | None = None
        for judged in self.likelier_workings(answers, usual):
            judged.with_names = judged.with_names or self.with_explanations(answers, judged)
            sheet = judged.with_names
            if best is None or (
                explains_more(sheet.quantities, best.quantities, sheet.working)
                and (not sheet.working.cut or is_likelier_cut(sheet, best))
            ):
                best = sheet
            is_one = len(accused_places(best.quantities)) == 1 == mistakes_made(best.quantities)
            if is_one or self.searches.is_spent:
                break
        assert best is not None, "there is always the usual working"
        return self.worked(answers, best, usual)

    def as_meant(self, answers: Answers, usual: Sheet) -> tuple[Answers, Sheet, set[Key]]:
        """The answers as their student meant them as a whole, the sheet of those, and what of it a
        course that insists on its own convention does not accept."""
        wrong = tuple(each for each in usual.quantities if each.verdict in ACCUSED)
        for reading in readings(answers, wrong, self):
            sheet = self.sheet(reading.answers, Working())
            less = accused_entries(sheet.quantities) < accused_entries(usual.quantities)
            if (reading.is_shown and less) or is_far_less(usual.quantities, sheet.quantities):
                is_refused = reading.is_convention and self.strict
                cells = {at: each.cells for at, each in usual.written.items()}
                changed = (at for at in cells if sheet.written[at].cells != cells[at])
                return reading.answers, sheet, {*changed} if is_refused else set()
        return answers, usual, set()

    def as_meant_in_another_convention(self, answers: Answers, usual: Sheet) -> Report | None:
        """The report on a sheet that means something else as a whole in another convention, in
        which far less is wrong then: who writes columns may also work by the delta rule."""
        wrong = tuple(each for each in usual.quantities if each.verdict in ACCUSED)
        for reading in readings(answers, wrong, self):
            sheet = self.sheet(reading.answers, Working())
            found = self.in_other_convention(reading.answers, sheet)
            if found is not None and is_far_less(usual.quantities, found.quantities):
                return msgspec.structs.replace(found, read=reading.answers)
        return None

    def in_other_convention(self, answers: Answers, usual: Sheet) -> Report | None:
        """The report in the other convention in which least is wrong, if the sheet fits any."""
        found = min(
            self.fitting_conventions(answers, usual),
            key=lambda each: accused_entries(each[2].quantities),
            default=None,
        )
        if found is None:
            return None
        said, checker, sheet, differ = found
        report = checker.in_other_working(answers, sheet) or checker.explained(answers, sheet)
        return self.worked_so(said, report, differ)

    def in_likelier_convention(
        self, answers: Answers, usual: Sheet, report: Report
    ) -> Report | None:
        """The report in another convention, in which what it changes first is right, and which
        leaves fewer mistakes than this report by more than that it would be one itself; or fewer,
        and for more marks, where the new parameters come back to what they are in each."""
        most = mistakes_made(report.quantities) - 1
        if most < 1 or report.conventions is not None:
            return None
        wrong = accused_places(usual.quantities)
        for said, checker, differ in self.in_other_conventions:
            first = min(differ & usual.judged.keys(), key=self.order.__getitem__, default=None)
            if first not in wrong:
                continue
            fewer = accused_entries(usual.quantities) - 1
            sheet = checker.with_at_most(answers, Working(), fewer)
            if sheet is not None and first not in accused_places(sheet.quantities):
                found = checker.explained(answers, sheet)
                made = mistakes_made(found.quantities)
                if made < most or (made == most and self.comes_back(found, report)):
                    return self.worked_so(said, found, differ)
        return None

    def comes_back(self, found: Report, report: Report) -> bool:
        """Whether a report has no new parameter wrong of those that are written, and more marks."""
        new = (
            (each.epoch, each.batch, each.id)
            for each in found.quantities
            if self.steps[each.epoch, each.batch, each.id].role == "updated"
        )
        updated, wrong = {*new}, accused_places(found.quantities)
        more = found.score.points > report.score.points
        return more and bool(updated) and updated.isdisjoint(wrong)

    def worked_so(self, said: dict[str, str], report: Report, differ: set[Key]) -> Report:
        """A report that was made in another convention; where a course insists on its own, that is
        a mistake in what ``differ``s."""
        if self.strict:
            charged = as_mistake(report, self.spec.marks, codes_of(said, self.spec), differ)
            return msgspec.structs.replace(charged, refused={**said, **(report.refused or {})})
        conventions = {**said, **(report.conventions or {})}
        return msgspec.structs.replace(report, conventions=conventions)

    def fitting_conventions(
        self, answers: Answers, usual: Sheet
    ) -> Iterator[tuple[dict[str, str], Checker, Sheet, set[Key]]]:
        """The other conventions in which far less is wrong, with the sheet judged in each, and
        what has another value there."""
        wrong = accused_places(usual.quantities)
        if len(wrong) < 2:
            return
        for said, checker, differ in self.in_other_conventions:
            if wrong.isdisjoint(differ) or wrong <= differ:
                continue
            others = sorted(differ & usual.judged.keys() - wrong, key=self.order.__getitem__)
            work = Work(MOST_WORK, self.trials)
            if others and not checker.stands(answers, Working(), others[0], work):
                continue
            sheet = checker.attempt(answers, Working(), wrong)
            if sheet is not None and is_worked_so(usual.quantities, sheet, differ):
                yield said, checker, sheet, differ

    def of(self, report: Report) -> Checker:
        """The checker of the convention in which a report was made."""
        said = {k: v for k, v in (report.conventions or {}).items() if k != "rounding"}
        if not said:
            return self
        return next(checker for own, checker, _ in self.in_other_conventions if own == said)

    @cached_property
    def in_other_conventions(self) -> list[tuple[dict[str, str], Checker, set[Key]]]:
        """The same exercise in each, and which quantities have another value there; made when a
        sheet first needs them."""
        found = []
        for said, spec in other_conventions(self.spec):
            checker = Checker(spec, self.asked, self.credit, strict=self.strict)
            checker.trials, checker.searches = self.trials, self.searches
            found.append((said, checker, differing(self.values, checker.values)))
        return found

    def in_other_working(self, answers: Answers, usual: Sheet) -> Report | None:
        """The report on a sheet in which nothing is wrong, in the usual or in another working."""
        sheet = usual if not accused(usual.quantities) else self.other_working(answers, usual)
        return None if sheet is None else self.worked(answers, sheet, usual)

    def worked(self, answers: Answers, sheet: Sheet, usual: Sheet) -> Report:
        """The report on a sheet as it was worked; a course that insists on rounding takes digits
        that were cut off for a mistake in what they alone leave wrong."""
        said = sheet.working.said
        if not (self.strict and sheet.working.cut):
            return self.report(answers, sheet.quantities, said)
        places = accused_places(usual.quantities) - accused_places(sheet.quantities)
        report = self.report(answers, sheet.quantities)
        charged = as_mistake(report, self.spec.marks, ["cut-off"], places)
        return msgspec.structs.replace(charged, refused=said)

    def other_working(
        self, answers: Answers, usual: Sheet, known: Noting | None = None
    ) -> Sheet | None:
        """The sheet in the first other way of working that leaves nothing wrong, and for which
        more than a single number speaks; ``known``: how lines were noted, of which zeros tell."""
        strictly, usual, work = usual, self.lenient(answers, usual), self.work()
        if not self.may_stand(answers, loosest(usual.decimals), usual, work):
            return None
        for working in self.told_by_digits(usual):
            if self.may_stand(answers, working, usual, work):
                sheet = self.attempt(answers, working, work=work)
                if sheet is not None and self.is_shown(answers, sheet, usual, strictly):
                    return sheet
                if work.is_spent:
                    return None
        scratch_work = ScratchWork(self, answers, usual, usual, work)
        scratch_work.known = known
        return scratch_work.found()

    def is_shown(self, answers: Answers, sheet: Sheet, usual: Sheet, strictly: Sheet) -> bool:
        """Whether a sheet is likelier as it was worked in another way than in the usual one, and,
        but for digits that only a program has, than with mistakes that have names; of a sheet that
        has some either way those are compared when all is explained."""
        if sheet.working.float32:
            return True
        if sheet.working.cut:
            least = weight_of_cutting(sheet, strictly) - TOLD
        else:
            least = weight(sheet, usual) - enough(sheet.working)
        mended = accused_places(usual.quantities) - accused_places(sheet.quantities)
        if least <= 0 or accused(sheet.quantities) or least > most_of_names(usual.usual, mended):
            return least > 0
        return least > self.of_names(answers, usual.usual, mended)

    def told_by_digits(self, usual: Sheet) -> Iterator[Working]:
        """The workings of which the written digits tell."""
        wrong = (figures(usual.written[at]) for at in accused_places(usual.quantities))
        if any(cell.value and shows_decimals(cell) for cells in wrong for cell in cells):
            yield Working(cut=True)
        if usual.page.finest.digits >= PRINTED:
            yield Working(float32=True)
        yield from between_lines(usual, self.values)

    def with_mistakes_and_coarse_scratch_work(
        self, answers: Answers, usual: Sheet, start: Sheet
    ) -> Sheet | None:
        """The sheet of mistakes among lines whose scratch work was noted coarsely, and whose digits
        were cut off if they are so to ``start`` with."""
        work = self.work(MOST_BESIDE)
        loose = msgspec.structs.replace(loosest(usual.decimals), cut=start.working.cut)
        wrong = accused_places(start.quantities)
        if len(accused_places(usual.quantities)) < 2 or work.is_spent:
            return None
        excused = self.excused(answers, loose, start, work)
        if not excused or len(wrong) - len(excused) > MOST_LEFT:
            return None
        return ScratchWork(self, answers, usual, start, work, excused).found()

    def likelier_workings(self, answers: Answers, usual: Sheet) -> Iterator[Sheet]:
        """A sheet that has something wrong however it was worked, in the usual way and others that
        may leave less of it wrong: digits were cut off, or scratch work was coarse."""
        lenient = self.lenient(answers, usual)
        # What mends a line is judged while there are trials left; else only names may be mended.
        ways = [each for each in self.told_by_digits(usual) if each.unwritten is None]
        mending = [
            each
            for each in ways
            if (each.cut and not self.trials.is_spent)
            or self.excused(answers, each, usual, self.work())
        ]
        others = [*self.worked_otherwise(answers, usual, lenient, mending)]
        if others and others[0].working.cut:
            cut = others[0]
            yield from self.noted_coarsely(answers, usual, lenient, cut)
            mends = accused_entries(cut.quantities) < accused_entries(usual.quantities)
            is_told = mends or weight_of_cutting(cut, usual) > SURE
            if is_told and self.is_shown(answers, cut, lenient, usual):
                yield others.pop(0)
        yield usual
        if usual.with_names is not None and is_told_by_one_rule(usual.with_names):
            return
        yield from others
        if not self.trials.is_spent:
            rest = [each for each in ways if each not in mending]
            yield from self.worked_otherwise(answers, usual, lenient, rest)
        coarse = self.with_mistakes_and_coarse_scratch_work(answers, lenient, lenient)
        if coarse is not None:
            yield coarse

    def noted_coarsely(
        self, answers: Answers, usual: Sheet, lenient: Sheet, cut: Sheet
    ) -> Iterator[Sheet]:
        """The sheet with coarse scratch work and its digits cut off or, where the lines may as well
        have been rounded, whichever of both leaves less wrong; if it was noted so."""
        starts = [(usual, cut)]
        if weight_of_cutting(cut, usual) <= SURE:
            starts.insert(0, (lenient, lenient))
        found = [self.with_mistakes_and_coarse_scratch_work(answers, *each) for each in starts]
        sheets = [each for each in found if each is not None]
        yield from sorted(sheets, key=lambda each: len(accused_places(each.quantities)))[:1]

    def worked_otherwise(
        self, answers: Answers, usual: Sheet, lenient: Sheet, ways: Sequence[Working]
    ) -> Iterator[Sheet]:
        """A sheet with mistakes in the other workings in which it is likelier."""
        before, as_usual = (accused_entries(each.quantities) for each in (lenient, usual))
        for working in ways:
            most = max(before, as_usual) if working.cut else before - 1
            less = self.with_at_most(answers, working, most)
            if less is not None and is_likelier(less, usual if working.cut else lenient):
                yield less

    def report(
        self,
        answers: Answers,
        quantities: tuple[Judged, ...],
        conventions: dict[str, str] | None = None,
    ) -> Report:
        return Report(
            student=answers.student,
            file=answers.file,
            quantities=quantities,
            notes=answers.notes,
            conventions=conventions,
            score=score(quantities, self.spec.marks),
            keys=answers.keys,
        )


def as_rounded(judged: Judged, before: Judged) -> Judged:
    """With the entries rounded that were not right before."""
    if before.verdict == "right":
        return judged
    entries = tuple(
        tuple(
            "rounded" if now == "right" != then else now for now, then in zip(*lines, strict=True)
        )
        for lines in zip(judged.entries, before.entries, strict=True)
    )
    verdict = "rounded" if judged.verdict == "right" else judged.verdict
    return msgspec.structs.replace(judged, verdict=verdict, entries=entries)


def is_likelier_cut(cut: Sheet, best: Sheet) -> bool:
    """Whether a sheet is likelier with its digits cut off, by its lines and by the rules that what
    is wrong has the names of either way."""
    of_rules = [weight_of_rules(each, accused_places(each.quantities)) for each in (cut, best)]
    return weight_of_cutting(cut, best) + of_rules[0] - of_rules[1] > 0


def is_likelier(sheet: Sheet, usual: Sheet) -> bool:
    """Whether a sheet is likelier as it was worked in another way than in the usual one."""
    has_mistakes, least = accused(sheet.quantities), enough(sheet.working)
    if sheet.working.cut:  # what follows from a mistake may tell it when that is explained
        return weight_of_cutting(sheet, usual) > (UNTOLD if has_mistakes else TOLD)
    if has_mistakes:  # of which it might be another
        least = max(least, ENOUGH)
    return sheet.working.float32 or weight(sheet, usual) > least
