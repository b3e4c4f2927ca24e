"""One entry as a formula of a spreadsheet, in functions that every spreadsheet has.

Two things differ from the board: a sign binds tighter than a power (``-A1^2`` is the square of
−A1), and there is no infinity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from backtrace.formats.registry import NotExpressibleError

COMPARISON, SUM, PRODUCT, POWER, MINUS, ATOM = range(6)  # how tightly each binds
INFINITY = "1E+300"  # as good as infinite: e to the power of its negative is 0


class Formula(msgspec.Struct, frozen=True):
    """The text of a formula without its =, and how tightly it binds.

    ``number`` is its value where it is constant, ``negated`` what a negative is the negative of,
    ``function`` what a call calls.
    """

    text: str
    binding: int = ATOM
    number: float | None = None
    negated: Formula | None = None
    function: str = ""

    # A product of matrices adds and multiplies by the operators of its entries.
    def __add__(self, other: Any) -> Formula:
        return plus(self, formula(other))

    def __radd__(self, other: Any) -> Formula:
        return plus(formula(other), self)

    def __mul__(self, other: Any) -> Formula:
        return times(self, formula(other))

    def __rmul__(self, other: Any) -> Formula:
        return times(formula(other), self)

    def __float__(self) -> float:
        raise NotExpressibleError("a formula has no number before it is worked")

    def __bool__(self) -> bool:
        raise NotExpressibleError("a condition is neither true nor false before it is worked")

    def within(self, binding: int) -> str:
        """The text where it stands beside an operator, in parentheses if it binds less."""
        return self.text if self.binding >= binding else f"({self.text})"


def formula(value: Any) -> Formula:
    """A number or a truth as a constant; a formula as it is."""
    if isinstance(value, Formula):
        return value
    number = float(value)
    if number < 0:
        return negative(formula(-number))
    return Formula(written(number), number=number)


def written(number: float) -> str:
    """A number that is not negative, all digits of it."""
    if math.isnan(number):
        return "NA()"
    if math.isinf(number):
        return INFINITY
    return str(int(number)) if number.is_integer() and number < 1e15 else repr(number).upper()


# Sums and products


def plus(x: Formula, y: Formula) -> Formula:
    if y.negated is not None:
        return minus(x, y.negated)
    if 0 in (x.number, y.number):
        return y if x.number == 0 else x
    return Formula(f"{x.within(SUM)}+{_after(y, SUM)}", SUM)


def minus(x: Formula, y: Formula) -> Formula:
    if y.negated is not None:
        return plus(x, y.negated)
    if 0 in (x.number, y.number):
        return negative(y) if x.number == 0 else x
    return Formula(f"{x.within(SUM)}-{_after(y, PRODUCT)}", SUM)


def times(x: Formula, y: Formula) -> Formula:
    if 0 in (x.number, y.number):
        return formula(0)
    if 1 in (x.number, y.number):
        return y if x.number == 1 else x
    if x.text == y.text:
        return power(x, formula(2))
    return Formula(f"{x.within(PRODUCT)}*{_after(y, PRODUCT)}", PRODUCT)


def over(x: Formula, y: Formula) -> Formula:
    if y.number == 1 or x.number == 0:
        return x
    return Formula(f"{x.within(PRODUCT)}/{_after(y, POWER)}", PRODUCT)


def power(x: Formula, y: Formula) -> Formula:
    if y.number == 1:
        return x
    return Formula(f"{x.within(ATOM)}^{y.within(ATOM)}", POWER)


def negative(x: Formula) -> Formula:
    if x.number == 0:
        return x
    if x.negated is not None:
        return x.negated
    number = None if x.number is None else -x.number
    return Formula(f"-{x.within(ATOM)}", MINUS, number=number, negated=x)


def _after(y: Formula, binding: int) -> str:
    """A second operand: one that begins with a sign has parentheses, however tightly it binds."""
    return f"({y.text})" if y.text.startswith("-") else y.within(binding)


# Functions


def call(function: str, *arguments: Formula) -> Formula:
    listed = ",".join(argument.text for argument in arguments)
    return Formula(f"{function}({listed})", function=function)


def called(function: str) -> Callable[..., Formula]:
    return lambda *arguments: call(function, *arguments)


def extreme(function: str) -> Callable[[Formula, Formula], Formula]:
    """MAX or MIN: of several one call, however they are taken together."""

    def most(x: Formula, y: Formula) -> Formula:
        if x.function != function:
            return call(function, x, y)
        return Formula(f"{x.text[:-1]},{y.text})", function=function)

    return most


# Conditions


def compared(sign: str) -> Callable[[Formula, Formula], Formula]:
    return lambda x, y: Formula(f"{x.within(SUM)}{sign}{y.within(SUM)}", COMPARISON)


def equal(x: Any, y: Any) -> Formula:
    """Also whether a condition is the truth that it is compared with."""
    if isinstance(y, bool):
        return x if y else call("NOT", x)
    return compared("=")(formula(x), formula(y))


def both(x: Any, y: Any) -> Any:
    return _joined("AND", x, y, decided_by=False)


def either(x: Any, y: Any) -> Any:
    return _joined("OR", x, y, decided_by=True)


def _joined(function: str, x: Any, y: Any, *, decided_by: bool) -> Any:
    """Two conditions as one; where one of them is known, it decides or the other does."""
    if isinstance(x, Formula) and isinstance(y, Formula):
        return call(function, x, y)
    known, left = (y, x) if isinstance(x, Formula) else (x, y)
    return decided_by if known is decided_by else left


def chosen(condition: Any, x: Any, y: Any) -> Formula:
    """IF; where the condition is known, what it chooses."""
    if not isinstance(condition, Formula):
        return formula(x if condition else y)
    x, y = formula(x), formula(y)
    return x if x.text == y.text else call("IF", condition, x, y)
