r"""Worksheets as Moodle XML: a Cloze question a variant, a NUMERICAL place for each entry.

The format is that of Moodle's question export; formulas are set by its MathJax filter. A place
takes what is right to the decimals asked for, and knows the numbers that single mistakes give.
What has a meaning in a Cloze place is escaped there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from backtrace.check.answers.names import Quantity
from backtrace.course.wrong_values import WrongValues
from backtrace.formats.platforms.assignment import Assignment
from backtrace.formats.platforms.form_pieces import FormPieces, plain
from backtrace.page.inert import inert
from backtrace.page.step_block import StepBlock

MARK = "<!-- Made by backtrace. -->"
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
        rows = "".join(
            f"<tr>{''.join(self.cells(quantity, i, line))}</tr>"
            for i, line in enumerate(self.right(quantity))
        )
        symbol = self.formula(f"{self.symbol(step)} =")
        return f"<table><tr><td>{symbol}</td><td><table>{rows}</table></td></tr></table>"

    def cells(self, quantity: Quantity, i: int, line: Sequence[float]) -> Iterator[str]:
        for j, value in enumerate(line):
            yield f"<td>{self.place(quantity, i, j, float(value))}</td>"

    def place(self, quantity: Quantity, i: int, j: int, value: float) -> str:
        """``{1:NUMERICAL:=0.7311:0.00005~%0%0.5:0.00005#the bias is missing}``."""
        tolerance = plain(self.tolerance)
        told = [f"={plain(value)}:{tolerance}"]
        for wrong, title in self.wrongs.at(quantity, i, j, self.tolerance).items():
            said = SPECIAL.sub(r"\\\1", title)
            told.append(f"%0%{plain(wrong)}:{tolerance}#{said}")
        return f"{{1:NUMERICAL:{'~'.join(told)}}}"
