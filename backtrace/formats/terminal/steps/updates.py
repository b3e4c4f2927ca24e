"""Updates on a terminal: parameters from their old to their new values, as many as fit a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from backtrace.formats.terminal.boxes import (
    DOTS,
    Box,
    Line,
    NamedMatrix,
    blank,
    column_aligned,
    joined,
    line_width,
    matrix,
    trimmed,
)
from backtrace.formats.terminal.layout import Layout

BETWEEN = 3  # columns between two parameters


def update_box(
    number: Line, name: str, old: NamedMatrix, new: NamedMatrix, layout: Layout
) -> Box | None:
    """``20  W₁ ⎡ 0.1 → 0.092   0.2 → 0.190 ⎤``; None where it is wider than the page, or one
    of both is shown whole and the other is not."""
    if [len(row) for row in old.cells] != [len(row) for row in new.cells]:
        return None
    head: Line = [*number, (f"{name} ", "")]
    start = Box([head], line_width(head))
    box = joined([start, matrix(_from_old_to_new(old, new, layout.say("→")), layout.style)])
    return box if box.width <= layout.breadth else None


def _from_old_to_new(old: NamedMatrix, new: NamedMatrix, arrow: str) -> NamedMatrix:
    """Pairs of numbers; what is left out of both stays dots."""
    before, after = (zip(*block.cells, strict=True) for block in (old, new))
    columns = [
        _pairs(column_aligned(early), column_aligned(late), f" {arrow} ", apart=at > 0)
        for at, (early, late) in enumerate(zip(before, after, strict=True))
    ]
    cells = [list(row) for row in zip(*columns, strict=True)]
    return msgspec.structs.replace(new, cells=cells, dims="")


def _pairs(early: list[str], late: list[str], arrow: str, *, apart: bool) -> list[str]:
    """A column of pairs, ``apart`` by one blank more than single numbers."""
    dots = [text.strip() for text in late]
    return [
        dot if dot in DOTS else f"{' ' * apart}{old}{arrow}{new}"
        for dot, old, new in zip(dots, early, late, strict=True)
    ]


def packed(boxes: Sequence[Box], layout: Layout) -> Iterator[list[Line]]:
    """The boxes beside each other, in lines no wider than the page."""
    row: list[Box] = []
    for box in boxes:
        if row and sum(each.width + BETWEEN for each in row) + box.width > layout.breadth:
            yield _row(row)
            row = []
        row.append(box)
    if row:
        yield _row(row)


def _row(boxes: Sequence[Box]) -> list[Line]:
    apart = [box for each in boxes for box in (blank(BETWEEN), each)][1:]
    return [trimmed(line) for line in joined(apart).lines]
