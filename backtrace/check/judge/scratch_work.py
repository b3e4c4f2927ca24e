"""How coarsely scratch work was noted, found from the lines that stand in no other way.

Some round powers of e before the quotient, some products before the sum, some η·dW, and the rest
not. A kind of partial results may have been noted with few digits, in any line, where a line stands
in no other way; whether it was is shown by how likely the whole sheet is so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import TypeAlias

import msgspec

from backtrace.check.judge.attempts import Attempts, StaysWrong, Tried
from backtrace.check.judge.borne_out import weight, weight_of_cutting
from backtrace.check.model import Answers
from backtrace.check.rules.equation_partials import EQUATION_PARTIALS
from backtrace.check.rules.noted_lines import ROUNDED_PARTS
from backtrace.check.rules.noting import Noting
from backtrace.check.rules.partial_results import PARTIAL_RESULTS
from backtrace.check.rules.update_partials import UPDATE_PARTIALS
from backtrace.check.sheets.exercise import Key, Work
from backtrace.check.sheets.sheet import Sheet
from backtrace.check.sheets.workings import Working, accused_entries, accused_places, coarser
from backtrace.tape.steps import Step

Operations: TypeAlias = frozenset[str]
POWERS = frozenset(
    ("activate", "activation_derivative", "softmax", "chain", "loss_of", "loss_terms_from_z")
)
AVERAGES = frozenset(
    ("accumulate", "average", "accumulate_squares", "average_squares", "look_ahead_average")
)
KINDS: tuple[Operations, ...] = (  # what is noted in these operations is of one kind
    POWERS,
    frozenset(("derivative_from_activation", "chain_from_activation")),
    frozenset(("loss_terms", "loss_terms_from_error")),
    frozenset(("loss_gradient", "loss_gradient_from_activation")),
    frozenset(("penalty", "add_penalty")),
    AVERAGES,
    frozenset(("scale_step", *UPDATE_PARTIALS)) - {"penalty", "add_penalty"} - AVERAGES,
)
MOST_SLIPS = 3  # lines that are wrong by slips of the hand
ENOUGH = 0.7  # how much likelier is likely enough
TOLD = 2.0  # and where digits are cut off, of which all lines tell
OF_LINES = 1.5  # where all was noted so, by which more can be explained
IF_SEEN = -2.5  # and where lines of the page have fewer decimals, if others have not left it open
OF_DIGITS = 2.5  # and if scratch work is taken to have so many significant digits
OF_ANOTHER = 1.0  # and if partial results of another kind, or lines too, are taken to be as coarse
IF_KNOWN = 3.0  # less where zeros that fill the lines up tell that those were noted so
PLAIN = 6.0  # less where powers of e alone explain all that is wrong in many lines
KIND_OF = {operation: kind for kind in KINDS for operation in kind}


class ScratchWork:
    """The search through one sheet, of which something is wrong in the ``usual`` working.

    ``start``: the same with nothing noted coarsely, in the usual working or with digits cut off.
    ``excused``: of what is wrong there what coarse scratch work may excuse, beside mistakes; None
    where it must excuse all of it. ``known``: how lines were noted, where anything tells it.
    """

    def __init__(
        self,
        exercise: Attempts,
        answers: Answers,
        usual: Sheet,
        start: Sheet,
        work: Work,
        excused: Sequence[Key] | None = None,
    ) -> None:
        self.exercise = exercise
        self.answers = answers
        self.usual = usual
        self.start = start
        self.work = work
        self.mistakes = excused is not None  # whether lines may be wrong however it was noted
        self.excused = excused or ()
        self.known: Noting | None = None

    def found(self) -> Sheet | None:
        """The sheet as its scratch work was noted: the first in which nothing is wrong, or that in
        which the fewest lines are."""
        notings = self.excusing()
        ways = [(lines, noting) for lines in (False, True) for noting in notings]
        if self.mistakes:  # all are tried, while there is time: the finest first
            ways = [(lines, noting) for noting in notings for lines in (False, True)]
        found = (self.noted(each, lines=lines) for lines, each in ways if not self.work.is_spent)
        sheets = (sheet for sheet in found if sheet is not None)
        if not self.mistakes:
            return next(sheets, None)
        return min(sheets, key=lambda sheet: len(accused_places(sheet.quantities)), default=None)

    @property
    def notings(self) -> Iterator[Working]:
        """Scratch work with fewer digits than are written."""
        cut = self.start.working.cut
        for each in coarser(self.usual.decimals, self.usual.digits):
            yield Working(cut=cut, scratch=msgspec.structs.replace(each, cut=cut))

    def excusing(self) -> list[Working]:
        """The notings that may excuse what they must, or anything, from the finest on."""
        hopeless: dict[bool, dict[Key, int]] = {True: {}, False: {}}
        found: list[Working] = []
        for noting in reversed([*self.notings]):
            assert noting.scratch is not None
            if self.excuses(noting, hopeless[noting.scratch.digits is None]):
                found.insert(0, noting)
        return found

    def excuses(self, noting: Working, hopeless: dict[Key, int]) -> bool:
        """Whether scratch work that was noted so may excuse what it must, or anything; the lines
        that do not stand so are ``hopeless`` with more digits of the kind too, and count as much.
        """
        loose = msgspec.structs.replace(noting, loose=True)
        if not self.mistakes:
            return self.exercise.may_stand(self.answers, loose, self.start, self.work)
        for at in self.excused:
            if at in hopeless:
                self.work.spend(hopeless[at])
                continue
            before = self.work.left
            if self.may_stand(loose, at):
                return True
            hopeless[at] = before - self.work.left
        return False

    def may_stand(self, working: Working, at: Key) -> bool:
        return self.exercise.stands(self.answers, working, at, self.work)

    def noted(self, noting: Working, *, lines: bool) -> Sheet | None:
        """The sheet whose scratch work has so few digits; ``lines``: what is carried from line to
        line as well. None where it has not, or where a single number says so that may be a slip of
        the hand."""
        working, wrong = msgspec.structs.replace(noting, lines=lines), frozenset[Key]()
        as_usual = self.start.lenient in (None, self.start) and self.start.usual is self.start
        is_known = as_usual and not lines
        found = self.accused[0] if is_known else self.tried(working, wrong)
        if found is None or isinstance(found, Sheet):
            return self.completed(working, wrong, found)
        ways = self.wider(working, found)
        starts = self.further(working, wrong, found, ways)
        return next(filter(None, (self.completed(*start) for start in starts)), None)

    def judged(self, working: Working, stays_wrong: StaysWrong) -> Tried | None:
        most = accused_entries(self.start.quantities)  # else it leaves more wrong than that
        return self.exercise.tried(self.answers, working, stays_wrong, self.work, most)

    def tried(self, working: Working, wrong: AbstractSet[Key]) -> Tried | None:
        """The sheet in a working, but for what is ``wrong`` and what, if mistakes may be, no wider
        one mends; None where that is more than in the usual one."""
        if not self.mistakes:
            return self.judged(working, wrong.__contains__)
        stays = dict.fromkeys(
            (*wrong, *(at for at in self.accused if at not in self.excused)), True
        )

        def stays_wrong(at: Key) -> bool:
            if at not in stays:
                ways = self.wider(working, at)
                stays[at] = not any(self.may_stand(wider, at) for wider in ways)
            return stays[at]

        if self.notes_nothing(working):  # all that stays wrong excuses nothing
            return next((at for at in self.accused if not stays_wrong(at)), None)
        return self.judged(working, stays_wrong)

    def notes_nothing(self, working: Working) -> bool:
        """Whether nothing is noted coarsely in a working."""
        is_usual = not (working.parts or working.lines or self.exercise.histories)
        return is_usual and self.start.usual is self.start

    @cached_property
    def accused(self) -> list[Key]:
        """What does not stand where no line and no part is noted coarsely, in the order of work."""
        places = accused_places(self.start.quantities)
        return sorted(places, key=self.exercise.order.__getitem__)

    def completed(
        self, working: Working, wrong: AbstractSet[Key], found: Tried | None
    ) -> Sheet | None:
        """The sheet with all noted so that it needs, if there is such a one and it is shown."""
        while not isinstance(found, Sheet):
            if found is None:
                return None
            ways = self.wider(working, found)
            further = next(self.further(working, wrong, found, ways), None)
            if further is None:
                return None
            working, wrong, found = further
        return found if self.is_shown(working, found) else None

    def is_shown(self, working: Working, sheet: Sheet) -> bool:
        """Whether coarse scratch work is likelier than slips of the hand, the more so the more is
        taken to be coarse, and than mistakes that have names."""
        excused = accused_places(self.usual.quantities) - accused_places(sheet.quantities)
        needed = enough(working) - (PLAIN if self.is_plain(working, sheet) else 0.0)
        needed -= IF_KNOWN if working.scratch == self.known else 0.0
        least = weight(sheet, self.start, needed) - needed
        if working.cut and least > 0:
            least = min(least, weight_of_cutting(sheet, self.usual) - TOLD)
        return least > 0 and least > self.exercise.of_names(self.answers, self.usual.usual, excused)

    def is_plain(self, working: Working, sheet: Sheet) -> bool:
        """Whether powers of e alone are coarse, which leaves nothing wrong, and else more lines are
        wrong than anybody slips in."""
        of_powers = working.parts <= POWERS and not working.lines
        many = len(self.accused) > MOST_SLIPS
        return of_powers and many and not accused_places(sheet.quantities)

    def wider(self, working: Working, at: Key) -> Iterator[Working]:
        """With more operations noted so, on the way to a line."""
        parts = dict.fromkeys(working.parts | operations for operations in self.operations_to(at))
        for each in parts:
            if each != working.parts:
                yield msgspec.structs.replace(working, parts=each)

    def further(
        self, working: Working, wrong: AbstractSet[Key], at: Key, ways: Iterable[Working]
    ) -> Iterator[tuple[Working, AbstractSet[Key], Tried | None]]:
        """The wider ``ways`` by which the line at hand stands; where it stands by none, with this
        line wrong as well, if so many may be."""
        mended = False
        for wider in ways:
            if self.may_stand(wider, at):
                found = self.tried(wider, wrong)
                if found is None:
                    continue
                if isinstance(found, Sheet) or self.exercise.order[found] > self.exercise.order[at]:
                    mended = True
                    yield wider, wrong, found
        if not mended and self.mistakes:
            wrong = wrong | {at}
            yield working, wrong, self.tried(working, wrong)

    def operations_to(self, at: Key) -> Iterator[Operations]:
        """What may be noted on the way to a line: of itself, of one of the unwritten lines before
        it, of all of these."""
        exercise, written = self.exercise, self.usual.written
        lines = exercise.lines_again(at) or exercise.lines_before(
            at, lambda x: x in written or exercise.is_given(x)
        )
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
    if working.unwritten is not None:
        return IF_SEEN
    kinds = {_kind(operation) for operation in working.parts}
    others = max(len(kinds) + working.lines - 1, 0)
    by_digits = working.scratch is not None and working.scratch.digits is not None
    least = OF_LINES if working.lines else ENOUGH
    return least + OF_ANOTHER * others + (OF_DIGITS if by_digits else 0.0)


def _notes_something(step: Step) -> bool:
    tables = (PARTIAL_RESULTS, EQUATION_PARTIALS, ROUNDED_PARTS)
    return "summed" in step.parameters or any(step.operation in table for table in tables)
