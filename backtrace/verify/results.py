"""What is asked of a verification, and what it finds: quantity by quantity, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.functions.formula import Sentence
from backtrace.verify.cost import Cost
from backtrace.verify.kinks import Crossing

Flags: TypeAlias = NDArray[np.bool_]
Reals: TypeAlias = NDArray[np.float64]

BUDGET = 100_000_000_000  # multiplications, about; what would take more is verified in part


class Request(msgspec.Struct, frozen=True):
    """Which update to verify (its epoch and batch, from 1), and whether to leave nothing out."""

    epoch: int = 1
    batch: int = 1
    everything: bool = False
    budget: int = BUDGET


class Kink(msgspec.Struct, frozen=True):
    """An entry without a derivative: the slopes below and above it, and which kinks lie there."""

    below: float
    above: float
    crossed: tuple[Crossing, ...] = ()


class Comparison(msgspec.Struct, frozen=True, eq=False):
    """One quantity of the tape beside what the differences make of it, both as the spec has it.

    All arrays have the quantity's shape. ``checked`` are the entries that were verified,
    ``undecided`` those of which differences can't say anything, ``vague`` those that agree and are
    too small beside the errors for that to mean much. ``errors`` is how far rounding and the
    differences may have put the two apart. ``follows`` is the earlier id whose mistake explains
    this one's. ``lost`` says why entries of the tape are no numbers, where that is not its mistake.
    """

    id: str
    tape: Reals
    numeric: Reals
    errors: Reals
    differences: Reals
    wrong: Flags
    checked: Flags
    undecided: Flags
    vague: Flags
    kinks: Mapping[tuple[int, int], Kink]
    follows: str = ""
    lost: Sentence = ()

    @property
    def agrees(self) -> bool:
        return not self.wrong.any()

    @property
    def told(self) -> Flags:
        """The entries of which something is known: they agree, or they are wrong."""
        return np.asarray(self.checked & ~self.undecided & ~self.vague)

    @property
    def worst(self) -> tuple[int, int] | None:
        """The entry (from 0) of the largest difference, a wrong one where there is one."""
        among = self.wrong if self.wrong.any() else self.checked & ~self.undecided
        among = self.told if not self.wrong.any() and self.told.any() else among
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
    quantities: tuple[Comparison, ...]
    cost: Cost
    remarks: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        return all(quantity.agrees for quantity in self.quantities)
