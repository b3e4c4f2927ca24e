"""The marks of a class as a CSV table to be joined with others: keys, points, first mistakes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from backtrace.check.model import Report
from backtrace.check.policy import points
from backtrace.formats.escaping import spreadsheet
from backtrace.page.report.phrases import plain_number
from backtrace.spec.model import Marks

START = b'"student","points","of","first_mistake"'


def encode(reports: Sequence[Report], policy: Marks | None) -> str:
    """A row a student; a column for each key that any table had and for each quantity's points."""
    keys = dict.fromkeys(key for report in reports for key in report.keys)
    names = dict.fromkeys(judged.name for report in reports for judged in report.quantities)
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(["student", "points", "of", "first_mistake", "mistakes", *keys, *names])
    for report in reports:
        writer.writerow(list(_row(report, policy, list(keys), list(names))))
    return out.getvalue()


def _row(
    report: Report, policy: Marks | None, keys: Sequence[str], names: Sequence[str]
) -> Iterator[Any]:
    first = report.first_mistake
    scores = points(report.quantities, policy)
    earned = {q.name: s.points for q, s in zip(report.quantities, scores, strict=True)}
    yield from (spreadsheet(report.student), number(report.score.points), number(report.score.of))
    yield from ("", "") if first is None else (first.name, " ".join(first.mistakes))
    yield from (spreadsheet(report.keys.get(key, "")) for key in keys)
    yield from (number(earned[name]) if name in earned else "" for name in names)


def number(value: float) -> float | int:
    """A mark without needless digits, nor those of adding up: 20, 14.33."""
    text = plain_number(value)
    return float(text) if "." in text else int(text)
