r"""Worksheets as Moodle XML: a Cloze question a variant, a NUMERICAL place for each entry.

The format is that of Moodle's question export; formulas are set by its MathJax filter. A place
takes what is right to the decimals asked for, and knows the numbers that single mistakes give.
What has a meaning in a Cloze place is escaped there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from html import escape
from itertools import groupby
from math import gcd, lcm

from backtrace.course.wrong_values import WrongValues
from backtrace.formats.platforms.assignment import Assignment
from backtrace.formats.platforms.form_pieces import Entry, FormPieces, plain, table
from backtrace.page.inert import inert
from backtrace.page.step_block import StepBlock

MARK = "<!-- Made by backtrace. -->"
FINEST = 1000  # of a share of the points
SPECIAL = re.compile(r"([}#~/\"\\])")  # of Cloze, in feedback


def questions(assignments: Sequence[Assignment]) -> dict[str, bytes]:
    """A category with a question for each variant, from which a quiz may draw one."""
    category = assignments[0].of or assignments[0].title
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', MARK, "<quiz>"]
    lines += ['<question type="category"><category>']
    lines += [f"<text>{escape(inert(f'$course$/top/{_named(category)}'))}</text>"]
    lines += ["</category></question>"]
    for assignment in assignments:
        lines += _Question(assignment).lines(assignment.title)
    return {"moodle.xml": ("\n".join([*lines, "</quiz>"]) + "\n").encode()}


def _named(category: str) -> str:
    """A name as it stands in a category's path, where a slash is written twice."""
    return category.replace("/", "//")


class _Question(FormPieces):
    def __init__(self, assignment: Assignment) -> None:
        super().__init__(assignment)
        self.wrongs = WrongValues(assignment.sheet.spec)
        self.weights = _weights(self.points)

    def lines(self, name: str) -> Iterator[str]:
        pieces = (
            piece if isinstance(piece, str) else self.places(piece) for piece in self.pieces()
        )
        text = "\n".join(pieces).replace("]]>", "]]&gt;")
        yield '<question type="cloze">'
        yield f"<name><text>{escape(inert(name))}</text></name>"
        yield f'<questiontext format="html"><text><![CDATA[{text}]]></text></questiontext>'
        yield "</question>"

    def places(self, step: StepBlock) -> str:
        """A table with a place for each entry."""
        quantity = self.quantity(step)
        rows = groupby(self.entries(quantity), key=lambda entry: entry.i)
        places = table(map(self.place, row) for _, row in rows)
        return table([[f"{self.symbol(step)} =", places]])

    def place(self, entry: Entry) -> str:
        """``{1:NUMERICAL:=0.7311:0.00005~%0%0.5:0.00005#the bias is missing}``."""
        tolerance = plain(self.tolerance)
        told = [f"={plain(entry.value)}:{tolerance}"]
        for wrong, title in self.wrongs.at(
            entry.quantity, entry.i, entry.j, self.tolerance
        ).items():
            said = SPECIAL.sub(r"\\\1", title)
            told.append(f"%0%{plain(wrong)}:{tolerance}#{said}")
        return f"{{{self.weights[entry.quantity.name]}:NUMERICAL:{'~'.join(told)}}}"


def _weights(points: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers in the proportions of the points: a place has no other weights."""
    shares = {name: Fraction(of).limit_denominator(FINEST) for name, of in points.items()}
    common = lcm(*(share.denominator for share in shares.values()))
    weights = {name: int(share * common) for name, share in shares.items()}
    divisor = gcd(*weights.values()) or 1
    return {name: weight // divisor for name, weight in weights.items()}
