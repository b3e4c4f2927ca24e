"""Training: the tape, an update after another, without recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Literal, Protocol, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.activations import Array
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec.model import Matrix, Spec, Validation
from backtrace.tape.accuracy import class_of, classes
from backtrace.tape.arithmetic import arithmetic
from backtrace.tape.compile import (
    TapeError,
    compile_tape,
    differentiable,
    parameter_ids,
    trained_ids,
)
from backtrace.tape.operations import Setting
from backtrace.tape.run import Runner, evaluate, given_values, starting_values, trace
from backtrace.tape.trace import Trace

Values: TypeAlias = dict[str, Array]
Ending: TypeAlias = Literal["epochs", "loss", "patience", "diverged", "interrupted"]


class Measured(msgspec.Struct, frozen=True):
    """The loss over all samples of a set, and the share of them that is classified right."""

    loss: float
    accuracy: float | None = None  # None where the targets are no classes


class Record(msgspec.Struct, frozen=True):
    """What is known after ``epoch`` epochs; after 0, the network as the spec gives it.

    ``validation`` is of the held-out samples; its loss is without a penalty on the weights.
    """

    epoch: int
    training: Measured
    validation: Measured | None = None

    @property
    def judged(self) -> Measured:
        """What decides when to stop and which epoch is the best."""
        return self.validation or self.training


class State(msgspec.Struct, frozen=True):
    """Where a training stands: the epochs behind it, the parameters and the optimizer's states.

    ``values`` has the parameters (``W1``) and states (``vW1``) by id, in the spec's layout and
    arithmetic.
    """

    epoch: int
    values: Values

    def parameters(self, spec: Spec) -> Values:
        """The weights and biases alone, in the network's order."""
        return {id: self.values[id] for id in parameter_ids(spec)}


class Divergence(msgspec.Struct, frozen=True):
    """A training that left the numbers, or that climbs without end.

    ``id`` is the first step of the tape that was no longer finite, in batch ``batch`` of epoch
    ``epoch``. It is empty where all is finite and the loss has only grown since ``epoch``.
    """

    epoch: int
    batch: int = 0
    id: str = ""


class Progress(msgspec.Struct, frozen=True):
    """What a training needs to be taken up again.

    ``records`` are those of the epochs before ``last``, where it stands; ``best`` is the best
    epoch so far where the best is kept, None where there was no epoch yet.
    """

    records: tuple[Record, ...]
    last: State
    best: State | None = None


class Training(msgspec.Struct, frozen=True):
    """A training that has ended, and why.

    ``records`` has one for every epoch and one for the start. ``state`` is what is kept: the best
    epoch's where samples are held out or a patience is asked, the last finite one's after a
    divergence, else the last one's. ``progress`` takes it up where it stood.
    """

    records: tuple[Record, ...]
    state: State
    ended: Ending
    progress: Progress
    divergence: Divergence | None = None

    @property
    def kept(self) -> Record | None:
        """The record of the epoch whose parameters are kept; None where it was interrupted before
        that epoch was measured."""
        kept = self.state.epoch
        return self.records[kept] if kept < len(self.records) else None


class Engine(Protocol):
    """What works epochs.

    ``number`` counts those it has worked, ``values`` are the parameters and states as they are
    now, which its next epoch overwrites.
    """

    number: int
    values: Values

    def epoch(self) -> Measured:
        """Works the next epoch; what was measured *before* its first update, over all samples."""

    def measure(self) -> Measured:
        """The training samples with the parameters as they are."""

    def measuring(self, held_out: Validation) -> Callable[[], Measured]:
        """What measures these samples with the parameters as they are, without a penalty."""

    def keep(self) -> None:
        """Remembers where it stands, also where it stood when it was asked before."""

    def kept(self, back: int = 0) -> State:
        """Where it stood when it was last asked to keep that, or the time before (1)."""

    def return_to(self, state: State) -> None:
        """Goes on from ``state``."""


Watch: TypeAlias = Callable[[Record, Callable[[], Progress]], bool]
"""Told every record, and how to get at the progress, which takes a copy of every parameter.

True ends the training there, as an interruption."""


