"""The training loop's engine: the tape of an update, recorded once and bound to fixed arrays.

No formula stands here: what is called is what the operations of the tape call (``recording``).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgspec
import numpy as np

from backtrace.functions.activations import Array
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec.model import Spec, Validation
from backtrace.tape.accuracy import class_of, classes
from backtrace.tape.arithmetic import Floats, arithmetic
from backtrace.tape.chunks import (
    Chunks,
    chunk_size,
    chunks,
    contiguous,
    is_per_sample,
    one_thread_each,
    part,
    sums_samples,
    without_mean,
)
from backtrace.tape.compile import (
    batches,
    compile_update,
    order,
    parameter_ids,
    rate,
    trained_ids,
    updates,
)
from backtrace.tape.operations import Setting, mean
from backtrace.tape.program import Calls, Program
from backtrace.tape.recording import Place, Recording, Symbol, Varying
from backtrace.tape.run import batch, evaluate, starting_values
from backtrace.tape.steps import Step
from backtrace.tape.training import Measured, State, Values, on_samples


class Recorded(msgspec.Struct, frozen=True):
    """The arithmetic of a recording: floats, with the numbers that vary left open."""

    recording: Recording
    floats: Floats
    varying: Mapping[str, Varying]

    def parameters(self, parameters: Mapping[str, Any], rational: bool = True) -> dict[str, Any]:
        left_open = {name: self.varying[name] for name in parameters if name in self.varying}
        return {**self.floats.parameters(parameters, rational), **left_open}

    def operand(self, value: Any, rational: bool) -> Any:
        return value

    def line(self, value: Any) -> Any:
        if isinstance(value, Symbol):
            return self.recording.cast(value, self.floats.dtype)
        return self.floats.line(value)


class Pass:
    """The recorded steps of one update, on these arrays.

    ``pass_["dW1"]`` records a step with all that it rests on when it is first asked for, and
    nothing else. On a ``chunk`` of the samples, sums over samples are the chunk's share, without
    the 1/n. With ``totals``, the finished sums over all chunks, the rest is worked from them.
    """

    def __init__(
        self,
        spec: Spec,
        steps: Sequence[Step],
        given: Mapping[str, Array],
        *,
        chunk: bool = False,
        totals: Mapping[str, Array] | None = None,
    ) -> None:
        self.recording = Recording()
        self.steps = {step.id: step for step in steps}
        self.shared = frozenset(sums(steps)) if chunk else frozenset()
        self.setting = Setting(spec.conventions)
        self.numbers = Recorded(self.recording, _floats(spec), _varying(spec))
        self.given = {id: self.recording.given(array) for id, array in given.items()}
        self.found: dict[str, Any] = dict(self.given)
        for id, total in (totals or {}).items():
            self.given[id] = self.recording.given(total)
            averaged = mean(self.given[id], self.steps[id].parameters)
            self.found[id] = self.numbers.line(averaged)

    def __getitem__(self, id: str) -> Any:
        if id not in self.found:
            step = self.steps[id]
            for operand in step.needed:
                self[operand]
            step = without_mean(step) if id in self.shared else step
            self.found[id] = evaluate(self.setting, self.numbers, step, self.found)
        return self.found[id]

    def symbol(self, id: str) -> Symbol:
        """A step as a symbol, also where its value is the same whatever is given."""
        value = self[id]
        if not isinstance(value, Symbol):
            value = self.found[id] = self.recording.given(value)
        return value

    def right(self, outputs: str, true: Array) -> Symbol:
        """How many samples are classified as ``true`` says."""
        self.given[TRUE] = self.recording.given(true)
        found: Symbol = np.sum(class_of(self.setting.rows(self[outputs])) == self.given[TRUE])
        return found

    def arrays(self, arrays: Mapping[str, Array]) -> dict[Symbol, Array]:
        """Arrays by id, for the symbols of what is given."""
        return {symbol: arrays[id] for id, symbol in self.given.items() if id in arrays}


TRUE = "true class"  # of every sample: what is given beside the quantities that have ids


def sums(steps: Iterable[Step]) -> list[str]:
    """The ids of the steps that add up samples."""
    by_sample: set[str] = set()
    found = []
    for step in steps:
        if is_per_sample(step, by_sample):
            by_sample.add(step.id)
        elif sums_samples(step, by_sample):
            found.append(step.id)
    return found


class Samples(msgspec.Struct, frozen=True):
    """Inputs, targets and true classes of some samples, by the names they have in a ``Pass``.

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

    ``gradients`` are the arrays that they go to, by the id of the parameter.
    """

    loss: bool
    right: bool
    gradients: Mapping[str, Array]

    @property
    def ids(self) -> list[str]:
        return [f"d{id}" for id in self.gradients] + (["loss"] if self.loss else [])


class OnePiece:
    """A batch whose samples are worked all at once."""

    def __init__(
        self, spec: Spec, steps: Sequence[Step], samples: Samples, values: Values, wanted: Wanted
    ) -> None:
        done = Pass(spec, steps, {**values, **_but_classes(samples.arrays)})
        results = {done.symbol(f"d{id}"): array for id, array in wanted.gradients.items()}
        if wanted.loss:
            self.loss = np.zeros((), dtype=_floats(spec).dtype)
            results[done.symbol("loss")] = self.loss
        if wanted.right:
            self.counted = np.zeros((), dtype=np.intp)
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
        self.dtype = _floats(spec).dtype
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
        done = Pass(self.spec, self.steps, self.values, totals=totals)
        results = {done.symbol(f"d{id}"): array for id, array in self.wanted.gradients.items()}
        if self.wanted.loss:
            results[done.symbol("loss")] = self.loss
        program = Program(done.recording, results)
        return program.bound(done.arrays({**self.values, **totals}), results)

    def work(self, t: int) -> None:
        others = [self.pool.submit(_all, share) for share in self.shares[1:]]
        try:
            with one_thread_each():
                _all(self.shares[0])
        finally:
            for other in others:  # also when interrupted: they write into what may be read next
                other.result()
        np.copyto(self.total, self.lane_sums[0])
        for lane_sum in self.lane_sums[1:]:
            np.add(self.total, lane_sum, self.total)
        self.finish(t)

    @property
    def right(self) -> int:
        return int(self.counted.sum())


class _Worker:
    """Binds chunks to the arrays of one thread."""

    def __init__(self, batch: InChunks) -> None:
        self.batch = batch
        self.share = np.zeros(batch.layout.size, dtype=batch.dtype)
        self.recorded: dict[int, tuple[Pass, Symbol | None, Program, dict[Place, Array]]] = {}

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

    def _recorded(
        self, samples: int, given: dict[str, Array]
    ) -> tuple[Pass, Symbol | None, Program, dict[Place, Array]]:
        """The recording of a chunk of so many samples; of those there are two at most."""
        if samples not in self.recorded:
            batch = self.batch
            done = Pass(batch.spec, batch.steps, _but_classes(given), chunk=True)
            wanted = [done.symbol(id) for id in batch.sums]
            right = None
            if batch.wanted.right:
                right = done.right(f"a{len(batch.spec.layers)}", given[TRUE])
                wanted.append(right)
            self.recorded[samples] = (done, right, Program(done.recording, wanted), {})
        return self.recorded[samples]


class Layout:
    """Where matrices lie in one array."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.shapes = dict(shapes)
        self.size = sum(math.prod(shape) for shape in shapes.values())

    def views(self, line: Array) -> dict[str, Array]:
        """The matrices in a one-dimensional array of ``size``."""
        found, start = {}, 0
        for id, shape in self.shapes.items():
            size = math.prod(shape)
            found[id] = line[start : start + size].reshape(shape)
            start += size
        return found


