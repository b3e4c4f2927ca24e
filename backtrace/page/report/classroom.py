"""What is said of a class: how it did, step by step, what to teach again, whom to talk to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from backtrace.check.judge.checker import Checker
from backtrace.check.model import ClassReport, Explanation, Judged, Report
from backtrace.page.blocks import (
    Bar,
    Bars,
    Block,
    Bullets,
    Cell,
    Document,
    Paragraph,
    Section,
    Shares,
)
from backtrace.page.inert import inert
from backtrace.page.report.causes import common_causes
from backtrace.page.report.phrases import Words, done_by, entries, marks, plain_number
from backtrace.page.report.roster import (
    Named,
    roster,
    share_right,
    steps_of,
    symbols_of,
    told_apart,
)
from backtrace.spec.wording import count, listed

LOW = 0.5  # of the marks; whoever has less may need help
FEW = 3  # students that are named behind a note
MOST_BINS = 10
WIDTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # of a bin of marks
LINE = re.compile(r"^line \d+: ")


def document(
    checker: Checker, report: ClassReport, *, names: bool = False, title: str | None = None
) -> Document:
    """The class as a page; who is who stands on it only with ``names``. ``title`` is that of
    several variants, where there are."""
    title = inert(checker.spec.title if title is None else title)
    students = count(len(report.reports), "student")
    heading = f"{title} · {students}" if title else students
    return Document(heading, tuple(_blocks(checker, report, names)), _standing(report.reports))


def _blocks(checker: Checker, report: ClassReport, names: bool) -> Iterator[Block]:
    words = Words(checker.spec)
    reports = report.reports
    named = list(zip(told_apart(reports), reports, strict=True))
    if len(reports) > 1:
        yield Section("Marks", tuple(_marks(checker, reports)))
    causes = tuple(common_causes(reports, words))
    if causes:
        yield Section("What many sheets have in common", (Bullets(causes, "note"),))
    shares = tuple(_shares(reports, words))
    if shares:
        yield Section("What to teach again", (Shares(shares),))
    if len(reports) > 1:
        yield Section("Step by step", tuple(_steps(checker, reports, words)))
    talks = tuple(_attention(named, words, names))
    if talks:
        yield Section("Whom to talk to", talks)
    notes = tuple(_notes(named, words, names))
    if notes:
        yield Section("Notes", (Bullets(notes),))
    if report.unreadable:
        reasons = tuple(inert(each.reason) for each in report.unreadable)
        yield Section("Files that could not be read", (Bullets(reasons, "wrong"),))
    if names and named:
        yield Section("By name", tuple(roster(checker, named, words)))


# How they did


def _marks(checker: Checker, reports: Sequence[Report]) -> Iterator[Block]:
    """How many students have how many marks, in percent where these are out of different totals."""
    totals = {report.score.of for report in reports}
    if len(totals) == 1:
        values, of, unit = [report.score.points for report in reports], max(totals), ""
    else:
        values, of, unit = [100 * _share(report) for report in reports], 100.0, " %"
    yield Bars(tuple(_bins(values, of, unit)), heads=("marks", "students", ""))
    if len(totals) > 1 and not checker.spec.ask:
        said = "Each is marked on what they gave; `ask:` in the spec names what counts for all."
        yield Paragraph(said, "fact")


def _bins(values: Sequence[float], of: float, unit: str) -> Iterator[Bar]:
    """From the most marks to the fewest that anybody has; full marks stand by themselves."""
    width = next((each for each in WIDTHS if of <= MOST_BINS * each), of / MOST_BINS)
    full = sum(value >= of for value in values)
    counted = {f"{plain_number(of)}{unit}": full}
    top = of
    while top > 0 and any(value < top for value in values):
        low = max(top - width, 0)
        inside = sum(low <= value < top for value in values)
        counted[f"{plain_number(low)} to below {plain_number(top)}{unit}"] = inside
        top = low
    most = max(counted.values())
    for label, students in counted.items():
        yield Bar(label, str(students), students / most)


def _steps(checker: Checker, reports: Sequence[Report], words: Words) -> Iterator[Block]:
    """Of each step how many have it right, and whose first mistake it is."""
    symbols = symbols_of(steps_of(checker, reports), words)
    firsts = [report.first_mistake for report in reports]
    rows, easy = [], []
    for name, symbol in symbols.items():
        share = share_right([q for report in reports for q in report.quantities if q.name == name])
        first = sum(judged is not None and judged.name == name for judged in firsts)
        if share is None:
            continue
        if share == 1:
            easy.append(symbol)
            continue
        remark = Cell(f"the first mistake of {first}", "wrong") if first else Cell("")
        rows.append(Bar(symbol, f"{100 * share:.0f} %", share, remark))
    if rows:
        yield Bars(tuple(rows), heads=("step", "right", ""))
    if easy:
        yield Paragraph(f"Right for all who gave them: {', '.join(easy)}.", "fact")


# How the sheets were read


def _notes(named: Named, words: Words, names: bool) -> Iterator[str]:
    """Each note once, with whom it concerns unless that is everybody."""
    concerned: dict[str, list[str]] = {}
    for name, report in named:
        for note in dict.fromkeys(_notes_of(report, words)):
            concerned.setdefault(note, []).append(name)
    for note, students in concerned.items():
        by_name = names and len(students) <= FEW
        who = listed(students, "and") if by_name else count(len(students), "student")
        yield note if len(students) == len(named) > 1 else f"{who}: {note}"


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


# What went wrong


def _shares(reports: Sequence[Report], words: Words) -> Iterator[tuple[str, float, str]]:
    """How many students did what, the most frequent first; a student counts once for each deed.
    What one student alone has wrong, and nothing explains, is nothing to teach a class."""
    known: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for report in reports:
        known.update(list(dict.fromkeys(_deeds(report, words))))
        unknown.update(list(_unexplained(report, words)))
    shared = {deed: students for deed, students in unknown.items() if students > 1}
    for deed, students in sorted([*known.items(), *shared.items()], key=lambda found: -found[1]):
        told = f"{students} of {len(reports)}"
        yield told, students / len(reports), done_by(students, deed)


def _deeds(report: Report, words: Words) -> Iterator[str]:
    for judged in report.quantities:
        if judged.explanations and judged.repeated is None:
            yield words.deed(_unlike(judged.explanations))


def _unexplained(report: Report, words: Words) -> Iterator[str]:
    for judged in report.quantities:
        if judged.verdict == "wrong" and not judged.explanations:
            yield f"have {words.name(judged.name)} wrong, in a way that no known mistake explains"


def _unlike(explanations: tuple[Explanation, ...]) -> list[Explanation]:
    """One of each kind: numbers misread in different ways are one deed."""
    return list({explanation.mistakes: explanation for explanation in explanations}.values())


def _attention(named: Named, words: Words, names: bool) -> Iterator[Block]:
    """Why to talk to somebody, and to whom or to how many: few marks, a first mistake that nothing
    explains."""
    concerned: dict[str, list[str]] = {}
    for student, report in sorted(named, key=lambda each: _share(each[1])):
        for reason, detail in _reasons(report, words):
            concerned.setdefault(reason, []).append(f"{student}{detail}")
    for reason, students in concerned.items():
        yield Paragraph(reason, "heading", 1)
        who = ", ".join(students) if names else count(len(students), "student")
        yield Paragraph(who, inset=2)


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