class Interpreter:
    """Works the tape a step at a time, in any arithmetic: what trains fractions."""

    def __init__(self, spec: Spec, state: State) -> None:
        self.spec = spec
        self.start = starting_values(spec)
        self.whole = Measurer(spec, spec.inputs, spec.targets, penalty=True)
        self.before: list[State] = []
        self.number, self.values = state.epoch, dict(state.values)

    def epoch(self) -> Measured:
        before = self.measure()
        self.number += 1
        tape = compile_tape(self.spec, range(self.number, self.number + 1))
        runner = Runner(tape, self.start | given_values(self.spec, self.values))
        for step in tape.steps:
            runner.work(step)
        self.values = {id: runner.left(id) for id in self.values}
        return before

    def measure(self) -> Measured:
        return self.whole.measure(self.values)

    def measuring(self, held_out: Validation) -> Callable[[], Measured]:
        measurer = Measurer(self.spec, held_out.inputs, held_out.targets, penalty=False)
        return lambda: measurer.measure(self.values)

    def keep(self) -> None:
        self.before = [State(self.number, self.values), *self.before[:1]]

    def kept(self, back: int = 0) -> State:
        return self.before[min(back, len(self.before) - 1)]

    def return_to(self, state: State) -> None:
        self.number, self.values = state.epoch, dict(state.values)


class Measurer:
    """The forward part of the tape on one set of samples."""

    def __init__(
        self, spec: Spec, inputs: Matrix, targets: Matrix | None, *, penalty: bool
    ) -> None:
        one = on_samples(spec, inputs, targets, penalty=penalty)
        self.setting, self.numbers = Setting(spec.conventions), arithmetic(spec.arithmetic)
        self.classes = classes(spec)
        self.start = starting_values(one)
        tape = compile_tape(one, range(1, 2))
        self.steps = [step for step in tape if step.phase in ("forward", "loss")]
        self.last = f"a{len(spec.layers)}"

    def outputs(self, values: Mapping[str, Array]) -> Array:
        """The last activation, a sample a row."""
        return self.setting.rows(self.work(values)[self.last])

    def work(self, values: Mapping[str, Array]) -> Values:
        """Every value of the forward part with these parameters."""
        found = self.start | dict(values)
        for step in self.steps:
            found[step.id] = evaluate(self.setting, self.numbers, step, found)
        return found

    def measure(self, values: Mapping[str, Array]) -> Measured:
        """The loss with these parameters, and the accuracy where there are classes."""
        found = self.work(values)
        loss = float(found["loss"]) if "loss" in found else float("nan")
        if not self.classes:
            return Measured(loss)
        predicted = class_of(self.setting.rows(found[self.last]))
        right = predicted == class_of(self.setting.rows(found["y"]))
        return Measured(loss, float(np.mean(right)))


def on_samples(spec: Spec, inputs: Matrix, targets: Matrix | None, *, penalty: bool) -> Spec:
    """The same network on these samples, all at once."""
    return msgspec.structs.replace(
        spec,
        inputs=inputs,
        targets=targets,
        batch_size=None,
        shuffle=False,
        regularization=spec.regularization if penalty else None,
        inputs_gradient=False,
    )


def starting_state(spec: Spec) -> State:
    """The parameters as the spec gives them, the optimizer's states at 0."""
    values = starting_values(spec)
    ids = list(parameter_ids(spec))
    if spec.optimizer is not None:
        states = OPTIMIZERS[spec.optimizer.name].states
        ids += [f"{state}{id}" for id in trained_ids(spec) for state in states]
    return State(0, {id: values[f"{id}_old" if f"{id}_old" in values else id] for id in ids})


def engine(spec: Spec, state: State) -> Engine:
    """What works the epochs of a spec from ``state`` on."""
    if spec.arithmetic.kind in ("exact", "rounded") or spec.backpropagate_through == "updated":
        return Interpreter(spec, state)
    from backtrace.tape.engine import Compiled

    return Compiled(spec, state)


def traced_epoch(spec: Spec, state: State) -> Trace:
    """The trace of the epoch that follows ``state``, every batch of it."""
    return trace(spec, range(state.epoch + 1, state.epoch + 2), state.values)


def train(spec: Spec, progress: Progress | None = None, watch: Watch | None = None) -> Training:
    """Trains until the spec's last epoch, or until one of its ``stop`` conditions holds.

    With ``progress`` a training is taken up again; its outcome is that of an unbroken one, bit for
    bit. Ctrl-C ends it where the epoch at hand began. Raises TapeError where the network can't be
    trained: without an optimizer, or with units that have no derivative.
    """
    check_trainable(spec)
    return _Loop(spec, progress or Progress((), starting_state(spec)), watch).run()


