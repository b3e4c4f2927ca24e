"""What the differences have found of one quantity so far, and how it stands to the tape."""

from __future__ import annotations

import numpy as np

from backtrace.tape.verification.differences import (
    FIRST,
    RUNGS,
    Points,
    Sided,
    Slopes,
    central,
    sided,
)
from backtrace.tape.verification.forward_stacks import Crossing, Reals
from backtrace.tape.verification.responses import Indices, OneByOne, Response
from backtrace.tape.verification.results import Flags, Kink, Verified
from backtrace.tape.verification.sampling import FEWEST

TOLERANCE = 1e-7
"""What an entry may be off beside the estimated error of the differences, relative to its size."""

MOST_NAMED = 100  # entries at a kink of which it is worked out where it lies


class Found:
    """What has been found of one quantity so far; entries are places in its flattened matrix."""

    def __init__(self, id: str, tape: Reals, factor: float, passes: float) -> None:
        """``passes`` are as many as may be spent on the slopes of each side."""
        self.id, self.tape, self.factor, self.passes = id, tape, factor, passes
        size = tape.size
        self.numeric, self.errors = np.full(size, np.nan), np.full(size, np.nan)
        self.low, self.high = np.full(size, np.nan), np.full(size, np.nan)
        self.checked = np.zeros(size, dtype=bool)
        self.kinks: dict[tuple[int, int], Kink] = {}

    def take(self, at: Indices, response: Response, points: Points) -> None:
        """Works the slopes of these entries."""
        slopes = central(response, points)
        self.checked[at] = True
        self._set(at, slopes)
        rough = np.flatnonzero(~slopes.smooth)[: self.most_kinks(response)]
        for entry, both in zip(rough, sided(response, points, rough), strict=True):
            if both is not None:
                self._take_kink(int(at[entry]), int(entry), both, response, points)

    def most_kinks(self, response: Response) -> int:
        """How many entries may have the slopes of each side worked, for what that takes."""
        one = isinstance(response, OneByOne)
        return int(self.passes / (2 * RUNGS)) + FEWEST if one else self.tape.size

    def _set(self, at: Indices, slopes: Slopes) -> None:
        values = np.where(slopes.smooth, slopes.values, np.nan) * self.factor
        self.numeric[at] = self.low[at] = self.high[at] = values
        self.errors[at] = slopes.errors * abs(self.factor)

    def _take_kink(
        self, place: int, entry: int, slopes: Sided, response: Response, points: Points
    ) -> None:
        self.errors[place] = slopes.error * abs(self.factor)
        self.numeric[place] = (slopes.below + slopes.above) / 2 * self.factor
        low, high = sorted((slopes.lowest * self.factor, slopes.highest * self.factor))
        self.low[place], self.high[place] = low, high
        if not slopes.is_kink:
            return
        below, above = slopes.below * self.factor, slopes.above * self.factor
        index = divmod(place, self.tape.shape[1])
        crossed: tuple[Crossing, ...] = ()
        if len(self.kinks) < MOST_NAMED or not low <= self.tape[index] <= high:
            crossed = self._crossed(entry, response, points)
        several = response.stacks.several_in_a_sample(crossed)
        self.kinks[index] = Kink(below, above, low, high, crossed, several)

    def _crossed(self, entry: int, response: Response, points: Points) -> tuple[Crossing, ...]:
        """The kinks that the shortest steps cross."""
        step = points.scales[entry] * FIRST * 0.5**RUNGS
        found: dict[Crossing, None] = {}
        for sign in (-1, 1):
            moved = response.moved(entry, sign * step)
            found.update(dict.fromkeys(response.stacks.crossed(moved)))
        return tuple(found)

    def verified(self) -> Verified:
        tape = self.tape.ravel()
        with np.errstate(invalid="ignore"):
            outside = np.fmax(np.fmax(self.low - tape, tape - self.high), 0.0)
            outside = np.where(np.isfinite(tape), outside, np.inf)
            size = np.fmax(np.abs(tape), np.abs(self.numeric))
            allowed = TOLERANCE * np.where(np.isfinite(size), size, 0.0) + self.errors
            off = ~(outside <= allowed)
        undecided = self.checked & (np.isnan(self.numeric) | (off & self._at_several_kinks()))
        known = self.checked & ~undecided
        shape = self.tape.shape
        return Verified(
            id=self.id,
            tape=self.tape,
            numeric=self.numeric.reshape(shape),
            errors=self.errors.reshape(shape),
            differences=np.where(known, outside, np.nan).reshape(shape),
            wrong=(known & off).reshape(shape),
            checked=self.checked.reshape(shape),
            undecided=undecided.reshape(shape),
            kinks=self.kinks,
        )

    def _at_several_kinks(self) -> Flags:
        found = np.zeros(self.tape.shape, dtype=bool)
        for place, kink in self.kinks.items():
            found[place] = kink.several
        return found.ravel()
