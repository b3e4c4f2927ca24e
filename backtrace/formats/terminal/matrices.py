"""The values of a trace as blocks for an equation: in decimals, elided where they are large."""

from __future__ import annotations

from typing import Any

import msgspec

from backtrace.formats.terminal.boxes import Block
from backtrace.formats.terminal.grid import column_numbers, with_gaps
from backtrace.notation.numbers import cells, number
from backtrace.page.elision import SIDE, shown

WIDE = 100  # columns of a terminal on which more of a large matrix is shown


class Format(msgspec.Struct, frozen=True):
    """How values become texts: decimals at most, everything or the corners of what is large."""

    decimals: int
    width: int = 80
    full: bool = False

    @property
    def kept(self) -> int:
        """How many rows and columns of a large matrix are shown."""
        return 5 if self.width >= WIDE else 3


def block(value: Any, name: str, role: str, form: Format, *, elide: bool) -> Block:
    """A 2-D value, or a single number where ``value`` is 0-d.

    Only the entries that are shown are formatted.
    """
    if value.shape == ():
        return Block(name, [[number(value, form.decimals)]], "", role, bare=True)
    height, width = value.shape
    dims = f"{height} × {width}"
    if not elide:
        return Block(name, cells(value, form.decimals), dims, role)
    rows, columns = _kept(height, form), _kept(width, form)
    texts = cells(value[rows][:, columns], form.decimals)
    return Block(name, with_gaps(texts, rows, columns), dims, role, column_numbers(columns))


def _kept(count: int, form: Format) -> list[int]:
    return shown(count, form.kept if count > SIDE else count)
