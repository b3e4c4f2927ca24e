"""Formulas as MathML (the Core of it, presentation only): symbols, or the numbers put in."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from backtrace.functions.formula import (
    Absolute,
    Apply,
    Cases,
    Constant,
    Exponential,
    Expr,
    Fraction,
    Group,
    Letter,
    Literal,
    Negative,
    Power,
    Product,
    Ref,
    Root,
    Row,
    Sum,
    Symbol,
    Terms,
    Text,
    Transposed,
    Value,
)
from backtrace.notation.layout import base, beside, is_closed
from backtrace.notation.letters import HAT, runs
from backtrace.notation.mathml_tokens import (
    SUM,
    Node,
    accent,
    fraction,
    identifier,
    joined,
    numeral,
    operator,
    root,
    row,
    scripts,
    upright,
    words,
)
from backtrace.notation.mathml_tokens import bracketed as enclosed
from backtrace.notation.numbers import constant, number
from backtrace.notation.symbols import Name, Symbols
from backtrace.notation.text import bracketed

WORDS = re.compile(r"[A-Za-z]")
MARKS = re.compile(r"\d+(?:\.\d+)?|\S")
UPRIGHT = frozenset("ΔΦΩ")
PRIME = Node("<mo>′</mo>")
TOP = upright("⊤")
RAISED = {"²": "2", "³": "3"}

Attributes = Callable[[Value], str]


def ref_symbol(ref: Ref, symbols: Symbols) -> str:
    """A reference by its symbol on one line: ``∂L/∂z₂`` has no fraction in it."""
    return joined(_Symbol(symbols, on_a_line=True).ref(ref))


def letter(name: str) -> list[Node]:
    """A letter, or the name of a function with its primes."""
    bare = name.rstrip("′")
    found = runs(bare)
    nodes = [_run(run, alone=len(found) == 1) for run in found]
    primes = [PRIME] * (len(name) - len(bare))
    return [*nodes[:-1], scripts(nodes[-1], None, row(primes) if primes else None)]


def _run(text: str, *, alone: bool) -> Node:
    if text in ("ŷ", "Ŷ"):
        return accent(identifier("y" if text == "ŷ" else "Y"), "^")
    if text.endswith(HAT):
        return accent(identifier(text[:-1]), "^")
    latin = len(text) == 1 and text.isascii()
    return upright(text) if text in UPRIGHT or (latin and not alone) else identifier(text)


class _Symbol(msgspec.Struct, frozen=True):
    """Writes the symbols of quantities; ``on_a_line`` has no fractions."""

    symbols: Symbols
    on_a_line: bool = False

    def ref(self, ref: Ref) -> list[Node]:
        """A weight matrix without its bias line has a tilde."""
        written = self.name(self.symbols.parts(ref.id), tilde=bool(ref.omit))
        return [scripts(row(written), None, TOP)] if ref.transposed else written

    def name(self, name: Name, *, tilde: bool = False) -> list[Node]:
        if name.factors:
            return [node for factor in name.factors for node in self.factor(*factor)]
        nodes = letter(name.letter)
        nodes[-1] = self.marked(accent(nodes[-1], "~") if tilde else nodes[-1], name)
        if name.argument is not None:
            nodes += [operator("("), *self.name(name.argument), operator(")")]
        if name.before == "∂":
            return self.derivative(nodes)
        return [*(letter(name.before) if name.before else []), *nodes]

    def factor(self, name: Name, transposed: bool) -> list[Node]:
        written = self.name(name)
        return [scripts(row(written), None, TOP)] if transposed else written

    def marked(self, base: Node, name: Name) -> Node:
        below, above = (self.listed(marks) for marks in self.symbols.marks(name))
        return scripts(base, below, above)

    def listed(self, marks: list[str | Name]) -> Node | None:
        nodes: list[Node] = []
        for mark in marks:
            written = _mark(mark) if isinstance(mark, str) else self.name(mark)
            nodes += [*([operator(",")] if nodes else []), *written]
        return row(nodes) if nodes else None

    def derivative(self, nodes: list[Node]) -> list[Node]:
        above = [identifier("∂"), *letter(self.symbols.notation.loss)]
        below = [identifier("∂"), *nodes]
        if self.on_a_line:
            return [*above, operator("/"), *below]
        return [fraction(row(above), row(below))]


def _mark(text: str) -> list[Node]:
    return [numeral(part) if part.isdigit() else operator(part) for part in MARKS.findall(text)]


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
                return _Symbol(self.symbols).ref(expr)
            case Symbol():
                return _Symbol(self.symbols).ref(Ref(expr.id))
            case Text():
                return marks(expr.text)
            case Letter():
                return letter(expr.letter)
            case Literal():
                return [numeral(expr.number.text.replace(".", self.decimal_mark))]
            case Constant():
                return self.constant(expr)
            case Value():
                return self.value(expr, after, before)
            case Row():
                return self.row(expr)
            case Terms() | Product() | Negative() | Cases():
                return self.row(beside(expr))
            case Group():
                return [enclosed("(", self.one(expr.inner), ")")]
            case Apply():
                return [*letter(expr.function), self.argument(expr)]
            case Power():
                return self.power(expr)
            case Exponential():
                return [scripts(identifier("e"), None, self.one(expr.exponent))]
            case Fraction():
                return [fraction(self.one(expr.above), self.one(expr.below))]
            case Transposed():
                return [scripts(self.one(expr.inner), None, TOP)]
            case Root():
                return [root(self.one(expr.inner))]
            case Absolute():
                return [enclosed("|", self.one(expr.inner), "|")]
            case Sum():
                return self.sum(expr)
        raise TypeError(f"no MathML for {expr!r}")

    def one(self, expr: Expr, after: str = "", before: str = "") -> Node:
        return row(self.write(expr, after, before))

    def constant(self, expr: Constant) -> list[Node]:
        if self.numbers:
            text = constant(expr.value, self.decimals, self.decimal_mark)
            return [numeral(text)]
        return _Symbol(self.symbols).name(self.symbols.constant_parts(expr.name))

    def argument(self, expr: Apply) -> Node:
        return enclosed("(", self.one(expr.argument), ")")

    def power(self, expr: Power) -> list[Node]:
        exponent = self.one(expr.exponent)
        if isinstance(expr.base, Apply):  # tanh²(z)
            *before, name = letter(expr.base.function)
            return [*before, scripts(name, None, exponent), self.argument(expr.base)]
        return [scripts(self.one(base(expr.base), "·", "^"), None, exponent)]

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

    def sum(self, expr: Sum) -> list[Node]:
        sign = SUM
        if expr.over == "samples":
            sign = scripts(sign, Node("<mi>i</mi>"), None)
        if expr.inner == Row(()):
            return [sign]
        inner = self.one(expr.inner)
        alone = isinstance(expr.inner, Ref | Value | Apply | Exponential | Absolute)
        return [sign, inner if alone or is_closed(expr.inner) else enclosed("(", inner, ")")]


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
