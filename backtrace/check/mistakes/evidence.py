"""What the rest of a sheet says about the explanations of one wrong quantity."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backtrace.check.judge.digits import Numbers
from backtrace.check.judge.exercise import Key
from backtrace.check.judge.replay import NOTHING, Override, StandIns
from backtrace.check.mistakes.wrong_quantity import Cause, WrongQuantity
from backtrace.check.rules.intervals import Floats, Interval, hull


class Evidence(WrongQuantity):
    """The other lines of a sheet, as they would be if a wrong rule had been used before them."""

    def is_borne_out(self, found: Cause) -> bool:
        """Whether what else is written and right would be so under the explanation too."""
        before = {
            at: each
            for at, each in found.stand_ins.items()
            if at != self.place and at not in self.exercise.operands[self.place]
        }
        return not before or all(
            self.agrees(place, before)
            for place in self.sheet.written
            if place != self.place and self.rests_on(place, before)
        )

    def leaves_the_others(self, found: Cause) -> bool:
        """Whether all that rests on what a rule changes lies as near to what follows from that as
        to what follows without, to a unit: who wrote nothing in between leaves much room."""
        before = {at: each for at, each in found.stand_ins.items() if at != self.place}
        for place, numbers in self.others():
            if self.rests_on(place, before):
                by_rule, by_right = (
                    self.sheet.replay(numbers.unit, over).of(place) for over in (before, NOTHING)
                )
                if not is_as_near(numbers, by_rule, by_right).all():
                    return False
        return True

    def most_borne_out(self, found: list[Cause]) -> list[Cause]:
        """The explanations under which most of the later lines follow that otherwise do not."""
        if len(found) < 2 or not any(each.stand_ins for each in found):
            return found
        explained = [self.explained_later(each.stand_ins) for each in found]
        most = max(explained)
        return [each for each, lines in zip(found, explained, strict=True) if lines == most]

    def supports(self, found: list[Cause]) -> bool:
        """Whether a later line that otherwise follows from nothing does under any of these."""
        return any(self.explained_later(each.stand_ins) for each in found)

    def explaining_more(self, found: list[Cause], others: list[Cause]) -> list[Cause]:
        """Those under which more of the later lines follow than under any of the others."""
        most = max((self.explained_later(each.stand_ins) for each in others), default=0)
        return [each for each in found if self.explained_later(each.stand_ins) > most]

    def explained_later(self, stand_ins: StandIns) -> int:
        over = {at: each for at, each in stand_ins.items() if at != self.place}
        return sum(
            self.fits_under(place, numbers, over)
            for place, numbers in self.unexplained_later.items()
            if self.rests_on(place, over)
        )

    @cached_property
    def unexplained_later(self) -> dict[Key, Numbers]:
        """What is written further down and does not follow from what is written before it."""
        order = self.exercise.order
        return {
            place: numbers
            for place, numbers in self.others()
            if order[place] > order[self.place] and not self.fits_under(place, numbers)
        }

    def others(self) -> Iterator[tuple[Key, Numbers]]:
        for place, written in self.sheet.written.items():
            is_there = written.cells and not written.problem and not self.exercise.is_given(place)
            if is_there and place != self.place and not self.sheet.search.is_spent:
                yield place, self.sheet.numbers_of(written, place)

    def rests_on(self, place: Key, changed: StandIns) -> bool:
        """Whether a quantity is worked from any of these, no written line between."""
        return not changed.keys().isdisjoint(self.unwritten_before(place))

    def unwritten_before(self, place: Key) -> set[Key]:
        """The lines that a quantity is worked from, up to those that were written."""
        found: set[Key] = set()
        waiting = list(self.exercise.operands[place])
        while waiting:
            source = waiting.pop()
            if source not in found and source not in self.sheet.written:
                found.add(source)
                waiting += self.exercise.operands[source]
        return found

    def agrees(self, place: Key, stand_ins: StandIns) -> bool:
        written = self.sheet.written[place]
        if written.problem or self.exercise.is_given(place) or self.sheet.search.is_spent:
            return True
        numbers = self.sheet.numbers_of(written, place)
        if not self.fits_under(place, numbers):
            return True  # it is not right either way
        return self.fits_under(place, numbers, stand_ins)

    def fits_under(self, place: Key, numbers: Numbers, over: Override = NOTHING) -> bool:
        box = self.sheet.replay(numbers.unit, over).of(place)
        return bool(numbers.meets(box).all() and not box.unbounded[numbers.there].any())


def is_as_near(numbers: Numbers, one: Interval, other: Interval) -> NDArray[np.bool_]:
    """Which numbers lie as near to the middle of one box as to that of another, to a unit."""
    away, from_other = (np.abs(middle(box) - numbers.values) for box in (one, other))
    return np.asarray(~numbers.there | (away <= from_other + 2 * numbers.half))


def middle(box: Interval) -> Floats:
    ends = hull(box)
    return np.asarray((ends.lo[0] + ends.hi[0]) / 2)
