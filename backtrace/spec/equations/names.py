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


def leaves(tree: Term) -> Iterator[NameTerm | ConstantTerm]:
    """The names and numbers of an expression, from left to right."""
    match tree:
        case NameTerm() | ConstantTerm():
            yield tree
        case Call():
            for each in tree.arguments:
                yield from leaves(each)
        case Transpose() | PartTerm():
            yield from leaves(tree.inner)


def names_in(tree: Term) -> Iterator[NameTerm]:
    """The names that an expression uses, from left to right."""
    return (leaf for leaf in leaves(tree) if isinstance(leaf, NameTerm))


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
