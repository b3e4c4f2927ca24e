"""Reads the numbers of one sample off the steps of one update, as a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from backtrace.notation.numbers import number
from backtrace.notation.symbols import Symbols
from backtrace.page.elision import Elision, windows
from backtrace.page.header import activation_name
from backtrace.page.network.units import Edge, LabelledNumber, LayerColumn, Network, Unit
from backtrace.page.network.words import NetworkWords
from backtrace.page.selection import Selection, one_sample, sample_index, steps, updates
from backtrace.spec import ids
from backtrace.tape.arithmetic import arithmetic, as_floats
from backtrace.tape.run import evaluate
from backtrace.tape.setting import Setting
from backtrace.tape.trace import Trace, TracedStep

MOST_UNITS = 10  # of a layer; of a larger one the first and last few
KEPT_UNITS = 7


def network(trace: Trace, selection: Selection, decimal_mark: str = ".") -> Network:
    """The network of a trace's first update that has the sample asked for (or the first one).

    What the selection leaves out has no number in it.
    """
    place = updates(trace, selection)[0][0]
    everything = msgspec.structs.replace(selection, sample=None)
    wanted = frozenset(traced.id for _, traced in steps(trace, place, everything))
    return _SampleReader(trace, place, selection.sample, decimal_mark, wanted).network()


class _SampleReader:
    """Reads the numbers of one sample off the steps of one update."""

    def __init__(
        self,
        trace: Trace,
        place: tuple[int, int],
        sample: int | None,
        decimal_mark: str,
        wanted: frozenset[str],
    ) -> None:
        self.trace, self.place, self.mark, self.wanted = trace, place, decimal_mark, wanted
        self.steps: Mapping[str, TracedStep] = trace.update(*place)
        self.setting = Setting(trace.conventions)
        self.symbols = Symbols.of(trace)
        self.numbers = self.steps["a0"].sample_numbers
        self.sample, self.several = sample or self.numbers[0], len(self.numbers) > 1
        self.row = sample_index(self.steps["a0"], self.sample) or 0
        self.last = max(traced.layer or 0 for traced in self.steps.values())
        values = (traced.value for traced in self.steps.values())
        self.elision = Elision(windows=windows(values, KEPT_UNITS))

    def network(self) -> Network:
        columns = (self.inputs(), *map(self.layer, range(1, self.last + 1)))
        if "loss" in self.steps:
            columns = (*columns, self.loss(columns[-1]))
        words = NetworkWords(
            self.trace,
            self.place,
            self.sample,
            self.numbers,
            self.wanted,
            columns,
            self.largest_gradient(),
        )
        said = (words.about(), words.forward(), words.backward(), words.told())
        return Network(columns, *said)

    def say(self, value: Any) -> str:
        return number(value, self.trace.decimals, self.mark).replace("-", "−")

    def kept(self, size: int) -> list[int]:
        """Which units of a layer are shown: of a large one the first and the last, or where there
        is most."""
        return self.elision.shown(size, size if size <= MOST_UNITS else KEPT_UNITS)

    def shows(self, *ids: str) -> bool:
        """Whether a reader asked to see any of these, and there is one."""
        return any(id in self.wanted for id in ids)

    # Columns

    def inputs(self) -> LayerColumn:
        values = self.line("a0")
        units = tuple(Unit(at + 1, self.entry("a0", at)) for at in self.kept(len(values)))
        return LayerColumn(0, "Inputs", self.symbols.name("a0"), len(values), units)

    def layer(self, layer: int) -> LayerColumn:
        step = self.steps[f"a{layer}"]
        size = len(self.line(step.id))
        led = [self.relative(self.weights(f"{d}W{layer}"), size) for d in ("", "d")]
        units = tuple(self.unit(layer, at, led) for at in self.kept(size))
        heading = f"Layer {layer}, {activation_name(step)}"
        edges = self.edges(layer, units)
        return LayerColumn(layer, heading, self.symbols.name(step.id), size, units, edges)

    def loss(self, outputs: LayerColumn) -> LayerColumn:
        shown = self.shows("loss")
        unit = Unit(1, self.say(self.share("loss")) if shown else "")
        symbol = self.symbols.name("loss")
        edges = tuple(
            Edge(at, 0, *self.along_to_loss(unit.place - 1), 0.0)
            for at, unit in enumerate(outputs.units)
        )
        return LayerColumn(None, "Loss", symbol, 1, (unit,), edges)

    def along_to_loss(self, output: int) -> tuple[str, str]:
        """The target of an output, and the gradient at it."""
        target = self.entry("y", output)
        named = f"{self.symbols.name('y')} {target}" if target else ""
        return named, self.entry(f"da{self.last}", output)

    def unit(self, layer: int, at: int, led: list[Any]) -> Unit:
        flat = f"g{layer}" in self.steps and self.steps[f"g{layer}"].shape == self.shape_of(layer)
        seen = self.shows(*(f"{letter}{layer}" for letter in ("z", "a", "g", "delta")))
        return Unit(
            at + 1,
            self.entry(f"a{layer}", at),
            self.of_unit(f"z{layer}", at),
            self.of_unit(f"delta{layer}", at),
            tuple(pair for pair in self.parameters(layer, at) if pair != (None, None)),
            bool(flat and seen and self.line(f"g{layer}")[at] == 0),
            *(tuple(each[:, at].tolist()) for each in led),
        )

    def shape_of(self, layer: int) -> tuple[int, ...]:
        """The shape of a layer's slopes, unless they are Jacobians."""
        return self.steps[f"z{layer}"].shape

    def entry(self, id: str, at: int) -> str:
        """One number of the sample's line; empty where it is not shown."""
        return self.say(self.line(id)[at]) if self.shows(id) else ""

    def of_unit(self, id: str, at: int) -> LabelledNumber | None:
        written = self.entry(id, at)
        return LabelledNumber(self.symbols.name(id), written) if written else None

    def parameters(
        self, layer: int, at: int
    ) -> Iterator[tuple[LabelledNumber | None, LabelledNumber | None]]:
        """A unit's bias and what its activation learns, each with its gradient."""
        yield self.of_bias(layer, at, ""), self.of_bias(layer, at, "d")
        slope = ids.parameter("learned_slope", layer)
        yield self.of_vector(slope, at), self.of_vector(ids.gradient(slope), at)

    def of_vector(self, id: str, at: int) -> LabelledNumber | None:
        """A unit's number of a vector, or the one that all units share."""
        if not self.shows(id):
            return None
        values = self.share(id).ravel()
        return LabelledNumber(self.symbols.name(id), self.say(values[min(at, len(values) - 1)]))

    def of_bias(self, layer: int, at: int, before: str) -> LabelledNumber | None:
        """A unit's bias (or its gradient): of a vector, shared, or a line of the weights."""
        found = self.of_vector(f"{before}b{layer}", at)
        if found is not None:
            return found
        ones, weights = self.ones(layer - 1), f"{before}W{layer}"
        if not ones or not self.shows(weights):
            return None
        line = self.oriented(self.share(weights))[0 if ones == "first" else -1]
        return LabelledNumber(f"{before}b", self.say(line[at]))

    def edges(self, layer: int, units: tuple[Unit, ...]) -> tuple[Edge, ...]:
        weights, gradients = self.weights(f"W{layer}"), self.weights(f"dW{layer}")
        sources = self.steps[f"a{layer - 1}"]
        inputs = len(self.line(sources.id))
        return tuple(
            Edge(
                source,
                target,
                "" if weights is None else self.say(weights[i, unit.place - 1]),
                "" if gradients is None else self.say(gradients[i, unit.place - 1]),
                unit.weights[i] if unit.weights else 0.0,
            )
            for source, i in enumerate(self.kept(inputs))
            for target, unit in enumerate(units)
        )

    # Values in one orientation

    def line(self, id: str) -> Any:
        """The sample's line of a quantity, without the 1 that carries a bias."""
        line = self.setting.rows(self.steps[id].value)[self.row]
        ones = self.steps[id].parameters.get("ones", "")
        return line[1:] if ones == "first" else line[:-1] if ones == "last" else line

    def ones(self, layer: int) -> str:
        return str(self.steps[f"a{layer}"].parameters.get("ones", ""))

    def share(self, id: str) -> Any:
        """A quantity; of one that adds up samples, and has several, what this sample adds to it.

        A penalty is no sample's: of a gradient or a loss that has one the other part is meant.
        """
        traced = self.steps[id]
        while traced.operation in ("add_penalty", "add"):
            traced = self.steps[traced.operands[0]]
        if not self.several or traced.operation == "given":
            return self.steps[id].value
        parts = {
            each: one_sample(self.trace, self.steps[each], self.sample)
            for each in traced.step.needed
        }
        return evaluate(self.setting, arithmetic(self.trace.arithmetic), traced.step, parts)

    def oriented(self, value: Any) -> Any:
        return value if self.setting.input_axis == 0 else value.T

    def weights(self, id: str) -> Any:
        """Weights or their gradient, inputs × units, without a bias line; None if not shown."""
        if not self.shows(id):
            return None
        layer = self.steps[id].layer or 0
        whole = self.setting.without_bias(self.share(id), self.ones(layer - 1))
        return self.oriented(whole)

    def relative(self, weights: Any, units: int) -> Any:
        """Each beside the largest in size; no line where there are none to show."""
        if weights is None:
            return np.empty((0, units))
        found = as_floats(weights)
        largest = float(abs(found).max())
        return found / largest if largest > 0 and np.isfinite(largest) else np.zeros(found.shape)

    def largest_gradient(self) -> str:
        found = [
            (abs(as_floats(value)).max(), id, value)
            for id in (f"dW{layer}" for layer in range(1, self.last + 1))
            if (value := self.weights(id)) is not None
        ]
        if not found:
            return ""
        _, id, value = max(found, key=lambda each: each[0])
        i, j = np.unravel_index(int(abs(as_floats(value)).argmax()), value.shape)
        return (
            f"The largest gradient of a weight is {self.say(value[i, j])}, in layer "
            f"{self.steps[id].layer} from unit {i + 1} to unit {j + 1}"
        )
