"""A batch of samples, worked in one piece or in chunks: its loss, its gradients."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.spec.model import Spec
from backtrace.tape.accuracy import class_of
from backtrace.tape.chunks import Chunks, chunk_size, chunks, contiguous, one_thread_each, part
from backtrace.tape.compile import compile_update
from backtrace.tape.operations import Setting
from backtrace.tape.run import Values, starting_values
from backtrace.tape.steps import Step
from backtrace.tape.training.layout import Layout
from backtrace.tape.training.program import Calls, Program
from backtrace.tape.training.recorded import TRUE, RecordedUpdate, floats, late_means, sums
from backtrace.tape.training.records import Measured
from backtrace.tape.training.symbols import Place, Symbol


class Samples(msgspec.Struct, frozen=True):
    """Inputs, targets and true classes of some samples, by the names they have in an update.

    ``arrays`` are in the spec's layout, ``axis`` is that of the samples.
    """

    arrays: dict[str, Array]
    count: int
    axis: int

    def part(self, span: tuple[int, int]) -> dict[str, Array]:
        """The arrays of a chunk."""
        return {
            id: part(array, 0 if id == TRUE else self.axis, span, self.count)
            for id, array in self.arrays.items()
        }


class Wanted(msgspec.Struct, frozen=True):
    """What is worked of an update: the loss, how many samples are right, the gradients.

    ``gradients`` are the arrays that they go to, by the id of the parameter; without their 1/n
    where ``late_means`` says so.
    """

    loss: bool
    right: bool
    gradients: Mapping[str, Array]

    @property
    def ids(self) -> list[str]:
        return [f"d{id}" for id in self.gradients] + (["loss"] if self.loss else [])

    def results(self, update: RecordedUpdate, loss: Array) -> dict[Symbol, Array]:
        """Where the loss and the gradients go: ``loss``, and the arrays of ``gradients``."""
        places = {f"d{id}": array for id, array in self.gradients.items()} | {"loss": loss}
        return {update.symbol(id): places[id] for id in self.ids}


class Batch(Protocol):
    """A batch of samples, worked on arrays that stay.

    ``loss`` is a 0-d array in the spec's arithmetic; it stays 0 where no loss is wanted.
    """

    loss: Array

    def work(self, t: int) -> None:
        """Works what is wanted, with the numbers of update t (from 0), from its arrays as they
        are."""

    @property
    def right(self) -> int:
        """How many samples were classified right; 0 where that is not wanted."""


class OnePiece:
    """A batch whose samples are worked all at once."""

    def __init__(
        self, spec: Spec, steps: Sequence[Step], samples: Samples, values: Values, wanted: Wanted
    ) -> None:
        given = {**values, **_but_classes(samples.arrays)}
        done = RecordedUpdate(spec, steps, given, shares=late_means(steps, wanted.gradients))
        self.loss = np.zeros((), dtype=floats(spec).dtype)
        results = wanted.results(done, self.loss)
        self.counted = np.zeros((), dtype=np.intp)
        if wanted.right:
            results[done.right(f"a{len(spec.layers)}", samples.arrays[TRUE])] = self.counted
        program = Program(done.recording, results)
        self.calls = program.bound(done.arrays({**values, **samples.arrays}), results)

    def work(self, t: int) -> None:
        self.calls(t)

    @property
    def right(self) -> int:
        return int(self.counted)


class InChunks:
    """A batch worked in chunks of its samples, several at once."""

    def __init__(
        self,
        spec: Spec,
        steps: Sequence[Step],
        samples: Samples,
        values: Values,
        wanted: Wanted,
        lanes: Chunks,
    ) -> None:
        self.spec, self.steps, self.samples = spec, steps, samples
        self.values, self.wanted, self.lanes = values, wanted, lanes
        self.dtype = floats(spec).dtype
        self.sums = self._sums()
        shapes = {step.id: step.shape for step in steps if step.id in self.sums}
        self.layout = Layout({id: shapes[id] for id in self.sums})
        self.lane_sums = np.zeros((len(lanes.lanes), self.layout.size), dtype=self.dtype)
        self.total = np.zeros(self.layout.size, dtype=self.dtype)
        self.counted = np.zeros(len(lanes.spans), dtype=np.intp)
        self.shares = self._shares(min(_processors(), len(lanes.lanes)))
        self.pool = ThreadPoolExecutor(max(1, len(self.shares) - 1))
        self.loss = np.zeros((), dtype=self.dtype)
        self.finish = self._finish()

    def _sums(self) -> list[str]:
        """The sums over samples on which what is wanted rests."""
        steps = {step.id: step for step in self.steps}
        summing, found, open_ids = set(sums(self.steps)), set(), list(self.wanted.ids)
        while open_ids:
            id = open_ids.pop()
            if id in summing:
                found.add(id)
            else:
                open_ids += steps[id].needed
        return [step.id for step in self.steps if step.id in found]

    def _shares(self, workers: int) -> list[list[Callable[[], object]]]:
        """The calls of each worker: whole lanes, one chunk after the other."""
        shares: list[list[Callable[[], object]]] = []
        numbered = iter(range(len(self.lanes.spans)))
        numbers = [[next(numbered) for _ in lane] for lane in self.lanes.lanes]
        for worker in range(workers):
            chunked = _Worker(self)
            shares.append([])
            for lane in range(len(numbers)):
                if lane * workers // len(numbers) == worker:
                    for place, number in enumerate(numbers[lane]):
                        shares[-1] += chunked.calls(lane, number, first=place == 0)
        return shares

    def _finish(self) -> Calls:
        """From the sums over all samples to what is wanted."""
        totals = self.layout.views(self.total)
        late = late_means(self.steps, self.wanted.gradients)
        done = RecordedUpdate(self.spec, self.steps, self.values, shares=late, totals=totals)
        results = self.wanted.results(done, self.loss)
        program = Program(done.recording, results)
        return program.bound(done.arrays({**self.values, **totals}), results)

    def work(self, t: int) -> None:
        with one_thread_each():  # before anyone starts, until everyone is done
            others = [self.pool.submit(_all, share) for share in self.shares[1:]]
            try:
                _all(self.shares[0])
            finally:
                for other in others:  # also when interrupted: they write into what is read next
                    other.result()
        np.copyto(self.total, self.lane_sums[0])
        for lane_sum in self.lane_sums[1:]:
            np.add(self.total, lane_sum, self.total)
        self.finish(t)

    @property
    def right(self) -> int:
        return int(self.counted.sum())


_Recorded: TypeAlias = tuple[RecordedUpdate, Symbol | None, Program, dict[Place, Array]]


class _Worker:
    """Binds chunks to the arrays of one thread."""

    def __init__(self, batch: InChunks) -> None:
        self.batch = batch
        self.share = np.zeros(batch.layout.size, dtype=batch.dtype)
        self.recorded: dict[int, _Recorded] = {}

    def calls(self, lane: int, number: int, *, first: bool) -> list[Callable[[], object]]:
        """The calls of one chunk; they leave its share added to the lane's sum."""
        batch = self.batch
        span = batch.lanes.spans[number]
        given = {**batch.values, **batch.samples.part(span)}
        done, right, program, between = self._recorded(span[1] - span[0], given)
        lane_sum = batch.lane_sums[lane]
        goal = batch.layout.views(lane_sum if first else self.share)
        results = {done.symbol(id): goal[id] for id in batch.sums}
        if right is not None:
            results[right] = batch.counted[number : number + 1].reshape(())
        calls: list[Callable[[], object]] = [
            *program.bound(done.arrays(given), results, between).calls
        ]
        if not first:
            calls.append(partial(np.add, lane_sum, self.share, lane_sum))
        return calls

    def _recorded(self, samples: int, given: dict[str, Array]) -> _Recorded:
        """The recording of a chunk of so many samples; of those there are two at most."""
        if samples not in self.recorded:
            batch = self.batch
            done = RecordedUpdate(batch.spec, batch.steps, _but_classes(given), shares=batch.sums)
            wanted = [done.symbol(id) for id in batch.sums]
            right = None
            if batch.wanted.right:
                right = done.right(f"a{len(batch.spec.layers)}", given[TRUE])
                wanted.append(right)
            self.recorded[samples] = (done, right, Program(done.recording, wanted), {})
        return self.recorded[samples]


