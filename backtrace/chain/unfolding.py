"""An entry worked backwards through the forward pass, or an update, down to the numbers given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from backtrace.chain.layer_links import is_gradient
from backtrace.chain.model import EntryNode
from backtrace.functions.formula import Brackets, EntrySymbol, Expr, Value, parts, rebuilt
from backtrace.notation.steps import entry_stages
from backtrace.notation.workings import Stages, Workings


class UnfoldedLine(msgspec.Struct, frozen=True):
    """One entry and the stages of its working; the last stage is the one before its value."""

    node: EntryNode
    stages: Stages


class Unfolding(msgspec.Struct, frozen=True):
    """The lines, what is worked last first; and where they end: at given numbers, at gradients."""

    lines: tuple[UnfoldedLine, ...]
    given: tuple[EntryNode, ...]
    gradients: tuple[EntryNode, ...]


def unfolding(workings: Workings, starts: Iterable[EntryNode], of: EntryNode) -> Unfolding:
    """Everything that the entries were worked from, each once; of a long sum what is written.

    An error is no line, unless it is what is asked for: formulas have it as its difference.
    """
    order = {id: at for at, id in enumerate(workings.steps)}
    lines: dict[EntryNode, UnfoldedLine] = {}
    given, gradients = set[EntryNode](), set[EntryNode]()
    waiting = list(starts)
    while waiting:
        node = waiting.pop()
        traced = workings.steps[node.id]
        if node in lines:
            continue
        if is_gradient(traced):
            gradients.add(node)
        elif traced.operation == "given":
            given.add(node)
        else:
            lines[node] = UnfoldedLine(node, entry_stages(traced, workings, *node[1:]))
            waiting += sources(lines[node].stages[0])
    told = (line for line in lines.values() if line.node == of or not _is_error(workings, line))
    shown = sorted(told, key=lambda line: (-order[line.node.id], line.node))
    in_order = sorted(given, key=lambda node: (order[node.id], node))
    return Unfolding(tuple(shown), tuple(in_order), tuple(sorted(gradients)))


def _is_error(workings: Workings, line: UnfoldedLine) -> bool:
    return workings.steps[line.node.id].operation == "error"


def sources(expr: Expr) -> Iterator[EntryNode]:
    """The entries that a formula has numbers of."""
    if isinstance(expr, Value):
        if expr.id:
            yield EntryNode(expr.id, max(expr.row, 0), max(expr.column, 0))
        return
    for part in parts(expr):
        yield from sources(part)


def symbolic(expr: Expr, workings: Workings) -> Expr:
    """The formula with symbols for the entries in it; the error as the difference that it is."""
    if isinstance(expr, Value) and expr.id:
        traced = workings.steps[expr.id]
        if traced.operation == "error":
            (difference,) = entry_stages(traced, workings, expr.row, expr.column)
            return Brackets(symbolic(difference, workings))
        return entry_symbol(workings, EntryNode(expr.id, expr.row, expr.column))
    return rebuilt(expr, lambda part: symbolic(part, workings))


def entry_symbol(workings: Workings, node: EntryNode) -> EntrySymbol:
    """Its symbol with its place, as far as there is more than one: W₁[2,1], b₁[2], L."""
    rows, columns = np.shape(workings.value(node.id)) or (1, 1)
    index = (node.row + 1,) * (rows > 1) + (node.column + 1,) * (columns > 1)
    return EntrySymbol(node.id, index)
