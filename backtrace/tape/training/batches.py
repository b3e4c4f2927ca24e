"""A batch of samples, worked in chunks of which there may be one: its loss, its gradients."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.spec import ids
from backtrace.spec.model import Spec
from backtrace.tape.accuracy import class_of, classes
from backtrace.tape.chunks import (
    Chunk,
    chunk_size,
    contiguous,
    lanes_of,
    one_thread_each,
    part,
    sums,
)
from backtrace.tape.compile import INPUTS, TARGETS, compile_update
from backtrace.tape.operations import Setting
from backtrace.tape.run import Values, starting_values
from backtrace.tape.steps import Step
from backtrace.tape.training.layout import size_of, views
from backtrace.tape.training.recording import Bound
from backtrace.tape.training.records import Measured
from backtrace.tape.training.step_recorder import StepRecorder, floats


class Samples(msgspec.Struct, frozen=True):
    """Some samples: inputs and targets by id, in the spec's layout, and the class of each.

    ``axis`` is that of the samples; ``classes`` is None where the targets are no classes.
    """

    arrays: dict[str, Array]
    classes: Array | None
    count: int
    axis: int

    def part(self, span: Chunk) -> Samples:
        """Those of a chunk."""
        arrays = {id: part(a, self.axis, span, self.count) for id, a in self.arrays.items()}
        own = None if self.classes is None else self.classes[slice(*span)]
        return Samples(arrays, own, span[1] - span[0], self.axis)


def samples_of(spec: Spec) -> Samples:
    """All samples of a spec, in its arithmetic."""
    start, setting = starting_values(spec), Setting(spec.conventions)
    arrays = {id: contiguous(start[id]) for id in (INPUTS, TARGETS) if id in start}
    true = class_of(setting.rows(start[TARGETS])) if classes(spec) else None
    return Samples(arrays, true, spec.samples, setting.sample_axis)


class Batch:
    """The sums over some samples on which ``wanted`` steps rest.

    It reads the samples and ``parameters`` wherever they are when it is worked: the arrays must
    stay the same ones. ``total`` has the sums one after the other, without their 1/n; ``totals``
    are the matrices in it, by id.
    """

    def __init__(
        self, spec: Spec, samples: Samples, parameters: Values, wanted: Sequence[str]
    ) -> None:
        self.spec, self.samples, self.parameters = spec, samples, parameters
        self.steps = {step.id: step for step in compile_update(spec, samples.count)}
        rests_on = _sums_under(self.steps, set(sums(self.steps.values())), wanted)
        self.shapes = {id: self.steps[id].shape for id in rests_on}
        self.lanes = lanes_of(chunk_size(spec), samples.count)
        dtype = floats(spec).dtype
        self.lane_sums = np.zeros((len(self.lanes), size_of(self.shapes)), dtype=dtype)
        self.total = self.lane_sums[0]
        self.totals = views(self.total, self.shapes)
        self.counted: list[Array] = []  # of each chunk, how many samples are right
        workers = min(_processors(), len(self.lanes))
        self.shares = [self._share(worker, workers) for worker in range(workers)]
        self.pool = ThreadPoolExecutor(workers - 1) if workers > 1 else None

    def _share(self, worker: int, workers: int) -> list[Bound]:
        """The calls of one thread: whole lanes, one chunk after the other."""
        own_sum = np.zeros_like(self.total)
        buffers: dict[Hashable, Array] = {}
        calls: list[Bound] = []
        for number, lane in enumerate(self.lanes):
            lane_sum = self.lane_sums[number]
            for at, span in enumerate(
                lane if number * workers // len(self.lanes) == worker else ()
            ):
                calls += self._chunk(span, own_sum if at else lane_sum, buffers)
                if at:
                    calls.append(partial(np.add, lane_sum, own_sum, lane_sum))
        return calls

    def _chunk(self, span: Chunk, goal: Array, buffers: dict[Hashable, Array]) -> tuple[Bound, ...]:
        """The calls of one chunk, which leave its sums in ``goal``."""
        whole = len(self.lanes) == 1
        samples = self.samples if whole else self.samples.part(span)
        given = {**self.parameters, **samples.arrays}
        recorder = StepRecorder(self.spec, self.steps, given, shares=self.shapes, buffers=buffers)
        for id, place in views(goal, self.shapes).items():
            recorder.put(id, place)
        if samples.classes is not None:
            self.counted.append(np.zeros((), dtype=np.intp))
            outputs = ids.id_of("activation", len(self.spec.layers))
            recorder.put_right(outputs, samples.classes, self.counted[-1])
        return recorder.recording.calls().calls

    @property
    def right(self) -> int:
        """How many samples were classified right."""
        return sum(map(int, self.counted))

    def work(self) -> None:
        """Works the sums, from its arrays as they are."""
        if len(self.lanes) == 1:
            for call in self.shares[0]:
                call()
            return
        with one_thread_each():  # before anyone starts, until everyone is done
            others = [self.pool.submit(_all, each) for each in self.shares[1:]] if self.pool else []
            try:
                _all(self.shares[0])
            finally:
                for other in others:  # also when interrupted: they write into what is read next
                    other.result()
        for lane_sum in self.lane_sums[1:]:
            np.add(self.total, lane_sum, self.total)

    def recorder(self) -> StepRecorder:
        """For what is worked from the sums over all samples."""
        return StepRecorder(self.spec, self.steps, self.parameters, totals=self.totals)


class BatchMeasurer:
    """The loss of some samples, and the share of them that is right, by what a batch has summed."""

    def __init__(self, batch: Batch, loss: str) -> None:
        self.batch = batch
        self.loss = np.zeros((), dtype=batch.total.dtype)
        recorder = batch.recorder()
        recorder.put(loss, self.loss)
        self.calls = recorder.recording.calls()

    def measured(self) -> Measured:
        """After the batch was worked."""
        self.calls()
        samples = self.batch.samples
        right = None if samples.classes is None else self.batch.right / samples.count
        return Measured(self.loss.item(), right)


def _sums_under(steps: Mapping[str, Step], summing: set[str], wanted: Iterable[str]) -> list[str]:
    """The sums over samples on which these steps rest, in their order."""
    found: dict[str, None] = {}
    for id in wanted:
        below = [id] if id in summing else _sums_under(steps, summing, steps[id].needed)
        found |= dict.fromkeys(below)
    return list(found)


def _all(calls: Iterable[Bound]) -> None:
    with np.errstate(all="ignore"):
        for call in calls:
            call()


def _processors() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
