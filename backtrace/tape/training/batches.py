"""A batch of samples, worked in chunks of which there may be one: its loss, its gradients."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.spec import ids
from backtrace.spec.model import Spec
from backtrace.tape.accuracy import boundary, class_of, classes
from backtrace.tape.arithmetic import as_floats
from backtrace.tape.chunks import (
    Chunk,
    chunk_size,
    contiguous,
    lanes_of,
    one_thread_each,
    part,
    sums,
)
from backtrace.tape.compile import compile_update
from backtrace.tape.parameters import TARGETS, given_matrices, objective_id, parameter_ids
from backtrace.tape.run import Values, starting_values
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step
from backtrace.tape.training.layout import size_of, views
from backtrace.tape.training.recording import NumPyCall
from backtrace.tape.training.records import Measured
from backtrace.tape.training.step_recorder import Clock, StepRecorder

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


class Samples(msgspec.Struct, frozen=True):
    """Some samples: inputs and targets by id, in the spec's layout, and the class of each.

    ``axis`` is that of the samples; ``classes`` is None where the targets are no classes. Of
    equations they are whatever is given and stays, which nobody counts.
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
    data = [id for id in given_matrices(spec) if id not in parameter_ids(spec)]
    arrays = {id: contiguous(start[id]) for id in data}
    true = None
    if classes(spec):
        true = class_of(setting.rows(start[TARGETS]), boundary(spec))
    return Samples(arrays, true, spec.samples, setting.sample_axis)


class Batch:
    """Some samples, and the sums over them on which ``wanted`` steps rest.

    It reads the samples and ``parameters`` wherever they are when it is worked: the arrays must
    stay the same ones. ``total`` has the sums one after the other, without their 1/n; ``totals``
    are the matrices in it, by id. Of what is never worked in chunks, they are the steps themselves.
    """

    def __init__(
        self, spec: Spec, samples: Samples, parameters: Values, wanted: Sequence[str], clock: Clock
    ) -> None:
        self.spec, self.samples, self.parameters, self.clock = spec, samples, parameters, clock
        self.steps = {step.id: step for step in compile_update(spec, samples.count)}
        size = chunk_size(spec)
        self.in_sums = size is not None
        if self.in_sums:
            wanted = _sums_under(self.steps, sums(self.steps.values()), wanted)
        self.shapes = {id: self.steps[id].shape for id in wanted}
        spans = lanes_of(size, samples.count)
        dtype = next(iter(samples.arrays.values())).dtype
        self.lane_sums = np.zeros((len(spans), size_of(self.shapes)), dtype=dtype)
        self.total = self.lane_sums[0]
        self.totals = views(self.total, self.shapes)
        self.counted: list[Array] = []  # of each chunk, how many samples are right
        self.lanes = [self._lane(*each) for each in zip(spans, self.lane_sums, strict=True)]
        self.pool = _pool(len(self.lanes)) if len(self.lanes) > 1 else None

    def _lane(self, spans: Sequence[Chunk], lane_sum: Array) -> list[NumPyCall]:
        """The calls of one chunk after the other."""
        own_sum = np.zeros_like(lane_sum)
        buffers: dict[Hashable, Array] = {}
        calls = [*self._chunk(spans[0], lane_sum, buffers)]
        for span in spans[1:]:
            calls += self._chunk(span, own_sum, buffers)
            calls.append(partial(np.add, lane_sum, own_sum, lane_sum))
        return calls

    def _chunk(
        self, span: Chunk, goal: Array, buffers: dict[Hashable, Array]
    ) -> tuple[NumPyCall, ...]:
        """The calls of one chunk, which leave its sums in ``goal``."""
        samples = self.samples
        if span != (0, samples.count):
            samples = samples.part(span)
        given = {**self.parameters, **samples.arrays}
        shares = self.shapes if self.in_sums else ()
        recorder = StepRecorder(
            self.spec, self.steps, given, self.clock, shares=shares, buffers=buffers
        )
        if self.spec.equations is not None:  # what is given is not loaded batch by batch
            recorder.fix(samples.arrays)
        for id, place in views(goal, self.shapes).items():
            recorder.put(id, place)
        if samples.classes is not None:
            self.counted.append(np.zeros((), dtype=np.intp))
            outputs = ids.id_of("activation", len(self.spec.layers))
            recorder.put_right(outputs, samples.classes, self.counted[-1])
        return recorder.calls()

    def work(self) -> None:
        """Works the sums, from its arrays as they are."""
        if self.pool is None:
            for call in self.lanes[0]:
                call()
            return
        from concurrent.futures import wait

        with one_thread_each():  # before anyone starts, until everyone is done
            at_work = [self.pool.submit(_all, lane) for lane in self.lanes]
            try:
                for each in at_work:
                    each.result()
            finally:  # also when interrupted: they write into what is read next
                for each in at_work:
                    each.cancel()
                wait(at_work)
        for lane_sum in self.lane_sums[1:]:
            np.add(self.total, lane_sum, self.total)

    def measure(self) -> Measured:
        """Works the sums, and measures."""
        self.work()
        return self.measured()

    def measured(self) -> Measured:
        """The loss, which is among what is wanted, and the share right, of what has been worked."""
        array, calls = self._loss
        for call in calls:
            call()
        loss = array.item()
        if not isinstance(loss, float):
            loss = float(as_floats(loss))
        if self.samples.classes is None:
            return Measured(loss)
        return Measured(loss, sum(map(int, self.counted)) / self.samples.count)

    @cached_property
    def _loss(self) -> tuple[Array, tuple[NumPyCall, ...]]:
        """Where the loss will be, and what works it from the sums."""
        loss, recorder = self.steps[objective_id(self.spec)], self.recorder()
        array = np.zeros(loss.shape, dtype=self.total.dtype)
        recorder.put(loss.id, array)
        return array, recorder.calls()

    def recorder(self) -> StepRecorder:
        """For what is worked from the sums over all samples."""
        if self.in_sums:
            recorder = StepRecorder(self.spec, self.steps, self.parameters, self.clock)
            return recorder.resting_on(self.totals)
        return StepRecorder(self.spec, self.steps, self.parameters | self.totals, self.clock)


def _sums_under(
    steps: Mapping[str, Step], summing: set[str], wanted: Iterable[str]
) -> tuple[str, ...]:
    """The sums over samples on which these steps rest, in their order."""
    found: dict[str, None] = {}
    for id in wanted:
        below = [id] if id in summing else _sums_under(steps, summing, steps[id].needed)
        found |= dict.fromkeys(below)
    return tuple(found)


def _all(calls: Iterable[NumPyCall]) -> None:
    with np.errstate(all="ignore"):
        for call in calls:
            call()


def _pool(lanes: int) -> ThreadPoolExecutor:
    """A thread for each processor; only who has many samples waits for its module."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(min(_processors(), lanes))


def _processors() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
