"""Holds one sheet against a tape, step by step, each step on the student's own earlier values.

Two intervals decide (see ``model.Verdict``): G, what the spec allows, and L, what the student's
own written operands allow. An operand that was not written is worked from what was, and widened
by what rounding it may have cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.diagnosis import MOST_PAIRS, Diagnosis, Found
from backtrace.check.intervals import Box, Floats, hull, point, single, widened
from backtrace.check.misread import GivenTexts
from backtrace.check.mistakes import EVERY_RULE, Site, Wrong, wrongs
from backtrace.check.model import (
    WORST_FIRST,
    Answers,
    Explanation,
    Figure,
    Judged,
    Malformed,
    Report,
    Verdict,
    Written,
)
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.spec.model import Spec
from backtrace.tape.arithmetic import Floats as FloatArithmetic
from backtrace.tape.compile import compile_tape, given_matrices
from backtrace.tape.operations import Setting
from backtrace.tape.run import run, starting_values
from backtrace.tape.steps import Step, Tape

Key: TypeAlias = tuple[int, int, str]  # epoch, batch, id
Doubt: TypeAlias = NDArray[np.bool_]
Override: TypeAlias = "Mapping[Key, Step | Wrong | Box]"
NOTHING: Override = {}
MOST_WORLDS = 12  # ways the sheet may have come about that are kept in mind
FLOAT32 = 1e-6  # relative noise of a line in float32
SLACK = 1e-12  # relative float noise that a comparison forgives
MARKS: dict[Verdict, float] = {"right": 1.0, "rounded": 1.0, "carried": 1.0}


class Checker:
    """Everything about an exercise that does not depend on a student.

    ``credit`` says what share of an entry's mark a verdict earns, over the usual (right, rounded
    and carried earn it whole, all others nothing).
    """

    def __init__(
        self,
        spec: Spec,
        min_digits: int = 3,
        allow_truncation: bool = False,
        credit: Mapping[Verdict, float] | None = None,
    ) -> None:
        self.spec = spec
        self.tape: Tape = compile_tape(spec)
        self.setting = Setting(spec.conventions)
        self.min_digits = min_digits
        self.allow_truncation = allow_truncation
        self.credit: dict[Verdict, float] = {**MARKS, **(credit or {})}
        self.steps: dict[Key, Step] = {key(step): step for step in self.tape.steps}
        self.sites: dict[tuple[int, int], Site] = self._sites()
        self.parameters = {
            place: FloatArithmetic(np.float64).parameters(step.parameters)
            for place, step in self.steps.items()
        }
        self.values: dict[Key, Floats] = {}
        for traced in run(self.tape, starting_values(spec)):
            value = np.array(traced.value, dtype=np.float64, ndmin=2)
            self.values[key(traced.step)] = value
        self.points: dict[Key, Box] = {}
        self.operands: dict[Key, tuple[Key, ...]] = {
            place: self._operands(step) for place, step in self.steps.items()
        }
        self._wrongs: dict[Key, list[Wrong]] = {}
        self._forms: dict[Key, list[Step]] = {}
        self._matrices = given_matrices(spec)
        self._texts: dict[Key, GivenTexts] = {}

    def _sites(self) -> dict[tuple[int, int], Site]:
        updates: dict[tuple[int, int], dict[str, Step]] = {}
        for step in self.tape.steps:
            updates.setdefault((step.epoch, step.batch), {})[step.id] = step
        return {place: Site(self.spec, self.setting, steps) for place, steps in updates.items()}

    def _operands(self, step: Step) -> tuple[Key, ...]:
        """The keys a step is worked from; a later update's given parameter has one: the last."""
        if step.operation == "given":
            source = step.parameters.get("from")
            if source is None:
                return ()
            places = list(self.sites)
            before = places[places.index((step.epoch, step.batch)) - 1]
            return ((*before, source),)
        return tuple((step.epoch, step.batch, id) for id in step.operands)

    def is_given(self, place: Key) -> bool:
        """Whether the spec itself says the number (and no earlier update)."""
        return self.steps[place].operation == "given" and not self.operands[place]

    def line(self, box: Box) -> Box:
        """What a line of the spec's own arithmetic may hold: it too may round every line."""
        arithmetic = self.spec.arithmetic
        if arithmetic.kind == "rounded":
            unit = 10.0 ** -(arithmetic.decimals or 0)
            return widened(box, unit / 2, unit)
        if arithmetic.kind == "float32":
            return Box(box.lo - FLOAT32 * (1 + abs(box.lo)), box.hi + FLOAT32 * (1 + abs(box.hi)))
        return box

    def exact(self, place: Key) -> Box:
        """The spec's own value, as a box."""
        if place not in self.points:
            self.points[place] = point(self.values[place])
        return self.points[place]

    def wrongs(self, place: Key) -> list[Wrong]:
        """The wrong steps that may stand in the place of this one."""
        if place not in self._wrongs:
            site = self.sites[place[:2]]
            self._wrongs[place] = wrongs(self.steps[place], site)
        return self._wrongs[place]

    def given_texts(self, place: Key) -> GivenTexts:
        """The numbers of a given matrix as the exercise writes them."""
        if place not in self._texts:
            matrix = self._matrices.get(place[2])
            self._texts[place] = GivenTexts(self.values[place], matrix)
        return self._texts[place]

    def forms(self, place: Key) -> list[Step]:
        """Other ways to work a step that are as right as the tape's."""
        if place not in self._forms:
            site = self.sites[place[:2]]
            self._forms[place] = list(other_forms(self.steps[place], site))
        return self._forms[place]

    def check(self, answers: Answers) -> Report:
        """Every written quantity judged, in the order of work."""
        sheet = Sheet(self, answers)
        # Where a student's numbers overflow or have no logarithm, the interval says so.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            quantities = tuple(sheet.judge())
        return Report(answers.student, answers.file, quantities, answers.notes)


