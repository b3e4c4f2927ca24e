"""Formulas as small trees: one definition gives plain text, LaTeX, MathML and numbers put in.

A tree's leaves are quantities of the tape (``Ref``, ``Symbol``), constants of the exercise
(``Constant``: η, n, λ), numbers (``Value``, ``Literal``), letters, marks (``Text``) and, in the
tables of functions, holes to be filled (``Part``). A table writes its formulas with the operators
of Python, ``1 / (1 + exp(-Z))``; brackets are the writers' business.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from backtrace.functions.number import Number


class Expr(msgspec.Struct, frozen=True):
    """Any node; arithmetic with nodes and numbers makes larger ones."""

    def __add__(self, other: Operand) -> Expr:
        items = self.items if isinstance(self, Terms) else (self,)
        return Terms((*items, expression(other)))

    def __radd__(self, other: Operand) -> Expr:
        return Terms((expression(other), self))

    def __sub__(self, other: Operand) -> Expr:
        return self + Negative(expression(other))

    def __rsub__(self, other: Operand) -> Expr:
        return expression(other) - self

    def __mul__(self, other: Operand) -> Expr:
        items = self.items if isinstance(self, Product) else (self,)
        return Product((*items, expression(other)))

    def __rmul__(self, other: Operand) -> Expr:
        return expression(other) * self

    def __truediv__(self, other: Operand) -> Expr:
        return Fraction(self, expression(other))

    def __rtruediv__(self, other: Operand) -> Expr:
        return expression(other) / self

    def __pow__(self, exponent: Operand) -> Expr:
        return Power(self, expression(exponent))

    def __neg__(self) -> Expr:
        return Negative(self)

    def __abs__(self) -> Expr:
        return Absolute(self)

    def __gt__(self, other: Operand) -> Expr:
        return row(self, " > ", expression(other))

    def __ge__(self, other: Operand) -> Expr:
        return row(self, " ≥ ", expression(other))

    def __le__(self, other: Operand) -> Expr:
        return row(self, " ≤ ", expression(other))


Operand: TypeAlias = "Expr | int | Number"


class Hole(Expr, frozen=True):
    """A hole in a formula of a table: ``z``, ``a``, ``y``, ``e`` or a parameter."""

    name: str


class Ref(Expr, frozen=True):
    """A quantity of the tape, possibly transposed, possibly without its bias line.

    ``omit`` is "first" or "last" where an augmented weight matrix stands without its bias line.
    """

    id: str
    transposed: bool = False
    omit: str = ""


class Symbol(Expr, frozen=True):
    """A quantity that stands there as its symbol even where numbers are put in."""

    id: str


class EntrySymbol(Expr, frozen=True):
    """One entry of a quantity by its symbol: ``W₁[2,1]``, of a row or a column ``b₁[2]``.

    ``index`` counts from 1; it is empty where there is only one entry.
    """

    id: str
    index: tuple[int, ...] = ()


class Constant(Expr, frozen=True):
    """A named constant: ``rate`` (η), ``samples`` (n), ``lambda``, ``beta1``, … and its value."""

    name: str
    value: float = math.nan


class Value(Expr, frozen=True):
    """One number, and where it stands: the id and the entry (from 0) it was taken from."""

    value: float
    id: str = ""
    row: int = -1
    column: int = -1


class Literal(Expr, frozen=True):
    """A number of the formula itself, printed as it is written there."""

    number: Number


class Letter(Expr, frozen=True):
    """A letter that is no quantity of the tape, or the name of a function by itself: k, Z, ln."""

    letter: str


class Text(Expr, frozen=True):
    """An operator or a word. Operators are the Unicode ones: · ⊙ + − = ′ Σ ( )."""

    text: str


class Row(Expr, frozen=True):
    """Things beside each other."""

    items: tuple[Expr, ...]


class Brackets(Expr, frozen=True):
    """In round brackets."""

    inner: Expr


class Apply(Expr, frozen=True):
    """A function of something: ReLU(Z₁), σ′(Z₂), ln(ŷ)."""

    function: str
    argument: Expr


class Power(Expr, frozen=True):
    base: Expr
    exponent: Expr


class Exponential(Expr, frozen=True):
    """e to the power of something."""

    exponent: Expr


class Fraction(Expr, frozen=True):
    above: Expr
    below: Expr


class Root(Expr, frozen=True):
    inner: Expr


class Absolute(Expr, frozen=True):
    inner: Expr


class Negative(Expr, frozen=True):
    inner: Expr


class Transposed(Expr, frozen=True):
    inner: Expr


class Sum(Expr, frozen=True):
    """Σ over all entries, or over what ``over`` says (``samples``)."""

    inner: Expr
    over: str = ""


class Terms(Expr, frozen=True):
    """Things added up: a negative number among them is subtracted, not put in brackets."""

    items: tuple[Expr, ...]


class Product(Expr, frozen=True):
    items: tuple[Expr, ...]


class Cases(Expr, frozen=True):
    """``then`` if ``condition`` holds, else ``otherwise``."""

    then: Expr
    condition: Expr
    otherwise: Expr


Sentence: TypeAlias = tuple[str | Expr, ...]
"""Words (plain text) and formulas beside each other; each format writes both in its own way."""

HALF = Text("½")


def expression(operand: Operand) -> Expr:
    """A number as the literal it is written as."""
    if isinstance(operand, Expr):
        return operand
    return Literal(operand if isinstance(operand, Number) else Number(operand, str(operand)))


def row(*items: Operand | str) -> Row:
    """Things beside each other; strings are operators and words."""
    return Row(tuple(Text(item) if isinstance(item, str) else expression(item) for item in items))


def call(function: str, *arguments: Operand) -> Apply:
    """A function of one or several things: ``max(0, z)``."""
    if len(arguments) == 1:
        return Apply(function, expression(arguments[0]))
    first, *others = arguments
    return Apply(function, row(first, *(each for other in others for each in (", ", other))))


def exp(exponent: Expr) -> Expr:
    return Exponential(exponent)


def cases(then: Operand, condition: Expr, otherwise: Operand) -> Expr:
    return Cases(expression(then), condition, expression(otherwise))


def rebuilt(expr: Expr, each: Callable[[Expr], Expr]) -> Expr:
    """The same expression with ``each`` applied to its parts (a leaf has none)."""
    match expr:
        case Row() | Terms() | Product():
            return type(expr)(tuple(each(item) for item in expr.items))
        case Apply():
            return Apply(expr.function, each(expr.argument))
        case Power():
            return Power(each(expr.base), each(expr.exponent))
        case Exponential():
            return Exponential(each(expr.exponent))
        case Fraction():
            return Fraction(each(expr.above), each(expr.below))
        case Brackets() | Root() | Absolute() | Negative() | Transposed():
            return type(expr)(each(expr.inner))
        case Sum():
            return Sum(each(expr.inner), expr.over)
        case Cases():
            return Cases(each(expr.then), each(expr.condition), each(expr.otherwise))
    return expr


def parts(expr: Expr) -> list[Expr]:
    """What ``rebuilt`` would work on; none of a leaf."""
    found: list[Expr] = []

    def kept(part: Expr) -> Expr:
        found.append(part)
        return part

    rebuilt(expr, kept)
    return found


def mentions(expr: Expr, part: Expr) -> bool:
    """Whether a formula of a table has this part."""
    return expr == part or any(mentions(each, part) for each in parts(expr))


def filled(expr: Expr, contents: Mapping[str, Expr]) -> Expr:
    """A formula of a table with its holes filled."""
    if isinstance(expr, Hole):
        return contents[expr.name]
    return rebuilt(expr, lambda part: filled(part, contents))


class Equation(msgspec.Struct, frozen=True):
    """``left`` = ``right``; ``left`` is the Ref of the step it belongs to.

    ``rule`` is what happens to each entry, where ``right`` only names the function: with it
    ``left`` = ``rule`` is the formula, and ``right`` is where the numbers are put in.
    """

    left: Ref
    right: Expr
    rule: Expr | None = None

    @property
    def formula(self) -> Row:
        """The step in symbols."""
        return row(self.left, " = ", self.right if self.rule is None else self.rule)