class Learner:
    """The trained parameters and their optimizer's states: a row each of one array.

    The matrices of the tape are views of them. The lines of an update are the same for every
    parameter, so that they are a call each for all.
    """

    def __init__(self, spec: Spec, values: Values) -> None:
        assert spec.optimizer is not None
        self.ids = trained_ids(spec)
        self.states = OPTIMIZERS[spec.optimizer.name].states
        self.layout = Layout({id: values[id].shape for id in self.ids})
        dtype = _floats(spec).dtype
        self.rows = np.zeros((1 + len(self.states), self.layout.size), dtype=dtype)
        self.gradient = np.zeros(self.layout.size, dtype=dtype)
        self.gradients = self.layout.views(self.gradient)
        self.frozen = {id: values[id] for id in parameter_ids(spec) if id not in self.ids}
        self.values: Values = {**self.frozen, **self.spread(self.rows)}
        self.take(values)

    def spread(self, rows: Array) -> Values:
        """The matrices of a copy of ``rows``, by id."""
        found: Values = {}
        for name, row in zip(("", *self.states), rows, strict=True):
            found |= {name + id: view for id, view in self.layout.views(row).items()}
        return found

    def take(self, values: Values) -> None:
        for id, view in self.spread(self.rows).items():
            view[...] = values[id]

    def updating(self, spec: Spec, steps: Sequence[Step]) -> Calls:
        """The lines of an update, on all parameters at once."""
        first = self.ids[0]
        given = {first: self.rows[0], f"d{first}": self.gradient}
        given |= {f"{state}{first}_old": row for state, row in self._states()}
        done = Pass(spec, steps, given)
        results = {done.symbol(f"{first}_new"): self.rows[0]}
        results |= {done.symbol(f"{state}{first}"): row for state, row in self._states()}
        return Program(done.recording, results).bound(done.arrays(given), results)

    def _states(self) -> list[tuple[str, Array]]:
        return list(zip(self.states, self.rows[1:], strict=True))


