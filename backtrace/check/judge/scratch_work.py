"""How coarsely scratch work was noted, found from the lines that stand in no other way.

Some round powers of e before the quotient, some products before the sum, some η·dW, and the rest
not. A kind of partial results is taken to be noted with few digits where a line stands in no other
way, and then in every line: who has rounded one sum of products so has rounded them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import TypeAlias

import msgspec
import numpy as np

from backtrace.check.judge.borne_out import is_borne_out
from backtrace.check.judge.exercise import Exercise, Key
from backtrace.check.judge.sheet import Sheet
from backtrace.check.judge.workings import (
    Working,
    accused_entries,
    accused_places,
    is_far_less,
)
from backtrace.check.model import Judged
from backtrace.check.rules.equation_partials import EQUATION_PARTIALS
from backtrace.check.rules.intervals import Interval
from backtrace.check.rules.noted_lines import ROUNDED_PARTS
from backtrace.check.rules.noting import Noting
from backtrace.check.rules.partial_results import PARTIAL_RESULTS
from backtrace.check.rules.update_partials import UPDATE_PARTIALS
from backtrace.tape.steps import Step

Tried: TypeAlias = Sheet | Key  # a sheet as it was worked, or the first line that does not stand so
Operations: TypeAlias = frozenset[str]
POWERS = frozenset(
    ("activate", "activation_derivative", "softmax", "chain", "loss_of", "loss_terms_from_z")
)
KINDS: tuple[Operations, ...] = (  # what is noted in these operations is of one kind
    POWERS,
    frozenset(("derivative_from_activation", "chain_from_activation")),
    frozenset(("loss_terms", "loss_terms_from_error")),
    frozenset(("penalty", "add_penalty")),
    frozenset(("scale_step", *UPDATE_PARTIALS)) - {"penalty", "add_penalty"},
)
EXACT = POWERS | ROUNDED_PARTS.keys()
CLOSE = 6.0  # half units of the last digit that leave little room for another number
KIND_OF = {operation: kind for kind in KINDS for operation in kind}


class ScratchWork:
    """The search through one sheet; ``judged`` tries it in a working."""

    def __init__(
        self,
        exercise: Exercise,
        usual: Sheet,
        judged: Callable[[Working, AbstractSet[Key]], Tried],
        mistakes: int = 0,
    ) -> None:
        self.exercise = exercise
        self.usual = usual
        self.judged = judged
        self.mistakes = mistakes  # how many lines may be wrong however it was noted

    def noted(self, noting: Noting, *, lines: bool) -> Sheet | None:
        """The sheet whose scratch work has so few digits; ``lines``: what is carried from line to
        line as well. None where it has not, or where a single number says so that may be a slip of
        the hand."""
        working, wrong = Working(scratch=noting, lines=lines), frozenset[Key]()
        found = self.judged(working, wrong)
        if isinstance(found, Sheet):
            return self.completed(working, wrong, found)
        starts = self.further(working, wrong, found)
        return next(filter(None, (self.completed(*start) for start in starts)), None)

    def completed(self, working: Working, wrong: AbstractSet[Key], found: Tried) -> Sheet | None:
        """The sheet with all noted so that it needs, if there is such a one and it is shown."""
        while not isinstance(found, Sheet):
            further = next(self.further(working, wrong, found), None)
            if further is None:
                return None
            working, wrong, found = further
        return found if self.is_shown(working, found) else None

    def is_shown(self, working: Working, sheet: Sheet) -> bool:
        """Whether coarse scratch work is more than a slip of the hand: several numbers speak for
        it, or one that coarse partial results of known digits give closely; and several lines where
        others stay wrong."""
        wrong = accused_places(sheet.quantities)
        usual = _but(wrong, self.usual.quantities)
        places = accused_places(usual)
        if wrong and (len(places) < 2 or not is_far_less(self.usual.quantities, sheet.quantities)):
            return False
        by_digits = working.scratch is not None and working.scratch.digits is not None
        exact = working.parts <= (POWERS if by_digits else EXACT) and not working.lines
        if exact and all(self.is_direct(place) for place in places):
            return accused_entries(usual) > 1 or self.is_close(sheet, places)
        if accused_entries(usual) == 1:
            return exact and self.is_close(sheet, places) and is_borne_out(sheet, usual)
        several = working.parts <= EXACT or (len(places) > 1 and not by_digits)
        return several and is_borne_out(sheet, usual)

    def is_direct(self, place: Key) -> bool:
        """Whether all that a line is worked from is on the page."""
        return all(
            at in self.usual.written or self.exercise.is_given(at)
            for at in self.exercise.operands[place]
        )

    def is_close(self, sheet: Sheet, places: set[Key]) -> bool:
        """Whether lines are what their work gives to within a few units of the last digit."""
        for place in places:
            numbers = sheet.numbers[place]
            box = sheet.replay(numbers.unit).of(place)
            close = box.hi - box.lo <= CLOSE * numbers.half
            low, high = np.where(close, box.lo, np.inf), np.where(close, box.hi, -np.inf)
            if not numbers.meets(Interval(low, high)).all():
                return False
        return True

    def further(
        self, working: Working, wrong: AbstractSet[Key], at: Key
    ) -> Iterator[tuple[Working, AbstractSet[Key], Tried]]:
        """With more operations noted so, those by which the line at hand stands; where it stands
        by none, with this line wrong as well, if so many may be."""
        mended = False
        for operations in self.operations_to(at):
            parts = working.parts | operations
            if parts != working.parts:
                wider = msgspec.structs.replace(working, parts=parts)
                found = self.judged(wider, wrong)
                if isinstance(found, Sheet) or self.exercise.order[found] > self.exercise.order[at]:
                    mended = True
                    yield wider, wrong, found
        if not mended and len(wrong) < self.mistakes:
            wrong = wrong | {at}
            yield working, wrong, self.judged(working, wrong)

    def operations_to(self, at: Key) -> Iterator[Operations]:
        """What may be noted on the way to a line: of itself, of one of the unwritten lines before
        it, of all of these."""
        exercise, written = self.exercise, self.usual.written
        lines = exercise.lines_before(at, lambda x: x in written or exercise.is_given(x))
        if exercise.steps[at].operation == "forward_again":
            steps = exercise.contexts[at[:2]].steps.values()
            lines = [(*at[:2], step.id) for step in steps if step.phase in ("forward", "loss")]
        kinds = dict.fromkeys(kind for line in reversed(lines) for kind in self.kinds_of(line))
        yield from kinds
        yield frozenset().union(*kinds)

    def kinds_of(self, line: Key) -> Iterator[Operations]:
        """What may be noted in the ways by which a line may be worked."""
        for step in (self.exercise.steps[line], *self.exercise.forms(line)):
            if _notes_something(step):
                yield KIND_OF.get(step.operation, frozenset((step.operation,)))


def _notes_something(step: Step) -> bool:
    tables = (PARTIAL_RESULTS, EQUATION_PARTIALS, ROUNDED_PARTS)
    return "summed" in step.parameters or any(step.operation in table for table in tables)


def _but(places: AbstractSet[Key], quantities: tuple[Judged, ...]) -> tuple[Judged, ...]:
    return tuple(q for q in quantities if (q.epoch, q.batch, q.id) not in places)
