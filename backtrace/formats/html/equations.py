"""A step with its numbers put in, as HTML: matrices are tables, what joins them is MathML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape
from typing import TypeAlias

import msgspec

from backtrace.functions.formula import (
    Absolute,
    Apply,
    Brackets,
    Expr,
    Fraction,
    Negative,
    Power,
    Product,
    Ref,
    Root,
    Row,
    Sum,
    Terms,
    Text,
    parts,
    row,
)
from backtrace.notation.layout import base, beside
from backtrace.notation.mathml import MathML, letter_nodes, ref_symbol
from backtrace.notation.mathml_tokens import joined
from backtrace.notation.spoken import spoken
from backtrace.notation.text import tokens
from backtrace.page.figures import EMPTY, Figures, Printout
from backtrace.page.sections import ROLES
from backtrace.page.step_block import StepBlock

BRACKETS = re.compile(r"([()])")
GAPS = {(True, True): "⋱", (True, False): "⋮", (False, True): "⋯"}

EquationPart: TypeAlias = "Expr | str"  # an expression without matrices, or HTML
Target: TypeAlias = Callable[[StepBlock, str, int, int], str]


class HtmlEquations(msgspec.Struct, frozen=True):
    """Writes the equations of a page.

    ``target(step, id, row, column)`` is the HTML id of the line on which an entry of a quantity
    is unfolded, "" where there is none.
    """

    figures: Figures
    target: Target

    def equation(self, step: StepBlock) -> str:
        """The right-hand side with its matrices, and the value."""
        assert step.equation is not None
        worked = _Worked(self, step).written(step.equation.right)
        equals = self.math(Text("="))
        result = self.quantity(step, Ref(step.id))
        return (
            f'<div class="equation"><div class="side">{worked}</div>'
            f'<div class="side result">{equals}{result}</div></div>'
        )

    def value(self, step: StepBlock, left: Expr) -> str:
        """``left`` in symbols = the value."""
        formula = self.math(row(left, "="), numbers=False, attributes=' displaystyle="true"')
        result = self.quantity(step, Ref(step.id), named=False)
        return (
            f'<div class="equation"><div class="side">{formula}</div>'
            f'<div class="side result">{result}</div></div>'
        )

    def math(
        self, expr: Expr, *, numbers: bool = True, continues: bool = False, attributes: str = ""
    ) -> str:
        """A formula without matrices."""
        page = self.figures
        writer = MathML(page.symbols, page.decimals, numbers, page.decimal_mark)
        inner = writer.formula(expr, continues=continues)
        return f"<math{attributes}>{inner}</math>"

    def quantity(self, step: StepBlock, ref: Ref, *, named: bool = True) -> str:
        """A matrix between its brackets, its name above and its size below; a number likewise."""
        made = step.printout(ref)
        role = ROLES[step.operand(ref.id).phase]
        body = self.matrix(step, made) if made.shape else self.scalar(step, made)
        if not named:
            return f'<div class="quantity bare of-{role}">{body}</div>'
        name = f"<math>{ref_symbol(ref, self.figures.symbols)}</math>"
        size = " × ".join(map(str, made.shape))
        return (
            f'<div class="quantity of-{role}"><span class="name">{name}</span>'
            f'{body}<span class="size">{size}</span></div>'
        )

    def scalar(self, step: StepBlock, made: Printout) -> str:
        return f'<div class="scalar"{self.entry(step, made, 0, 0, made.cells[0][0])}</div>'

    def matrix(self, step: StepBlock, made: Printout) -> str:
        """A table, which is announced by its name in words."""
        name = spoken(made.ref, self.figures.symbols)
        size = " by ".join(map(str, made.shape))
        rows = "".join(f"<tr>{''.join(self.cells(step, made, at))}</tr>" for at in _lines(made))
        # by itself a table without headers is taken for one that only arranges things
        return (
            f'<table class="matrix" role="table" aria-label="{escape(name)}, {size}">{rows}</table>'
        )

    def cells(self, step: StepBlock, made: Printout, at: int) -> Iterator[str]:
        for across, column in enumerate(made.columns):
            i = made.rows[at]
            if i is None or column is None:
                yield f'<td class="gap">{GAPS[i is None, column is None]}</td>'
            else:
                yield f"<td{self.entry(step, made, i, column, made.cells[at][across])}</td>"

    def entry(self, step: StepBlock, made: Printout, i: int, j: int, text: str) -> str:
        """The rest of a tag and what it holds: a number, as a link where it can be opened."""
        row, column = made.place(i, j)
        found = self.target(step, made.ref.id, row, column)
        number = f'<a href="#{found}">{printed(text)}</a>' if found else printed(text)
        return f' data-e="{entry_name(made.ref.id, row, column)}">{number}'


def entry_name(id: str, row: int, column: int) -> str:
    """How an entry is called in the attributes: ``z1.1.2``, counted from 1."""
    return f"{id}.{row + 1}.{column + 1}"


def printed(text: str) -> str:
    """A printed number in HTML, of letters alone: a formula would be no name for a link."""
    if text == EMPTY:
        return '<span class="empty" role="img" aria-label="_"></span>'
    above, slash, below = text.replace("-", "−").partition("/")
    if slash:
        return (
            f"{above[: -len(above.lstrip('−'))]}<sup>{above.lstrip('−')}</sup>⁄<sub>{below}</sub>"
        )
    mantissa, e, exponent = above.partition("e")
    if not e:
        return mantissa
    factor = "" if mantissa == "1" else f"{mantissa}·"
    return f"{factor}10<sup>{exponent}</sup>"


def has_matrix(expr: Expr) -> bool:
    """Whether a formula has a quantity in it, so that numbers can be put in."""
    return isinstance(expr, Ref) or any(map(has_matrix, parts(expr)))


class _Worked(msgspec.Struct, frozen=True):
    """One equation of one step."""

    equations: HtmlEquations
    step: StepBlock

    def written(self, expr: Expr) -> str:
        return self.joined(self.pieces(expr))

    def joined(self, pieces: list[EquationPart]) -> str:
        """HTML as it is; the expressions between it set as one formula each."""
        html, waiting = "", []
        for piece in [*pieces, ""]:
            if not isinstance(piece, str):
                waiting.append(piece)
                continue
            if waiting:
                html += self.equations.math(Row(tuple(waiting)), continues=bool(html))
            waiting = []
            html += piece
        return html

    def pieces(self, expr: Expr) -> list[EquationPart]:
        if not has_matrix(expr):
            return [expr]
        match expr:
            case Ref():
                return [self.equations.quantity(self.step, expr)]
            case Row():
                return self.row(expr)
            case Terms() | Product() | Negative():
                return self.row(beside(expr))
            case Brackets():
                return [self.bracketed(self.pieces(expr.inner))]
            case Apply():
                name = f"<math>{joined(letter_nodes(expr.function))}</math>"
                return [
                    f'<div class="group">{name}{self.bracketed(self.pieces(expr.argument))}</div>'
                ]
            case Power():
                return [self.power(self.pieces(base(expr.base)), expr.exponent)]
            case Fraction():
                return [self.side(expr.above), Text(" / "), self.side(expr.below)]
            case Root():
                return [Text("√"), self.enclosed(expr.inner)]
            case Absolute():
                return [self.between("bar", self.pieces(expr.inner), "bar")]
            case Sum():
                return [Sum(row(), expr.over), self.enclosed(expr.inner)]
        return self.linear(expr)

    def row(self, expr: Row) -> list[EquationPart]:
        """Brackets around matrices are drawn as tall as these, with a power behind them."""
        levels: list[list[EquationPart]] = [[]]
        for item in expr.items:
            for piece in _marks(item):
                if isinstance(piece, Text) and piece.text == "(":
                    levels.append([])
                elif isinstance(piece, Text) and piece.text == ")" and len(levels) > 1:
                    inner = levels.pop()
                    levels[-1].append(self.closed(inner))
                elif isinstance(piece, Text) and piece.text.startswith("²") and levels[-1]:
                    base = levels[-1].pop()
                    levels[-1] += [self.power([base], Text("2")), *_text(piece.text[1:])]
                else:
                    levels[-1] += self.pieces(piece)
        return [piece for level in levels for piece in level]

    def closed(self, inner: list[EquationPart]) -> EquationPart:
        plain = [piece for piece in inner if not isinstance(piece, str)]
        if len(plain) == len(inner):
            return Brackets(Row(tuple(plain)))
        return self.bracketed(inner)

    def bracketed(self, inner: list[EquationPart]) -> str:
        return self.between("open", inner, "close")

    def between(self, left: str, inner: list[EquationPart], right: str) -> str:
        return f'<div class="inside">{_tall(left)}{self.joined(inner)}{_tall(right)}</div>'

    def enclosed(self, expr: Expr) -> str:
        """A matrix as it is, anything longer in brackets."""
        pieces = self.pieces(expr)
        return self.joined(pieces) if isinstance(expr, Ref) else self.bracketed(pieces)

    def power(self, base: list[EquationPart], exponent: Expr) -> str:
        raised = self.equations.math(exponent)
        return f'<div class="group">{self.joined(base)}<span class="power">{raised}</span></div>'

    def side(self, expr: Expr) -> EquationPart:
        """What stands above or below a fraction's line, when it is written beside it."""
        pieces = self.pieces(expr)
        alone = len(pieces) == 1
        if all(not isinstance(piece, str) for piece in pieces):
            return expr if alone and not isinstance(expr, Row) else Brackets(expr)
        return self.joined(pieces) if alone else self.bracketed(pieces)

    def linear(self, expr: Expr) -> list[EquationPart]:
        """Anything else, as a line of text has it."""
        page = self.equations.figures
        found = tokens(expr, page.symbols, True, page.decimals)
        pieces: list[EquationPart] = []
        for token in found:
            pieces += _text(token) if isinstance(token, str) else self.pieces(token)
        return pieces


def _lines(made: Printout) -> range:
    return range(len(made.rows))


def _marks(item: Expr) -> list[Expr]:
    """The brackets of a text apart from the rest of it."""
    if not isinstance(item, Text):
        return [item]
    return [Text(mark) for mark in BRACKETS.split(item.text) if mark.strip()]


def _text(text: str) -> list[EquationPart]:
    return [Text(text)] if text.strip() else []


def _tall(kind: str) -> str:
    sign = {"open": "(", "close": ")", "bar": "|"}[kind]
    return f'<span class="tall {kind}" role="img" aria-label="{sign}"></span>'
