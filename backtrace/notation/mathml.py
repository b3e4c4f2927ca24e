"""Formulas as MathML (the Core of it, presentation only): symbols, or the numbers put in."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from backtrace.functions.formula import (
    Absolute,
    Apply,
    Constant,
    Expr,
    Fraction,
    Group,
    Power,
    Ref,
    Root,
    Row,
    Sum,
    Symbol,
    Template,
    Terms,
    Text,
    Value,
)
from backtrace.notation.latex import function, ref_latex
from backtrace.notation.mathml_tokens import (
    SUM,
    Node,
    fraction,
    joined,
    numeral,
    operator,
    root,
    row,
    scripts,
    words,
)
from backtrace.notation.mathml_tokens import bracketed as enclosed
from backtrace.notation.numbers import constant, number
from backtrace.notation.symbols import CONSTANTS, Symbols
from backtrace.notation.tex import hole, read
from backtrace.notation.text import PLACEHOLDER, bracketed

WORDS = re.compile(r"[A-Za-z]")
MARKS = re.compile(r"\d+(?:\.\d+)?|\S")
OVER = re.compile(r"\\frac\{(\\partial \w+)\}\{((?:[^{}]|\{[^{}]*\})*)\}")  # ∂L over ∂z₂
BEHIND = re.compile(r"((?:\\hat|\\mathrm)\{\w+\})\((.*)\)")
RAISED = {"²": "2", "³": "3"}

Attributes = Callable[[Value], str]


def ref_symbol(ref: Ref, symbols: Symbols) -> str:
    """A reference by its symbol on one line: ``∂L/∂z₂`` has no fraction in it."""
    return joined(read(OVER.sub(r"\1 / \2", _tex(ref, symbols))))


def _tex(ref: Ref, symbols: Symbols) -> str:
    """LaTeX's symbol, but with the parameter of m̂ below, where Markdown forces it behind."""
    latex = ref_latex(ref, symbols)
    if ref.id.startswith(("mhat", "vhat", "step_")):
        return BEHIND.sub(r"\1_{\2}", latex)
    return latex


def _none(value: Value) -> str:
    return ""


class MathML(msgspec.Struct, frozen=True):
    """Writes formulas with the symbols of an exercise; a Ref is its symbol always.

    With ``numbers`` constants are numbers. ``attributes`` says what to write into the tag of a
    Value (with a space in front).
    """

    symbols: Symbols
    decimals: int = 4
    numbers: bool = False
    decimal_mark: str = "."
    attributes: Attributes = _none

    def formula(self, expr: Expr, *, continues: bool = False) -> str:
        """The elements of a formula, to stand inside ``<math>``.

        ``continues``: something stands to the left, so that a sign at the beginning is not one of
        a number.
        """
        return joined(self.write(expr), continues=continues)

    def write(self, expr: Expr, after: str = "", before: str = "") -> list[Node]:  # noqa: PLR0912 - a case a node
        """``after`` and ``before`` are the texts beside it, which decide a negative's brackets."""
        match expr:
            case Ref():
                return read(_tex(expr, self.symbols))
            case Symbol():
                return read(_tex(Ref(expr.id), self.symbols))
            case Text():
                return marks(expr.text)
            case Constant():
                return self.constant(expr)
            case Value():
                return self.value(expr, after, before)
            case Row():
                return self.row(expr)
            case Terms():
                return self.terms(expr)
            case Template():
                return self.template(expr)
            case Group():
                return [enclosed("(", self.one(expr.inner), ")")]
            case Apply():
                argument = enclosed("(", self.one(expr.argument), ")")
                return [*read(function(expr.function)), argument]
            case Power():
                return [scripts(self.one(expr.base, "·", "^"), None, self.one(expr.exponent))]
            case Fraction():
                return [fraction(self.one(expr.above), self.one(expr.below))]
            case Root():
                return [root(self.one(expr.inner))]
            case Absolute():
                return [enclosed("|", self.one(expr.inner), "|")]
            case Sum():
                return self.sum(expr)

    def one(self, expr: Expr, after: str = "", before: str = "") -> Node:
        return row(self.write(expr, after, before))

    def constant(self, expr: Constant) -> list[Node]:
        if self.numbers:
            text = constant(expr.value, self.decimals, self.decimal_mark)
            return [numeral(text)]
        return read(self.symbols.constant(expr.name, "latex"))

    def value(self, expr: Value, after: str, before: str) -> list[Node]:
        text = number(expr.value, self.decimals, self.decimal_mark)
        node = numeral(text, self.attributes(expr))
        if bracketed(text, after, before) == text:
            return [node]
        return [enclosed("(", node, ")")]

    def row(self, expr: Row) -> list[Node]:
        written: list[Node] = []
        for at, item in enumerate(expr.items):
            previous = expr.items[at - 1] if at else None
            following = expr.items[at + 1] if at + 1 < len(expr.items) else None
            after = previous.text if isinstance(previous, Text) else "" if at == 0 else "x"
            before = following.text if isinstance(following, Text) else ""
            written += self.write(item, after, before)
        return written

    def terms(self, expr: Terms) -> list[Node]:
        written: list[Node] = []
        for item in expr.items:
            if written and isinstance(item, Value) and float(item.value) < 0:
                positive = msgspec.structs.replace(item, value=-item.value)
                written += [operator("−"), *self.write(positive)]
            else:
                written += [*([operator("+")] if written else []), *self.write(item)]
        return written

    def template(self, expr: Template) -> list[Node]:
        """The formula's LaTeX with holes where its parts and constants stand."""
        pieces = PLACEHOLDER.split(expr.latex)
        latex = ""
        holes: list[Node] = []
        for at, piece in enumerate(pieces):
            if at % 2 == 0:
                latex += piece
            elif piece in expr.parts:
                after = "(" if pieces[at - 1].endswith("{") else pieces[at - 1]
                latex += hole(len(holes))
                holes.append(row(self.write(expr.parts[piece], after, pieces[at + 1])))
            elif piece in CONSTANTS or piece in ("rate", "samples"):
                latex += self.symbols.constant(piece, "latex")
            else:
                latex += f"{{{piece}}}"
        return read(latex, holes)

    def sum(self, expr: Sum) -> list[Node]:
        inner = self.one(expr.inner)
        sign = SUM
        if expr.over == "samples":
            sign = scripts(sign, Node("<mi>i</mi>"), None)
        plain = isinstance(expr.inner, Ref | Value)
        return [sign, inner if plain else enclosed("(", inner, ")")]


def marks(text: str) -> list[Node]:
    """The operators, numbers and brackets of a text; a text with words in it stays whole."""
    if WORDS.search(text):
        return [words(text)]
    nodes: list[Node] = []
    for mark in MARKS.findall(text):
        if mark in RAISED:
            nodes[-1] = scripts(nodes[-1], None, numeral(RAISED[mark]))
        elif mark == "½":
            nodes.append(fraction(numeral("1"), numeral("2")))
        elif mark[0].isdigit():
            nodes.append(numeral(mark))
        else:
            nodes.append(operator({"Σ": "∑", "⊡": "·"}.get(mark, mark)))
    return nodes
