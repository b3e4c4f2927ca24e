"""Several matrices in one array."""

from __future__ import annotations

import math
from collections.abc import Mapping

from backtrace.functions.array import Array


def size_of(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """How many entries they have together."""
    return sum(math.prod(shape) for shape in shapes.values())


def views(line: Array, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """The matrices that lie one after the other in a one-dimensional array."""
    found, start = {}, 0
    for id, shape in shapes.items():
        stop = start + math.prod(shape)
        found[id] = line[start:stop].reshape(shape)
        start = stop
    return found
