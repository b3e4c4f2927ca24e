"""A class on a terminal: the table student × step, what went wrong, whom to talk to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from backtrace.check.model import Verdict
from backtrace.formats.measure import padded, text_width, wrapped
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import INDENT, Layout
from backtrace.formats.terminal.report import mark
from backtrace.page.classroom import Classroom, Column, Row
from backtrace.page.report_phrases import LEGEND, SPOKEN, done_by, plain_number

GAP = "  "
CLOSE = " "  # between two steps, whose marks stand further apart
WIDEST_NAME = 28
LONGEST_BAR = 20
MOST_LISTED = 20  # students to talk to, kinds of mistakes, notes


def lines(classroom: Classroom, page: Layout) -> list[Line]:
    """The whole class, in lines no wider than the page."""
    found = page.spread([(classroom.heading, "title")], [(classroom.standing, "heading")])
    found += list(table(classroom, page))
    found += section("What went wrong", list(tallies(classroom, page)), page)
    found += section("Whom to talk to", list(attention(classroom, page)), page)
    found += section("Notes", list(notes(classroom, page)), page)
    unreadable = [
        line for u in classroom.unreadable for line in page.paragraph(u.reason, "wrong", 1)
    ]
    return found + section("Files that could not be read", unreadable, page)


def section(title: str, body: list[Line], page: Layout) -> list[Line]:
    return [[], *page.rule(title), *body] if body else []


# The table


def table(classroom: Classroom, page: Layout) -> Iterator[Line]:
    """Blocks of as many steps as fit, each update's by itself; marks in the first block."""
    names = [page.say(row.student) for row in classroom.rows]
    name = min(max(map(text_width, ["Student", *names]), default=0), WIDEST_NAME, page.width // 3)
    marks = [_marks(row) for row in classroom.rows]
    mark_width = max(map(len, ["marks", *marks]))
    for at, (title, columns) in enumerate(
        _blocks(classroom, page, name + mark_width + len(GAP) + 1)
    ):
        shown = marks if at == 0 else [""] * len(marks)
        header = "marks" if at == 0 else ""
        heading: list[Line] = [[(page.say(title), "heading")]] if title else []
        yield from [[], *heading]
        yield _header(columns, name, header.rjust(mark_width), page)
        for row, text, earned in zip(classroom.rows, names, shown, strict=True):
            yield from _student(row, text, earned.rjust(mark_width), columns, name, page)
    used = {verdict for row in classroom.rows for verdict in row.verdicts.values()}
    if used:
        yield []
        yield from page.flowed([_legend(v, page) for v in SPOKEN if v in used], "fact")
    if classroom.marking:
        yield from page.paragraph(classroom.marking, "fact", 0)


def _marks(row: Row) -> str:
    return f"{plain_number(row.earned)}/{plain_number(row.possible)}"


def _legend(verdict: Verdict, page: Layout) -> str:
    return f"{mark(verdict, page)} {LEGEND[verdict]}"


def _blocks(classroom: Classroom, page: Layout, before: int) -> Iterator[tuple[str, list[Column]]]:
    """The columns by update, in runs that fit beside the names."""
    if not classroom.columns:
        yield "", []
    several = len({(c.epoch, c.batch) for c in classroom.columns}) > 1
    for (epoch, batch), group in groupby(classroom.columns, lambda c: (c.epoch, c.batch)):
        title = f"Epoch {epoch}, batch {batch}" if several else ""
        for run in _runs(list(group), page, page.width - before):
            yield title, run
            title = ""


def _runs(columns: Sequence[Column], page: Layout, room: int) -> Iterator[list[Column]]:
    run: list[Column] = []
    used = 0
    for column in columns:
        step = len(CLOSE) + text_width(page.say(column.symbol))
        if run and used + step > room:
            yield run
            run, used = [], 0
        run.append(column)
        used += step
    if run:
        yield run


def _header(columns: list[Column], name: int, marks: str, page: Layout) -> Line:
    symbols = "".join(CLOSE + page.say(column.symbol) for column in columns)
    return [(f"{'Student'.ljust(name)}{GAP}{marks} {symbols}", "heading")]


def _student(
    row: Row, text: str, marks: str, columns: list[Column], name: int, page: Layout
) -> Iterator[Line]:
    first, *more = wrapped(text, name) or [""]
    line: Line = [(first + " " * (name - text_width(first)) + GAP + marks + " ", "")]
    for column in columns:
        width = text_width(page.say(column.symbol))
        verdict = row.verdicts.get(column.name)
        sign = mark(verdict, page) if verdict else ""
        line.append((CLOSE + padded(sign, width), verdict or ""))
    yield line
    for part in more:
        yield [(part, "")]


# What went wrong, whom to talk to


def tallies(classroom: Classroom, page: Layout) -> Iterator[Line]:
    """``14 of 30  ██████  left out σ′ in δ₂``."""
    if not classroom.tallies:
        return
    most = max(tally.students for tally in classroom.tallies)
    bar = min(LONGEST_BAR, page.width // 4, most)
    counts = [f"{tally.students} of {classroom.students}" for tally in classroom.tallies]
    width = max(map(len, counts))
    margin = 1 + width + 2 + bar + 2
    for count, tally in list(zip(counts, classroom.tallies, strict=True))[:MOST_LISTED]:
        blocks = max(1, round(bar * tally.students / most))
        stroke = ("█" if page.unicode else "#") * blocks
        first, *more = wrapped(page.say(done_by(tally.students, tally.deed)), page.width - margin)
        yield [
            (f" {count.rjust(width)}  ", ""),
            (stroke.ljust(bar), "wrong"),
            (f"  {first}", ""),
        ]
        yield from ([(" " * margin + part, "")] for part in more)
    yield from _rest(len(classroom.tallies), "kinds of mistakes", page)


def attention(classroom: Classroom, page: Layout) -> Iterator[Line]:
    for each in classroom.attention[:MOST_LISTED]:
        yield from page.paragraph(each.student, "heading", 1)
        for reason in each.reasons:
            yield from page.paragraph(reason, "", INDENT)
    yield from _rest(len(classroom.attention), "students", page)


def notes(classroom: Classroom, page: Layout) -> Iterator[Line]:
    for note in classroom.notes[:MOST_LISTED]:
        yield from page.paragraph(note, "note", 1)
    yield from _rest(len(classroom.notes), "notes", page)


def _rest(total: int, what: str, page: Layout) -> Iterator[Line]:
    if total > MOST_LISTED:
        yield from page.paragraph(f"and {total - MOST_LISTED} more {what}", "fact", 1)
