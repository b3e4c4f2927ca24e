"""The epochs one after another: what stops them, what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import isfinite
from typing import TypeAlias

import numpy as np

from backtrace.spec import ids
from backtrace.spec.model import Equations, Spec
from backtrace.spec.wording import count
from backtrace.tape.parameters import differentiable, parameter_ids, trained_ids
from backtrace.tape.run import starting_values, states, trace
from backtrace.tape.trace import Trace
from backtrace.tape.training.divergence import climbing, first_not_finite
from backtrace.tape.training.engine import Engine
from backtrace.tape.training.records import (
    Ending,
    Measured,
    Progress,
    Record,
    State,
    Training,
)
from backtrace.tape.writer import TapeError

Watch: TypeAlias = Callable[[Record, Callable[[], Progress]], bool]
"""Told every record, and how to get at the progress, which takes a copy of every parameter.

True ends the training there, as an interruption."""


def starting_state(spec: Spec) -> State:
    """The parameters as the spec gives them, the optimizer's states at 0."""
    values = starting_values(spec)
    found = {id: values[id] for id in parameter_ids(spec)}
    for id in trained_ids(spec):
        for letter in states(spec):
            found[ids.state(letter, id)] = values[ids.state_before(letter, id)]
    return State(0, found)


def traced_epoch(spec: Spec, state: State) -> Trace:
    """The trace of the epoch that follows ``state``, every batch of it."""
    return trace(spec, range(state.epoch + 1, state.epoch + 2), state.values)


def train(
    spec: Spec,
    progress: Progress | None = None,
    watch: Watch | None = None,
    at_work: AbstractContextManager[None] | None = None,
) -> Training:
    """Trains until the spec's last epoch, or until one of its ``stop`` conditions holds.

    With ``progress`` a training is taken up again; its outcome is that of an unbroken one, bit for
    bit. Ctrl-C ends it where the epoch at hand began; whoever catches signals knows by ``at_work``,
    which is entered for each epoch, when one can be given up. Raises TapeError where the network
    can't be trained: without an optimizer, or with units that have no derivative.
    """
    check_trainable(spec)
    progress = progress or Progress((), starting_state(spec))
    return _Loop(spec, progress, watch, at_work or nullcontext()).run()


def check_trainable(spec: Spec) -> None:
    """Raises TapeError, in words, for a network of which no update changes anything."""
    step = [layer for layer in spec.layers if not differentiable(layer)]
    if spec.equations is not None:
        _check_equations(spec.equations)
    elif spec.loss is None or spec.loss.name == "upstream":
        raise TapeError("training needs a loss: `loss: mse`, with `targets`", "E222")
    if spec.optimizer is None:
        raise TapeError("training needs a rate: `learning_rate: 0.1`, or an `optimizer`", "E222")
    if step:
        raise TapeError(
            f"training needs a derivative, and {step[0].activation.name} units have none: take "
            "sigmoid, tanh or relu units",
            "E222",
        )
    if not trained_ids(spec):
        raise TapeError("`freeze` leaves no parameter to train", "E222")


def _check_equations(equations: Equations) -> None:
    if not equations.objective:
        raise TapeError(
            "training needs a loss: `loss: L`, the name of a line that updates make smaller (or "
            "`maximize: J`). Update lines of one's own are worked once, by `backtrace trace`",
            "E222",
        )
    if not equations.parameters:
        raise TapeError(
            "training needs `parameters: [W]`, the given names that an update changes", "E222"
        )
    taken = {ids.updated(name) for name in equations.parameters}
    for line in equations.lines:
        if line.id in taken:
            raise TapeError(
                f"{line.id} is a line, and what the updated parameter will be called: rename it",
                "E222",
            )


class _Loop:
    """The epochs one after another: what stops them, what is kept."""

    def __init__(
        self,
        spec: Spec,
        progress: Progress,
        watch: Watch | None,
        at_work: AbstractContextManager[None],
    ) -> None:
        self.spec = spec
        self.sign = -1 if spec.climbs else 1
        self.watch = watch
        self.at_work = at_work
        self.engine = Engine(spec, progress.last)
        self.records = list(progress.records[: progress.last.epoch])
        self.best = progress.best
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
        with self.at_work, _of_epoch(self.engine.number):
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
        cost, stop = self.cost(record), self.spec.stop
        if not isfinite(record.training.loss):
            return "diverged"
        if self.spec.keeps_best and (self.best is None or cost < self.lowest()):
            self.best = self.engine.kept()
        if stop.loss is not None and cost <= self.sign * float(stop.loss):
            return "loss"
        if stop.patience is None:
            return None
        assert self.best is not None
        if record.epoch - self.best.epoch >= stop.patience:
            return "patience"
        return None

    def lowest(self) -> float:
        assert self.best is not None
        return self.cost(self.records[self.best.epoch])

    def cost(self, record: Record) -> float:
        """What the training makes smaller."""
        return self.sign * record.judged.loss

    def progress(self) -> Progress:
        last = self.engine.kept()
        return Progress(tuple(self.records[: last.epoch]), last, self.best)

    def complete(self, last: State) -> None:
        """Measures where the training stands where the epoch that does so was given up half-way."""
        if len(self.records) > last.epoch:
            return
        standing, held_out = Engine(self.spec, last), None
        with np.errstate(all="ignore"):
            if self.spec.validation is not None:
                held_out = standing.measuring(self.spec.validation)()
            self.records.append(Record(last.epoch, standing.measure(), held_out))

    def outcome(self, ended: Ending) -> Training:
        progress = self.progress()
        self.complete(progress.last)
        state, divergence = progress.kept, climbing(self.spec, self.records)
        if ended == "diverged":
            finite = self.engine.kept(1)
            state = self.best or finite
            divergence = first_not_finite(self.spec, finite, self.engine.kept())
        return Training(tuple(self.records), state, ended, progress, divergence)


@contextmanager
def _of_epoch(behind: int) -> Iterator[None]:
    """Says in which epoch fractions can't go on, where it is not the first."""
    try:
        yield
    except TapeError as error:
        where = f"after {count(behind, 'epoch')}, " if behind else ""
        raise TapeError(where + str(error), error.code) from None
