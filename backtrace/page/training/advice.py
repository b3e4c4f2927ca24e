"""What is said of a training that went wrong: where it did, and what to try."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, isfinite

import numpy as np

from backtrace.functions.losses import LOSSES
from backtrace.notation import steps as notation
from backtrace.notation.numbers import number, significant
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import text
from backtrace.page.training.confusion import Confusion
from backtrace.spec.model import Matrix, Optimizer, Spec
from backtrace.tape.accuracy import classes
from backtrace.tape.trace import Trace
from backtrace.tape.training import Divergence, Training

SMALLER = 10  # a rate that is too large is tried again at this fraction
LARGE_INPUT = 10.0  # inputs are best of the size of 1
LARGEST_GREY, FEWEST_PIXELS = 255, 16  # of what looks like a picture
LARGE_TARGET = 100.0
DIGITS = 12  # a constant is shown as it was written
SHORT = 4  # digits of a loss
NOISE = 1e-9  # of a loss, which rounding may add to it
BEGUN = 10  # epochs before which a training has only begun


def what_happened(spec: Spec, training: Training, trace: Trace) -> str:
    """A sentence: epoch, batch, and the first step of the tape that went wrong.

    ``trace`` is one of the same network, from which symbols and formulas are taken.
    """
    found = training.divergence
    assert found is not None
    if training.ended != "diverged":
        losses = [record.training.loss for record in training.records]
        best, last = significant(_best(spec, losses), SHORT), significant(losses[-1], SHORT)
        way = "falling" if spec.climbs else "growing"
        since = f"since epoch {found.epoch}, from {best} to {last}, and does not turn."
        return f"{_subject(spec)} has been {way} {since}"
    if not found.id:
        first = f"The loss over all samples is not finite after epoch {found.epoch - 1}."
    else:
        first = f"{_place(spec, found)} {_step(found.id, trace)}"
    return f"{first}{_grown(spec, training)}"


def _grown(spec: Spec, training: Training) -> str:
    """Said where it went wrong long before: since when the loss has only been larger."""
    losses = [record.training.loss for record in training.records]
    finite = [loss for loss in losses if isfinite(loss)]
    at = losses.index(_best(spec, finite)) if finite else len(losses)
    if at >= len(finite) - 1:
        return ""
    was = "largest" if spec.climbs else "smallest"
    return f" {_subject(spec)} was {was}, {significant(losses[at], SHORT)}, after epoch {at}."


def _best(spec: Spec, losses: Sequence[float]) -> float:
    return max(losses) if spec.climbs else min(losses)


def _place(spec: Spec, found: Divergence) -> str:
    return f"Epoch {found.epoch}" + (f", batch {found.batch}:" if spec.batches > 1 else ":")


def _step(id: str, trace: Trace) -> str:
    symbols = Symbols.of(trace)
    name = symbols.name(id)
    traced = trace.update(*trace.updates[0]).get(id)
    if traced is None or traced.operation == "given":
        return f"{name} is the first value that is no longer finite."
    formula = text(notation.equation(traced, trace, symbols).formula, symbols, trace.decimals)
    said = notation.title(traced.step)
    doing = said[:1].lower() + said[1:]
    return f"{name} is the first value that is no longer finite, in the step “{doing}”: {formula}."


def doubts(spec: Spec, training: Training, confusion: Confusion | None) -> list[str]:
    """Of a training that stayed finite: what shows that it has learnt nothing, if anything does.

    ``confusion`` is that of the kept parameters, None where the outputs are no classes.
    """
    worked = training.records[-1].epoch if training.records else 0
    if not worked:
        return []
    start = _above_its_start(spec, training)
    return [*start, *_no_better(training), *_one_class(confusion, worked)]


def _above_its_start(spec: Spec, training: Training) -> Iterator[str]:
    first, last = (training.records[at].training.loss for at in (0, -1))
    if (first - last if spec.climbs else last - first) > NOISE * abs(first):
        ended, began = significant(last, SHORT), significant(first, SHORT)
        where = "below" if spec.climbs else "above"
        yield f"{_subject(spec)} has ended {where} where it began: {ended} after {began}."


def _subject(spec: Spec) -> str:
    return spec.followed if spec.climbs else "The loss"


def _no_better(training: Training) -> Iterator[str]:
    if training.progress.best is not None and training.state.epoch == 0:
        yield "No epoch was better than the start."


def _one_class(confusion: Confusion | None, worked: int) -> Iterator[str]:
    """Not of a training that has only begun, which may still tell them apart."""
    if confusion is None or worked < BEGUN:
        return
    true, taken = (np.flatnonzero(confusion.counts.sum(axis=axis)) for axis in (1, 0))
    if len(taken) == 1 < len(true):
        which = "held-out samples" if confusion.held_out else "samples"
        name = confusion.names[taken[0]]
        yield f"All {confusion.samples:,} {which} are predicted as class {name}."


def remedies(spec: Spec) -> list[str]:
    """What to try, the likeliest first, with the numbers of this spec."""
    of_data = [] if spec.equations else [*_inputs(spec), *_targets(spec), *_sum(spec)]
    return [*_rate(spec), *of_data]


def _rate(spec: Spec) -> Iterator[str]:
    optimizer = spec.optimizer
    if optimizer is None:
        return
    rate = float(spec.schedule.rates[0]) if spec.schedule.rates else float(optimizer.learning_rate)
    smaller = number(rate / SMALLER, DIGITS)
    where = "the rates of `schedule`" if spec.schedule.rates else "`learning_rate`"
    growing = _growth(optimizer)
    yield f"a smaller rate, {where} {smaller} in place of {number(rate, DIGITS)}{growing}"


def _growth(optimizer: Optimizer) -> str:
    """Said of a momentum, which adds steps of the same direction up."""
    held = float(optimizer.constants.get("momentum", 0.0))
    adds_up = optimizer.name in ("momentum", "nesterov") and optimizer.form != "ema"
    if not adds_up or not 0 < held < 1:
        return ""
    times = number(round(1 / (1 - held), 1), 1)
    return f": with momentum {number(held, DIGITS)} steps grow to {times} times the rate"


def _inputs(spec: Spec) -> Iterator[str]:
    largest = _largest(spec.inputs)
    if largest <= LARGE_INPUT or spec.standardization is not None:
        return
    written = number(largest, DIGITS)
    several = spec.samples > 1 and spec.arithmetic.kind != "exact"
    if several and not _is_grey(spec, largest):
        yield (
            f"`standardize: true`, which centres the inputs and makes all of them of one size: "
            f"the largest is {written} now"
        )
        return
    how = f"divide them by {written}"
    if spec.inputs.written is None:  # they may come from a file
        how += f", or write `scale: 1/{ceil(largest)}` beside their `file`"
    yield f"inputs of the size of 1: the largest is {written} now; {how}"


def _is_grey(spec: Spec, largest: float) -> bool:
    """Whether the inputs look like pictures: whole numbers of a byte, of one size already.

    Their corners hardly ever change; divided by that little, they would drown the rest.
    """
    values = spec.inputs.values
    features = values.shape[1 - spec.conventions.sample_axis]
    whole = largest <= LARGEST_GREY and features >= FEWEST_PIXELS and values.min() >= 0
    return whole and bool((values == np.floor(values)).all())


def _targets(spec: Spec) -> Iterator[str]:
    if spec.targets is None or classes(spec):
        return
    largest = _largest(spec.targets)
    if largest > LARGE_TARGET:
        yield f"targets of the size of 1; the largest is {number(largest, DIGITS)} now"


def _sum(spec: Spec) -> Iterator[str]:
    size = spec.batch_samples(1)
    if spec.loss is None or spec.loss.mean or size == 1 or spec.loss.name not in LOSSES:
        return
    yield (
        f"the mean over the samples, `loss: {{name: {spec.loss.name}, reduce: mean}}`: now the "
        f"loss adds up the {size:,} of a batch, and so do the gradients"
    )


def _largest(matrix: Matrix) -> float:
    """The largest |entry|, without a copy of the data."""
    values = matrix.values
    return float(max(np.max(values), -np.min(values)))
