"""Large batches in chunks of samples: which there are, and in what order their sums are added up.

A chunk's matrices stay in a processor's cache from the first product to its share of the
gradients. The sums over samples are then sums over chunks, and the order in which floats are added
decides their last bits: it is fixed here, for the trace as for the training, whatever the number of
processors. Each ``lane`` of neighbouring chunks is summed by itself, one chunk after the other, and
the lanes' sums last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.spec.ids import Role
from backtrace.spec.model import Spec
from backtrace.tape.operations import mean
from backtrace.tape.steps import Step

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Chunk: TypeAlias = tuple[int, int]  # the samples of a chunk, half-open
Lanes: TypeAlias = tuple[tuple[Chunk, ...], ...]

BYTES = 1 << 21  # of a chunk's inputs and activations, so that they stay in a cache
FEWEST, MOST = 64, 4096  # samples: fewer are all overhead, of more nothing is gained
LANES = 8  # and with them the most processors that can share the work
# What is a sum over samples where it is worked from them; a loss or a gradient with a penalty is
# worked from such sums.
SUMS: tuple[Role, ...] = ("loss", "data_loss", "gradient", "data_gradient")


def lanes_of(size: int | None, samples: int) -> Lanes:
    """The chunks of so many samples; a single one where they are worked in one piece."""
    if size is None or samples <= size:
        return (((0, samples),),)
    spans = [(start, min(start + size, samples)) for start in range(0, samples, size)]
    ends = [number * len(spans) // LANES for number in range(LANES + 1)]
    lanes = (tuple(spans[a:b]) for a, b in pairwise(ends))
    return tuple(lane for lane in lanes if lane)


def chunk_size(spec: Spec) -> int | None:
    """The samples of a chunk: a power of two, by the bytes that a sample's row takes up.

    None where nothing is worked in chunks: equations, fractions, and an error that goes back
    through updated weights, for which the gradient over all samples comes first.
    """
    if spec.equations or spec.arithmetic.has_fractions or spec.backpropagate_through == "updated":
        return None
    entries = spec.layers[0].inputs + sum(3 * layer.units for layer in spec.layers)
    each = entries * np.dtype(spec.arithmetic.dtype).itemsize
    fitting = max(1, BYTES // each).bit_length() - 1
    return min(max(1 << fitting, FEWEST), MOST)


def is_per_sample(step: Step, by_sample: set[str]) -> bool:
    """Whether a step's value has a row (in columns layout a column) for every sample of its
    update; ``by_sample`` are the earlier ids that have."""
    if step.operation == "given":
        return "samples" in step.parameters
    return takes_samples(step, by_sample) and step.role not in SUMS


def takes_samples(step: Step, by_sample: set[str]) -> bool:
    """Whether a step has an operand with a row for every sample."""
    return any(id in by_sample for id in step.operands)


def sums(steps: Iterable[Step]) -> set[str]:
    """The ids of the steps that add up samples."""
    by_sample: set[str] = set()
    found = set()
    for step in steps:
        if is_per_sample(step, by_sample):
            by_sample.add(step.id)
        elif takes_samples(step, by_sample):
            found.add(step.id)
    return found


def without_mean(step: Step) -> Step:
    """The step on a chunk: the 1/n is of the whole batch and comes after its sum."""
    parameters = {key: value for key, value in step.parameters.items() if key != "samples"}
    return msgspec.structs.replace(step, parameters=parameters)


def part(value: Array, axis: int, span: Chunk, samples: int) -> Array:
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
    if parts[0].flags.c_contiguous:
        return np.concatenate(parts, axis=axis)
    turned = np.concatenate([part.T for part in parts], axis=1 - axis)
    return np.asarray(turned.T)


def added(parts: Iterable[Array]) -> Array:
    """The sum of arrays, one after the other: ``np.sum`` has an order of its own."""
    total, *rest = parts
    for each in rest:
        total = total + each
    return total


def in_chunks(
    step: Step,
    values: Mapping[str, Array],
    lanes: Lanes,
    axis: int,
    by_sample: set[str],
    evaluate: Callable[[Step, Mapping[str, Array]], Array],
) -> Array:
    """The value of one step over a batch, worked chunk by chunk with ``evaluate``.

    A step that takes no sample is worked as it is; so is the 1/n, after the sum.
    """
    if not takes_samples(step, by_sample):
        return evaluate(step, values)
    samples = lanes[-1][-1][1]

    def on_chunk(step: Step, span: Chunk) -> Array:
        cut = {
            id: part(values[id], axis, span, samples) if id in by_sample else values[id]
            for id in step.needed
        }
        return evaluate(step, cut)

    if step.id in by_sample:
        return joined([on_chunk(step, span) for lane in lanes for span in lane], axis)
    each = without_mean(step)
    total = added(added(on_chunk(each, span) for span in lane) for lane in lanes)
    return np.asarray(mean(total, step.parameters), dtype=total.dtype)


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
