"""One sample's way through a trace as a network: units with their numbers, edges with theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from backtrace.notation.numbers import number
from backtrace.notation.symbols import Symbols
from backtrace.page.elision import shown
from backtrace.page.header import activation_name
from backtrace.page.selection import Selection, sample_index, updates
from backtrace.tape.setting import Setting
from backtrace.tape.trace import Trace, TracedStep

MOST_UNITS = 10  # of a layer; of a larger one the first and last few
KEPT_UNITS = 7


class LabelledNumber(msgspec.Struct, frozen=True):
    """A number and the symbol of what it is: δ₂, 1.7."""

    symbol: str
    number: str


class Unit(msgspec.Struct, frozen=True):
    """A unit: ``place`` is its number in its layer, from 1; what it does not have is None."""

    place: int
    value: str
    z: LabelledNumber | None = None
    delta: LabelledNumber | None = None
    bias: LabelledNumber | None = None
    bias_gradient: LabelledNumber | None = None


class Edge(msgspec.Struct, frozen=True):
    """From a unit to one of the next column; places among those shown, from 0.

    ``forward`` and ``backward`` are what goes along it each way, ``strength`` (0 to 1) is the
    size of the weight beside the largest of its layer.
    """

    source: int
    target: int
    forward: str
    backward: str
    strength: float


class LayerColumn(msgspec.Struct, frozen=True):
    """The units of a layer that are shown, and the edges that lead to them."""

    heading: str
    symbol: str
    size: int
    units: tuple[Unit, ...]
    edges: tuple[Edge, ...] = ()


class Network(msgspec.Struct, frozen=True):
    """``about`` says which sample and update; ``forward`` and ``backward`` what stands where."""

    columns: tuple[LayerColumn, ...]
    about: str
    forward: str
    backward: str


def network(trace: Trace, selection: Selection, decimal_mark: str = ".") -> Network:
    """The network of a trace's first update that has the sample asked for (or the first one)."""
    place = updates(trace, selection)[0][0]
    return _SampleReader(trace, place, selection.sample, decimal_mark).network()


