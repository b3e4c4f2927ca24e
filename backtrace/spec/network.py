"""Drafts of layers and data → layers whose shapes fit, or a drawing of where they don't."""

from __future__ import annotations

import msgspec
import numpy as np

from backtrace.spec import rules, shapes
from backtrace.spec.given import Given, comma_rows
from backtrace.spec.layers import LayerDraft
from backtrace.spec.model import Bias, Conventions, Layer, Matrix
from backtrace.spec.problems import Problems, count
from backtrace.spec.shapes import Operand


class NetworkDraft(msgspec.Struct):
    """Everything that has a shape, as it was written."""

    conventions: Conventions
    layers: list[LayerDraft]
    inputs: Given | None = None
    targets: Given | None = None
    upstream: Given | None = None
    seed: int | None = None


class Network(msgspec.Struct):
    """What the shapes came to; None stands for what can't be settled."""

    layers: list[Layer | None]
    inputs: Matrix | None = None
    targets: Matrix | None = None
    upstream: Matrix | None = None


def settle(problems: Problems, draft: NetworkDraft) -> Network:
    """Give every matrix its shape.

    A list given for the inputs can be one sample or one feature: both are tried against the
    network, and where both fit, that is a problem which shows both.
    """
    if draft.inputs is None:
        return _Fit(problems, draft, None).network()
    tried = []
    for shape in draft.inputs.shapes:
        scratch = problems.scratch()
        tried.append((scratch, _Fit(scratch, draft, shape).network(), shape))
    if len(tried) == 2 and not tried[0][0].found and not tried[1][0].found:
        if _settled(tried[0][1]) and _settled(tried[1][1]):
            _ambiguous(problems, draft.inputs, draft.conventions)
    best = min(tried, key=lambda attempt: len(attempt[0].found))
    if len(tried) == 2 and len(tried[0][0].found) == len(tried[1][0].found):
        best = next(t for t in tried if _oriented(draft.conventions, t[2])[0] == 1)
    problems.found.extend(best[0].found)
    return best[1]


def _settled(network: Network) -> bool:
    return all(layer is not None for layer in network.layers)


def _oriented(conventions: Conventions, shape: tuple[int, int]) -> tuple[int, int]:
    """(samples, features) ↔ the shape in the layout; its own inverse."""
    return shape if conventions.layout == "rows" else (shape[1], shape[0])


def _ambiguous(problems: Problems, inputs: Given, conventions: Conventions) -> None:
    length = inputs.values.shape[1]
    texts = [repr(float(x)) for x in inputs.values[0]] if not inputs.written else inputs.written[0]
    across = f"[[{', '.join(texts[:6])}{', …' if length > 6 else ''}]]"
    down = f"[{', '.join(f'[{t}]' for t in texts[:6])}{', …' if length > 6 else ''}]"
    one, many = (across, down) if conventions.layout == "rows" else (down, across)
    problems.add(
        inputs.place,
        f"a list of {length} inputs, which fits as one sample with {length} features and as "
        f"{length} samples with one feature",
        "a matrix, since both fit",
        f"Write {one} for one sample, {many} for {length} samples.",
    )


