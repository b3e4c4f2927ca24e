"""Whose mistake a wrong quantity is, its own step's or an earlier one's; where numbers are lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from backtrace.functions.formula import Sentence, Symbol
from backtrace.notation.notes import step_notes
from backtrace.tape.arithmetic import FloatArithmetic
from backtrace.tape.run import Values, evaluate
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step
from backtrace.verify.evaluations import Evaluations
from backtrace.verify.gradient_check import TOLERANCE
from backtrace.verify.results import Comparison


def with_origins(
    comparisons: Sequence[Comparison], evaluations: Evaluations
) -> Iterator[Comparison]:
    """The comparisons, each that is wrong only because an earlier one is with that one's id."""
    wrong = {each.id: each for each in comparisons if not each.agrees}
    for each in comparisons:
        step = evaluations.by_id[each.id]
        earlier = [id for id in step.operands if id in wrong] if each.id in wrong else []
        right = evaluations.double | {id: wrong[id].numeric for id in earlier}
        follows = bool(earlier) and _is_right(step, right, each, evaluations.setting)
        yield msgspec.structs.replace(each, follows=earlier[0]) if follows else each


def _is_right(step: Step, values: Values, comparison: Comparison, setting: Setting) -> bool:
    """Whether a step gives what the differences have, when it is worked on what they have."""
    found, numeric = (
        evaluate(setting, FloatArithmetic(np.float64), step, values),
        comparison.numeric,
    )
    allowed = 2 * TOLERANCE * np.abs(numeric).max() + comparison.errors
    with np.errstate(invalid="ignore"):
        agrees = np.abs(found - numeric) <= allowed
    return bool(agrees[comparison.checked & ~comparison.undecided].all())


def lost_numbers(evaluations: Evaluations) -> dict[str, Sentence]:
    """By id of what is not finite, what the trace says of the first such value on the way there."""
    found, values = dict[str, Sentence](), evaluations.double
    for step in evaluations.steps:
        if not np.isfinite(values[step.id]).all():
            notes = (note for note in step_notes(step, values) if note.kind == "not_finite")
            earlier = [found[id] for id in step.operands if id in found]
            own = [note.sentence for note in notes]
            found[step.id] = (earlier or own or [(Symbol(step.id), " is not finite")])[0]
    return found
