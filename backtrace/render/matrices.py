"""The values of a trace as blocks for an equation: in decimals, elided where they are large."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from backtrace.notation.numbers import cells, number
from backtrace.render.boxes import Block
from backtrace.render.grid import column_numbers, shown, with_gaps
from backtrace.tape.steps import Phase

SECTIONS: dict[Phase, str] = {
    "given": "Given",
    "forward": "Forward",
    "loss": "Loss",
    "backward": "Backward",
    "update": "Update",
}
ROLES: dict[Phase, str] = {  # of a span, from which a renderer takes the colour
    "given": "given",
    "forward": "computed",
    "loss": "computed",
    "backward": "gradient",
    "update": "updated",
}
LONGEST = 12  # rows or columns that a matrix may have before it is elided
MOST_ENTRIES = 64
SIDE = 4  # what is no longer than this is never elided
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


def is_large(shape: tuple[int, ...]) -> bool:
    """Whether a matrix is too large to be shown whole unless asked for."""
    entries = 1
    for size in shape:
        entries *= size
    return entries > MOST_ENTRIES or any(size > LONGEST for size in shape)


def any_large(shapes: Iterable[tuple[int, ...]]) -> bool:
    """Whether an equation has a large matrix: then all of its long sides are elided alike."""
    return any(map(is_large, shapes))


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
