"""Explains a shape that does not fit: the operands drawn, and what was probably meant."""

from __future__ import annotations

import numpy as np

from backtrace.spec import ids
from backtrace.spec.document.problems import Place, Problems
from backtrace.spec.model import Conventions
from backtrace.spec.read.layers import LayerDraft
from backtrace.spec.read.written_matrix import WrittenMatrix
from backtrace.spec.shape_drawings import NamedShape, entrywise_misfit, product_misfit
from backtrace.spec.wording import cited, count

SHOWN_SAMPLES = 6  # class numbers that are shown as they should be


def oriented(conventions: Conventions, shape: tuple[int, int]) -> tuple[int, int]:
    """(samples, features) ↔ the shape in the layout; its own inverse."""
    return shape if conventions.layout == "rows" else (shape[1], shape[0])


class Misfits:
    """Adds a problem for each matrix that can't take part in its operation.

    ``samples`` is None where the inputs could not be read; it is drawn as n.
    """

    def __init__(
        self, problems: Problems, conventions: Conventions, inputs: WrittenMatrix | None = None
    ) -> None:
        self.problems = problems
        self.inputs = inputs
        self.conventions = conventions
        self.rows = conventions.layout == "rows"
        self.in_out = conventions.weights == "in_out"

    def add_product(
        self,
        layer: LayerDraft,
        place: Place,
        shape: tuple[int, int],
        samples: int | None,
        wanted: int,
    ) -> None:
        """Weights whose lines are not ``wanted``, the inputs (and the 1 of the bias)."""
        said, drawing = product_misfit(*self._operands(layer, shape, samples, wanted))
        mend = self._mend_product(layer, shape, wanted)
        self.problems.add(place, said, "two equal numbers", mend, drawing=drawing, code="E201")

    def add_units(self, layer: LayerDraft, given: WrittenMatrix, units: int) -> None:
        """Weights for another number of units than ``units:`` says."""
        self.problems.add(
            given.place,
            f"{layer.weights_id} for {count(units, 'unit')}",
            f"weights for {count(layer.units or 0, 'unit')}, as `units:` says",
            "Remove `units:`; the weights say it.",
            code="E204",
        )

    def add_bias(
        self, layer: LayerDraft, given: WrittenMatrix, samples: int | None, units: int
    ) -> None:
        """A bias that is not one number for each unit."""
        n = "n" if samples is None else samples
        product = NamedShape(ids.id_of("product", layer.number), n, units)
        flat = given.shapes[0] if self.rows else given.shapes[-1]
        said, drawing = entrywise_misfit(
            product if self.rows else NamedShape(product.name, units, n),
            NamedShape(layer.bias_id, *flat),
            "−" if layer.bias.kind == "threshold" else "+",
        )
        self.problems.add(
            given.place,
            f"{said}: {count(given.values.size, 'bias', 'biases')} for {count(units, 'unit')}",
            f"{count(units, 'bias', 'biases')} for layer {layer.number}",
            self._mend_bias(given, units),
            drawing=drawing,
            code="E205",
        )

    def add_outputs(self, given: WrittenMatrix, outputs: NamedShape, name: str) -> None:
        """Targets (or an upstream gradient) that are not shaped as the last activation."""
        assert isinstance(outputs.rows, int)
        assert isinstance(outputs.columns, int)
        shape = (outputs.rows, outputs.columns)
        standing = given.dimensions == 1 and shape[1] == 1
        written = given.shapes[-1] if standing else given.shapes[0]
        said, drawing = entrywise_misfit(outputs, NamedShape(name, *written), "−")
        self.problems.add(
            given.place,
            f"{said}: {self._counted(given, shape, written, name)}",
            f"{given.name} of the shape of {outputs.name}, {outputs.shape}",
            self._mend_outputs(given, shape),
            drawing=drawing,
            code="E206",
        )

    def _operands(
        self, layer: LayerDraft, shape: tuple[int, int], samples: int | None, width: int
    ) -> tuple[NamedShape, NamedShape]:
        """Activation and weights in the order in which they are multiplied."""
        before = ids.id_of("activation", layer.number - 1)
        names = {"first": f"[1 {before}]", "last": f"[{before} 1]"}
        name = names.get(layer.bias.kind, before)
        n = "n" if samples is None else samples
        weights = NamedShape(layer.weights_id, *shape)
        if self.rows:
            return NamedShape(name, n, width), weights if self.in_out else weights.transposed()
        return weights.transposed() if self.in_out else weights, NamedShape(name, width, n)

    def _mend_product(self, layer: LayerDraft, shape: tuple[int, int], wanted: int) -> str:
        """The likelier of: the bias line, this matrix alone the other way round."""
        lines, units = shape if self.in_out else shape[::-1]
        if lines == wanted + 1 and layer.bias.kind == "none":
            return "If one line of it is the bias, say so: `bias: {in_weights: first}`."
        if units == wanted:
            return f"{layer.weights_id} is meant the other way round? Write its transpose."
        each = "for each input and one for the bias" if layer.augmented else "for each input"
        word = "row" if self.in_out else "column"
        return f"{layer.weights_id} needs {count(wanted, word)}, one {each}."

    def _mend_bias(self, given: WrittenMatrix, units: int) -> str:
        if given.dimensions == 0:
            text = given.written[0][0] if given.written else "…"
            return f"One number for all units is written `bias: {{shared: {text}}}`."
        if given.dimensions == 2 and given.values.size == units:
            return "Write it as a plain list; it is turned as the layout needs it."
        return "Write one number for each unit."

    def _counted(
        self, given: WrittenMatrix, shape: tuple[int, int], written: tuple[int, int], name: str
    ) -> str:
        samples, width = oriented(self.conventions, shape)
        own_samples, own_width = oriented(self.conventions, written)
        if samples != own_samples and given.dimensions == 2:
            said = f"{count(samples, 'sample')} of inputs, {own_samples} of {given.name}"
            return said + self._files(samples, given, own_samples)
        if samples == own_samples:
            return f"{count(width, 'unit')} in the last layer, {own_width} in {name}"
        return f"{given.described()} for {count(samples * width, 'output')}"

    def _files(self, samples: int, given: WrittenMatrix, own: int) -> str:
        """Which files have these counts, where they are from files."""
        if not given.file or self.inputs is None or not self.inputs.file:
            return ""
        rows = count(samples, "row")
        return f": {rows} from {cited(self.inputs.file, 60)}, {own} from {cited(given.file, 60)}"

    def _mend_outputs(self, given: WrittenMatrix, shape: tuple[int, int]) -> str:
        samples, width = oriented(self.conventions, shape)
        if given.values.T.shape == shape:
            way = "row" if self.rows else "column"
            return f"Turn it round: a sample is a {way}, as `layout: {way}s` says."
        if width > 1 and given.values.size == samples and (mend := self._one_hot(given, width)):
            return mend
        way = "row" if self.rows else "column"
        return f"Write one {way} of targets for each sample."

    def _one_hot(self, given: WrittenMatrix, width: int) -> str:
        """What class numbers are to be written as, in the layout; nothing where they are none."""
        numbers = given.values.ravel()
        first = 1 if numbers.min() == 1 and numbers.max() == width else 0
        if (
            numbers != np.floor(numbers)
        ).any() or not 0 <= numbers.min() <= numbers.max() < width + first:
            return ""
        if given.file:
            return f"If these are class numbers, write `one_hot: {width}` beside the `file`."
        way = "row" if self.rows else "column"
        hot = np.eye(width, dtype=int)[numbers.astype(int) - first][:SHOWN_SAMPLES]
        shown = (hot if self.rows else hot.T).tolist()
        first_ones = ", the first of them" if len(hot) < len(numbers) else ""
        written = f"write them one-hot, a {way} each{first_ones}: {shown}"
        return f"If these are class numbers from {first}, {written}."
