r"""A sheet with places to type numbers into, as HTML whose formulas are TeX between ``\( \)``.

It comes in pieces: HTML, and between it the steps whose entries have places; how a place is
written is the platform's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

import msgspec
import numpy as np

from backtrace.check.answers.names import Quantity
from backtrace.formats.latex.formulas import Formulas, rows
from backtrace.formats.platforms.assignment import Assignment
from backtrace.functions.array import Array
from backtrace.notation.latex import latex
from backtrace.notation.text import EXACT
from backtrace.page import blocks
from backtrace.page.inert import inert
from backtrace.page.step_block import Gallery, StepBlock

WIDTH = 60.0  # em of a formula
DIGITS = 12  # decimals of a value: its tolerance is coarser by far
HALF = 0.5005  # of the last decimal asked for: what is rounded either way from a tie is right


class FormPieces:
    """The pieces of an assignment's form."""

    def __init__(self, assignment: Assignment) -> None:
        self.sheet = assignment.sheet
        self.document = assignment.form
        self.asked = {quantity.name: quantity for quantity in self.sheet.asked}
        self.tolerance = HALF * 10.0**-self.sheet.decimals

    def pieces(self) -> Iterator[str | StepBlock]:
        return self.of(self.document.blocks)

    def of(self, found: Iterable[blocks.Block]) -> Iterator[str | StepBlock]:
        for block in found:
            match block:
                case blocks.Section():
                    aside = f" ({escape(block.aside)})" if block.aside else ""
                    yield f"<h4>{escape(inert(block.title))}{aside}</h4>"
                    yield from self.of(block.blocks)
                case blocks.Bullets():
                    items = (f"<li>{self.prose(item)}</li>" for item in block.items)
                    yield f"<ul>{''.join(items)}</ul>"
                case blocks.Paragraph() if block.tone != "label":
                    yield f"<p>{self.prose(block.words)}</p>"
                case Gallery():
                    yield from self.gallery(block)
                case StepBlock():
                    yield from self.step(block)

    def gallery(self, block: Gallery) -> Iterator[str | StepBlock]:
        given = [step for step in block.steps if not step.blank]
        if given:
            yield self.displayed(rows([Formulas(given[0].figures, WIDTH).given(given)]))
        yield from (step for step in block.steps if step.blank)

    def step(self, step: StepBlock) -> Iterator[str | StepBlock]:
        """Its title, its formula and, where it is to be worked, the step for its places."""
        yield f"<p><strong>{step.number}. {escape(inert(step.title))}</strong></p>"
        to_work = step.blank and not step.brief
        stated = msgspec.structs.replace(step, brief=True) if to_work else step
        yield self.displayed(rows([Formulas(step.figures, WIDTH).step(stated)]))
        if to_work:
            yield step

    def quantity(self, step: StepBlock) -> Quantity:
        return self.asked[str(step.traced.step.at)]

    def right(self, quantity: Quantity) -> Array:
        """What has to be found, as a matrix."""
        return np.asarray(self.sheet.value(quantity), dtype=float).reshape(quantity.shape)

    def symbol(self, step: StepBlock) -> str:
        return step.figures.symbols.latex(step.id)

    # How it is written

    def formula(self, tex: str) -> str:
        """A formula among words."""
        return f"\\({escape(tex, quote=False)}\\)"

    def displayed(self, lines: str) -> str:
        """The lines of an ``aligned`` on their own."""
        return f"<p>\\[\\begin{{aligned}}{escape(lines, quote=False)}\\end{{aligned}}\\]</p>"

    def prose(self, words: blocks.Prose) -> str:
        parts = (words,) if isinstance(words, str) else words
        symbols = self.document.symbols
        assert symbols is not None
        return "".join(
            escape(inert(part))
            if isinstance(part, str)
            else self.formula(latex(part, symbols, EXACT))
            for part in parts
        )


def plain(value: float) -> str:
    """A number without an exponent, which not every platform takes."""
    return f"{value:.{DIGITS}f}".rstrip("0").rstrip(".")
