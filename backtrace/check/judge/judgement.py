"""One quantity of a sheet being judged, entry by entry, by the two intervals G and L.

G is what the spec allows, L what the student's own written operands allow (see ``model.Verdict``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.diagnosis.diagnosis import MOST_EXPLANATIONS, Diagnosis
from backtrace.check.diagnosis.evidence import middle
from backtrace.check.diagnosis.other_shapes import OtherShape
from backtrace.check.diagnosis.repetition import repeating
from backtrace.check.judge.at_sight import Entries, is_right_at_sight, verdicts_at_sight
from backtrace.check.model import (
    WORST_FIRST,
    Explanation,
    Judged,
    Malformed,
    Verdict,
    texts,
)
from backtrace.check.rules.intervals import Interval, between, every, hull, point, single, some
from backtrace.check.sheets.digits import SAME, SLACK, WHOLE, Numbers
from backtrace.check.sheets.exercise import Key
from backtrace.check.sheets.replay import Override
from backtrace.check.sheets.sheet import Doubt, Hypothesis, Sheet
from backtrace.check.sheets.workings import ACCUSED, accused
from backtrace.spec.ids import At
from backtrace.tape.steps import Step

FEW_HALF_UNITS = 6.0  # of the last digit, in which a number can be told from others
CLOSE = 5.0  # what part of a number its room may be and still tell something
NEAR = 10.0  # what part of a number roundings may come to
# By whether an entry is in L, and in G, of entries that rest on nothing wrong or vague
VERDICTS = np.array(["wrong", "unsupported", "rounded", "right"], dtype=object)
UNFINISHED = (
    "not every explanation was tried: too many lines that it is worked from are not written"
)


class Compared(NamedTuple):
    """Numbers as they were taken, in which box they were held to lie, which of them are all that is
    in it, and their verdicts."""

    numbers: Numbers
    box: Interval
    alone: Doubt
    names: NDArray[Any]


class Judgement:
    """One quantity being judged."""

    def __init__(self, sheet: Sheet, place: Key) -> None:
        self.sheet = sheet
        self.exercise = sheet.exercise
        self.place = place
        self.step = self.exercise.steps[place]
        self.written = sheet.written[place]
        self.exact = self.exercise.values[place]
        self.origin: Key | None = None  # of the hypothesis in which the value follows
        self.meant: tuple[Doubt, Key] | None = (
            None  # the key's, of what was meant where a pen slipped
        )
        self.alike = 0  # explanations that are too many to be told
        self.repeated: str | None = None  # the quantity in which the same mistake was made before
        self.by_rule: Interval | None = None  # what the rule gives that is the likeliest of them

    def judged(self, extra: bool) -> Judged:
        """The verdict; ``extra`` is whether the quantity was not asked for and earns nothing."""
        found = self.found(extra)
        if self.place in self.sheet.intervals:
            self.sheet.arrive_at(self.place)
        return found

    def found(self, extra: bool) -> Judged:
        if self.written.problem:
            return self.misshapen(extra)
        before = self.sheet.before
        if before is not None and not (self.sheet.hypotheses or self.sheet.is_read_anew):
            return self.as_before(before, extra)
        is_given = self.exercise.is_given(self.place)
        seen = None if is_given else self.seen()
        if seen is not None:
            return self.at_sight(seen, extra)
        numbers = self.sheet.numbers[self.place] = self.sheet.read(self.place)
        return self.given(numbers) if is_given else self.worked(numbers, extra)

    def is_accused(self) -> bool:
        """Whether any entry is wrong or unsupported; quicker than to say all that is so of each."""
        if self.written.problem or self.exercise.is_given(self.place):
            return accused((self.judged(extra=False),))
        if self.seen() is not None:
            return False
        numbers = self.sheet.numbers[self.place] = self.sheet.read(self.place)
        if not every(numbers.there) or np.isinf(self.exact).any():
            return accused((self.worked(numbers, extra=False),))
        own = self.sheet.replay(numbers.unit).of(self.place)
        found = self.in_own_work(numbers, own)
        if every(found[0].any(axis=0)):
            return False
        names = self.compared(numbers, *found).names.tolist()
        return any(name in ACCUSED for line in names for name in line)

    def as_before(self, before: Sheet, extra: bool) -> Judged:
        """What was said when nothing was explained: so long as no explanation stands in the place
        of another quantity, nothing else is said now."""
        self.sheet.take_over(before, self.place)
        judged = before.judged[self.place]
        if judged.verdict != "wrong" or self.exercise.is_given(self.place):
            return judged
        if judged.count("imprecise"):  # which a rule may tell how to read
            return self.worked(self.sheet.read(self.place), extra)
        explanations = self.explain(np.array(judged.entries))
        return msgspec.structs.replace(
            judged,
            explanations=explanations,
            notes=self.notes(judged.verdict),
            alike=self.alike,
            repeated=self.repeated,
        )

    def seen(self) -> Entries | None:
        """The verdicts that can be said at sight, where all can."""
        if is_right_at_sight(self.sheet, self.place):
            rows, columns = self._shape()
            right: Verdict = "right"
            return ((right,) * columns,) * rows
        return verdicts_at_sight(self.sheet, self.place)

    def at_sight(self, entries: Entries, extra: bool) -> Judged:
        """Said at sight; what later steps take is seen to where any needs it."""
        place, sheet, none = self.place, self.sheet, np.zeros(self._shape(), dtype=bool)
        sheet.at_sight.add(place)
        sheet.numbers.waiting.add(place)
        sheet.intervals.waiting.add(place)
        for marks in (sheet.vague, sheet.adrift, sheet.doubts):
            marks.leave_out(place, none)
        worst = self.worst(entries)
        if worst == "right":
            sheet.holding.add(place)
        elif worst == "carried":
            sheet.doubts[place] = np.array(entries) == "carried"
        operands = self.exercise.operands[place] if sheet.doubts.some else ()
        root = sheet.roots[place] = sheet.first_root(operands)
        credit = self.exercise.credit
        return Judged(
            *self._id(),
            worst,
            entries,
            texts(self.written.cells),
            root=_name(root) if root is not None and worst == "carried" else None,
            earned=0.0 if extra else sum(credit[each] for line in entries for each in line),
            possible=0.0 if extra else float(none.size),
            notes=self.written.notes,
        )

    def _shape(self) -> tuple[int, int]:
        rows, columns = self.exact.shape
        return rows, columns

    # A shape that fits no way round

    def misshapen(self, extra: bool) -> Judged:
        explanations = self.likeliest(OtherShape(self.sheet, self.place).explanations(self.written))
        verdict: Verdict = "wrong" if explanations else "malformed"
        rows, columns = self._shape()
        entries = ((verdict,) * columns,) * rows
        none = np.zeros((rows, columns), dtype=bool)
        # From a matrix of no shape nothing follows but from the mistake that made it so.
        self.sheet.doubts[self.place] = ~none if explanations else none
        self.sheet.vague[self.place] = self.sheet.adrift[self.place] = none
        return Judged(
            *self._id(),
            verdict,
            entries,
            texts(self.written.raw),
            explanations,
            possible=0.0 if extra else float(rows * columns),
            notes=(*self.written.notes, self.written.problem),
            repeated=self.repeated,
        )

    def _id(self) -> tuple[str, int, int]:
        epoch, batch, id = self.place
        return id, epoch, batch

    # A given number, written again

    def given(self, numbers: Numbers) -> Judged:
        """Copying it earns nothing, unless it was asked for; misreading it costs its entries."""
        near = numbers.may_be(self.exact)
        same = near.any(axis=0) | ~numbers.there
        shown = near & numbers.enoughs
        vague = ~shown.any(axis=0) & numbers.there & (numbers.values != self.exact)
        taken = np.where(same, self.exact, numbers.values)
        explanations: tuple[Explanation, ...] = ()
        if not same.all():
            explanations = (Explanation((("given-misread", self.place[2]),)),)
        self.sheet.intervals[self.place] = point(taken)
        if same.all():
            self.sheet.holding.add(self.place)
        none = np.zeros(same.shape, dtype=bool)
        self.sheet.vague[self.place] = self.sheet.adrift[self.place] = none
        names = np.where(same, np.where(vague, "imprecise", "right"), "wrong")
        found = self.verdict(names, numbers, ~same, explanations, extra=False)
        if found.id in self.exercise.spec.ask:
            return found
        return msgspec.structs.replace(found, earned=0.0, possible=float((~same).sum()))

    # A worked quantity

    def worked(self, numbers: Numbers, extra: bool) -> Judged:
        own = self.sheet.replay(numbers.unit).of(self.place)
        numbers, box, alone, names = self.compared(numbers, *self.in_own_work(numbers, own))
        self.settle(numbers, box, alone, names)
        explanations: tuple[Explanation, ...] = ()
        if self.sheet.explains and some(names[numbers.there] == "wrong"):
            explanations = self.explain(names)
            if self.by_rule is not None and some(names == "imprecise"):
                names, numbers = self.as_the_rule(names, numbers, self.by_rule)
                self.settle(numbers, box, alone, names)
                self.sheet.is_read_anew = True
        return self.verdict(names, numbers, self.sheet.doubts[self.place], explanations, extra)

    def compared(self, numbers: Numbers, follows: Doubt, box: Interval, doubt: Doubt) -> Compared:
        """What each entry is, by what it ``follows`` from, in which ``box``, and whether that is in
        doubt."""
        place = self.place
        self.sheet.boxes[place] = box
        alone = numbers.alone_in(box)
        allowed = self.in_spec(numbers, alone)
        numbers = self.by_right_entries(numbers, np.asarray((follows | allowed).any(0)))
        which = _likeliest(follows, allowed, numbers.enoughs, numbers.own)
        numbers = self.sheet.numbers[place] = numbers.taken(which)
        in_l, in_g = _at(follows, which), _at(allowed, which)
        names, only_l = VERDICTS[2 * in_l + in_g], in_l & ~in_g
        idle, vague, follows_only = self.tells_nothing(numbers, box), only_l, some(only_l)
        if follows_only:
            vague = (self.sheet.vagueness_of_operands(place, self.step) | idle) & only_l
            if some(vague & ~doubt):
                vague &= ~self.tells_all_the_same(numbers)
            names[vague] = "imprecise"
            names[only_l & doubt] = "carried"
        too_vague = self.too_vague(numbers, in_g, alone) & (in_g | in_l)
        names[too_vague | idle & (vague | doubt & ~in_g)] = "imprecise"
        masked = np.isinf(self.exact)  # a mask's −∞
        if some(masked):
            names[masked & numbers.there & ~doubt] = "wrong"
        if follows_only:
            # What follows with zeros that fell away, but is the key's only without, may be either.
            own = numbers.own
            both = follows[own] & allowed[own] & (numbers.halves[own] < WHOLE)
            either = (names == "carried") | (only_l & both)
            numbers = numbers.open_to_own(either) if some(either) else numbers
        return Compared(numbers, box, alone, names)

    def by_right_entries(self, numbers: Numbers, right: Doubt) -> Numbers:
        """Whether digits are enough is told by the largest entry, but not by a wrong one."""
        if every(right):
            return numbers
        sizes = np.abs(np.where(right, numbers.values, self.exact))[numbers.there]
        if np.abs(numbers.values)[numbers.there].max() <= sizes.max():
            return numbers
        return numbers.told_by(float(sizes.max()), self.exercise.asked)

    def as_the_rule(
        self, names: NDArray[Any], numbers: Numbers, box: Interval
    ) -> tuple[NDArray[Any], Numbers]:
        """Vague entries that a rule gives which is named here, with the zeros that they have lost:
        they are wrong by it, and known as well as the others."""
        ends, half = hull(box), numbers.halves[0]
        told = (ends.hi - ends.lo)[0] <= FEW_HALF_UNITS * half
        told = told & numbers.meets_as_read(box)[0] & (names == "imprecise")
        told = np.asarray(told & (half < numbers.half))
        names = np.where(told, "wrong", names).astype(object)
        return names, numbers.with_zeros(told)

    def in_spec(self, numbers: Numbers, alone: Doubt) -> Doubt:
        """Which entries lie in G, in each reading. A number that can only be this one stands for
        itself."""
        same = np.abs(numbers.values - self.exact) <= SAME * (1.0 + np.abs(self.exact))
        return numbers.may_be(self.exact, numbers.slack) & (same | ~alone)

    def in_own_work(self, numbers: Numbers, own: Interval) -> tuple[Doubt, Interval, Doubt]:
        """Which entries follow from the student's own work by any right form, in each reading;
        which box holds each, and which rest on doubtful operands.

        Of what is unbounded anything would follow: other forms are asked first.
        """
        doubt, box, unbounded = self.resting, own, own.unbounded
        follows = self.as_read(numbers, own, {})
        if every(follows[0]):
            return follows, box, doubt
        for over, hypothesis in self.alternatives():
            other = self.sheet.replay(numbers.unit, over).of(self.place)
            now = self.as_read(numbers, other, over) & ~follows.any(axis=0)
            if hypothesis is not None and hypothesis.is_slip:
                now &= self.leaves_little_room(numbers, other, own)
                if self.meant is None and some(now):
                    self.meant = np.asarray(now.any(axis=0)), hypothesis.origin
                now &= ~self.is_as_the_key(numbers)
            new = now.any(axis=0)
            if some(new):
                if hypothesis is not None and hypothesis.is_slip:
                    but = self.sheet.doubt_but_for(hypothesis.meant, self.place, self.step)
                    doubt = np.where(new, but, doubt)
                elif hypothesis is not None:
                    doubt = doubt | new
                    self.origin = hypothesis.origin
                else:
                    doubt = doubt | (new & self.resting_of(over))
                box = Interval(
                    np.where(new, hull(other).lo, hull(box).lo),
                    np.where(new, hull(other).hi, hull(box).hi),
                )
                follows = follows | now
            if every(follows.any(axis=0)):
                break
            if self.sheet.work.is_spent:
                self.sheet.is_cut_short = True
                break
        return follows | (unbounded & ~follows.any(axis=0)), box, doubt

    def as_read(self, numbers: Numbers, box: Interval, over: Override) -> Doubt:
        """Which entries lie in a box, in each reading. Where zeros are read that the whole line has
        lost, its partial results were noted to as many decimals too."""
        follows = numbers.meets_as_read(box) & ~box.unbounded
        for reading in range(numbers.own + 1, len(numbers.halves)):
            unit = float(numbers.halves[reading].max())
            told = (follows & numbers.enoughs)[:reading].any(axis=0)
            if 0 < unit < numbers.unit and some(follows[reading] & numbers.there & ~told):
                finer = self.sheet.replay(unit, over).of(self.place)
                follows[reading] &= numbers.meets_as_read(finer)[reading]
        return follows

    def leaves_little_room(self, numbers: Numbers, box: Interval, own: Interval) -> Doubt:
        """Whether what was meant, where a pen slipped, leaves little room for each entry, by its
        digits or beside what the slip would have changed."""
        changed = np.abs(middle(box) - middle(own))
        few = np.maximum(FEW_HALF_UNITS * numbers.half, changed)
        return np.asarray(box.hi[0] - box.lo[0] <= few)

    def is_as_the_key(self, numbers: Numbers) -> Doubt:
        """Which entries are the key's, which anybody may have: they don't tell that a student went
        on from what was meant."""
        near = numbers.may_be(self.exact)
        near |= np.abs(numbers.values - self.exact) <= numbers.half  # however digits were left out
        return np.asarray(near.any(axis=0))

    def resting_of(self, over: Override) -> Doubt:
        """Which entries rest on a doubtful entry by way of another form; where it lies is noted."""
        found = np.zeros(self.exact.shape, dtype=bool)
        for where, form in over.items():
            assert isinstance(form, Step)
            doubt = self.sheet.doubt_of_operands(where, form)
            if doubt.any():
                found |= doubt if where == self.place else doubt.any()
                self.origin = self.sheet.first_root(tuple((*where[:2], x) for x in form.operands))
        return found

    def alternatives(self) -> Iterator[tuple[Override, Hypothesis | None]]:
        """Other forms along the unwritten way here, and what earlier explanations stand for."""
        path = Diagnosis(self.sheet, self.place).path()
        forms = [(where, form) for where in path for form in self.exercise.forms(where)]
        for where, form in forms:
            yield {where: form}, None
        alike: dict[str, dict[Key, Step]] = {}
        for where, form in forms:
            alike.setdefault(form.operation, {})[where] = form
        # Who takes the slope from a does so at each time step.
        yield from ((over, None) for over in alike.values() if len(over) > 1)
        for hypothesis in self.sheet.hypotheses:
            stand_ins = {k: v for k, v in hypothesis.stand_ins.items() if k != self.place}
            if stand_ins:
                yield stand_ins, hypothesis
                for where, form in forms:
                    if where not in stand_ins:
                        yield {**stand_ins, where: form}, hypothesis

    def too_vague(self, numbers: Numbers, in_g: Doubt, alone: Doubt) -> Doubt:
        """Too few digits to tell anything by, unless they are the value exactly. A 0 that follows
        from others tells nothing of the spec's."""
        few = ~numbers.enough
        if some(few):
            slack = SLACK * (1.0 + np.abs(self.exact))
            few &= (np.abs(numbers.values - self.exact) > slack) & ~alone
        if some(few):
            lucky = in_g & (numbers.values == 0)
            whole = numbers.half <= WHOLE  # 1e2 is no number by itself
            few &= ~(self.follows_exactly(numbers) & self.resting & whole & ~lucky)
        return np.asarray(numbers.there & (numbers.half > 0) & few)

    def tells_nothing(self, numbers: Numbers, box: Interval) -> Doubt:
        """Anything follows from the student's own work; only the exact value says that it is so."""
        return np.asarray(numbers.there & (numbers.half > 0) & box.unbounded)

    def tells_all_the_same(self, numbers: Numbers) -> Doubt:
        """Which entries follow closely from vague ones that may be right: those leave little room,
        or did so in the calculator, where the 0.0000 of the page was still 0.00003."""
        box = self.sheet.replay(numbers.unit, self.sheet.kept_for(self.place)).step(self.place)
        fine = 4 * np.minimum(numbers.half, numbers.unit)
        narrow = box.hi - box.lo <= np.maximum(fine, np.abs(numbers.values) / CLOSE)
        near = Interval(np.where(narrow, box.lo, np.inf), np.where(narrow, box.hi, -np.inf))
        return numbers.meets(near) & ~self.sheet.adrift_in_operands(self.place, self.step)

    @cached_property
    def resting(self) -> Doubt:
        """Which entries rest on a doubtful entry of an operand."""
        return self.sheet.doubt_of_operands(self.place, self.step)

    def follows_exactly(self, numbers: Numbers) -> Doubt:
        """Which written numbers are, digit for digit, what the numbers written before them give."""
        box = self.sheet.from_written(self.place)
        slack = 1e-9 * (1.0 + np.abs(numbers.values))
        near = (box.lo[0] - slack <= numbers.values) & (numbers.values <= box.hi[0] + slack)
        return np.asarray(near & single(box))

    def settle(self, numbers: Numbers, box: Interval, alone: Doubt, names: NDArray[Any]) -> None:
        """What later steps take for this quantity, and which of its entries are doubtful."""
        if self.sheet.noise:
            alone = alone | numbers.alone_in(box, self.sheet.noise)
        taken = numbers.settled(box, alone)
        vague = names == "imprecise"
        doubt = ~((names == "right") | (names == "rounded") | vague)
        if not every(numbers.there):
            filled = hull(self.sheet.replay(numbers.unit).may_be_rounded(self.place, box))
            low = np.where(numbers.there, taken.lo[0], filled.lo[0])
            taken = between(low, np.where(numbers.there, taken.hi[0], filled.hi[0]))
            doubt = np.where(numbers.there, doubt, self.resting)
            own = self.sheet.vagueness_of_operands(self.place, self.step)
            vague = np.where(numbers.there, vague, own)
        elif every(names == "right"):
            self.sheet.holding.add(self.place)
        self.sheet.intervals[self.place] = taken
        is_vague = some(vague)
        far = self.far_from_spec(numbers, taken) if is_vague else vague
        self.sheet.adrift[self.place] = vague & far
        if is_vague:
            self.keep(numbers, taken, vague)
        self.sheet.doubts[self.place] = doubt
        self.sheet.vague[self.place] = vague
        operands = self.exercise.operands[self.place] if self.sheet.doubts.some else ()
        root = self.sheet.first_root(operands)
        self.sheet.roots[self.place] = self.origin if root is None else root

    def far_from_spec(self, numbers: Numbers, taken: Interval) -> Doubt:
        """Which entries are further from what the spec allows than rounding takes honest work."""
        room = np.maximum(4 * np.minimum(numbers.half, numbers.unit), np.abs(self.exact) / NEAR)
        return np.asarray((taken.lo[0] > self.exact + room) | (taken.hi[0] < self.exact - room))

    def keep(self, numbers: Numbers, taken: Interval, vague: Doubt) -> None:
        """What the calculator still held of entries that show next to nothing."""
        box = hull(self.sheet.replay(0.0, self.sheet.kept_for(self.place)).step(self.place))
        inside = vague & numbers.there & (box.lo <= taken.hi)[0] & (taken.lo <= box.hi)[0]
        self.sheet.kept[self.place] = Interval(
            np.where(inside, np.maximum(box.lo, taken.lo), taken.lo),
            np.where(inside, np.minimum(box.hi, taken.hi), taken.hi),
        )

    def explain(self, names: NDArray[Any]) -> tuple[Explanation, ...]:
        """The explanations, each kind once; what they put in an operand's place is remembered."""
        verdicts, self.sheet.work = self.sheet.work, self.sheet.search
        found = Diagnosis(self.sheet, self.place).found(names == "wrong")
        self.sheet.work = verdicts
        self.sheet.explained(self.place, [f.stand_ins for f in found if f.stand_ins])
        told = self.likeliest([each.explanation for each in found])
        boxes = [each.box for each in found if each.explanation in told]
        self.by_rule = boxes[0] if boxes and boxes[0] is not None else None
        if self.by_rule is not None and self.by_rule.shape != self.exact.shape:
            self.by_rule = None
        return told

    def likeliest(self, found: Sequence[Explanation]) -> tuple[Explanation, ...]:
        """The explanations, each kind once, those first that were found before; too many are
        none."""
        ordered, self.repeated = repeating(found, self.sheet.judged.values())
        kinds: dict[tuple[str, ...], Explanation] = {}
        for explanation in ordered:
            kind = tuple(sorted(explanation.codes))
            kinds[kind] = explanation.beside(kinds[kind]) if kind in kinds else explanation
        if len(kinds) > MOST_EXPLANATIONS and not self.repeated:
            self.alike = len(kinds)
            return ()
        return tuple(kinds.values())[:MOST_EXPLANATIONS]

    def verdict(
        self,
        names: NDArray[Any],
        numbers: Numbers,
        doubt: Doubt,
        explanations: tuple[Explanation, ...],
        extra: bool,
    ) -> Judged:
        self.sheet.doubts[self.place] = doubt
        if not every(numbers.there):
            names = names.astype(object)
            for i, j in np.argwhere(~numbers.there).tolist():
                cell = self.written.cells[i][j] if self.written.cells else None
                names[i, j] = "missing"
                if isinstance(cell, Malformed):
                    names[i, j] = "right" if cell.value == self.exact[i, j] else "malformed"
        entries: Entries = tuple(map(tuple, names.tolist()))
        worst = self.worst(entries)
        root = self.sheet.roots.get(self.place) if worst in ("carried", "unsupported") else None
        slip, spared = self.spared(names)
        return Judged(
            *self._id(),
            worst,
            entries,
            texts(self.written.cells),
            explanations,
            root=None if root is None else _name(root),
            earned=0.0 if extra else self.earned(entries) + spared,
            possible=0.0 if extra else float(names.size),
            notes=self.notes(worst),
            alike=self.alike,
            repeated=self.repeated,
            slip=slip,
            spared=0.0 if extra else spared,
        )

    def notes(self, worst: Verdict) -> tuple[str, ...]:
        """The reader's, and whether anything was left untried."""
        spent = self.sheet.work.is_spent or self.exercise.trials.is_spent
        cut = worst == "wrong" and (spent or self.sheet.search.is_spent)
        return (*self.written.notes, UNFINISHED) if cut else self.written.notes

    def worst(self, entries: Entries) -> Verdict:
        return min({v for line in entries for v in line}, key=WORST_FIRST.index)

    def spared(self, names: NDArray[Any]) -> tuple[str | None, float]:
        """The quantity in which a pen slipped, and the marks of what follows from what was meant
        there and is the key's: a slip that has a name is charged once."""
        if self.meant is None:
            return None, 0.0
        follow, slip = self.meant
        kept = int((follow & (names == "unsupported")).sum())
        credit = self.exercise.credit
        worth = credit.get("right", 0.0) - credit.get("unsupported", 0.0)
        return (_name(slip), kept * worth) if kept and worth > 0 else (None, 0.0)

    def earned(self, entries: Entries) -> float:
        """Marks by the policy."""
        return sum(self.exercise.credit.get(verdict, 0.0) for line in entries for verdict in line)


def _likeliest(follows: Doubt, allowed: Doubt, enough: Doubt, own: int) -> NDArray[np.intp]:
    """The index of each entry's reading: the first in which it is right and says enough, else the
    first in which it follows from the student's own work (and says enough, if it does in any), else
    the first that the spec allows.

    What fits nothing is read by its own digits.
    """
    fits = np.where(follows, 2 + enough + (enough & allowed), allowed)
    return np.where(fits.any(axis=0), fits.argmax(axis=0), own)


def _at(readings: Doubt, which: NDArray[np.intp]) -> Doubt:
    """Of each entry, what the reading of that index has."""
    return np.asarray(which.choose(readings)) if some(which) else readings[0]


def _name(place: Key) -> str:
    epoch, batch, id = place
    return str(At(id, epoch, batch))
