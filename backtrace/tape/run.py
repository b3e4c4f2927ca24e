"""Tape → trace: the steps worked one after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from backtrace.functions.activations import filled
from backtrace.functions.array import Array
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec import ids
from backtrace.spec.model import Spec
from backtrace.tape.arguments import handed_back, taken
from backtrace.tape.arithmetic import NumberSystem, arithmetic
from backtrace.tape.cancellation import cleared, terms_of
from backtrace.tape.chunks import (
    contiguous,
    in_chunks,
    is_per_sample,
    lanes_of,
    one_thread_each,
)
from backtrace.tape.compile import check_length, compile_tape
from backtrace.tape.operations import OPERATIONS, augmented
from backtrace.tape.parameters import (
    INPUTS,
    given_matrices,
    parameter_ids,
    trained_ids,
    upstream_id,
)
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step, Tape
from backtrace.tape.trace import Trace, TracedStep
from backtrace.tape.writer import TapeError

Values: TypeAlias = dict[str, Array]


def trace(
    spec: Spec, epochs: range | None = None, state: Mapping[str, Array] | None = None
) -> Trace:
    """Works a spec out and returns every intermediate value.

    ``epochs`` (from 1) are those to work, all of the spec's by default; ``state`` holds the
    parameters (``W1``) and optimizer states (``vW1``) from which the first of them starts, where
    they are not those of the spec. Raises ``TapeError`` where the arithmetic asked for can't
    carry a step (fractions through a sigmoid).
    """
    check_length(spec, epochs)
    tape = compile_tape(spec, epochs)
    start = starting_values(spec) | given_values(spec, state or {})
    return Trace(
        title=spec.title,
        source=spec.source,
        conventions=spec.conventions,
        notation=spec.notation,
        arithmetic=spec.arithmetic,
        decimals=spec.decimals,
        steps=tuple(run(tape, start)),
    )


def starting_values(spec: Spec) -> Values:
    """Data, starting parameters and optimizer states, in the spec's arithmetic, by id.

    ``a0`` carries its 1s where layer 1 has its bias in the weights; states start at 0; an upstream
    gradient has the sign of the convention.
    """
    setting, numbers = Setting(spec.conventions), arithmetic(spec.arithmetic)
    given = given_matrices(spec)
    values = {id: numbers.given(matrix.values, matrix.written) for id, matrix in given.items()}
    if spec.equations is not None:
        return values | initial_states(spec, values)
    upstream = upstream_id(spec)
    if upstream in values and setting.descent:
        values[upstream] = -values[upstream]
    kind = spec.layers[0].bias.kind
    values[INPUTS] = augmented(setting, values[INPUTS], kind if kind in ("first", "last") else "")
    for id in parameter_ids(spec):  # however a file arranges them: it could change the last bits
        values[id] = np.ascontiguousarray(values[id])
    return values | initial_states(spec, values)


def given_values(spec: Spec, state: Mapping[str, Array]) -> Values:
    """Parameters and optimizer states (``vW1``) as the ``given`` steps have them (``vW1_old``)."""
    before = {
        ids.state(letter, id): ids.state_before(letter, id)
        for id in trained_ids(spec)
        for letter in states(spec)
    }
    return {before.get(id, id): value for id, value in state.items()}


def initial_states(spec: Spec, values: Mapping[str, Array]) -> Values:
    """A 0 for every entry of every optimizer state, by id."""
    return {
        ids.state_before(letter, id): filled(values[id], 0)
        for id in trained_ids(spec)
        for letter in states(spec)
    }


def states(spec: Spec) -> tuple[str, ...]:
    """The letters of what the optimizer remembers of every parameter."""
    return () if spec.optimizer is None else OPTIMIZERS[spec.optimizer.name].states


def run(tape: Tape, start: Mapping[str, Array]) -> Iterable[TracedStep]:
    """Works every step of a tape; ``start`` holds what ``starting_values`` gives.

    Raises ``TapeError`` where a fraction leaves the range of the floats: pages, drawings and checks
    measure by them. (A training goes on, and says that it has diverged.)
    """
    runner = Runner(tape, start)
    for step in tape.steps:
        traced = runner.work(step)
        if runner.numbers.beyond(runner.values[step.id]):
            raise TapeError(
                f"{step.id} has a fraction beyond 1.8e308, where the floats end. Take smaller "
                "numbers, or arithmetic: float64, which goes on with inf.",
                "E220",
            )
        yield traced


class Runner:
    """The environment of the update at hand and of the one before."""

    def __init__(self, tape: Tape, start: Mapping[str, Array]) -> None:
        self.setting = Setting(tape.conventions)
        self.numbers = arithmetic(tape.arithmetic)
        self.start = start
        self.place = (0, 0)
        self.before: Values = {}
        self.values: Values = {}
        self.forward: list[Step] = []
        self.terms: Values = {}  # of sums, how large what they add up is
        self.updated: Values = {}  # by the parameter's own id
        self.chunk = tape.chunk
        self.lanes = lanes_of(None, 0)
        self.by_sample: set[str] = set()

    def work(self, step: Step) -> TracedStep:
        if (step.epoch, step.batch) != self.place:
            self.place = (step.epoch, step.batch)
            self.before, self.values, self.forward = self.values, {}, []
            self.terms, self.updated = {}, {}
            self.by_sample = set()
            samples = 0 if self.chunk is None else step.shape[self.setting.sample_axis]
            self.lanes = lanes_of(self.chunk, samples)
        if step.phase in ("forward", "loss"):
            self.forward.append(step)
        if is_per_sample(step, self.by_sample):
            self.by_sample.add(step.id)
        with np.errstate(all="ignore"):  # what is infinite or no number stands on the page
            value = self.value(step)
        value.setflags(write=False)  # a trace shares its arrays; nobody may change one unseen
        self.values[step.id] = value
        if step.role == "updated":
            self.updated[step.of] = value
        return TracedStep(step, self.numbers.recorded(value))

    def left(self, id: str) -> Array:
        """What the update at hand has left of a parameter or an optimizer's state."""
        return self.updated.get(id, self.values[id])

    def value(self, step: Step) -> Array:
        if step.operation == "given":
            return self.given(step)
        if step.operation == "forward_again":
            return self.forward_again(step.of)
        value = self.evaluated(step, self.values)
        return self.without_noise(step, value, self.values, self.terms)

    def without_noise(
        self, step: Step, value: Array, values: Mapping[str, Array], terms: Values
    ) -> Array:
        rational = OPERATIONS[step.operation].rational(step.parameters)
        parameters = self.numbers.parameters(step.parameters, rational)
        operands = [terms.get(name, values[name]) for name in step.operands]
        own = terms_of(self.setting, step, parameters, operands, value)
        if own is None:
            return value
        terms[step.id] = own
        return cleared(value, own)

    def evaluated(self, step: Step, values: Mapping[str, Array]) -> Array:
        """A step's value on these; of a large batch chunk by chunk."""

        def evaluate_on(step: Step, values: Mapping[str, Array]) -> Array:
            return evaluate(self.setting, self.numbers, step, values)

        if len(self.lanes) == 1:
            return evaluate_on(step, values)
        axis = self.setting.sample_axis
        with one_thread_each(), np.errstate(all="ignore"):  # also sums of chunks may overflow
            return in_chunks(step, values, self.lanes, axis, self.by_sample, evaluate_on)

    def given(self, step: Step) -> Array:
        if "from" in step.parameters:
            return self.before[step.parameters["from"]]
        value = self.start[step.id]
        if "samples" not in step.parameters:
            return value
        first, last = step.parameters["samples"]
        return batch(self.setting, value, first - 1, last, step.parameters.get("order"))

    def forward_again(self, objective: str) -> Array:
        """The forward part of the update once more, on the new parameters."""
        values, terms = self.values | self.updated, Values()
        for earlier in self.forward:
            value = self.evaluated(earlier, values)
            values[earlier.id] = self.without_noise(earlier, value, values, terms)
        return values[objective or self.forward[-1].id]


