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


def climbing(records: Sequence[Record]) -> Divergence | None:
    """Said of a loss that is finite but has been growing for long when the training ends."""
    losses = [record.training.loss for record in records]
    if len(losses) <= RISING or not isfinite(losses[-1]):
        return None
    tail = losses[-RISING - 1 :]
    rising = all(later > earlier for earlier, later in pairwise(tail))
    if not rising or losses[-1] < CLIMB * min(losses):
        return None
    return Divergence(losses.index(min(losses)) + 1)
