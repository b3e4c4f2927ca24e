"""How any formula is written: the walk over its tree, which text, LaTeX and MathML share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from backtrace.functions import formula
from backtrace.functions.formula import Brackets, Expr, Ref, Row, Text, Value
from backtrace.notation.layout import base, beside
from backtrace.notation.names import Name
from backtrace.notation.numbers import constant, number
from backtrace.notation.symbols import Symbols

Piece = TypeVar("Piece")
ALONE = (Ref, Value, formula.Apply, formula.Exponential, formula.Absolute)  # after Σ, unbracketed


class FormulaWriter(Generic[Piece]):
    """Writes formulas as pieces beside each other; a script has a method for each kind of node.

    With ``numbers`` the constants are printed as numbers, else by their symbols.
    """

    ref: Callable[[Ref], list[Piece]]
    symbol: Callable[[str], list[Piece]]
    name: Callable[[Name], list[Piece]]
    marks: Callable[[str], list[Piece]]
    letter: Callable[[str], list[Piece]]
    numeral: Callable[[str, Value | None], list[Piece]]
    bracketed: Callable[[list[Piece]], list[Piece]]
    applied: Callable[[formula.Apply, list[Piece]], list[Piece]]  # and its power: tanh²(z)
    power: Callable[[Expr, list[Piece], list[Piece]], list[Piece]]
    exponential: Callable[[Expr], list[Piece]]
    fraction: Callable[[formula.Fraction, str], list[Piece]]
    transposed: Callable[[list[Piece]], list[Piece]]
    root: Callable[[list[Piece]], list[Piece]]
    absolute: Callable[[list[Piece]], list[Piece]]
    sum: Callable[[formula.Sum], list[Piece]]

    def __init__(
        self,
        symbols: Symbols,
        decimals: int = 4,
        numbers: bool = False,
        decimal_mark: str = ".",
    ) -> None:
        self.symbols = symbols
        self.decimals = decimals
        self.numbers = numbers
        self.decimal_mark = decimal_mark

    def write(self, expr: Expr, after: str = "", before: str = "") -> list[Piece]:  # noqa: PLR0912 - a case a node
        """``after`` and ``before`` are the marks beside it, which decide a negative's brackets."""
        match expr:
            case Ref():
                written = self.ref(expr)
                text = str(written[0]) if len(written) == 1 else ""  # a number's begins with a sign
                return self.bracketed(written) if needs_brackets(text, after, before) else written
            case formula.Symbol():
                return self.symbol(expr.id)
            case formula.EntrySymbol():
                return self.name(self.symbols.entry(expr.id, expr.index))
            case Text():
                return self.marks(expr.text)
            case formula.Letter():
                return self.letter(expr.letter)
            case formula.Literal():
                return self.numeral(expr.number.text.replace(".", self.decimal_mark), None)
            case formula.Constant():
                return self.constant(expr)
            case Value():
                text = number(expr.value, self.decimals, self.decimal_mark)
                written = self.numeral(text, expr)
                return self.bracketed(written) if needs_brackets(text, after, before) else written
            case Row():
                return self.row(expr)
            case formula.Terms() | formula.Product() | formula.Negative() | formula.Cases():
                return self.row(beside(expr))
            case Brackets():
                return self.bracketed(self.write(inside(expr)))
            case formula.Apply():
                return self.applied(expr, [])
            case formula.Power(formula.Apply() as function, exponent):
                return self.applied(function, self.write(exponent))
            case formula.Power():
                grouped = base(expr.base)
                return self.power(grouped, self.write(grouped, "·"), self.write(expr.exponent))
            case formula.Exponential():
                return self.exponential(inside(expr.exponent))
            case formula.Fraction():
                return self.fraction(expr, after)
            case formula.Transposed():
                return self.transposed(self.write(expr.inner))
            case formula.Root():
                return self.root(self.write(expr.inner))
            case formula.Absolute():
                return self.absolute(self.write(expr.inner))
            case formula.Sum():
                return self.sum(expr)
        raise TypeError(f"no way to write {expr!r}")

    def row(self, expr: Row) -> list[Piece]:
        written: list[Piece] = []
        for at, item in enumerate(expr.items):
            previous = expr.items[at - 1] if at else Text("")
            following = expr.items[at + 1] if at + 1 < len(expr.items) else Text("")
            after = previous.text if isinstance(previous, Text) else "x"
            before = following.text if isinstance(following, Text) else ""
            written += self.write(item, after, before)
        return written

    def constant(self, expr: formula.Constant) -> list[Piece]:
        if self.numbers:
            text = constant(expr.value, self.decimals, self.decimal_mark)
            return self.numeral(text, None)
        return self.name(self.symbols.constant_parts(expr.name))


def inside(expr: Expr) -> Expr:
    """One pair of brackets is enough."""
    return expr.inner if isinstance(expr, Brackets) else expr


def needs_brackets(text: str, after: str, before: str = "") -> bool:
    """Of a negative number, whether it stands behind an operator or under a power."""
    left = after.rstrip()
    open_left = not left or left[-1] in "(=,[" or left.endswith(" if")
    return text.startswith("-") and not (open_left and not before.startswith(("²", "^", "·")))
