"""Works epochs by NumPy calls on arrays that stay: what trains floats.

No formula stands here: what is called is what the operations of the tape call (``recording``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from backtrace.spec.model import Spec, Validation
from backtrace.tape.compile import order, updates
from backtrace.tape.operations import Setting
from backtrace.tape.run import batch
from backtrace.tape.training.batches import Batch, BatchMeasurer, Samples, samples_of
from backtrace.tape.training.measurer import LOSS, on_samples
from backtrace.tape.training.parameter_rows import ParameterRows
from backtrace.tape.training.records import Measured, State


class FloatEngine:
    """What ``training.Engine`` says, in float64 or float32."""

    def __init__(self, spec: Spec, state: State) -> None:
        self.spec = spec
        self.number = state.epoch
        self.parameters = ParameterRows(spec, state.values)
        self.values = self.parameters.values
        self.whole = samples_of(spec)
        # Two are read, the third is written into: one that is read is whole at any time.
        self.before = [(self.number, self.parameters.rows.copy()) for _ in range(3)]
        self.updates: dict[int, UpdateCalls] = {}
        self.measuring_all: Callable[[], Measured] | None = None
        self.measuring_update: BatchMeasurer | None = None

    def epoch(self) -> Measured:
        if self.spec.batches > 1:
            before = self.measure()
            self._batches()
        else:
            before = self._all_at_once(self._update(self.whole.count))
        self.number += 1
        return before

    def _all_at_once(self, update: UpdateCalls) -> Measured:
        """The gradient's own forward pass is measured."""
        if self.measuring_update is None:
            self.measuring_update = BatchMeasurer(update.batch, LOSS)
        update.batch.work()
        before = self.measuring_update.measured()
        update.step(self.number)
        return before

    def _batches(self) -> None:
        following = order(self.spec, self.number + 1)
        for update in updates(self.spec, range(self.number + 1, self.number + 2)):
            worked = self._update(update.samples)
            worked.load(update.start, update.stop, following)
            worked.batch.work()
            worked.step(update.t)

    def _update(self, samples: int) -> UpdateCalls:
        """An update over so many samples; the last batch of an epoch may be smaller."""
        if samples not in self.updates:
            self.updates[samples] = UpdateCalls(self.spec, self.whole, self.parameters, samples)
        return self.updates[samples]

    def measure(self) -> Measured:
        if self.measuring_all is None:
            self.measuring_all = self._measuring(self.spec, self.whole)
        return self.measuring_all()

    def measuring(self, held_out: Validation) -> Callable[[], Measured]:
        one = on_samples(self.spec, held_out.inputs, held_out.targets, penalty=False)
        return self._measuring(one, samples_of(one))

    def _measuring(self, spec: Spec, samples: Samples) -> Callable[[], Measured]:
        batch = Batch(spec, samples, self.values, [LOSS])
        measuring = BatchMeasurer(batch, LOSS)

        def measure() -> Measured:
            batch.work()
            return measuring.measured()

        return measure

    def keep(self) -> None:
        number, rows = self.number, self.before[2][1]
        np.copyto(rows, self.parameters.rows)
        self.before = [(number, rows), *self.before[:2]]  # at once: Ctrl-C may come at any time

    def kept(self, back: int = 0) -> State:
        number, rows = self.before[back]
        copies = {**self.parameters.frozen, **self.parameters.spread(rows.copy())}
        return State(number, {id: copies[id] for id in self.values})


class UpdateCalls:
    """One update over some samples, of which it has its own arrays unless they are all."""

    def __init__(self, spec: Spec, whole: Samples, parameters: ParameterRows, samples: int) -> None:
        self.whole, self.setting = whole, Setting(spec.conventions)
        full = samples == whole.count
        self.samples = whole if full else self._room(spec, samples)
        wanted = [*parameters.gradients, *([LOSS] if full else [])]
        self.batch = Batch(spec, self.samples, parameters.values, wanted)
        self.step = parameters.update(self.batch)

    def _room(self, spec: Spec, samples: int) -> Samples:
        """Arrays for so many of the samples, in the order in memory that a batch of them has."""
        following = range(1, samples + 1) if spec.shuffle else None
        first = {
            id: batch(self.setting, array, 0, samples, following).copy(order="K")
            for id, array in self.whole.arrays.items()
        }
        return Samples(first, None, samples, self.whole.axis)

    def load(self, start: int, stop: int, following: NDArray[np.intp] | None) -> None:
        """Takes the samples of a batch; ``following`` is the order they are in (from 0)."""
        for id, array in self.samples.arrays.items():
            whole, mine = (self.setting.rows(each) for each in (self.whole.arrays[id], array))
            if following is None:
                np.copyto(mine, whole[start:stop])
            else:
                np.take(whole, following[start:stop], 0, mine, "clip")
