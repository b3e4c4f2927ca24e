"""What is said of a class: a row a student, what went wrong how often, whom to talk to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

import msgspec

from backtrace.check.judge.checker import Checker
from backtrace.check.model import ClassReport, Explanation, Judged, Report, Unreadable, Verdict
from backtrace.page.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Facts,
    Labelled,
    Paragraph,
    Section,
    Shares,
    Table,
)
from backtrace.page.inert import inert
from backtrace.page.report.phrases import (
    LEGEND,
    SPOKEN,
    Words,
    done_by,
    marks,
    places,
    plain_number,
)
from backtrace.spec.wording import count, listed

LOW = 0.5  # of the marks; whoever has less may need help
FEW = 3  # students that are named behind a note
LINE = re.compile(r"^line \d+: ")


class StepColumn(msgspec.Struct, frozen=True):
    """A step of the table: its name (``z1@2.3``) and symbol, and the update it belongs to."""

    name: str
    symbol: str
    epoch: int
    batch: int


class StudentRow(msgspec.Struct, frozen=True):
    """A student's line: marks, and a verdict for each column's name.

    ``student`` says which, where several have one name.
    """

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
    """All that a teacher is shown of a class, in words and symbols.

    ``marking`` is what to know of the marks, ``notes`` how the sheets were read.
    """

    heading: str
    standing: str
    columns: tuple[StepColumn, ...]
    rows: tuple[StudentRow, ...]
    tallies: tuple[Tally, ...]
    attention: tuple[Attention, ...]
    unreadable: tuple[Unreadable, ...]
    marking: str = ""
    notes: tuple[str, ...] = ()

    @property
    def students(self) -> int:
        return len(self.rows)


def classroom(checker: Checker, report: ClassReport) -> Classroom:
    words = Words(checker.spec)
    title = inert(checker.spec.title)
    students = count(len(report.reports), "student")
    named = list(zip(_told_apart(report.reports), report.reports, strict=True))
    return Classroom(
        heading=f"{title} · {students}" if title else students,
        standing=_standing(report.reports),
        columns=tuple(_columns(checker, report.reports, words)),
        rows=tuple(_row(*each) for each in named),
        tallies=tuple(_tallies(report.reports, words)),
        attention=tuple(_attention(named, words)),
        unreadable=tuple(Unreadable(inert(u.file), inert(u.reason)) for u in report.unreadable),
        marking=_marking(checker, report.reports),
        notes=tuple(_notes(named, words)),
    )


def document(room: Classroom) -> Document:
    """The class as a page: the table, what went wrong how often, whom to talk to."""
    return Document(room.heading, tuple(_blocks(room)), room.standing)


def _blocks(room: Classroom) -> Iterator[Block]:
    if room.rows:
        yield Section("", tuple(_table(room)))
    if room.tallies:
        yield Section("What went wrong", (_shares(room),))
    if room.attention:
        talks = (
            (Cell(each.student, "heading"), "; ".join(each.reasons)) for each in room.attention
        )
        yield Section("Whom to talk to", (Labelled(tuple(talks), inset=1),))
    if room.notes:
        yield Section("Notes", (Bullets(room.notes),))
    if room.unreadable:
        reasons = tuple(each.reason for each in room.unreadable)
        yield Section("Files that could not be read", (Bullets(reasons, "wrong"),))


def _table(room: Classroom) -> Iterator[Block]:
    """A row a student, a column a step; below it what the signs mean."""
    several = len({(step.epoch, step.batch) for step in room.columns}) > 1
    names = [
        f"{step.symbol}@{step.epoch}.{step.batch}" if several else step.symbol
        for step in room.columns
    ]
    columns = [Column("student", left=True), Column("marks")]
    columns += [Column(name, left=True) for name in names]
    rows = (
        (
            Cell(row.student),
            Cell(f"{plain_number(row.earned)}/{plain_number(row.possible)}"),
            *(Cell("", row.verdicts.get(step.name, "")) for step in room.columns),
        )
        for row in room.rows
    )
    yield Table(tuple(columns), tuple(rows), "groups")
    used = {verdict for row in room.rows for verdict in row.verdicts.values()}
    legend = tuple(Cell(LEGEND[verdict], verdict) for verdict in SPOKEN if verdict in used)
    below: list[Block] = [Facts(legend)] if legend else []
    below += [Paragraph(room.marking, "fact")] if room.marking else []
    if below:
        yield Section("", tuple(below))


def _shares(room: Classroom) -> Shares:
    rows = (
        (f"{tally.students} of {room.students}", tally.students / room.students, _done(tally))
        for tally in room.tallies
    )
    return Shares(tuple(rows))


def _done(tally: Tally) -> str:
    return done_by(tally.students, tally.deed)


def _told_apart(reports: tuple[Report, ...]) -> list[str]:
    """The students' names; of those that several have, the file too, or which of them it is."""
    same: dict[str, list[Report]] = {}
    for report in reports:
        same.setdefault(inert(report.student), []).append(report)
    labels = {name: _labels(name, group) for name, group in same.items()}
    return [labels[inert(report.student)].pop(0) for report in reports]


