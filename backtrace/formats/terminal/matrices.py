"""Printed quantities as matrices: in an equation, with dots for what is left out, or whole."""

from __future__ import annotations

from collections.abc import Iterator

from backtrace.formats.terminal.boxes import (
    ASCII,
    MORE_BOTH,
    MORE_COLUMNS,
    MORE_ROWS,
    UNICODE,
    Line,
    NamedMatrix,
)
from backtrace.formats.terminal.grid import gallery
from backtrace.formats.terminal.layout import INDENT, Layout
from backtrace.page.blocks import Answer, Matrices
from backtrace.page.figures import Printout

DOTS = {(True, True): MORE_BOTH, (True, False): MORE_ROWS, (False, True): MORE_COLUMNS}


def printed_block(made: Printout, name: str, role: str, layout: Layout) -> NamedMatrix:
    """A matrix, or a single number without brackets."""
    say = layout.say
    if not made.shape:
        return NamedMatrix(say(name), [[say(made.cells[0][0])]], "", role, bare=True)
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


def matrices(block: Matrices, layout: Layout) -> Iterator[Line]:
    """Quantities beside each other, each under its symbol and its size."""
    style = UNICODE if layout.unicode else ASCII
    found = [[_whole(each, block.tone, layout)] for each in block.quantities]
    return iter(gallery(found, layout.width, INDENT, style))


def _whole(quantity: Answer, tone: str, layout: Layout) -> NamedMatrix:
    ((_, rows),) = quantity.rows
    cells = [[layout.say(text) for text in row] for row in rows]
    size = layout.say(f"{len(rows)} × {len(rows[0])}")
    return NamedMatrix(layout.say(quantity.symbol), cells, size, tone)
