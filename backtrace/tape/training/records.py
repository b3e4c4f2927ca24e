"""What a training tells and keeps: a record an epoch, the state it stands at, why it ended."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from backtrace.spec.model import Spec
from backtrace.tape.parameters import parameter_ids
from backtrace.tape.run import Values

Ending: TypeAlias = Literal["epochs", "loss", "patience", "diverged", "interrupted"]


class Measured(msgspec.Struct, frozen=True):
    """The loss over all samples of a set, and the share of them that is classified right."""

    loss: float
    accuracy: float | None = None  # None where the targets are no classes


class Record(msgspec.Struct, frozen=True):
    """What is known after ``epoch`` epochs; after 0, the network as the spec gives it.

    ``validation`` is of the held-out samples; its loss is without a penalty on the weights.
    """

    epoch: int
    training: Measured
    validation: Measured | None = None

    @property
    def judged(self) -> Measured:
        """What decides when to stop and which epoch is the best."""
        return self.validation or self.training


class State(msgspec.Struct, frozen=True):
    """Where a training stands: the epochs behind it, the parameters and the optimizer's states.

    ``values`` has the parameters (``W1``) and states (``vW1``) by id, in the spec's layout and
    arithmetic.
    """

    epoch: int
    values: Values

    def parameters(self, spec: Spec) -> Values:
        """The weights and biases alone, in the network's order."""
        return {id: self.values[id] for id in parameter_ids(spec)}


class Divergence(msgspec.Struct, frozen=True):
    """A training that left the numbers, or that climbs without end.

    ``id`` is the first step of the tape that was no longer finite, in batch ``batch`` of epoch
    ``epoch``. It is empty where all is finite and the loss has only grown since ``epoch``.
    """

    epoch: int
    batch: int = 0
    id: str = ""


class Progress(msgspec.Struct, frozen=True):
    """What a training needs to be taken up again.

    ``records`` are those of the epochs before ``last``, where it stands; ``best`` is the best
    epoch so far where the best is kept, None where there was no epoch yet.
    """

    records: tuple[Record, ...]
    last: State
    best: State | None = None

    @property
    def kept(self) -> State:
        """The best epoch's where the best is kept, else where the training stands."""
        return self.best or self.last


class Training(msgspec.Struct, frozen=True):
    """A training that has ended, and why.

    ``records`` has one for every epoch and one for the start. ``state`` is what is kept: the best
    epoch's where samples are held out or a patience is asked, the last finite one's after a
    divergence, else the last one's. ``progress`` takes it up where it stood.
    """

    records: tuple[Record, ...]
    state: State
    ended: Ending
    progress: Progress
    divergence: Divergence | None = None

    @property
    def kept(self) -> Record | None:
        """The record of the epoch whose parameters are kept; None where it was interrupted before
        that epoch was measured."""
        kept = self.state.epoch
        return self.records[kept] if kept < len(self.records) else None