def key(step: Step) -> Key:
    return (step.epoch, step.batch, step.id)


def other_forms(step: Step, site: Site) -> Iterator[Step]:
    """g from a; an error worked out again or taken as written; the short-cut by the error."""

    def form(operation: str, operands: tuple[str, ...], **parameters: Any) -> Step:
        return msgspec.structs.replace(
            step,
            operation=operation,
            operands=operands,
            parameters={**step.parameters, **parameters},
        )

    last = f"a{site.last}"
    if step.operation == "activation_derivative":
        row = ACTIVATIONS[step.parameters["activation"]]
        falling = float(step.parameters.get("slope", 1)) < 0
        if row.derivative_from_activation is not None and not falling:
            ones = site.steps[f"a{step.layer}"].parameters.get("ones", "")
            yield form("derivative_from_activation", (f"a{step.layer}",), ones=ones)
    elif step.operation == "loss_terms" and "error" in site.steps:
        if LOSSES[step.parameters["loss"]].from_error:
            yield form("loss_terms", ("error",), from_error=True)
        elif "stable_from" in step.parameters:
            yield form("loss_terms_from_z", (step.parameters["stable_from"], "y"))
    elif step.operation == "loss_gradient" and step.operands == ("error",):
        yield form("loss_gradient", (last, "y"))
    elif step.operation == "shortcut_delta" and "error" in site.steps:
        yield form("error_over", ("error",))
    elif step.operation == "jacobian_product" or step.operation == "hadamard":
        yield from _shortcut_form(step, site)


def _shortcut_form(step: Step, site: Site) -> Iterator[Step]:
    """δ = (a − y)/n for an output that the spec takes the long way."""
    loss = site.spec.loss
    if loss is None or step.layer != site.last or loss.name == "upstream":
        return
    if LOSSES[loss.name].shortcut == site.spec.layers[-1].activation.name:
        gradient = site.steps[step.operands[0]]
        averaged = {k: v for k, v in gradient.parameters.items() if k == "samples"}
        operands = (f"a{site.last}", "y")
        yield msgspec.structs.replace(
            step, operation="shortcut_delta", operands=operands, parameters=averaged
        )


