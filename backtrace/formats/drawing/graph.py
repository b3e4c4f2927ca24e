"""A computational graph as a drawing: values above its edges, gradients below them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import pairwise

import msgspec

from backtrace.formats.measure import text_width
from backtrace.page.graph import Graph, GraphNode, Label, Slot, columns
from backtrace.page.inert import inert

LETTER = 7.4  # width of a character
PORT = 42.0  # from one edge that enters a node to the next
PASSING = 26.0  # room of an edge that goes past a column
APART = 20.0  # between what stands in a column
BEND = 46.0  # room for an edge to bend in
PADDING = 12.0
SIGNED = {1: " rises", 0: "", -1: " falls"}

COLOURS = "A gradient is green where it is above 0, purple where it is below."


class NodeBox(msgspec.Struct, frozen=True):
    """Where a node stands; its edges enter on the left, a port each."""

    node: GraphNode
    x: float
    y: float
    width: float
    height: float
    ports: int

    def port(self, at: int) -> tuple[float, float]:
        return self.x, self.y + self.height * (at + 0.5) / self.ports

    @property
    def exit(self) -> tuple[float, float]:
        return self.x + self.width, self.y + self.height / 2


class GraphDrawing:
    """Places the nodes of a graph in columns, and writes it as the inside of an SVG."""

    def __init__(self, drawn: Graph) -> None:
        self.drawn = drawn
        self.slots = columns(drawn)
        self.entering = {
            at: [k for k, edge in enumerate(drawn.edges) if edge.target == at]
            for at in range(len(drawn.nodes))
        }
        self.ends = [drawn.nodes[at] for at in drawn.ends]
        self.boxes: dict[int, NodeBox] = {}
        self.passing: dict[tuple[int, int], tuple[float, float, float]] = {}
        self.height = max(map(self.tall, self.slots), default=0.0)
        x = 0.0
        for at, slots in enumerate(self.slots):
            x += self.room(at)
            width = max((self.wide(slot) for slot in slots), default=0.0)
            self.column(at, slots, x, width)
            x += width
        self.width = x + self.room(len(self.slots)) - BEND
        self.order_ports()

    # Placing

    def wide(self, slot: Slot) -> float:
        node, _ = slot
        return 0.0 if node < 0 else _width(self.drawn.nodes[node].line) + 2 * PADDING

    def high(self, slot: Slot) -> float:
        node, _ = slot
        return PASSING if node < 0 else max(1, len(self.entering[node])) * PORT

    def tall(self, slots: list[Slot]) -> float:
        return sum(map(self.high, slots)) + APART * (len(slots) - 1)

    def room(self, at: int) -> float:
        """Left of a column: for the labels of the edges that enter it, and their bends."""
        nodes = [node for node, _ in self.slots[at] if node >= 0] if at < len(self.slots) else []
        labels = [
            each
            for node in nodes
            for edge in self.entering[node]
            for each in (self.drawn.edges[edge].value, self.drawn.edges[edge].gradient)
        ]
        if at == len(self.slots):  # what leaves the last node
            labels = [each for node in self.ends for each in _leaving(node)]
        elif not at:
            return 0.0
        return max((_width(each.text) for each in labels if each), default=0.0) + 16 + BEND

    def column(self, at: int, slots: list[Slot], x: float, width: float) -> None:
        y = (self.height - self.tall(slots)) / 2
        for slot in slots:
            node, edge = slot
            height = self.high(slot)
            if node < 0:
                self.passing[edge, at] = (x, x + width, y + height / 2)
            else:
                own = self.wide(slot)
                ports = max(1, len(self.entering[node]))
                left = x if self.entering[node] else x + width - own
                self.boxes[node] = NodeBox(self.drawn.nodes[node], left, y, own, height, ports)
            y += height + APART

    def order_ports(self) -> None:
        """The edges that enter a node, from the one that comes from highest up."""
        for edges in self.entering.values():
            edges.sort(key=self.height_before)

    def height_before(self, edge: int) -> float:
        passed = [place for (each, _), place in self.passing.items() if each == edge]
        if passed:
            return max(passed)[2]
        return self.boxes[self.drawn.edges[edge].source].exit[1]

    # Writing

    @property
    def legend(self) -> list[tuple[str, str]]:
        return [(f"{self.drawn.legend} {COLOURS}", "size")]

    def body(self) -> Iterator[str]:
        """The wires, over them what is written on them, and the nodes."""
        ends = [
            (edge, self.boxes[node].port(port))
            for node, edges in self.entering.items()
            for port, edge in enumerate(edges)
        ]
        yield from (self.wire(edge, port) for edge, port in ends)
        for number, (x, y) in ends:
            edge = self.drawn.edges[number]
            yield from _labels(x - self.run(number) / 2, y, edge.value, edge.gradient)
        for box in self.boxes.values():
            yield from self.node(box)

    def run(self, number: int) -> float:
        """How far an edge goes straight before its node, below what is written on it."""
        edge = self.drawn.edges[number]
        return max(_width(each.text) for each in (edge.value, edge.gradient) if each) + 12

    def wire(self, number: int, port: tuple[float, float]) -> str:
        points = [self.boxes[self.drawn.edges[number].source].exit]
        for left, right, y in sorted(
            place for (each, _), place in self.passing.items() if each == number
        ):
            points += [(left, y), (right, y)]
        points.append((port[0] - self.run(number), port[1]))
        return f'<path class="wire" d="{_curve(points)} H{port[0]:.1f}"/>'

    def node(self, box: NodeBox) -> Iterator[str]:
        role = "node" if box.node.kind == "line" else f"node {box.node.kind}"
        yield (
            f'<rect class="{role}" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
            f'height="{box.height:.1f}" rx="8"/>'
        )
        middle = box.x + box.width / 2, box.y + box.height / 2 + 4.5
        yield _text_at(*middle, "formula", box.node.line)
        if box.node in self.ends:
            x, y = box.exit
            run = max(_width(each.text) for each in _leaving(box.node)) + 12
            yield f'<path class="wire" d="M{x:.1f} {y:.1f} h{run:.1f}"/>'
            yield from _labels(x + run / 2, y, *_leaving(box.node))


def _leaving(node: GraphNode) -> list[Label]:
    """What stands where nothing leads on: the value, and the gradient where it has one."""
    return [node.value] if node.gradient is None else [node.value, node.gradient]


def _width(text: str) -> float:
    return text_width(text) * LETTER


def _labels(x: float, y: float, value: Label, gradient: Label | None = None) -> Iterator[str]:
    yield _text_at(x, y - 5, "forward halo", value.text)
    if gradient is not None:
        yield _text_at(x, y + 14, f"backward halo{SIGNED[gradient.sign]}", gradient.text)


def _text_at(x: float, y: float, role: str, text: str) -> str:
    return f'<text class="{role}" x="{x:.1f}" y="{y:.1f}">{escape(inert(text))}</text>'


def _curve(points: list[tuple[float, float]]) -> str:
    """From point to point, level at each; every second stretch goes straight past a column."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for at, ((x, y), (left, top)) in enumerate(pairwise(points)):
        if at % 2:
            path += f" H{left:.1f}"
        else:
            middle = (x + left) / 2
            path += f" C{middle:.1f} {y:.1f} {middle:.1f} {top:.1f} {left:.1f} {top:.1f}"
    return path
