"""What a formula comes to in which every quantity is a number; functions worked, sums left."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeAlias

from backtrace.functions.formula import (
    HALF,
    Absolute,
    Apply,
    Brackets,
    Constant,
    Exponential,
    Expr,
    Fraction,
    Literal,
    Negative,
    Power,
    Product,
    Root,
    Row,
    Terms,
    Text,
    Value,
    rebuilt,
)

Read: TypeAlias = Callable[[float], float]  # a number as it is taken, as it is printed say
WORKED: dict[str, Callable[[float], float]] = {
    "ln": math.log,
    "tanh": math.tanh,
    "cosh": math.cosh,
    "sin": math.sin,
    "cos": math.cos,
    "σ": lambda z: 1 / (1 + math.exp(-z)),
    "Φ": lambda z: (1 + math.erf(z / math.sqrt(2))) / 2,
}


def functions_worked(expr: Expr) -> Expr:
    """The same with every e^z, logarithm and root of a number as the number that it is."""
    worked = rebuilt(expr, functions_worked)
    match worked:
        case Exponential(inner) | Root(inner) | Apply(_, inner):
            found = amount(worked) if amount(inner) is not None else None
            return worked if found is None else Value(found)
    return worked


def amount(expr: Expr, read: Read = float) -> float | None:
    """The number that it comes to; None where something in it is no number."""
    try:
        return _amount(expr, read)
    except (TypeError, ValueError, KeyError, ArithmeticError):
        return None


def _amount(expr: Expr, read: Read) -> float:
    def of(part: Expr) -> float:
        return _amount(part, read)

    match expr:
        case Value() | Constant():
            return read(expr.value)
        case Literal():
            return float(expr.number)
        case Text(text):
            return 0.5 if expr == HALF else float(text)
        case Fraction(above, below):
            return of(above) / of(below)
        case Power(base, exponent):
            return math.pow(of(base), of(exponent))
        case Terms(items):
            return math.fsum(map(of, items))
        case Product(items):
            return math.prod(map(of, items))
        case Row(items):
            return _row(items, of)
    return _of_one(expr, of)


def _of_one(expr: Expr, of: Callable[[Expr], float]) -> float:
    """What is made of one thing."""
    match expr:
        case Brackets(inner):
            return of(inner)
        case Negative(inner):
            return -of(inner)
        case Absolute(inner):
            return abs(of(inner))
        case Root(inner):
            return math.sqrt(of(inner))
        case Exponential(inner):
            return math.exp(of(inner))
        case Apply(function, argument):
            return WORKED[function](of(argument))
    raise TypeError(f"no number: {expr!r}")


def _row(items: Sequence[Expr], of: Callable[[Expr], float]) -> float:
    """Things beside each other: products, added up and subtracted."""
    total, sign = 0.0, 1.0
    for is_sign, run in groupby(items, key=lambda item: _mark(item) in SIGNS):
        if is_sign:
            sign = math.prod(SIGNS[_mark(item)] for item in run)
        else:
            total += sign * math.prod(of(item) for item in run if _mark(item) != "·")
    return total


SIGNS = {"+": 1.0, "−": -1.0}


def _mark(item: Expr) -> str:
    return item.text.strip() if isinstance(item, Text) else ""
