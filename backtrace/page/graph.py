"""Equations as a computational graph: a node a line, on its edges what goes each way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from backtrace.notation.equations.board import steps_of
from backtrace.notation.equations.right_sides import as_written
from backtrace.notation.numbers import cells, number
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import text
from backtrace.notation.workings import Workings
from backtrace.page.blocks import Block
from backtrace.page.board import objective
from backtrace.page.selection import EVERYTHING, Selection, steps
from backtrace.spec import ids
from backtrace.tape.trace import Trace, TracedStep

MOST_ENTRIES = 4  # of a matrix that is written out on an edge; of a larger one its size
MOST_NODES = 60  # of a graph that is drawn in a page
MOST_ALONE = 24  # of one that is all of a page
MOST_UNTANGLED = 200  # of a drawing by itself; the edges of a larger one go straight
SWEEPS = 8  # over the columns, to untangle the edges


class Label(msgspec.Struct, frozen=True):
    """A quantity on an edge: its symbol and its value, or of a larger one its ``size``; ``sign``
    is that of a single number. One that was not asked for has neither."""

    symbol: str
    value: str = ""
    size: str = ""
    sign: int = 0

    @property
    def text(self) -> str:
        return self.value or (f"{self.symbol}: {self.size}" if self.size else "")


class GraphNode(msgspec.Struct, frozen=True):
    """A line, or what is given: ``line`` is its formula, ``kind`` what it is."""

    id: str
    symbol: str
    line: str
    kind: str  # given, line, goal
    value: Label
    gradient: Label | None = None


class GraphEdge(msgspec.Struct, frozen=True):
    """From a quantity to a line that uses it, by the numbers of their nodes."""

    source: int
    target: int
    value: Label
    gradient: Label | None = None


class Graph(Block, frozen=True):
    """The nodes in the order of their lines; ``legend`` says what stands where.

    ``alone``: nothing else on the page tells what it shows, so that a writer leaves nothing out.
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    legend: str = ""
    alone: bool = False

    @property
    def ends(self) -> list[int]:
        """The nodes that no edge leaves."""
        sources = {edge.source for edge in self.edges}
        return [at for at in range(len(self.nodes)) if at not in sources]

    def entering(self, node: int) -> list[GraphEdge]:
        return [edge for edge in self.edges if edge.target == node]

    @property
    def depths(self) -> list[int]:
        """The column of each node: right of all that it uses; what is given stands beside it."""
        depth = [0] * len(self.nodes)
        for edge in self.edges:  # in the order of their lines
            depth[edge.target] = max(depth[edge.target], depth[edge.source] + 1)
        users: dict[int, list[int]] = {}
        for edge in self.edges:
            users.setdefault(edge.source, []).append(depth[edge.target])
        for at, node in enumerate(self.nodes):
            if node.kind == "given" and at in users:
                depth[at] = min(users[at]) - 1
        return depth


def graph(
    trace: Trace,
    place: tuple[int, int],
    decimal_mark: str = ".",
    selection: Selection = EVERYTHING,
) -> Graph:
    """The graph of one update of a trace of equations, with the numbers that were chosen."""
    return _GraphReader(trace, place, decimal_mark, selection).graph()


def graph_legend(trace: Trace) -> str:
    """What stands where on a graph."""
    goal = objective(trace)
    if goal is None:
        return "On an edge what goes along it."
    name = Symbols.of(trace).name(goal.id)
    return f"Above an edge its value, below it the gradient of {name} that comes back along it."


