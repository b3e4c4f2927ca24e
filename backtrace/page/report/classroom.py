"""What is said of a class: a row a student, what went wrong how often, whom to talk to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import TypeAlias

from backtrace.check.judge.checker import Checker
from backtrace.check.judge.exercise import Key
from backtrace.check.model import ClassReport, Explanation, Judged, Report
from backtrace.page.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Facts,
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
    entries,
    marks,
    name_of,
    plain_number,
)
from backtrace.spec.wording import count, listed

LOW = 0.5  # of the marks; whoever has less may need help
WRONG = "wrong, in so many entries"
FEW = 3  # students that are named behind a note
LINE = re.compile(r"^line \d+: ")


Named: TypeAlias = "list[tuple[str, Report]]"  # each report by who handed the sheet in


def document(checker: Checker, report: ClassReport) -> Document:
    """The class as a page: the table, what went wrong how often, whom to talk to."""
    title, students = inert(checker.spec.title), count(len(report.reports), "student")
    heading = f"{title} · {students}" if title else students
    return Document(heading, tuple(_blocks(checker, report)), _standing(report.reports))


def _blocks(checker: Checker, report: ClassReport) -> Iterator[Block]:
    words = Words(checker.spec)
    named = list(zip(_told_apart(report.reports), report.reports, strict=True))
    if named:
        yield Section("", tuple(_table(checker, named, words)))
    shares = tuple(_shares(report.reports, words))
    if shares:
        yield Section("What went wrong", (Shares(shares),))
    talks = tuple(_attention(named, words))
    if talks:
        yield Section("Whom to talk to", talks)
    notes = tuple(_notes(named, words))
    if notes:
        yield Section("Notes", (Bullets(notes),))
    if report.unreadable:
        reasons = tuple(inert(each.reason) for each in report.unreadable)
        yield Section("Files that could not be read", (Bullets(reasons, "wrong"),))


def _table(checker: Checker, named: Named, words: Words) -> Iterator[Block]:
    """A row a student, a column a step; below it what the signs mean."""
    reports = [report for _, report in named]
    steps = steps_of(checker, reports)
    several = len({(epoch, batch) for epoch, batch, _ in steps.values()}) > 1
    columns = [Column("student", left=True), Column("marks")]
    for epoch, batch, id in steps.values():
        update = f"@{epoch}.{batch}" if several else ""
        columns.append(Column(words.symbols.name(id) + update, left=True))
    found = [{judged.name: judged for judged in each.quantities} for each in reports]
    rows = (
        (
            Cell(student),
            Cell(f"{plain_number(report.score.points)}/{plain_number(report.score.of)}"),
            *(_verdict(given.get(name)) for name in steps),
        )
        for (student, report), given in zip(named, found, strict=True)
    )
    shares = [_right([given[name] for given in found if name in given]) for name in steps]
    last = (Cell("% right", "label"), Cell(""), *(Cell(share, "heading") for share in shares))
    all_rows = (*rows, last) if len(reports) > 1 else tuple(rows)
    yield Table(tuple(columns), all_rows, "groups")
    used = {judged.verdict for given in found for judged in given.values()}
    legend = tuple(
        Cell(WRONG if verdict == "wrong" else LEGEND[verdict], verdict)
        for verdict in SPOKEN
        if verdict in used
    )
    marking = _marking(checker, reports)
    below: list[Block] = [Facts(legend)] if legend else []
    below += [Paragraph(marking, "fact")] if marking else []
    if below:
        yield Section("", tuple(below))


def _verdict(judged: Judged | None) -> Cell:
    """The sign of a verdict; of what is wrong, how many entries, so that it is seen."""
    if judged is None:
        return Cell("")
    several = judged.verdict == "wrong" and sum(map(len, judged.entries)) > 1
    return Cell(str(len(judged.places("wrong"))) if several else "", judged.verdict)


def _right(given: Sequence[Judged]) -> str:
    """The share of a step that is right, in percent of those who wrote it or had to."""
    well = sum(judged.verdict in ("right", "rounded") for judged in given)
    return str(round(100 * well / len(given))) if given else ""


def steps_of(checker: Checker, reports: Iterable[Report]) -> dict[str, Key]:
    """The steps that anybody wrote or was asked for, in the order of work, by their names."""
    used = {(q.epoch, q.batch, q.id) for report in reports for q in report.quantities}
    return {name_of(step): step for step in checker.steps if step in used}


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


def _marking(checker: Checker, reports: Sequence[Report]) -> str:
    """Why marks are out of different totals, where they are."""
    if checker.spec.ask or len({report.score.of for report in reports}) <= 1:
        return ""
    return "Each is marked on what they gave; `ask:` in the spec names what counts for all."


def _notes(named: Named, words: Words) -> Iterator[str]:
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
    said: dict[str, list[str]] = {}
    for judged in report.quantities:
        for note in judged.notes:
            said.setdefault(note.removeprefix(f"{judged.name}: "), []).append(judged.name)
    for note, names in said.items():
        yield inert(f"{', '.join(map(words.name, names))}: {note}")


def _standing(reports: tuple[Report, ...]) -> str:
    """``marks from 11 to 20 of 20, half of them at least 17``."""
    if not reports:
        return "nobody's answers could be read"
    earned = sorted(report.score.points for report in reports)
    middle = earned[len(earned) // 2]
    possible = _range([report.score.of for report in reports])
    if _range(earned) == possible and len({report.score.of for report in reports}) > 1:
        return f"{_shares_of_marks(reports)}, out of {possible}"
    told = f"{_range(earned)} of {possible} marks"
    return told if earned[0] == earned[-1] else f"{told}, median {plain_number(middle)}"


def _shares_of_marks(reports: tuple[Report, ...]) -> str:
    """``full marks``, or from which share of their marks up the students have."""
    least = min(report.score.points / report.score.of for report in reports if report.score.of)
    return "full marks" if least == 1 else f"{least:.0%} or more of their marks"


def _range(values: list[float]) -> str:
    """``8``, or ``8 to 9``."""
    return " to ".join(dict.fromkeys(map(plain_number, (min(values), max(values)))))


def _shares(reports: tuple[Report, ...], words: Words) -> Iterator[tuple[str, float, str]]:
    """How many students did what, the most frequent first; a student counts once for each deed."""
    counts: dict[str, int] = {}
    for report in reports:
        for deed in dict.fromkeys(_deeds(report, words)):
            counts[deed] = counts.get(deed, 0) + 1
    for deed, students in sorted(counts.items(), key=lambda found: -found[1]):
        told = f"{students} of {len(reports)}"
        yield told, students / len(reports), done_by(students, deed)


def _deeds(report: Report, words: Words) -> Iterator[str]:
    for judged in report.quantities:
        if judged.explanations:
            yield words.deed(_unlike(judged.explanations))
        elif judged.verdict == "wrong":
            yield f"have {words.name(judged.name)} wrong, in a way that no known mistake explains"


def _unlike(explanations: tuple[Explanation, ...]) -> list[Explanation]:
    """One of each kind: numbers misread in different ways are one deed."""
    return list({explanation.mistakes: explanation for explanation in explanations}.values())


def _attention(named: Named, words: Words) -> Iterator[Block]:
    """Why to talk to somebody, and to whom: few marks, a first mistake that nothing explains."""
    concerned: dict[str, list[str]] = {}
    for student, report in sorted(named, key=lambda each: _share(each[1])):
        for reason, detail in _reasons(report, words):
            concerned.setdefault(reason, []).append(f"{student}{detail}")
    for reason, students in concerned.items():
        yield Paragraph(reason, "heading", 1)
        yield Paragraph(", ".join(students), inset=2)


def _reasons(report: Report, words: Words) -> Iterator[tuple[str, str]]:
    """Each reason, and what of it is this student's alone."""
    first = report.first_mistake
    if _share(report) < LOW:
        yield "Less than half of the marks", f" ({marks(report.earned, report.possible)})"
    if first is not None and not first.explanations:
        where = entries(first, "wrong")
        said = f"{words.name(first.name)} is wrong, and no known mistake explains it"
        yield said, f" ({where})" if where else ""
    odd = {
        "unsupported": "as in the key, but not from their own numbers",
        "malformed": "not readable as written",
    }
    for verdict, said in odd.items():
        names = [words.name(q.name) for q in report.quantities if _has(q, verdict)]
        yield from ((f"{name} {said}", "") for name in names)
    if not report.quantities:
        yield "No answers to this exercise", ""


def _has(judged: Judged, verdict: str) -> bool:
    return any(verdict in line for line in judged.entries)


def _share(report: Report) -> float:
    return report.score.points / report.score.of if report.score.of else 1.0