class _Fit:
    """One attempt at settling all shapes, with the inputs read in one way."""

    def __init__(
        self, problems: Problems, draft: NetworkDraft, shape: tuple[int, int] | None
    ) -> None:
        self.problems = problems
        self.draft = draft
        self.conventions = draft.conventions
        self.inputs = None if shape is None or draft.inputs is None else draft.inputs.shaped(shape)
        samples, width = (None, None) if shape is None else _oriented(self.conventions, shape)
        self.samples: int | None = samples
        self.width: int | None = width

    def network(self) -> Network:
        layers = [self._layer(layer) for layer in self.draft.layers]
        last = f"a{len(layers)}"
        return Network(
            layers=layers,
            inputs=self.inputs,
            targets=self._outputs(self.draft.targets, "y", last),
            upstream=self._outputs(self.draft.upstream, f"d{last}", last),
        )

    def _layer(self, layer: LayerDraft) -> Layer | None:
        """The layer, and the width that the next one meets."""
        inputs = self.width
        fan, weights = self._weights(layer)
        self.width = None if fan is None else fan.units
        units = self.width if self.width is not None else layer.units
        bias = self._bias(layer, inputs, units)
        self.width = units
        if weights is None or fan is None or bias is None or layer.activation is None:
            return None
        return Layer(fan.inputs, fan.units, layer.activation, weights, bias)

    # --- weights

    def _weights(self, layer: LayerDraft) -> tuple[rules.Fan | None, Matrix | None]:
        if isinstance(layer.weights, rules.Rule):
            return self._drawn(layer, layer.weights)
        if layer.weights is None:
            return None, None
        extra = 1 if layer.augmented else 0
        fitting = [
            shape
            for shape in layer.weights.shapes
            if self._lines(shape)[0] == (self.width or self._lines(shape)[0] - extra) + extra
            and layer.units in (None, self._lines(shape)[1])
        ]
        if self.width is None and len(layer.weights.shapes) > 1:
            return None, None
        if not fitting:
            return self._unfitting(layer, layer.weights), None
        lines, units = self._lines(fitting[0])
        return self._fan(layer, lines - extra, units), layer.weights.shaped(fitting[0])

    def _lines(self, shape: tuple[int, int]) -> tuple[int, int]:
        """(inputs with the bias line, units) of weights in the spec's orientation."""
        return shape if self.conventions.weights == "in_out" else (shape[1], shape[0])

    def _fan(self, layer: LayerDraft, inputs: int, units: int) -> rules.Fan | None:
        if inputs > 0:
            return rules.Fan(inputs, units)
        self.problems.add(
            layer.place,
            f"W{layer.number} with only the line of the bias",
            "a line for each input as well",
        )
        return None

    def _drawn(
        self, layer: LayerDraft, rule: rules.Rule
    ) -> tuple[rules.Fan | None, Matrix | None]:
        if layer.units is None:
            self.problems.add(
                rule.place,
                f"weights by rule in layer {layer.number} without `units`",
                "`units:`, since nothing else says how many there are",
                f"Add `units: 3` to layer {layer.number}.",
            )
            return None, None
        if self.width is None:
            return None, None
        fan = rules.Fan(self.width, layer.units)
        shape = (fan.inputs + (1 if layer.augmented else 0), fan.units)
        stream = 2 * layer.number
        values = rules.draw(rule, shape, fan, self.draft.seed, stream)
        # drawn in × out whatever the orientation, so that both mean the same network
        return fan, Matrix(values if self.conventions.weights == "in_out" else values.T.copy())

    def _unfitting(self, layer: LayerDraft, given: Given) -> rules.Fan | None:
        """Note why no shape of the weights fits; the fan that the next layer may count on."""
        extra = 1 if layer.augmented else 0
        lines, units = self._lines(given.shapes[0])
        wanted = None if self.width is None else self.width + extra
        if given.dimensions == 1 and wanted is not None:
            self._unfitting_list(layer, given, wanted)
            return None if layer.units is None else rules.Fan(wanted, layer.units)
        if wanted is not None and lines != wanted:
            said, drawing = shapes.product(*self._operands(layer, given.shapes[0]))
            mend = self._mend_weights(layer, given, wanted)
            self.problems.add(given.place, said, "two equal numbers", mend, drawing)
        if layer.units not in (None, units):
            self.problems.add(
                given.place,
                f"W{layer.number} for {count(units, 'unit')}",
                f"weights for {count(layer.units or 0, 'unit')}, as `units:` says",
                "Remove `units:`; the weights say it.",
            )
        return rules.Fan(max(1, lines - extra), units)

    def _unfitting_list(self, layer: LayerDraft, given: Given, wanted: int) -> None:
        length = given.values.shape[1]
        units = layer.units or (1 if wanted > 1 else length)
        rows, columns = self._lines((wanted, units))
        flat, tall = given.shapes
        self.problems.add(
            given.place,
            f"{given.described()} for W{layer.number}, which as {flat[0]} × {flat[1]} or as "
            f"{tall[0]} × {tall[1]} does not fit {self._source(layer, wanted)}",
            f"a matrix of {wanted if rows == wanted else rows} × {columns}"
            if layer.units
            else f"a list of {wanted} for one unit, or a matrix with "
            f"{count(wanted, 'row' if self.conventions.weights == 'in_out' else 'column')}",
            self._mend_commas(given, wanted),
        )

    def _operands(self, layer: LayerDraft, shape: tuple[int, int]) -> tuple[Operand, Operand]:
        """Activation and weights in the order in which they are multiplied."""
        assert self.width is not None
        before = layer.number - 1
        name = {"first": f"[1 a{before}]", "last": f"[a{before} 1]"}.get(
            layer.bias.kind, f"a{before}"
        )
        width = self.width + (1 if layer.augmented else 0)
        samples = "n" if self.samples is None else self.samples
        weights = Operand(f"W{layer.number}", *shape)
        if self.conventions.layout == "rows":
            right = weights if self.conventions.weights == "in_out" else weights.transposed()
            return Operand(name, samples, width), right
        left = weights if self.conventions.weights == "out_in" else weights.transposed()
        return left, Operand(name, width, samples)

    def _source(self, layer: LayerDraft, wanted: int) -> str:
        if layer.augmented:
            return f"the {count(wanted - 1, 'input')} of layer {layer.number} and its bias"
        return f"the {count(wanted, 'input')} of layer {layer.number}"

    def _mend_weights(self, layer: LayerDraft, given: Given, wanted: int) -> str:
        """The likeliest of: decimal commas, the bias line, the other orientation, the layout."""
        lines, units = self._lines(given.shapes[0])
        commas = self._mend_commas(given, wanted)
        if commas:
            return commas
        if lines == wanted + 1 and not layer.augmented and layer.bias.kind == "none":
            return "If one line of it is the bias, say so: `bias: {in_weights: first}`."
        if units == wanted:
            other = "out_in" if self.conventions.weights == "in_out" else "in_out"
            return (
                f"W{layer.number} is meant the other way round? Write its transpose, or "
                f"`conventions: {{weights: {other}}}`."
            )
        if layer.number == 1 and self.samples == lines and not layer.augmented:
            other = "columns" if self.conventions.layout == "rows" else "rows"
            return f"The inputs are a sample a {other[:-1]}? Write `conventions: {{layout: {other}}}`."
        word = "row" if self.conventions.weights == "in_out" else "column"
        each = "for each input and one for the bias" if layer.augmented else "for each input"
        return f"W{layer.number} needs {count(wanted, word)}, one {each}."

    def _mend_commas(self, given: Given, wanted: int) -> str:
        """The rows with decimal points, where decimal commas explain the length."""
        rows = comma_rows(given)
        if not rows or wanted not in (len(rows), len(rows[0])):
            return ""
        first = f"[{', '.join(rows[0])}]"
        return f"Decimal commas? To YAML each is two numbers; write decimal points: {first}."

    # --- biases

    def _bias(self, layer: LayerDraft, inputs: int | None, units: int | None) -> Bias | None:
        bias = layer.bias
        if bias.values is None:
            return Bias(bias.kind) if bias.readable else None
        if bias.kind == "shared":
            return self._shared(layer, bias.values)
        if units is None:
            return None
        shape = _oriented(self.conventions, (1, units))
        if isinstance(bias.values, rules.Rule):
            fan = rules.Fan(inputs or 1, units)
            stream = 2 * layer.number + 1
            drawn = rules.draw(bias.values, (1, units), fan, self.draft.seed, stream)
            return Bias(bias.kind, Matrix(drawn.reshape(shape)))
        if shape not in bias.values.shapes:
            self._unfitting_bias(layer, bias.values, units)
            return None
        return Bias(bias.kind, bias.values.shaped(shape))

    def _shared(self, layer: LayerDraft, values: Given | rules.Rule) -> Bias | None:
        if isinstance(values, Given) and values.values.size == 1:
            return Bias("shared", values.shaped((1, 1)))
        found = values.described() if isinstance(values, Given) else "a rule"
        self.problems.add(
            values.place,
            f"{found} for the shared bias of layer {layer.number}",
            "one number",
            "A bias of its own for each unit is written `bias: [0.1, 0.2]`.",
        )
        return None

    def _unfitting_bias(self, layer: LayerDraft, given: Given, units: int) -> None:
        samples = "n" if self.samples is None else self.samples
        rows = self.conventions.layout == "rows"
        product_shape = (samples, units) if rows else (units, samples)
        sign = "−" if layer.bias.kind == "threshold" else "+"
        shape = given.shapes[0] if rows or given.dimensions != 1 else given.shapes[-1]
        said, drawing = shapes.entrywise(
            Operand(f"product{layer.number}", *product_shape),
            Operand(f"b{layer.number}", *shape),
            sign,
        )
        if given.dimensions == 0:
            text = given.written[0][0] if given.written else "…"
            mend = f"One number for all units is written `bias: {{shared: {text}}}`."
        else:
            mend = self._mend_commas(given, units) or self._mend_transposed(given, units)
        self.problems.add(
            given.place,
            f"{said}: {count(given.values.size, 'bias', 'biases')} for {count(units, 'unit')}",
            f"{count(units, 'bias', 'biases')} for layer {layer.number}",
            mend or "Write one number for each unit.",
            drawing,
        )

    def _mend_transposed(self, given: Given, units: int) -> str:
        if given.dimensions == 2 and given.values.size == units:
            return "Write it as a plain list; it is turned as the layout needs it."
        return ""

    # --- targets

    def _outputs(self, given: Given | None, name: str, last: str) -> Matrix | None:
        """The targets, or a gradient given from above: shaped as the last activation."""
        if given is None or self.samples is None or self.width is None:
            return None
        shape = _oriented(self.conventions, (self.samples, self.width))
        if shape in given.shapes:
            return given.shaped(shape)
        written = given.shapes[0]
        flat_columns = given.dimensions == 1 and shape[1] == 1
        written = given.shapes[-1] if flat_columns else written
        said, drawing = shapes.entrywise(Operand(last, *shape), Operand(name, *written), "−")
        self.problems.add(
            given.place,
            f"{said}: {self._counted(given, written, name)}",
            f"{given.name} of the shape of {last}, {shape[0]} × {shape[1]}",
            self._mend_outputs(given, shape),
            drawing,
        )
        return None

    def _counted(self, given: Given, shape: tuple[int, int], name: str) -> str:
        samples, width = _oriented(self.conventions, shape)
        assert self.samples is not None
        if samples != self.samples and given.dimensions == 2:
            return f"{count(self.samples, 'sample')} of inputs, {samples} of {given.name}"
        if samples == self.samples:
            return f"{count(self.width or 0, 'unit')} in the last layer, {width} in {name}"
        return f"{given.described()} for {count(self.samples * (self.width or 0), 'output')}"

    def _mend_outputs(self, given: Given, shape: tuple[int, int]) -> str:
        if given.values.T.shape == shape:
            way = "row" if self.conventions.layout == "rows" else "column"
            return f"Turn it round: a sample is a {way}, as `layout: {way}s` says."
        commas = self._mend_commas(given, shape[1]) or self._mend_commas(given, max(shape))
        if commas:
            return commas
        if (self.width or 0) > 1 and given.values.size == self.samples:
            zeros = ", ".join("1" if i == 0 else "0" for i in range(min(self.width or 0, 4)))
            return f"If these are class numbers, write each as one-hot: class 0 is [{zeros}]."
        return "Write one row of targets for each sample." if shape[1] > 1 else ""


def values_of(matrix: Matrix, conventions: Conventions) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The entries a sample a row, whatever the layout."""
    rows: np.ndarray[tuple[int, int], np.dtype[np.float64]] = (
        matrix.values if conventions.layout == "rows" else matrix.values.T
    )
    return rows
