r"""Worksheets as Moodle XML: a Cloze question a variant, a NUMERICAL place for each entry.

The format is that of Moodle's question export; formulas are in ``\( … \)``, which its MathJax
filter sets. A place takes what is right to the decimals asked for, and knows the numbers that
single mistakes give. What has a meaning in a Cloze place is escaped there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

import msgspec
import numpy as np

from backtrace.check.answers.names import Quantity
from backtrace.course.languages import LANGUAGES
from backtrace.course.worksheet import Worksheet
from backtrace.course.wrong_values import WrongValues
from backtrace.formats.latex.formulas import Formulas, rows
from backtrace.notation.latex import latex
from backtrace.notation.text import EXACT
from backtrace.page import blocks
from backtrace.page.inert import inert
from backtrace.page.step_block import Gallery, StepBlock

MARK = "<!-- Made by backtrace. -->"
SPECIAL = re.compile(r"([}#~/\"\\])")  # of Cloze, in feedback
WIDTH = 60.0  # em of a formula
DIGITS = 12  # decimals of a value: its tolerance is coarser by far


def questions(sheets: Iterable[tuple[str, Worksheet, blocks.Document]], category: str) -> str:
    """The questions of a category, one for each named sheet."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', MARK, "<quiz>"]
    lines += ['<question type="category"><category>']
    lines += [f"<text>{escape(inert(f'$course$/{category}'))}</text></category></question>"]
    for name, sheet, document in sheets:
        lines += _Question(sheet, document).lines(name)
    return "\n".join([*lines, "</quiz>"]) + "\n"


class _Question:
    def __init__(self, sheet: Worksheet, document: blocks.Document) -> None:
        self.sheet, self.document = sheet, document
        self.asked = {quantity.name: quantity for quantity in sheet.asked}
        self.wrongs = WrongValues(sheet.spec)
        assert document.handout is not None
        self.words = LANGUAGES[document.handout.language]
        self.tolerance = 0.5 * 10.0**-sheet.decimals

    def lines(self, name: str) -> Iterator[str]:
        text = "\n".join(self.written(self.document.blocks)).replace("]]>", "]]&gt;")
        yield '<question type="cloze">'
        yield f"<name><text>{escape(inert(name))}</text></name>"
        yield f'<questiontext format="html"><text><![CDATA[{text}]]></text></questiontext>'
        yield "</question>"

    def written(self, found: Iterable[blocks.Block]) -> Iterator[str]:
        for block in found:
            match block:
                case blocks.Section():
                    aside = f" ({escape(block.aside)})" if block.aside else ""
                    yield f"<h4>{escape(inert(block.title))}{aside}</h4>"
                    yield from self.written(block.blocks)
                case blocks.Bullets():
                    items = (f"<li>{self.prose(item)}</li>" for item in block.items)
                    yield f"<ul>{''.join(items)}</ul>"
                case blocks.Paragraph() if block.tone != "label":
                    yield f"<p>{self.prose(block.words)}</p>"
                case Gallery():
                    yield from self.gallery(block)
                case StepBlock():
                    yield from self.step(block)

    def gallery(self, block: Gallery) -> Iterator[str]:
        given = [step for step in block.steps if not step.blank]
        if given:
            formulas = Formulas(given[0].figures, WIDTH)
            yield self.displayed(rows([formulas.given(given)]))
        for step in block.steps:
            if step.blank:
                yield from self.places(step)

    def step(self, step: StepBlock) -> Iterator[str]:
        title = escape(inert(step.title))
        yield f"<p><strong>{step.number}. {title}</strong></p>"
        formulas = Formulas(step.figures, WIDTH)
        if step.blank and not step.brief:
            formula = formulas.step(msgspec.structs.replace(step, brief=True))
            yield self.displayed(rows([formula]))
            yield from self.places(step)
        else:
            yield self.displayed(rows([formulas.step(step)]))

    def places(self, step: StepBlock) -> Iterator[str]:
        """A table with a place for each entry."""
        quantity = self.asked[str(step.traced.step.at)]
        value = np.asarray(self.sheet.value(quantity), dtype=float).reshape(quantity.shape)
        symbol = step.figures.symbols.latex(step.id)
        yield f"<table><tr><td>\\({symbol} =\\)</td><td><table>"
        for i, row in enumerate(value):
            cells = (f"<td>{self.place(quantity, i, j, x)}</td>" for j, x in enumerate(row))
            yield f"<tr>{''.join(cells)}</tr>"
        yield "</table></td></tr></table>"

    def place(self, quantity: Quantity, i: int, j: int, value: float) -> str:
        """``{1:NUMERICAL:=0.7311:0.00005~%0%0.5:0.00005#the bias is missing}``."""
        tolerance = _plain(self.tolerance)
        told = [f"={_plain(value)}:{tolerance}"]
        for wrong, title in self.wrongs.at(quantity, i, j, self.tolerance).items():
            said = SPECIAL.sub(r"\\\1", title)
            told.append(f"%0%{_plain(wrong)}:{tolerance}#{said}")
        return f"{{1:NUMERICAL:{'~'.join(told)}}}"

    def displayed(self, lines: str) -> str:
        return f"<p>\\[\\begin{{aligned}}{escape(lines, quote=False)}\\end{{aligned}}\\]</p>"

    def prose(self, words: blocks.Prose) -> str:
        parts = (words,) if isinstance(words, str) else words
        symbols = self.document.symbols
        assert symbols is not None
        return "".join(
            escape(inert(part))
            if isinstance(part, str)
            else f"\\({escape(latex(part, symbols, EXACT), quote=False)}\\)"
            for part in parts
        )


def _plain(value: float) -> str:
    """A number without an exponent, which not every place takes."""
    return f"{value:.{DIGITS}f}".rstrip("0").rstrip(".")
