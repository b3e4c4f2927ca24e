"""The parts of a page of text: rules, paragraphs, a line with something at its right margin."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from backtrace.render.boxes import Line, line_width
from backtrace.render.measure import folded, plain, text_width, wrapped

INDENT = 4
APART = "   "  # between short phrases on a line
EQUALS = re.compile(r" (?== )")
SIGNS = re.compile(r" (?=(?:=|\+|−|-|·|\*|⊙|\(\.\)) )")  # where a formula may be folded
ASCII_DASHES = {"─": "-", "═": "="}


class Page(msgspec.Struct, frozen=True):
    """A page ``width`` columns wide; without ``unicode`` everything on it is ASCII.

    Every method returns lines that fit.
    """

    width: int
    unicode: bool = True

    def say(self, words: str) -> str:
        """``words`` in the characters that the page has."""
        return words if self.unicode else plain(words)

    def spoken(self, line: Line) -> Line:
        return [(self.say(part), role) for part, role in line]

    def rule(self, left: str, right: str = "", dash: str = "─") -> list[Line]:
        """``── Forward ───────── layer 1, ReLU ──``, exactly as wide as the page."""
        stroke = dash if self.unicode else ASCII_DASHES[dash]
        left, right = self.say(left), self.say(right)
        end = f" {right} {stroke * 2}" if right else ""
        filled = self.width - 4 - text_width(left) - text_width(end)
        if filled < 1:
            return [*self.rule(left, "", dash), *self.paragraph(right, "rule")]
        middle = f" {stroke * filled}{end}"
        return [[(stroke * 2 + " ", "rule"), (left, "heading"), (middle, "rule")]]

    def paragraph(self, words: str, role: str, indent: int = INDENT) -> list[Line]:
        lines = wrapped(self.say(words), self.width - indent)
        return [[(" " * indent + line, role)] for line in lines]

    def flowed(self, phrases: Iterable[str], role: str) -> list[Line]:
        """Short phrases beside each other, as many on a line as fit."""
        lines: list[str] = []
        for phrase in map(self.say, phrases):
            if lines and text_width(lines[-1] + APART + phrase) <= self.width:
                lines[-1] += APART + phrase
            else:
                lines += wrapped(phrase, self.width)
        return [[(line, role)] for line in lines]

    def spread(self, left: Line, right: Line, optional: Line | None = None) -> list[Line]:
        """``left``, and ``right`` at the right margin: on its own lines where both don't fit.

        ``optional`` follows ``right`` if the line has room for it.
        """
        left, right = self.spoken(left), self.spoken(right)
        longer = [*right, *self.spoken(optional or [])]
        for end in (longer, right):
            space = self.width - line_width(left) - line_width(end)
            if space >= 2:
                return [[*left, (" " * space, ""), *end]]
        return self.folded_title(left) + self.folded_formula(longer)

    def folded_title(self, title: Line) -> list[Line]:
        """A number and a title too long for a line, the title's lines under each other."""
        *number, (words, role) = title
        indent = line_width(number)
        first, *more = wrapped(words, max(self.width - indent, 8))
        return [[*number, (first, role)], *([(" " * indent + line, role)] for line in more)]

    def folded_formula(self, formula: Line) -> list[Line]:
        """A formula on lines of its own, at the right margin, folded before its signs."""
        words = "".join(part for part, _ in formula)
        lines = folded(words, self.width - INDENT, EQUALS, SIGNS)
        return [[(" " * (self.width - text_width(line)) + line, "")] for line in lines]
