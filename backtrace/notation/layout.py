"""Sums, products, signs and cases as what stands beside each other, with the brackets they need."""

from __future__ import annotations

import msgspec

from backtrace.functions.formula import (
    Brackets,
    Cases,
    Exponential,
    Expr,
    Fraction,
    Negative,
    Power,
    Product,
    Row,
    Terms,
    Text,
    Value,
    row,
)


def beside(expr: Terms | Product | Negative | Cases) -> Row:
    """The same as a row of its parts and the marks between them."""
    match expr:
        case Terms():
            return _sum(expr)
        case Product():
            return joined([factor(item) for item in expr.items], "·")
        case Negative():
            return row("−", factor(expr.inner))
        case Cases():
            return row(expr.then, " if ", expr.condition, " else ", expr.otherwise)


def _sum(expr: Terms) -> Row:
    items: list[Expr] = []
    for item in expr.items:
        sign, size = _signed(item) if items else ("", item)
        size = Brackets(size) if isinstance(size, Cases) else size
        items += [*([Text(sign)] if sign else []), size]
    return Row(tuple(items))


def _signed(item: Expr) -> tuple[str, Expr]:
    """A term behind others: its sign, and what is added or subtracted."""
    if isinstance(item, Negative):
        return " − ", factor(item.inner)
    if isinstance(item, Value) and float(item.value) < 0:
        return " − ", msgspec.structs.replace(item, value=-item.value)
    return " + ", item


def joined(items: list[Expr], separator: str) -> Row:
    """Items with a mark between any two."""
    between: list[Expr] = []
    for item in items:
        between += [Text(separator), item] if between else [item]
    return Row(tuple(between))


def factor(expr: Expr) -> Expr:
    """In brackets, where it would fall apart beside a sign or as a factor."""
    return Brackets(expr) if isinstance(expr, Terms | Negative | Cases) else expr


def base(expr: Expr) -> Expr:
    """In brackets, where a power would be taken of a part of it."""
    return Brackets(expr) if isinstance(expr, Product | Fraction | Exponential) else factor(expr)


def is_closed(expr: Expr) -> bool:
    """Whether a power has its brackets already: (a − y)²."""
    return isinstance(expr, Power) and isinstance(base(expr.base), Brackets)
