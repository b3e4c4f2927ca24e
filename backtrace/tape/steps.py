"""A step as data, and the tape: the list of steps in the order a person works them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from backtrace.spec.ids import At, Role
from backtrace.spec.model import Arithmetic, Conventions

Phase = Literal["given", "forward", "loss", "backward", "update"]


class Step(msgspec.Struct, frozen=True):
    """One line of the derivation: ``id`` = ``operation`` (``operands``; ``parameters``).

    ``operands`` are ids of earlier steps of the same update. ``shape`` is () for a scalar (the
    losses), else rows × columns in the spec's layout. ``layer`` counts from 1; it is None for
    what belongs to no layer (the inputs, the targets, the loss). ``role`` says what the value is,
    ``of`` whose (the parameter of a gradient, a state, an update; the activation of an error that
    reaches it; the pre-activation of a slope and a delta), ``state`` which of an optimizer's.
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
    role: Role = "named"
    of: str = ""
    state: str = ""

    @property
    def at(self) -> At:
        """The id with its update: ``z1@2.3``."""
        return At(self.id, self.epoch, self.batch)

    @property
    def sample_numbers(self) -> Sequence[int]:
        """Of the given inputs: their samples as the data counts them, from 1, in their order."""
        first, last = self.parameters["samples"]
        order: list[int] | None = self.parameters.get("order")
        return range(first, last + 1) if order is None else order

    @property
    def needed(self) -> tuple[str, ...]:
        """The ids that its value is worked from: a loss may be worked from z for its digits, a
        slope, where every line is rounded, from the activation that was written; a δ, where it
        is ∞ · 0, from z and the targets."""
        if "saturated" in self.parameters:
            return (*self.operands, *self.parameters["saturated"]["of"])
        more = self.parameters.get("stable_from") or self.parameters.get("slope_from")
        return (*self.operands, more) if more else self.operands


class Tape(msgspec.Struct, frozen=True):
    """The steps of every update, in order, and what all of them need to know.

    ``chunk`` is how many samples of a larger batch are worked at once, None for all of them.
    """

    steps: tuple[Step, ...]
    conventions: Conventions
    arithmetic: Arithmetic
    chunk: int | None = None

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)
