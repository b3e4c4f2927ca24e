"""A sample as the picture that it is: half-blocks in grey, or shades where there is no colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import TypeAlias

import numpy as np

from backtrace.formats.shades import LEVELS, of_light, of_two_sides
from backtrace.formats.terminal.boxes import Line, line_width
from backtrace.formats.terminal.layout import INDENT, Layout, indented
from backtrace.functions.array import Array

NumberLines: TypeAlias = Callable[[int], list[Line]]  # in lines of so many columns

APART = 4  # columns between a picture and what stands beside it
SMALL = 14  # pixels a side; what is no larger gets two columns and a line for every pixel
SHADES, ASCII_SHADES = " ░▒▓█", " .:*#"
FRAME, ASCII_FRAME = tuple("┌─┐│└┘"), tuple("+-+|++")
ROLE = "grey"  # of a cell: its upper and its lower half, from 0 (black)
SIGNED = "signed"  # the same from 0 (orange) by white to blue


def pictured(greys: Array, beside: NumberLines, layout: Layout) -> Iterator[Line]:
    """The picture, and beside its middle the numbers: below it where they have no room there."""
    shown = picture(greys, layout)
    width = line_width(shown[0])
    room = layout.width - INDENT - width - APART
    numbers = beside(room)
    if max(map(line_width, numbers), default=0) <= room:
        yield from _together(shown, numbers)
        return
    indent = " " * INDENT if INDENT + width <= layout.width else ""
    yield from ([(indent, ""), *line] for line in shown)
    yield []
    yield from indented(beside(layout.width - INDENT))


def _together(shown: list[Line], beside: list[Line]) -> Iterator[Line]:
    width, height = line_width(shown[0]), len(shown)
    said: list[Line] = [*([[]] * max(0, (height - len(beside)) // 2)), *beside]
    for left, right in zip_longest(shown, said):
        gap: Line = [(" " * APART, "")] if right else []
        yield [(" " * INDENT, ""), *(left or [(" " * width, "")]), *gap, *(right or [])]


def picture(greys: Array, page: Layout, kind: str = ROLE) -> list[Line]:
    """Rows of greys, or of shades of two colours (``SIGNED``), no wider than the page, about as
    high as wide on a terminal."""
    colour = page.colour and page.unicode
    columns = 2 if max(greys.shape) <= SMALL else 1
    room = (page.width - (0 if colour else 2)) // columns
    greys = _shrunk(greys, -(-greys.shape[1] // room))
    if columns == 2:
        greys = np.repeat(np.repeat(greys, 2, axis=0), 2, axis=1)
    elif len(greys) % 2:
        greys = np.vstack([greys, np.zeros((1, greys.shape[1]))])
    halves = zip(greys[::2], greys[1::2], strict=True)
    if colour:
        return [list(_cells(upper, lower, kind)) for upper, lower in halves]
    return _framed([_shades((upper + lower) / 2, page) for upper, lower in halves], page)


def styles(lines: Iterable[Line]) -> dict[str, str]:
    """The colours of the greys that these lines have, by role."""
    kinds = {ROLE: of_light, SIGNED: of_two_sides}
    roles = {role for line in lines for _, role in line if role.split(" ")[0] in kinds}
    return {
        role: " on ".join(kinds[role.split()[0]](int(level)) for level in role.split()[1:])
        for role in roles
        if " " in role
    }


def _shrunk(greys: Array, times: int) -> Array:
    """The picture in a fraction of the size, each square of pixels averaged."""
    if times <= 1:
        return greys
    height, width = (size // times * times for size in greys.shape)
    squares = greys[:height, :width].reshape(height // times, times, width // times, times)
    mean: Array = squares.mean(axis=(1, 3))
    return mean


def _cells(upper: Array, lower: Array, kind: str) -> Iterator[tuple[str, str]]:
    """A row of half-blocks; neighbours of the same two shades are one span."""
    pairs = zip(_levels(upper, LEVELS), _levels(lower, LEVELS), strict=True)
    roles = [f"{kind} {above} {below}" for above, below in pairs]
    start = 0
    for at in range(1, len(roles) + 1):
        if at == len(roles) or roles[at] != roles[start]:
            yield "▀" * (at - start), roles[start]
            start = at


def _levels(greys: Array, count: int) -> list[int]:
    found: list[int] = np.rint(greys * (count - 1)).astype(int).tolist()
    return found


def _shades(greys: Array, page: Layout) -> str:
    shades = SHADES if page.unicode else ASCII_SHADES
    return "".join(shades[level] for level in _levels(greys, len(shades)))


def _framed(rows: list[str], page: Layout) -> list[Line]:
    top_left, dash, top_right, side, left, right = FRAME if page.unicode else ASCII_FRAME
    dashes = dash * len(rows[0])
    return [
        [(top_left + dashes + top_right, "axis")],
        *([(side, "axis"), (row, ""), (side, "axis")] for row in rows),
        [(left + dashes + right, "axis")],
    ]
