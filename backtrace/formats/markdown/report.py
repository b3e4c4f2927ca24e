"""A student's sheet, or a class, as Markdown; strangers' texts in it are text and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from backtrace.check.model import MARK, Verdict
from backtrace.formats.escaping import markdown
from backtrace.notation.numbers import latex
from backtrace.page.classroom import Classroom, Row
from backtrace.page.elision import is_large
from backtrace.page.report_content import (
    Expected,
    Finding,
    Findings,
    Rows,
    opening,
    sentence,
    shown,
)
from backtrace.page.report_phrases import LEGEND, SPOKEN, Words, done_by, plain_number

PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?(?:/[0-9]+)?|_")


# A student


def sheet(findings: Findings, words: Words) -> str:
    """The sheet as a document of Markdown."""
    return "\n".join(_sheet(findings, words))


def _sheet(findings: Findings, words: Words) -> Iterator[str]:
    yield f"# {markdown(findings.heading)}"
    yield from ("", f"**{markdown(findings.standing)}**", "")
    if findings.groups:
        yield from _table(
            ["", "verdict", "steps", ""],
            [
                [MARK[group.verdict], group.verdict, ", ".join(group.names), group.remark]
                for group in findings.groups
            ],
        )
    for finding in findings.mistakes:
        yield from _mistake(finding, words)
    if findings.expected:
        yield from ("", "## Expected")
        for expected in findings.expected:
            if expected.right:
                continue
            yield from _expected(expected, words)
    if findings.notes:
        yield from ("", "## Notes", "")
        yield from _bullets(findings.notes)


def _mistake(finding: Finding, words: Words) -> Iterator[str]:
    yield from ("", f"## {'The first mistake' if finding.first else 'Another mistake'}", "")
    yield markdown(opening(finding))
    causes = finding.causes or ()
    if len(causes) > 1:
        yield ""
        yield from _bullets([sentence(cause.named, *cause.advice) for cause in causes])
    if finding.causes is not None and finding.first:
        yield from _written(finding, words)
    if finding.working is not None:
        worked = f"{finding.working.left} = {finding.working.right} = ?"
        yield from ("", f"The rule is {markdown(finding.working.rule)}", "")
        yield f"With your numbers {markdown(worked)}"
    if len(causes) == 1 and causes[0].advice:
        yield from ("", markdown(" ".join(causes[0].advice)))


def _written(finding: Finding, words: Words) -> Iterator[str]:
    """What was written: a typeset matrix, or, where it has words in it or is large, a list."""
    rows = shown(finding.judged.written)
    formula = _matrix(rows)
    if formula:
        yield from ("", "You wrote", "")
        yield from _display(f"{_latex(finding, words)} = {formula}")
        return
    places = [place for place in finding.judged.places("wrong") if place[0] <= len(rows)]
    texts = [f"[{i},{j}] = {rows[i - 1][j - 1]}" for i, j in places[:12]]
    more = [f"{len(places) - 12} more"] if len(places) > 12 else []
    yield from ("", f"You wrote {markdown(finding.symbol + ', '.join([*texts, *more]))}")


def _latex(finding: Finding, words: Words) -> str:
    return words.symbols.latex(finding.judged.id)


def _display(formula: str) -> tuple[str, str, str]:
    return ("$$", formula, "$$")


def _matrix(rows: Rows) -> str:
    """A matrix in LaTeX; empty where an entry is anything but a plain number, or it is large."""
    even = len({len(line) for line in rows}) == 1
    if not even or is_large((len(rows), len(rows[0]))):
        return ""
    if not all(PLAIN.fullmatch(text) for line in rows for text in line):
        return ""
    lines = [" & ".join(r"\_" if text == "_" else latex(text) for text in line) for line in rows]
    body = " \\\\\n".join(lines)
    return (
        body if len(rows) == len(rows[0]) == 1 else f"\\begin{{bmatrix}}\n{body}\n\\end{{bmatrix}}"
    )


def _expected(expected: Expected, words: Words) -> Iterator[str]:
    """What was written above what was expected, typeset where it can be, else a line an entry."""
    rows = [("you wrote", expected.written), ("expected", expected.as_written)]
    rows += [("more exactly", expected.precise)] if expected.says_more else []
    formulas = [_matrix(entries) if entries else "" for _, entries in rows]
    yield from ("", f"### {markdown(expected.symbol)}", "")
    if all(formulas):
        for (label, _), formula in zip(rows, formulas, strict=True):
            symbol = words.symbols.latex(expected.name.partition("@")[0])
            yield from (f"{label[0].upper()}{label[1:]}", "")
            yield from (*_display(f"{symbol} = {formula}"), "")
    else:
        yield from _table(["entry", *(label for label, _ in rows)], _entries(rows))


def _entries(rows: Sequence[tuple[str, Rows]]) -> Iterator[list[str]]:
    expected = rows[1][1]
    for i, line in enumerate(expected, 1):
        for j in range(1, len(line) + 1):
            yield [f"[{i},{j}]", *(_entry(entries, i, j) for _, entries in rows)]


def _entry(rows: Rows, i: int, j: int) -> str:
    return rows[i - 1][j - 1] if i <= len(rows) and j <= len(rows[i - 1]) else ""


# A class


def class_sheet(classroom: Classroom) -> str:
    """The class as a document of Markdown: table, mistakes, whom to talk to, unreadable files."""
    return "\n".join(_class_sheet(classroom))


def _class_sheet(classroom: Classroom) -> Iterator[str]:
    yield f"# {markdown(classroom.heading)}"
    yield from ("", f"**{markdown(classroom.standing)}**")
    if classroom.rows:
        yield ""
        yield from _class_table(classroom)
    if classroom.marking:
        yield from ("", markdown(classroom.marking))
    tallies = [
        f"{t.students} of {classroom.students} {done_by(t.students, t.deed)}"
        for t in classroom.tallies
    ]
    yield from _section("What went wrong", tallies)
    talks = [f"{each.student}: {'; '.join(each.reasons)}" for each in classroom.attention]
    yield from _section("Whom to talk to", talks)
    yield from _section("Notes", classroom.notes)
    yield from _section(
        "Files that could not be read", [each.reason for each in classroom.unreadable]
    )


def _class_table(classroom: Classroom) -> Iterator[str]:
    several = len({(c.epoch, c.batch) for c in classroom.columns}) > 1
    names = [
        f"{column.symbol}@{column.epoch}.{column.batch}" if several else column.symbol
        for column in classroom.columns
    ]
    yield from _table(
        ["student", "marks", *names], [_cells(row, classroom) for row in classroom.rows]
    )
    used = {verdict for row in classroom.rows for verdict in row.verdicts.values()}
    yield from ("", " · ".join(f"{MARK[v]} {LEGEND[v]}" for v in SPOKEN if v in used))


def _cells(row: Row, classroom: Classroom) -> list[str]:
    found: list[Verdict | None] = [row.verdicts.get(c.name) for c in classroom.columns]
    earned = f"{plain_number(row.earned)}/{plain_number(row.possible)}"
    return [row.student, earned, *(MARK[v] if v else "" for v in found)]


def _section(title: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield from ("", f"## {title}", "")
        yield from _bullets(items)


# Markdown's own forms


def _bullets(items: Iterable[str]) -> Iterator[str]:
    return (f"- {markdown(item)}" for item in items)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _line(header)
    yield "|" + "---|" * len(header)
    yield from map(_line, rows)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(markdown, cells))} |"
