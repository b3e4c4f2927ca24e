"""Whose mistake a wrong quantity is: its own step's, or that of an earlier one it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.tape.arithmetic import Floats
from backtrace.tape.operations import Setting
from backtrace.tape.run import evaluate
from backtrace.tape.steps import Step
from backtrace.verify.found import TOLERANCE
from backtrace.verify.results import Verified
from backtrace.verify.rounding import ALLOWANCE, PATTERNS, pattern_of


def explained(
    found: Sequence[Verified],
    steps: Sequence[Step],
    values: Mapping[str, Array],
    setting: Setting,
) -> Iterable[Verified]:
    """The quantities, each that is wrong only because an earlier one is with that one's id."""
    by_id = {step.id: step for step in steps}
    wrong = {each.id: each for each in found if not each.agrees}
    numeric = {each.id: each.numeric for each in wrong.values() if each.known_throughout}
    for each in found:
        blamed = [id for id in by_id[each.id].operands if id in wrong]
        if each.id in wrong and blamed and set(blamed) <= set(numeric):
            right = {**values, **numeric}
            doubts = {id: wrong[id].errors for id in blamed}
            if _is_right(by_id[each.id], right, doubts, each, setting):
                yield msgspec.structs.replace(each, follows=blamed[0])
                continue
        yield each


def _is_right(
    step: Step,
    values: Mapping[str, Array],
    doubts: Mapping[str, Array],
    each: Verified,
    setting: Setting,
) -> bool:
    """Whether a step gives what the differences have, when it is worked on what they have.

    ``doubts`` are the errors of what it is worked on.
    """
    numbers = Floats(np.float64)
    found = evaluate(setting, numbers, step, values)
    spread = np.zeros(found.shape)
    for pattern in range(PATTERNS):
        moved = {
            id: values[id] + pattern_of(id, doubt, pattern) * doubt for id, doubt in doubts.items()
        }
        spread = np.maximum(
            spread, np.abs(evaluate(setting, numbers, step, {**values, **moved}) - found)
        )
    allowed = TOLERANCE * np.abs(each.numeric) + each.errors + ALLOWANCE * spread
    return bool((np.abs(found - each.numeric) <= allowed)[each.checked & ~each.undecided].all())
