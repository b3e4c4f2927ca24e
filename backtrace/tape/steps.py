"""A step as data, and the tape: the list of steps in the order a person works them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from backtrace.spec.model import Arithmetic, Conventions

Phase = Literal["given", "forward", "loss", "backward", "update"]


class Step(msgspec.Struct, frozen=True):
    """One line of the derivation: ``id`` = ``operation`` (``operands``; ``parameters``).

    ``operands`` are ids of earlier steps of the same update. ``shape`` is () for a scalar (the
    losses), else rows × columns in the spec's layout. ``layer`` counts from 1; it is None for
    what belongs to no layer (the inputs, the targets, the loss).
    """

    id: str
    operation: str
    operands: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}
    phase: Phase = "forward"
    layer: int | None = None
    epoch: int = 1
    batch: int = 1
    shape: tuple[int, ...] = ()


class Tape(msgspec.Struct, frozen=True):
    """The steps of every update, in order, and what all of them need to know.

    ``givens`` holds the values of the ``given`` steps, keyed by (epoch, batch, id); only those of
    data and starting parameters are there, the parameters of later updates come from earlier ones.
    """

    steps: tuple[Step, ...]
    conventions: Conventions
    arithmetic: Arithmetic

    def __iter__(self) -> Iterator[Step]:  # type: ignore[override]
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)