class _SampleReader:
    """Reads the numbers of one sample off the steps of one update."""

    def __init__(
        self, trace: Trace, place: tuple[int, int], sample: int | None, decimal_mark: str
    ) -> None:
        self.trace, self.place, self.mark = trace, place, decimal_mark
        self.steps: Mapping[str, TracedStep] = trace.update(*place)
        self.setting = Setting(trace.conventions)
        self.symbols = Symbols.of(trace)
        self.numbers = self.steps["a0"].sample_numbers
        self.sample, self.several = sample or self.numbers[0], len(self.numbers) > 1
        self.row = sample_index(self.steps["a0"], self.sample) or 0
        self.last = max(traced.layer or 0 for traced in self.steps.values())

    def network(self) -> Network:
        columns = [self.inputs(), *map(self.layer, range(1, self.last + 1))]
        if "loss" in self.steps:
            columns.append(self.loss(columns[-1]))
        return Network(tuple(columns), self.about(), self.forward(), self.backward())

    def say(self, value: Any) -> str:
        return number(value, self.trace.decimals, self.mark).replace("-", "−")

    # Columns

    def inputs(self) -> LayerColumn:
        values = self.line("a0")
        kept = _kept(len(values))
        units = tuple(Unit(at + 1, self.say(values[at])) for at in kept)
        return LayerColumn("Inputs", self.symbols.name("a0"), len(values), units)

    def layer(self, layer: int) -> LayerColumn:
        step = self.steps[f"a{layer}"]
        values = self.line(step.id)
        units = tuple(self.unit(layer, at, values[at]) for at in _kept(len(values)))
        heading = f"Layer {layer}, {activation_name(step)}"
        edges = self.edges(layer, [unit.place - 1 for unit in units])
        return LayerColumn(heading, self.symbols.name(step.id), len(values), units, edges)

    def loss(self, outputs: LayerColumn) -> LayerColumn:
        loss = self.steps["loss"]
        unit = Unit(1, self.say(loss.value))
        targets = self.line("y") if "y" in self.steps else None
        gradients = self.line(f"da{self.last}") if f"da{self.last}" in self.steps else None
        edges = tuple(
            Edge(
                at,
                0,
                "" if targets is None else f"{self.symbols.name('y')} {self.say(targets[k])}",
                "" if gradients is None else self.say(gradients[k]),
                0.0,
            )
            for at, k in enumerate(unit.place - 1 for unit in outputs.units)
        )
        return LayerColumn("Loss", self.symbols.name("loss"), 1, (unit,), edges)

    def unit(self, layer: int, at: int, value: Any) -> Unit:
        return Unit(
            at + 1,
            self.say(value),
            self.of_unit(f"z{layer}", at),
            self.of_unit(f"delta{layer}", at),
            self.of_bias(layer, at, ""),
            self.of_bias(layer, at, "d"),
        )

    def of_unit(self, id: str, at: int) -> LabelledNumber | None:
        if id not in self.steps:
            return None
        return LabelledNumber(self.symbols.name(id), self.say(self.line(id)[at]))

    def of_bias(self, layer: int, at: int, before: str) -> LabelledNumber | None:
        """A unit's bias (or its gradient): of a vector, shared, or a line of the weights."""
        id = f"{before}b{layer}"
        if id in self.steps:
            values = self.steps[id].value.ravel()
            return LabelledNumber(self.symbols.name(id), self.say(values[min(at, len(values) - 1)]))
        ones, weights = self.ones(layer - 1), f"{before}W{layer}"
        if not ones or weights not in self.steps:
            return None
        line = self.oriented(weights)[0 if ones == "first" else -1]
        return LabelledNumber(f"{before}b", self.say(line[at]))

    def edges(self, layer: int, targets: list[int]) -> tuple[Edge, ...]:
        weights, gradients = self.weights(f"W{layer}"), self.weights(f"dW{layer}")
        assert weights is not None
        largest = float(abs(weights).max()) or 1.0
        return tuple(
            Edge(
                source,
                target,
                self.say(weights[i, j]),
                "" if gradients is None else self.say(gradients[i, j]),
                float(abs(weights[i, j])) / largest if np.isfinite(largest) else 0.0,
            )
            for source, i in enumerate(_kept(weights.shape[0]))
            for target, j in enumerate(targets)
        )

    # Values in one orientation

    def line(self, id: str) -> Any:
        """The sample's line of a quantity, without the 1 that carries a bias."""
        line = self.setting.rows(self.steps[id].value)[self.row]
        ones = self.steps[id].parameters.get("ones", "")
        return line[1:] if ones == "first" else line[:-1] if ones == "last" else line

    def ones(self, layer: int) -> str:
        return str(self.steps[f"a{layer}"].parameters.get("ones", ""))

    def oriented(self, id: str) -> Any:
        value = self.steps[id].value
        return value if self.setting.input_axis == 0 else value.T

    def weights(self, id: str) -> Any:
        """Weights or their gradient, inputs × units, without a bias line; None if not traced."""
        if id not in self.steps:
            return None
        layer = int(id.lstrip("dW"))
        whole = self.setting.without_bias(self.steps[id].value, self.ones(layer - 1))
        return whole if self.setting.input_axis == 0 else whole.T

    # Words

    def about(self) -> str:
        epoch, batch = self.place
        n = len(self.numbers)
        of = str(n) if self.numbers == range(1, n + 1) else f"a batch of {n}"
        words = [f"sample {self.sample} of {of}"] if self.several else []
        if len(self.trace.updates) > 1:
            words.append(f"epoch {epoch}, batch {batch}")
        said = "; ".join(words)
        return said[:1].upper() + said[1:]

    def forward(self) -> str:
        names = {"a": self.symbols.name("a1"), "z": self.symbols.name("z1")}
        return (
            f"Forward: in a unit its activation ({names['a']}), above it {names['z']}, "
            f"on an edge its weight ({self.symbols.name('W1')})"
        )

    def backward(self) -> str:
        if "delta1" not in self.steps:
            return ""
        weights = f"{self.symbols.name('dW1')}" if "dW1" in self.steps else ""
        over = ", over all samples" if self.several and weights else ""
        on_edge = f", on an edge the gradient of its weight ({weights}{over})" if weights else ""
        return f"Backward: below a unit {self.symbols.name('delta1')}{on_edge}"


def _kept(size: int) -> list[int]:
    return shown(size, size if size <= MOST_UNITS else KEPT_UNITS)
