"""Tables on a terminal: columns in one width each, and what becomes of those that don't fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from backtrace.formats.measure import text_width, wrapped
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import INDENT, Layout
from backtrace.page.blocks import Cell, Table

GAP = "  "
MARGIN = " "


def table(block: Table, layout: Layout) -> Iterator[Line]:
    """Columns under each other; where the page is too narrow for them, each row by itself."""
    header = [Cell(column.header, "label") for column in block.columns]
    rows = [header, *block.rows]
    columns = [
        even([layout.signed(cell.text, cell.tone) for cell in cells], left=column.left)
        for column, cells in zip(block.columns, zip(*rows, strict=True), strict=True)
    ]
    if len(MARGIN) + _width(columns, GAP) > layout.width:
        yield from NARROW[block.narrow](block, layout)
        return
    for row, texts in zip(rows, zip(*columns, strict=True), strict=True):
        line: Line = []
        for cell, text in zip(row, texts, strict=True):
            line += [(GAP if line else MARGIN, ""), (text, cell.tone)]
        yield line


def _paragraphs(block: Table, layout: Layout) -> Iterator[Line]:
    """A row as its name, and below it its cells with what they are."""
    for name, *cells in block.rows:
        yield [(MARGIN + layout.signed(name.text, name.tone), name.tone)]
        named = zip(block.columns[1:], cells, strict=True)
        phrases = [f"{column.header} {cell.text}".strip() for column, cell in named if cell.text]
        yield from layout.paragraph(", ".join(phrases), "")


def _lists(block: Table, layout: Layout) -> Iterator[Line]:
    """A row as its name, and below it a cell a line, folded beside what it is."""
    labels = even([column.header for column in block.columns[1:]], left=True)
    margin = INDENT + text_width(labels[0]) + len(GAP)
    for at, (name, *cells) in enumerate(block.rows):
        yield from [[]] if at else []
        yield [(layout.say(name.text), name.tone)]
        for label, cell in zip(labels, cells, strict=True):
            head = " " * INDENT + label + GAP
            for part in wrapped(layout.say(cell.text), layout.breadth - margin):
                yield [(head, "label"), (part, cell.tone)]
                head = " " * margin


def _stacks(block: Table, layout: Layout) -> Iterator[Line]:
    """A row as its name, and beside it the other cells, each below the other."""
    names = even([MARGIN + layout.say(row[0].text) + GAP for row in block.rows], left=True)
    for name, (first, second, *others) in zip(names, block.rows, strict=True):
        labelled = zip(block.columns[2:], others, strict=True)
        texts = [(second.text, second.tone)]
        texts += [(f"{column.header}: {cell.text}", cell.tone) for column, cell in labelled]
        head = name
        for words, tone in texts:
            for part in wrapped(layout.say(words), layout.breadth - text_width(name)):
                yield [(head, first.tone), (part, tone)]
                head = " " * text_width(name)


NARROW: dict[str, Callable[[Table, Layout], Iterator[Line]]] = {
    "paragraphs": _paragraphs,
    "lists": _lists,
    "stacks": _stacks,
}


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
