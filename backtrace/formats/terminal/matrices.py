"""Quantities as matrices on a terminal: in an equation, whole, written beside expected ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backtrace.formats.terminal.boxes import (
    MORE_BOTH,
    MORE_COLUMNS,
    MORE_ROWS,
    Box,
    Line,
    Mark,
    NamedMatrix,
    Piece,
    joined,
    line_width,
    matrix,
)
from backtrace.formats.terminal.grid import equation, fitted, gallery
from backtrace.formats.terminal.layout import INDENT, Layout
from backtrace.page.blocks import Answer, Matrices
from backtrace.page.figures import Printout

LABEL = 19  # columns of "With your numbers" and the space behind it, which stands below
DOTS = {(True, True): MORE_BOTH, (True, False): MORE_ROWS, (False, True): MORE_COLUMNS}


def printed_block(made: Printout, name: str, role: str, layout: Layout) -> NamedMatrix:
    """A matrix, or a single number without brackets."""
    say = layout.say
    number = bare_number(made)
    if number is not None:
        return NamedMatrix(say(name), [[say(number)]], "", role, bare=True)
    lines = [
        [
            say(DOTS.get((row is None, column is None), text))
            for column, text in zip(made.columns, line, strict=True)
        ]
        for row, line in zip(made.rows, made.cells, strict=True)
    ]
    numbers: tuple[int, ...] = ()
    if None in (*made.rows, *made.columns):
        numbers = tuple(0 if column is None else column + 1 for column in made.columns)
    return NamedMatrix(say(name), lines, say(" × ".join(map(str, made.shape))), role, numbers)


def bare_number(made: Printout) -> str | None:
    """The number that a matrix of one entry is written as."""
    return made.cells[0][0] if made.shape in ((), (1, 1)) else None


def matrices(block: Matrices, layout: Layout) -> Iterator[Line]:
    """Quantities beside each other, each under its symbol and its size."""
    boxes = [_named(_whole(each, block.tone, layout), layout) for each in block.quantities]
    return iter(gallery([[box] for box in boxes], layout.breadth, INDENT))


def _named(block: NamedMatrix, layout: Layout) -> Box:
    return fitted(block, layout.breadth - INDENT, layout.style)


def _whole(quantity: Answer, tone: str, layout: Layout) -> NamedMatrix:
    ((_, rows),) = quantity.rows
    cells = [[layout.say(text) for text in row] for row in rows]
    size = layout.say(f"{len(rows)} × {len(rows[0])}")
    return NamedMatrix(layout.say(quantity.symbol), cells, size, tone)


def answer(block: Answer, layout: Layout) -> Iterator[Line]:
    """``You wrote  δ₂ = [0.751  -0.230]``; several under the symbol, beside each other."""
    if len(block.rows) == 1:
        ((label, rows),) = block.rows
        entries = _entries("", _signed(block, rows, layout))
        yield from _equation(label, block.symbol, entries, layout)
        return
    yield []
    yield [(" " * INDENT + layout.say(block.symbol), "heading")]
    found = (_entries(label, _signed(block, rows, layout)) for label, rows in block.rows)
    yield from gallery([[_named(each, layout) for each in found]], layout.breadth, INDENT)


def _equation(label: str, symbol: str, entries: NamedMatrix, layout: Layout) -> list[Line]:
    margin, name = (" " * INDENT, ""), layout.say(symbol)
    head: Line = [margin, (label.ljust(LABEL), "label"), (f"{name} = ", "")]
    box = joined([Box([head], line_width(head)), matrix(entries, layout.style)])
    if box.width <= layout.breadth:
        return box.lines
    pieces: list[Piece] = [Mark(name), Mark("="), entries]
    return [[margin, (label, "label")], *equation(pieces, layout.breadth, INDENT + 2, layout.style)]


def _signed(block: Answer, rows: Sequence[Sequence[str]], layout: Layout) -> list[list[str]]:
    """The entries, with the sign of what is wrong before those that are."""
    return [
        [
            layout.signed(text, "wrong" if (i, j) in block.wrong else "")
            for j, text in enumerate(line, 1)
        ]
        for i, line in enumerate(rows, 1)
    ]


def _entries(label: str, rows: Sequence[Sequence[str]]) -> NamedMatrix:
    """Rows of one length, where a student's own are not."""
    width = max(map(len, rows), default=0)
    cells = [[*line, *[""] * (width - len(line))] for line in rows]
    bare = not label and len(cells) == width == 1
    return NamedMatrix(label, cells, role="key" if label else "written", bare=bare)
