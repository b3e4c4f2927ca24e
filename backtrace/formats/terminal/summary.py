"""A trace on one screen: each quantity with its size and its value on a line or a few."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from backtrace.formats.measure import pieces_of, text_width
from backtrace.formats.terminal.boxes import MORE_COLUMNS, MORE_ROWS, Line
from backtrace.formats.terminal.grid import with_gaps
from backtrace.formats.terminal.layout import Layout
from backtrace.notation.numbers import aligned, cells, number
from backtrace.page.elision import Elision, is_large
from backtrace.page.sections import ROLES, SECTIONS
from backtrace.page.step_block import StepBlock

GAP = "  "
WHOLE = Elision()
ENTRY = re.compile(r"(\s*)(\S+(?: [;\]])?)")  # with the gap before, and the sign behind it
MOST_ROWS = 3  # of a matrix that may take a line each
MOST_LINES = 2  # that a matrix of more rows may take before it is elided


def summary(steps: Sequence[StepBlock], layout: Layout) -> list[Line]:
    """The values of ``steps``, a line or a few each; what only repeats one joins its line."""
    names: dict[str, list[str]] = {}
    rows: list[StepBlock] = []
    for step in steps:
        if step.repeats in names:
            names[step.id] = names[step.repeats]
            names[step.id].append(step.symbol)
            continue
        names[step.id] = [step.symbol]
        rows.append(step)
    return list(_lines([(step, layout.say(" = ".join(names[step.id]))) for step in rows], layout))


def _lines(table: list[tuple[StepBlock, str]], layout: Layout) -> Iterator[Line]:
    sections = [SECTIONS[step.traced.phase] for step, _ in table]
    sizes = [layout.say(" × ".join(map(str, step.value.shape))) for step, _ in table]
    first, second, third = (
        max(map(text_width, texts), default=0)
        for texts in (sections, [name for _, name in table], sizes)
    )
    margin = first + second + third + 3 * len(GAP)
    before = ""
    for section, size, (step, name) in zip(sections, sizes, table, strict=True):
        role = ROLES[step.traced.phase]
        shown, *more = _shown(step, layout.width - margin, layout.say)
        yield [
            (("" if section == before else section).ljust(first), role + ".heading"),
            (GAP + name + " " * (second - text_width(name)) + GAP, role),
            (size.rjust(third) + GAP, "dims"),
            (shown, "result"),
        ]
        margin_of_more: Line = [(" " * first, role + ".heading"), (" " * (margin - first), "")]
        yield from ([*margin_of_more, (line, "result")] for line in more)
        before = section


def inline(value: Any, decimals: int) -> str:
    """A value in one line: ``0.7225``, ``[ 1  2 ; 3  4 ]``."""
    return _brief(value, decimals, *value.shape) if value.shape else number(value, decimals)


def _shown(step: StepBlock, room: int, say: Callable[[str], str]) -> list[str]:
    """A value in lines of at most ``room`` columns: all of it, or its corners on one line."""
    value, decimals, full = step.value, step.figures.decimals, step.figures.elision.full
    room = max(room, 1)
    if value.shape == ():
        return list(pieces_of(inline(value, step.figures.decimals_of(step.traced)), room))
    if full or not is_large(value.shape):
        lines = _folded(value, decimals, room, full=full)
        if full or len(lines) <= (MOST_ROWS if value.shape[0] <= MOST_ROWS else MOST_LINES):
            return lines
    for rows, columns in [(2, 2), (1, 2)]:
        text = say(_brief(value, decimals, rows, columns, step.figures.elision))
        if text_width(text) <= room:
            return [text]
    return [say(MORE_COLUMNS)]


def _folded(value: Any, decimals: int, room: int, *, full: bool) -> list[str]:
    """All of a matrix: in one line, a line a row where these are few, or as many as it takes."""
    whole = inline(value, decimals)
    if text_width(whole) <= room:
        return [whole]
    rows = _by_rows(value, decimals)
    if not full and (len(rows) > MOST_ROWS or max(map(text_width, rows)) + len(GAP) > room):
        rows = [whole.removeprefix("[ ")]
    lines = [line for row in rows for line in _filled(row, room)]
    lines[0] = f"[{lines[0][1:]}"
    return [piece for line in lines for piece in pieces_of(line, room)]


def _by_rows(value: Any, decimals: int) -> list[str]:
    """``0.1  0.2 ;`` and ``0.3  0.4 ]``, the decimal points in line."""
    columns = map(aligned, zip(*cells(value, decimals), strict=True))
    *first, last = (GAP.join(row) for row in zip(*columns, strict=True))
    return [*(f"{row} ;" for row in first), f"{last} ]"]


def _filled(entries: str, room: int) -> list[str]:
    """``0.1  0.2 ; 0.3 ]`` in lines of as many entries as fit, indented."""
    lines = [GAP]
    for gap, entry in ENTRY.findall(entries):
        if text_width(lines[-1] + gap + entry) <= room:
            lines[-1] += gap + entry
        else:
            lines.append(GAP + entry)
    return lines


def _brief(
    value: Any, decimals: int, most_rows: int, most_columns: int, elision: Elision = WHOLE
) -> str:
    """``[ 1  2 ; 3  4 ]``, with ⋯ for what is more than so many rows and columns."""
    rows, columns = map(elision.shown, value.shape, (most_rows, most_columns))
    texts = with_gaps(cells(value[rows][:, columns], decimals), rows, columns, value.shape)
    lines = [MORE_ROWS if MORE_ROWS in row else GAP.join(row) for row in texts]
    return f"[ {' ; '.join(lines)} ]"
