"""A sheet that answers another variant of an exercise than its student's own."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from backtrace.check.judge.checker import Checker
from backtrace.check.model import Answers, Judged, Report
from backtrace.check.sheets.exercise import Work
from backtrace.check.sheets.sheet import MOST_WORK
from backtrace.check.sheets.workings import Working, accused

FEW = 0.5  # of the entries; who has more of them right has worked their own


def told_of_another(
    report: Report, answers: Answers, own: Checker, variants: Mapping[str, Checker]
) -> Report:
    """The report, which says so where little is right and all of it is in another variant: then
    there are no mistakes to be named. Whose sheet it is only a person can say; its marks stay."""
    if len(variants) < 2 or not accused(report.quantities) or _right(report.quantities) >= FEW:
        return report
    for name, checker in variants.items():
        if (
            checker is not own
            and (sheet := checker.attempt(answers, Working(), work=Work(MOST_WORK))) is not None
        ):
            if _right(sheet.quantities) < 1:
                continue
            note = f"these are answers to {name}, another variant than this student's"
            return msgspec.structs.replace(
                report,
                quantities=tuple(
                    msgspec.structs.replace(each, explanations=(), repeated=None)
                    for each in report.quantities
                ),
                notes=(*report.notes, note),
            )
    return report


def _right(quantities: tuple[Judged, ...]) -> float:
    """The share of the entries that are right as they stand, but for rounding."""
    entries = sum(len(each.entries) * len(each.entries[0]) for each in quantities)
    return sum(each.count("right", "rounded") for each in quantities) / max(entries, 1)
