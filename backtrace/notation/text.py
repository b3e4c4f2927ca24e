"""Formulas as text, in Unicode or ASCII: symbols, or the numbers put in."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

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
    Sentence,
    Sum,
    Symbol,
    Terms,
    Text,
    Transposed,
    Value,
)
from backtrace.notation.layout import base, beside, is_closed
from backtrace.notation.numbers import constant, number
from backtrace.notation.symbols import Symbols

EXACT = 12  # decimals of the numbers in a sentence: as many as they were written with
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
SUPERSCRIPTS = str.maketrans("0123456789−t", f"{RAISED}ᵗ")
ASCII = {
    "·": "*", "⊙": "(.)", "−": "-", "′": "'", "Σ": "sum ", "≥": ">=", "≤": "<=", "½": "1/2 ",
    "√": "sqrt ", "ᵀ": "^T", "×": "x", "→": "->", "∂": "d", "±": "+-", "≠": "!=", "⋯": "...",
    "σ": "sigmoid", "Φ": "Phi", "φ": "phi", "ᵢ": "_i", "ⱼ": "_j", "ᵗ": "^t",
    "ŷ": "y_hat", "Ŷ": "Y_hat",
    "δ": "delta", "Δ": "D", "ℓ": "l", "Ω": "penalty", "η": "eta", "α": "alpha", "β": "beta",
    "λ": "lambda",
    "ε": "eps", "…": "...", "⊡": "(J)", "—": "-", "–": "-", "≈": "~", "⌊": "floor(", "⌋": ")",
    "ⁿᵉʷ": "_new", "ᵒˡᵈ": "_old", "ᵈᵃᵗᵃ": "_data", "m̂": "mhat", "v̂": "vhat",
}  # fmt: skip
ASCII |= {digit: str(i) for i, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")}

Token: TypeAlias = "str | Ref"  # noqa: S105 - not a password
Number: TypeAlias = Callable[[float], str]


def to_ascii(text: str) -> str:
    """``text`` with every symbol of ours spelt in ASCII; other characters become ``?``."""
    spelt = _spelt_in_ascii().sub(_spelt, text)
    return spelt.encode("ascii", "replace").decode("ascii")


@cache
def _spelt_in_ascii() -> re.Pattern[str]:
    """Compiled only where the terminal needs it."""
    return re.compile("|".join([f"[{RAISED}]+", *sorted(map(re.escape, ASCII), key=len)[::-1]]))


def _spelt(match: re.Match[str]) -> str:
    found = match.group()
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
    return _Linear(symbols, numbers, decimals).write(expr)


class _Linear(msgspec.Struct, frozen=True):
    symbols: Symbols
    numbers: bool
    decimals: int

    def write(self, expr: Expr, after: str = "", before: str = "") -> list[Token]:  # noqa: PLR0912 - a case a node
        """``after`` and ``before`` are the texts beside it, which decide a negative's brackets."""
        match expr:
            case Ref():
                return [expr]
            case Symbol():
                return [self.symbols.name(expr.id)]
            case Text():
                return [expr.text]
            case Letter():
                return [expr.letter]
            case Literal():
                return [expr.number.text]
            case Constant():
                return [self.constant(expr)]
            case Value():
                return [bracketed(number(expr.value, self.decimals), after, before)]
            case Row():
                return self.row(expr)
            case Terms() | Product() | Negative() | Cases():
                return self.row(beside(expr))
            case Group():
                return ["(", *self.write(_inside(expr)), ")"]
            case Apply():
                return [expr.function, "(", *self.write(_inside(expr.argument)), ")"]
            case Power():
                return self.power(expr)
            case Exponential():
                return self.exponential(_inside(expr.exponent))
            case Fraction():
                return self.fraction(expr, after)
            case Transposed():
                return [*self.write(expr.inner), "ᵀ"]
            case Root():
                return self.prefixed("√", expr.inner)
            case Absolute():
                return ["|", *self.write(expr.inner), "|"]
            case Sum():
                return self.sum(expr.inner)
        raise TypeError(f"no text for {expr!r}")

    def constant(self, expr: Constant) -> str:
        if self.numbers:
            return constant(expr.value, self.decimals)
        return self.symbols.constant(expr.name)

    def row(self, expr: Row) -> list[Token]:
        written: list[Token] = []
        for at, item in enumerate(expr.items):
            after = written[-1] if written and isinstance(written[-1], str) else ""
            following = expr.items[at + 1] if at + 1 < len(expr.items) else None
            before = following.text if isinstance(following, Text) else ""
            written += self.write(item, after, before)
        return written

    def power(self, expr: Power) -> list[Token]:
        exponent = "".join(str(t) for t in self.write(expr.exponent))
        raised = exponent.translate(SUPERSCRIPTS)
        wholly = not any(mark in raised for mark in exponent)
        power = raised if wholly else f"^{exponent}"
        if isinstance(expr.base, Apply):  # tanh²(z)
            name, *argument = self.write(expr.base)
            return [name, power, *argument]
        base_ = self.write(base(expr.base), "·")
        if isinstance(expr.base, Ref) and "/" in self.symbols.name(expr.base.id):
            base_ = ["(", *base_, ")"]
        return [*base_, power]

    def exponential(self, exponent: Expr) -> list[Token]:
        written = self.write(exponent, "^")
        single = len(written) == 1 and isinstance(written[0], str)
        return ["e^", *written] if single else ["e^(", *written, ")"]

    def fraction(self, expr: Fraction, after: str) -> list[Token]:
        above, below = self.write(expr.above, after), self.write(expr.below, "/")
        if len(above) > 1 and not isinstance(expr.above, Product | Power | Exponential):
            above = ["(", *above, ")"]
        if len(below) > 1 and not isinstance(expr.below, Sum):
            below = ["(", *below, ")"]
        return [*above, "/", *below]

    def prefixed(self, sign: str, inner: Expr) -> list[Token]:
        written = self.write(inner)
        return [sign, *written] if len(written) == 1 else [sign, "(", *written, ")"]

    def sum(self, inner: Expr) -> list[Token]:
        if isinstance(inner, Apply):
            return ["Σ" if len(inner.function) == 1 else "Σ ", *self.write(inner)]
        if isinstance(inner, Exponential | Absolute) or is_closed(inner):
            return ["Σ", *self.write(inner)]
        return self.prefixed("Σ", inner)


def _inside(expr: Expr) -> Expr:
    """One pair of brackets is enough."""
    return expr.inner if isinstance(expr, Group) else expr


def bracketed(text: str, after: str, before: str = "") -> str:
    """A negative number in brackets where it stands behind an operator or under a power."""
    if not text.startswith("-"):
        return text
    left = after.rstrip()
    open_left = not left or left[-1] in "(=,[" or left.endswith(" if")
    if open_left and not before.startswith(("²", "^", "·")):
        return text
    return f"({text})"