class Compiled:
    """Works epochs by calls on fixed arrays; what ``training.Engine`` says."""

    def __init__(self, spec: Spec, state: State) -> None:
        self.spec = spec
        self.number = state.epoch
        self.learner = Learner(spec, state.values)
        self.values = self.learner.values
        self.whole = _samples(spec, bool(classes(spec)))
        self.before = [(self.number, self.learner.rows.copy()) for _ in range(3)]
        self.full = batches(spec) == 1
        self.updates: dict[int, Update] = {}
        self.measuring_all: Callable[[], Measured] | None = None

    def epoch(self) -> Measured:
        if self.full:
            update = self._update(self.whole.count)
            update.work(self.number)
            measured = _measured(update.batch, self.whole)
        else:
            measured = self.measure()
            self._batches()
        self.number += 1
        return measured

    def _batches(self) -> None:
        following = order(self.spec, self.number + 1)
        for update in updates(self.spec, range(self.number + 1, self.number + 2)):
            worked = self._update(update.samples)
            worked.load(update.start, update.stop, following)
            worked.work(update.t)

    def _update(self, samples: int) -> Update:
        """An update over so many samples; the last batch of an epoch may be smaller."""
        if samples not in self.updates:
            self.updates[samples] = Update(self, samples)
        return self.updates[samples]

    def measure(self) -> Measured:
        if self.measuring_all is None:
            self.measuring_all = self._measuring(self.spec, self.whole)
        return self.measuring_all()

    def measuring(self, held_out: Validation) -> Callable[[], Measured]:
        one = on_samples(self.spec, held_out.inputs, held_out.targets, penalty=False)
        return self._measuring(one, _samples(one, bool(classes(self.spec))))

    def _measuring(self, spec: Spec, samples: Samples) -> Callable[[], Measured]:
        wanted = Wanted(True, TRUE in samples.arrays, {})
        forward = _batch(spec, samples, self.values, wanted)

        def measure() -> Measured:
            forward.work(0)
            return _measured(forward, samples)

        return measure

    def keep(self) -> None:
        number, rows = self.number, self.before[2][1]
        np.copyto(rows, self.learner.rows)
        self.before = [(number, rows), *self.before[:2]]  # at once: Ctrl-C may come at any time

    def kept(self, back: int = 0) -> State:
        number, rows = self.before[back]
        copies = {**self.learner.frozen, **self.learner.spread(rows.copy())}
        return State(number, {id: copies[id] for id in self.values})

    def return_to(self, state: State) -> None:
        self.number = state.epoch
        self.learner.take(state.values)


