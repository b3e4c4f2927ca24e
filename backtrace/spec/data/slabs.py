"""Collects the rows of a matrix while nobody knows yet how many there will be."""

from __future__ import annotations

import numpy as np

from backtrace.spec.data.request import Array, DataType

SLAB = 1 << 25
"""Bytes that are asked for at once: so much the system takes back as soon as it is free."""


class Slabs:
    """Rows in a few large pieces of memory, put together at the end.

    An array that grew would be there twice whenever it is moved; many small ones would leave
    holes behind that stay with the process.
    """

    def __init__(self, width: int, dtype: DataType) -> None:
        self.width, self.dtype = width, dtype
        self.slabs: list[Array] = []
        self.used: list[int] = []

    def room(self, rows: int) -> Array:
        """The place of the next rows."""
        if not self.slabs or self.used[-1] + rows > len(self.slabs[-1]):
            most = SLAB // (self.width * np.dtype(self.dtype).itemsize)
            self.slabs.append(np.empty((max(rows, most), self.width), self.dtype))
            self.used.append(0)
        start = self.used[-1]
        self.used[-1] += rows
        return self.slabs[-1][start : start + rows]

    def joined(self) -> Array:
        """All rows; every slab goes as soon as it is copied, so that all is there only once."""
        end = sum(self.used)
        values = np.empty((end, self.width), self.dtype)
        while self.slabs:
            slab, used = self.slabs.pop(), self.used.pop()
            values[end - used : end] = slab[:used]
            end -= used
        return values
