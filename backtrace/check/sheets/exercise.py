"""What of an exercise does not depend on a student: values, right forms and wrong rules by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cached_property
from math import prod
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.mistakes.catalogue import wrongs
from backtrace.check.mistakes.given_texts import GivenTexts
from backtrace.check.mistakes.rewrites import UpdateContext, Wrong
from backtrace.check.model import WORST_FIRST, Verdict
from backtrace.check.rules.adaptive_steps import History, history_of
from backtrace.check.rules.intervals import Floats, Interval, point, widened
from backtrace.check.rules.softmax_bounds import MOST_CORNERS
from backtrace.check.sheets.remembered import Remembered
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.elementary import ELEMENTARY, FUNCTIONS
from backtrace.functions.losses import LOSSES
from backtrace.spec.ids import family, id_of
from backtrace.spec.model import AnswerDigits, Spec
from backtrace.tape.arguments import arguments_of
from backtrace.tape.arithmetic import FloatArithmetic
from backtrace.tape.compile import check_length, compile_tape
from backtrace.tape.parameters import given_matrices
from backtrace.tape.run import run, starting_values
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step, Tape
from backtrace.tape.writer import TapeError

Key: TypeAlias = tuple[int, int, str]  # epoch, batch, id
MOST_STEPS = 20_000  # of all updates; a sheet is held against every one
LEAST_TRIALS, TRIALS_OF_A_LINE = 4_000, 50
MOST_SEARCHES = 12_000  # lines that are worked in search of all mistakes of a sheet
FLOAT32 = 2.5e-7  # relative noise of a line in float32: four roundings by half a unit
ADAPTIVE = ("adaptive_step", "decayed_step")
DIVIDING = (*ADAPTIVE, "rescale", "over", "over_slope")
OF_THE_LOSS = ("loss_terms", "loss_gradient", "loss_of", "loss_slope", "forward_again")
MARKS: dict[Verdict, float] = {"right": 1.0, "rounded": 1.0, "carried": 1.0}


class Work:
    """How many lines may still be worked for a purpose, which is part of a larger one."""

    def __init__(self, left: int, whole: Work | None = None) -> None:
        self.left = left
        self.whole = whole

    def spend(self, lines: int) -> None:
        self.left -= lines
        if self.whole is not None:
            self.whole.spend(lines)

    @property
    def is_spent(self) -> bool:
        return self.left <= 0 or (self.whole is not None and self.whole.is_spent)


class Exercise:
    """Everything about an exercise that does not depend on a student.

    ``asked`` are the digits that are asked for, where they are not those of the spec; ``credit``
    says what share of an entry's mark a verdict earns, over the usual (right, rounded and carried
    earn it whole, all others nothing).
    """

    def __init__(
        self,
        spec: Spec,
        asked: AnswerDigits | None = None,
        credit: Mapping[Verdict, float] | None = None,
    ) -> None:
        self.spec = spec
        check_length(spec, most=MOST_STEPS)
        self.tape: Tape = compile_tape(spec)
        self._check_softmaxes()
        self.setting = Setting(spec.conventions)
        self.asked = asked or spec.answer_digits
        policy = {} if spec.marks is None else spec.marks.credit
        self.credit: dict[Verdict, float] = {
            **MARKS,
            **{verdict: float(policy[verdict]) for verdict in WORST_FIRST if verdict in policy},
            **(credit or {}),
        }
        self.steps: dict[Key, Step] = {key(step): step for step in self.tape.steps}
        self.asked_for = {at for at, step in self.steps.items() if str(step.at) in spec.ask}
        self.order: dict[Key, int] = {place: at for at, place in enumerate(self.steps)}
        self.contexts: dict[tuple[int, int], UpdateContext] = self._contexts()
        self.parameters = {
            place: FloatArithmetic(np.float64).parameters(step.parameters)
            for place, step in self.steps.items()
        }
        self.values: dict[Key, Floats] = {}
        for traced in run(self.tape, starting_values(spec)):
            value = np.array(traced.value, dtype=np.float64, ndmin=2)
            self.values[key(traced.step)] = value
        self.points: dict[Key, Interval] = {}
        self.operands: dict[Key, tuple[Key, ...]] = {
            place: self._operands(step) for place, step in self.steps.items()
        }
        self.givens = frozenset(
            place
            for place, step in self.steps.items()
            if step.operation == "given" and not self.operands[place]
        )
        self.histories: dict[Key, History] = {
            place: history_of(step, self.contexts[place[:2]].steps)
            for place, step in self.steps.items()
            if step.operation in ADAPTIVE and spec.arithmetic.kind != "rounded"
        }
        self.remembered = Remembered()
        self.trials = Work(self.most_trials)  # of one sheet, in all ways of working
        self.searches = Work(MOST_SEARCHES)  # for its mistakes, likewise
        self.reached: dict[tuple[Hashable, ...], NDArray[np.bool_]] = {}  # by readings of entries
        self._wrongs: dict[Key, list[Wrong]] = {}
        self._forms: dict[Key, list[Step]] = {}
        self._matrices = given_matrices(spec)
        self._texts: dict[Key, GivenTexts] = {}

    @property
    def most_trials(self) -> int:
        """How many lines may be worked of one sheet for its verdicts, in all ways that it is tried
        in: an honest one takes less than half of that."""
        return LEAST_TRIALS + TRIALS_OF_A_LINE * len(self.steps)

    def _check_softmaxes(self) -> None:
        for step in self.tape.steps:
            softmax = "softmax" in (step.operation, step.parameters.get("activation"))
            corners = prod(step.shape) * max(step.shape, default=1)
            if softmax and corners > MOST_CORNERS:
                size = " × ".join(f"{each:,}" for each in step.shape)
                raise TapeError(
                    f"{step.id}, a softmax of {size}, is too large to be checked: what digits may "
                    f"stand for has {corners:,} corners, and at most {MOST_CORNERS:,} are worked. "
                    "Take fewer units or samples.",
                    "E225",
                )

    def _contexts(self) -> dict[tuple[int, int], UpdateContext]:
        updates: dict[tuple[int, int], dict[str, Step]] = {}
        for step in self.tape.steps:
            updates.setdefault((step.epoch, step.batch), {})[step.id] = step
        return {
            place: UpdateContext(self.spec, self.setting, steps) for place, steps in updates.items()
        }

    def _operands(self, step: Step) -> tuple[Key, ...]:
        """The keys a step is worked from; a later update's given parameter has one: the last."""
        if step.operation == "given":
            source = step.parameters.get("from")
            if source is None:
                return ()
            places = list(self.contexts)
            before = places[places.index((step.epoch, step.batch)) - 1]
            return ((*before, source),)
        return tuple((step.epoch, step.batch, id) for id in step.operands)

    def is_given(self, place: Key) -> bool:
        """Whether the spec itself says the number (and no earlier update)."""
        return place in self.givens

    def lines_before(self, place: Key, is_known: Callable[[Key], bool]) -> list[Key]:
        """The lines not known that a quantity is worked from, in the order of work, itself last."""
        found, waiting = {place}, [place]
        while waiting:
            for source in self.operands[waiting.pop()]:
                if source not in found and not is_known(source):
                    found.add(source)
                    waiting.append(source)
        return sorted(found, key=self.order.__getitem__)

    def lines_again(self, place: Key) -> list[Key]:
        """The lines that are worked once more for a loss after an update; for others none."""
        if self.steps[place].operation != "forward_again":
            return []
        steps = self.contexts[place[:2]].steps.values()
        return [(*place[:2], each.id) for each in steps if each.phase in ("forward", "loss")]

    def line(self, box: Interval) -> Interval:
        """What a line of the spec's own arithmetic may hold: it too may round every line."""
        arithmetic = self.spec.arithmetic
        if arithmetic.kind == "rounded":
            unit = 10.0 ** -(arithmetic.decimals or 0)
            return widened(box, unit / 2, unit)
        if arithmetic.kind == "float32":
            return in_float32(box)
        return box

    @cached_property
    def may_be_unbounded(self) -> set[Key]:
        """The lines with a logarithm, or with a divisor that may be 0."""
        return {place for place, step in self.steps.items() if self._may_be_unbounded(step)}

    def _may_be_unbounded(self, step: Step) -> bool:
        if step.operation in OF_THE_LOSS:
            own = self.spec.loss.name if self.spec.loss else ""
            loss = LOSSES.get(step.parameters.get("loss", own))
            return bool(self.spec.equations) or (loss is not None and loss.outputs != "any")
        return step.operation in DIVIDING or step.parameters.get("activation") in ELEMENTARY

    @cached_property
    def turns(self) -> dict[Key, int]:
        """At which turn of its loop a line is worked, or in which layer: of those of an update that
        have its name but for the number."""
        found: dict[Key, int] = {}
        before = Counter[Key]()
        for (epoch, batch), context in self.contexts.items():
            for id in context.steps:
                name = (epoch, batch, family(id))
                found[epoch, batch, id] = before[name]
                before[name] += 1
        return found

    @cached_property
    def given_values(self) -> list[Floats]:
        """The matrices that the spec itself says."""
        return [self.values[place] for place in self.steps if place in self.givens]

    def exact(self, place: Key) -> Interval:
        """The spec's own value, as a box."""
        if place not in self.points:
            self.points[place] = point(self.values[place])
        return self.points[place]

    def wrongs(self, place: Key) -> list[Wrong]:
        """The wrong steps that may stand in the place of this one."""
        if place not in self._wrongs:
            context = self.contexts[place[:2]]
            self._wrongs[place] = wrongs(self.steps[place], context)
        return self._wrongs[place]

    def given_texts(self, place: Key) -> GivenTexts:
        """The numbers of a given matrix as the exercise writes them."""
        if place not in self._texts:
            matrix = self._matrices.get(place[2])
            written = None if matrix is None else matrix.written
            self._texts[place] = GivenTexts(self.values[place], written)
        return self._texts[place]

    def forms(self, place: Key) -> list[Step]:
        """Other ways to work a step that are as right as the tape's."""
        if place not in self._forms:
            context = self.contexts[place[:2]]
            self._forms[place] = list(other_forms(self.steps[place], context))
        return self._forms[place]


