"""Which names the lines of equations use, and in what order they must be worked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from backtrace.spec.equations.expression import (
    Call,
    ConstantTerm,
    NameTerm,
    PartTerm,
    Term,
    Transpose,
)

if TYPE_CHECKING:
    from backtrace.spec.model import EquationLine


def names_in(tree: Term) -> Iterator[NameTerm]:
    """The names that an expression uses, from left to right."""
    match tree:
        case NameTerm():
            yield tree
        case Call():
            for each in tree.arguments:
                yield from names_in(each)
        case Transpose() | PartTerm():
            yield from names_in(tree.inner)
        case ConstantTerm():
            return


def used(lines: Sequence[EquationLine]) -> set[str]:
    return {name.id for line in lines for name in names_in(line.tree)}


def reached(
    lines: Sequence[EquationLine], targets: Mapping[str, object] | Sequence[str]
) -> set[str]:
    """The names on which these depend, themselves included."""
    found = set(targets)
    for line in reversed(lines):
        if line.id in found:
            found |= {name.id for name in names_in(line.tree)}
    return found
