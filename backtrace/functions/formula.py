"""Formulas as small trees: one definition gives plain text, Unicode, LaTeX and numbers put in.

A formula's leaves are references to quantities (``Ref``), to constants of the exercise
(``Constant``: η, n, λ), to single numbers (``Value``) and plain text (``Text``). A renderer
replaces the references by symbols or by matrices; the tree says only how they hang together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec


class Ref(msgspec.Struct, frozen=True):
    """A quantity of the tape, possibly transposed, possibly without its bias line.

    ``omit`` is "first" or "last" where an augmented weight matrix stands without its bias line.
    """

    id: str
    transposed: bool = False
    omit: str = ""


class Symbol(msgspec.Struct, frozen=True):
    """A quantity that stands there as its symbol even where numbers are put in."""

    id: str


class Constant(msgspec.Struct, frozen=True):
    """A named constant: ``rate`` (η), ``samples`` (n), ``lambda``, ``beta1``, … and its value."""

    name: str
    value: float


class Value(msgspec.Struct, frozen=True):
    """One number, and where it stands: the id and the entry (from 0) it was taken from."""

    value: float
    id: str = ""
    row: int = -1
    column: int = -1


class Text(msgspec.Struct, frozen=True):
    """An operator or a word. Operators are the Unicode ones: · ⊙ + − = ′ Σ ( )."""

    text: str


class Row(msgspec.Struct, frozen=True):
    """Things beside each other."""

    items: tuple[Expr, ...]


class Group(msgspec.Struct, frozen=True):
    """In round brackets."""

    inner: Expr


class Apply(msgspec.Struct, frozen=True):
    """A function of something: ReLU(Z₁), σ′(Z₂), ln(ŷ)."""

    function: str
    argument: Expr


class Power(msgspec.Struct, frozen=True):
    base: Expr
    exponent: Expr


class Fraction(msgspec.Struct, frozen=True):
    above: Expr
    below: Expr


class Root(msgspec.Struct, frozen=True):
    inner: Expr


class Absolute(msgspec.Struct, frozen=True):
    inner: Expr


class Sum(msgspec.Struct, frozen=True):
    """Σ over all entries, or over what ``over`` says (``samples``)."""

    inner: Expr
    over: str = ""


class Terms(msgspec.Struct, frozen=True):
    """Things added up: a negative number among them is subtracted, not put in brackets."""

    items: tuple[Expr, ...]


class Template(msgspec.Struct, frozen=True):
    """A formula of a table of functions, with its ``{z}``, ``{a}``, … filled by ``parts``."""

    text: str
    latex: str
    parts: dict[str, Expr]


Expr: TypeAlias = (
    Ref
    | Symbol
    | Constant
    | Value
    | Text
    | Row
    | Group
    | Apply
    | Power
    | Fraction
    | Root
    | Absolute
    | Sum
    | Terms
    | Template
)


Sentence: TypeAlias = tuple[str | Expr, ...]
"""Words (plain text) and formulas beside each other; each format writes both in its own way."""


def rebuilt(expr: Expr, each: Callable[[Expr], Expr]) -> Expr:
    """The same expression with ``each`` applied to its parts (a leaf has none)."""
    match expr:
        case Row() | Terms():
            return type(expr)(tuple(each(item) for item in expr.items))
        case Template():
            parts = {name: each(part) for name, part in expr.parts.items()}
            return Template(expr.text, expr.latex, parts)
        case Apply():
            return Apply(expr.function, each(expr.argument))
        case Power():
            return Power(each(expr.base), each(expr.exponent))
        case Fraction():
            return Fraction(each(expr.above), each(expr.below))
        case Group() | Root() | Absolute():
            return type(expr)(each(expr.inner))
        case Sum():
            return Sum(each(expr.inner), expr.over)
    return expr


def row(*items: Expr | str) -> Row:
    """Things beside each other; strings are operators and words."""
    return Row(tuple(Text(item) if isinstance(item, str) else item for item in items))


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
