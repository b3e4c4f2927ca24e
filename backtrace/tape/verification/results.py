"""What is asked of a verification, and what it finds: quantity by quantity, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.tape.verification.cost import Cost
from backtrace.tape.verification.forward_stacks import Crossing, Reals

Flags: TypeAlias = NDArray[np.bool_]

BUDGET = 30_000_000_000  # multiplications, about; what would take more is verified in part


class Request(msgspec.Struct, frozen=True):
    """Which update to verify (its epoch and batch, from 1), and whether to leave nothing out."""

    epoch: int = 1
    batch: int = 1
    everything: bool = False
    budget: int = BUDGET


class Kink(msgspec.Struct, frozen=True):
    """An entry without a derivative: the slopes below and above it, and which kinks lie there.

    ``lowest`` and ``highest`` are what the tape may have: every kink of its own takes a slope
    between those of its two sides. ``several`` says that one sample stands at several kinks at
    once, of which differences can't tell the slopes apart.
    """

    below: float
    above: float
    lowest: float
    highest: float
    crossed: tuple[Crossing, ...] = ()
    several: bool = False


class Verified(msgspec.Struct, frozen=True, eq=False):
    """One quantity of the tape beside what the differences make of it, both as the spec has it.

    All arrays have the quantity's shape. ``checked`` are the entries that were verified,
    ``undecided`` those of which differences can't say anything (``numeric`` is nan). ``errors`` is
    how far ``numeric`` may be off. ``follows`` is the earlier id whose mistake explains this one's.
    """

    id: str
    tape: Reals
    numeric: Reals
    errors: Reals
    differences: Reals
    wrong: Flags
    checked: Flags
    undecided: Flags
    kinks: Mapping[tuple[int, int], Kink]
    follows: str = ""

    @property
    def agrees(self) -> bool:
        return not self.wrong.any()

    @property
    def known_throughout(self) -> bool:
        """Whether the differences have a number for every entry."""
        return bool(np.isfinite(self.numeric).all())

    @property
    def worst(self) -> tuple[int, int] | None:
        """The entry (from 0) of the largest difference, a wrong one where there is one."""
        among = self.wrong if self.wrong.any() else self.checked & ~self.undecided
        if not among.any():
            return None
        sizes = np.where(among, self.differences, -1.0)
        sizes = np.where(np.isnan(sizes), np.inf, sizes)
        row, column = np.unravel_index(int(sizes.argmax()), sizes.shape)
        return int(row), int(column)

    @property
    def largest(self) -> float:
        """The largest difference; inf where the tape has no number."""
        return 0.0 if self.worst is None else float(self.differences[self.worst])


class Verification(msgspec.Struct, frozen=True, eq=False):
    """What is known of one update: its quantities in the tape's order, and what each way costs."""

    request: Request
    quantities: tuple[Verified, ...]
    cost: Cost
    remarks: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        return all(quantity.agrees for quantity in self.quantities)
