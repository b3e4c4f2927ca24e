"""The steps of an update, recorded as the NumPy calls that they make."""

from __future__ import annotations

from collections.abc import Container, Hashable, Mapping
from typing import Any

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.spec.model import Spec
from backtrace.tape.accuracy import class_of
from backtrace.tape.arithmetic import Floats, arithmetic
from backtrace.tape.chunks import without_mean
from backtrace.tape.compile import rate
from backtrace.tape.operations import Setting, mean
from backtrace.tape.run import evaluate
from backtrace.tape.steps import Step
from backtrace.tape.training.recording import Placeholder, Recording, Varying


class OpenFloats(msgspec.Struct, frozen=True):
    """The arithmetic of a recording: floats, with the numbers that vary left open."""

    recording: Recording
    floats: Floats
    varying: Mapping[str, Varying]

    def parameters(self, parameters: Mapping[str, Any], rational: bool = True) -> dict[str, Any]:
        left_open = {name: self.varying[name] for name in parameters if name in self.varying}
        return {**self.floats.parameters(parameters, rational), **left_open}

    def operand(self, value: Any, rational: bool) -> Any:
        return value

    def line(self, value: Any) -> Any:
        if isinstance(value, Placeholder):
            return self.recording.cast(value, self.floats.dtype)
        return self.floats.line(value)


class StepRecorder:
    """The steps of one update as they are recorded, on these arrays.

    ``recorder["dW1"]`` records a step with all that it rests on when it is first asked for, and
    nothing else. ``shares`` are sums over samples that are recorded without their 1/n: those of a
    chunk. ``totals`` are such sums over all samples: with their 1/n they are steps' values.
    """

    def __init__(
        self,
        spec: Spec,
        steps: Mapping[str, Step],
        given: Mapping[str, Array],
        *,
        shares: Container[str] = (),
        totals: Mapping[str, Array] | None = None,
        buffers: dict[Hashable, Array] | None = None,
    ) -> None:
        self.recording = Recording(buffers)
        self.steps = steps
        self.shares, self.totals = shares, totals or {}
        self.setting = Setting(spec.conventions)
        self.numbers = OpenFloats(self.recording, floats(spec), varying(spec))
        self.values: dict[str, Any] = {id: self.recording.given(a) for id, a in given.items()}

    def __getitem__(self, id: str) -> Any:
        if id not in self.values:
            self.values[id] = self._total(id) if id in self.totals else self._step(id)
        return self.values[id]

    def _total(self, id: str) -> Any:
        total = self.recording.given(self.totals[id])
        return self.numbers.line(mean(total, self.steps[id].parameters))

    def _step(self, id: str) -> Any:
        step = self.steps[id]
        for operand in step.needed:
            self[operand]
        step = without_mean(step) if id in self.shares else step
        return evaluate(self.setting, self.numbers, step, self.values)

    def put(self, id: str, target: Array) -> None:
        """Has a step's value worked out in ``target``."""
        value = self[id]
        constant = not isinstance(value, Placeholder)  # the same whatever is given
        self.recording.put(self.recording.given(value) if constant else value, target)

    def put_right(self, outputs: str, true: Array, target: Array) -> None:
        """Has the samples counted that are classified as ``true`` says."""
        right = np.sum(class_of(self.setting.rows(self[outputs])) == self.recording.given(true))
        self.recording.put(right, target)


def floats(spec: Spec) -> Floats:
    """The arithmetic of a spec in float64 or float32, as only these are recorded."""
    numbers = arithmetic(spec.arithmetic)
    assert isinstance(numbers, Floats)
    return numbers


def varying(spec: Spec) -> dict[str, Varying]:
    """The numbers that are others at every update, as parameters of steps name them."""
    found = {"t": Varying(lambda t: t + 1)}
    if spec.schedule.kind != "constant":
        found["rate"] = Varying(lambda t: float(rate(spec, t) or 0))
    return found
