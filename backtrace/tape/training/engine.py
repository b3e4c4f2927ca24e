"""Works epochs by calls on arrays that stay.

No formula stands here: what is called is what the operations of the tape call (``recording``).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.spec.model import Matrix, Spec, Validation
from backtrace.tape.parameters import objective_id
from backtrace.tape.run import batch
from backtrace.tape.setting import Setting
from backtrace.tape.training.batches import Batch, Samples, samples_of
from backtrace.tape.training.parameter_rows import ParameterRows
from backtrace.tape.training.records import Measured, State
from backtrace.tape.updates import order, updates


class Engine:
    """Works the epochs of a spec from a state on.

    ``number`` counts those it has worked, ``values`` are the parameters and states as they are
    now, which its next epoch overwrites.
    """

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

    def epoch(self) -> Measured:
        """Works the next epoch; what was measured *before* its first update, over all samples."""
        if self.spec.batches > 1:
            before = self.measure()
            self._batches()
        else:  # the gradient's own forward pass is measured
            update = self._update(self.whole.count)
            self.parameters.clock.t = self.number
            before = update.batch.measure()
            update.step()
        self.number += 1
        return before

    def _batches(self) -> None:
        following = order(self.spec, self.number + 1)
        for update in updates(self.spec, range(self.number + 1, self.number + 2)):
            worked = self._update(update.samples)
            worked.load(update.start, update.stop, following)
            self.parameters.clock.t = update.t
            worked.batch.work()
            worked.step()

    def _update(self, samples: int) -> UpdateCalls:
        """An update over so many samples; the last batch of an epoch may be smaller."""
        if samples not in self.updates:
            self.updates[samples] = UpdateCalls(self.spec, self.whole, self.parameters, samples)
        return self.updates[samples]

    def measure(self) -> Measured:
        """The training samples with the parameters as they are."""
        if self.measuring_all is None:
            self.measuring_all = self._measuring(self.spec, self.whole)
        return self.measuring_all()

    def measuring(self, held_out: Validation) -> Callable[[], Measured]:
        """What measures these samples with the parameters as they are, without a penalty."""
        one = on_samples(self.spec, held_out.inputs, held_out.targets)
        one = msgspec.structs.replace(one, regularization=None)
        return self._measuring(one, samples_of(one))

    def _measuring(self, spec: Spec, samples: Samples) -> Callable[[], Measured]:
        wanted = [objective_id(spec)]
        return Batch(spec, samples, self.values, wanted, self.parameters.clock).measure

    def keep(self) -> None:
        """Remembers where it stands, also where it stood when it was asked before."""
        number, rows = self.number, self.before[2][1]
        np.copyto(rows, self.parameters.rows)
        self.before = [(number, rows), *self.before[:2]]  # at once: Ctrl-C may come at any time

    def kept(self, back: int = 0) -> State:
        """Where it stood when it was last asked to keep that, or the time before (1)."""
        number, rows = self.before[back]
        copies = {**self.parameters.frozen, **self.parameters.spread(rows.copy())}
        return State(number, {id: copies[id] for id in self.values})


class UpdateCalls:
    """One update over some samples, of which it has its own arrays unless they are all."""

    def __init__(self, spec: Spec, whole: Samples, parameters: ParameterRows, samples: int) -> None:
        self.whole, self.setting = whole, Setting(spec.conventions)
        full = samples == whole.count
        self.samples = whole if full else self._room(spec, samples)
        wanted = [*parameters.wanted, *([objective_id(spec)] if full else [])]
        self.batch = Batch(spec, self.samples, parameters.given, wanted, parameters.clock)
        self.calls = parameters.update(self.batch)

    def step(self) -> None:
        """After the batch was worked."""
        for call in self.calls:
            call()

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


def on_samples(spec: Spec, inputs: Matrix, targets: Matrix | None) -> Spec:
    """The same network on these samples, all at once."""
    return msgspec.structs.replace(
        spec,
        inputs=inputs,
        targets=targets,
        batch_size=None,
        shuffle=False,
        inputs_gradient=False,
    )
