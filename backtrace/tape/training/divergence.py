"""Trainings that leave the numbers, or climb without end: where it began."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite

import numpy as np

from backtrace.spec.model import Spec
from backtrace.tape.arithmetic import as_floats
from backtrace.tape.compile import compile_tape
from backtrace.tape.run import Runner, given_values, starting_values
from backtrace.tape.training.records import Divergence, Record, State

CLIMB = 10  # times the smallest loss so far …
EXPLODED = 1e6  # times the loss at the start, whatever the way there
RISING = 10  # … after so many epochs of going up: no zigzag of a rate that is just too large


def first_not_finite(spec: Spec, *states: State) -> Divergence:
    """The first step that is no longer finite in the epochs after these states, in turn."""
    for state in states:
        tape = compile_tape(spec, range(state.epoch + 1, state.epoch + 2))
        runner = Runner(tape, starting_values(spec) | given_values(spec, state.values))
        for step in tape.steps:
            if not np.isfinite(as_floats(runner.work(step).value)).all():
                return Divergence(step.epoch, step.batch, step.id)
    return Divergence(states[-1].epoch)  # the loss over all samples, and none of the batches


def climbing(spec: Spec, records: Sequence[Record]) -> Divergence | None:
    """Said of a loss that is finite but has been growing for long when the training ends, or has
    grown out of all proportion; of one that may be negative there is none."""
    losses = [-r.training.loss if spec.climbs else r.training.loss for r in records]
    smallest, last = min(losses, default=0.0), losses[-1] if losses else 0.0
    if not isfinite(last) or smallest < 0:
        return None
    tail = losses[-RISING - 1 :]
    rising = len(tail) > RISING and all(later > earlier for earlier, later in pairwise(tail))
    if not (rising and last >= CLIMB * smallest) and last <= EXPLODED * max(smallest, losses[0]):
        return None
    return Divergence(losses.index(smallest) + 1)
