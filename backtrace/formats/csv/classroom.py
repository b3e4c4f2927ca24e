"""A class as a CSV table: a row a student, a column a step, safe to open in a spreadsheet."""

from __future__ import annotations

from typing import Any

from backtrace.check.judge.checker import Checker
from backtrace.check.model import ClassReport, Report
from backtrace.formats.csv.results import number
from backtrace.formats.escaping import spreadsheet
from backtrace.page.report.roster import steps_of

FIRST = ("student", "file", "earned", "possible", "first_mistake", "mistakes")
LAST = ("unreadable",)


def encode(checker: Checker, report: ClassReport) -> str:
    """The table as text; steps are named by their ids, verdicts by their words.

    Words are between quotes, so that a separator of another language splits none.
    """
    import csv
    import io

    steps = list(steps_of(checker, report.reports))
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow([*FIRST, *steps, *LAST])
    for each in report.reports:
        verdicts: dict[str, str] = {q.name: q.verdict for q in each.quantities}
        writer.writerow([*_student(each), *(verdicts.get(step, "") for step in steps), ""])
    for unreadable in report.unreadable:
        blank = [""] * (len(FIRST) - 2 + len(steps))
        writer.writerow(["", spreadsheet(unreadable.file), *blank, spreadsheet(unreadable.reason)])
    return out.getvalue()


def _student(report: Report) -> list[Any]:
    first = report.first_mistake
    return [
        spreadsheet(report.student),
        spreadsheet(report.file),
        number(report.earned),
        number(report.possible),
        first.name if first else "",
        " ".join(first.mistakes) if first else "",
    ]
