"""Reports as JSON: ``backtrace/report/1`` of a student, ``backtrace/class/1`` of several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypedDict

from backtrace.check.model import ClassReport, Judged, Unreadable, Verdict
from backtrace.formats.json.text import json_text
from backtrace.page.inert import inert
from backtrace.page.report.content import Findings

UNREADABLE = "backtrace/unreadable/1"
NAMING = ("what", "how")  # the levels of hints that name a mistake


class ScoreDocument(TypedDict):
    """Marks an entry, and points by the course's policy."""

    earned: float
    possible: float
    points: float
    of: float


class FirstMistake(TypedDict):
    """The first wrong quantity in the order of work; entries are rows and columns from 1."""

    id: str
    entries: Sequence[tuple[int, int]]
    mistakes: Sequence[str]


class Expectation(TypedDict, total=False):
    """What a quantity should be, where that is revealed."""

    expected: Sequence[Sequence[float]]


class QuantityDocument(Expectation):
    """One quantity's verdict, entry by entry."""

    id: str
    verdict: Verdict
    entries: Sequence[Sequence[Verdict]]
    mistakes: Sequence[str]
    root: str | None
    hint: str | None
    earned: float
    possible: float
    written: Sequence[Sequence[str]]
    notes: Sequence[str]


class Withheld(TypedDict):
    """A carried quantity that earns nothing, and why."""

    id: str
    reason: str


class ReportDocument(TypedDict):
    """What is said of one student's sheet."""

    schema: Literal["backtrace/report/1"]
    student: str
    file: str
    keys: dict[str, str]
    score: ScoreDocument
    first_mistake: FirstMistake | None
    quantities: list[QuantityDocument]
    notes: Sequence[str]
    conventions: dict[str, str] | None
    withheld: list[Withheld]


class Fault(TypedDict):
    """A file that can't be read, and why."""

    file: str
    reason: str


class ClassDocument(TypedDict):
    """What is said of several sheets; ``mistakes`` has how many students made each."""

    schema: Literal["backtrace/class/1"]
    reports: list[ReportDocument]
    unreadable: list[Fault]
    mistakes: dict[str, int]


def encode(document: Any) -> str:
    """A document in one line of JSON text."""
    return json_text(document)


def report(findings: Findings, level: str = "how") -> ReportDocument:
    """One student's report. Below the level ``what`` no mistake is named.

    Beyond the schema's own keys each quantity has its marks and what was ``written``, and
    ``expected`` where the findings reveal it.
    """
    said = findings.report
    naming = level in NAMING
    expected = {each.name: each.values for each in findings.expected}
    return {
        "schema": "backtrace/report/1",
        "student": findings.student,
        "file": inert(said.file),
        "keys": said.keys,
        "score": {
            "earned": _mark(said.earned),
            "possible": _mark(said.possible),
            "points": _mark(said.score.points),
            "of": _mark(said.score.of),
        },
        "first_mistake": _first(said.first_mistake, naming),
        "quantities": [_quantity(q, findings, naming, expected) for q in said.quantities],
        "notes": findings.notes,
        "conventions": said.conventions,
        "withheld": [{"id": id, "reason": reason} for id, reason in findings.withheld],
    }


def class_report(report: ClassReport, reports: Iterable[ReportDocument]) -> ClassDocument:
    """A class: ``reports`` are those of the students, as ``report`` gives them."""
    return {
        "schema": "backtrace/class/1",
        "reports": list(reports),
        "unreadable": [_fault(each) for each in report.unreadable],
        "mistakes": report.mistakes,
    }


def unreadable(each: Unreadable) -> dict[str, Any]:
    """What stands in a stream of reports for a sheet that can't be read."""
    return {"schema": UNREADABLE, **_fault(each)}


def _fault(each: Unreadable) -> Fault:
    return {"file": inert(each.file), "reason": inert(each.reason)}


def _first(judged: Judged | None, naming: bool) -> FirstMistake | None:
    if judged is None:
        return None
    entries = judged.places("wrong")
    return {
        "id": judged.name,
        "entries": entries,
        "mistakes": judged.mistakes if naming else [],
    }


def _quantity(
    judged: Judged, findings: Findings, naming: bool, expected: dict[str, Any]
) -> QuantityDocument:
    hint = findings.hints.get(judged.name)
    document: QuantityDocument = {
        "id": judged.name,
        "verdict": judged.verdict,
        "entries": judged.entries,
        "mistakes": judged.mistakes if naming else [],
        "root": judged.root,
        "hint": None if hint is None else "\n".join(hint),
        "earned": _mark(judged.earned),
        "possible": _mark(judged.possible),
        "written": [[inert(text) for text in line] for line in judged.written],
        "notes": [inert(note) for note in judged.notes],
    }
    if judged.name in expected:
        document["expected"] = expected[judged.name]
    return document


def _mark(value: float) -> int | float:
    return int(value) if value == int(value) else round(value, 6)
