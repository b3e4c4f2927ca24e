"""Formulas as LaTeX: symbols, or the numbers put in (amsmath only, macros that renderers share)."""

from __future__ import annotations

import re
from collections.abc import Callable

from backtrace.functions.formula import Apply, Brackets, Expr, Fraction, Ref, Sum, Value
from backtrace.notation.layout import is_closed
from backtrace.notation.letters import latex_letter
from backtrace.notation.names import Name
from backtrace.notation.numbers import latex as latex_numeral
from backtrace.notation.symbols import Symbols
from backtrace.notation.writer import ALONE, FormulaWriter

SPACES = re.compile("  +")
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
    "∗": r"\ast ",
    "ᵀ": r"^{\top} ",
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
    writer = _LaTeX(symbols, decimals, numbers, decimal_mark)
    if matrix is not None:
        writer.matrix = matrix
    return SPACES.sub(" ", "".join(writer.write(expr))).strip()


class _LaTeX(FormulaWriter[str]):
    matrix: Callable[[Ref], str] | None = None

    def ref(self, ref: Ref) -> list[str]:
        return [ref_latex(ref, self.symbols) if self.matrix is None else self.matrix(ref)]

    def symbol(self, id: str) -> list[str]:
        return [self.symbols.latex(id)]

    def name(self, name: Name) -> list[str]:
        return [self.symbols.written_in_latex(name)]

    def marks(self, text: str) -> list[str]:
        return [operators(text)]

    def letter(self, letter: str) -> list[str]:
        return [latex_letter(letter)]

    def numeral(self, text: str, source: Value | None) -> list[str]:
        return [latex_numeral(text, self.decimal_mark)]

    def bracketed(self, inner: list[str]) -> list[str]:
        return ["(", *inner, ")"]

    def applied(self, expr: Apply, exponent: list[str]) -> list[str]:
        power = _raised(exponent) if exponent else ""
        return [latex_letter(expr.function), power, *self.bracketed(self.write(expr.argument))]

    def power(self, base: Expr, written: list[str], exponent: list[str]) -> list[str]:
        text = "".join(written)
        return [text if isinstance(base, Brackets) else _base(text), _raised(exponent)]

    def exponential(self, exponent: Expr) -> list[str]:
        return ["e", _raised(self.write(exponent))]

    def fraction(self, expr: Fraction, after: str) -> list[str]:
        above, below = ("".join(self.write(part)) for part in (expr.above, expr.below))
        return [f"\\frac{{{above}}}{{{below}}}"]

    def transposed(self, inner: list[str]) -> list[str]:
        return [_base("".join(inner)), _raised([r"\top"])]

    def root(self, inner: list[str]) -> list[str]:
        return [f"\\sqrt{{{''.join(inner)}}}"]

    def absolute(self, inner: list[str]) -> list[str]:
        return [r"\lvert ", *inner, r" \rvert"]

    def sum(self, expr: Sum) -> list[str]:
        inner = self.write(expr.inner)
        index = "_{i}" if expr.over == "samples" else ""
        alone = isinstance(expr.inner, ALONE) or is_closed(expr.inner)
        return [f"\\sum{index} ", *(inner if alone else self.bracketed(inner))]


def _raised(exponent: list[str]) -> str:
    return f"^{{{''.join(exponent)}}}"


def operators(text: str) -> str:
    """The operators of a text in LaTeX; words are set upright."""
    if any(character.isalpha() and character.isascii() for character in text):
        return f"\\text{{{text}}}"
    for mark, command in OPERATORS.items():
        text = text.replace(mark, command)
    return text
