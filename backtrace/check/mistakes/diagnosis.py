"""Why a value is wrong: the step replayed with wrong rules on the student's own numbers.

Rules are tried at the step itself and along the steps before it that were not written. A mistake
is named where it explains every written entry; what explains as well is a tie.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.judge.digits import figures
from backtrace.check.judge.exercise import Key, key
from backtrace.check.judge.replay import Replay, StandIns
from backtrace.check.mistakes.evidence import Evidence, is_as_near, middle
from backtrace.check.mistakes.misreading import Misreading
from backtrace.check.mistakes.rewrites import Wrong, negated
from backtrace.check.mistakes.slips import meant
from backtrace.check.mistakes.wrong_quantity import Cause, WrongQuantity
from backtrace.check.model import Explanation, Figure, WrittenQuantity
from backtrace.check.rules.evaluation import interval
from backtrace.check.rules.intervals import Floats, Interval, hull, scaled, single, summed
from backtrace.functions.elementary import FUNCTIONS

MOST_EXPLANATIONS = 3  # of one wrong step that are told; more can't be told apart
FEW_UNITS = 4  # of the last digit, within which a number is known well enough to compare digits
MOST_TIES = 40  # explanations of one wrong step that are looked at
DISGUISES = {
    *("wrong-activation", "wrong-layer", "value-for-error", "transposed"),
    "preactivation-for-activation",
}  # in which a plainer mistake may come
TELLING_ENTRIES, TELLING_DIGITS = 3, 3
WITHOUT_SLOPE = {"leaky_relu": "relu", "prelu": "relu"}  # what is left without the slope
TELLING_UNIT = 1e-3  # of the largest entry: how coarse a line before may have been
NEAR, FAR = 1.0, 10.0  # units that a written number misses what a rule gives exactly
OF_MANY_KINDS = {"rate-misread", "wrong-loss"}  # one of which often fits
MADE_ALONE = {*OF_MANY_KINDS, "value-for-error"}  # with another mistake they fit too much


class Diagnosis(WrongQuantity):
    """One wrong quantity of a sheet."""

    def again(self) -> list[Key]:
        """The lines of the loss, which the loss after the update works once more."""
        steps = self.exercise.contexts[self.place[:2]].steps
        if self.exercise.steps[self.place].operation != "forward_again":
            return []
        return [key(step) for step in steps.values() if step.phase == "loss"]

    def found(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """Every explanation of the entries marked ``wrong`` that fits the sheet best."""
        return self.evidence.most_borne_out(self.explanations(wrong))

    @cached_property
    def evidence(self) -> Evidence:
        """What the rest of the sheet says."""
        return Evidence(self.sheet, self.place, self._unit)

    def explanations(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """Every explanation of the entries marked ``wrong``, the simplest kind that there is.

        Where one of several entries is wrong, or some have lost their sign or their place, the hand
        slipped; rules that come to the same are ties. A number that stands alone is looked at by
        rules first. Who copies given numbers, digit for digit, did just that.
        """
        slips = self.by_slips(wrong)
        reads = not (wrong.size > 1 and slips and not self.evidence.unexplained_later)
        rules = self.by_singles(wrong, reads=reads)
        copied = [rule for rule in rules if self.is_copied(rule)]
        if copied and not self.evidence.supports(rules):
            return copied
        only = int(wrong.sum()) == 1
        if wrong.size > 1 and slips:
            if self.evidence.supports(rules):
                return rules
            if wrong.all():  # exchanged; of δ = [a −a] a sign is as plain
                return [*rules, *slips]
            rules = [rule for rule in rules if self.leaves_the_rest(rule, wrong)]
            return [*slips, *rules] if len(slips) + len(rules) <= MOST_EXPLANATIONS else slips
        if not rules:
            rules = Misreading(self.sheet, self.place).own(wrong) or self.by_pairs(only)
            return [*rules, *(slips or [self.cause("arithmetic-slip")])] if only else rules
        misread = all(f.explanation.codes == ("given-misread",) for f in rules)
        return [*rules, *(slips or [self.cause("arithmetic-slip")])] if only and misread else rules

    def is_copied(self, found: Cause) -> bool:
        """Whether a rule gives just the numbers that were written, whatever was rounded."""
        box = found.box
        if box is None or box.shape != self.numbers.values.shape or not single(box).all():
            return False
        return np.allclose(middle(box), self.numbers.values, rtol=1e-9, atol=1e-12)

    def leaves_the_rest(self, found: Cause, wrong: NDArray[np.bool_]) -> bool:
        """Whether what is wrong lies within a unit of what a rule gives, and what is not, here and
        further down, as near to that as to what the right one gives, to a unit."""
        if found.box is None or found.box.shape != wrong.shape:
            return True
        near = np.abs(middle(found.box) - self.numbers.values) <= 2 * self.numbers.half
        as_near = is_as_near(self.numbers, found.box, self.replayed({}))
        return bool(np.where(wrong, near, as_near).all()) and self.evidence.leaves_the_others(found)

    def by_singles(self, wrong: NDArray[np.bool_], *, reads: bool) -> list[Cause]:
        """One wrong rule; or, where it ``reads``, one given number misread. A bias that seems to be
        left out or taken off was misread if a line further down has it so too."""
        found = self.by_one_rule(wrong) or self.on_coarser_lines(wrong)
        is_open = all(f.is_wrong_activation for f in found)  # one of a dozen often fits
        adds = self.exercise.steps[self.place].operation == "add_bias"
        if reads and (is_open or (adds and self.evidence.unexplained_later)):
            given = Misreading(self.sheet, self.place).given(wrong)
            given = [each for each in given if self.evidence.is_borne_out(each)]
            found += given if is_open else self.evidence.explaining_more(given, found)
        return found

    def by_one_rule(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """One wrong rule at one step, or throughout."""
        attempts: list[tuple[tuple[Key, Wrong], ...]] = [(single,) for single in self.singles]
        found = self.by_rules(attempts, self.by_other_ways(self.path()))
        found = self.nearest(found or self.by_rules(self.throughout()))
        return self.without_disguises(found, wrong)

    def on_coarser_lines(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """The same, if the lines before were kept to as few decimals as others of the sheet."""
        fewest = 0.5 * 10.0 ** -min(self.sheet.decimals.values())
        largest = float(np.abs(self.numbers.values).max(initial=0.0))
        if not self.unit < fewest <= TELLING_UNIT * largest:
            return []
        return Diagnosis(self.sheet, self.place, fewest).by_one_rule(wrong)

    @cached_property
    def singles(self) -> list[tuple[Key, Wrong]]:
        path = self.path()
        places = [*path, *(at for at in self.again() if at not in path)]
        found = [(place, rewrite) for place in places for rewrite in self.exercise.wrongs(place)]
        step = self.exercise.steps[self.place]
        uphill = "rate" in step.parameters and step.operation != "descend"  # ascent-for-descent
        told = (place == self.place and wrong == negated(step) for place, wrong in found)
        if step.operation != "forward_again" and not uphill and not any(told):
            found.append((self.place, negated(step)))
        return found

    def throughout(self) -> list[tuple[tuple[Key, Wrong], ...]]:
        """The same wrong rule in every layer on the way."""
        rules: dict[str, dict[Key, Wrong]] = {}
        for place, wrong in self.singles:
            rules.setdefault(wrong.code, {}).setdefault(place, wrong)
        return [tuple(places.items()) for places in rules.values() if len(places) > 1]

    def by_pairs(self, only: bool) -> list[Cause]:
        """Two mistakes; for one entry at the step itself alone: further off, some pair fits nearly
        every number."""
        singles = [
            (place, rewrite)
            for place, rewrite in self.singles
            if rewrite.code not in MADE_ALONE and (not only or place == self.place)
        ]
        return [
            each for each in self.by_rules(self.pairs(singles)) if self.evidence.is_borne_out(each)
        ]

    # Slips of the hand

    def by_slips(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """The slips that explain all entries that are wrong, where others are not."""
        box = hull(self.replayed({}))
        entries = [tuple(at) for at in np.argwhere(wrong).tolist()]
        exchanged = Misreading(self.sheet, self.place).in_place() if len(entries) > 1 else []
        if exchanged:
            return exchanged
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
        if cell.value == 0 and cell.decimals == 0:
            return []  # nothing that stands there has slipped
        exact = float(self.exercise.values[self.place][at])
        is_told = cell.digits >= TELLING_DIGITS and not self.rests_on_wrong
        is_told = is_told and low <= exact <= high
        found: dict[str, None] = {}
        for m in meant(cell):
            reach = FEW_UNITS * max(cell.half_unit, (m.high - m.low) / 2)
            is_fine, least, most = high - low <= 2 * reach, low, high
            if not is_fine and is_told:
                least, most, is_fine = max(low, exact - reach), min(high, exact + reach), True
            if m.low <= most and least <= m.high and (is_fine or not m.fine):
                found[m.code] = None
        return list(found)

    @cached_property
    def rests_on_wrong(self) -> bool:
        step = self.exercise.steps[self.place]
        return bool(self.sheet.doubt_of_operands(self.place, step).any())

    # Rules of the catalogue

    def nearest(self, found: list[Cause]) -> list[Cause]:
        """Without what only much rounding between the lines would explain, where another rule
        gives the very numbers."""
        far = [self.far_from(each) for each in found]
        return [each for each, off in zip(found, far, strict=True) if off <= FAR or min(far) > NEAR]

    def far_from(self, found: Cause) -> float:
        """By how many units what was written misses what a rule gives if nothing is rounded."""
        if found.exact is None or found.exact.unbounded.any():
            return math.inf
        low, high = hull(found.exact).lo[0], hull(found.exact).hi[0]
        numbers = self.numbers
        missed = np.maximum(low - numbers.high, numbers.low - high) / (2 * numbers.unit)
        return float(np.where(numbers.there, missed, 0.0).max(initial=0.0))

    def without_disguises(self, found: list[Cause], wrong: NDArray[np.bool_]) -> list[Cause]:
        """Without what has the very numbers of a plainer mistake: with every z positive, another
        activation's slope is no slope at all. So is another rate or loss."""
        is_new = self.exercise.steps[self.place].role == "updated"
        own = (("sign-flipped", self.place[2]),) if is_new else None  # b + η·db, where b is 0
        hiding = [f.is_any_of(DISGUISES) or f.explanation.mistakes == own for f in found]
        pairs = [*zip(found, hiding, strict=True)]
        plain = [f.exact for f, hides in pairs if f.exact is not None and not hides]
        told = [
            f
            for f, hides in pairs
            if not (hides and self.is_disguise(f, plain))
            and (not f.is_wrong_activation or self.tells_activations_apart(f, wrong))
        ]
        return [f for f in told if not f.is_any_of(OF_MANY_KINDS)] or told

    def is_disguise(self, found: Cause, plain: list[Interval]) -> bool:
        """Whether a plainer mistake has the same numbers, here and further down."""
        same = any(_same(found.exact, box) for box in plain)
        return same and not self.evidence.supports([found])

    def tells_activations_apart(self, found: Cause, wrong: NDArray[np.bool_]) -> bool:
        """One of a dozen activations often fits: one that the exercise has not (nor its own without
        the slope) is offered only where enough entries with enough digits agree, and not for one
        entry of several."""
        names = self.own_activations()
        names += [WITHOUT_SLOPE[name] for name in names if name in WITHOUT_SLOPE]
        own = {(FUNCTIONS[name].title,) for name in names}
        if found.explanation.detail in own:
            return True
        if wrong.size > 1 and int(wrong.sum()) == 1:
            return False
        written = self.sheet.written[self.place]
        telling = sum(cell.digits >= TELLING_DIGITS for cell in figures(written))
        few = self.exercise.spec.equations is not None  # that are taken for each other there
        return telling >= TELLING_ENTRIES - few

    def own_activations(self) -> list[str]:
        """Those that the exercise has."""
        layers = [layer.activation.name for layer in self.exercise.spec.layers]
        steps = () if layers else self.exercise.steps.values()
        used = [s.parameters["activation"] for s in steps if s.operation == "activate"]
        return layers or list(dict.fromkeys(used))

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
        """What explains everything here and agrees with the rest, nearest to the quantity first."""
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
            over: StandIns = {**form, **dict(attempt)}
            boxes = self.replayed(over), self.unrounded(over)
            cause = Cause(Explanation(tuple(codes), detail), stand_ins, *boxes)
            found += [cause] if self.evidence.is_borne_out(cause) else []
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

    # A matrix of another shape

    def of_shape(self, written: WrittenQuantity) -> tuple[Explanation, ...]:
        """What has another shape than it should, by a sum that was not taken or taken the other
        way, or by outputs and targets that do not stand side by side."""
        rows = [[cell for cell in line if isinstance(cell, Figure)] for line in written.raw]
        if len({len(line) for line in rows}) != 1 or not rows[0]:
            return ()
        values: Floats = np.array([[cell.value for cell in line] for line in rows])
        half: Floats = np.array([[cell.half_unit for cell in line] for line in rows])
        if values.size != sum(map(len, written.raw)):
            return ()
        for code, box in self.of_other_shapes(self.sheet.replay(float(half.max()))):
            if _meets(box, values, half):
                return (Explanation(((code, self.place[2]),)),)
        return ()

    def of_other_shapes(self, replay: Replay) -> Iterator[tuple[str, Interval]]:
        """A bias gradient left a line per sample, or with a sum a sample in place of one a unit;
        an error for each pair of an output and a target."""
        step, setting = self.exercise.steps[self.place], self.exercise.setting
        operands = self.exercise.operands[self.place]
        if step.operation == "sum_samples":
            delta = replay.operand(operands[0])
            n = delta.shape[setting.sample_axis]
            for factor in (1.0, 1.0 / n, float(n)):
                yield "batch-not-summed", scaled(delta, factor)
                sums = summed(delta, 1 - setting.sample_axis, keepdims=True)
                yield "summed-wrong-axis", scaled(sums, factor)
        elif step.operation == "error" and 1 in step.shape:
            a, y = map(replay.operand, operands)
            yield "broadcast-over-samples", interval("error", setting, step.parameters, a, y.T)


def _meets(box: Interval, values: Floats, half: Floats) -> bool:
    """Whether a box holds numbers that were written either way round."""
    low, high = hull(box).lo[0], hull(box).hi[0]
    turns = [values, values.T] if 1 in values.shape else [values]
    halves = [half, half.T]
    return any(
        low.shape == turn.shape and bool(((low <= turn + h) & (turn - h <= high)).all())
        for turn, h in zip(turns, halves, strict=False)
    )


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
