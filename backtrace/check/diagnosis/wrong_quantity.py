"""A wrong quantity of a sheet, and whether something in the place of its steps explains it."""

from __future__ import annotations

from collections.abc import Set
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.model import Explanation
from backtrace.check.rules.intervals import Floats, Interval, every, hull
from backtrace.check.sheets.digits import Numbers
from backtrace.check.sheets.exercise import Key
from backtrace.check.sheets.replay import Override, StandIns
from backtrace.check.sheets.sheet import Sheet

VAGUE = 4.0  # times as wide as a number is off: what gives that gives anything
LEAST_SAID, MOST_SAID = np.log(VAGUE), np.log(100.0)  # against a rule, and for it, by one entry
TINY, ZERO = 1e-300, 1e-9
FAR, MOST_WIDTHS = 0.05, 4.0  # of what a rule changes, and of what digits leave, at the utmost


class Cause(msgspec.Struct, frozen=True):
    """An explanation, and what it puts in the place of quantities that were not written: these
    stand in for them in all later steps, so that nothing is charged twice."""

    explanation: Explanation
    stand_ins: StandIns = {}
    box: Interval | None = None  # what the wrong rule gives
    exact: Interval | None = None  # the same if the lines between were not rounded

    @property
    def is_wrong_activation(self) -> bool:
        return "wrong-activation" in self.explanation.codes

    def is_any_of(self, codes: Set[str]) -> bool:
        """Whether one of the rules has one of these codes."""
        return not codes.isdisjoint(self.explanation.codes)


class WrongQuantity:
    """One wrong quantity of a sheet; ``unit`` is half a unit of the last decimal to which the
    unwritten lines before it are taken to have been rounded."""

    def __init__(self, sheet: Sheet, place: Key, unit: float | None = None) -> None:
        self.sheet = sheet
        self.exercise = sheet.exercise
        self.place = place
        self._unit = unit

    @property
    def unit(self) -> float:
        return self.numbers.unit if self._unit is None else self._unit

    @cached_property
    def numbers(self) -> Numbers:
        known = self.place in self.sheet.numbers
        return self.sheet.numbers[self.place] if known else self.sheet.read(self.place)

    def path(self) -> list[Key]:
        """The step and the unwritten ones it is worked from, nearest first."""
        found: dict[Key, None] = {}
        waiting = [self.place]
        while waiting:
            place = waiting.pop(0)
            if place in found or (place in self.sheet.intervals and place != self.place):
                continue
            if self.exercise.is_given(place):
                continue
            found[place] = None
            waiting += self.exercise.operands[place]
        return list(found)

    @cached_property
    def in_order(self) -> list[Key]:
        """The path, in the order of work."""
        return sorted(self.path(), key=self.exercise.order.__getitem__)

    def sources(self) -> list[Key]:
        """What the path is worked from, given or written, nearest first."""
        operands = (source for place in self.path() for source in self.exercise.operands[place])
        return [
            source
            for source in dict.fromkeys(operands)
            if source in self.sheet.intervals or self.exercise.is_given(source)
        ]

    def cause(self, code: str) -> Cause:
        return Cause(Explanation(((code, self.place[2]),)))

    def fits(self, over: Override) -> bool:
        """Whether every written entry overlaps what the step gives under ``over``.

        What anything would follow from once lines between are rounded (a quotient by what may have
        been 0) fits where it gives the numbers without.
        """
        return not self.is_far_from(over) and self.fits_closely(over)

    def fits_closely(self, over: Override) -> bool:
        """The same of what is not far from that, which is told sooner."""
        box = self.replayed(over)
        if box.shape != self.exercise.values[self.place].shape:
            return False
        zeros = not self.numbers.values.any() and (box.lo.any() or box.hi.any())
        if zeros and not self.cancels(over):
            return False  # they say nothing of a rule that gives something near them
        vague = box.unbounded[self.numbers.there].any() or not self.says_something(box)
        if not (vague or every(self.numbers.meets(box))):
            return False
        return not vague or self.is_given_by(self.unrounded(over))

    def cancels(self, over: Override) -> bool:
        """Whether a step gives nothing under ``over`` of numbers that are something."""
        worked = self.sheet.in_floats.under(self.place, over)
        written = (self.sheet.numbers[at] for at in self.sources() if at in self.sheet.written)
        is_nothing = worked is not None and np.allclose(worked, 0, atol=ZERO)
        return is_nothing and all(each.values.any() for each in written)

    def is_far_from(self, over: Override) -> bool:
        """Whether what was written is so far from what the numbers before it, as they stand, give
        under ``over`` that no rounding explains it."""
        found = self.sheet.in_floats.under(self.place, over)
        return found is not None and self.is_far(found)

    def is_far(self, found: Floats) -> bool:
        """Whether what was written is so far from these numbers that no rounding explains it."""
        if self.room is None or found.shape != self.numbers.values.shape:
            return False
        changed = float(np.abs(found - self.middle).max(initial=0.0))
        off = np.abs(found - self.numbers.values) > self.room + FAR * changed
        return bool(off[self.numbers.there].any())

    @cached_property
    def room(self) -> Floats | None:
        """How far from what its numbers give, as they stand, a line may be at the utmost."""
        ends = hull(self.right)
        width = (ends.hi - ends.lo)[0]
        known = every(np.isfinite(width))
        return np.asarray(MOST_WIDTHS * (self.numbers.half + width)) if known else None

    def is_given_by(self, box: Interval) -> bool:
        """Whether the numbers lie in a box that says something."""
        bounded = not box.unbounded[self.numbers.there].any()
        return bounded and every(self.numbers.meets(box)) and self.says_something(box)

    def says_something(self, box: Interval) -> bool:
        """Whether a rule is not so vague that what is wrong would follow from it in any case: what
        some entries leave open, others may make good."""
        ends = hull(box)
        off = np.abs(self.numbers.values - self.middle)[self.off]
        width = (ends.hi[0] - ends.lo[0])[self.off]
        with np.errstate(divide="ignore", invalid="ignore"):
            said = np.log(VAGUE * off) - np.log(np.maximum(width, TINY))
        said = np.where(np.isnan(said), -MOST_SAID, said)
        return bool(said.clip(-LEAST_SAID, MOST_SAID).sum() >= 0)

    @cached_property
    def off(self) -> NDArray[np.bool_]:
        """Which entries the right rule does not give."""
        return np.asarray(self.numbers.there & ~self.numbers.meets(self.right))

    @cached_property
    def middle(self) -> Floats:
        """What the right rule gives, or the middle of it."""
        fine = self.unrounded({})
        right = hull(self.right if fine.unbounded.any() else fine)
        return np.asarray((right.lo[0] + right.hi[0]) / 2)

    @cached_property
    def right(self) -> Interval:
        """What the right rule gives."""
        return self.replayed({})

    def replayed(self, over: Override) -> Interval:
        return self.sheet.replay(self.unit, over).of(self.place)

    def unrounded(self, over: Override) -> Interval:
        """The same if the lines between were not rounded, from what the calculator still had of
        numbers that show next to nothing."""
        return self.sheet.replay(0.0, {**self.sheet.kept_for(self.place), **over}).of(self.place)
