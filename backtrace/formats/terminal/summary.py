"""A trace on one screen: each quantity with its size and its value on a line or a few."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from backtrace.formats.measure import pieces_of, text_width
from backtrace.formats.terminal.boxes import MORE_COLUMNS, MORE_ROWS, Line
from backtrace.formats.terminal.grid import with_gaps
from backtrace.formats.terminal.matrices import Format
from backtrace.notation.numbers import aligned, cells, number
from backtrace.notation.steps import repeats
from backtrace.notation.symbols import Symbols
from backtrace.page.elision import is_large, shown
from backtrace.page.sections import ROLES, SECTIONS
from backtrace.tape.trace import Trace, TracedStep

GAP = "  "
ENTRY = re.compile(r"(\s*)(\S+(?: [;\]])?)")  # with the gap before, and the sign behind it
MOST_ROWS = 3  # of a matrix that may take a line each
MOST_LINES = 2  # that a matrix of more rows may take before it is elided


def summary(
    trace: Trace,
    chosen: Sequence[tuple[TracedStep, Any]],
    symbols: Symbols,
    form: Format,
    say: Callable[[str], str],
) -> list[Line]:
    """The steps and values ``chosen``, a line or a few each; what only repeats one joins its line.

    ``say`` puts a text in the terminal's characters.
    """
    names: dict[str, list[str]] = {}
    rows: list[tuple[TracedStep, Any]] = []
    for traced, value in chosen:
        same = repeats(traced, trace)
        if same in names:
            names[traced.id] = names[same]
            names[traced.id].append(symbols.name(traced.id))
            continue
        names[traced.id] = [symbols.name(traced.id)]
        rows.append((traced, value))
    table = [(traced, say(" = ".join(names[traced.id])), value) for traced, value in rows]
    return list(_lines(table, form, say))


def _lines(
    table: list[tuple[TracedStep, str, Any]], form: Format, say: Callable[[str], str]
) -> Iterator[Line]:
    sections = [SECTIONS[traced.phase] for traced, _, _ in table]
    sizes = [say(" × ".join(map(str, value.shape))) for _, _, value in table]
    first, second, third = (
        max(map(text_width, texts), default=0)
        for texts in (sections, [name for _, name, _ in table], sizes)
    )
    margin = first + second + third + 3 * len(GAP)
    before = ""
    for section, size, (traced, name, value) in zip(sections, sizes, table, strict=True):
        role = ROLES[traced.phase]
        shown, *more = _shown(value, form, form.width - margin, say)
        yield [
            (("" if section == before else section).ljust(first) + GAP, "heading"),
            (name + " " * (second - text_width(name)) + GAP, role + ".name"),
            (size.rjust(third) + GAP, "dims"),
            (shown, role),
        ]
        yield from ([(" " * margin + line, role)] for line in more)
        before = section


def inline(value: Any, decimals: int) -> str:
    """A value in one line: ``0.7225``, ``[ 1  2 ; 3  4 ]``."""
    return _brief(value, decimals, *value.shape) if value.shape else number(value, decimals)


def _shown(value: Any, form: Format, room: int, say: Callable[[str], str]) -> list[str]:
    """A value in lines of at most ``room`` columns: all of it, or its corners on one line."""
    room = max(room, 1)
    if value.shape == ():
        return list(pieces_of(inline(value, form.decimals), room))
    if form.full or not is_large(value.shape):
        lines = _folded(value, form, room)
        if form.full or len(lines) <= (MOST_ROWS if value.shape[0] <= MOST_ROWS else MOST_LINES):
            return lines
    for rows, columns in [(2, 2), (1, 2)]:
        text = say(_brief(value, form.decimals, rows, columns))
        if text_width(text) <= room:
            return [text]
    return [say(MORE_COLUMNS)]


def _folded(value: Any, form: Format, room: int) -> list[str]:
    """All of a matrix: in one line, a line a row where these are few, or as many as it takes."""
    whole = inline(value, form.decimals)
    if text_width(whole) <= room:
        return [whole]
    rows = _by_rows(value, form.decimals)
    if not form.full and (len(rows) > MOST_ROWS or max(map(text_width, rows)) + len(GAP) > room):
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


def _brief(value: Any, decimals: int, most_rows: int, most_columns: int) -> str:
    """``[ 1  2 ; 3  4 ]``, with ⋯ for what is more than so many rows and columns."""
    rows, columns = shown(value.shape[0], most_rows), shown(value.shape[1], most_columns)
    texts = with_gaps(cells(value[rows][:, columns], decimals), rows, columns)
    lines = [MORE_ROWS if row[0] == MORE_ROWS else GAP.join(row) for row in texts]
    left_out = f" ; {MORE_ROWS}" if len(rows) == 1 < value.shape[0] else ""
    return f"[ {' ; '.join(lines)}{left_out} ]"
