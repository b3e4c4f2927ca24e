"""Printed quantities as blocks for an equation, with dots for what is left out."""

from __future__ import annotations

from typing import Any

from backtrace.formats.terminal.boxes import MORE_BOTH, MORE_COLUMNS, MORE_ROWS, NamedMatrix
from backtrace.formats.terminal.layout import Layout
from backtrace.notation.numbers import cells
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


def whole_block(value: Any, name: str, role: str, decimals: int, layout: Layout) -> NamedMatrix:
    """All of a 2-D value."""
    texts = [[layout.say(text) for text in line] for line in cells(value, decimals)]
    size = " × ".join(map(str, value.shape))
    return NamedMatrix(layout.say(name), texts, layout.say(size), role)