def check_trainable(spec: Spec) -> None:
    """Raises TapeError, in words, for a network of which no update changes anything."""
    step = [layer for layer in spec.layers if not differentiable(layer)]
    if spec.loss is None or spec.loss.name == "upstream":
        raise TapeError("training needs a loss: `loss: mse`, with `targets`")
    if spec.optimizer is None:
        raise TapeError("training needs a rate: `learning_rate: 0.1`, or an `optimizer`")
    if step:
        raise TapeError(
            f"training needs a derivative, and {step[0].activation.name} units have none: take "
            "sigmoid, tanh or relu units"
        )
    if not trained_ids(spec):
        raise TapeError("`freeze` leaves no parameter to train")


class _Loop:
    """The epochs one after another: what stops them, what is kept."""

    def __init__(self, spec: Spec, progress: Progress, watch: Watch | None) -> None:
        self.spec = spec
        self.watch = watch
        self.engine = engine(spec, progress.last)
        self.records = list(progress.records[: progress.last.epoch])
        self.best = progress.best
        self.keeps_best = spec.validation is not None or spec.stop.patience is not None
        self.held_out: Callable[[], Measured] | None = None
        if spec.validation is not None:
            self.held_out = self.engine.measuring(spec.validation)

    def run(self) -> Training:
        try:
            with np.errstate(all="ignore"):  # a loss that is not finite is said in words
                ended = self.next_epoch()
                while ended is None:
                    ended = self.next_epoch()
        except KeyboardInterrupt:
            ended = "interrupted"
        return self.outcome(ended)

    def next_epoch(self) -> Ending | None:
        """Works an epoch, or only measures after the last; why the training ends here, or None."""
        at_end = self.engine.number >= self.spec.epochs
        held_out = None if self.held_out is None else self.held_out()
        self.engine.keep()
        measured = self.engine.measure() if at_end else self.engine.epoch()
        record = Record(self.engine.number - (not at_end), measured, held_out)
        self.records.append(record)
        ended = self.judged(record)
        if self.watch is not None and self.watch(record, self.progress):
            ended = ended or "interrupted"
        return ended or ("epochs" if at_end else None)

    def judged(self, record: Record) -> Ending | None:
        """Whether to stop at this record; remembers the best one."""
        loss, stop = record.judged.loss, self.spec.stop
        if not isfinite(record.training.loss):
            return "diverged"
        if self.keeps_best and (self.best is None or loss < self.lowest()):
            self.best = self.engine.kept()
        if stop.loss is not None and loss <= float(stop.loss):
            return "loss"
        if stop.patience is None:
            return None
        assert self.best is not None
        if record.epoch - self.best.epoch >= stop.patience:
            return "patience"
        return None

    def lowest(self) -> float:
        assert self.best is not None
        return self.records[self.best.epoch].judged.loss

    def progress(self) -> Progress:
        last = self.engine.kept()
        return Progress(tuple(self.records[: last.epoch]), last, self.best)

    def outcome(self, ended: Ending) -> Training:
        progress = self.progress()
        state, divergence = self.best or progress.last, climbing(self.records)
        if ended == "diverged":
            finite = self.engine.kept(1)
            state = self.best or finite
            divergence = first_not_finite(self.spec, finite, self.engine.kept())
        return Training(tuple(self.records), state, ended, progress, divergence)


# --- divergence


def first_not_finite(spec: Spec, *states: State) -> Divergence:
    """The first step that is no longer finite in the epochs after these states, in turn."""
    for state in states:
        tape = compile_tape(spec, range(state.epoch + 1, state.epoch + 2))
        runner = Runner(tape, starting_values(spec) | given_values(spec, state.values))
        for step in tape.steps:
            if not np.isfinite(np.asarray(runner.work(step).value, dtype=float)).all():
                return Divergence(step.epoch, step.batch, step.id)
    return Divergence(states[-1].epoch)  # the loss over all samples, and none of the batches


CLIMB = 10  # times the smallest loss so far …
RISING = 10  # … after so many epochs of going up: no zigzag of a rate that is just too large


def climbing(records: Sequence[Record]) -> Divergence | None:
    """Said of a loss that is finite but has been growing for long when the training ends."""
    losses = [record.training.loss for record in records]
    if len(losses) <= RISING or not isfinite(losses[-1]):
        return None
    tail = losses[-RISING - 1 :]
    rising = all(later > earlier for earlier, later in pairwise(tail))
    if not rising or losses[-1] < CLIMB * min(losses):
        return None
    return Divergence(losses.index(min(losses)) + 1)
