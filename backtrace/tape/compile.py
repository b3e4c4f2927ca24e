"""Spec → tape: the steps of every update, in the order a person works them."""

from __future__ import annotations

import msgspec

from backtrace.spec.model import Spec
from backtrace.tape.chunks import chunk_size
from backtrace.tape.layers import LayersWriter
from backtrace.tape.steps import Step, Tape
from backtrace.tape.updates import Update, updates
from backtrace.tape.writer import TapeError, TapeWriter

MOST_STEPS = 200_000
"""Steps that are kept with their values and printed."""


def compile_tape(spec: Spec, epochs: range | None = None) -> Tape:
    """The tape of these epochs (from 1; all of the spec's).

    The first one's parameters and optimizer states are given; every later update takes up what
    the one before it left. Raises TapeError where fractions are asked of a step that leaves them.
    """
    steps: list[Step] = []
    for update in updates(spec, epochs):
        steps += written(spec, update, first=not steps)
    return Tape(tuple(steps), spec.conventions, spec.arithmetic, chunk_size(spec))


def check_length(spec: Spec, epochs: range | None = None, most: int = MOST_STEPS) -> None:
    """Raises TapeError where the updates of these epochs have more steps than ``most``."""
    number = len(epochs or range(spec.epochs)) * spec.batches
    if number == 1:
        return
    steps = number * len(compile_update(spec, spec.batch_samples(1)))
    if steps > most:
        raise TapeError(
            f"{number:,} updates have {steps:,} steps, and here each is kept: at most {most:,}. "
            "Take fewer `epochs`; `backtrace train` goes on for as long as you like.",
            "E225",
        )


def compile_update(spec: Spec, samples: int) -> list[Step]:
    """The steps of an update over so many samples, its parameters and states given."""
    plain = msgspec.structs.replace(spec, shuffle=False)
    return written(plain, Update(1, 1, 0, samples, 0), first=True)


def written(spec: Spec, update: Update, *, first: bool) -> list[Step]:
    """The steps of one update."""
    writer: TapeWriter
    if spec.equations is None:
        writer = LayersWriter(spec, update, first=first)
    else:
        from backtrace.tape.equations import EquationsWriter

        writer = EquationsWriter(spec, update, first=first)
    writer.write()
    return writer.steps
