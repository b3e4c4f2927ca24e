"""One student's sheet: what each step is worked from, and what rests on what.

What an earlier explanation says stands in an operand's place is a ``Hypothesis``; several are kept
in mind where explanations tie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.model import Answers, Figure, Judged, WrittenQuantity
from backtrace.check.rules.evaluation import dependent
from backtrace.check.rules.intervals import Floats, Interval, between, every, hull, point, some
from backtrace.check.rules.noting import Noting
from backtrace.check.sheets.digits import (
    Numbers,
    kept,
    numbers,
)
from backtrace.check.sheets.exercise import FLOAT32, Exercise, Key, Work
from backtrace.check.sheets.in_floats import InFloats, Worked
from backtrace.check.sheets.readings import with_zeros_of_given
from backtrace.check.sheets.replay import NOTHING, Override, Replay, StandIns
from backtrace.check.sheets.workings import Working
from backtrace.tape.steps import Step

Doubt: TypeAlias = NDArray[np.bool_]
ALONE = 1e-10  # relatively further from what the numbers before give, it does not stand for itself
MOST_HYPOTHESES = 12  # ways the sheet may have come about that are kept in mind
MOST_WORK = 8_000  # lines that are worked for the verdicts on one sheet, by other right forms too
SEVERAL = 200  # lines, one worked from the other
MOST_PAIRS = 1000  # pairs of mistakes that are tried for one sheet, over all its wrong steps


class Hypothesis(msgspec.Struct, frozen=True, eq=False):
    """One way the sheet may have come about: what earlier explanations put in the place of given
    or unwritten quantities, and the first quantity that was explained so; what was ``meant`` where
    a pen slipped stands in for what was written."""

    stand_ins: Override
    origin: Key
    meant: frozenset[Key] = frozenset()

    @property
    def is_slip(self) -> bool:
        """Whether nothing else happened."""
        return self.meant == self.stand_ins.keys()

    def followed_by(self, stand_ins: StandIns, place: Key) -> Hypothesis:
        """The same, and what explains another quantity."""
        repaired = isinstance(stand_ins.get(place), Interval)
        meant = self.meant | {place} if repaired else self.meant
        return Hypothesis({**self.stand_ins, **stand_ins}, self.origin, meant)


Value = TypeVar("Value")


class Postponed(dict[Key, Value]):
    """Values of quantities, some of them made when they are first asked for."""

    def __init__(self, make: Callable[[Key], Value]) -> None:
        super().__init__()
        self.make = make
        self.waiting: set[Key] = set()

    def is_there(self, place: Key) -> bool:
        """Whether the value has been made."""
        return super().__contains__(place)

    def take_over(self, others: Postponed[Value], place: Key) -> None:
        """Has the value that others have, or will."""
        if others.is_there(place):
            self[place] = others[place]
        else:
            self.waiting.add(place)

    def __contains__(self, place: object) -> bool:
        return place in self.waiting or super().__contains__(place)

    def __missing__(self, place: Key) -> Value:
        self.waiting.remove(place)  # a KeyError where there is none
        self[place] = value = self.make(place)
        return value

    def get(self, place: Key, default: Any = None) -> Any:
        return self[place] if place in self else default  # noqa: SIM401


class Marks(dict[Key, Doubt]):
    """Which entries of quantities are of a kind; most sheets have none of it."""

    some = False

    def __setitem__(self, place: Key, marks: Doubt) -> None:
        super().__setitem__(place, marks)
        self.some = self.some or some(marks)

    def leave_out(self, place: Key, none: Doubt) -> None:
        """No entry of a quantity is of that kind."""
        super().__setitem__(place, none)


class Page:
    """What was written, and to how many digits, however it was worked."""

    def __init__(self, answers: Answers, exercise: Exercise) -> None:
        self.answers = answers
        written = {(w.epoch, w.batch, w.id): w for w in answers.written}
        self.written = with_zeros_of_given(written, exercise)
        self.decimals, self.digits, self.rounded = kept(tuple(self.written.values()))
        self.cut = self.rounded._replace(cut=True)
        # As they are read in every way of working, by whether digits are cut off.
        self.numbers: dict[bool, dict[Key, Numbers]] = {False: {}, True: {}}
        self.widest: dict[bool, dict[Key, Interval]] = {False: {}, True: {}}
        self.is_given = exercise.is_given
        self._in_floats: dict[Noting | None, Worked] = {}

    @cached_property
    def has_copies(self) -> bool:
        """Whether anything that is given is written again."""
        return any(map(self.is_given, self.written))

    @cached_property
    def lines(self) -> set[Key]:
        """The quantities that are written, but for what is given."""
        return {at for at, each in self.written.items() if each.cells and not self.is_given(at)}

    def in_floats(self, rounding: Noting | None) -> Worked:
        """What lines give on the numbers as they stand, or so ``rounding`` them; copies of what is
        given are taken as they are judged."""
        if self.has_copies:
            return Worked()
        return self._in_floats.setdefault(rounding, Worked())

    @cached_property
    def in_part(self) -> set[Key]:
        """The quantities with an entry that is no number."""
        return {
            at
            for at, each in self.written.items()
            if not all(isinstance(cell, Figure) for line in each.cells for cell in line)
        }


class Sheet:
    """One student's answers in the course of being judged."""

    def __init__(
        self,
        exercise: Exercise,
        page: Page,
        working: Working,
        *,
        explains: bool = True,
        before: Sheet | None = None,
    ) -> None:
        self.exercise = exercise
        self.working = working
        self.explains = explains  # whether what is wrong is to be explained
        self.work = Work(MOST_WORK, exercise.trials)
        self.is_cut_short = False  # whether some ways to work a line were left untried
        # The same, judged without explanations; not where it was cut short.
        self.before = None if before is None or before.is_cut_short else before
        self.written = page.written
        self.decimals = page.decimals
        self.digits = page.digits
        self.page = page.cut if working.cut else page.rounded
        self.known_numbers = page.numbers[working.cut]
        self.widest = page.widest[working.cut]
        self.in_part = page.in_part
        self.lines = page.lines
        self.has_copies = page.has_copies
        # What was written, and as later steps take it; of what is right at sight when asked for.
        self.numbers = Postponed(self.read)
        self.intervals = Postponed(self.settled)
        self.holding: set[Key] = set()  # what holds the exact numbers, written or not
        self.at_sight: set[Key] = set()  # what was seen to be right, or to follow, as it stands
        self.doubts = Marks()  # entries that are, or rest on, something wrong
        self.vague = Marks()  # entries that are, or rest on, something imprecise
        self.adrift = Marks()  # imprecise ones that are not what the spec allows
        self.boxes: dict[Key, Interval] = {}  # where what was held against it may lie
        self.kept: dict[Key, Interval] = {}  # vague quantities as the calculator still had them
        self.judged: dict[Key, Judged] = {}
        self.quantities: tuple[Judged, ...] = ()  # when all are
        self.lenient: Sheet | None = None  # the same with lines rounded again and again
        self.usual = self  # of the lenient one, that of which it is
        self.with_names: Sheet | None = None  # the same with explanations
        self.weights: dict[Sheet, float] = {}  # how much likelier it is than as it was worked there
        self.hypotheses: list[Hypothesis] = []
        self.is_read_anew = False  # whether a rule tells how vague numbers were meant
        self.pairs_left = MOST_PAIRS
        self.roots: dict[Key, Key | None] = {}
        self.replays: dict[float, Replay] = {}  # by unit, those in which nothing is replaced
        self.seen_ahead: dict[Key, Interval] = {}  # what was worked from before it was judged
        self.in_floats = InFloats(self, page.in_floats(self.rounding))
        self.search = exercise.searches

    @property
    def noise(self) -> float:
        """How far what comes to one number may lie apart, as part of it."""
        return SEVERAL * FLOAT32 if self.working.float32 else 0.0

    def read(self, place: Key) -> Numbers:
        """The written numbers of a quantity."""
        known = self.known_numbers.get(place)
        if known is None:
            known = self.known_numbers[place] = self.numbers_of(self.written[place], place)
        return known

    def settled(self, place: Key) -> Interval:
        """What later steps take for a quantity that is right at sight. Those that it is worked from
        are settled before it, in the order of work."""

        def is_known(at: Key) -> bool:
            return self.intervals.is_there(at) or self.exercise.is_given(at)

        for at in self.exercise.lines_before(place, is_known):
            if at in self.intervals or at == place:
                numbers = self.numbers[at]
                if at in self.doubts and self.doubts[at].any():
                    numbers = numbers.open_to_own(self.doubts[at])
                if self.is_rounded(at, numbers.values):
                    self.intervals[at] = between(numbers.low, numbers.high)
                else:
                    box = self.replay(numbers.unit).step(at)
                    self.intervals[at] = numbers.settled(box, numbers.alone_in(box, self.noise))
        return self.intervals[place]

    def is_rounded(self, place: Key, values: Floats) -> bool:
        """Whether it is plain that none of the numbers is just what those before it give: one that
        is may stand for itself, and not for all that rounds to it."""
        is_told = self.working.takes_numbers_as_they_stand and not self.has_copies
        worked = self.in_floats.step(place) if is_told else None
        return worked is not None and every(np.abs(values - worked) > ALONE * (1 + np.abs(worked)))

    def take_over(self, before: Sheet, place: Key) -> None:
        """Has of a quantity what the sheet has that was judged ``before``."""
        self.numbers.take_over(before.numbers, place)
        self.intervals.take_over(before.intervals, place)
        if place in before.holding:
            self.holding.add(place)
        self.doubts[place] = before.doubts[place]
        self.vague[place] = before.vague[place]
        self.adrift[place] = before.adrift[place]
        if place in before.kept:
            self.kept[place] = before.kept[place]
        if place in before.roots:
            self.roots[place] = before.roots[place]

    def take_as_written(self, places: AbstractSet[Key]) -> bool:
        """Has all other quantities stand for whatever their digits allow; whether all are whole."""
        others = self.lines - places
        if not others.isdisjoint(self.in_part):
            return False
        self.intervals.make = self.as_written
        self.intervals.waiting |= others
        self.numbers.waiting |= others
        return True

    def as_written(self, place: Key) -> Interval:
        if place not in self.widest:
            numbers = self.numbers[place]
            self.widest[place] = between(numbers.lows.min(axis=0), numbers.highs.max(axis=0))
        return self.widest[place]

    def numbers_of(self, written: WrittenQuantity, place: Key) -> Numbers:
        rows, columns = self.exercise.values[place].shape
        return numbers(
            written,
            (rows, columns),
            self.decimals[place],
            self.exercise.asked,
            self.page,
        )

    def explained(self, place: Key, opened: list[StandIns]) -> None:
        """Each explanation that puts something in an operand's place is a hypothesis (a tie gives
        several); those that were there go on with it."""
        if not opened:
            return
        before = self.hypotheses or [Hypothesis({}, place)]
        both = [
            hypothesis.followed_by(stand_ins, place)
            for hypothesis in before
            for stand_ins in opened
        ]
        self.hypotheses = [*self.hypotheses, *both][:MOST_HYPOTHESES]

    def carried(self, values: Floats) -> Floats:
        """Numbers as the next line takes them, in a working that rounds lines."""
        rounding = self.rounding
        return values if rounding is None else rounding.rounded(point(values)).lo[0]

    @property
    def rounding(self) -> Noting | None:
        """How the next line takes numbers, in a working that rounds lines."""
        return self.working.scratch if self.working.rounds_lines else None

    # What later steps take

    def box(self, place: Key) -> Interval:
        """Where a judged quantity may lie by the student's own work."""
        if place not in self.boxes:
            self.boxes[place] = self.replay(self.numbers[place].unit).of(place)
        return self.boxes[place]

    def replay(self, unit: float, over: Override = NOTHING) -> Replay:
        """The lines as they are worked for a quantity, of whose last decimal ``unit`` is half."""
        plain = self.replays.get(unit)
        if plain is None:
            plain = self.replays[unit] = Replay(self, unit, NOTHING, None)
        return Replay(self, unit, over, plain) if over else plain

    def ahead(self, place: Key) -> Interval | None:
        """What was written further down, where a wrong rule reaches for it; None where nothing."""
        written = self.written.get(place)
        if written is None or not written.cells:
            return None
        read = self.read(place)
        if not every(read.there):
            return None
        self.seen_ahead[place] = between(read.low, read.high)
        return self.seen_ahead[place]

    def arrive_at(self, place: Key) -> None:
        """Forgets what was worked from a quantity that lay ahead, if it is now taken otherwise."""
        ahead = self.seen_ahead.pop(place, None)
        if ahead is not None:
            taken = self.intervals[place]
            if not (np.array_equal(ahead.lo, taken.lo) and np.array_equal(ahead.hi, taken.hi)):
                self.replays = {}

    def from_written(self, place: Key) -> Interval:
        """Where what the numbers written before a quantity give, taken as they stand, may lie."""
        return hull(self.ways_from_written(place, 0.0))

    def ways_from_written(self, place: Key, unit: float) -> Interval:
        """The same, in each way of working; each line between is rounded to half a ``unit``."""
        plain = self.replay(unit)
        over: StandIns = {
            source: plain.carried(point(self.numbers[source].values))
            for source in self.sources(place)
            if every(self.numbers[source].there)
        }
        return Replay(self, unit, over, None, rounds=True).step(place)

    def forms_from_written(self, place: Key) -> Iterator[Interval]:
        """What other right forms give that are worked from written numbers alone, as they stand."""
        for form in self.exercise.forms(place):
            sources = [(*place[:2], id) for id in form.operands]
            known = {at: self.numbers[at] for at in sources if at in self.numbers}
            if all(at in known or self.exercise.is_given(at) for at in sources):
                carried = self.replay(0.0).carried
                whole = {at: each for at, each in known.items() if each.there.all()}
                over: StandIns = {at: carried(point(each.values)) for at, each in whole.items()}
                replay = Replay(self, 0.0, over, None)
                operands = {id: replay.operand((*place[:2], id)) for id in form.operands}
                yield replay.applied(form, operands.__getitem__)

    def kept_for(self, place: Key) -> StandIns:
        """The vague quantities that a step is worked from, as the calculator still had them."""
        return {at: self.kept[at] for at in self.sources(place) if at in self.kept}

    def middle_from_written(self, place: Key) -> Floats:
        """The one value that a quantity has by the numbers written before it, as they stand, or the
        middle of where it lies."""
        worked = self.in_floats.step(place) if self.is_plain else None
        if worked is not None:
            return worked
        box = self.from_written(place)
        middle: Floats = (box.lo[0] + box.hi[0]) / 2
        return middle

    @property
    def is_plain(self) -> bool:
        """Whether lines are worked as usual, from what is given as it is given."""
        return self.working == Working() and not self.has_copies

    def sources(self, place: Key) -> Iterator[Key]:
        """The written quantities that a step is worked from, past those that were not written."""
        waiting, seen = list(self.exercise.operands[place]), set()
        while waiting:
            source = waiting.pop()
            if source in seen:
                continue
            seen.add(source)
            if source in self.numbers:
                yield source
            else:
                waiting += self.exercise.operands[source]

    # What rests on what

    def doubt(self, place: Key) -> Doubt:
        """Which entries are, or rest on, something that is neither right nor rounded."""
        return self._marks(self.doubts, place)

    def vagueness(self, place: Key) -> Doubt:
        """Which entries are, or rest on, something with too few digits to tell."""
        return self._marks(self.vague, place)

    def doubt_of_operands(self, place: Key, step: Step) -> Doubt:
        """Which entries of a step rest on a doubtful entry of an operand."""
        return self._of_operands(self.doubts, place, step)

    def doubt_but_for(self, meant: AbstractSet[Key], place: Key, step: Step) -> Doubt:
        """The same if nothing were wrong with what was ``meant``, a slip of the pen apart."""
        sound = Marks()
        for at, doubt in self.doubts.items():
            if at in self.written:
                sound[at] = np.zeros_like(doubt) if at in meant else doubt
        return self._of_operands(sound, place, step)

    def vagueness_of_operands(self, place: Key, step: Step) -> Doubt:
        """Which entries of a step rest on an imprecise entry of an operand."""
        return self._of_operands(self.vague, place, step)

    def adrift_in_operands(self, place: Key, step: Step) -> Doubt:
        """Which entries of a step rest on an imprecise entry that may well be wrong."""
        return self._of_operands(self.adrift, place, step)

    def _marks(self, marks: Marks, place: Key) -> Doubt:
        def is_known(at: Key) -> bool:
            return at in marks or self.exercise.is_given(at)

        is_none = not marks.some or self.exercise.is_given(place)
        if is_none and place not in marks:
            return np.zeros(self.exercise.values[place].shape, dtype=bool)
        if place not in marks:
            for at in self.exercise.lines_before(place, is_known):
                marks[at] = self._of_operands(marks, at, self.exercise.steps[at])
        return marks[place]

    def _of_operands(self, marks: Marks, place: Key, step: Step) -> Doubt:
        if not marks.some:
            return np.zeros(self.exercise.values[place].shape, dtype=bool)
        if step.operation == "given":
            return self._marks(marks, self.exercise.operands[place][0])
        found = [self._marks(marks, (*place[:2], id)) for id in step.operands]
        if step.operation == "forward_again":
            return np.array([[any(bool(each.any()) for each in found)]])
        if not any(map(some, found)):
            return np.zeros(self.exercise.values[place].shape, dtype=bool)
        parameters = self.exercise.parameters[place] | step.parameters
        return dependent(step.operation, self.exercise.setting, parameters, *found)

    def root(self, place: Key) -> Key | None:
        """The first quantity whose mistake ``place`` rests on; None where all is sound."""
        if place in self.judged:
            own = self.judged[place]
            is_sound = own.verdict == "carried" or not some(self.doubt(place))
            return self.roots.get(place) if is_sound else place
        if self.exercise.is_given(place):
            return None
        if place not in self.roots:
            for at in self.exercise.lines_before(place, self.has_root):
                self.roots[at] = self.first_root(self.exercise.operands[at])
        return self.roots[place]

    def has_root(self, place: Key) -> bool:
        return place in self.roots or place in self.judged or self.exercise.is_given(place)

    def first_root(self, places: tuple[Key, ...]) -> Key | None:
        roots = [root for root in map(self.root, places) if root is not None]
        return min(roots, key=self.exercise.order.__getitem__, default=None)
