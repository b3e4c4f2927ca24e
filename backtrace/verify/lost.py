"""Where a tape has entries that are no numbers, and why: the note of the step that lost them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from backtrace.functions.array import Array
from backtrace.notation.notes import step_notes
from backtrace.notation.symbols import IDS
from backtrace.notation.text import sentence_text
from backtrace.tape.steps import Step


def lost_numbers(steps: Sequence[Step], values: Mapping[str, Array]) -> dict[str, str]:
    """By id of every value that has inf or nan, the sentence that its trace says of the first one
    on the way there."""
    found: dict[str, str] = {}
    for step in steps:
        if np.isfinite(values[step.id]).all():
            continue
        earlier = [found[id] for id in step.operands if id in found]
        own = [
            sentence_text(note.sentence, IDS)
            for note in step_notes(step, values)
            if note.kind == "not_finite"
        ]
        found[step.id] = (earlier or own or [f"{step.id} is not finite"])[0]
    return found
