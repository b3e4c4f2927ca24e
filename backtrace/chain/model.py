"""One entry of a trace as a node, and how a gradient's entry rests on those it was worked from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec
import numpy as np

from backtrace.functions.formula import Expr, Value


class EntryNode(NamedTuple):
    """An entry of a quantity of one update, row and column from 0 ([0, 0] of a scalar)."""

    id: str
    row: int
    column: int


class Factor(msgspec.Struct, frozen=True):
    """One local derivative: its number, and the formula it is worked by.

    ``write`` makes the formula, of the few paths that are shown. Its quantities are ``Value``s,
    which know of what and where they are an entry.
    """

    value: Any
    write: Callable[[], Expr]

    @property
    def formula(self) -> Expr:
        return self.write()

    @classmethod
    def of(cls, entry: Value) -> Factor:
        """An entry that is itself the derivative."""
        return cls(entry.value, lambda: entry)


class Link(msgspec.Struct, frozen=True):
    """One addend of a gradient's entry: ``factors`` times the gradient at ``onto``.

    Without ``onto`` the path ends here: at the loss, at what is given, at a penalty.
    """

    factors: tuple[Factor, ...]
    onto: EntryNode | None = None

    @property
    def coefficient(self) -> Any:
        return product(factor.value for factor in self.factors)


def product(values: Iterable[Any]) -> Any:
    """The product of numbers of one arithmetic, 1 of none; without a warning what is no number."""
    whole: Any = 1
    with np.errstate(all="ignore"):
        for value in values:
            whole = whole * value
    return whole
