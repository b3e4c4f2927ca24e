"""Drafts of layers and data → layers whose shapes fit, or a drawing of where they don't."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from backtrace.spec import ids
from backtrace.spec.document.problems import Problems
from backtrace.spec.model import Bias, Conventions, Layer, Matrix
from backtrace.spec.read import weight_rules
from backtrace.spec.read.layers import LayerDraft
from backtrace.spec.read.other_conventions import Way, advice, fitting, one_layout
from backtrace.spec.read.shape_errors import Misfits, oriented
from backtrace.spec.read.written_matrix import WrittenMatrix, note_commas, with_points
from backtrace.spec.shape_drawings import NamedShape
from backtrace.spec.wording import count


class NetworkDraft(msgspec.Struct):
    """Everything that has a shape, as it was written."""

    conventions: Conventions
    layers: list[LayerDraft]
    inputs: WrittenMatrix | None = None
    targets: WrittenMatrix | None = None
    upstream: WrittenMatrix | None = None
    seed: int | None = None


class SettledNetwork(msgspec.Struct):
    """What the shapes came to; None stands for what can't be settled."""

    layers: list[Layer | None]
    inputs: Matrix | None = None
    targets: Matrix | None = None
    upstream: Matrix | None = None


def settle(problems: Problems, draft: NetworkDraft) -> SettledNetwork:
    """Give every matrix its shape.

    A list given for the inputs can be one sample or one feature: both are tried against the
    network, and where both fit, that is a problem which shows both.
    """
    if draft.inputs is None:
        return _Fit(problems, draft, None).network()
    tried = _tried(problems, draft)
    if len(tried) == 2 and all(_fits(attempt) for attempt in tried):
        _ambiguous(problems, draft.inputs, draft.conventions)
    noted, network = _best(tried)
    if noted.found:
        _suspect(problems, draft, noted)
    return network


Attempt: TypeAlias = tuple[Problems, SettledNetwork]


def _tried(problems: Problems, draft: NetworkDraft) -> list[Attempt]:
    """What comes of each shape that the inputs can have, that of one sample first."""
    assert draft.inputs is not None
    shapes = sorted(draft.inputs.shapes, key=lambda shape: oriented(draft.conventions, shape)[0])
    scratches = [problems.scratch() for _ in shapes]
    return [
        (scratch, _Fit(scratch, draft, shape).network())
        for scratch, shape in zip(scratches, shapes, strict=True)
    ]


def _best(tried: list[Attempt]) -> Attempt:
    return min(tried, key=lambda attempt: len(attempt[0].found))


def _fits(attempt: Attempt) -> bool:
    noted, network = attempt
    return not noted.found and all(layer is not None for layer in network.layers)


def _suspect(problems: Problems, draft: NetworkDraft, noted: Problems) -> None:
    """Note what doesn't fit, or the conventions under which it does, or decimal commas."""

    def fits(way: Way) -> bool:
        return _fits(_best(_tried(problems, _written_in(way, draft))))

    ways = [] if _may_fit_by_chance(draft) else fitting(draft.conventions, fits)
    assert draft.inputs is not None
    if draft.inputs.dimensions < 2:
        ways = one_layout(ways)
    if ways:
        problems.found.append(replace(noted.found[0], mend=advice(ways)))
        return
    _suspect_commas(problems, draft, noted)


def _may_fit_by_chance(draft: NetworkDraft) -> bool:
    """Whether a 1 that is equal to another one proves nothing: of one row, without targets."""
    assert draft.inputs is not None
    single = draft.inputs.dimensions == 2 and 1 in draft.inputs.values.shape
    return single and len(draft.layers) == 1 and draft.targets is None


def _written_in(way: Way, draft: NetworkDraft) -> NetworkDraft:
    """The draft as it is read under other conventions; files have a sample a row in all."""
    layout, weights = way
    turned = layout != draft.conventions.layout
    inputs, targets = (
        replace(given, values=given.values.T) if given and given.file and turned else given
        for given in (draft.inputs, draft.targets)
    )
    conventions = replace(draft.conventions, layout=layout, weights=weights)
    return replace(draft, conventions=conventions, inputs=inputs, targets=targets)