def in_float32(box: Interval, of_entries: bool = False) -> Interval:
    """What a line may hold that is worked in float32. A sum that cancels leaves a little; a
    function of entries that gives 0, as a ReLU of what is off, gives 0."""
    lo, hi = box.lo, box.hi
    kept = (lo == 0) & (hi == 0) if of_entries else np.zeros_like(lo, dtype=bool)
    off = np.where(kept, 0.0, FLOAT32)
    return Interval(lo - off * (1 + abs(lo)), hi + off * (1 + abs(hi)))


def key(step: Step) -> Key:
    return (step.epoch, step.batch, step.id)


def other_forms(step: Step, context: UpdateContext) -> Iterator[Step]:
    """g from a; an error worked out again or taken as written; the short-cut by the error; a
    product before what divides a factor of it."""

    def form(operation: str, operands: tuple[str, ...], **parameters: Any) -> Step:
        return msgspec.structs.replace(
            step,
            operation=operation,
            operands=operands,
            parameters={**step.parameters, **parameters},
        )

    error, targets = id_of("error"), id_of("targets")
    if step.operation == "activation_derivative":
        row = ACTIVATIONS[step.parameters["activation"]]
        falling = float(step.parameters.get("slope", 1)) < 0
        if row.derivative_from_activation is not None and not falling:
            activation = context.steps[id_of("activation", step.layer)]
            ones, kinked = activation.parameters.get("ones", ""), bool(row.kinks(step.parameters))
            yield form("derivative_from_activation", (activation.id,), ones=ones, by_sight=kinked)
    elif step.operation == "loss_terms" and error in context.steps:
        if LOSSES[step.parameters["loss"]].from_error:
            yield form("loss_terms_from_error", (error,))
        elif "stable_from" in step.parameters:
            yield form("loss_terms_from_z", (step.parameters["stable_from"], targets))
    elif step.operation == "loss_gradient" and step.operands == (error,):
        last = id_of("activation", context.last)
        yield form("loss_gradient_from_activation", (last, targets))
    elif step.operation == "chain":
        yield from _from_activation(step, context)
    elif step.operation == "shortcut_delta" and error in context.steps:
        yield form("error_averaged", (error,))
    elif step.operation in ("jacobian_product", "hadamard"):
        yield from _shortcut_form(step, context)
    elif step.operation == "matmul" and context.spec.equations is not None:
        yield from _divided_after(step, context)


