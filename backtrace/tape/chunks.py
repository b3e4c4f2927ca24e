"""Large batches in chunks of samples: which there are, and in what order their sums are added up.

A chunk's matrices stay in a processor's cache from the first product to its share of the
gradients. The sums over samples are then sums over chunks, and the order in which floats are added
decides their last bits: it is fixed here, for the trace as for the training, whatever the number of
processors. Each ``lane`` of neighbouring chunks is summed by itself, one chunk after the other, and
the lanes' sums last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.spec.model import Spec
from backtrace.tape.operations import mean
from backtrace.tape.steps import Step

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

BYTES = 1 << 22  # of a chunk's inputs and activations, so that they stay in a cache
FEWEST, MOST = 64, 4096  # samples: fewer are all overhead, of more nothing is gained
LANES = 8  # and with them the most processors that can share the work
SUMS = ("total", "sum_samples", "matmul")  # operations that can take a sum over samples


class Chunks(msgspec.Struct, frozen=True):
    """The lanes of a batch, each a list of its chunks, half-open ranges of samples."""

    lanes: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def spans(self) -> list[tuple[int, int]]:
        return [span for lane in self.lanes for span in lane]


def chunks(size: int | None, samples: int) -> Chunks | None:
    """The chunks of so many samples; None where they are worked in one piece."""
    if size is None or samples <= size:
        return None
    spans = [(start, min(start + size, samples)) for start in range(0, samples, size)]
    ends = [number * len(spans) // LANES for number in range(LANES + 1)]
    lanes = (tuple(spans[a:b]) for a, b in pairwise(ends))
    return Chunks(tuple(lane for lane in lanes if lane))


def chunk_size(spec: Spec) -> int | None:
    """The samples of a chunk: a power of two, by the bytes that a sample's row takes up.

    None where nothing is worked in chunks: fractions, and an error that goes back through updated
    weights, for which the gradient over all samples comes first.
    """
    floats = spec.arithmetic.kind in ("float64", "float32")
    if not floats or spec.backpropagate_through == "updated":
        return None
    entries = spec.layers[0].inputs + sum(3 * layer.units for layer in spec.layers)
    each = entries * (4 if spec.arithmetic.kind == "float32" else 8)
    fitting = max(1, BYTES // each).bit_length() - 1
    return min(max(1 << fitting, FEWEST), MOST)


def is_per_sample(step: Step, by_sample: set[str]) -> bool:
    """Whether a step's value has a row (in columns layout a column) for every sample of its
    update; ``by_sample`` are the earlier ids that have."""
    if step.operation == "given":
        return "samples" in step.parameters
    return takes_samples(step, by_sample) and not sums_samples(step, by_sample)


def takes_samples(step: Step, by_sample: set[str]) -> bool:
    """Whether a step has an operand with a row for every sample."""
    return any(id in by_sample for id in step.operands)


def sums_samples(step: Step, by_sample: set[str]) -> bool:
    """Whether a step adds up the samples of an operand: the loss, dW, db."""
    if step.operation == "matmul":  # aᵀ·δ; a product with weights has a row for every sample
        return all(id in by_sample for id in step.operands)
    return step.operation in SUMS and takes_samples(step, by_sample)


def without_mean(step: Step) -> Step:
    """The step on a chunk: the 1/n is of the whole batch and comes after its sum."""
    parameters = {key: value for key, value in step.parameters.items() if key != "samples"}
    return msgspec.structs.replace(step, parameters=parameters)


def part(value: Array, axis: int, span: tuple[int, int], samples: int) -> Array:
    """The lines of a chunk's samples, in one piece of memory.

    A sample may have several lines (the Jacobian of a softmax).
    """
    lines = value.shape[axis] // samples
    where = slice(span[0] * lines, span[1] * lines)
    return contiguous(value[where] if axis == 0 else value[:, where])


def contiguous(value: Array) -> Array:
    """The value itself, or a copy in its order: where its lines lie apart, sums over all entries
    would be added in another order than where they don't."""
    in_one_piece = value.flags.c_contiguous or value.flags.f_contiguous
    return value if in_one_piece else np.copy(value, order="K")


def joined(parts: Sequence[Array], axis: int) -> Array:
    """The chunks' lines one after another, in the order in memory that the chunks have."""
    rows, columns = parts[0].shape
    whole = sum(part.shape[axis] for part in parts)
    shape = (whole, columns) if axis == 0 else (rows, whole)
    order = "C" if parts[0].flags.c_contiguous else "F"
    out = np.empty(shape, dtype=parts[0].dtype, order=order)  # type: ignore[call-overload]
    return np.concatenate(parts, axis=axis, out=out)


def added(parts: Sequence[Array], lanes: Chunks) -> Array:
    """The sum of what every chunk gave, lane by lane."""
    rest = iter(parts)
    return _added([_added([next(rest) for _ in lane]) for lane in lanes.lanes])


def _added(parts: Sequence[Array]) -> Array:
    total = parts[0]
    for each in parts[1:]:  # not np.sum, whose order is its own
        total = total + each
    return total


def in_chunks(
    step: Step,
    values: Mapping[str, Array],
    chunked: Chunks,
    axis: int,
    by_sample: set[str],
    evaluate: Callable[[Step, Mapping[str, Array]], Array],
) -> Array:
    """The value of one step over a batch, worked chunk by chunk with ``evaluate``.

    A step that takes no sample is worked as it is; so is the 1/n, after the sum.
    """
    if not takes_samples(step, by_sample):
        return evaluate(step, values)
    sums, samples = sums_samples(step, by_sample), chunked.spans[-1][1]
    each = without_mean(step) if sums else step
    found = []
    for span in chunked.spans:
        cut = {
            id: part(values[id], axis, span, samples) if id in by_sample else values[id]
            for id in step.needed
        }
        found.append(evaluate(each, cut))
    if not sums:
        return joined(found, axis)
    return np.asarray(mean(added(found, chunked), step.parameters), dtype=found[0].dtype)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Products on one processor: what works on several chunks at once needs the others itself.

    How many share a product could also change its last bits.
    """
    with _controller().limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
