"""What a network makes of many samples: the forward part of the tape, some of them at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from backtrace.functions.array import Array
from backtrace.spec import ids
from backtrace.spec.model import Spec, Validation
from backtrace.tape.arithmetic import arithmetic
from backtrace.tape.chunks import chunk_size
from backtrace.tape.compile import compile_tape
from backtrace.tape.run import starting_values, worked
from backtrace.tape.setting import Setting
from backtrace.tape.training.engine import on_samples
from backtrace.tape.training.records import State


def outputs(spec: Spec, state: State) -> Array:
    """The last activation of the held-out samples where there are any, else of all of them.

    Samples × units, whatever the layout. The values between are not kept.
    """
    setting, numbers = Setting(spec.conventions), arithmetic(spec.arithmetic)
    last = ids.id_of("activation", len(spec.layers))
    found = []
    for part in _parts(spec):
        steps = [step for step in compile_tape(part) if step.phase == "forward"]
        start = starting_values(part) | state.parameters(spec)
        found.append(setting.rows(worked(steps, start, setting, numbers)[last]))
    return np.concatenate(found)


def _parts(spec: Spec) -> Iterator[Spec]:
    """The network without its loss, on some samples after the others."""
    data: Spec | Validation = spec.validation or spec
    samples = spec.held_out_samples or spec.samples
    size = chunk_size(spec) or samples
    forward = replace(spec, loss=None, optimizer=None, regularization=None, epochs=1)
    for start in range(0, samples, size):
        some = data.inputs.samples(slice(start, start + size), spec.conventions.layout)
        yield on_samples(forward, some, None)
