r"""A sheet with places to type numbers into, as HTML whose formulas are TeX between ``\( \)``.

It comes in pieces: HTML, and between it the steps whose entries have places; how a place is
written is the platform's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from math import isfinite

import msgspec
import numpy as np

from backtrace.check.answers.names import Quantity
from backtrace.formats.answer_forms import columns
from backtrace.formats.latex.formulas import Formulas, rows
from backtrace.formats.platforms.assignment import Assignment
from backtrace.formats.registry import NotExpressibleError
from backtrace.functions.formula import Expr
from backtrace.notation.latex import latex
from backtrace.notation.text import EXACT
from backtrace.page import blocks
from backtrace.page.inert import inert
from backtrace.page.step_block import Gallery, StepBlock

WIDTH = 60.0  # em of a formula
DIGITS = 12  # decimals of a value: its tolerance is coarser by far
SMALLEST = 1e-4  # what is below, Canvas reads as 0: it keeps four decimals of what is typed
HALF = 0.5005  # of a unit of the last decimal asked for: a tie may be rounded either way


class Entry(msgspec.Struct, frozen=True):
    """An entry that is asked for: where it is (from 0), what it is called, what has to be found."""

    quantity: Quantity
    i: int
    j: int
    name: str
    value: float


class FormPieces:
    """The pieces of an assignment's form. Raises NotExpressibleError where an answer is no number
    that can be typed."""

    def __init__(self, assignment: Assignment) -> None:
        self.sheet = assignment.sheet
        self.document = assignment.form
        self.points = assignment.points
        self.asked = {quantity.name: quantity for quantity in self.sheet.asked}
        self.tolerance = HALF * 10.0**-self.sheet.decimals
        endless = [each.name for each in self.answers() if not isfinite(each.value)]
        if endless:
            raise NotExpressibleError(
                f"{assignment.title}: {', '.join(endless)}: not a finite number, which nobody can "
                "type into a form; say with --ask what is asked for"
            )

    def answers(self) -> Iterator[Entry]:
        for quantity in self.sheet.asked:
            yield from self.entries(quantity)

    def refuse_small(self, form: str) -> None:
        """Raises NotExpressibleError where Canvas would read an answer as 0."""
        small = [each for each in self.answers() if 0 < abs(float(plain(each.value))) < SMALLEST]
        if small:
            entries = ", ".join(f"{each.name} ({each.value:.2g})" for each in small)
            names = ",".join(dict.fromkeys(each.quantity.name for each in small))
            raise NotExpressibleError(
                f"{form}: {self.document.title}: Canvas reads less than {plain(SMALLEST)} as 0: "
                f"{entries}. Give it away (--show {names}), or ask for less (--ask, or `ask` in "
                "the spec)"
            )

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
            yield self.given(given)
        yield from (step for step in block.steps if step.blank)

    def step(self, step: StepBlock) -> Iterator[str | StepBlock]:
        """Its title, its formula and, where it is to be worked, the step for its places."""
        yield f"<p><strong>{step.number}. {escape(inert(step.title))}</strong></p>"
        to_work = step.blank and not step.brief
        yield self.stated(msgspec.structs.replace(step, brief=True) if to_work else step)
        if to_work:
            yield step

    def quantity(self, step: StepBlock) -> Quantity:
        return self.asked[str(step.traced.step.at)]

    def entries(self, quantity: Quantity) -> Iterator[Entry]:
        right = np.asarray(self.sheet.value(quantity), dtype=float).ravel()
        places = np.ndindex(*quantity.shape)
        for (i, j), name, value in zip(places, columns(quantity), right, strict=True):
            yield Entry(quantity, i, j, name, float(value))

    # How it is written

    def formula(self, tex: str) -> str:
        """A formula among words."""
        return f"\\({escape(tex, quote=False)}\\)"

    def displayed(self, tex: str) -> str:
        """A formula on its own."""
        return f"<p>\\[{escape(tex, quote=False)}\\]</p>"

    def given(self, steps: Sequence[StepBlock]) -> str:
        return self.displayed(_aligned(Formulas(steps[0].figures, WIDTH).given(steps)))

    def stated(self, step: StepBlock) -> str:
        return self.displayed(_aligned(Formulas(step.figures, WIDTH).step(step)))

    def symbol(self, step: StepBlock) -> str:
        return self.formula(step.figures.symbols.latex(step.id))

    def expression(self, expr: Expr) -> str:
        symbols = self.document.symbols
        assert symbols is not None
        return self.formula(latex(expr, symbols, EXACT))

    def prose(self, words: blocks.Prose) -> str:
        parts = (words,) if isinstance(words, str) else words
        return "".join(
            escape(inert(part)) if isinstance(part, str) else self.expression(part)
            for part in parts
        )


def _aligned(lines: Sequence[str]) -> str:
    return f"\\begin{{aligned}}{rows([lines])}\\end{{aligned}}"


def table(rows: Iterable[Iterable[str]]) -> str:
    """Cells in rows."""
    lines = (f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tbody>{''.join(lines)}</tbody></table>"


def plain(value: float) -> str:
    """A number without an exponent, which not every platform takes."""
    return f"{round(value, DIGITS) + 0.0:.{DIGITS}f}".rstrip("0").rstrip(".")
