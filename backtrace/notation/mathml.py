"""Formulas as MathML (the Core of it, presentation only): symbols, or the numbers put in."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from backtrace.functions.formula import Apply, Expr, Fraction, Ref, Row, Sum, Value
from backtrace.notation.layout import is_closed
from backtrace.notation.letters import HAT, runs
from backtrace.notation.mathml_tokens import (
    SUM,
    Element,
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
from backtrace.notation.names import Name
from backtrace.notation.symbols import Symbols
from backtrace.notation.writer import ALONE, FormulaWriter

WORDS = re.compile(r"[A-Za-z]")
MARKS = re.compile(r"\d+(?:\.\d+)?|\S")
UPRIGHT = frozenset("ΔΦΩ")
PRIME = Element("<mo>′</mo>")
TOP = upright("⊤")
RAISED = {"²": "2", "³": "3"}
ACCENT_SIGNS = {"hat": "^", "tilde": "~", "bar": "¯"}

Attributes = Callable[[Value], str]


def ref_symbol(ref: Ref, symbols: Symbols) -> str:
    """A reference by its symbol on one line: ``∂L/∂z₂`` has no fraction in it."""
    return joined(_Symbol(symbols, on_a_line=True).ref(ref))


def letter_nodes(name: str) -> list[Element]:
    """A letter, or the name of a function with its primes."""
    bare = name.rstrip("′")
    found = runs(bare)
    nodes = [_run(run, alone=len(found) == 1) for run in found]
    if " " in bare:
        nodes = [words(bare)]
    primes = [PRIME] * (len(name) - len(bare))
    return [*nodes[:-1], scripts(nodes[-1], None, row(primes) if primes else None)]


def _run(text: str, *, alone: bool) -> Element:
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

    def ref(self, ref: Ref) -> list[Element]:
        """A weight matrix without its bias line has a tilde."""
        written = self.name(self.symbols.parts(ref.id), tilde=bool(ref.omit))
        return [scripts(row(written), None, TOP)] if ref.transposed else written

    def name(self, name: Name, *, tilde: bool = False) -> list[Element]:
        if name.factors:
            product = [node for factor in name.factors for node in self.factor(*factor)]
            whole = [operator("("), *product, operator(")")] if name.index else product
            return whole + marks(name.entry_mark)
        nodes = letter_nodes(name.letter) if name.letter else [words("")]
        for each in name.accents:
            nodes[-1] = accent(nodes[-1], ACCENT_SIGNS[each])
        nodes[-1] = self.marked(accent(nodes[-1], "~") if tilde else nodes[-1], name)
        if name.argument is not None:
            nodes += [operator("("), *self.name(name.argument), operator(")")]
        nodes += marks(name.entry_mark)
        if name.before == "∂":
            return self.derivative(nodes)
        return [*(letter_nodes(name.before) if name.before else []), *nodes]

    def factor(self, name: Name, transposed: bool) -> list[Element]:
        written = self.name(name)
        return [scripts(row(written), None, TOP)] if transposed else written

    def marked(self, base: Element, name: Name) -> Element:
        below, above = (self.listed(marks) for marks in self.symbols.marks(name))
        return scripts(base, below, above)

    def listed(self, marks: list[str | Name]) -> Element | None:
        nodes: list[Element] = []
        for mark in marks:
            written = _mark(mark) if isinstance(mark, str) else self.name(mark)
            nodes += [*([operator(",")] if nodes else []), *written]
        return row(nodes) if nodes else None

    def derivative(self, nodes: list[Element]) -> list[Element]:
        above = [identifier("∂"), *self.name(self.symbols.objective)]
        below = [identifier("∂"), *nodes]
        if self.on_a_line:
            return [*above, operator("/"), *below]
        return [fraction(row(above), row(below))]


def _mark(text: str) -> list[Element]:
    return [numeral(part) if part.isdigit() else operator(part) for part in MARKS.findall(text)]


class MathML(FormulaWriter[Element]):
    """Writes formulas with the symbols of an exercise; a Ref is its symbol always.

    ``attributes`` says what to write into the tag of a Value (with a space in front).
    """

    def __init__(
        self,
        symbols: Symbols,
        decimals: int = 4,
        numbers: bool = False,
        decimal_mark: str = ".",
        attributes: Attributes = lambda value: "",
    ) -> None:
        super().__init__(symbols, decimals, numbers, decimal_mark)
        self.attributes = attributes

    def formula(self, expr: Expr, *, continues: bool = False) -> str:
        """The elements of a formula, to stand inside ``<math>``.

        ``continues``: something stands to the left, so that a sign at the beginning is not one of
        a number.
        """
        return joined(self.write(expr), continues=continues)

    def ref(self, ref: Ref) -> list[Element]:
        return _Symbol(self.symbols).ref(ref)

    def symbol(self, id: str) -> list[Element]:
        return self.ref(Ref(id))

    def name(self, name: Name) -> list[Element]:
        return _Symbol(self.symbols).name(name)

    def marks(self, text: str) -> list[Element]:
        return marks(text)

    def letter(self, letter: str) -> list[Element]:
        return letter_nodes(letter)

    def numeral(self, text: str, source: Value | None) -> list[Element]:
        return [numeral(text, "" if source is None else self.attributes(source))]

    def bracketed(self, inner: list[Element]) -> list[Element]:
        return [enclosed("(", row(inner), ")")]

    def applied(self, expr: Apply, exponent: list[Element]) -> list[Element]:
        *before, name = letter_nodes(expr.function)
        power = row(exponent) if exponent else None
        argument = self.bracketed(self.write(expr.argument))
        return [*before, scripts(name, None, power), *argument]

    def power(self, base: Expr, written: list[Element], exponent: list[Element]) -> list[Element]:
        return [scripts(row(written), None, row(exponent))]

    def exponential(self, exponent: Expr) -> list[Element]:
        return [scripts(identifier("e"), None, row(self.write(exponent)))]

    def fraction(self, expr: Fraction, after: str) -> list[Element]:
        return [fraction(row(self.write(expr.above)), row(self.write(expr.below)))]

    def transposed(self, inner: list[Element]) -> list[Element]:
        return [scripts(row(inner), None, TOP)]

    def root(self, inner: list[Element]) -> list[Element]:
        return [root(row(inner))]

    def absolute(self, inner: list[Element]) -> list[Element]:
        return [enclosed("|", row(inner), "|")]

    def sum(self, expr: Sum) -> list[Element]:
        sign = scripts(SUM, Element("<mi>i</mi>"), None) if expr.over == "samples" else SUM
        if expr.inner == Row(()):
            return [sign]
        inner = self.write(expr.inner)
        alone = isinstance(expr.inner, ALONE) or is_closed(expr.inner)
        return [sign, *([row(inner)] if alone else self.bracketed(inner))]


def marks(text: str) -> list[Element]:
    """The operators, numbers and brackets of a text; a text with words in it stays whole."""
    if WORDS.search(text):
        return [words(text)]
    nodes: list[Element] = []
    for mark in MARKS.findall(text):
        if mark == "ᵀ":
            before = nodes.pop() if nodes else row(())
            nodes.append(scripts(before, None, TOP))
        elif mark in RAISED:
            nodes[-1] = scripts(nodes[-1], None, numeral(RAISED[mark]))
        elif mark == "½":
            nodes.append(fraction(numeral("1"), numeral("2")))
        elif mark[0].isdigit():
            nodes.append(numeral(mark))
        else:
            nodes.append(operator({"Σ": "∑", "⊡": "·"}.get(mark, mark)))
    return nodes
