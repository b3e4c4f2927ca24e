"""One student's report as Gradescope's ``results.json``: a test a quantity.

The fields are those of Gradescope's autograder specification. Every text is given as plain
``text``, so that Gradescope shows it as it stands and takes nothing in it for markup.
"""

from __future__ import annotations

from typing import Any

from backtrace.check.model import STANDING, Judged, Score, Unreadable
from backtrace.check.policy import points
from backtrace.page.inert import inert
from backtrace.page.report.content import Findings
from backtrace.page.report.phrases import Words

FORMATS = {"output_format": "text", "test_output_format": "text", "test_name_format": "text"}


def results(findings: Findings, words: Words) -> dict[str, Any]:
    """The document; scores are the marks, unrounded but for the noise of adding them up."""
    report = findings.report
    return {
        "score": _score(report.score.points),
        "output": "\n".join([f"{findings.heading}: {findings.standing}", *findings.notes]),
        **FORMATS,
        "visibility": "visible",
        "tests": [
            _test(judged, score, number, findings, words)
            for number, (judged, score) in enumerate(
                zip(report.quantities, points(report.quantities, words.spec.marks), strict=True), 1
            )
        ],
    }


def refused(unreadable: Unreadable) -> dict[str, Any]:
    """The document for a submission that can't be read: no marks, and why."""
    return {
        "score": 0.0,
        "output": f"Your answers could not be read. {inert(unreadable.reason)}",
        **FORMATS,
        "visibility": "visible",
        "tests": [],
    }


def _test(
    judged: Judged, score: Score, number: int, findings: Findings, words: Words
) -> dict[str, Any]:
    symbol = words.name(judged.name)
    stands = all(verdict in STANDING for line in judged.entries for verdict in line)
    return {
        "name": f"{symbol} ({judged.name}): {judged.verdict}",
        "name_format": "text",
        "number": str(number),
        "score": _score(score.points),
        "max_score": _score(score.of),
        "status": "passed" if stands else "failed",
        "output": "\n".join(findings.hints.get(judged.name, ())),
        "output_format": "text",
        "visibility": "visible",
    }


def _score(value: float) -> float:
    return round(value, 6)
