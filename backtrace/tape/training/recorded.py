"""The steps of an update, recorded as the NumPy calls that they make."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.spec.model import Spec
from backtrace.tape.accuracy import class_of
from backtrace.tape.arithmetic import Floats, arithmetic
from backtrace.tape.chunks import is_per_sample, sums_samples, without_mean
from backtrace.tape.compile import rate
from backtrace.tape.operations import Setting, mean
from backtrace.tape.run import evaluate
from backtrace.tape.steps import Step
from backtrace.tape.training.recording import Recording, Varying
from backtrace.tape.training.symbols import Symbol

TRUE = "true class"  # of every sample: what is given beside the quantities that have ids


class Recorded(msgspec.Struct, frozen=True):
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
        if isinstance(value, Symbol):
            return self.recording.cast(value, self.floats.dtype)
        return self.floats.line(value)


class RecordedUpdate:
    """The steps of one update as they are recorded, on these arrays.

    ``update["dW1"]`` records a step with all that it rests on when it is first asked for, and
    nothing else. ``shares`` are sums over samples that are recorded without their 1/n: those of a
    chunk, and gradients that get it later, all at once. ``totals`` are such sums, finished.
    """

    def __init__(
        self,
        spec: Spec,
        steps: Sequence[Step],
        given: Mapping[str, Array],
        *,
        shares: Container[str] = (),
        totals: Mapping[str, Array] | None = None,
    ) -> None:
        self.recording = Recording()
        self.steps = {step.id: step for step in steps}
        self.shares = shares
        self.setting = Setting(spec.conventions)
        self.numbers = Recorded(self.recording, floats(spec), varying(spec))
        self.given = {id: self.recording.given(array) for id, array in given.items()}
        self.found: dict[str, Any] = dict(self.given)
        for id, total in (totals or {}).items():
            self.given[id] = self.recording.given(total)
            step = self.steps[id] if id not in shares else without_mean(self.steps[id])
            self.found[id] = self.numbers.line(mean(self.given[id], step.parameters))

    def __getitem__(self, id: str) -> Any:
        if id not in self.found:
            step = self.steps[id]
            for operand in step.needed:
                self[operand]
            step = without_mean(step) if id in self.shares else step
            self.found[id] = evaluate(self.setting, self.numbers, step, self.found)
        return self.found[id]

    def symbol(self, id: str) -> Symbol:
        """A step as a symbol, also where its value is the same whatever is given."""
        value = self[id]
        if not isinstance(value, Symbol):
            value = self.found[id] = self.recording.given(value)
        return value

    def right(self, outputs: str, true: Array) -> Symbol:
        """How many samples are classified as ``true`` says."""
        self.given[TRUE] = self.recording.given(true)
        found: Symbol = np.sum(class_of(self.setting.rows(self[outputs])) == self.given[TRUE])
        return found

    def arrays(self, arrays: Mapping[str, Array]) -> dict[Symbol, Array]:
        """Arrays by id, for the symbols of what is given."""
        return {symbol: arrays[id] for id, symbol in self.given.items() if id in arrays}


def late_means(steps: Sequence[Step], ids: Iterable[str]) -> frozenset[str]:
    """The gradients of these parameters, where all of them get the same 1/n as their last."""
    names = {f"d{id}" for id in ids}
    gradients = [step for step in steps if step.id in names]
    averaged = all("samples" in step.parameters for step in gradients)
    return frozenset(names) if averaged else frozenset()


def sums(steps: Iterable[Step]) -> list[str]:
    """The ids of the steps that add up samples."""
    by_sample: set[str] = set()
    found = []
    for step in steps:
        if is_per_sample(step, by_sample):
            by_sample.add(step.id)
        elif sums_samples(step, by_sample):
            found.append(step.id)
    return found


def floats(spec: Spec) -> Floats:
    """The arithmetic of a spec in float64 or float32, as only these are recorded."""
    numbers = arithmetic(spec.arithmetic)
    assert isinstance(numbers, Floats)
    return numbers


def varying(spec: Spec) -> dict[str, Varying]:
    """The numbers that are others at every update t (from 0), as parameters of steps name them."""
    found = {"t": Varying(lambda t: t + 1)}
    if spec.schedule.kind != "constant":
        found["rate"] = Varying(lambda t: float(rate(spec, t) or 0))
    return found
