"""Formulas as text, in Unicode or ASCII: symbols, or the numbers put in."""

from __future__ import annotations

import re
from functools import cache
from typing import TypeAlias

from backtrace.functions.formula import (
    Apply,
    Exponential,
    Expr,
    Fraction,
    Power,
    Product,
    Ref,
    Root,
    Sentence,
    Sum,
    Value,
)
from backtrace.notation.layout import is_closed
from backtrace.notation.letters import ACCENTS, GREEK
from backtrace.notation.names import SMALL_LETTERS, Name
from backtrace.notation.symbols import Symbols
from backtrace.notation.writer import ALONE, FormulaWriter, inside

EXACT = 12  # decimals of the numbers in a sentence: as many as they were written with
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
PART = f"(?P<part>⁽[{RAISED}]+⁾)"  # S⁽¹⁾
SIGMOID = "(?P<sigmoid>σ′?)(?=\\()"  # as a function; by itself it is a letter
BELOW = "".join(map(chr, SMALL_LETTERS.values()))
LETTERS_BELOW = {small: letter for letter, small in SMALL_LETTERS.items()}
SUPERSCRIPTS = str.maketrans("0123456789−t", f"{RAISED}ᵗ")
ASCII = {
    "·": "*", "⊙": "(.)", "−": "-", "′": "'", "Σ": "sum ", "≥": ">=", "≤": "<=", "½": "1/2 ",
    "√": "sqrt ", "ᵀ": "^T", "×": "x", "→": "->", "∂": "d", "±": "+-", "≠": "!=", "⋯": "...",
    "∗": "(*)", "Φ": "Phi", "φ": "phi", "ᵢ": "_i", "ⱼ": "_j", "ᵗ": "^t",
    "ŷ": "y_hat", "Ŷ": "Y_hat",
    "δ": "delta", "Δ": "D", "ℓ": "l", "Ω": "penalty", "η": "eta", "α": "alpha", "β": "beta",
    "λ": "lambda",
    "ε": "eps", "…": "...", "⊡": "(J)", "—": "-", "–": "-", "≈": "~", "⌊": "floor(", "⌋": ")",
    "ⁿᵉʷ": "_new", "ᵒˡᵈ": "_old", "ᵈᵃᵗᵃ": "_data", "m̂": "mhat", "v̂": "vhat",
}  # fmt: skip
ASCII |= {letter: name for name, letter in GREEK.items() if letter not in ASCII}
ASCII |= {accent: f"_{name}" for name, (accent, _) in ACCENTS.items()}
ASCII |= {digit: str(i) for i, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")}

Token: TypeAlias = "str | Ref"  # noqa: S105 - not a password


def to_ascii(text: str) -> str:
    """``text`` with every symbol of ours spelt in ASCII; other characters become ``?``."""
    spelt = _spelt_in_ascii().sub(_spelt, text)
    return spelt.encode("ascii", "replace").decode("ascii")


@cache
def _spelt_in_ascii() -> re.Pattern[str]:
    """Compiled only where the terminal needs it."""
    others = sorted(map(re.escape, ASCII), key=len)[::-1]
    return re.compile("|".join([PART, f"[{RAISED}]+", f"(?P<below>[{BELOW}]+)", SIGMOID, *others]))


def _spelt(match: re.Match[str]) -> str:
    found = match.group()
    match match.lastgroup:
        case "part":
            return "." + "".join("0123456789"[RAISED.index(digit)] for digit in found[1:-1])
        case "below":
            return "_" + found.translate(LETTERS_BELOW)
        case "sigmoid":
            return "sigmoid" + found[1:].replace("′", "'")
    if found in ASCII:
        return ASCII[found]
    return "^" + "".join("0123456789-"[RAISED.index(digit)] for digit in found)


def text(expr: Expr, symbols: Symbols, decimals: int = 4) -> str:
    """A formula in one line of Unicode: every quantity by its symbol."""
    return "".join(_named(token, symbols) for token in tokens(expr, symbols, False, decimals))


def sentence_text(sentence: Sentence, symbols: Symbols) -> str:
    """A sentence in one line of Unicode."""
    return "".join(
        part if isinstance(part, str) else text(part, symbols, EXACT) for part in sentence
    )


def whole(sentence: Sentence) -> Sentence:
    """With a capital, unless it begins with a symbol, and a full stop."""
    first, *others = sentence
    if isinstance(first, str):
        first = first[:1].upper() + first[1:]
    return (first, *others, ".")


def _named(token: Token, symbols: Symbols) -> str:
    return token if isinstance(token, str) else ref_text(token, symbols)


def ref_text(ref: Ref, symbols: Symbols) -> str:
    """A reference by its symbol: ``W₂ᵀ``, ``W₂ (without its bias)ᵀ`` is ``W̃₂ᵀ``."""
    name = symbols.name(ref.id)
    if ref.omit:
        name = f"{name[0]}̃{name[1:]}"
    return name + ("ᵀ" if ref.transposed else "")


def tokens(expr: Expr, symbols: Symbols, numbers: bool, decimals: int = 4) -> list[Token]:
    """A formula taken apart into marks (text) and the quantities between them.

    With ``numbers`` the constants are printed as numbers, else by their symbols. A renderer puts
    each ``Ref``'s symbol or its matrix in its place.
    """
    return _Linear(symbols, decimals, numbers).write(expr)


class _Linear(FormulaWriter[Token]):
    def ref(self, ref: Ref) -> list[Token]:
        return [ref]

    def symbol(self, id: str) -> list[Token]:
        return [self.symbols.name(id)]

    def name(self, name: Name) -> list[Token]:
        return [self.symbols.unicode(name)]

    def marks(self, text: str) -> list[Token]:
        return [text]

    letter = marks

    def numeral(self, text: str, source: Value | None) -> list[Token]:
        return [text]

    def bracketed(self, inner: list[Token]) -> list[Token]:
        """One mark stays one."""
        if len(inner) == 1 and isinstance(inner[0], str):
            return [f"({inner[0]})"]
        return ["(", *inner, ")"]

    def applied(self, expr: Apply, exponent: list[Token]) -> list[Token]:
        power = [_raised(exponent)] if exponent else []
        return [expr.function, *power, "(", *self.write(inside(expr.argument)), ")"]

    def power(self, base: Expr, written: list[Token], exponent: list[Token]) -> list[Token]:
        if isinstance(base, Ref) and "/" in self.symbols.name(base.id):
            written = self.bracketed(written)
        return [*written, _raised(exponent)]

    def exponential(self, exponent: Expr) -> list[Token]:
        written = self.write(exponent)
        text = written[0]
        if len(written) == 1 and isinstance(text, str) and not text.startswith("-"):
            return ["e^", text]
        return ["e^(", *written, ")"]

    def fraction(self, expr: Fraction, after: str) -> list[Token]:
        above, below = self.write(expr.above, after), self.write(expr.below, "/")
        together = Product | Power | Exponential | Root | Apply
        if len(above) > 1 and not isinstance(expr.above, together):
            above = self.bracketed(above)
        if len(below) > 1 and not isinstance(expr.below, Sum | Root | Power):
            below = self.bracketed(below)
        return [*above, "/", *below]

    def transposed(self, inner: list[Token]) -> list[Token]:
        return [*inner, "ᵀ"]

    def root(self, inner: list[Token]) -> list[Token]:
        return ["√", *(inner if len(inner) == 1 else self.bracketed(inner))]

    def absolute(self, inner: list[Token]) -> list[Token]:
        return ["|", *inner, "|"]

    def sum(self, expr: Sum) -> list[Token]:
        inner = self.write(expr.inner)
        word = isinstance(expr.inner, Apply) and len(expr.inner.function) > 1
        alone = len(inner) == 1 or isinstance(expr.inner, ALONE) or is_closed(expr.inner)
        return ["Σ " if word else "Σ", *(inner if alone else self.bracketed(inner))]


def _raised(exponent: list[Token]) -> str:
    text = "".join(map(str, exponent))
    raised = text.translate(SUPERSCRIPTS)
    return f"^{text}" if any(mark in raised for mark in text) else raised