class Numbers(msgspec.Struct, frozen=True, eq=False):
    """What was written for one quantity: values, half units, and which entries are there."""

    values: Floats
    half: Floats
    there: Doubt
    digits: NDArray[np.int64]
    decimals: NDArray[np.int64]
    unit: float  # half a unit of the quantity's last decimal

    @classmethod
    def of(cls, written: Written, shape: tuple[int, int], unit: float) -> Numbers:
        values, half = np.zeros(shape), np.zeros(shape)
        there = np.zeros(shape, dtype=bool)
        digits, decimals = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for i, line in enumerate(written.cells):
            for j, cell in enumerate(line):
                if isinstance(cell, Figure):
                    values[i, j], half[i, j], there[i, j] = cell.value, cell.half_unit, True
                    digits[i, j], decimals[i, j] = cell.digits, cell.decimals
        return cls(values, half, there, digits, decimals, unit)


def last_units(written: Mapping[Key, Written]) -> dict[Key, float]:
    """Half a unit of the last decimal that was kept in each quantity.

    Whole numbers alone (``0``, ``[2, -1]``) do not show how many decimals the lines before them
    were worked with: then it is what the sheet's coarsest decimals say.
    """
    finest: dict[Key, float] = {}
    for place, each in written.items():
        halves = [
            cell.half_unit
            for line in each.cells
            for cell in line
            if isinstance(cell, Figure) and cell.half_unit
        ]
        finest[place] = min(halves, default=0.5)
    usual = max((half for half in finest.values() if half < 0.5), default=0.5)
    return {place: half if half < 0.5 else usual for place, half in finest.items()}


class World(msgspec.Struct, frozen=True, eq=False):
    """One way the sheet may have come about: what earlier explanations put in the place of given
    or unwritten quantities, and the first quantity that was explained so."""

    stand_ins: Override
    origin: Key


