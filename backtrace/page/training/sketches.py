"""Small pictures of what was learned, as blocks of a page."""

from __future__ import annotations

import msgspec

from backtrace.functions.array import Array
from backtrace.page.blocks import Block, Paragraph


class Mark(msgspec.Struct, frozen=True):
    """A sample on a surface, in which row and column, and whether its target is the high one."""

    row: int
    column: int
    high: bool


class Sketch(msgspec.Struct, frozen=True, eq=False):
    """A small picture: shades from 0 to 1, and what it is of."""

    caption: str
    shades: Array
    marks: tuple[Mark, ...] = ()


class Sketches(Block, frozen=True, eq=False):
    """Pictures beside each other; ``legend`` is what there is to say of all of them.

    Their shades are those of light, or, where there are words for both ``ends``, go from one by a
    middle to the other.
    """

    sketches: tuple[Sketch, ...]
    legend: str
    ends: tuple[str, str] | None = None

    @property
    def plainly(self) -> tuple[Paragraph]:
        return (Paragraph("; ".join(each.caption for each in self.sketches)),)
