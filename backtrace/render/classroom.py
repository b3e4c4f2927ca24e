"""What is said of a class: a row a student, what went wrong how often, whom to talk to."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from backtrace.check.checker import Checker
from backtrace.check.model import ClassReport, Explanation, Judged, Report, Unreadable, Verdict
from backtrace.render.measure import inert
from backtrace.render.wording import Words, marks, places, plain_number
from backtrace.spec.problems import count, listed

LOW = 0.5  # of the marks; whoever has less may need help


class Column(msgspec.Struct, frozen=True):
    """A step of the table: its name (``z1@2.3``) and symbol, and the update it belongs to."""

    name: str
    symbol: str
    epoch: int
    batch: int


class Row(msgspec.Struct, frozen=True):
    """A student's line: marks, and a verdict for each column's name."""

    student: str
    file: str
    earned: float
    possible: float
    verdicts: dict[str, Verdict]


class Tally(msgspec.Struct, frozen=True):
    """How many students did what: ``left out σ′ in δ₂``."""

    students: int
    deed: str


class Attention(msgspec.Struct, frozen=True):
    """A student to talk to, and why."""

    student: str
    reasons: tuple[str, ...]


class Classroom(msgspec.Struct, frozen=True):
    """All that a teacher is shown of a class, in words and symbols."""

    heading: str
    standing: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    tallies: tuple[Tally, ...]
    attention: tuple[Attention, ...]
    unreadable: tuple[Unreadable, ...]

    @property
    def students(self) -> int:
        return len(self.rows)


def classroom(checker: Checker, report: ClassReport) -> Classroom:
    words = Words(checker.spec)
    title = inert(checker.spec.title)
    students = count(len(report.reports), "student")
    return Classroom(
        heading=f"{title} · {students}" if title else students,
        standing=_standing(report.reports),
        columns=tuple(_columns(checker, report.reports, words)),
        rows=tuple(map(_row, report.reports)),
        tallies=tuple(_tallies(report.reports, words)),
        attention=tuple(_attention(report.reports, words)),
        unreadable=tuple(Unreadable(inert(u.file), inert(u.reason)) for u in report.unreadable),
    )


def _standing(reports: tuple[Report, ...]) -> str:
    """``marks from 11 to 20 of 20, half of them at least 17``."""
    if not reports:
        return "nobody's answers could be read"
    earned = sorted(report.earned for report in reports)
    middle = earned[len(earned) // 2]
    possible = max(report.possible for report in reports)
    if len(earned) == 1 or earned[0] == earned[-1]:
        return f"{marks(earned[0], possible)} marks"
    spread = f"{plain_number(earned[0])} to {plain_number(earned[-1])}"
    return f"{spread} of {plain_number(possible)} marks, median {plain_number(middle)}"


def _columns(checker: Checker, reports: tuple[Report, ...], words: Words) -> Iterator[Column]:
    """The steps that anybody wrote or was asked for, in the order of work."""
    used = {(q.epoch, q.batch, q.id) for report in reports for q in report.quantities}
    for epoch, batch, id in filter(used.__contains__, checker.steps):
        first = (epoch, batch) == (1, 1)
        name = id if first else f"{id}@{epoch}.{batch}"
        yield Column(name, words.symbols.name(id), epoch, batch)


def _row(report: Report) -> Row:
    verdicts = {judged.name: judged.verdict for judged in report.quantities}
    file = inert(report.file)
    return Row(inert(report.student), file, report.earned, report.possible, verdicts)


def _tallies(reports: tuple[Report, ...], words: Words) -> Iterator[Tally]:
    """What students did, the most frequent first; a student counts once for each deed."""
    counts: dict[str, int] = {}
    for report in reports:
        for deed in dict.fromkeys(_deeds(report, words)):
            counts[deed] = counts.get(deed, 0) + 1
    for deed, students in sorted(counts.items(), key=lambda found: -found[1]):
        yield Tally(students, deed)


def _deeds(report: Report, words: Words) -> Iterator[str]:
    for judged in report.quantities:
        if judged.explanations:
            yield words.deed(_unlike(judged.explanations))
        elif judged.verdict == "wrong":
            yield f"have {words.name(judged.name)} wrong, in a way that no known mistake explains"


def _unlike(explanations: tuple[Explanation, ...]) -> list[Explanation]:
    """One of each kind: numbers misread in different ways are one deed."""
    return list({explanation.mistakes: explanation for explanation in explanations}.values())


def _attention(reports: tuple[Report, ...], words: Words) -> Iterator[Attention]:
    """Students whose first mistake nothing explains, with odd sheets, or with few marks."""
    for report in sorted(reports, key=_share):
        reasons = tuple(_reasons(report, words))
        if reasons:
            yield Attention(inert(report.student), reasons)


def _reasons(report: Report, words: Words) -> Iterator[str]:
    first = report.first_mistake
    if _share(report) < LOW:
        yield f"{marks(report.earned, report.possible)} marks"
    if first is not None and not first.explanations:
        where = places(first, words.name(first.name), "wrong")
        yield f"{where}: no known mistake explains it"
    odd = {
        "unsupported": "as in the key, but not from their own numbers",
        "malformed": "not readable as written",
    }
    for verdict, said in odd.items():
        names = [words.name(q.name) for q in report.quantities if _has(q, verdict)]
        if names:
            yield f"{listed(names, 'and')} {said}"
    if not report.quantities:
        yield "no answers to this exercise"


def _has(judged: Judged, verdict: str) -> bool:
    return any(verdict in line for line in judged.entries)


def _share(report: Report) -> float:
    return report.earned / report.possible if report.possible else 1.0
