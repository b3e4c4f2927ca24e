"""The template of an exercise from its shape alone: how many units, which functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from backtrace.functions.activations import ACTIVATIONS

LOSSES = {"sigmoid": "binary_cross_entropy", "softmax": "cross_entropy"}
"""The loss that goes with an output activation; with any other ``half_mse``."""
HALVES = ("0.5", "-1.5", "2", "-1", "1.5", "-0.5", "1", "-2")
TENTHS = ("0.3", "-0.8", "0.5", "-0.2", "0.9", "-0.6", "0.4", "-0.7")
WHOLE = ("1", "3", "-2", "2", "-1", "-3")


class Blueprint(msgspec.Struct, frozen=True):
    """A dense network: its sizes and functions, and the conventions of a course."""

    inputs: int = 2
    hidden: tuple[int, ...] = (2,)
    outputs: int = 1
    samples: int = 1
    activation: str = "relu"
    output: str = "linear"
    loss: str = ""
    layout: str = "rows"
    sign: str = "gradient"
    rate: str = "0.1"

    @property
    def text(self) -> str:
        """The spec, with numbers whose size and digits are those that are to be drawn."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        widths = [self.inputs, *self.hidden, self.outputs]
        names = [*(self.activation for _ in self.hidden), self.output]
        yield "layers:"
        for before, units, name in zip(widths, widths[1:], names, strict=False):
            like = TENTHS if _is_bounded(name) else HALVES
            yield f"  - activation: {name}"
            yield f"    weights: {self._matrix(before, units, like)}"
            yield f"    bias: {self._row(units, TENTHS)}"
        yield f"inputs: {self._matrix(self.samples, self.inputs, WHOLE)}"
        yield f"targets: {self._targets()}"
        yield f"loss: {self.loss or LOSSES.get(self.output, 'half_mse')}"
        if self.rate != "none":
            yield f"learning_rate: {self.rate}"
        yield f"conventions: {{layout: {self.layout}, sign: {self.sign}}}"
        yield "display: {decimals: 4}"

    def _targets(self) -> str:
        if self.output == "softmax":
            rows = [
                ["1" if unit == sample % self.outputs else "0" for unit in range(self.outputs)]
                for sample in range(self.samples)
            ]
            return self._turned(rows)
        if self.output == "sigmoid":
            return self._matrix(self.samples, self.outputs, ("1", "0", "0"))
        like = TENTHS if _is_bounded(self.output) else HALVES
        return self._matrix(self.samples, self.outputs, like)

    def _matrix(self, rows: int, columns: int, like: Sequence[str]) -> str:
        """As the layout has it: of weights and of samples the transpose in columns."""
        numbers = [
            [like[(i * columns + j) % len(like)] for j in range(columns)] for i in range(rows)
        ]
        return self._turned(numbers)

    def _turned(self, rows: list[list[str]]) -> str:
        if self.layout == "columns":
            rows = [list(column) for column in zip(*rows, strict=True)]
        return _listed(map(_listed, rows))

    def _row(self, units: int, like: Sequence[str]) -> str:
        return _listed(like[(3 * at + 1) % len(like)] for at in range(units))


def _listed(items: Iterable[str]) -> str:
    return f"[{', '.join(items)}]"


def _is_bounded(name: str) -> bool:
    row = ACTIVATIONS.get(name)
    return row is not None and max(map(abs, row.range)) <= 1 and name != "softmax"
