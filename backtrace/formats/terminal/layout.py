"""The parts of a page of text: rules, paragraphs, a line with something at its right margin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from backtrace.formats.measure import pieces_of, plain, raised, text_width, wrapped
from backtrace.formats.terminal.boxes import ASCII, UNICODE, Line, Style, line_width
from backtrace.page.inert import inert
from backtrace.page.tones import SIGNS

INDENT = 4
WIDEST = 120  # columns; on a wider page the right margin would be too far to see
APART = "   "  # between short phrases on a line
OPERATORS = re.compile(r" (?=(?:=|≈|~|\+|−|-|·|\*|⊙|/|\(\.\)) )")  # where a formula may be folded
ASCII_DASHES = {"─": "-", "═": "="}


class Layout(msgspec.Struct, frozen=True):
    """A page ``width`` columns wide; without ``unicode`` everything on it is ASCII.

    With ``colour`` pictures are drawn in greys.
    Every method returns lines that fit, and are no wider than ``breadth``.
    """

    width: int
    unicode: bool = True
    colour: bool = False

    @property
    def breadth(self) -> int:
        """How wide rules are, and everything below them at most."""
        return min(self.width, WIDEST)

    @property
    def style(self) -> Style:
        return UNICODE if self.unicode else ASCII

    def say(self, words: str) -> str:
        """``words`` in the characters that the page has, and nothing that a terminal obeys."""
        return raised(inert(words)) if self.unicode else plain(inert(words))

    def signed(self, words: str, tone: str) -> str:
        """``words`` behind the sign of their tone, where it has one."""
        sign = SIGNS[tone][0 if self.unicode else 1] if tone in SIGNS else ""
        return " ".join(filter(None, (sign, self.say(words))))

    def spoken(self, line: Line) -> Line:
        return [(self.say(part), role) for part, role in line]

    def rule(
        self, left: str, right: str = "", dash: str = "─", tone: str = "heading"
    ) -> list[Line]:
        """``── Forward → ────── layer 1, ReLU ──``, exactly as wide as the page."""
        stroke = dash if self.unicode else ASCII_DASHES[dash]
        left, right = self.say(left), self.say(right)
        filled = self.breadth - 4 - text_width(left) - (text_width(right) + 4 if right else 0)
        if filled < 1 and right:
            return [*self.rule(left, "", dash, tone), *self.paragraph(right, "rule")]
        if filled < 1:
            return self.paragraph(left, tone, 0)
        line: Line = [(stroke * 2 + " ", "rule"), (left, tone), (f" {stroke * filled}", "rule")]
        return [[*line, (f" {right} ", ""), (stroke * 2, "rule")] if right else line]

    def paragraph(self, words: str, role: str, indent: int = INDENT) -> list[Line]:
        lines = wrapped(self.say(words), self.breadth - indent)
        margin: Line = [(" " * indent, "")] if indent else []
        return [[*margin, (line, role)] for line in lines]

    def flowed(self, phrases: Iterable[str], role: str) -> list[Line]:
        """Short phrases beside each other, as many on a line as fit."""
        lines: list[str] = []
        for phrase in map(self.say, phrases):
            if lines and text_width(lines[-1] + APART + phrase) <= self.breadth:
                lines[-1] += APART + phrase
            else:
                lines += wrapped(phrase, self.breadth)
        return [[(line, role)] for line in lines]

    def spread(self, left: Line, right: Line) -> list[Line]:
        """``left``, and ``right`` at the right margin: on its own lines where both don't fit."""
        left, right = self.spoken(left), self.spoken(right)
        space = self.breadth - line_width(left) - line_width(right)
        if space >= 2:
            return [[*left, (" " * space, ""), *right]]
        return self.folded_title(left) + self.folded_right(right)

    def folded_title(self, title: Line) -> list[Line]:
        """A number and a title too long for a line, the title's lines under each other."""
        *number, (words, role) = title
        indent = line_width(number)
        first, *more = wrapped(words, max(self.breadth - indent, 8))
        return [[*number, (first, role)], *([(" " * indent + line, role)] for line in more)]

    def folded_right(self, line: Line) -> list[Line]:
        """What is too long for the right margin, on lines of its own that end there."""
        return [
            [(" " * (self.breadth - text_width(words)) + words, role)]
            for part, role in line
            for words in wrapped(part, self.breadth - INDENT)
        ]


def indented(lines: Iterable[Line]) -> Iterator[Line]:
    return ([(" " * INDENT, ""), *line] if line else [] for line in lines)


def formula_lines(formula: str, room: int) -> list[str]:
    """A formula in lines of at most ``room`` columns, folded where it falls into parts."""
    lines: list[str] = []
    for part in _parts(formula, room):
        if lines and text_width(lines[-1]) + 1 + text_width(part) <= room:
            lines[-1] += " " + part
        else:
            lines.append(part)
    return [piece for line in lines for piece in pieces_of(line, room)]


def _parts(formula: str, room: int) -> Iterator[str]:
    """``formula`` taken apart before its signs, those that hold it most loosely first."""
    found = [
        (_rank(formula, match.start()), match.start()) for match in OPERATORS.finditer(formula)
    ]
    if not found or text_width(formula) <= room:
        yield formula
        return
    loosest = min(rank for rank, _ in found)
    start = 0
    for stop in [at for rank, at in found if rank == loosest] + [len(formula)]:
        yield from _parts(formula[start:stop], room)
        start = stop + 1


def _rank(formula: str, at: int) -> tuple[int, int]:
    """How many brackets are around the sign behind ``at``, then how tightly it binds."""
    before, sign = formula[:at], formula[at + 1]
    depth = before.count("(") - before.count(")")
    return depth, 0 if sign in "=≈~" else 1 if sign in "+−-" else 2