class Update:
    """One update over some samples, of all of which it has its own arrays unless they are all."""

    def __init__(self, engine: Compiled, samples: int) -> None:
        spec, learner, whole = engine.spec, engine.learner, engine.whole
        self.whole, self.setting = whole, Setting(spec.conventions)
        self.samples = whole if engine.full else self._first(whole, samples, spec)
        wanted = Wanted(engine.full, engine.full and TRUE in whole.arrays, learner.gradients)
        self.batch = _batch(spec, self.samples, learner.values, wanted)
        self.step = learner.updating(spec, compile_update(spec, samples))

    def _first(self, whole: Samples, samples: int, spec: Spec) -> Samples:
        following = range(1, samples + 1) if spec.shuffle else None
        arrays = {
            id: batch(self.setting, array, 0, samples, following).copy(order="K")
            for id, array in whole.arrays.items()
            if id != TRUE
        }
        return Samples(arrays, samples, whole.axis)

    def load(self, start: int, stop: int, following: Array | None) -> None:
        """Takes the samples of a batch; ``following`` is the order they are in (from 0)."""
        for id, array in self.samples.arrays.items():
            whole, mine = (self.setting.rows(each) for each in (self.whole.arrays[id], array))
            if following is None:
                np.copyto(mine, whole[start:stop])
            else:
                np.take(whole, following[start:stop], 0, mine, "clip")

    def work(self, t: int) -> None:
        self.batch.work(t)
        self.step(t)


def _batch(spec: Spec, samples: Samples, values: Values, wanted: Wanted) -> OnePiece | InChunks:
    steps = compile_update(spec, samples.count)
    lanes = chunks(chunk_size(spec), samples.count)
    if lanes is None:
        return OnePiece(spec, steps, samples, values, wanted)
    return InChunks(spec, steps, samples, values, wanted, lanes)


def _measured(batch: OnePiece | InChunks, samples: Samples) -> Measured:
    loss: float = batch.loss.item()
    return Measured(loss, batch.right / samples.count if TRUE in samples.arrays else None)


def _samples(spec: Spec, classified: bool) -> Samples:
    """All samples of a spec, in its arithmetic, with their classes where they are classified."""
    start, setting = starting_values(spec), Setting(spec.conventions)
    arrays: dict[str, Array] = {id: contiguous(start[id]) for id in ("a0", "y") if id in start}
    if classified:
        arrays[TRUE] = class_of(setting.rows(start["y"]))
    return Samples(arrays, spec.samples, setting.sample_axis)


def _but_classes(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {id: array for id, array in arrays.items() if id != TRUE}


def _floats(spec: Spec) -> Floats:
    numbers = arithmetic(spec.arithmetic)
    assert isinstance(numbers, Floats)
    return numbers


def _varying(spec: Spec) -> dict[str, Varying]:
    """The numbers that are others at every update t (from 0), as parameters of steps name them."""
    found = {"t": Varying(lambda t: t + 1)}
    if spec.schedule.kind != "constant":
        found["rate"] = Varying(lambda t: float(rate(spec, t) or 0))
    return found


def _all(calls: Iterable[Callable[[], object]]) -> None:
    with np.errstate(all="ignore"):
        for call in calls:
            call()


def _processors() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
