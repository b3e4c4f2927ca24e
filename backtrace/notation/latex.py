"""Formulas as LaTeX: symbols, or the numbers put in (amsmath only, macros that renderers share)."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

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
    "≈": r"\approx ",
    "∗": r"\ast ",
    "ᵀ": r"^{\top} ",
}
FOLDS = frozenset("·⊙⊡∗+−/")  # before which a line may begin; the last three have spaces around
NARROW, SMALL = frozenset(".,'|′ "), frozenset("()[]₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾ᵀⁿᵉʷᵒˡᵈᵃᵗᵃ")
WIDE = frozenset("+−-=≈·⊙≥≤≠×Σ⋯…")
BRACKET = 0.4  # em


class Tex(msgspec.Struct, frozen=True):
    """A piece of a formula, and about how wide it is, in em.

    A line may begin before an ``operator``. Of a pair of brackets ``inner`` is what they enclose.
    What is ``tall`` is a matrix, or has one in it.
    """

    text: str
    width: float
    operator: bool = False
    inner: tuple[Tex, ...] = ()
    tall: bool = False

    def __str__(self) -> str:
        return self.text

    @property
    def opened(self) -> tuple[Tex, ...]:
        """The brackets and what they enclose, each by itself; of a size that both can have."""
        left, right = (r"\biggl( ", r" \biggr)") if self.tall else ("(", ")")
        return (Tex(left, BRACKET), *self.inner, Tex(right, BRACKET)) if self.inner else (self,)


def text_width(text: str) -> float:
    """About how wide a symbol, a number or a mark is in print, in em, as Unicode has it."""
    return sum(map(_character_width, text))


def _character_width(character: str) -> float:
    if character in NARROW:
        return 0.3
    if character in SMALL:
        return 0.4
    return 0.8 if character in WIDE else 0.52


def width(pieces: Iterable[Tex]) -> float:
    """How wide pieces are beside each other."""
    return sum(piece.width for piece in pieces)


def joined(pieces: Iterable[Tex]) -> str:
    """Pieces beside each other."""
    return SPACES.sub(" ", "".join(piece.text for piece in pieces)).strip()


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
    decimal_mark: str = ".",
) -> str:
    """A formula in LaTeX. With ``numbers`` constants are numbers."""
    return joined(LaTeX(symbols, decimals, numbers, decimal_mark).write(expr))


class LaTeX(FormulaWriter[Tex]):
    """Writes formulas as pieces, which can be folded where they begin with an operator."""

    def ref(self, ref: Ref) -> list[Tex]:
        mark = 0.5 if ref.transposed else 0.0
        return [Tex(ref_latex(ref, self.symbols), symbol_width(ref.id, self.symbols) + mark)]

    def symbol(self, id: str) -> list[Tex]:
        return [Tex(self.symbols.latex(id), symbol_width(id, self.symbols))]

    def name(self, name: Name) -> list[Tex]:
        written = self.symbols.written_in_latex(name)
        return [Tex(written, text_width(self.symbols.unicode(name)))]

    def marks(self, text: str) -> list[Tex]:
        sign = text.strip()
        folds = sign in FOLDS and (text != sign or sign in "·⊙⊡∗")
        return [Tex(operators(text), text_width(text), operator=folds)]

    def letter(self, letter: str) -> list[Tex]:
        return [Tex(latex_letter(letter), text_width(letter))]

    def numeral(self, text: str, source: Value | None) -> list[Tex]:
        return [Tex(latex_numeral(text, self.decimal_mark), numeral_width(text))]

    def bracketed(self, inner: list[Tex]) -> list[Tex]:
        tall = any(piece.tall for piece in inner)
        left, right = (r"\left( ", r" \right)") if tall else ("(", ")")
        text = f"{left}{joined(inner) if tall else _text(inner)}{right}"
        return [Tex(text, width(inner) + 2 * BRACKET, inner=tuple(inner), tall=tall)]

    def applied(self, expr: Apply, exponent: list[Tex]) -> list[Tex]:
        function = self.letter(expr.function)
        argument = self.bracketed(self.write(expr.argument))
        return [*function, *([_raised(exponent)] if exponent else []), *argument]

    def power(self, base: Expr, written: list[Tex], exponent: list[Tex]) -> list[Tex]:
        if isinstance(base, Brackets):
            return [*written, _raised(exponent)]
        return [_enclosed(written, _base(_text(written))), _raised(exponent)]

    def exponential(self, exponent: Expr) -> list[Tex]:
        return [Tex("e", 0.5), _raised(self.write(exponent))]

    def fraction(self, expr: Fraction, after: str) -> list[Tex]:
        above, below = (self.write(part) for part in (expr.above, expr.below))
        text = f"\\frac{{{_text(above)}}}{{{_text(below)}}}"
        tall = any(piece.tall for piece in [*above, *below])
        return [Tex(text, max(width(above), width(below)) + 0.3, tall=tall)]

    def transposed(self, inner: list[Tex]) -> list[Tex]:
        return [_enclosed(inner, _base(_text(inner))), Tex(r"^{\top}", 0.5)]

    def root(self, inner: list[Tex]) -> list[Tex]:
        return [_enclosed(inner, f"\\sqrt{{{_text(inner)}}}", 0.9)]

    def absolute(self, inner: list[Tex]) -> list[Tex]:
        return [Tex(r"\lvert ", 0.3), *inner, Tex(r" \rvert", 0.3)]

    def sum(self, expr: Sum) -> list[Tex]:
        inner = self.write(expr.inner)
        index = "_{i}" if expr.over == "samples" else ""
        alone = isinstance(expr.inner, ALONE) or is_closed(expr.inner)
        return [Tex(f"\\sum{index} ", 1.5), *(inner if alone else self.bracketed(inner))]


def symbol_width(id: str, symbols: Symbols) -> float:
    """Of the symbol of a quantity; a derivative is as wide as what is below its line."""
    name = symbols.parts(id)
    if name.before == "∂":
        name = replace(name, before="d")
    return text_width(symbols.unicode(name))


def numeral_width(text: str) -> float:
    """Of a printed number: ``17/4`` is a fraction, ``1.2e-5`` a power of ten."""
    above, slash, below = text.partition("/")
    if slash:
        return max(text_width(above), text_width(below)) * 0.8 + 0.3
    mantissa, e, exponent = text.partition("e")
    return text_width(mantissa) + (1.7 + 0.4 * len(exponent) if e else 0.0)


def _text(pieces: Iterable[Tex]) -> str:
    return "".join(piece.text for piece in pieces)


def _enclosed(inner: list[Tex], text: str, more: float = 0.0) -> Tex:
    """Pieces that have become one, in which no line begins."""
    return Tex(text, width(inner) + more, tall=any(piece.tall for piece in inner))


def _raised(exponent: list[Tex]) -> Tex:
    return Tex(f"^{{{_text(exponent)}}}", 0.7 * width(exponent))


def operators(text: str) -> str:
    """The operators of a text in LaTeX; words are set upright."""
    if any(character.isalpha() and character.isascii() for character in text):
        return f"\\text{{{text}}}"
    for mark, command in OPERATORS.items():
        text = text.replace(mark, command)
    return text
