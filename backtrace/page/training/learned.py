"""What a training has learned, as pictures: what is said of every point, what a unit looks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.notation.numbers import significant
from backtrace.page.blocks import Section
from backtrace.page.prediction import predictions, white
from backtrace.page.training.sketches import Mark, Sketch, Sketches
from backtrace.spec import ids
from backtrace.spec.excerpt import excerpt
from backtrace.spec.model import Matrix, Spec, Validation
from backtrace.tape.accuracy import are_signs, boundary, by_sample, class_of, classes
from backtrace.tape.training import Record, State, Training
from backtrace.tape.training import outputs as worked_outputs

SIDE = 20  # points of a surface, across and up
AROUND = 0.15  # of the samples' range, shown on every side of them
STAGES = 4  # epochs at which a surface is shown
MOST_UNITS = 10
MOST_MISREAD = 6
MOST_MARKED = 24  # samples that are marked on a surface


def learned(
    spec: Spec, training: Training, outputs: Array | None, states: Mapping[int, State]
) -> Iterator[Section]:
    """What there is to see of a training that has not diverged.

    ``states`` are those of some epochs, by their numbers; ``outputs`` are as for a page of it.
    """
    if training.divergence is not None or spec.equations is not None:
        return
    if states and has_surface(spec):
        shown = surfaces(spec, stages(training, states), training.records)
        yield Section("What it says of every point", (shown,))
    if not white(spec):
        return
    if len(spec.layers) > 1:
        yield Section("What each hidden unit looks for", (units(spec, training.state),))
    wrong = None if outputs is None else misread(spec, outputs)
    if wrong is not None:
        yield Section("Misread", (wrong,))


# Surfaces


def has_surface(spec: Spec) -> bool:
    """Whether a sample is a point of a plane, and the outputs say a number or a class of it."""
    if spec.equations is not None or spec.arithmetic.has_fractions or spec.layers[0].inputs != 2:
        return False
    return spec.layers[-1].units == 1 or classes(spec) > 0


def stages(training: Training, states: Mapping[int, State]) -> list[State]:
    """The first state, those where a third and two thirds of the loss's fall lie behind, and the
    one that is kept."""
    found = {**states, training.state.epoch: training.state}
    loss = {
        record.epoch: record.judged.loss
        for record in training.records
        if record.epoch in found and record.epoch <= training.state.epoch
    }
    if not loss:
        return []
    first, last = min(loss), max(loss)
    chosen = {first, last}
    for part in range(1, STAGES - 1):
        wanted = loss[first] + (loss[last] - loss[first]) * part / (STAGES - 1)
        chosen.add(min(loss, key=lambda epoch: abs(loss[epoch] - wanted)))
    return [found[epoch] for epoch in sorted(chosen)]


def surfaces(spec: Spec, found: Sequence[State], records: Sequence[Record]) -> Sketches:
    """What the network says of every point around the samples, at each of these states."""
    loss = {record.epoch: record.judged.loss for record in records}
    sketches = tuple(
        Sketch(_caption(state, loss, spec), surface(spec, state), _marks(spec)) for state in found
    )
    return Sketches(sketches, _of_points(spec), _ends(spec))


def _caption(state: State, loss: Mapping[int, float], spec: Spec) -> str:
    said = f", {spec.followed} {significant(loss[state.epoch], 3)}" if state.epoch in loss else ""
    return f"epoch {state.epoch:,}{said}"


def surface(spec: Spec, state: State) -> Array:
    """The outputs over a grid of points, from 0 to 1, the second input growing upwards."""
    low, high = _ranges(spec)
    across, up = (np.linspace(low[at], high[at], SIDE) for at in (0, 1))
    points = np.array([[x, y] for y in up[::-1] for x in across])
    rows = spec.conventions.layout == "rows"
    grid = msgspec.structs.replace(
        spec, inputs=Matrix(points if rows else points.T), targets=None, validation=None
    )
    return _shades(spec, worked_outputs(grid, state)).reshape(SIDE, SIDE)


def _ranges(spec: Spec) -> tuple[Array, Array]:
    values = np.asarray(by_sample(spec, spec.inputs), dtype=np.float64)
    low, high = values.min(axis=0), values.max(axis=0)
    room = AROUND * np.where(high > low, high - low, 1.0)
    return low - room, high + room


def _shades(spec: Spec, said: Array) -> Array:
    """Outputs as shades: a single one between its two targets, of several their class."""
    values = np.asarray(said, dtype=np.float64)
    if values.shape[1] > 1:
        return np.asarray(class_of(values, boundary(spec)) / (values.shape[1] - 1))
    low, high = (-1.0, 1.0) if are_signs(spec) else (0.0, 1.0)
    if not classes(spec) and spec.targets is not None:
        targets = np.asarray(spec.targets.values, dtype=np.float64)
        low, high = float(targets.min()), float(targets.max())
    shades: Array = np.clip((values[:, 0] - low) / ((high - low) or 1.0), 0.0, 1.0)
    return np.nan_to_num(shades, nan=0.5)


def _marks(spec: Spec) -> tuple[Mark, ...]:
    """The samples, where they are few."""
    if spec.targets is None or spec.samples > MOST_MARKED:
        return ()
    low, high = _ranges(spec)
    points = np.asarray(by_sample(spec, spec.inputs), dtype=np.float64)
    places = np.rint((points - low) / (high - low) * (SIDE - 1)).astype(int)
    shades = _shades(spec, np.asarray(by_sample(spec, spec.targets)))
    return tuple(
        Mark(SIDE - 1 - up, across, bool(shade >= 0.5))
        for (across, up), shade in zip(places.tolist(), shades.tolist(), strict=True)
    )


def _of_points(spec: Spec) -> str:
    across = "The first input grows to the right, the second upwards."
    if spec.layers[-1].units > 1:
        return f"{across} A shade is the class that is taken."
    return f"{across} ○ and ● are samples of low and high targets." if _marks(spec) else across


def _ends(spec: Spec) -> tuple[str, str]:
    return (
        ("class 0", f"class {spec.layers[-1].units - 1}")
        if spec.layers[-1].units > 1
        else (
            "a low output",
            "a high one",
        )
    )


# Images


def units(spec: Spec, state: State) -> Sketches:
    """The weights that lead to each unit of the first layer, as the picture that they look for."""
    rows = spec.conventions.weights == "in_out"
    weights = np.asarray(state.values[ids.parameter("weight", 1)], dtype=np.float64)
    by_unit = weights.T if rows else weights
    side = int(np.sqrt(by_unit.shape[1]))
    kept = by_unit[:MOST_UNITS, : side * side]
    largest = np.abs(kept).max() or 1.0
    sketches = tuple(
        Sketch(f"unit {at}", 0.5 + each.reshape(side, side) / largest / 2)
        for at, each in enumerate(kept, 1)
    )
    left = len(by_unit) - len(kept)
    more = f"And {left} more." if left else ""
    return Sketches(sketches, more, ("looks for dark", "looks for light"))


def misread(spec: Spec, said: Array) -> Sketches | None:
    """The first of the samples that are taken for another class."""
    data: Spec | Validation = spec.validation or spec
    if data.targets is None:
        return None
    targets = data.targets.values if spec.conventions.layout == "rows" else data.targets.values.T
    taken, true = (class_of(np.asarray(each), boundary(spec)) for each in (said, targets))
    wrong = np.flatnonzero(taken != true).tolist()
    sketches = tuple(_misread(spec, at, said) for at in wrong[:MOST_MISREAD])
    if not sketches:
        return None
    more = len(wrong) - len(sketches)
    return Sketches(sketches, f"And {more:,} more." if more else "")


def _misread(spec: Spec, at: int, said: Array) -> Sketch:
    one = excerpt(spec, at + 1, at + 1, held_out=True)
    (found,) = predictions(spec, one, at + 1, said[at : at + 1])
    assert found.pixels is not None
    return Sketch(f"{found.true} taken for {found.taken}", found.pixels)
