"""Works epochs by NumPy calls on arrays that stay: what trains floats.

No formula stands here: what is called is what the operations of the tape call (``recording``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backtrace.functions.array import Array
from backtrace.spec.model import Spec, Validation
from backtrace.tape.accuracy import classes
from backtrace.tape.compile import compile_update, order, updates
from backtrace.tape.operations import Setting
from backtrace.tape.run import batch
from backtrace.tape.training.batches import Samples, Wanted, batch_of, measured, samples_of
from backtrace.tape.training.learner import Learner
from backtrace.tape.training.measuring import on_samples
from backtrace.tape.training.recorded import TRUE
from backtrace.tape.training.records import Measured, State


class Compiled:
    """Works epochs by calls on fixed arrays; what ``training.Engine`` says."""

    def __init__(self, spec: Spec, state: State) -> None:
        self.spec = spec
        self.number = state.epoch
        self.learner = Learner(spec, state.values)
        self.values = self.learner.values
        self.whole = samples_of(spec, bool(classes(spec)))
        # Two are read, the third is written into: one that is read is whole at any time.
        self.before = [(self.number, self.learner.rows.copy()) for _ in range(3)]
        self.full = spec.batches == 1
        self.updates: dict[int, Update] = {}
        self.measuring_all: Callable[[], Measured] | None = None

    def epoch(self) -> Measured:
        if self.full:
            update = self._update(self.whole.count)
            update.work(self.number)
            before = measured(update.batch, self.whole)
        else:
            before = self.measure()
            self._batches()
        self.number += 1
        return before

    def _batches(self) -> None:
        following = order(self.spec, self.number + 1)
        for update in updates(self.spec, range(self.number + 1, self.number + 2)):
            worked = self._update(update.samples)
            worked.load(update.start, update.stop, following)
            worked.work(update.t)

    def _update(self, samples: int) -> Update:
        """An update over so many samples; the last batch of an epoch may be smaller."""
        if samples not in self.updates:
            self.updates[samples] = Update(self, samples)
        return self.updates[samples]

    def measure(self) -> Measured:
        if self.measuring_all is None:
            self.measuring_all = self._measuring(self.spec, self.whole)
        return self.measuring_all()

    def measuring(self, held_out: Validation) -> Callable[[], Measured]:
        one = on_samples(self.spec, held_out.inputs, held_out.targets, penalty=False)
        return self._measuring(one, samples_of(one, bool(classes(self.spec))))

    def _measuring(self, spec: Spec, samples: Samples) -> Callable[[], Measured]:
        wanted = Wanted(True, TRUE in samples.arrays, {})
        forward = batch_of(spec, samples, self.values, wanted)

        def measure() -> Measured:
            forward.work(0)
            return measured(forward, samples)

        return measure

    def keep(self) -> None:
        number, rows = self.number, self.before[2][1]
        np.copyto(rows, self.learner.rows)
        self.before = [(number, rows), *self.before[:2]]  # at once: Ctrl-C may come at any time

    def kept(self, back: int = 0) -> State:
        number, rows = self.before[back]
        copies = {**self.learner.frozen, **self.learner.spread(rows.copy())}
        return State(number, {id: copies[id] for id in self.values})


class Update:
    """One update over some samples, of all of which it has its own arrays unless they are all."""

    def __init__(self, engine: Compiled, samples: int) -> None:
        spec, learner, whole = engine.spec, engine.learner, engine.whole
        self.whole, self.setting = whole, Setting(spec.conventions)
        self.samples = whole if engine.full else self._first(whole, samples, spec)
        wanted = Wanted(engine.full, engine.full and TRUE in whole.arrays, learner.gradients)
        self.batch = batch_of(spec, self.samples, learner.values, wanted)
        self.step = learner.updating(spec, compile_update(spec, samples))

    def _first(self, whole: Samples, samples: int, spec: Spec) -> Samples:
        following = range(1, samples + 1) if spec.shuffle else None
        arrays = {
            id: batch(self.setting, array, 0, samples, following).copy(order="K")
            for id, array in whole.arrays.items()
            if id != TRUE
        }
        return Samples(arrays, samples, whole.axis)

    def load(self, start: int, stop: int, following: Array | None) -> None:
        """Takes the samples of a batch; ``following`` is the order they are in (from 0)."""
        for id, array in self.samples.arrays.items():
            whole, mine = (self.setting.rows(each) for each in (self.whole.arrays[id], array))
            if following is None:
                np.copyto(mine, whole[start:stop])
            else:
                np.take(whole, following[start:stop], 0, mine, "clip")

    def work(self, t: int) -> None:
        self.batch.work(t)
        self.step(t)
