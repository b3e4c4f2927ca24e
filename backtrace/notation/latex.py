"""Formulas as LaTeX: symbols, or the numbers put in (amsmath only, macros that renderers share)."""

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
from backtrace.notation.letters import latex_letter
from backtrace.notation.numbers import latex as latex_numeral
from backtrace.notation.numbers import number
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import bracketed

SPACES = re.compile("  +")
CONSTANT_DECIMALS = 8  # a constant is printed as it was written,
SMALL, FEW_DECIMALS = 5e-5, 4  # or, where that would be mostly zeros, with a power of 10
OPERATORS = {
    "·": r"\cdot ",
    "⊙": r"\odot ",
    "−": "-",
    "′": "'",
    "Σ": r"\sum ",
    "½": r"\tfrac{1}{2} ",
    "⋯": r"\cdots ",
    "≥": r"\geq ",
    "≤": r"\leq ",
    "×": r"\times ",
    "²": "^{2}",
    "…": r"\ldots ",
    "⊡": r"\cdot ",
    "∂": r"\partial ",
    "≠": r"\neq ",
}


def ref_latex(ref: Ref, symbols: Symbols) -> str:
    """A reference by its symbol; a weight matrix without its bias line has a tilde.

    The tilde's letter has no braces: Markdown would take ``}_{`` for the start of emphasis.
    """
    name = symbols.latex(ref.id)
    if ref.omit:
        name = f"\\tilde {name}"
    return f"{_base(name)}^{{\\top}}" if ref.transposed else name


def _base(tex: str) -> str:
    """What a superscript is put on, in braces; TeX looks through those around a lone accent."""
    return f"{{{{}}{tex}}}" if tex.startswith("\\tilde") and "^" in tex else f"{{{tex}}}"


def latex(
    expr: Expr,
    symbols: Symbols,
    decimals: int = 4,
    numbers: bool = False,
    matrix: Callable[[Ref], str] | None = None,
    decimal_mark: str = ".",
) -> str:
    """A formula in LaTeX. With ``numbers`` constants are numbers; ``matrix`` writes a Ref then."""
    written = matrix or (lambda ref: ref_latex(ref, symbols))
    writer = _Writer(symbols, decimals, numbers, written, decimal_mark)
    return SPACES.sub(" ", writer.write(expr)).strip()


class _Writer(msgspec.Struct, frozen=True):
    symbols: Symbols
    decimals: int
    numbers: bool
    matrix: Callable[[Ref], str]
    decimal_mark: str = "."

    def number(self, value: float, decimals: int) -> str:
        return latex_numeral(number(value, decimals, self.decimal_mark), self.decimal_mark)

    def write(self, expr: Expr, after: str = "", before: str = "") -> str:  # noqa: PLR0912 - a case a node
        match expr:
            case Ref():
                return self.matrix(expr)
            case Symbol():
                return self.symbols.latex(expr.id)
            case Text():
                return operators(expr.text)
            case Letter():
                return latex_letter(expr.letter)
            case Literal():
                text = expr.number.text.replace(".", self.decimal_mark)
                return latex_numeral(text, self.decimal_mark)
            case Constant():
                return self.constant(expr)
            case Value():
                return bracketed(self.number(expr.value, self.decimals), after, before)
            case Row():
                return self.row(expr)
            case Terms() | Product() | Negative() | Cases():
                return self.row(beside(expr))
            case Group():
                return f"({self.write(expr.inner)})"
            case Apply():
                return f"{latex_letter(expr.function)}({self.write(expr.argument)})"
            case Power():
                return self.power(expr)
            case Exponential():
                return f"e^{{{self.write(expr.exponent)}}}"
            case Fraction():
                return f"\\frac{{{self.write(expr.above)}}}{{{self.write(expr.below)}}}"
            case Transposed():
                return f"{_base(self.write(expr.inner))}^{{\\top}}"
            case Root():
                return f"\\sqrt{{{self.write(expr.inner)}}}"
            case Absolute():
                return f"\\lvert {self.write(expr.inner)} \\rvert"
            case Sum():
                return self.sum(expr)
        raise TypeError(f"no LaTeX for {expr!r}")

    def constant(self, expr: Constant) -> str:
        if self.numbers:
            small = abs(expr.value) < SMALL
            return self.number(expr.value, FEW_DECIMALS if small else CONSTANT_DECIMALS)
        return self.symbols.written_in_latex(self.symbols.constant_parts(expr.name))

    def power(self, expr: Power) -> str:
        exponent = self.write(expr.exponent)
        if isinstance(expr.base, Apply):  # tanh²(z)
            name = latex_letter(expr.base.function)
            return f"{name}^{{{exponent}}}({self.write(expr.base.argument)})"
        grouped = base(expr.base)
        written = self.write(grouped, "·")
        return f"{written if isinstance(grouped, Group) else _base(written)}^{{{exponent}}}"

    def row(self, expr: Row) -> str:
        written = ""
        for at, item in enumerate(expr.items):
            previous = expr.items[at - 1] if at else None
            following = expr.items[at + 1] if at + 1 < len(expr.items) else None
            after = previous.text if isinstance(previous, Text) else "" if at == 0 else "x"
            before = following.text if isinstance(following, Text) else ""
            written += self.write(item, after, before)
        return written

    def sum(self, expr: Sum) -> str:
        inner = self.write(expr.inner)
        index = "_{i}" if expr.over == "samples" else ""
        alone = isinstance(expr.inner, Ref | Value | Apply | Exponential | Absolute)
        return f"\\sum{index} {inner if alone or is_closed(expr.inner) else f'({inner})'}"


def operators(text: str) -> str:
    """The operators of a text in LaTeX; words are set upright."""
    if any(character.isalpha() and character.isascii() for character in text):
        return f"\\text{{{text}}}"
    for mark, command in OPERATORS.items():
        text = text.replace(mark, command)
    return text
