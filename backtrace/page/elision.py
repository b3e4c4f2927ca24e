"""Which matrices are too large to be shown whole, and which of their lines stand for the rest.

The first two and the last one, as everybody writes it; but where there is nothing at the corners of
a long matrix, those where something is: an image is black at its edges. What has one length is cut
alike on the whole page, so that the columns of a factor are the rows of the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

import msgspec
import numpy as np

from backtrace.functions.array import AnyArray

LONGEST = 12  # rows or columns that a matrix may have before it is elided
MOST_ENTRIES = 64
SIDE = 4  # what is no longer than this is never elided
KEPT = 3  # lines of a long side


class Elision(msgspec.Struct, frozen=True):
    """How much a page shows: sides up to ``longest``, of longer ones ``kept`` lines.

    Quantities named in ``whole`` are never elided, with ``full`` none is. Of a step that is worked
    entry by entry ``unfolded`` entries at most, unless it is None; with ``full`` all.
    """

    kept: int = 3
    longest: int = LONGEST
    whole: tuple[str, ...] = ()
    full: bool = False
    unfolded: int | None = None
    windows: Mapping[int, range] = {}

    @property
    def most_unfolded(self) -> int | None:
        return None if self.full else self.unfolded

    def cuts(self, *shapes: tuple[int, ...]) -> bool:
        """Whether one of an equation's matrices is large: then all of its long sides are cut."""
        return any(is_large(shape) or max(shape, default=0) > self.longest for shape in shapes)

    def lines(self, count: int, id: str, *, elided: bool) -> list[int]:
        """Which of ``count`` rows or columns of a quantity to show."""
        whole = self.full or id in self.whole or count <= SIDE
        return self.shown(count, self.kept if elided and not whole else count)

    def shown(self, count: int, most: int) -> list[int]:
        """Which of ``count`` rows or columns to show, when at most ``most`` are wanted."""
        if most < count and count in self.windows:
            return list(self.windows[count][:most])
        return shown(count, most)


def is_large(shape: tuple[int, ...]) -> bool:
    """Whether a matrix is too large to be shown whole unless asked for."""
    return prod(shape) > MOST_ENTRIES or any(size > LONGEST for size in shape)


def shown(count: int, most: int) -> list[int]:
    """Which of ``count`` rows or columns to show, from 0, when at most ``most`` are wanted."""
    if count <= most:
        return list(range(count))
    last = most // 2
    return [*range(most - last), *range(count - last, count)]


def windows(values: Iterable[AnyArray], kept: int = KEPT) -> dict[int, range]:
    """Of every length of a long side at whose ends a matrix is 0, the ``kept`` lines where most
    is."""
    found: dict[int, list[AnyArray]] = {}
    for value in values:
        for axis, count in enumerate(value.shape):
            if count > LONGEST:
                found.setdefault(count, []).append(_sizes(value, axis))
    return {
        count: _fullest(sum(sizes), kept)
        for count, sizes in found.items()
        if any((each[shown(count, kept)] == 0).any() and each.any() for each in sizes)
    }


def _sizes(value: AnyArray, axis: int) -> AnyArray:
    """How large the entries of each line are, beside those of the line with the largest; their
    squares are added up without a copy of the matrix."""
    entries = value if value.dtype.kind == "f" else np.asarray(value, dtype=float)
    squares = np.einsum("ij,ij->i" if axis == 0 else "ij,ij->j", entries, entries)
    sizes: AnyArray = np.sqrt(np.nan_to_num(squares, posinf=0.0, neginf=0.0))
    return sizes / max(sizes.max(), np.finfo(float).tiny)


def _fullest(sizes: AnyArray, kept: int) -> range:
    start = int(np.argmax(np.convolve(sizes, np.ones(kept), "valid")))
    return range(start, start + kept)