def batch_of(spec: Spec, samples: Samples, values: Values, wanted: Wanted) -> Batch:
    """The batch of these samples, in chunks where they are many.

    It reads ``values``, the parameters by id, wherever they are when it is worked: the arrays
    must stay the same ones. So must those of ``samples``.
    """
    steps = compile_update(spec, samples.count)
    lanes = chunks(chunk_size(spec), samples.count)
    if lanes is None:
        return OnePiece(spec, steps, samples, values, wanted)
    return InChunks(spec, steps, samples, values, wanted, lanes)


def measured(batch: Batch, samples: Samples) -> Measured:
    """What a batch that was worked has found: its loss, the share of samples that are right.

    The loss must have been wanted, and the count of right samples where they have classes.
    """
    loss: float = batch.loss.item()
    return Measured(loss, batch.right / samples.count if TRUE in samples.arrays else None)


def samples_of(spec: Spec, classified: bool) -> Samples:
    """All samples of a spec, in its arithmetic, with their classes where they are classified."""
    start, setting = starting_values(spec), Setting(spec.conventions)
    arrays: dict[str, Array] = {id: contiguous(start[id]) for id in ("a0", "y") if id in start}
    if classified:
        arrays[TRUE] = class_of(setting.rows(start["y"]))
    return Samples(arrays, spec.samples, setting.sample_axis)


def _but_classes(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {id: array for id, array in arrays.items() if id != TRUE}


def _all(calls: Iterable[Callable[[], object]]) -> None:
    with np.errstate(all="ignore"):
        for call in calls:
            call()


def _processors() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
