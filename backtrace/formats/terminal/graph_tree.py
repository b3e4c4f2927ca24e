"""A small computational graph on a terminal: as a tree, each line above what it uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import INDENT, Layout, formula_lines
from backtrace.page.graph import Graph, GraphNode, Label

MOST_LINES = 24
GAP = "   "
BELOW = "  "  # further in than a line stands what goes on below it
Row = tuple[str, str, "Label | None"]  # branches, the line with its value, the gradient


def graph_lines(drawn: Graph, layout: Layout) -> list[Line]:
    """The tree under a heading.

    Nothing where it is too long or too wide for a screen, unless it stands ``alone``: then what is
    too wide is folded.
    """
    if len(drawn.nodes) > MOST_LINES:
        return []
    rows = [row for at in drawn.ends for row in _rows(drawn, at, None, "", "", set())]
    if len(rows) > MOST_LINES and not drawn.alone:
        return []
    heading: list[Line] = [[], *layout.rule("Graph", "", "─"), []]
    left = [layout.say(branches + told) for branches, told, _ in rows]
    right = ["" if back is None else layout.say(_equation(back)) for _, _, back in rows]
    width = max(map(text_width, left), default=0)
    if width + len(GAP) + max(map(text_width, right), default=0) + INDENT <= layout.width:
        return [*heading, *_columns(left, right, width)]
    return [*heading, *_folded(rows, layout)] if drawn.alone else []


def _columns(left: list[str], right: list[str], width: int) -> Iterator[Line]:
    for one, other in zip(left, right, strict=True):
        pad = " " * (width - text_width(one)) + GAP if other else ""
        yield [(" " * INDENT + one + pad, ""), (other, "gradient")]


def _folded(rows: Sequence[Row], layout: Layout) -> Iterator[Line]:
    """Each gradient below its line."""
    for branches, told, back in rows:
        room = layout.width - len(branches) - len(BELOW)
        lines: Line = [(part, "") for part in formula_lines(layout.say(told), room)]
        if back is not None:
            lines += [
                (part, "gradient") for part in formula_lines(layout.say(_equation(back)), room)
            ]
        below = branches.replace("├─", "│ ").replace("└─", "  ") + BELOW
        for at, span in enumerate(lines):
            yield [(layout.say(below if at else branches), ""), span]


def _rows(
    drawn: Graph, at: int, back: Label | None, first: str, below: str, told: set[int]
) -> Iterator[Row]:
    """A node and what it uses; what has stood there already is only named."""
    node = drawn.nodes[at]
    if at in told:
        yield first, f"{node.symbol}, as above" if node.kind != "given" else node.symbol, back
        return
    told.add(at)
    yield first, _told(node), back or node.gradient
    entering = drawn.entering(at)
    for place, edge in enumerate(entering):
        last = place == len(entering) - 1
        branch, gap = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield from _rows(drawn, edge.source, edge.gradient, below + branch, below + gap, told)


def _told(node: GraphNode) -> str:
    value = _plain(node.value)
    return f"{node.line} = {value}" if value else f"{node.line}, {node.value.size}"


def _equation(label: Label) -> str:
    value = _plain(label)
    return f"{label.symbol} = {value}" if value else f"{label.symbol}, {label.size}"


def _plain(label: Label) -> str:
    """The value with the sign that numbers have on a terminal."""
    return label.value.replace("−", "-")
