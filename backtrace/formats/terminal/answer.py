"""What was written, and what was expected, as matrices on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backtrace.formats.terminal.boxes import (
    ASCII,
    UNICODE,
    Box,
    Line,
    Mark,
    NamedMatrix,
    Piece,
    joined,
    line_width,
    matrix,
)
from backtrace.formats.terminal.grid import equation, gallery
from backtrace.formats.terminal.layout import INDENT, Layout
from backtrace.page.blocks import Answer

LABEL = 19  # columns of "With your numbers" and the space behind it, which stands below


def answer(block: Answer, layout: Layout) -> Iterator[Line]:
    """``You wrote  δ₂ = [0.751  -0.230]``; several under the symbol, beside each other."""
    style = UNICODE if layout.unicode else ASCII
    if len(block.rows) == 1:
        ((label, rows),) = block.rows
        yield from _equation(label, block.symbol, _entries("", rows, layout), layout)
        return
    yield []
    yield [(" " * INDENT + layout.say(block.symbol), "heading")]
    blocks = [_entries(label, rows, layout) for label, rows in block.rows]
    yield from gallery([blocks], layout.width, INDENT, style)


def _equation(label: str, symbol: str, entries: NamedMatrix, layout: Layout) -> list[Line]:
    style = UNICODE if layout.unicode else ASCII
    margin, name = (" " * INDENT, ""), layout.say(symbol)
    head: Line = [margin, (label.ljust(LABEL), "label"), (f"{name} = ", "")]
    box = joined([Box([head], line_width(head)), matrix(entries, style)])
    if box.width <= layout.width:
        return box.lines
    pieces: list[Piece] = [Mark(name), Mark("="), entries]
    return [[margin, (label, "label")], *equation(pieces, layout.width, INDENT + 2, style)]


def _entries(label: str, rows: Sequence[Sequence[str]], layout: Layout) -> NamedMatrix:
    """Rows of one length, where a student's own are not."""
    width = max(map(len, rows), default=0)
    cells = [[*map(layout.say, line), *[""] * (width - len(line))] for line in rows]
    bare = not label and len(cells) == width == 1
    return NamedMatrix(label, cells, role="key" if label else "written", bare=bare)
