"""A step of a trace as a line: formula, numbers put in, result, each at its place in a section."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import msgspec

from backtrace.formats.measure import text_width, wrapped
from backtrace.formats.terminal.boxes import (
    Box,
    Line,
    Piece,
    beside,
    joined,
    line_width,
    shifted,
    trimmed,
)
from backtrace.formats.terminal.grid import CONTINUED, equation
from backtrace.formats.terminal.layout import INDENT, Layout, formula_lines
from backtrace.notation.text import text
from backtrace.page.lines.joined import Joined

APART = 3  # columns between a formula, its numbers and what is said beside them
WIDEST_FORMULA = 36  # columns; a longer one does not push the numbers of the others to the right


class Columns(msgspec.Struct, frozen=True):
    """How wide the columns of a section are: the steps' numbers, the symbols before =, formulas."""

    numbers: int = 2
    symbols: int = 0
    formulas: int = 0

    @classmethod
    def of(cls, steps: Sequence[Joined], layout: Layout) -> Columns:
        symbols = max((text_width(layout.say(each.last.symbol)) for each in steps), default=0)
        found = [text_width(formula_of(each, layout, symbols)) for each in steps]
        widest = max((width for width in found if width <= WIDEST_FORMULA), default=0)
        numbers = max((text_width(layout.say(each.numbers)) for each in steps), default=0)
        return cls(max(2, numbers), symbols, widest)


def formula_of(step: Joined, layout: Layout, symbols: int = 0) -> str:
    """``ŷ = z₂ = a₁W₂ + b₂``: the symbols of the steps that are one line, and what they are."""
    worked = step.worked
    assert worked.equation is not None
    named = [each for each in reversed(step.steps) if each not in step.beside]
    first, *others = (layout.say(each.symbol) for each in named)
    right = worked.equation.right if worked.equation.rule is None else worked.equation.rule
    first += " " * (symbols - text_width(first))
    return " = ".join([first, *others, layout.say(text(right, worked.figures.symbols))])


class StepLine(msgspec.Struct, frozen=True):
    """What is on a line: its number, the formula, the numbers put in and what stands beside.

    Of the ``asides``, which say the same in fewer and fewer words, the first that fits.
    """

    number: Line
    formula: str
    pieces: Sequence[Piece]
    asides: tuple[str, ...] = ()

    def lines(self, page: Layout, column: int) -> list[Line]:
        """One line, if it fits; else the result stands below the numbers or both below the formula,
        whichever is shorter. ``column`` is how wide the formulas of the section are."""
        width = text_width(self.formula)
        heads = [self.head(room) for room in dict.fromkeys((max(column, width), width))]
        for head in heads:
            box = joined([head, beside(self.pieces, page.style)])
            lines = self.with_aside(box.lines, box, page)
            if lines:
                return lines
        below = self.below(page)
        hanging = self.hanging(heads[-1], page) if len(self.pieces) > 1 else []
        return hanging if hanging and len(hanging) < len(below) else below

    def head(self, room: int) -> Box:
        gap = " " * (room - text_width(self.formula) + APART if self.pieces else 0)
        line: Line = [*self.number, (self.formula + gap, "")]
        return Box([line], line_width(line))

    def hanging(self, head: Box, page: Layout) -> list[Line]:
        """The numbers beside the formula and their result below them; none where they don't fit."""
        *numbers, equals, result = self.pieces
        boxes = [beside(part, page.style) for part in (numbers, [equals, result])]
        rows = [joined([head, boxes[0]]), shifted(boxes[1], head.width)]
        lines = [line for row in rows for line in row.lines]
        return self.with_aside(lines, rows[0], page) if numbers else []

    def below(self, page: Layout) -> list[Line]:
        indent = line_width(self.number)
        room = page.breadth - indent
        fits = text_width(self.formula) <= room
        first, *more = [self.formula] if fits else formula_lines(self.formula, room - CONTINUED)
        lines: list[Line] = [[*self.number, (first, "")]]
        lines += [[(" " * (indent + CONTINUED) + line, "")] for line in more]
        one = Box(lines, line_width(lines[0]))
        lines = self.with_aside(lines, one, page) or lines + self.aside_below(page)
        return lines + equation(self.pieces, page.breadth, INDENT, page.style)

    def with_aside(self, lines: Sequence[Line], box: Box, page: Layout) -> list[Line]:
        """The lines, and at the margin what is said beside, in the middle one of the ``box`` that
        they begin with, or in another of its matrix; none where they or that don't fit."""
        lines = [trimmed(line) for line in lines]
        room = [page.breadth - line_width(line) for line in lines]
        if min(room) < 0 or not self.asides:
            return [] if min(room) < 0 else lines
        middle, above = box.middle, box.middle - box.above
        others = [*range(middle + 1, middle + 1 + box.below), *range(above, middle)]
        for at, aside in [*product([middle], self.asides), *product(others, self.asides)]:
            space = room[at] - text_width(page.say(aside))
            if space >= APART:
                lines[at] = [*lines[at], (" " * space, ""), (page.say(aside), "aside")]
                return lines
        return []

    def aside_below(self, page: Layout) -> list[Line]:
        """What is said beside, on lines of its own."""
        words = wrapped(page.say(self.asides[-1]), page.breadth - line_width(self.number))
        return [[(" " * (page.breadth - text_width(line)), ""), (line, "aside")] for line in words]
