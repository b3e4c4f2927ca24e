"""The steps of an update, recorded as the NumPy calls that they make."""

from __future__ import annotations

from collections.abc import Container, Hashable, Mapping

import msgspec
import numpy as np

from backtrace.functions.array import AnyArray
from backtrace.spec.model import Spec
from backtrace.tape.accuracy import boundary, class_of
from backtrace.tape.arguments import handed_back, taken
from backtrace.tape.arithmetic import FloatArithmetic, arithmetic
from backtrace.tape.chunks import without_mean
from backtrace.tape.operations import OPERATIONS, mean
from backtrace.tape.run import evaluate
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step
from backtrace.tape.training.recording import NumPyCall, Placeholder, Recording
from backtrace.tape.updates import rate


class Clock(msgspec.Struct):
    """The updates behind a training, which decide its rate."""

    t: int = 0


class StepRecorder:
    """The steps of one update as they are recorded, on these arrays.

    ``recorder["dW1"]`` records a step with all that it rests on when it is first asked for, and
    nothing else. ``shares`` are sums over samples that are recorded without their 1/n: those of a
    chunk.

    A step is noted call by call where its formula goes by what NumPy can repeat on arrays that
    stay. Else (fractions, a rate that changes) it is one call, worked as a trace works it.
    """

    def __init__(
        self,
        spec: Spec,
        steps: Mapping[str, Step],
        given: Mapping[str, AnyArray],
        clock: Clock,
        *,
        shares: Container[str] = (),
        buffers: dict[Hashable, AnyArray] | None = None,
    ) -> None:
        self.spec, self.steps, self.clock = spec, steps, clock
        self.shares = shares
        self.totals: Mapping[str, AnyArray] = {}
        self.setting, self.numbers = Setting(spec.conventions), arithmetic(spec.arithmetic)
        self.recording = Recording(buffers)
        self.values = {id: self.recording.given(array) for id, array in given.items()}

    def fix(self, given: Mapping[str, AnyArray]) -> None:
        """Takes arrays that never change."""
        self.values |= {id: self.recording.given(a, constant=True) for id, a in given.items()}

    def resting_on(self, totals: Mapping[str, AnyArray]) -> StepRecorder:
        """Itself, with sums over all samples that become steps' values by their 1/n."""
        self.totals = totals
        return self

    def __getitem__(self, id: str) -> Placeholder:
        waiting = [id]  # not by calling itself: a network may be deeper than Python's stack
        with np.errstate(all="ignore"):
            while waiting:
                at = waiting[-1]
                missing = [] if at in self.totals else self._missing(at)
                waiting += reversed(missing)
                if not missing:
                    self._record(waiting.pop())
        return self.values[id]

    def _missing(self, id: str) -> list[str]:
        """What a step rests on that is not recorded yet."""
        if id in self.values:
            return []
        return [operand for operand in self.steps[id].needed if operand not in self.values]

    def _record(self, id: str) -> None:
        if id not in self.values:
            self.values[id] = self._total(id) if id in self.totals else self._step(id)

    def _total(self, id: str) -> Placeholder:
        total = self.recording.given(self.totals[id])
        return self._line(mean(total, self.steps[id].parameters))

    def _step(self, id: str) -> Placeholder:
        step = self.steps[id]
        step = without_mean(step) if id in self.shares else step
        if isinstance(self.numbers, FloatArithmetic) and not self._varying(step):
            try:
                return self._call_by_call(step)
            except TypeError:  # it takes more than calls that can be noted
                pass
        return self.recording.opaque(lambda: self._traced(step))

    def _call_by_call(self, step: Step) -> Placeholder:
        operands = [self.values[id] for id in step.needed]
        parameters = self.numbers.parameters(step.parameters)
        row = OPERATIONS[step.operation]
        value = row.evaluate(self.setting, parameters, *taken(parameters, operands))
        return self._line(handed_back(parameters, value))

    def _line(self, value: AnyArray) -> Placeholder:
        assert isinstance(self.numbers, FloatArithmetic)
        if isinstance(value, Placeholder):
            return self.recording.cast(value, self.numbers.dtype)
        same = self.numbers.line(value)  # whatever is given
        return self.recording.given(same, constant=True)

    def _varying(self, step: Step) -> dict[str, object]:
        """The parameters of a step that are others at every update, as they are at this one."""
        if step.phase != "update":
            return {}
        t, scheduled = self.clock.t, self.spec.schedule.kind != "constant"
        found = {"t": t + 1, **({"rate": rate(self.spec, t)} if scheduled else {})}
        return {name: value for name, value in found.items() if name in step.parameters}

    def _traced(self, step: Step) -> AnyArray:
        """The value of a step as a trace has it."""
        now = msgspec.structs.replace(step, parameters={**step.parameters, **self._varying(step)})
        values = {id: self.values[id].array for id in step.needed}
        return evaluate(self.setting, self.numbers, now, values)

    def put(self, id: str, target: AnyArray) -> None:
        """Has a step's value worked out in ``target``."""
        self.recording.put(self[id], target)

    def put_right(self, outputs: str, true: AnyArray, target: AnyArray) -> None:
        """Has the samples counted that are classified as ``true`` says."""
        rows = self.setting.rows(self[outputs])
        right = np.sum(class_of(rows, boundary(self.spec)) == self.recording.given(true))
        self.recording.put(right, target)

    def calls(self) -> tuple[NumPyCall, ...]:
        """What has been recorded."""
        return self.recording.calls()
