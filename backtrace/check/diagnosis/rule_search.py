"""Wrong rules of the catalogue, tried at a wrong step and along the unwritten ones before it.

One, the same throughout, or two.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, combinations
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.diagnosis.evidence import Evidence
from backtrace.check.diagnosis.repetition import Kind, kinds_of, made_before
from backtrace.check.diagnosis.wrong_quantity import Cause, WrongQuantity
from backtrace.check.mistakes.rewrites import MISTAKEN_FUNCTIONS, OF_ANGLES, Wrong, negated
from backtrace.check.model import Explanation, Figure
from backtrace.check.rules.intervals import Interval, hull
from backtrace.check.rules.noting import chosen
from backtrace.check.sheets.digits import figures
from backtrace.check.sheets.exercise import Key, key
from backtrace.check.sheets.replay import StandIns
from backtrace.functions.elementary import FUNCTIONS
from backtrace.spec import ids
from backtrace.tape.steps import Step

MOST_BEFORE = 2  # explanations of earlier lines on which a rule is tried
MOST_TIES = 40  # explanations of one wrong step that are looked at
DISGUISES = {
    *("wrong-activation", "wrong-layer", "value-for-error", "transposed"),
    *("preactivation-for-activation", "another-factor", "scale-misread", "mask-of-gradient"),
    "z-times-slope",
}  # in which a plainer mistake may come
TELLING_ENTRIES, TELLING_DIGITS = 3, 3
TELLING_IN_PART = 2  # of them, by which a rule in one row or column is told
TELLING_OF_TWO = 4  # digits of numbers that differ, by which a second mistake may be told
EVERY_COURSE = ("sigmoid", "tanh", "relu")  # has these
WITHOUT_SLOPE = {"leaky_relu": "relu", "prelu": "relu"}  # what is left without the slope
NEARER = 0.9  # of what the right rule misses it by, within which another explains a number
NEAR, FAR = 1.0, 10.0  # units that a written number misses what a rule gives exactly
OF_WHOLE_MATRICES = {
    *("matrix-product-for-hadamard", "hadamard-for-matrix-product", "summed-wrong-axis"),
    *("transposed", "weights-not-transposed", "entries-exchanged", "batch-not-summed"),
}  # which are made in no single row or column
OF_MANY_KINDS = {"rate-misread", "wrong-loss"}  # one of which often fits
MADE_ALONE = {
    *OF_MANY_KINDS,
    "value-for-error",
    "another-factor",
    "scale-misread",
}  # with another mistake they fit too much

Attempt: TypeAlias = tuple[tuple[Key, Wrong], ...]  # steps with the wrong ones in their place


class RuleSearch(WrongQuantity):
    """The rules that explain one wrong quantity of a sheet; ``evidence`` is what the rest of the
    sheet says."""

    def __init__(self, evidence: Evidence, unit: float | None = None) -> None:
        super().__init__(evidence.sheet, evidence.place, unit)
        self.evidence = evidence

    def by_one_rule(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """One wrong rule at one step, or throughout; the likeliest is one that was used before."""
        attempts: list[Attempt] = [(single,) for single in self.singles]
        found = self.by_rules([each for each in attempts if self.was_made_before(each)])
        if found:
            return found
        several = len({place[:2] for place in self.path()}) > 1  # updates, in each of which it is
        throughout = self.throughout() if several else []
        found = self.by_rules(throughout, self.with_slopes_of_them(throughout))
        if not found:
            found = self.by_rules(attempts, self.by_other_ways(self.path()))
        elif self.evidence.is_left_open_by(found):  # by what was done throughout
            once = self.by_rules(attempts)
            found = self.evidence.explaining_more(once, found) or found
        found = found or self.by_rules([], self.after_mistakes())
        found = found or ([] if several else self.by_rules(self.throughout()))
        return self.without_disguises(self.nearest(found), wrong)

    def was_made_before(self, attempt: Attempt) -> bool:
        """Whether the same mistake explains an earlier quantity."""
        return not self.made_before.isdisjoint(kinds_of(self.explanation(attempt)))

    @cached_property
    def made_before(self) -> set[Kind]:
        return made_before(self.sheet.judged.values())

    def explanation(self, attempt: Attempt) -> Explanation:
        codes = dict.fromkeys(
            (code, self.where(at)) for at, wrong in attempt for code in wrong.code.split("+")
        )
        detail = next((wrong.detail for _, wrong in attempt if wrong.detail), ())
        return Explanation(tuple(codes), detail)

    @cached_property
    def singles(self) -> list[tuple[Key, Wrong]]:
        path = self.path()
        places = [*path, *(at for at in self.again() if at not in path)]
        found = [
            (place, rewrite)
            for place in places
            for rewrite in self.exercise.wrongs(place)
            if place == self.place or not rewrite.if_written
            if not self.is_right_all_the_same(place, rewrite)
        ]
        found += [each for place in path for each in self.at_rates_used_before(place)]
        step = self.exercise.steps[self.place]
        uphill = "rate" in step.parameters and step.operation != "descend"  # ascent-for-descent
        told = (place == self.place and wrong == negated(step) for place, wrong in found)
        if step.operation != "forward_again" and not uphill and not any(told):
            found.append((self.place, negated(step)))
        return found

    def is_right_all_the_same(self, place: Key, rewrite: Wrong) -> bool:
        """Whether nothing is left out with the rate, as it is 1."""
        if rewrite.code != "learning-rate-omitted":
            return False
        return bool(self.exercise.steps[place].parameters["rate"] == 1)

    def at_rates_used_before(self, place: Key) -> Iterator[tuple[Key, Wrong]]:
        """Rates that explain an earlier parameter: some rate or other gives any one number."""
        step = self.exercise.steps[place]
        if "rate" not in step.parameters or math.prod(step.shape) > 1:
            return
        for at in self.sheet.judged if self.made_before else ():
            if self.exercise.steps[at].operation != step.operation:
                continue
            for wrong in self.exercise.wrongs(at):
                rate = wrong.step.parameters.get("rate", step.parameters["rate"])
                if rate != step.parameters["rate"] and self.was_made_before(((at, wrong),)):
                    instead = {**step.parameters, "rate": rate}
                    same = msgspec.structs.replace(step, parameters=instead)
                    yield place, msgspec.structs.replace(wrong, step=same)

    def again(self) -> list[Key]:
        """The lines of the loss, which the loss after the update works once more."""
        steps = self.exercise.contexts[self.place[:2]].steps
        if self.exercise.steps[self.place].operation != "forward_again":
            return []
        return [key(step) for step in steps.values() if step.phase == "loss"]

    def throughout(self) -> list[Attempt]:
        """The same wrong rule in every layer on the way, and in every update: in all lines, in one
        kind of them, or in one layer; and so in those that come later."""
        on_the_way = self.by_kind(self.singles)
        several = {rule: places for rule, places in on_the_way.items() if len(places) > 1}
        if not several:
            return []
        order = self.exercise.order
        worked = [at for at in self.exercise.steps if not self.exercise.is_given(at)]
        later = [at for at in worked if order[at] > order[self.place]]
        after = self.by_kind([(at, wrong) for at in later for wrong in self.exercise.wrongs(at)])
        alike = {
            (rule[:2], *places): {**places, **after.get(rule, {})}
            for rule, places in several.items()
        }
        return [tuple(places.items()) for places in alike.values()]

    def by_kind(
        self, singles: Sequence[tuple[Key, Wrong]]
    ) -> dict[tuple[object, ...], dict[Key, Wrong]]:
        """Wrong steps by their rule, by which of several of a code it is, and by the kind of line
        that they stand for: any, one, one of a layer."""
        rules: dict[tuple[object, ...], dict[Key, Wrong]] = {}
        seen = Counter[tuple[str, Key]]()
        for place, wrong in singles:
            step, number = self.exercise.steps[place], seen[wrong.code, place]
            seen[wrong.code, place] += 1
            which = self.time_shift(place, wrong) or number
            whose = self.exercise.contexts[place[:2]].steps.get(step.of, step)
            of_layer = (step.role, step.layer)
            kinds = ((), (step.role,), of_layer, (step.role, whose.role), (*of_layer, whose.role))
            for kind in kinds:
                rules.setdefault((wrong.code, which, *kind), {})[place] = wrong
        return rules

    def time_shift(self, place: Key, wrong: Wrong) -> str:
        """How many time steps off an operand is, ``h+1``; "" where it is another quantity."""
        turns, (epoch, batch, _) = self.exercise.turns, place
        own_step = self.exercise.steps[place]
        pairs = zip(own_step.operands, wrong.step.operands, strict=False)
        changed = [(one, other) for one, other in pairs if one != other]
        if len(changed) != 1 or len({*map(ids.family, changed[0])}) > 1:
            return ""
        own, other = (turns[epoch, batch, id] for id in changed[0])
        return f"{ids.family(changed[0][0])}{other - own:+}"

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

    def in_part(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """One wrong rule in a single row or column, a sample's or a unit's, and the right one in
        the others; where it gives several numbers of enough digits."""
        part = _line_of(wrong)
        cells = self.sheet.written[self.place].cells
        told = (cells[i][j] for i, j in np.argwhere(wrong).tolist())
        telling = sum(isinstance(cell, Figure) and cell.digits >= TELLING_DIGITS for cell in told)
        if part is None or telling < TELLING_IN_PART:
            return []
        found: list[Cause] = []
        for at, rule in self.singles:
            if rule.code in OF_WHOLE_MATRICES:
                continue
            if self.sheet.search.is_spent:
                break
            box = self.partly(at, rule, part)
            if box is not None and self.fits({at: box}):
                stand_ins: StandIns = {at: box} if at != self.place else {}
                boxes = self.replayed({at: box}), self.unrounded({at: box})
                cause = Cause(self.explanation(((at, rule),)), stand_ins, *boxes)
                found += [cause] if self.evidence.is_borne_out(cause) else []
        return self.without_disguises(self.nearest(found), wrong)

    def partly(self, at: Key, rule: Wrong, part: NDArray[np.bool_]) -> Interval | None:
        """What a line holds that is worked by a rule in a part of it alone."""
        if self.exercise.values[at].shape != part.shape:
            return None
        try:
            by_rule, by_right = (
                replay.of(at) if at == self.place else replay.operand(at)
                for replay in (
                    self.sheet.replay(self.unit, {at: rule}),
                    self.sheet.replay(self.unit),
                )
            )
        except (ValueError, KeyError):  # operands whose shapes do not meet
            return None
        return chosen(part, hull(by_rule), hull(by_right)) if by_rule.shape == part.shape else None

    def nearest(self, found: list[Cause]) -> list[Cause]:
        """Without what gives nothing nearer than the right rule, and without what only much
        rounding between the lines would explain, where another rule gives the very numbers."""
        right = self.distance_from(self.unrounded({})) if found else 0.0
        far = [self.distance_from(each.exact) for each in found]
        pairs = [
            (each, off)
            for each, off in zip(found, far, strict=True)
            if off < NEARER * right or math.isinf(off)
        ]
        near = [each for each, off in pairs if off <= NEAR]
        return [*near, *(each for each, off in pairs if off > NEAR and (off <= FAR or not near))]

    def distance_from(self, box: Interval | None) -> float:
        """By how many units what was written misses what a rule gives if nothing is rounded."""
        if box is None or box.unbounded.any():
            return math.inf
        low, high = hull(box).lo[0], hull(box).hi[0]
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
        plain = [f for f, hides in pairs if not hides]
        told = [
            f
            for f, hides in pairs
            if not (hides and self.is_disguise(f, plain))
            and (not f.is_wrong_activation or self.tells_activations_apart(f, wrong))
        ]
        if any(f.is_any_of({"update-omitted"}) for f in told):  # no rate is so small
            told = [f for f in told if not f.is_any_of({"rate-misread"})]
        plainer = [f for f in told if not f.is_any_of(OF_MANY_KINDS)]
        role, steps = self.exercise.steps[self.place].role, self.exercise.steps
        if any(steps[at].role == role for at in self.evidence.unexplained_later):
            return told  # which may have been made there as well
        return [*plainer, *self.evidence.explaining_more(told, plainer)] if plainer else told

    def is_disguise(self, found: Cause, plain: list[Cause]) -> bool:
        """Whether a plainer mistake has the same numbers, here and further down; one that nobody
        thinks of is a disguise wherever it has the same here."""
        same = [p for p in plain if p.exact is not None and _same(found.exact, p.exact)]
        if found.is_wrong_activation and not self.is_usual(found):
            return bool(same)
        later = self.evidence.explained_later
        return any(len(later(found.stand_ins)) <= len(later(each.stand_ins)) for each in same)

    def is_usual(self, found: Cause) -> bool:
        """Whether an activation is the exercise's (or that without its slope, or what is often
        mistaken for it) or every course's."""
        names = self.own_activations()
        mistaken = {(each,) for name in names for each in MISTAKEN_FUNCTIONS.get(name, ())}
        names += [WITHOUT_SLOPE[name] for name in names if name in WITHOUT_SLOPE]
        usual = {(FUNCTIONS[name].title,) for name in (*names, *EVERY_COURSE)}
        return found.explanation.detail in usual | mistaken

    def tells_activations_apart(self, found: Cause, wrong: NDArray[np.bool_]) -> bool:
        """One of a dozen activations often fits: one that the exercise has not (nor its own without
        the slope) is offered only where enough entries with enough digits agree, here and where
        that explains a later line, and not for one entry of several. Zeros of a ReLU agree too."""
        names = self.own_activations()
        names += [WITHOUT_SLOPE[name] for name in names if name in WITHOUT_SLOPE]
        own = {(FUNCTIONS[name].title,) for name in names}
        own |= {(each,) for name in names for each in OF_ANGLES.get(name, ())}
        if found.explanation.detail in own:
            return True
        if wrong.size > 1 and int(wrong.sum()) == 1:
            return False
        lines = [self.place, *self.evidence.explained_later(found.stand_ins)]
        cells = (cell for at in lines for cell in figures(self.sheet.written[at]))
        telling = sum(
            (cell.decimals if cell.value == 0 else cell.digits) >= TELLING_DIGITS for cell in cells
        )
        few = self.exercise.spec.equations is not None  # that are taken for each other there
        return telling >= TELLING_ENTRIES - (few or self.is_usual(found))

    def own_activations(self) -> list[str]:
        """Those that the exercise has."""
        layers = [layer.activation.name for layer in self.exercise.spec.layers]
        steps = () if layers else self.exercise.steps.values()
        used = [s.parameters["activation"] for s in steps if s.operation == "activate"]
        return layers or list(dict.fromkeys(used))

    def with_slopes_of_them(self, attempts: list[Attempt]) -> Iterator[tuple[Attempt, StandIns]]:
        """Wrong activations with all slopes that are worked from them, where g has such a form."""
        alike: dict[str, dict[Key, Step]] = {}
        for where in self.path():
            for form in self.exercise.forms(where):
                alike.setdefault(form.operation, {})[where] = form
        for forms in alike.values():
            beside = {(*at[:2], id) for at, form in forms.items() for id in form.operands}
            for attempt in attempts:
                changed = {at for at, _ in attempt if self.is_activation(at)}
                if not beside.isdisjoint(changed):
                    yield attempt, {**forms}

    def is_activation(self, place: Key) -> bool:
        return self.exercise.steps[place].operation == "activate"

    def by_other_ways(self, path: list[Key]) -> list[tuple[Attempt, StandIns]]:
        """Wrong steps on another right way to the quantity: g worked from an a that was not
        written, and that has no activation, whether or not the usual way passes a too."""
        ways: list[tuple[Attempt, StandIns]] = []
        for where in path:
            for form in self.exercise.forms(where):
                for id in form.operands:
                    beside = (where[0], where[1], id)
                    if beside in self.sheet.intervals or self.exercise.is_given(beside):
                        continue
                    if beside in path and self.exercise.steps[beside].operation != "activate":
                        continue
                    wrongs = self.exercise.wrongs(beside)
                    ways += [(((beside, wrong),), {where: form}) for wrong in wrongs]
        return ways

    def after_mistakes(self) -> list[tuple[Attempt, StandIns]]:
        """Wrong steps of the line itself, or of the one before it, on what earlier explanations put
        in the place of others, where it rests on that."""
        ways: list[tuple[Attempt, StandIns]] = []
        near = self.path()[:2]
        written = figures(self.sheet.written[self.place])
        digits = {abs(each.value): each.digits for each in written}
        if sum(digits.values()) < TELLING_OF_TWO:
            return []
        for hypothesis in self.sheet.hypotheses[:MOST_BEFORE]:
            before = {at: x for at, x in hypothesis.stand_ins.items() if at != self.place}
            if self.evidence.rests_on(self.place, before):
                own = [each for each in self.singles if each[0] in near and each[0] not in before]
                ways += [((single,), before) for single in own]
        return ways

    def by_rules(
        self,
        attempts: list[Attempt],
        other_ways: Iterable[tuple[Attempt, StandIns]] = (),
    ) -> list[Cause]:
        """What explains everything here and agrees with the rest, nearest to the quantity first."""
        found: list[Cause] = []
        ways: list[tuple[Attempt, StandIns]] = [(attempt, {}) for attempt in attempts]
        for attempt, form in chain(ways, other_ways):
            if self.sheet.search.is_spent:
                break
            order = self.exercise.order
            here = tuple(each for each in attempt if order[each[0]] <= order[self.place])
            if self.is_ruled_out(here, form) or not self.explains(here, form):
                continue
            stand_ins: StandIns = {at: wrong for at, wrong in attempt if self.stands_in(at)}
            over: StandIns = {**form, **dict(here)}
            boxes = self.replayed(over), self.unrounded(over)
            cause = Cause(self.explanation(here), stand_ins, *boxes)
            found += [cause] if self.evidence.is_borne_out(cause) else []
            if len(found) >= MOST_TIES:
                break
        return found

    def is_ruled_out(self, attempt: Attempt, form: StandIns) -> bool:
        """Whether rules are told not to have been used by what they give if nothing is rounded."""
        over: StandIns = {**form, **dict(attempt)}
        return self.is_far_from(over) or self.evidence.is_refuted(over)

    def where(self, place: Key) -> str:
        """The id of the quantity in which a wrong rule shows."""
        return self.place[2] if place in self.again() else place[2]

    def stands_in(self, place: Key) -> bool:
        """Whether later steps can't take what was written, but need to know the wrong rule: that of
        a line that was not written, or of the loss, which is worked again after the update."""
        return place != self.place or self.exercise.steps[place].phase == "loss"

    def explains(self, attempt: Attempt, form: StandIns) -> bool:
        over: StandIns = {**form, **dict(attempt)}
        try:
            return self.fits_closely(over)
        except (ValueError, KeyError):  # operands whose shapes do not meet
            return False

    def pairs(self, singles: list[tuple[Key, Wrong]]) -> list[Attempt]:
        """Two mistakes: at two steps, or a factor, a sign or a turn on top of another rule."""
        found: list[Attempt] = []
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


def _line_of(wrong: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The row or column that holds all that is wrong, where there are others."""
    for axis in (1, 0):
        lines = wrong.any(axis=axis, keepdims=True)
        if lines.size > 1 and int(lines.sum()) == 1:
            return np.broadcast_to(lines, wrong.shape)
    return None


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
