"""Reports as JSON: ``backtrace/report/1`` of a student, ``backtrace/class/1`` of several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from backtrace.check.model import ClassReport, Judged, Unreadable
from backtrace.page.inert import inert
from backtrace.page.report.content import Findings

REPORT = "backtrace/report/1"
CLASS = "backtrace/class/1"
UNREADABLE = "backtrace/unreadable/1"
NAMING = ("what", "how")  # the levels of hints that name a mistake


def encode(document: Any) -> str:
    """A document in one line of JSON text."""
    return msgspec.json.encode(document).decode()


def report(findings: Findings, level: str = "how") -> dict[str, Any]:
    """One student's report. Below the level ``what`` no mistake is named.

    Beyond the schema's own keys each quantity has its marks and what was ``written``, and
    ``expected`` where the findings reveal it.
    """
    said = findings.report
    naming = level in NAMING
    expected = {each.name: each.values for each in findings.expected}
    return {
        "schema": REPORT,
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


def class_report(report: ClassReport, reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A class: ``reports`` are those of the students, as ``report`` gives them."""
    return {
        "schema": CLASS,
        "reports": list(reports),
        "unreadable": [_fault(each) for each in report.unreadable],
        "mistakes": report.mistakes,
    }


def unreadable(each: Unreadable) -> dict[str, Any]:
    """What stands in a stream of reports for a sheet that can't be read."""
    return {"schema": UNREADABLE, **_fault(each)}


def _fault(each: Unreadable) -> dict[str, str]:
    return {"file": inert(each.file), "reason": inert(each.reason)}


def _first(judged: Judged | None, naming: bool) -> dict[str, Any] | None:
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
) -> dict[str, Any]:
    hint = findings.hints.get(judged.name)
    document = {
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
    return document | ({"expected": expected[judged.name]} if judged.name in expected else {})


def _mark(value: float) -> int | float:
    return int(value) if value == int(value) else round(value, 6)