class Sheet:
    """One student's answers in the course of being judged."""

    def __init__(self, checker: Checker, answers: Answers) -> None:
        self.checker = checker
        self.written: dict[Key, Written] = {(w.epoch, w.batch, w.id): w for w in answers.written}
        self.units = last_units(self.written)
        self.numbers: dict[Key, Numbers] = {}
        self.boxes: dict[Key, Box] = {}  # what was written, as later steps take it
        self.doubts: dict[Key, Doubt] = {}  # entries that are neither right nor rounded
        self.verdicts: dict[Key, tuple[tuple[Verdict, ...], ...]] = {}
        self.judged: dict[Key, Judged] = {}
        self.worlds: list[World] = []
        self.pairs_left = MOST_PAIRS
        self.roots: dict[Key, Key | None] = {}
        self.worked: dict[tuple[Key, float], Box] = {}

    def judge(self) -> Iterator[Judged]:
        asked = set(self.checker.spec.ask)
        for place, step in self.checker.steps.items():
            name = step.id if place[:2] == (1, 1) else f"{step.id}@{place[0]}.{place[1]}"
            if place in self.written and self._any_written(self.written[place]):
                judged = Judgement(self, place).judged(bool(asked) and name not in asked)
                self.judged[place] = judged
                yield judged
            elif name in asked:
                yield self._missing(place)

    def _any_written(self, written: Written) -> bool:
        cells = written.cells or written.raw
        return any(cell is not None for line in cells for cell in line) or bool(written.problem)

    def _missing(self, place: Key) -> Judged:
        rows, columns = self.checker.values[place].shape
        entries: tuple[tuple[Verdict, ...], ...] = (("missing",) * columns,) * rows
        blank = (("",) * columns,) * rows
        possible = float(rows * columns)
        return Judged(place[2], place[0], place[1], "missing", entries, blank, possible=possible)

    def explained(self, place: Key, found: list[Found]) -> None:
        """Each explanation that puts something in an operand's place opens a world (a tie, several);
        those that were open go on with it."""
        opened = [f.stand_ins for f in found if f.stand_ins]
        if not opened:
            return
        before = self.worlds or [World({}, place)]
        both = [
            World({**world.stand_ins, **stand_ins}, world.origin)
            for world in before
            for stand_ins in opened
        ]
        self.worlds = [*self.worlds, *both][:MOST_WORLDS]

    # What later steps take

    def operand(self, place: Key, unit: float, over: Override = NOTHING) -> Box:
        """A quantity as the step at hand takes it: as given, as written, or worked out.

        ``unit`` is half a unit of the last decimal of the quantity being judged.
        """
        if place in over:
            return self._overridden(place, unit, over)
        if place in self.boxes:
            return self.boxes[place]
        if self.checker.is_given(place):
            return self.checker.exact(place)
        ahead = self._ahead(place) if place in self.written else None
        if ahead is not None:
            return ahead
        if not over:
            memo = self.worked.get((place, unit))
            if memo is None:
                memo = self.worked[(place, unit)] = self._unwritten(place, unit, over)
            return memo
        return self._unwritten(place, unit, over)

    def _unwritten(self, place: Key, unit: float, over: Override) -> Box:
        return self._rounded(place, self.step_box(place, unit, over), unit)

    def _rounded(self, place: Key, box: Box, unit: float) -> Box:
        """A line that was not written may have been rounded; it stays in its operation's range."""
        step = self.checker.steps[place]
        if step.operation == "given":
            return box
        wide = self._widened(box, unit)
        if step.operation == "activate":
            low, high = ACTIVATIONS[step.parameters["activation"]].range
            if wide is not box and np.isfinite(low):
                wide = Box(np.maximum(wide.lo, low), wide.hi)
            if wide is not box and np.isfinite(high):
                wide = Box(wide.lo, np.minimum(wide.hi, high))
        return wide

    def _widened(self, box: Box, unit: float) -> Box:
        """How far rounding (half a unit), or cutting off, can take a line that was not written."""
        return widened(box, unit * (2 if self.checker.allow_truncation else 1), 2 * unit)

    def _ahead(self, place: Key) -> Box | None:
        """What was written further down, where a wrong rule reaches for it; None where nothing."""
        written = self.written.get(place)
        if written is None or not written.cells:
            return None
        shape = self.checker.values[place].shape
        numbers = Numbers.of(written, (shape[0], shape[1]), self.units[place])
        if not numbers.there.all():
            return None
        half = numbers.half * (2 if self.checker.allow_truncation else 1)
        return Box((numbers.values - half)[None], (numbers.values + half)[None])

    def _overridden(self, place: Key, unit: float, over: Override) -> Box:
        replaced = over[place]
        if isinstance(replaced, Box):
            return replaced
        rest = {other: value for other, value in over.items() if other != place}
        box = self.replaced_box(place, replaced, unit, rest)
        # A wrong rule need not keep to the right one's range.
        return self._widened(box, unit)

    def replaced_box(self, place: Key, replaced: Step | Wrong, unit: float, over: Override) -> Box:
        """What a step gives that stands in the place of another."""
        if isinstance(replaced, Wrong):
            box = self.replaced_box(place, replaced.step, unit, over)
            if replaced.factor != 1:
                lo, hi = box.lo * replaced.factor, box.hi * replaced.factor
                box = Box(np.minimum(lo, hi), np.maximum(lo, hi))
            if replaced.turn:
                box = Box(box.lo.swapaxes(1, 2), box.hi.swapaxes(1, 2))
            return box
        parameters = FloatArithmetic(np.float64).parameters(replaced.parameters)
        operands = [self.operand((*place[:2], id), unit, over) for id in replaced.operands]
        rule = EVERY_RULE[replaced.operation]
        return self.checker.line(rule.interval(self.checker.setting, parameters, *operands))

    def step_box(self, place: Key, unit: float, over: Override = NOTHING) -> Box:
        """L of a step: its rule on the operands as the student has them."""
        checker, step = self.checker, self.checker.steps[place]
        if step.operation == "given":
            sources = checker.operands[place]
            return self.operand(sources[0], unit, over) if sources else checker.exact(place)
        if step.operation == "forward_again":
            return self._forward_again(place, unit, over)
        operands = [self.operand(source, unit, over) for source in checker.operands[place]]
        rule = EVERY_RULE[step.operation]
        return checker.line(rule.interval(checker.setting, checker.parameters[place], *operands))

    def _forward_again(self, place: Key, unit: float, over: Override) -> Box:
        """The forward part once more on the new parameters, none of its lines written."""
        checker, (epoch, batch, _) = self.checker, place
        new = {id.removesuffix("_new"): id for id in checker.steps[place].operands}
        worked: dict[str, Box] = {}

        def value(id: str) -> Box:
            if id in worked:
                return worked[id]
            if id in new:
                return self.operand((epoch, batch, new[id]), unit, over)
            return self.operand((epoch, batch, id), unit, over)

        for step in checker.sites[(epoch, batch)].steps.values():
            if step.phase not in ("forward", "loss"):
                continue
            operands = [value(id) for id in step.operands]
            where = key(step)
            rule = EVERY_RULE[step.operation]
            box = rule.interval(checker.setting, checker.parameters[where], *operands)
            box = checker.line(box)
            last = step.id == "loss"
            worked[step.id] = box if last else self._rounded(where, box, unit)
        return worked["loss"]

    # What rests on what

    def doubt(self, place: Key) -> Doubt:
        """Which entries are, or rest on, something that is neither right nor rounded."""
        if place in self.doubts:
            return self.doubts[place]
        if self.checker.is_given(place):
            return np.zeros(self.checker.values[place].shape, dtype=bool)
        found = self.doubt_of_operands(place, self.checker.steps[place])
        self.doubts[place] = found
        return found

    def doubt_of_operands(self, place: Key, step: Step) -> Doubt:
        """Which entries of a step rest on a doubtful entry of an operand."""
        if step.operation == "given":
            return self.doubt(self.checker.operands[place][0])
        doubts = [self.doubt((*place[:2], id)) for id in step.operands]
        if step.operation == "forward_again":
            return np.array([[any(bool(doubt.any()) for doubt in doubts)]])
        if not any(doubt.any() for doubt in doubts):
            return np.zeros(self.checker.values[place].shape, dtype=bool)
        rule = EVERY_RULE[step.operation]
        parameters = self.checker.parameters[place] | step.parameters
        return np.broadcast_to(
            rule.spread(self.checker.setting, parameters, *doubts),
            self.checker.values[place].shape,
        )

    def root(self, place: Key) -> Key | None:
        """The first quantity whose mistake ``place`` rests on; None where all is sound."""
        if place in self.judged:
            own = self.judged[place]
            if own.verdict == "carried":
                return self.roots.get(place)
            return place if bool(self.doubt(place).any()) else self.roots.get(place)
        if self.checker.is_given(place):
            return None
        if place in self.roots:
            return self.roots[place]
        found = self.first_root(self.checker.operands[place])
        self.roots[place] = found
        return found

    def first_root(self, places: tuple[Key, ...]) -> Key | None:
        order = list(self.checker.steps)
        roots = [root for root in map(self.root, places) if root is not None]
        return min(roots, key=order.index, default=None)


