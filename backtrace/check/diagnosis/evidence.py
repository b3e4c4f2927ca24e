"""What the rest of a sheet says about the explanations of one wrong quantity."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backtrace.check.diagnosis.wrong_quantity import FAR, MOST_WIDTHS, Cause, WrongQuantity
from backtrace.check.rules.intervals import Floats, Interval, hull
from backtrace.check.sheets.digits import Numbers
from backtrace.check.sheets.exercise import Key
from backtrace.check.sheets.replay import NOTHING, Override, StandIns
from backtrace.tape.steps import Step


class Evidence(WrongQuantity):
    """The other lines of a sheet, as they would be if a wrong rule had been used before them."""

    def is_borne_out(self, found: Cause) -> bool:
        """Whether what else is written and right would be so under the explanation too."""
        before = {
            at: each
            for at, each in found.stand_ins.items()
            if at != self.place and at not in self.exercise.operands[self.place]
        }
        others = (
            place
            for place in self.sheet.written
            if place != self.place and self.rests_on(place, before)
        )
        if found.is_any_of({"first-weights-kept"}):  # and updates the last ones all the same
            others = (each for each in others if self.exercise.steps[each].role != "updated")
        return not before or all(self.agrees(place, before) for place in others)

    def is_refuted(self, over: Override) -> bool:
        """Whether a line that stands as it is would be far from what follows, if nothing is rounded
        on the way: told sooner than that it is not borne out."""
        own = (self.place, *self.exercise.operands[self.place])
        before = {at: each for at, each in over.items() if at not in own}
        return bool(before) and any(
            self.is_far_under(before, place)
            for place in self.standing
            if self.rests_on(place, before)
        )

    @cached_property
    def standing(self) -> list[Key]:
        """The other lines that are right or rounded, so far as they have been judged."""
        before = self.sheet.before
        return [
            place
            for place, each in ({} if before is None else before.judged).items()
            if each.verdict in ("right", "rounded") and place != self.place
            if not self.exercise.is_given(place)
        ]

    def is_far_under(self, over: Override, place: Key) -> bool:
        found, before = self.sheet.in_floats.under(place, over), self.sheet.before
        if found is None or before is None:
            return False
        numbers, ends = self.sheet.read(place), hull(before.box(place))
        width = (ends.hi - ends.lo)[0]
        if found.shape != width.shape or not np.isfinite(width).all():
            return False
        changed = float(np.abs(found - middle(ends)).max(initial=0.0))
        room = MOST_WIDTHS * (numbers.half + width) + FAR * changed
        return bool((np.abs(found - numbers.values) > room)[numbers.there].any())

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
        return not self.sheet.search.is_spent  # or else some were not held against it

    def most_borne_out(self, found: list[Cause]) -> list[Cause]:
        """The explanations under which most of the later lines follow that otherwise do not."""
        if len(found) < 2 or not any(each.stand_ins for each in found):
            return found
        explained = [len(self.explained_later(each.stand_ins)) for each in found]
        most = max(explained)
        return [each for each, lines in zip(found, explained, strict=True) if lines == most]

    def supports(self, found: list[Cause]) -> bool:
        """Whether a later line that otherwise follows from nothing does under any of these."""
        return any(self.explained_later(each.stand_ins) for each in found)

    def explaining_more(self, found: list[Cause], others: list[Cause]) -> list[Cause]:
        """Those under which more of the later lines follow than under any of the others."""
        most = max((len(self.explained_later(each.stand_ins)) for each in others), default=0)
        return [each for each in found if len(self.explained_later(each.stand_ins)) > most]

    def is_left_open_by(self, found: list[Cause]) -> bool:
        """Whether a later line follows from nothing, under any of these either."""
        return all(
            len(self.explained_later(each.stand_ins)) < len(self.unexplained_later)
            for each in found
        )

    def explained_later(self, stand_ins: StandIns) -> list[Key]:
        """The later lines that follow under an explanation, and from nothing otherwise; asked for
        several times of each."""
        _, known = self._explained.get(id(stand_ins), (stand_ins, None))
        if known is None:
            known = self.newly_explained(stand_ins)
            self._explained[id(stand_ins)] = stand_ins, known
        return known

    @cached_property
    def _explained(self) -> dict[int, tuple[StandIns, list[Key] | None]]:
        return {}

    def newly_explained(self, stand_ins: StandIns) -> list[Key]:
        over = {
            at: each
            for at, each in stand_ins.items()
            if at != self.place or isinstance(each, Interval)
        }
        return [
            place
            for place, numbers in self.unexplained_later.items()
            if self.rests_on(place, over) and self.fits_under(place, numbers, over)
        ]

    @cached_property
    def unexplained_later(self) -> dict[Key, Numbers]:
        """What is written further down and does not follow from what is written before it."""
        order, before = self.exercise.order, self.sheet.before
        at_sight = before.at_sight if before is not None else ()
        return {
            place: numbers
            for place, numbers in self.others()
            if order[place] > order[self.place] and place not in at_sight
            if not self.fits_under(place, numbers, {})
        }

    def others(self) -> Iterator[tuple[Key, Numbers]]:
        for place, written in self.sheet.written.items():
            is_there = written.cells and not written.problem and not self.exercise.is_given(place)
            if is_there and place != self.place and not self.sheet.search.is_spent:
                yield place, self.sheet.read(place)

    def rests_on(self, place: Key, changed: StandIns) -> bool:
        """Whether a quantity is worked from any of these, no other written line between."""
        return not changed.keys().isdisjoint(self.before(place))

    def before(self, place: Key) -> dict[Key, None]:
        """The lines that a quantity is worked from in any right way, down to those that were
        written."""
        if place not in self._before:
            found: dict[Key, None] = {}
            waiting = self.worked_from(place)
            while waiting:
                source = waiting.pop()
                if source not in found:
                    found[source] = None
                    waiting += [] if source in self.sheet.written else self.worked_from(source)
            self._before[place] = found
        return self._before[place]

    @cached_property
    def _before(self) -> dict[Key, dict[Key, None]]:
        return {}

    def worked_from(self, place: Key) -> list[Key]:
        """What a line is worked from, by the tape and by other right forms."""
        others = [id for form in self.exercise.forms(place) for id in form.operands]
        if self.exercise.steps[place].operation == "forward_again":
            steps = self.exercise.contexts[place[:2]].steps.values()
            others += [step.id for step in steps if step.role in ("inputs", "targets")]
        return [*self.exercise.operands[place], *((*place[:2], id) for id in others)]

    def agrees(self, place: Key, stand_ins: StandIns) -> bool:
        """Whether a line that is right by some form of it is so under the explanation too: by that
        form, or by one that takes up what is changed."""
        written = self.sheet.written[place]
        if written.problem or self.exercise.is_given(place):
            return True
        numbers = self.sheet.read(place)
        right = next((f for f in self.forms(place) if self.meets(place, numbers, f)), None)
        if right is None:
            return True  # it is not right either way
        touching = (f for f in self.forms(place) if self.takes_up(f, stand_ins))
        return not self.sheet.search.is_spent and any(
            self.meets(place, numbers, {**form, **stand_ins}) for form in (right, *touching)
        )

    def takes_up(self, form: StandIns, changed: StandIns) -> bool:
        """Whether another form of a step has a changed line as an operand."""
        return any(
            (*where[:2], id) in changed
            for where, step in form.items()
            if isinstance(step, Step)
            for id in step.operands
        )

    def forms(self, place: Key) -> Iterator[StandIns]:
        """The right ways to work a line: as the tape has it, or with another form of it or of an
        unwritten line before it."""
        yield {}
        unwritten = (at for at in self.before(place) if at not in self.sheet.written)
        for where in (place, *unwritten):
            for form in self.exercise.forms(where):
                yield {where: form}

    def fits_under(self, place: Key, numbers: Numbers, over: StandIns) -> bool:
        """Whether a line follows by any right form."""
        return any(self.meets(place, numbers, {**form, **over}) for form in self.forms(place))

    def meets(self, place: Key, numbers: Numbers, over: Override) -> bool:
        box = self.sheet.replay(numbers.unit, over).of(place)
        return bool(numbers.meets(box).all() and not box.unbounded[numbers.there].any())


def is_as_near(numbers: Numbers, one: Interval, other: Interval) -> NDArray[np.bool_]:
    """Which numbers lie as near to the middle of one box as to that of another, to a unit."""
    away, from_other = (np.abs(middle(box) - numbers.values) for box in (one, other))
    return np.asarray(~numbers.there | (away <= from_other + 2 * numbers.half))


def middle(box: Interval) -> Floats:
    ends = hull(box)
    return np.asarray((ends.lo[0] + ends.hi[0]) / 2)