def _suspect_commas(problems: Problems, draft: NetworkDraft, noted: Problems) -> None:
    """Note what doesn't fit, and the matrices that decimal commas may have made wider.

    Where everything fits with decimal points, these alone.
    """
    weights = [layer.weights for layer in draft.layers]
    given = [each for each in (draft.inputs, *weights, draft.targets) if each is not None]
    points = [(each, with_points(each)) for each in given if isinstance(each, WrittenMatrix)]
    wider = [(each, read) for each, read in points if read is not None]
    if not wider or not _fits(_best(_tried(problems, _replaced(draft, wider)))):
        problems.found.extend(noted.found)
    for each, read in wider:
        note_commas(problems, each, read)


def _replaced(
    draft: NetworkDraft, readings: Iterable[tuple[WrittenMatrix, WrittenMatrix]]
) -> NetworkDraft:
    """The draft with other readings of some of its matrices."""
    others = {id(given): read for given, read in readings}

    def read(given: Any) -> Any:
        return others.get(id(given), given)

    layers = [replace(layer, weights=read(layer.weights)) for layer in draft.layers]
    return replace(draft, layers=layers, inputs=read(draft.inputs), targets=read(draft.targets))


def _ambiguous(problems: Problems, inputs: WrittenMatrix, conventions: Conventions) -> None:
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
        code="E203",
    )


