"""Why a value is wrong: the step replayed with wrong rules on the student's own numbers.

Rules are tried at the step itself and along the steps before it that were not written. A mistake
is named where it explains every written entry; what explains as well is a tie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.judge.digits import Numbers, figures
from backtrace.check.judge.exercise import Key, key
from backtrace.check.judge.replay import Override, StandIns
from backtrace.check.judge.sheet import Sheet
from backtrace.check.mistakes.rewrites import Wrong
from backtrace.check.mistakes.slips import meant
from backtrace.check.model import Explanation, Figure, WrittenQuantity
from backtrace.check.rules.intervals import Floats, Interval, hull, point
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.formula import Symbol, row

MOST_EXPLANATIONS = 3  # of one wrong step that are told; more can't be told apart
FEW_UNITS = 4  # of the last digit, within which a number is known well enough to compare digits
MOST_TIES = 12  # explanations of one wrong step that are kept
PLAINER = {"activation-derivative-omitted", "relu-mask-ignored", "derivative-incomplete"}
TELLING_ENTRIES, TELLING_DIGITS = 3, 3
MOST_GIVENS = 60  # given numbers that are tried as misread for one wrong step


class Cause(msgspec.Struct, frozen=True):
    """An explanation, and what it puts in the place of quantities that were not written: these
    stand in for them in all later steps, so that nothing is charged twice."""

    explanation: Explanation
    stand_ins: StandIns = {}
    box: Interval | None = None  # what the wrong rule gives

    @property
    def is_wrong_activation(self) -> bool:
        return "wrong-activation" in self.explanation.codes


class Diagnosis:
    """One wrong quantity of a sheet."""

    def __init__(self, sheet: Sheet, place: Key) -> None:
        self.sheet = sheet
        self.exercise = sheet.exercise
        self.place = place

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

    def again(self) -> list[Key]:
        """The lines of the loss, which the loss after the update works once more."""
        steps = self.exercise.contexts[self.place[:2]].steps
        if self.exercise.steps[self.place].operation != "forward_again":
            return []
        return [key(step) for step in steps.values() if step.phase == "loss"]

    @property
    def numbers(self) -> Numbers:
        return self.sheet.numbers[self.place]

    def found(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """Every explanation of the entries marked ``wrong``, the simplest kind that there is.

        Where one of several entries is wrong, or some have lost their sign, the hand slipped; rules
        that come to the same are ties. A number that stands alone is looked at by rules first.
        """
        slips = self.by_slips(wrong)
        rules = self.by_singles(wrong)
        only = int(wrong.sum()) == 1
        if wrong.size > 1 and slips:
            return [*slips, *rules] if len(slips) + len(rules) <= MOST_EXPLANATIONS else slips
        if not rules:
            rules = self.by_pairs(only)
            return [*rules, *(slips or [self.cause("arithmetic-slip")])] if only else rules
        misread = all(f.explanation.codes == ("given-misread",) for f in rules)
        return [*rules, *(slips or [self.cause("arithmetic-slip")])] if only and misread else rules

    def by_singles(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """One wrong rule, or one given number misread."""
        path = self.path()
        found = self.by_rules([(single,) for single in self.singles], self.by_other_ways(path))
        found = found or self.by_rules(self.throughout())
        found = self.without_disguises(found, wrong)
        if all("wrong-activation" in f.explanation.codes for f in found):
            found += self.by_misreading(path, wrong)  # one of a dozen activations often fits
        return [each for each in found if self.is_borne_out(each)]

    @cached_property
    def singles(self) -> list[tuple[Key, Wrong]]:
        path = self.path()
        places = [*path, *(at for at in self.again() if at not in path)]
        return [(place, rewrite) for place in places for rewrite in self.exercise.wrongs(place)]

    def throughout(self) -> list[tuple[tuple[Key, Wrong], ...]]:
        """The same wrong rule in every layer on the way."""
        rules: dict[str, dict[Key, Wrong]] = {}
        for place, wrong in self.singles:
            rules.setdefault(wrong.code, {}).setdefault(place, wrong)
        return [tuple(places.items()) for places in rules.values() if len(places) > 1]

    def by_pairs(self, only: bool) -> list[Cause]:
        """Two mistakes; for one entry at the step itself alone: further off, some pair fits nearly
        every number."""
        singles = [single for single in self.singles if not only or single[0] == self.place]
        return [each for each in self.by_rules(self.pairs(singles)) if self.is_borne_out(each)]

    def cause(self, code: str) -> Cause:
        return Cause(Explanation(((code, self.place[2]),)))

    # Slips of the hand

    def by_slips(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """The slips that explain all entries that are wrong, where others are not."""
        box = hull(self.replayed({}))
        entries = [tuple(at) for at in np.argwhere(wrong).tolist()]
        if wrong.size > 1 and len(entries) == int((self.numbers.values != 0).sum()):
            return []  # every entry: that is no slip
        slips = [self.slips_of(at, box) for at in entries]
        if len(entries) > 1:
            slips = [[code for code in each if code == "sign-slip"] for each in slips]
        shared = [code for code in slips[0] if all(code in each for each in slips)] if slips else []
        return [self.cause(code) for code in shared[:1]]

    def slips_of(self, at: tuple[int, ...], box: Interval) -> list[str]:
        """What may have befallen one number, the likeliest first."""
        cell = self.sheet.written[self.place].cells[at[0]][at[1]]
        low, high = float(box.lo[0][at]), float(box.hi[0][at])
        if not isinstance(cell, Figure) or cell.half_unit == 0 or bool(box.unbounded[at]):
            return []
        is_fine = high - low <= FEW_UNITS * 2 * cell.half_unit
        fits = (m for m in meant(cell) if m.low <= high and low <= m.high)
        return list(dict.fromkeys(m.code for m in fits if is_fine or not m.fine))

    # What the rest of the sheet says

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
            if place != self.place and not before.keys().isdisjoint(self.unwritten_before(place))
        )

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
        own = self.sheet.replay(numbers.unit).of(place)
        if not numbers.meets(own).all():
            return True  # it is not right either way
        return bool(numbers.meets(self.sheet.replay(numbers.unit, stand_ins).of(place)).all())

    # Rules of the catalogue

    def without_disguises(self, found: list[Cause], wrong: NDArray[np.bool_]) -> list[Cause]:
        """Another activation whose numbers are those of a plainer mistake is that mistake: with
        every z positive, the slope of a ReLU is no slope at all."""
        plain = [f.box for f in found if f.box is not None and PLAINER & set(f.explanation.codes)]
        return [
            f
            for f in found
            if not (f.is_wrong_activation and any(_same(f.box, box) for box in plain))
            and (not f.is_wrong_activation or self.tells_activations_apart(f, wrong))
        ]

    def tells_activations_apart(self, found: Cause, wrong: NDArray[np.bool_]) -> bool:
        """One of a dozen activations often fits: one that the exercise has not is offered only
        where enough entries with enough digits agree, and not for one entry of several."""
        own = {(ACTIVATIONS[layer.activation.name].title,) for layer in self.exercise.spec.layers}
        if found.explanation.detail in own:
            return True
        if wrong.size > 1 and int(wrong.sum()) == 1:
            return False
        written = self.sheet.written[self.place]
        return sum(cell.digits >= TELLING_DIGITS for cell in figures(written)) >= TELLING_ENTRIES

    def by_other_ways(self, path: list[Key]) -> list[tuple[tuple[Key, Wrong], StandIns]]:
        """Wrong steps that lie on another right way to the quantity: g worked from an a that was
        not written, and that has no activation."""
        ways: list[tuple[tuple[Key, Wrong], StandIns]] = []
        for where in path:
            for form in self.exercise.forms(where):
                for id in form.operands:
                    beside = (where[0], where[1], id)
                    if (
                        beside in path
                        or beside in self.sheet.intervals
                        or self.exercise.is_given(beside)
                    ):
                        continue
                    ways += [((beside, w), {where: form}) for w in self.exercise.wrongs(beside)]
        return ways

    def by_rules(
        self,
        attempts: list[tuple[tuple[Key, Wrong], ...]],
        other_ways: Sequence[tuple[tuple[Key, Wrong], StandIns]] = (),
    ) -> list[Cause]:
        """What explains everything, nearest to the quantity first."""
        found: list[Cause] = []
        ways: list[tuple[tuple[tuple[Key, Wrong], ...], StandIns]]
        ways = [(attempt, {}) for attempt in attempts]
        ways += [((single,), form) for single, form in other_ways]
        for attempt, form in ways:
            if self.sheet.search.is_spent:
                break
            if not self.explains(attempt, form):
                continue
            codes = [
                (code, self.where(at)) for at, wrong in attempt for code in wrong.code.split("+")
            ]
            detail = next((wrong.detail for _, wrong in attempt if wrong.detail), ())
            stand_ins: StandIns = {at: wrong for at, wrong in attempt if self.stands_in(at)}
            replayed = self.replayed({**form, **dict(attempt)})
            found.append(Cause(Explanation(tuple(codes), detail), stand_ins, replayed))
            if len(found) >= MOST_TIES:
                break
        return found

    def where(self, place: Key) -> str:
        """The id of the quantity in which a wrong rule shows."""
        return self.place[2] if place in self.again() else place[2]

    def stands_in(self, place: Key) -> bool:
        """Whether later steps can't take what was written, but need to know the wrong rule: that of
        a line that was not written, or of the loss, which is worked again after the update."""
        return place != self.place or self.exercise.steps[place].phase == "loss"

    def explains(self, attempt: tuple[tuple[Key, Wrong], ...], form: StandIns) -> bool:
        over: StandIns = {**form, **dict(attempt)}
        try:
            return self.fits(over)
        except (ValueError, KeyError):  # operands whose shapes do not meet
            return False

    def fits(self, over: Override) -> bool:
        """Whether every written entry overlaps what the step gives under ``over``."""
        box = self.replayed(over)
        if box.shape != self.exercise.values[self.place].shape:
            return False
        if not self.numbers.values.any() and (box.lo.any() or box.hi.any()):
            return False  # zeros say nothing of a rule that gives something near them
        return bool(self.numbers.meets(box).all()) and not bool(
            box.unbounded[self.numbers.there].any()
        )

    def replayed(self, over: Override) -> Interval:
        return self.sheet.replay(self.numbers.unit, over).of(self.place)

    def pairs(self, singles: list[tuple[Key, Wrong]]) -> list[tuple[tuple[Key, Wrong], ...]]:
        """Two mistakes: at two steps, or a factor, a sign or a turn on top of another rule."""
        found: list[tuple[tuple[Key, Wrong], ...]] = []
        for one, two in combinations(singles, 2):
            if one[0] != two[0]:
                if one[1].code != two[1].code:
                    found.append((one, two))
                continue
            both = _composed(one[1], two[1])
            if both is not None:
                found.append(((one[0], both),))
            if len(found) >= self.sheet.pairs_left:
                break
        self.sheet.pairs_left -= len(found)
        return found

    # A given number read as another

    def by_misreading(self, path: list[Key], wrong: NDArray[np.bool_]) -> list[Cause]:
        found: list[Cause] = []
        for source, i, j in self.given_entries(path):
            if self.sheet.search.is_spent:
                break
            read = self.misread(source, i, j, wrong)
            if read is None:
                continue
            text, low, high = read
            detail = (row(Symbol(source[2]), f"[{i + 1},{j + 1}]"), f" read as {text}")
            explanation = Explanation((("given-misread", source[2]),), detail)
            instead = self.with_entry(source, i, j, low, high)
            found.append(Cause(explanation, {source: instead}))
            found += [Cause(explanation, once) for once in self.misread_once(source, instead, path)]
        return found

    def misread_once(self, source: Key, instead: Interval, path: list[Key]) -> Iterator[StandIns]:
        """The unwritten step that took the misread number, where it was read right elsewhere."""
        for place in path:
            if source in self.exercise.operands[place] and place != self.place:
                yield {place: self.sheet.replay(self.numbers.unit, {source: instead}).step(place)}

    def given_entries(self, path: list[Key]) -> Iterator[tuple[Key, int, int]]:
        """The given numbers that the path is worked from, nearest first, not too many."""
        seen: dict[Key, None] = {}
        for place in path:
            for source in self.exercise.operands[place]:
                if self.exercise.is_given(source) and source not in self.sheet.intervals:
                    seen[source] = None
        count = 0
        for source in seen:
            rows, columns = self.exercise.values[source].shape
            for i in range(rows):
                for j in range(columns):
                    count += 1
                    if count > MOST_GIVENS:
                        return
                    yield source, i, j

    def with_entry(self, source: Key, i: int, j: int, low: float, high: float) -> Interval:
        lo, hi = self.exercise.values[source].copy(), self.exercise.values[source].copy()
        lo[i, j], hi[i, j] = low, high
        return Interval(lo[None], hi[None]) if low != high else point(lo)

    def misread(
        self, source: Key, i: int, j: int, wrong: NDArray[np.bool_]
    ) -> tuple[str, float, float] | None:
        """What the entry must have been read as to explain everything, with the bounds that the
        written digits leave; or None."""
        texts = self.exercise.given_texts(source)
        bounds = self.solved(source, i, j, wrong)
        if bounds is None:
            fitting = (
                t for t in dict.fromkeys(texts.candidates(i, j)) if self.is_read(source, i, j, t)
            )
            text = next(fitting, None)
            return None if text is None else (text, float(text), float(text))
        low, high = bounds
        likely = [text for text in texts.candidates(i, j) if low <= float(text) <= high]
        if int(wrong.sum()) > 1:  # one number explains several entries: any plain number will do
            simplest = texts.simplest(low, high)
            likely += [] if simplest is None else [simplest]
        fitting = (t for t in dict.fromkeys(likely) if self.is_read(source, i, j, t))
        text = next(fitting, None)
        return None if text is None else (text, min(low, float(text)), max(high, float(text)))

    def is_read(self, source: Key, i: int, j: int, text: str) -> bool:
        """Whether reading the entry as ``text`` explains every written entry."""
        return self.fits({source: self.with_entry(source, i, j, float(text), float(text))})

    def solved(
        self, source: Key, i: int, j: int, wrong: NDArray[np.bool_]
    ) -> tuple[float, float] | None:
        """The bounds of the number that brings the first wrong entry to what was written."""
        at = tuple(np.argwhere(wrong)[0])
        target = float(self.numbers.values[at])
        start = float(self.exercise.values[source][i, j])

        def ends(x: float) -> tuple[float, float]:
            box = hull(self.replayed({source: self.with_entry(source, i, j, x, x)}))
            return float(box.lo[0][at]), float(box.hi[0][at])

        x0, x1 = start, start + max(0.125, abs(start) / 64)
        y0, (low, high) = sum(ends(x0)) / 2, ends(x1)
        for _ in range(12):
            y1 = (low + high) / 2
            slope = (y1 - y0) / (x1 - x0) if x1 != x0 else 0.0
            if slope == 0 or not np.isfinite(slope):
                return None
            x0, y0, x1 = x1, y1, x1 + (target - y1) / slope
            low, high = ends(x1)
            if abs((low + high) / 2 - target) < 1e-9 * (1 + abs(target)):
                width = (high - low) / 2 + float(self.numbers.half[at])
                reach = (width + self.numbers.unit) / abs(slope)
                return x1 - reach, x1 + reach
        return None

    # A line per sample

    def of_shape(self, written: WrittenQuantity) -> tuple[Explanation, ...]:
        """A bias gradient left a line per sample, which has the shape of its δ."""
        step = self.exercise.steps[self.place]
        if step.operation != "sum_samples":
            return ()
        source = self.exercise.operands[self.place][0]
        cells = written.raw
        shape = self.exercise.values[source].shape
        if (len(cells), len(cells[0]) if cells else 0) != shape:
            return ()
        figures = [cell for line in cells for cell in line]
        if not all(isinstance(cell, Figure) for cell in figures):
            return ()
        return self._left_per_sample(source, [f for f in figures if isinstance(f, Figure)], shape)

    def _left_per_sample(
        self, source: Key, figures: list[Figure], shape: tuple[int, ...]
    ) -> tuple[Explanation, ...]:
        values: Floats = np.array([f.value for f in figures]).reshape(shape)
        half: Floats = np.array([f.half_unit for f in figures]).reshape(shape)
        box = hull(self.sheet.replay(float(half.max(initial=0.0))).operand(source))
        n = shape[self.exercise.setting.sample_axis]
        for factor in (1.0, 1.0 / n):
            low, high = box.lo[0] * factor, box.hi[0] * factor
            if (
                (np.minimum(low, high) <= values + half) & (values - half <= np.maximum(low, high))
            ).all():
                return (Explanation((("batch-not-summed", self.place[2]),)),)
        return ()


def _same(one: Interval | None, other: Interval) -> bool:
    if one is None or one.shape != other.shape:
        return False
    first, second = hull(one), hull(other)
    ends = ((first.lo, second.lo), (first.hi, second.hi))
    return all(np.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in ends)


def _composed(one: Wrong, two: Wrong) -> Wrong | None:
    """Two rewrites of one step as one, where the second only multiplies or turns the result."""
    for base, extra in ((one, two), (two, one)):
        plain = extra.step.operation == base.step.operation and extra.step is not base.step
        if (extra.factor != 1 or extra.turn) and not plain and base.code != extra.code:
            return msgspec.structs.replace(
                base,
                code=f"{base.code}+{extra.code}",
                factor=base.factor * extra.factor,
                turn=base.turn != extra.turn,
            )
    return None
