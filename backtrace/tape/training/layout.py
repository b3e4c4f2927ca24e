"""Several matrices in one array."""

from __future__ import annotations

import math
from collections.abc import Mapping

from backtrace.functions.array import Array


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