class _Fit:
    """One attempt at settling all shapes, with the inputs read in one way."""

    def __init__(
        self, problems: Problems, draft: NetworkDraft, shape: tuple[int, int] | None
    ) -> None:
        self.problems = problems
        self.draft = draft
        self.conventions = draft.conventions
        self.misfits = Misfits(problems, draft.conventions, draft.inputs)
        self.inputs = None if shape is None or draft.inputs is None else draft.inputs.shaped(shape)
        samples, width = (None, None) if shape is None else oriented(self.conventions, shape)
        self.samples: int | None = samples
        self.width: int | None = width

    def network(self) -> SettledNetwork:
        layers = [self._layer(layer) for layer in self.draft.layers]
        last = ids.id_of("activation", len(layers))
        return SettledNetwork(
            layers=layers,
            inputs=self.inputs,
            targets=self._outputs(self.draft.targets, ids.id_of("targets"), last),
            upstream=self._outputs(self.draft.upstream, ids.gradient(last), last),
        )

    def _layer(self, layer: LayerDraft) -> Layer | None:
        """The layer, and the width that the next one meets."""
        inputs = self.width
        fan, weights = self._weights(layer)
        self.width = None if fan is None else fan.units
        units = self.width if self.width is not None else layer.units
        bias = self._bias(layer, inputs, units)
        slope = self._slope(layer, units)
        self.width = units
        if weights is None or fan is None or bias is None or layer.activation is None:
            return None
        if layer.learns_slope and slope is None:
            return None
        return Layer(fan.inputs, fan.units, layer.activation, weights, bias, slope)

    # --- weights

    def _weights(self, layer: LayerDraft) -> tuple[weight_rules.Fan | None, Matrix | None]:
        if isinstance(layer.weights, weight_rules.Rule):
            return self._drawn(layer, layer.weights)
        if layer.weights is None:
            return None, None
        if self.width is None and len(layer.weights.shapes) > 1:
            return None, None
        extra = 1 if layer.augmented else 0
        fitting = [
            shape
            for shape in layer.weights.shapes
            if self._lines(shape)[0] == (self.width or self._lines(shape)[0] - extra) + extra
            and layer.units in (None, self._lines(shape)[1])
        ]
        if not fitting:
            return self._unfitting(layer, layer.weights), None
        lines, units = self._lines(fitting[0])
        fan = weight_rules.Fan(max(1, lines - extra), units)
        return fan, layer.weights.shaped(fitting[0])

    def _lines(self, shape: tuple[int, int]) -> tuple[int, int]:
        """(inputs with the bias line, units) of weights in the spec's orientation."""
        return shape if self.conventions.weights == "in_out" else (shape[1], shape[0])

    def _drawn(
        self, layer: LayerDraft, rule: weight_rules.Rule
    ) -> tuple[weight_rules.Fan | None, Matrix | None]:
        if layer.units is None:
            self.problems.add(
                rule.place,
                f"weights by rule in layer {layer.number} without `units`",
                "`units:`, since nothing else says how many there are",
                f"Add `units: 3` to layer {layer.number}.",
                code="E204",
            )
            return None, None
        if self.width is None:
            return None, None
        fan = weight_rules.Fan(self.width, layer.units)
        shape = (fan.inputs + (1 if layer.augmented else 0), fan.units)
        if prod(shape) > weight_rules.MOST_DRAWN:
            found = f"{shape[0]:,} × {shape[1]:,} weights by rule, {prod(shape):,} of them"
            expected = f"at most {weight_rules.MOST_DRAWN:,} in a layer"
            self.problems.add(rule.place, found, expected, "Take fewer `units`.", code="E106")
            return None, None
        stream = 2 * layer.number
        values = weight_rules.draw(rule, shape, fan, self.draft.seed, stream)
        # drawn in × out whatever the orientation, so that both mean the same network
        return fan, Matrix(values if self.conventions.weights == "in_out" else values.T.copy())

    def _unfitting(self, layer: LayerDraft, given: WrittenMatrix) -> weight_rules.Fan | None:
        """Note why no shape of the weights fits; the fan that the next layer may count on.

        A list is held to be the weights of one unit.
        """
        extra = 1 if layer.augmented else 0
        shape = given.shapes[-1 if self.conventions.weights == "in_out" else 0]
        lines, units = self._lines(shape)
        wanted = None if self.width is None else self.width + extra
        if wanted not in (None, lines):
            self.misfits.add_product(layer, given.place, shape, self.samples, wanted)
            if units == wanted:  # turned round it would fit: hold the rest against that
                units = lines
        if layer.units not in (None, units):
            self.misfits.add_units(layer, given, units)
        return weight_rules.Fan(max(1, lines - extra), units)

    # --- biases

    def _bias(self, layer: LayerDraft, inputs: int | None, units: int | None) -> Bias | None:
        bias = layer.bias
        if bias.values is None:
            return Bias(bias.kind) if bias.readable else None
        if bias.kind == "shared":
            return self._shared(layer, bias.values)
        if units is None:
            return None
        shape = oriented(self.conventions, (1, units))
        if isinstance(bias.values, weight_rules.Rule):
            fan = weight_rules.Fan(inputs or 1, units)
            stream = 2 * layer.number + 1
            drawn = weight_rules.draw(bias.values, (1, units), fan, self.draft.seed, stream)
            return Bias(bias.kind, Matrix(drawn.reshape(shape)))
        if shape not in bias.values.shapes:
            self.misfits.add_bias(layer, bias.values, self.samples, units)
            return None
        return Bias(bias.kind, bias.values.shaped(shape))

    def _shared(self, layer: LayerDraft, values: WrittenMatrix | weight_rules.Rule) -> Bias | None:
        if isinstance(values, WrittenMatrix) and values.values.size == 1:
            return Bias("shared", values.shaped((1, 1)))
        found = values.described() if isinstance(values, WrittenMatrix) else "a rule"
        self.problems.add(
            values.place,
            f"{found} for the shared bias of layer {layer.number}",
            "one number",
            "A bias of its own for each unit is written `bias: [0.1, 0.2]`.",
            code="E205",
        )
        return None

    def _slope(self, layer: LayerDraft, units: int | None) -> Matrix | None:
        """What an activation learns: one number for the layer, or one for each unit."""
        given = layer.slope
        if given is None or units is None:
            return None
        line = oriented(self.conventions, (1, units))
        for shape in ((1, 1), line):
            if shape in given.shapes:
                return given.shaped(shape)
        self.problems.add(
            given.place,
            f"{given.described()} for the slope of layer {layer.number}, "
            f"which has {count(units, 'unit')}",
            "one number for the layer, or a list of one for each unit",
            code="E205",
        )
        return None

    # --- targets

    def _outputs(self, given: WrittenMatrix | None, name: str, last: str) -> Matrix | None:
        """The targets, or a gradient given from above: shaped as the last activation."""
        if given is None or self.samples is None or self.width is None or not self.draft.layers:
            return None
        shape = oriented(self.conventions, (self.samples, self.width))
        if shape in given.shapes:
            return given.shaped(shape)
        self.misfits.add_outputs(given, NamedShape(last, *shape), name)
        return None
