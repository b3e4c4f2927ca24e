"""The template of an exercise from its shape alone: how many units, which functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES

USUAL = {"sigmoid": "binary_cross_entropy", "softmax": "cross_entropy"}
"""The loss that goes with an output activation; with any other ``half_mse``."""
HALVES = ("0.5", "-1.5", "2", "-1", "1.5", "-0.5", "1", "-2")
TENTHS = ("0.3", "-0.8", "0.5", "-0.2", "0.9", "-0.6", "0.4", "-0.7")
WHOLE = ("1", "3", "-2", "2", "-1", "-3")
BITS, SIGNS = ("1", "0", "0"), ("-1", "1", "-1")


class Blueprint(msgspec.Struct, frozen=True):
    """A dense network: its sizes and functions, and the conventions of a course.

    Without ``loss`` it is the one that goes with the ``output`` units, without both half the mean
    squared error of linear ones.
    """

    inputs: int = 2
    hidden: tuple[int, ...] = (2,)
    outputs: int = 1
    samples: int = 1
    activation: str = "relu"
    output: str = ""
    loss: str = ""
    layout: str = "rows"
    sign: str = "gradient"
    rate: str = "0.1"

    @property
    def loss_name(self) -> str:
        return self.loss or USUAL.get(self.output, "half_mse")

    @property
    def output_name(self) -> str:
        row = LOSSES.get(self.loss_name)
        return self.output or (row.shortcut if row else "") or "linear"

    @property
    def layers(self) -> Iterator[tuple[str, str, str]]:
        """Of each layer its activation, its weights and its bias, with numbers whose size and
        digits are those that are to be drawn."""
        widths = [self.inputs, *self.hidden, self.outputs]
        names = [*(self.activation for _ in self.hidden), self.output_name]
        for before, units, name in zip(widths, widths[1:], names, strict=False):
            like = TENTHS if _is_bounded(name) else HALVES
            yield name, self._matrix(before, units, like), self._row(units, TENTHS)

    @property
    def inputs_text(self) -> str:
        return self._matrix(self.samples, self.inputs, WHOLE)

    @property
    def targets_text(self) -> str:
        """Of the kind that the loss takes; nothing where it takes none."""
        row, output = LOSSES.get(self.loss_name), self.output_name
        kind = row.targets if row else "any"
        if kind == "none":
            return ""
        if kind in ("distribution", "one_hot") or (kind == "any" and output == "softmax"):
            return self._turned(
                [
                    ["1" if unit == sample % self.outputs else "0" for unit in range(self.outputs)]
                    for sample in range(self.samples)
                ]
            )
        if kind == "signs":
            return self._matrix(self.samples, self.outputs, SIGNS)
        if kind == "unit_interval" or output == "sigmoid":
            return self._matrix(self.samples, self.outputs, BITS)
        like = TENTHS if _is_bounded(output) else HALVES
        return self._matrix(self.samples, self.outputs, like)

    @property
    def text(self) -> str:
        """The spec."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "layers:"
        for name, weights, bias in self.layers:
            yield f"  - activation: {name}"
            yield f"    weights: {weights}"
            yield f"    bias: {bias}"
        yield f"inputs: {self.inputs_text}"
        if self.targets_text:
            yield f"targets: {self.targets_text}"
        yield f"loss: {self.loss_name}"
        if self.rate != "none":
            yield f"learning_rate: {self.rate}"
        yield f"conventions: {{layout: {self.layout}, sign: {self.sign}}}"
        yield "display: {decimals: 4}"

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
