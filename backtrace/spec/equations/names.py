"""Which names the lines of equations use, and in what order they must be worked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from backtrace.spec.equations.expression import Call, Constant, Expression, Name, Part, Transpose

if TYPE_CHECKING:
    from backtrace.spec.model import Line


def names_in(tree: Expression) -> Iterator[Name]:
    """The names that an expression uses, from left to right."""
    match tree:
        case Name():
            yield tree
        case Call():
            for each in tree.arguments:
                yield from names_in(each)
        case Transpose() | Part():
            yield from names_in(tree.inner)
        case Constant():
            return


def used(lines: Sequence[Line]) -> set[str]:
    return {name.id for line in lines for name in names_in(line.tree)}


def reached(lines: Sequence[Line], targets: Mapping[str, object] | Sequence[str]) -> set[str]:
    """The names on which these depend, themselves included."""
    found = set(targets)
    for line in reversed(lines):
        if line.id in found:
            found |= {name.id for name in names_in(line.tree)}
    return found