class _GraphReader:
    def __init__(
        self, trace: Trace, place: tuple[int, int], decimal_mark: str, selection: Selection
    ) -> None:
        self.trace, self.mark = trace, decimal_mark
        self.wanted = {traced.id for _, traced in steps(trace, place, selection)}
        self.steps: Mapping[str, TracedStep] = trace.update(*place)
        self.symbols = Symbols.of(trace)
        goal = objective(trace)
        self.goal = "" if goal is None else goal.id

    def graph(self) -> Graph:
        named = [each for each in self.steps.values() if each.role == "named"]
        lines = [each for each in named if not ids.is_part(each.id)]
        used = {id for each in named for id in each.operands}
        shown = [each for each in lines if each.phase != "given" or each.id in used]
        number_of = {each.id: at for at, each in enumerate(shown)}
        edges = [
            self.edge(id, each.id, number_of)
            for each in shown
            for id in dict.fromkeys(self.used_by(each.id))
        ]
        return Graph(tuple(map(self.node, shown)), tuple(edges), graph_legend(self.trace))

    def used_by(self, line: str) -> Iterator[str]:
        """The names in a line, those of its parts included."""
        for each in steps_of(line, self.steps):
            yield from (id for id in each.operands if not ids.is_part(id))

    def node(self, traced: TracedStep) -> GraphNode:
        kind = "given" if traced.phase == "given" else "line"
        kind = "goal" if traced.id == self.goal else kind
        line = self.symbols.name(traced.id)
        if kind != "given":
            workings = Workings.of(traced, self.trace, self.symbols)
            line += f" = {text(as_written(traced.step, workings), self.symbols)}"
        gradient = self.steps.get(ids.gradient(traced.id))
        return GraphNode(
            id=traced.id,
            symbol=self.symbols.name(traced.id),
            line=line,
            kind=kind,
            value=self.label(traced),
            gradient=None if gradient is None else self.label(gradient),
        )

    def edge(self, source: str, target: str, number_of: Mapping[str, int]) -> GraphEdge:
        gradient = ids.gradient(source)
        back = self.steps.get(ids.share(gradient, target), self.steps.get(gradient))
        return GraphEdge(
            number_of[source],
            number_of[target],
            self.label(self.steps[source]),
            None if back is None else self.label(back),
        )

    def label(self, traced: TracedStep) -> Label:
        value, decimals, symbol = traced.value, self.trace.decimals, self.symbols.name(traced.id)
        if traced.id not in self.wanted:
            return Label(symbol)
        if value.size == 1:
            single = value.reshape(())[()]
            written = number(single, decimals, self.mark).replace("-", "−")
            return Label(symbol, written, sign=_sign(single))
        if value.size > MOST_ENTRIES:
            return Label(symbol, size=" × ".join(map(str, value.shape)))
        rows = ["  ".join(row) for row in cells(value, decimals, self.mark)]
        return Label(symbol, f"[{' ; '.join(rows)}]".replace("-", "−"))


def _sign(value: Any) -> int:
    return int(value > 0) - int(value < 0)


# Columns


Slot = tuple[int, int]
"""What stands in a column: a node by its number and −1, or an edge that passes, by −1 and its."""


def columns(drawn: Graph) -> list[list[Slot]]:
    """The nodes by depth, with the edges that pass between them, untangled."""
    depths = drawn.depths
    found: list[list[Slot]] = [[] for _ in range(max(depths, default=0) + 1)]
    for at, depth in enumerate(depths):
        found[depth].append((at, -1))
    if len(drawn.nodes) > MOST_UNTANGLED:
        return found
    for at, edge in enumerate(drawn.edges):
        for depth in range(depths[edge.source] + 1, depths[edge.target]):
            found[depth].append((-1, at))
    for sweep in range(SWEEPS):
        _sweep(drawn, found, forward=sweep % 2 == 0)
    return found


def _sweep(drawn: Graph, found: list[list[Slot]], *, forward: bool) -> None:
    """Each column in the order of the middles of its neighbours on one side."""
    order = range(1, len(found)) if forward else range(len(found) - 2, -1, -1)
    for at in order:
        beside = found[at - 1 if forward else at + 1]
        place = {slot: (k + 0.5) / len(beside) for k, slot in enumerate(beside)}
        own = {slot: (k + 0.5) / len(found[at]) for k, slot in enumerate(found[at])}
        middles = {slot: _middle(drawn, slot, place, own[slot], forward) for slot in found[at]}
        found[at].sort(key=lambda slot: middles[slot])


def _middle(
    drawn: Graph, slot: Slot, place: Mapping[Slot, float], own: float, forward: bool
) -> float:
    near = [place[each] for each in _neighbours(drawn, slot, forward) if each in place]
    return sum(near) / len(near) if near else own


def _neighbours(drawn: Graph, slot: Slot, forward: bool) -> Iterator[Slot]:
    """What may stand beside a slot in the next column: nodes, and the same edges passing."""
    node, edge = slot
    edges = [edge] if node < 0 else range(len(drawn.edges))
    for each in edges:
        source, target = drawn.edges[each].source, drawn.edges[each].target
        if node < 0 or node == (target if forward else source):
            yield (source if forward else target), -1
            yield -1, each
