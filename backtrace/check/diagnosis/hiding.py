"""What in an exercise's numbers hides a mistake, and which numbers would not."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from backtrace.check.mistakes.rewrites import UpdateContext
from backtrace.check.rules.intervals import Floats
from backtrace.check.sheets.exercise import Exercise, Key
from backtrace.functions.formula import Constant, Sentence, Symbol
from backtrace.spec import ids
from backtrace.spec.ids import id_of

OF_UNITS_OFF = {"relu-mask-ignored", "activation-omitted", "preactivation-for-activation"}
OF_RATES = {"learning-rate-omitted", "rate-misread"}
RATES = (0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
SHOWING = 10  # half units of the last decimal by which an update shows well


class Hiding(msgspec.Struct, frozen=True):
    """What in the numbers hides a mistake, and what would mend it."""

    reason: Sentence
    mend: Sentence = ()


def differs_at(value: Floats, exercise: Exercise, at: Key) -> bool:
    """Whether a value differs from the right one to the digits that answers have."""
    right = exercise.values[at]
    if value.shape != right.shape:
        return True
    return not bool((np.abs(value - right) < _tolerance(exercise, right)).all())


def _tolerance(exercise: Exercise, values: Floats) -> float:
    """Half a unit of the last decimal that answers have."""
    asked = exercise.asked
    decimals = exercise.spec.decimals if asked.decimals is None else asked.decimals
    largest = float(np.abs(values).max(initial=0.0))
    if asked.digits is not None and largest > 0:
        decimals = asked.digits - 1 - math.floor(math.log10(largest))
    return 0.5 * 10.0**-decimals


def hiding(code: str, place: Key, exercise: Exercise) -> Hiding:
    """What in the numbers of a step hides a mistake."""
    found = _by_code(code, place, exercise) or _by_zeros_and_ones(place, exercise)
    if found is not None:
        return found
    if exercise.spec.ask:
        return Hiding(("it shows in nothing that is asked for",), ("ask for ", Symbol(place[2])))
    return Hiding(("the wrong rule gives the same numbers here",), _other_samples(place, exercise))


def _by_code(code: str, place: Key, exercise: Exercise) -> Hiding | None:
    """What hides just this mistake."""
    epoch, batch, _ = place
    step, context = exercise.steps[place], exercise.contexts[epoch, batch]
    learned = (id for id in step.operands if context.is_weight(id) or _is_updated(id, context))
    weights = next(learned, "")
    if code == "weights-not-transposed" and weights:
        w = exercise.values[epoch, batch, weights]
        if w.shape[0] == w.shape[1] and np.allclose(w, w.T):
            return Hiding((Symbol(weights), " is symmetric"), ("take one that is not",))
    if code == "transposed":
        return Hiding((Symbol(step.id), " is the same when transposed"), ("take other numbers",))
    if code in OF_UNITS_OFF and step.layer:
        taken = next((id for id in step.operands if context.steps[id].role == "activation"), "")
        layer = context.steps[taken].layer if taken else step.layer
        z = id_of("preactivation", layer)
        if (exercise.values[epoch, batch, z] > 0).all():
            reason = ("every entry of ", Symbol(z), " is positive: no unit is off")
            return Hiding(reason, ("make one negative",))
    if code in OF_RATES and float(step.parameters["rate"]) == 1:
        return Hiding(("the learning rate is 1",), ("take another, such as 0.5",))
    if code in ("updated-weights-used", "old-weights-used"):
        return _small_update(context.steps[weights].of or weights, exercise, place)
    if step.role == "updated" and not differs_at(
        exercise.values[epoch, batch, step.of], exercise, place
    ):
        return _small_update(step.of, exercise, place)
    return None


def _by_zeros_and_ones(place: Key, exercise: Exercise) -> Hiding | None:
    """What hides many a mistake: a result or an operand that is all 0, or all 1."""
    step = exercise.steps[place]
    if not exercise.values[place].any():
        return Hiding((Symbol(step.id), " is all 0"), ("take numbers that give something else",))
    for source in exercise.operands[place]:
        id, value = source[2], exercise.values[source]
        if not value.any():
            return Hiding((Symbol(id), " is all 0"), ("take other numbers than 0",))
        if (value == 1).all():
            return Hiding(("every entry of ", Symbol(id), " is 1"), ("take other numbers than 1",))
    return None


def _other_samples(place: Key, exercise: Exercise) -> Sentence:
    """Another number of samples, where sums over them come to the same as others."""
    samples = exercise.contexts[place[:2]].samples
    if exercise.steps[place].operation != "sum_samples":
        return ()
    return (f"use {3 if samples != 3 else 4} samples",)


def _is_updated(id: str, context: UpdateContext) -> bool:
    """Whether a quantity has another value after the update."""
    return ids.updated(id) in context.steps


def _small_update(parameter: str, exercise: Exercise, place: Key) -> Hiding:
    """An update that shows too little, and a rate with which it would show."""
    small: Sentence = ("the update changes ", Symbol(parameter), " too little to show")
    epoch, batch, _ = place
    update = (epoch, batch, ids.updated(parameter))
    parameters = exercise.steps[update].parameters
    if "rate" not in parameters:
        return Hiding(small, ("take a larger learning rate",))
    old, rate = exercise.values[epoch, batch, parameter], float(parameters["rate"])
    slope = float(np.abs(exercise.values[update] - old).max()) / rate
    least = SHOWING * _tolerance(exercise, old)
    enough = next((each for each in RATES if each > rate and each * slope >= least), None)
    if enough is None:
        return Hiding(small, ("ask for more decimals",))
    return Hiding(small, ("take ", Constant("rate", enough), f" = {enough:g}"))
