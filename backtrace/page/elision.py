"""Which matrices are too large to be shown whole, and which of their lines stand for the rest."""

from __future__ import annotations

from math import prod

import msgspec

LONGEST = 12  # rows or columns that a matrix may have before it is elided
MOST_ENTRIES = 64
SIDE = 4  # what is no longer than this is never elided


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

    @property
    def most_unfolded(self) -> int | None:
        return None if self.full else self.unfolded

    def cuts(self, *shapes: tuple[int, ...]) -> bool:
        """Whether one of an equation's matrices is large: then all of its long sides are cut."""
        return any(is_large(shape) or max(shape, default=0) > self.longest for shape in shapes)

    def lines(self, count: int, id: str, *, elided: bool) -> list[int]:
        """Which of ``count`` rows or columns of a quantity to show."""
        whole = self.full or id in self.whole or count <= SIDE
        return shown(count, self.kept if elided and not whole else count)


def is_large(shape: tuple[int, ...]) -> bool:
    """Whether a matrix is too large to be shown whole unless asked for."""
    return prod(shape) > MOST_ENTRIES or any(size > LONGEST for size in shape)


def shown(count: int, most: int) -> list[int]:
    """Which of ``count`` rows or columns to show, from 0, when at most ``most`` are wanted."""
    if count <= most:
        return list(range(count))
    last = most // 2
    return [*range(most - last), *range(count - last, count)]
