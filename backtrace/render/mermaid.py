"""Diagrams for Markdown: the network with its weights, the loss over the updates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from backtrace.notation.symbols import SUBSCRIPTS
from backtrace.render import header
from backtrace.render.derivation import Derivation, LossPoint
from backtrace.tape.operations import Setting
from backtrace.tape.trace import TracedStep

MOST_UNITS = 10  # a layer may have before the diagram shows layers instead of units
MOST_EDGES = 40
MOST_POINTS = 200
RAISED = {ord("^"): None, **str.maketrans("()", "⁽⁾")}
MOST_TICKS = 20
SETTINGS = (
    '%%{init: {"xyChart": {"height": 300}, '
    '"themeVariables": {"xyChart": {"plotColorPalette": "#1f6feb"}}}}%%'
)


def network(page: Derivation) -> list[str]:
    """The network as a flowchart: units and weights, or, where these are many, layers."""
    first = header.first_update(page.trace)
    sizes = _sizes(page, first)
    edges = sum(before * after for before, after in pairwise(sizes))
    small = max(sizes) <= MOST_UNITS and edges <= MOST_EDGES
    drawn = _units(page, first, sizes) if small else _layers(page, first, sizes)
    return ["flowchart LR", *(f"  {line}" for line in drawn)]


def _sizes(page: Derivation, first: header.Update) -> list[int]:
    """How many inputs, and how many units each layer has."""
    setting = Setting(page.trace.conventions)
    units_axis = 1 - setting.sample_axis
    sizes = [_weights(page, first, 1).shape[0]]
    layer = 1
    while f"z{layer}" in first:
        sizes.append(first[f"z{layer}"].shape[units_axis])
        layer += 1
    return sizes


def _weights(page: Derivation, first: header.Update, layer: int) -> Any:
    """The weights of a layer without its bias, inputs × units."""
    setting = Setting(page.trace.conventions)
    ones = first[f"a{layer - 1}"].parameters.get("ones", "")
    weights = setting.without_bias(first[f"W{layer}"].value, ones)
    return weights if setting.input_axis == 0 else weights.T


def _units(page: Derivation, first: header.Update, sizes: Sequence[int]) -> Iterator[str]:
    for layer, size in enumerate(sizes):
        yield from _column(page, first, layer, size)
    for layer in range(1, len(sizes)):
        weights = _weights(page, first, layer)
        for i in range(sizes[layer - 1]):
            for j in range(sizes[layer]):
                told = page.number(weights[i, j])
                yield f'n{layer - 1}_{i + 1} -->|"{told}"| n{layer}_{j + 1}'


def _column(page: Derivation, first: header.Update, layer: int, size: int) -> Iterator[str]:
    """The units of a layer under its name."""
    name = "inputs"
    if layer:
        activation = header.activation_name(first[f"a{layer}"])
        name = f"layer {layer}: {activation}"
    yield f'subgraph layer{layer}["{name}"]'
    for unit in range(size):
        yield f"  {_node(page, first, layer, unit, size)}"
    yield "end"


def _node(page: Derivation, first: header.Update, layer: int, unit: int, size: int) -> str:
    entry = _unit_name(page, layer, unit, size)
    bias = _bias(first, layer, unit)
    if bias is not None:
        entry += f"<br>b = {page.number(bias)}"
    opened, closed = ("((", "))") if layer else ("([", "])")
    return f'n{layer}_{unit + 1}{opened}"{entry}"{closed}'


def _unit_name(page: Derivation, layer: int, unit: int, size: int) -> str:
    """``h₁[2]``, ``x₂``, ``a⁽¹⁾₂``."""
    name = page.symbols.name(f"a{layer}")
    if size == 1:
        return name.translate(RAISED)
    if page.symbols.parts(f"a{layer}").layer is None or name.endswith((")", "]")):
        return name.translate(RAISED) + str(unit + 1).translate(SUBSCRIPTS)
    return f"{name}[{unit + 1}]"


def _bias(first: header.Update, layer: int, unit: int) -> Any:
    bias = first.get(f"b{layer}")
    if bias is None:
        return None
    values = bias.value.ravel()
    return values[min(unit, len(values) - 1)]


def _layers(page: Derivation, first: header.Update, sizes: Sequence[int]) -> Iterator[str]:
    yield f'n0(["{sizes[0]} inputs"])'
    for layer, size in enumerate(sizes[1:], 1):
        activation = header.activation_name(first[f"a{layer}"])
        units = "unit" if size == 1 else "units"
        yield f'n{layer}["layer {layer}<br>{size} {units}<br>{activation}"]'
    for layer in range(1, len(sizes)):
        yield f'n{layer - 1} -->|"{_told(page, first[f"W{layer}"])}"| n{layer}'


def _told(page: Derivation, weights: TracedStep) -> str:
    return f"{page.symbols.name(weights.id)}: {weights.shape[0]} × {weights.shape[1]}"


def loss_chart(points: Sequence[LossPoint], name: str) -> list[str]:
    """The loss before each update, and after the last one, as an xychart; empty without numbers."""
    values = [point.before for point in points]
    if points[-1].after is not None:
        values.append(points[-1].after)
    if not all(map(math.isfinite, values)):
        return []
    kept = _thinned(values)
    top = max([*kept, 0.0]) or 1.0
    low = min([*kept, 0.0])
    return [
        SETTINGS,
        "xychart-beta",
        f'  title "{name} before each update, and after the last"',
        f'  x-axis "updates" {_ticks(len(values))}',
        f'  y-axis "{name}" {_plain(low)} --> {_plain(top)}',
        f"  line [{', '.join(map(_plain, kept))}]",
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