def batch(
    setting: Setting, value: Array, start: int, stop: int, order: Sequence[int] | None
) -> Array:
    """The samples of one update: ``order`` (from 1) where they are shuffled, else start … stop."""
    if order is not None:
        return np.asarray(setting.rows(setting.rows(value)[np.array(order) - 1]))
    samples = slice(start, stop)
    return contiguous(value[samples] if setting.sample_axis == 0 else value[:, samples])


def worked(
    steps: Iterable[Step], values: Mapping[str, Array], setting: Setting, numbers: NumberSystem
) -> Values:
    """``values``, by id, and those of these steps, each on what stands before it.

    What is given must be among ``values``; KeyError where an operand is missing.
    """
    found = dict(values)
    for step in steps:
        if step.operation != "given":
            found[step.id] = evaluate(setting, numbers, step, found)
    return found


def evaluate(
    setting: Setting, numbers: NumberSystem, step: Step, values: Mapping[str, Array]
) -> Array:
    """The value of one step on the values of its operands, rounded as the arithmetic says.

    Raises TapeError where fractions can't go on: over 0, or with too many digits.
    """
    row = OPERATIONS[step.operation]
    rational = row.rational(step.parameters)
    parameters = numbers.parameters(step.parameters, rational)
    operands = [numbers.operand(values[name], rational) for name in step.needed]
    # A diverging update overflows; the value says so (inf, nan), a warning on stderr would not.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        try:
            value = row.evaluate(setting, parameters, *taken(parameters, operands))
            return numbers.line(handed_back(parameters, value))
        except (ZeroDivisionError, OverflowError) as error:
            zero = isinstance(error, ZeroDivisionError)
            why = "a division by 0. Take float64." if zero else str(error)
            raise TapeError(f"arithmetic: exact stops at {step.id}: {why}", "E220") from None
