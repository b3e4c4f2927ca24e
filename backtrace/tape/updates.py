"""The updates of a training, in order: their samples, their rate."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from backtrace.functions.number import Number
from backtrace.functions.optimizers import SCHEDULES
from backtrace.spec.model import Spec

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Update(msgspec.Struct, frozen=True):
    """Where an update stands: its epoch and batch (from 1), its samples (a half-open range, from
    0, of the order in which the epoch takes them) and its number t among all updates (from 0)."""

    epoch: int
    batch: int
    start: int
    stop: int
    t: int

    @property
    def samples(self) -> int:
        return self.stop - self.start


def updates(spec: Spec, epochs: range | None = None) -> Iterator[Update]:
    """The updates of these epochs (from 1; all of the spec's), in order."""
    size = spec.batch_samples(1)
    for epoch in epochs or range(1, spec.epochs + 1):
        for batch in range(1, spec.batches + 1):
            start, before = (batch - 1) * size, (epoch - 1) * spec.batches
            stop = start + spec.batch_samples(batch)
            yield Update(epoch, batch, start, stop, before + batch - 1)


def order(spec: Spec, epoch: int) -> NDArray[np.intp] | None:
    """The samples (from 0) in the order in which an epoch takes them; None where that is theirs.

    It depends on the seed and the epoch alone, so that any epoch can be worked by itself.
    """
    return _shuffled(spec.seed or 0, epoch, spec.samples) if spec.shuffle else None


@lru_cache(maxsize=2)
def _shuffled(seed: int, epoch: int, samples: int) -> NDArray[np.intp]:
    return np.random.default_rng([seed, epoch]).permutation(samples)


def rate(spec: Spec, t: int) -> Number | None:
    """η of update t (from 0) by the schedule; None without an optimizer."""
    if spec.optimizer is None:
        return None
    base, schedule = spec.optimizer.learning_rate, spec.schedule
    if schedule.kind == "list":
        return schedule.rates[min(t, len(schedule.rates) - 1)]
    if schedule.kind == "constant":
        return base
    row = SCHEDULES[schedule.kind]
    if spec.arithmetic.has_fractions:
        constants: dict[str, Any] = {k: v.fraction for k, v in schedule.constants.items()}
        exact = row.rate(base.fraction, t, constants)
        return Number(float(exact), str(exact))
    return Number(row.rate(float(base), t, {k: float(v) for k, v in schedule.constants.items()}))
