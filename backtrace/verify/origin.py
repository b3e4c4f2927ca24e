"""Whose mistake a wrong quantity is, its own step's or an earlier one's; where numbers are lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.functions.formula import Sentence, Symbol
from backtrace.notation.notes import step_notes
from backtrace.tape.arithmetic import Floats
from backtrace.tape.operations import Setting
from backtrace.tape.run import evaluate
from backtrace.tape.steps import Step
from backtrace.verify.gradient_check import TOLERANCE
from backtrace.verify.results import Comparison


def with_origins(
    comparisons: Sequence[Comparison],
    steps: Sequence[Step],
    values: Mapping[str, Array],
    setting: Setting,
) -> Iterator[Comparison]:
    """The comparisons, each that is wrong only because an earlier one is with that one's id."""
    by_id = {step.id: step for step in steps}
    wrong = {each.id: each for each in comparisons if not each.agrees}
    for each in comparisons:
        step = by_id[each.id]
        earlier = [wrong[id] for id in step.operands if id in wrong] if each.id in wrong else []
        is_right = bool(earlier) and _is_right(step, earlier, each, values, setting)
        yield msgspec.structs.replace(each, follows=earlier[0].id) if is_right else each


def _is_right(
    step: Step,
    earlier: Sequence[Comparison],
    each: Comparison,
    values: Mapping[str, Array],
    setting: Setting,
) -> bool:
    """Whether a step gives what the differences have, when it is worked on what they have."""
    numbers = Floats(np.float64)
    right = {**values, **{other.id: other.numeric for other in earlier}}
    off = {**right, **{other.id: other.numeric + _signs(other) * other.errors for other in earlier}}
    found, spread = (evaluate(setting, numbers, step, operands) for operands in (right, off))
    allowed = TOLERANCE * np.abs(each.numeric) + each.errors + 4 * np.abs(spread - found)
    with np.errstate(invalid="ignore"):
        return bool((np.abs(found - each.numeric) <= allowed)[each.checked & ~each.undecided].all())


def _signs(comparison: Comparison) -> Array:
    """The errors of its entries point in directions of their own."""
    return np.random.default_rng(0).choice([-1.0, 1.0], size=comparison.tape.shape)


def lost_numbers(steps: Sequence[Step], values: Mapping[str, Array]) -> dict[str, Sentence]:
    """By id of every value that has inf or nan, the sentence that its trace says of the first one
    on the way there."""
    found: dict[str, Sentence] = {}
    for step in steps:
        if not np.isfinite(values[step.id]).all():
            notes = (note for note in step_notes(step, values) if note.kind == "not_finite")
            earlier = [found[id] for id in step.operands if id in found]
            own = [note.sentence for note in notes]
            found[step.id] = (earlier or own or [(Symbol(step.id), " is not finite")])[0]
    return found