class Judgement:
    """One quantity being judged."""

    def __init__(self, sheet: Sheet, place: Key) -> None:
        self.sheet = sheet
        self.checker = sheet.checker
        self.place = place
        self.step = self.checker.steps[place]
        self.written = sheet.written[place]
        self.exact = self.checker.values[place]
        self._bounds: tuple[Floats, Floats] | None = None
        self.origin: Key | None = None  # of the world in which the value follows

    def judged(self, extra: bool) -> Judged:
        """The verdict; ``extra`` is whether the quantity was not asked for and earns nothing."""
        if self.written.problem:
            return self.misshapen(extra)
        numbers = Numbers.of(self.written, self._shape(), self.sheet.units[self.place])
        self.sheet.numbers[self.place] = numbers
        if self.checker.is_given(self.place):
            return self.given(numbers, extra)
        return self.worked(numbers, extra)

    def _shape(self) -> tuple[int, int]:
        rows, columns = self.exact.shape
        return rows, columns

    # A shape that fits no way round

    def misshapen(self, extra: bool) -> Judged:
        explanations = Diagnosis(self.sheet, self.place).of_shape(self.written)
        verdict: Verdict = "wrong" if explanations else "malformed"
        rows, columns = self._shape()
        entries = ((verdict,) * columns,) * rows
        self.sheet.doubts[self.place] = np.ones((rows, columns), dtype=bool)
        raw = tuple(tuple(_text(cell) for cell in line) for line in self.written.raw)
        return Judged(
            *self._id(),
            verdict,
            entries,
            raw,
            explanations,
            possible=0.0 if extra else float(rows * columns),
            notes=(*self.written.notes, self.written.problem),
        )

    def _id(self) -> tuple[str, int, int]:
        epoch, batch, id = self.place
        return id, epoch, batch

    # A given number, written again

    def given(self, numbers: Numbers, extra: bool) -> Judged:
        low, high = self.bounds(numbers)
        same = (low <= self.exact) & (self.exact <= high) | ~numbers.there
        taken = np.where(same, self.exact, numbers.values)
        explanations: tuple[Explanation, ...] = ()
        if not same.all():
            explanations = (Explanation((("given-misread", self.place[2]),)),)
        self.sheet.boxes[self.place] = point(taken)
        return self.verdict(np.where(same, "right", "wrong"), numbers, ~same, explanations, extra)

    # A worked quantity

    def worked(self, numbers: Numbers, extra: bool) -> Judged:
        place = self.place
        own = self.sheet.step_box(place, numbers.unit)
        in_l, box, doubt = self.in_own_work(numbers, own)
        alone = self.is_alone(numbers, box)
        low, high = self.bounds(numbers)
        slack = SLACK * (1.0 + np.abs(self.exact))
        in_g = (low - slack <= self.exact) & (self.exact <= high + slack)
        names = np.where(
            in_g,
            np.where(in_l, "right", "unsupported"),
            np.where(in_l, np.where(doubt, "carried", "rounded"), "wrong"),
        ).astype(object)
        names[self.too_vague(numbers, box, alone) & (in_g | in_l)] = "imprecise"
        self.settle(numbers, box, alone, names)
        explanations: tuple[Explanation, ...] = ()
        if (names[numbers.there] == "wrong").any():
            explanations = self.explain(names)
        return self.verdict(names, numbers, self.sheet.doubts[place], explanations, extra)

    def in_own_work(self, numbers: Numbers, own: Box) -> tuple[Doubt, Box, Doubt]:
        """Which entries follow from the student's own work by any right form, which box holds
        each, and which rest on doubtful operands."""
        follows = self.meets(numbers, own)
        doubt = self.resting
        box = own
        if follows.all():
            return follows, box, doubt
        for over, world in self.alternatives():
            other = self.alternative_box(over, numbers.unit)
            new = self.meets(numbers, other) & ~follows
            if new.any():
                if world is not None:
                    doubt = doubt | new
                    self.origin = world.origin
                else:
                    doubt = doubt | (new & self.resting_of(over))
                box = Box(
                    np.where(new, hull(other).lo, hull(box).lo),
                    np.where(new, hull(other).hi, hull(box).hi),
                )
                follows = follows | new
                if follows.all():
                    break
        return follows, box, doubt

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

    def alternative_box(self, over: Override, unit: float) -> Box:
        if self.place in over:
            rest = {place: value for place, value in over.items() if place != self.place}
            replaced = over[self.place]
            assert not isinstance(replaced, Box)
            return self.sheet.replaced_box(self.place, replaced, unit, rest)
        return self.sheet.step_box(self.place, unit, over)

    def alternatives(self) -> Iterator[tuple[Override, World | None]]:
        """Other forms along the unwritten way here, and what earlier explanations stand for."""
        path = Diagnosis(self.sheet, self.place).path()
        forms = [(where, form) for where in path for form in self.checker.forms(where)]
        for where, form in forms:
            yield {where: form}, None
        for world in self.sheet.worlds:
            stand_ins = {k: v for k, v in world.stand_ins.items() if k != self.place}
            if stand_ins:
                yield stand_ins, world
                for where, form in forms:
                    if where not in stand_ins:
                        yield {**stand_ins, where: form}, world

    def bounds(self, numbers: Numbers) -> tuple[Floats, Floats]:
        """The numbers that the written ones may stand for."""
        if self._bounds is None:
            self._bounds = self._worked_bounds(numbers)
        return self._bounds

    def _worked_bounds(self, numbers: Numbers) -> tuple[Floats, Floats]:
        noise = np.abs(numbers.values) * 4 * 2.0**-52
        low, high = numbers.values - numbers.half - noise, numbers.values + numbers.half + noise
        if self.checker.allow_truncation:
            unit = 2 * numbers.half
            high = np.where(numbers.values >= 0, np.maximum(high, numbers.values + unit), high)
            low = np.where(numbers.values <= 0, np.minimum(low, numbers.values - unit), low)
        return low, high

    def meets(self, numbers: Numbers, box: Box) -> Doubt:
        """Which written entries overlap the box (left-out ones count as doing so)."""
        low, high = self.bounds(numbers)
        slack = SLACK * (1.0 + np.abs(numbers.values))
        overlap = (box.lo - slack <= high) & (low <= box.hi + slack)
        return np.asarray(overlap.any(axis=0) | ~numbers.there)

    def too_vague(self, numbers: Numbers, box: Box, alone: Doubt) -> Doubt:
        """Too few digits to tell anything by, unless they are the value exactly."""
        few = (numbers.digits < self.checker.min_digits) & (numbers.decimals < 3)
        if few.any():
            slack = SLACK * (1.0 + np.abs(self.exact))
            few &= (np.abs(numbers.values - self.exact) > slack) & ~alone
        if few.any():
            few &= ~self.follows_exactly(numbers)
        return np.asarray(numbers.there & (numbers.half > 0) & (few | box.unbounded))

    @cached_property
    def resting(self) -> Doubt:
        """Which entries rest on a doubtful entry of an operand."""
        return self.sheet.doubt_of_operands(self.place, self.step)

    def follows_exactly(self, numbers: Numbers) -> Doubt:
        """Which written numbers are, digit for digit, what the numbers written before them give."""
        sheet = self.sheet
        over: dict[Key, Step | Wrong | Box] = {
            source: point(sheet.numbers[source].values)
            for where in Diagnosis(sheet, self.place).path()
            for source in self.checker.operands[where]
            if source in sheet.numbers and sheet.numbers[source].there.all()
        }
        if not over:
            return np.zeros(numbers.values.shape, dtype=bool)
        box = hull(sheet.step_box(self.place, 0.0, over))
        slack = 1e-9 * (1.0 + np.abs(numbers.values))
        near = (box.lo[0] - slack <= numbers.values) & (numbers.values <= box.hi[0] + slack)
        return np.asarray(near & single(box))

    def is_alone(self, numbers: Numbers, box: Box) -> Doubt:
        """Which written numbers equal a single-valued L: they stand for themselves."""
        lo, hi = hull(box).lo[0], hull(box).hi[0]
        low, high = lo - 1e-9 * np.abs(lo), hi + 1e-9 * np.abs(hi)
        return np.asarray(single(box) & (low <= numbers.values) & (numbers.values <= high))

    def settle(self, numbers: Numbers, box: Box, alone: Doubt, names: NDArray[Any]) -> None:
        """What later steps take for this quantity, and which of its entries are doubtful."""
        low, high = self.bounds(numbers)
        if alone.any():
            whole = hull(box)
            low, high = np.where(alone, whole.lo[0], low), np.where(alone, whole.hi[0], high)
        sound = (names == "right") | (names == "rounded")
        doubt = ~sound
        if not numbers.there.all():
            filled = hull(self.sheet._rounded(self.place, box, numbers.unit))
            low = np.where(numbers.there, low, filled.lo[0])
            high = np.where(numbers.there, high, filled.hi[0])
            doubt = np.where(numbers.there, doubt, self.resting)
        self.sheet.boxes[self.place] = Box(low[None], high[None])
        self.sheet.doubts[self.place] = doubt
        root = self.sheet.first_root(self.checker.operands[self.place])
        self.sheet.roots[self.place] = self.origin if root is None else root

    def explain(self, names: NDArray[Any]) -> tuple[Explanation, ...]:
        """The explanations, each kind once; what they put in an operand's place is remembered."""
        found = Diagnosis(self.sheet, self.place).found(names == "wrong")
        self.sheet.explained(self.place, found)
        kinds: dict[tuple[str, ...], Explanation] = {}
        for each in found:
            kinds.setdefault(tuple(sorted(each.explanation.codes)), each.explanation)
        return tuple(kinds.values())

    def verdict(
        self,
        names: NDArray[Any],
        numbers: Numbers,
        doubt: Doubt,
        explanations: tuple[Explanation, ...],
        extra: bool,
    ) -> Judged:
        self.sheet.doubts[self.place] = doubt
        names = names.astype(object)
        if not numbers.there.all():
            for i, j in np.argwhere(~numbers.there).tolist():
                cell = self.written.cells[i][j] if self.written.cells else None
                names[i, j] = "malformed" if isinstance(cell, Malformed) else "missing"
        entries: tuple[tuple[Verdict, ...], ...] = tuple(map(tuple, names.tolist()))
        worst = min((v for line in entries for v in line), key=WORST_FIRST.index)
        root = self.sheet.roots.get(self.place) if worst in ("carried", "unsupported") else None
        return Judged(
            *self._id(),
            worst,
            entries,
            tuple(tuple(_text(cell) for cell in line) for line in self.written.cells),
            explanations,
            root=None if root is None else _name(root),
            earned=0.0 if extra else self.earned(names),
            possible=0.0 if extra else float(names.size),
            notes=self.written.notes,
        )

    def earned(self, names: NDArray[Any]) -> float:
        """Marks by the policy; a carried value that an all-zero operand makes trivial earns none."""
        credit = self.checker.credit
        trivial = self._rests_on_zeros()
        return sum(
            0.0 if verdict == "carried" and trivial else credit.get(verdict, 0.0)
            for verdict in names.ravel()
        )

    def _rests_on_zeros(self) -> bool:
        """Whether a written operand is all zero that the spec's own is not."""
        for source in self.checker.operands[self.place]:
            box = self.sheet.boxes.get(source)
            if box is None or not self.sheet.doubt(source).any():
                continue
            if not box.lo.any() and not box.hi.any() and self.checker.values[source].any():
                return True
            numbers = self.sheet.numbers.get(source)
            if numbers is not None and numbers.there.all() and not numbers.values.any():
                return bool(self.checker.values[source].any())
        return False


def _text(cell: Figure | Malformed | None) -> str:
    return "" if cell is None else cell.text


def _name(place: Key) -> str:
    epoch, batch, id = place
    return id if (epoch, batch) == (1, 1) else f"{id}@{epoch}.{batch}"
