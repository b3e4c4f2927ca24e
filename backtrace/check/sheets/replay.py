"""What a step gives on a student's own numbers, with other steps in the place of some.

An operand that was written is taken as written; one that was not is worked from what was, and
widened by what rounding it may have cost. Each line is worked once, in the order of work; what no
replaced step reaches is worked once for all replays of a sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property, partial
from operator import is_
from typing import Protocol, TypeAlias

import numpy as np

from backtrace.check.mistakes.rewrites import Wrong
from backtrace.check.rules.adaptive_steps import (
    AVERAGES,
    DIVISORS,
    SQUARES,
    History,
    Notes,
    adaptive_step,
    average,
)
from backtrace.check.rules.equation_partials import slack
from backtrace.check.rules.evaluation import interval
from backtrace.check.rules.few_decimals import past_the_line
from backtrace.check.rules.intervals import (
    UNBOUNDED,
    Interval,
    clipped,
    either,
    every,
    hull,
    in_any,
    scaled,
    some,
    subtracted,
    widened,
)
from backtrace.check.rules.noted_lines import noted
from backtrace.check.rules.noting import FINER, TELLING, Noting, chosen, widened_by
from backtrace.check.sheets.exercise import Exercise, Key, Work, in_float32, key
from backtrace.check.sheets.workings import Working
from backtrace.functions.activations import Parameters
from backtrace.functions.elementary import FUNCTIONS
from backtrace.tape.arithmetic import FloatArithmetic
from backtrace.tape.steps import Step

StandIns: TypeAlias = dict[Key, Step | Wrong | Interval]
Override: TypeAlias = Mapping[Key, Step | Wrong | Interval]
NOTHING: Override = {}
KNOW_THEIR_PARTS = (  # and which are left alone
    *("matmul", "sum_samples", "total", "loss_terms", "loss_terms_from_error", "penalty"),
    *("descend", "accumulate", "accumulate_step", "average", "accumulate_squares"),
    "average_squares",
)
LARGE = 500  # entries of the operands of a line, for which it counts as another one


class Numbered(Protocol):
    """A sheet, as far as it is needed here."""

    exercise: Exercise
    working: Working
    digits: int | None
    work: Work

    @property
    def intervals(self) -> Mapping[Key, Interval]: ...

    def root(self, place: Key) -> Key | None: ...

    def ahead(self, place: Key) -> Interval | None: ...


class Replay:
    """The lines of a sheet as they are worked for one quantity.

    ``unit`` is half a unit of that quantity's last decimal, ``over`` what stands in the place of
    other steps. ``rounds``: whether each line that was not written is rounded to it, or cut off.
    """

    def __init__(
        self,
        sheet: Numbered,
        unit: float,
        over: Override,
        plain: Replay | None,
        *,
        rounds: bool = False,
    ) -> None:
        self.sheet = sheet
        self.rounds = rounds
        self.exercise = sheet.exercise
        self.unit = unit
        self.over = over
        self.plain = plain  # the replay in which nothing is replaced
        self.worked: dict[Key, Interval] = {}
        self.changed: set[Key] = set()  # what was worked and rests on a replaced step
        self.averages: dict[Key, Interval] = {}  # before an update
        self.befores: dict[int, Replay] = {}
        self.again: dict[tuple[Key, bool], tuple[Sequence[Interval], Interval]] = {}
        # Of scratch paper; a program has none.
        digits = None if sheet.working.float32 else sheet.digits
        half = 0.0 if sheet.working.float32 else unit
        half = half if digits is None else 0.0
        self.noting = Noting(half, digits, cut=sheet.working.cut)

    # Operands

    def operand(self, place: Key) -> Interval:
        """A quantity as the step at hand takes it: as given, as written, or worked out."""
        known = self.known(place)
        if known is not None:
            return known
        for unwritten in self.exercise.lines_before(place, self.is_known):
            self.worked[unwritten] = self.line(unwritten)
        return self.worked[place]

    def is_known(self, place: Key) -> bool:
        """Whether nothing before a quantity matters to it; a replaced step has its own operands."""
        return self.known(place) is not None

    def known(self, place: Key) -> Interval | None:
        """What need not be worked, or has been."""
        replaced = self.over.get(place)
        if isinstance(replaced, Interval):
            return replaced
        if replaced is None and place in self.sheet.intervals:
            return self.carried(self.sheet.intervals[place])
        found = self.worked.get(place)
        if found is not None or replaced is not None:
            return found
        if place in self.exercise.givens:
            return self.exercise.exact(place)
        return self.sheet.ahead(place)

    def line(self, place: Key) -> Interval:
        """A line that was not written."""
        replaced = self.over.get(place)
        if isinstance(replaced, Step | Wrong):
            # A wrong rule need not keep to the right one's range.
            return self.rounded(self.replaced(place, replaced))
        if self.plain is not None and not self.is_changed(place):
            return self.plain.operand(place)
        self.changed.add(place)
        return self.may_be_rounded(place, self.noted_step(place, self.step(place)))

    def noted_step(self, place: Key, found: Interval) -> Interval:
        """An unwritten step of an update with the fewer digits, where all are noted so."""
        working, operation = self.sheet.working, self.exercise.steps[place].operation
        is_noted = working.only and operation in DIVISORS and operation in working.parts
        if working.scratch is None or not is_noted:
            return found
        return working.scratch.rounded(found)

    def is_changed(self, place: Key) -> bool:
        """Whether a line that is about to be worked rests on a replaced one; an adaptive
        step rests on its gradient too, past averages that were written."""
        sources = self.exercise.operands[place]
        history = self.exercise.histories.get(place)
        if history is not None:
            gradient = (*place[:2], history.gradient)
            self.operand(gradient)
            sources = (*sources, gradient)
        return self.exercise.steps[place].operation == "forward_again" or any(
            source in self.over or source in self.changed for source in sources
        )

    # Steps

    def of(self, place: Key) -> Interval:
        """What the quantity itself may be: by what stands in its place, or by its own step."""
        replaced = self.over.get(place)
        if isinstance(replaced, Interval):
            return replaced
        found = self.step(place) if replaced is None else self.replaced(place, replaced)
        step = self.exercise.steps[place] if replaced is None else replaced
        return self.noted_whole(step.operation, found) if isinstance(step, Step) else found

    def noted_whole(self, operation: str, found: Interval) -> Interval:
        """A line on the page that was itself noted with the fewer digits, and then written with
        zeros."""
        working = self.sheet.working
        if working.scratch is None or operation not in working.parts:
            return found
        return in_any((found, working.scratch.rounded(found)))

    def step(self, place: Key) -> Interval:
        """L of a step: its rule on the operands as the student has them."""
        exercise, step = self.exercise, self.exercise.steps[place]
        sources = exercise.operands[place]
        if step.operation == "given":
            return self.operand(sources[0]) if sources else exercise.exact(place)
        if step.operation == "forward_again":
            return self.forward_again(place)
        operands = [self.operand(source) for source in sources]
        return self.within_reach(step, exercise.parameters[place], operands)

    def within_reach(
        self, step: Step, parameters: Parameters, operands: list[Interval]
    ) -> Interval:
        """What a step gives; an adaptive one has a bound if its averages are of one gradient."""
        if self.rounds and step.operation in DIVISORS:  # of squares that are known
            return interval(step.operation, self.exercise.setting, parameters, *operands)
        found, place = self.evaluated(step, parameters, operands), key(step)
        if step.operation not in DIVISORS or place not in self.exercise.histories:
            return found
        history = self.history(place)
        is_own = step.operands == self.exercise.steps[place].operands
        if history is None or not is_own:
            return found
        bound = self.of_one_history(step, parameters, history)
        bound = self.noted_whole(step.operation, bound)
        if operands[2:]:
            bound = subtracted(bound, self.decay(parameters, operands[2]))
        is_known, bound = ~bound.unbounded, self.in_its_floats(bound)
        if every(is_known):
            return bound
        ends = ((bound.lo, hull(found).lo), (bound.hi, hull(found).hi))
        return Interval(*(np.where(is_known, own, any_) for own, any_ in ends))

    def history(self, place: Key) -> History | None:
        """What an adaptive step is worked from; None where averages of it were worked wrong, but
        for those that a known rule stands for, or in an update before."""
        exercise, history = self.exercise, self.exercise.histories[place]
        places = {(*place[:2], line.id): line for line in history.lines}
        roots = {root for root in map(self.sheet.root, exercise.operands[place][:2]) if root}
        if not roots.isdisjoint(places):
            return None
        if any(exercise.steps[at].operation in AVERAGES for at in (*roots, *self.over)):
            history = history._replace(longest=np.inf)  # they are no averages of the gradients
        if places.keys().isdisjoint(self.over):
            return history
        known = {*history.before, history.gradient, *(line.id for line in history.lines)}
        lines = []
        for at, line in places.items():
            instead = self.over.get(at, line)
            rule = instead.step if isinstance(instead, Wrong) and instead.is_plain else instead
            if not isinstance(rule, Step) or rule.operation not in AVERAGES:
                return None
            if not known.issuperset(rule.operands):
                return None
            lines.append(rule)
        return history._replace(lines=tuple(lines), longest=np.inf)

    def of_one_history(self, step: Step, parameters: Parameters, history: History) -> Interval:
        """An adaptive step whose averages and squares are of the same gradients."""
        exercise, (epoch, batch, _) = self.exercise, key(step)
        values = {id: self.earlier((epoch, batch, id)) for id in history.before}
        values[history.gradient] = self.operand((epoch, batch, history.gradient))
        on_page = {line.id: self.on_the_page(key(line)) for line in history.lines}
        written = {id: x for id, x in on_page.items() if x is not None}
        own = exercise.steps[key(step)]
        rules = [(each.operation, *each.parameters.values()) for each in history.lines]
        how = (step.operation, parameters["rate"], self.notes, *rules, *written)
        known = exercise.remembered.key(own, (*values.values(), *written.values()), *how)
        found = exercise.remembered.get(known)
        if found is None:
            self.sheet.work.spend(1)
            if step.operation != own.operation:  # without the root
                history = history._replace(operation=step.operation, longest=np.inf)
            found = adaptive_step(
                exercise.setting, parameters, self.notes, history, values, written
            )
            exercise.remembered.keep(known, own, found)
        return found

    def on_the_page(self, at: Key) -> Interval | None:
        return None if at in self.worked else self.known(at)

    def earlier(self, at: Key) -> Interval:
        """An average before an update, in all ways in which it may have been noted."""
        if at not in self.averages:
            for line in self.exercise.lines_before(at, self.is_worked_average):
                self.averages[line] = self.average(line)
        return self.averages[at]

    def is_worked_average(self, at: Key) -> bool:
        step = self.exercise.steps[at]
        is_average = step.operation in AVERAGES or (step.operation == "given" and step.state)
        return at in self.averages or not is_average

    def average(self, at: Key) -> Interval:
        step, sources = self.exercise.steps[at], self.exercise.operands[at]
        operands = [self.averages.get(each) or hull(self.operand(each)) for each in sources]
        if step.operation == "given" and sources:
            return operands[0]
        if step.operation not in AVERAGES or at in self.over:
            return hull(self.operand(at))
        parameters, written = self.exercise.parameters[at], self.on_the_page(at)
        return average(step.operation, parameters, self.notes, operands, written)

    @cached_property
    def notes(self) -> Notes:
        """How partial results of an update may be noted."""
        working, own = self.sheet.working, self.noting
        finer = Noting(own.half / FINER, own.digits and own.digits + 1)
        is_coarse = working.has_coarse_lines or not working.parts.isdisjoint((*AVERAGES, *DIVISORS))
        ways = (own, finer, working.scratch if is_coarse else None, working.between)
        notings = tuple(each for each in ways if each is not None and (each.half or each.digits))
        least = (TELLING * each.half if each is finer else 0.0 for each in notings)
        return Notes(notings, tuple(least), working.cut)

    def decay(self, parameters: Parameters, weights: Interval) -> Interval:
        share = scaled(weights, float(parameters["rate"]) * float(parameters["weight_decay"]))
        return widened_by(share, self.noting.of(share))

    def replaced(self, place: Key, instead: Step | Wrong) -> Interval:
        """What a step gives that stands in the place of another.

        Only what is replaced before it matters to it, and so a chain of replaced steps is worked
        once, however long.
        """
        before = self.before(place)
        if isinstance(instead, Wrong) and instead.step.operation == "given":
            return instead.made_of(before.step(key(instead.step)))  # from an update before
        return before.applied(instead, lambda name: before.operand((*place[:2], name)))

    def applied(self, instead: Step | Wrong, operand: Callable[[str], Interval]) -> Interval:
        if isinstance(instead, Wrong):
            return instead.made_of(self.applied(instead.step, operand))
        parameters = FloatArithmetic(np.float64).parameters(instead.parameters)
        return self.within_reach(instead, parameters, [operand(id) for id in instead.operands])

    def before(self, place: Key) -> Replay:
        """The replay with only what is replaced before a line."""
        order = self.exercise.order
        over = {at: each for at, each in self.over.items() if order[at] < order[place]}
        if len(over) not in self.befores:
            plain = self if self.plain is None else self.plain
            replay = Replay(self.sheet, self.unit, over, plain) if over else plain
            replay.befores = self.befores if over else replay.befores
            self.befores[len(over)] = replay
        return self.befores[len(over)]

    def evaluated(self, step: Step, parameters: Parameters, operands: list[Interval]) -> Interval:
        size = 0
        for operand in operands:
            size += operand.lo.size
        self.sheet.work.spend(1 + size // LARGE)
        if size > LARGE:
            return self.newly_evaluated(step, parameters, operands)
        remembered = self.exercise.remembered
        key = remembered.key(step, operands, self.noting, self.way(step.operation))
        found = remembered.get(key)
        if found is None:
            found = self.newly_evaluated(step, parameters, operands)
            remembered.keep(key, step, found)
        return found

    def way(self, operation: str) -> tuple[Hashable, ...]:
        """All of the working on which hangs what an operation gives: most give the same in many."""
        working = self.sheet.working
        if working.scratch is None or not working.has_coarse_parts(operation):
            return self.plain_way
        coarse = (working.scratch, working.loose, working.only, working.known)
        return (*coarse, *self.plain_way)

    @cached_property
    def plain_way(self) -> tuple[bool, bool]:
        return self.sheet.working.rounds_once, self.sheet.working.float32

    def newly_evaluated(
        self, step: Step, parameters: Parameters, operands: list[Interval]
    ) -> Interval:
        found = self.with_parts(step.operation, parameters, operands)
        return self.in_its_floats(found, of_entries=step.operation == "activate")

    def in_its_floats(self, x: Interval, of_entries: bool = False) -> Interval:
        found = self.exercise.line(x)
        return in_float32(found, of_entries) if self.sheet.working.float32 else found

    def with_parts(
        self, operation: str, parameters: Parameters, operands: list[Interval]
    ) -> Interval:
        """What a line gives, whose partial results may have been rounded as well."""
        working = self.sheet.working
        if working.scratch is None or not working.has_coarse_parts(operation):
            return self.with_slack(operation, parameters, operands, self.noting)
        if working.loose:
            found = self.with_slack(operation, parameters, operands, working.scratch)
            return self.on_scratch_paper(found)
        setting = self.exercise.setting
        by_parts = noted(operation, setting, parameters, working.scratch, *operands)
        if by_parts is not None and working.only:
            return by_parts
        if by_parts is None:
            noting = self.noting if working.known else working.scratch
            return self.with_slack(operation, parameters, operands, noting)
        usual = self.with_slack(operation, parameters, operands, self.noting)
        return in_any((by_parts, usual))

    def with_slack(
        self, operation: str, parameters: Parameters, operands: list[Interval], noting: Noting
    ) -> Interval:
        """What a line gives, as far off as its partial results may take it."""
        setting = self.exercise.setting
        found = interval(operation, setting, parameters, *operands)
        if operation == "penalty":  # of known weights it is known which way each share goes
            as_noted = partial(noted, operation, setting, parameters)
            ways = [as_noted(each, *operands) for each in (noting, noting.finer)]
            known = [each for each in ways if each is not None]
            if known:
                return hull(in_any((found, *known)))
        off = slack(operation, setting, parameters, noting, *operands)
        if operation not in KNOW_THEIR_PARTS and some(off):
            off = np.where(noting.of(found) == 0, 0.0, off)
        if self.sheet.working.rounds_once:
            off = past_the_line(operation, setting, parameters, noting, off, *operands)
        return widened_by(found, off)

    def forward_again(self, place: Key) -> Interval:
        """The forward part once more on the new parameters, none of its lines written.

        Who worked the loss by a wrong rule does so again.
        """
        exercise, (epoch, batch, _) = self.exercise, place
        steps = exercise.contexts[epoch, batch].steps
        new = {steps[id].of: id for id in exercise.steps[place].operands}
        worked: dict[str, Interval] = {}

        def again(id: str) -> Interval:
            return worked[id] if id in worked else self.operand((epoch, batch, new.get(id, id)))

        for step in steps.values():
            if step.phase not in ("forward", "loss"):
                continue
            is_last = step.role == "loss" or step.id == exercise.steps[place].of
            wrong = self.over.get(key(step)) if step.phase == "loss" else None
            if isinstance(wrong, Wrong):
                found = self.applied(wrong, again)
                found = found if is_last else self.rounded_again(step, found)
            else:
                operands = [again(id) for id in step.operands]
                found = self.line_again(step, operands, is_last=is_last)
            if is_last:
                return found
            worked[step.id] = found
        raise AssertionError("an update without a loss has no loss after it")

    def line_again(self, step: Step, operands: list[Interval], *, is_last: bool) -> Interval:
        """A line worked once more; what no replaced step reaches is that of the plain replay."""
        plain = self if self.plain is None else self.plain
        before, known = plain.again.get((key(step), is_last), ((), None))
        if known is not None and all(map(is_, operands, before)):
            return known
        found = self.within_reach(step, self.exercise.parameters[key(step)], operands)
        found = found if is_last else self.rounded_again(step, found)
        if plain is self:
            self.again[key(step), is_last] = operands, found
        return found

    def rounded_again(self, step: Step, found: Interval) -> Interval:
        return self.may_be_rounded(key(step), self.on_scratch_paper(found))

    # Rounding

    def carried(self, x: Interval) -> Interval:
        """A written number as the next line took it: perhaps with the fewer digits of scratch
        paper. What would show next to nothing there may have stayed in the calculator."""
        working = self.sheet.working
        if working.scratch is None or not working.has_coarse_lines:
            return x
        if working.loose:
            return self.on_scratch_paper(x)
        coarse, keeps = working.scratch.rounded(x), working.scratch.keeps
        ends, telling = (np.abs(x.lo), np.abs(x.hi)), TELLING * working.scratch.half
        may_be_tiny, is_tiny = np.minimum(*ends) < telling, np.maximum(*ends) < telling
        if keeps is False or not may_be_tiny.any():
            return coarse
        found = chosen(may_be_tiny, either(x, coarse), coarse)
        return chosen(is_tiny, x, found) if keeps else found

    def on_scratch_paper(self, x: Interval) -> Interval:
        """A line that nobody writes twice, with the fewer digits of scratch paper."""
        working = self.sheet.working
        if working.scratch is None or not working.has_coarse_lines:
            return x
        if working.only:
            return self.carried(x)
        error = working.scratch.error(np.maximum(np.abs(x.lo), np.abs(x.hi)))
        return Interval(x.lo - error, x.hi + error)

    def may_be_rounded(self, place: Key, x: Interval) -> Interval:
        """A line that was not written may have been rounded; but for what coarse parts did to it
        it stays in its operation's range."""
        step = self.exercise.steps[place]
        if step.operation == "given":
            return x
        wide = self.rounded(x)
        if step.operation in SQUARES:
            return clipped(wide, np.minimum(x.lo, 0.0), UNBOUNDED)
        if step.operation != "activate" or wide is x:
            return wide
        low, high = FUNCTIONS[step.parameters["activation"]].range
        return clipped(wide, min(low, float(x.lo.min())), max(high, float(x.hi.max())))

    def rounded(self, x: Interval) -> Interval:
        """How far rounding (half a unit), or cutting off, can take a line that was not written."""
        working = self.sheet.working
        if working.only and working.has_coarse_lines:
            return self.carried(x)
        if working.only and working.unwritten is not None:
            return working.unwritten.rounded(x)
        if self.unit == 0 or working.float32:
            return x
        if working.loose:
            return self.on_scratch_paper(x)
        if self.rounds:
            return self.noting.rounded(x)
        if working.cut:
            unit = self.noting.error_in(x)
            wide = widened(x, unit, unit)
        else:
            wide = _at_most_so_coarse(self.noting, x)
        if working.between is not None:
            wide = either(wide, working.between.rounded(x))
        if working.unwritten is not None and self.unit < working.unwritten.half / FINER:
            wide = either(wide, _at_most_so_coarse(working.unwritten.finer, x))
        return wide


def _at_most_so_coarse(noting: Noting, x: Interval) -> Interval:
    """``x`` rounded so, or more finely, or not at all: which way a known number goes is known."""
    half = noting.error_in(x)
    return either(widened(x, half / FINER, 2 * half), noting.rounded(x))