def _labels(name: str, group: list[Report]) -> list[str]:
    if len(group) == 1:
        return [name]
    for shorter in (True, False):
        files = [inert(PurePath(r.file).name if shorter else r.file) for r in group]
        if len(set(files)) == len(files):
            return [f"{name} ({file})" for file in files]
    return [f"{name} ({number} of {len(group)})" for number in range(1, len(group) + 1)]


def _marking(checker: Checker, reports: tuple[Report, ...]) -> str:
    """Why marks are out of different totals, where they are."""
    if checker.spec.ask or len({report.possible for report in reports}) <= 1:
        return ""
    return "Each is marked on what they gave; `ask:` in the spec names what counts for all."


def _notes(named: list[tuple[str, Report]], words: Words) -> Iterator[str]:
    """How the sheets were read, each note once, with whom it concerns unless that is everybody."""
    concerned: dict[str, list[str]] = {}
    for name, report in named:
        for note in dict.fromkeys(_notes_of(report, words)):
            concerned.setdefault(note, []).append(name)
    for note, names in concerned.items():
        few = listed(names, "and") if len(names) <= FEW else count(len(names), "student")
        yield note if len(names) == len(named) > 1 else f"{few}: {note}"


def _notes_of(report: Report, words: Words) -> Iterator[str]:
    for note in report.notes:
        yield inert(LINE.sub("", note))
    for judged in report.quantities:
        for note in judged.notes:
            yield inert(f"{words.name(judged.name)}: {note.removeprefix(f'{judged.name}: ')}")


def _standing(reports: tuple[Report, ...]) -> str:
    """``marks from 11 to 20 of 20, half of them at least 17``."""
    if not reports:
        return "nobody's answers could be read"
    earned = sorted(report.earned for report in reports)
    middle = earned[len(earned) // 2]
    possible = _range([report.possible for report in reports])
    told = f"{_range(earned)} of {possible} marks"
    return told if earned[0] == earned[-1] else f"{told}, median {plain_number(middle)}"


def _range(values: list[float]) -> str:
    """``8``, or ``8 to 9``."""
    return " to ".join(dict.fromkeys(map(plain_number, (min(values), max(values)))))


def _columns(checker: Checker, reports: tuple[Report, ...], words: Words) -> Iterator[StepColumn]:
    """The steps that anybody wrote or was asked for, in the order of work."""
    used = {(q.epoch, q.batch, q.id) for report in reports for q in report.quantities}
    for epoch, batch, id in filter(used.__contains__, checker.steps):
        first = (epoch, batch) == (1, 1)
        name = id if first else f"{id}@{epoch}.{batch}"
        yield StepColumn(name, words.symbols.name(id), epoch, batch)


def _row(student: str, report: Report) -> StudentRow:
    verdicts = {judged.name: judged.verdict for judged in report.quantities}
    file = inert(report.file)
    return StudentRow(student, file, report.earned, report.possible, verdicts)


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


def _attention(named: list[tuple[str, Report]], words: Words) -> Iterator[Attention]:
    """Students whose first mistake nothing explains, with odd sheets, or with few marks."""
    for student, report in sorted(named, key=lambda each: _share(each[1])):
        reasons = tuple(_reasons(report, words))
        if reasons:
            yield Attention(student, reasons)


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
