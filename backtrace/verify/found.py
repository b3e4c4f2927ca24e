"""What the differences have found of one quantity so far, and how it stands to the tape."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from backtrace.verify.differences import (
    FIRST,
    RUNGS,
    Points,
    Sided,
    Slopes,
    central,
    sided,
)
from backtrace.verify.forward_stacks import Reals
from backtrace.verify.kinks import Crossing
from backtrace.verify.responses import Indices, OneByOne, Response
from backtrace.verify.results import Flags, Kink, Verified
from backtrace.verify.sampling import FEWEST
from backtrace.verify.second_look import PASSES, again

TOLERANCE = 1e-7
"""What an entry may be off beside the estimated error of the differences, relative to its size."""

VAGUE = 1e-3  # of an entry's size; where the error is larger, that both agree says little
MOST_NAMED = 100  # entries at a kink of which it is worked out where it lies
FIRST_AGAIN = 2  # entries that get a second look first: of a broken step they all are wrong
MOST_AGAIN = 64  # entries that get one together
FARTHER = 12  # the rung that looks for several kinks close beside each other


class Found:
    """What has been found of one quantity so far; entries are places in its flattened matrix."""

    def __init__(self, id: str, tape: Reals, factor: float, passes: float, rounding: Reals) -> None:
        """``passes`` are as many as may be spent on the slopes of each side, and on second looks.

        ``rounding`` is how far the tape's own roundings may have moved each of its entries.
        """
        self.id, self.tape, self.factor, self.passes = id, tape, factor, passes
        size = tape.size
        self.rounding = rounding.ravel()
        self.numeric, self.errors = np.full(size, np.nan), np.full(size, np.nan)
        self.low, self.high = np.full(size, np.nan), np.full(size, np.nan)
        self.checked, self.crowded = np.zeros((2, size), dtype=bool)
        self.kinks: dict[tuple[int, int], Kink] = {}
        self.confirmed = False  # by a second look: an entry is wrong

    def take(self, at: Indices, response: Response, points: Points) -> None:
        """Works the slopes of these entries, those that seem wrong a second time."""
        slopes = central(response, points)
        self.checked[at] = True
        self._set(at, slopes)
        rough = np.flatnonzero(~slopes.smooth)[: self.most_kinks(response)]
        for entry, both in zip(rough, sided(response, points, rough), strict=True):
            if both is not None:
                self._take_sides(int(at[entry]), int(entry), both, response, points)
        self._look_again(at, response, points)

    def most_kinks(self, response: Response) -> int:
        """How many entries may have the slopes of each side worked, for what that takes."""
        one = isinstance(response, OneByOne)
        return int(self.passes / (2 * RUNGS)) + FEWEST if one else self.tape.size

    def _set(self, at: Indices, slopes: Slopes) -> None:
        values = np.where(slopes.smooth, slopes.values, np.nan) * self.factor
        self.numeric[at] = self.low[at] = self.high[at] = values
        self.errors[at] = slopes.errors * abs(self.factor)

    def _look_again(self, at: Indices, response: Response, points: Points) -> None:
        """Looks closer at what seems wrong, the worst first, until one entry still does.

        The quantity is wrong then, and the other entries stay as they are.
        """
        seeming = np.flatnonzero(self._is_off(at))
        if self.confirmed or not seeming.size:
            return
        excess = self._outside(at[seeming]) / self._allowed(at[seeming])
        seeming = seeming[np.argsort(-excess, kind="stable")]
        together = int(np.clip(self.passes / PASSES, FEWEST, MOST_AGAIN))
        ends = [FIRST_AGAIN, *range(FIRST_AGAIN + together, len(seeming) + together, together)]
        for start, end in pairwise([0, *ends]):
            group = seeming[start:end]
            for entry, both in zip(group, again(response, points, group), strict=True):
                self._take_again(int(at[entry]), int(entry), both, response, points)
            if self._is_wrong(at[group]).any():
                self.confirmed = True
                return

    def _take_again(
        self, place: int, entry: int, slopes: Sided | None, response: Response, points: Points
    ) -> None:
        self.kinks.pop(divmod(place, self.tape.shape[1]), None)
        if slopes is None:
            self.numeric[place] = self.low[place] = self.high[place] = np.nan
            return
        self._take_sides(place, entry, slopes, response, points)
        if not slopes.smooth and self._is_off(np.array([place])).all():
            near = (self._crossed(entry, response, points, rung) for rung in (RUNGS, FARTHER))
            self.crowded[place] = any(map(response.stacks.several_in_a_sample, near))

    def _take_sides(
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
            crossed = self._crossed(entry, response, points, RUNGS)
        self.kinks[index] = Kink(below, above, low, high, crossed)

    def _crossed(
        self, entry: int, response: Response, points: Points, rung: int
    ) -> tuple[Crossing, ...]:
        """The kinks that steps as short as those of a rung cross."""
        step = points.scales[entry] * FIRST * 0.5**rung
        found: dict[Crossing, None] = {}
        for sign in (-1, 1):
            moved = response.moved(entry, sign * step)
            found.update(dict.fromkeys(response.stacks.crossed(moved)))
        return tuple(found)

    # How it stands

    def _size(self, at: Indices) -> Reals:
        parts = (self.tape.ravel(), self.numeric, self.low, self.high)
        sizes = np.abs([part[at] for part in parts])
        return np.asarray(np.where(np.isfinite(sizes), sizes, 0.0).max(axis=0, initial=0.0))

    def _doubt(self, at: Indices) -> Reals:
        return np.asarray(self.errors[at] + self.rounding[at])

    def _allowed(self, at: Indices) -> Reals:
        return np.asarray(TOLERANCE * self._size(at) + self._doubt(at))

    def _outside(self, at: Indices) -> Reals:
        """How far the tape's entries lie outside of what the differences leave open."""
        tape = self.tape.ravel()[at]
        with np.errstate(invalid="ignore"):
            return np.asarray(np.fmax(np.fmax(self.low[at] - tape, tape - self.high[at]), 0.0))

    def _is_off(self, at: Indices) -> Flags:
        """Which entries have a number on either side, and not the same."""
        known = np.isfinite(self.numeric[at]) & np.isfinite(self.tape.ravel()[at])
        with np.errstate(invalid="ignore"):
            return np.asarray(known & ~(self._outside(at) <= self._allowed(at)))

    def _is_wrong(self, at: Indices) -> Flags:
        return np.asarray(self._is_off(at) & ~self.crowded[at])

    def verified(self, *, rests_on_numbers: bool) -> Verified:
        """Everything found. What is no number is wrong only where a step made it so of numbers."""
        every = np.arange(self.tape.size)
        lost = ~np.isfinite(self.tape.ravel())
        wrong = self._is_wrong(every) | (lost & np.isfinite(self.numeric) & rests_on_numbers)
        undecided = ~wrong & (np.isnan(self.numeric) | lost | self.crowded)
        known = self.checked & ~undecided
        doubt = self._doubt(every)
        with np.errstate(invalid="ignore"):
            vague = known & ~wrong & (doubt > VAGUE * self._size(every))
            vague &= (self.tape.ravel() != 0) | (self.numeric != 0)
        differences = np.where(lost, np.inf, self._outside(every))
        shape = self.tape.shape
        return Verified(
            id=self.id,
            tape=self.tape,
            numeric=self.numeric.reshape(shape),
            errors=doubt.reshape(shape),
            differences=np.where(known, differences, np.nan).reshape(shape),
            wrong=(self.checked & wrong).reshape(shape),
            checked=self.checked.reshape(shape),
            undecided=(self.checked & undecided).reshape(shape),
            vague=vague.reshape(shape),
            kinks=self.kinks,
        )