def _from_activation(step: Step, context: UpdateContext) -> Iterator[Step]:
    """The slope worked from what the line gave: 1 − h² of the h that was written."""
    row = FUNCTIONS[step.parameters["activation"]]
    upstream, *arguments = step.operands
    if row.derivative_from_activation is None or "arguments" in step.parameters:
        return
    for line in context.steps.values():
        is_it = line.operation == "activate" and line.operands == tuple(arguments)
        if is_it and line.parameters["activation"] == step.parameters["activation"]:
            yield msgspec.structs.replace(
                step, operation="chain_from_activation", operands=(upstream, line.id)
            )


def _divided_after(step: Step, context: UpdateContext) -> Iterator[Step]:
    """The product first, where the spec divides a factor of it by a number: (dS·K)/√d."""
    for id in step.operands:
        factor = context.steps[id]
        arguments = arguments_of(factor.operands, factor.parameters)
        by = arguments[1].number if factor.operation == "over" else None
        if by and arguments[0].number is None and not arguments[0].views:
            operands = tuple(arguments[0].id if each == id else each for each in step.operands)
            parameters = {**step.parameters, "samples": float(by)}
            yield msgspec.structs.replace(step, operands=operands, parameters=parameters)


def _shortcut_form(step: Step, context: UpdateContext) -> Iterator[Step]:
    """δ = (a − y)/n for an output that the spec takes the long way."""
    loss = context.spec.loss
    if loss is None or step.layer != context.last or loss.name == "upstream":
        return
    if LOSSES[loss.name].shortcut == context.spec.layers[-1].activation.name:
        gradient = context.steps[step.operands[0]]
        averaged = {k: v for k, v in gradient.parameters.items() if k == "samples"}
        operands = (id_of("activation", context.last), id_of("targets"))
        yield msgspec.structs.replace(
            step, operation="shortcut_delta", operands=operands, parameters=averaged
        )
