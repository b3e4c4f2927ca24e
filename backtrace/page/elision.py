"""Which matrices are too large to be shown whole, and which of their lines stand for the rest."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 12  # rows or columns that a matrix may have before it is elided
MOST_ENTRIES = 64
SIDE = 4  # what is no longer than this is never elided


def is_large(shape: tuple[int, ...]) -> bool:
    """Whether a matrix is too large to be shown whole unless asked for."""
    entries = 1
    for size in shape:
        entries *= size
    return entries > MOST_ENTRIES or any(size > LONGEST for size in shape)


def any_large(shapes: Iterable[tuple[int, ...]]) -> bool:
    """Whether an equation has a large matrix: then all of its long sides are elided alike."""
    return any(map(is_large, shapes))


def shown(count: int, most: int) -> list[int]:
    """Which of ``count`` rows or columns to show, from 0, when at most ``most`` are wanted."""
    if count <= most:
        return list(range(count))
    last = most // 2
    return [*range(most - last), *range(count - last, count)]
