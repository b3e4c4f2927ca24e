"""How coarsely scratch work was noted, found from the lines that stand in no other way.

Some round powers of e before the quotient, some products before the sum, some η·dW, and the rest
not. A kind of partial results may have been noted with few digits, in any line, where a line stands
in no other way; whether it was is shown by how likely the whole sheet is so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import TypeAlias

import msgspec
import numpy as np

from backtrace.check.judge.borne_out import SLIPS, is_borne_out, weight
from backtrace.check.judge.exercise import Exercise, Key
from backtrace.check.judge.sheet import Sheet
from backtrace.check.judge.workings import Working, accused_entries, accused_places
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
    frozenset(("loss_gradient", "loss_gradient_from_activation")),
    frozenset(("penalty", "add_penalty")),
    frozenset(("scale_step", *UPDATE_PARTIALS)) - {"penalty", "add_penalty"},
)
OF_PARTS = 0.85  # how much likelier is likely enough: for a single number, if few others may be
OF_DIGITS = 1.0  # and if they are taken to have so many significant digits
OF_ANOTHER = 2.0  # and if partial results of another kind are taken to be as coarse
OF_LINES = 10.0  # where all was noted so, by which much can be explained
CLOSE = 6.0  # half units of the last digit that leave little room for another number
KIND_OF = {operation: kind for kind in KINDS for operation in kind}


class ScratchWork:
    """The search through one sheet: ``judged`` tries it in a working, ``may_stand`` a single line,
    which is quicker."""

    def __init__(
        self,
        exercise: Exercise,
        usual: Sheet,
        judged: Callable[[Working, AbstractSet[Key]], Tried],
        may_stand: Callable[[Working, Key], bool],
        mistakes: int = 0,
    ) -> None:
        self.exercise = exercise
        self.usual = usual
        self.judged = judged
        self.may_stand = may_stand
        self.mistakes = mistakes  # how many lines may be wrong however it was noted

    def noted(self, noting: Noting, *, lines: bool) -> Sheet | None:
        """The sheet whose scratch work has so few digits; ``lines``: what is carried from line to
        line as well. None where it has not, or where a single number says so that may be a slip of
        the hand."""
        working, wrong = Working(scratch=noting, lines=lines), frozenset[Key]()
        if not self.may_be_shown(working):
            return None
        is_known = not lines and self.usual.lenient in (None, self.usual)
        found = self.first if is_known else self.judged(working, wrong)
        if isinstance(found, Sheet):
            return self.completed(working, wrong, found)
        ways = self.wider(working, found)
        if not self.mistakes:
            ways = filter(self.may_be_shown, ways)
        starts = self.further(working, wrong, found, ways)
        return next(filter(None, (self.completed(*start) for start in starts)), None)

    @property
    def first(self) -> Key:
        """The first line that does not stand where no line and no part is noted coarsely."""
        return min(accused_places(self.usual.quantities), key=self.exercise.order.__getitem__)

    def completed(self, working: Working, wrong: AbstractSet[Key], found: Tried) -> Sheet | None:
        """The sheet with all noted so that it needs, if there is such a one and it is shown."""
        while not isinstance(found, Sheet):
            ways = self.wider(working, found)
            further = next(self.further(working, wrong, found, ways), None)
            if further is None:
                return None
            working, wrong, found = further
        return found if self.is_shown(working, found) else None

    def is_shown(self, working: Working, sheet: Sheet) -> bool:
        """Whether coarse scratch work is likelier than slips of the hand, the more so the more is
        taken to be coarse. Where a line of the page itself was noted so, all speaks for it that is
        wrong if lines are rounded once."""
        steps, written = self.exercise.steps, self.usual.written
        seen = any(steps[at].operation in working.parts for at in written)
        likely = weight(sheet, self.usual.usual if seen else self.usual) > enough(working)
        return likely or self.is_plain(working, sheet)

    def is_plain(self, working: Working, sheet: Sheet) -> bool:
        """Whether powers of e alone are coarse, nothing is wrong so, and several numbers show it,
        or one that they give closely."""
        usual, places = self.usual.quantities, accused_places(self.usual.quantities)
        if not working.parts <= POWERS or working.lines or accused_places(sheet.quantities):
            return False
        if accused_entries(usual) == 1 and not self.is_close(sheet, places):
            return False
        return all(map(self.is_direct, places)) or is_borne_out(sheet, usual)

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

    def may_be_shown(self, working: Working) -> bool:
        """Whether it may be, if the sheet should stand so, or with more noted so."""
        plain = working.parts <= POWERS and not working.lines
        return plain or accused_entries(self.usual.quantities) * math.log(SLIPS) > enough(working)

    def wider(self, working: Working, at: Key) -> Iterator[Working]:
        """With more operations noted so, on the way to a line."""
        parts = dict.fromkeys(working.parts | operations for operations in self.operations_to(at))
        for each in parts:
            if each != working.parts:
                yield msgspec.structs.replace(working, parts=each)

    def further(
        self, working: Working, wrong: AbstractSet[Key], at: Key, ways: Iterable[Working]
    ) -> Iterator[tuple[Working, AbstractSet[Key], Tried]]:
        """The wider ``ways`` by which the line at hand stands; where it stands by none, with this
        line wrong as well, if so many may be."""
        mended = False
        for wider in ways:
            if self.may_stand(wider, at):
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
                yield _kind(step.operation)


def _kind(operation: str) -> Operations:
    return KIND_OF.get(operation, frozenset((operation,)))


def enough(working: Working) -> float:
    """How much likelier a sheet must be in a working: its weight."""
    kinds = {_kind(operation) for operation in working.parts}
    least = OF_LINES if working.lines else OF_PARTS
    by_digits = working.scratch is not None and working.scratch.digits is not None
    return least + OF_ANOTHER * max(len(kinds) - 1, 0) + (OF_DIGITS if by_digits else 0.0)


def _notes_something(step: Step) -> bool:
    tables = (PARTIAL_RESULTS, EQUATION_PARTIALS, ROUNDED_PARTS)
    return "summed" in step.parameters or any(step.operation in table for table in tables)
