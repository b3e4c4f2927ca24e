"""Diagrams for Markdown: the network with its weights, the loss over the updates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from backtrace.notation.names import SUBSCRIPTS
from backtrace.notation.symbols import Symbols
from backtrace.page.graph import Graph
from backtrace.page.header import first_update
from backtrace.page.network.reader import network
from backtrace.page.network.units import LayerColumn, Unit
from backtrace.page.selection import Selection
from backtrace.page.training.chart import Chart
from backtrace.tape.trace import Trace

MOST_EDGES = 40  # a diagram of units may have; one with more shows layers
MOST_POINTS = 200
MOST_TICKS = 20
MOST_DRAWN = 1e12  # a loss in a chart; Mermaid has no logarithmic scale
RAISED = {ord("^"): None, **str.maketrans("()", "⁽⁾")}
TRAINING, HELD_OUT = "#1f6feb", "#a01967"
SETTINGS = (
    '%%{{init: {{"xyChart": {{"height": 300}}, '
    '"themeVariables": {{"xyChart": {{"plotColorPalette": "{}"}}}}}}}}%%'
)


def flowchart(trace: Trace, selection: Selection, decimal_mark: str) -> list[str]:
    """The network with its starting weights: its units, or, where these are many, its layers."""
    drawn = network(trace, selection, decimal_mark)
    columns = [column for column in drawn.columns if column.layer is not None]
    edges = sum(len(column.edges) for column in columns)
    whole = all(len(column.units) == column.size for column in columns)
    lines = _units(columns) if whole and edges <= MOST_EDGES else _layers(trace, columns)
    return ["flowchart LR", *(f"  {line}" for line in lines)]


def graph_chart(drawn: Graph) -> list[str]:
    """Equations as their graph."""
    return ["flowchart LR", *(f"  {line}" for line in _graph(drawn))]


def _graph(drawn: Graph) -> Iterator[str]:
    """A node a line; on an edge the value and below it the gradient."""
    for at, node in enumerate(drawn.nodes):
        inside = "<br>".join([node.line, *_on_end(drawn, at)])
        yield f'n{at}(["{inside}"])' if node.kind == "given" else f'n{at}["{inside}"]'
    for edge in drawn.edges:
        texts = [edge.value.text, *([edge.gradient.text] if edge.gradient else [])]
        yield f'n{edge.source} -->|"{"<br>".join(texts)}"| n{edge.target}'


def _on_end(drawn: Graph, at: int) -> list[str]:
    """The value of what no edge leaves."""
    return [drawn.nodes[at].value.text] if at in drawn.ends else []


def _units(columns: Sequence[LayerColumn]) -> Iterator[str]:
    for layer, column in enumerate(columns):
        yield f'subgraph layer{layer}["{column.heading}"]'
        for unit in column.units:
            yield f"  n{layer}_{unit.place}{_shape(layer, _label(column, unit))}"
        yield "end"
    for layer, column in enumerate(columns):
        for edge in column.edges:
            ends = f"n{layer - 1}_{edge.source + 1}", f"n{layer}_{edge.target + 1}"
            weight = f'|"{_without_exponent(edge.forward)}"|' if edge.forward else ""
            yield f"{ends[0]} -->{weight} {ends[1]}"


def _shape(layer: int, label: str) -> str:
    return f'(("{label}"))' if layer else f'(["{label}"])'


def _label(column: LayerColumn, unit: Unit) -> str:
    own = (
        f"<br>{each.symbol[:1]} = {_without_exponent(each.number)}"
        for each, _ in unit.parameters
        if each is not None
    )
    return _unit_name(column, unit.place) + "".join(own)


def _unit_name(column: LayerColumn, place: int) -> str:
    """``h₁[2]``, ``x₂``, ``a⁽¹⁾₂``."""
    name = column.symbol.translate(RAISED)
    if column.size == 1:
        return name
    has_subscript = name[-1:] in "₀₁₂₃₄₅₆₇₈₉"
    return f"{name}[{place}]" if has_subscript else f"{name}{str(place).translate(SUBSCRIPTS)}"


def _layers(trace: Trace, columns: Sequence[LayerColumn]) -> Iterator[str]:
    steps, symbols = first_update(trace), Symbols.of(trace)
    yield f'n0(["{columns[0].size} inputs"])'
    for layer, column in enumerate(columns[1:], 1):
        units = "unit" if column.size == 1 else "units"
        weights = steps[f"W{layer}"]
        size = f"{weights.shape[0]} × {weights.shape[1]}"
        yield f'n{layer}["{column.heading}<br>{column.size} {units}"]'
        yield f'n{layer - 1} -->|"{symbols.name(weights.id)}: {size}"| n{layer}'


def _without_exponent(text: str) -> str:
    """A printed number as Mermaid and its readers take it."""
    text = text.replace("−", "-")
    return _plain(float(text.replace(",", "."))) if "e" in text else text


def loss_chart(values: Sequence[float], name: str) -> list[str]:
    """The loss before each update, and after the last one, as an xychart; empty without numbers."""
    if not all(map(math.isfinite, values)):
        return []
    return _drawn(f"{name} before each update, and after the last", "updates", name, [values])


def training_chart(chart: Chart) -> list[str]:
    """Losses by epoch, from 0 on, as an xychart of one line or two.

    Empty with a number that is not finite (it has no point) or so large that the others would be
    nothing beside it.
    """
    count = int(chart.epochs.high) + 1
    lines = [[value for _, value in series.points] for series in chart.series]
    values = [value for line in lines for value in line]
    whole = all(len(line) == count for line in lines)
    if not whole or not all(abs(value) < MOST_DRAWN for value in values):
        return []
    return _drawn(f"{chart.of} by epoch", "epoch", chart.of, lines)


def _drawn(title: str, across: str, up: str, lines: Sequence[Sequence[float]]) -> list[str]:
    """Lines over 0, 1, … , the first in blue, a second in magenta."""
    values = [0.0, *(value for line in lines for value in line)]
    return [
        SETTINGS.format(", ".join([TRAINING, HELD_OUT][: len(lines)])),
        "xychart-beta",
        f'  title "{title}"',
        f'  x-axis "{across}" {_ticks(len(lines[0]))}',
        f'  y-axis "{up}" {_plain(min(values))} --> {_plain(max(values) or 1.0)}',
        *(f"  line [{', '.join(map(_plain, _thinned(line)))}]" for line in lines),
    ]


def _ticks(count: int) -> str:
    if count > MOST_TICKS:
        return f"0 --> {count - 1}"
    return f"[{', '.join(map(str, range(count)))}]"


def _thinned(values: Sequence[float]) -> list[float]:
    """At most MOST_POINTS of the values, evenly spaced, the first and the last among them."""
    if len(values) <= MOST_POINTS:
        return list(values)
    last = len(values) - 1
    return [values[round(at * last / (MOST_POINTS - 1))] for at in range(MOST_POINTS)]


def _plain(value: float) -> str:
    """A number without an exponent, to six significant digits; Mermaid reads no other."""
    if value == 0:
        return "0"
    places = max(0, 5 - math.floor(math.log10(abs(value))))
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
