"""Words, symbols and hatching as markup of SVG."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from math import sqrt
from typing import TypeAlias

from backtrace.page.inert import inert

LAYER = re.compile(r"\^(\(\d+\)|\[\d+\])")  # a layer as the course writes it: z^(2)
HATCH = 7.0  # between two lines
Point: TypeAlias = tuple[float, float]


def words(text: str) -> str:
    """Anybody's text as markup."""
    return escape(inert(text))


def symbols(text: str) -> str:
    """Our own symbols, their layer raised where the course writes it so."""
    pieces = LAYER.split(text)
    written = words(pieces[0])
    for mark, rest in zip(pieces[1::2], pieces[2::2], strict=True):
        # the next letter comes back down; where there is none, one that is not seen
        written += f'<tspan class="mark" dy="-4">{mark}</tspan><tspan dy="4">{words(rest)}'
        written += "</tspan>" if rest else "\u200b</tspan>"
    return written


def text_at(x: float, y: float, role: str, markup: str) -> str:
    return f'<text class="{role}" x="{x:.1f}" y="{y:.1f}">{markup}</text>'


def hatching(x: float, y: float, radius: float) -> Iterator[str]:
    """Slanted lines that fill a circle."""
    path = "".join(
        f"M{start[0]:.1f} {start[1]:.1f}L{end[0]:.1f} {end[1]:.1f}"
        for start, end in hatch_lines(x, y, radius)
    )
    yield f'<path class="hatch" d="{path}"/>'


def hatch_lines(x: float, y: float, radius: float) -> Iterator[tuple[Point, Point]]:
    """The ends of these lines."""
    for at in range(-int(radius / HATCH), int(radius / HATCH) + 1):
        # the chord at this distance from the middle, turned by 45 degrees
        off, half = at * HATCH, sqrt(max(0.0, radius**2 - (at * HATCH) ** 2))
        start = x + (off - half) / sqrt(2), y + (off + half) / sqrt(2)
        yield start, (start[0] + half * sqrt(2), start[1] - half * sqrt(2))
