"""Tables of a page: columns in one width each, and what becomes of those that don't fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import Page

GAP = "  "  # between the columns of a table whose rows have roles


class Row(msgspec.Struct, frozen=True):
    """A row of a table: its cells as texts, and the role of the mark and name before them."""

    cells: tuple[str, ...]
    role: str = ""


def table(rows: Sequence[Row], page: Page, left: Iterable[int]) -> Iterator[Line]:
    """Columns under each other, those of ``left`` flush left; too narrow a page folds each row.

    The first row is the header.
    """
    flush = frozenset(left)
    texts = [[page.say(cell) for cell in row.cells] for row in rows]
    columns = [even(column, left=at in flush) for at, column in enumerate(zip(*texts, strict=True))]
    if _width(columns, GAP) > page.width:
        yield from _folded(rows, texts, page)
        return
    for row, (name, *cells) in zip(rows, zip(*columns, strict=True), strict=True):
        rest = GAP + GAP.join(cells).rstrip()
        yield [(name, row.role), (rest, "label" if row.role == "label" else "")]


def _folded(rows: Sequence[Row], texts: Sequence[list[str]], page: Page) -> Iterator[Line]:
    """A row as its name, and below it its cells with what they are."""
    header = texts[0]
    for row, (name, *cells) in zip(rows[1:], texts[1:], strict=True):
        yield [(name, row.role)]
        named = zip(header[1:], cells, strict=True)
        phrases = [f"{label} {cell}".strip() for label, cell in named if cell]
        yield from page.paragraph(", ".join(phrases), "")


def even(column: Sequence[str], *, left: bool = False) -> list[str]:
    """The texts in one width, set to the right, or with ``left`` to the left."""
    width = max(map(text_width, column))
    spaces = [" " * (width - text_width(text)) for text in column]
    return [
        text + space if left else space + text for text, space in zip(column, spaces, strict=True)
    ]


def grouped(columns: Sequence[Sequence[str]], room: int, gap: str) -> Iterator[list[str]]:
    """The rows of a table, group by group: the first column, and as many others as fit beside it.

    There is always one other, if there is any.
    """
    first, *others = map(even, columns)
    groups = [[first]]
    for column in others:
        if _width([*groups[-1], column], gap) > room and groups[-1][1:]:
            groups.append([first])
        groups[-1].append(column)
    for group in groups:
        yield [gap.join(row) for row in zip(*group, strict=True)]


def _width(columns: Sequence[Sequence[str]], gap: str) -> int:
    """Of even columns beside each other."""
    return sum(text_width(column[0]) for column in columns) + len(gap) * (len(columns) - 1)
