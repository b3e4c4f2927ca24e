"""The numbers of many edges without a word: bars beside a unit, or pictures where there are more.

A bar that stands up is above 0, one that hangs is below it; a picture has colours alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import ceil, sqrt

MOST_BARS = 32
LONGEST = 150.0  # of a strip of bars
WIDEST_BAR = 14.0
HIGHEST_BAR = 12.0
PICTURE = 52.0  # a side
APART = 10.0  # between a picture and the next, a strip and its unit
LEVELS = 4  # of a colour in a picture


def strip_width(count: int, strips: int) -> float:
    """How wide is what stands beside a unit: strips of so many numbers."""
    if not count or not strips:
        return 0.0
    if count > MOST_BARS:
        return strips * (PICTURE + APART)
    return count * _bar_width(count) + APART


def strips(
    x: float, y: float, weights: Sequence[float], gradients: Sequence[float]
) -> Iterator[str]:
    """The weights that lead to a unit and their gradients, left of x: bars above the line at y and
    below it, or pictures beside each other."""
    count = max(len(weights), len(gradients))
    shown = [each for each in (weights, gradients) if each]
    left = x - strip_width(count, len(shown))
    start = x - APART if count > MOST_BARS else left
    yield f'<path class="wire" d="M{start:.1f} {y:.1f}H{x + APART:.1f}"/>'
    if count > MOST_BARS:
        for at, values in enumerate(shown):
            yield from _picture(left + at * (PICTURE + APART), y - PICTURE / 2, values)
        return
    for values, middle in ((weights, y - HIGHEST_BAR - 3), (gradients, y + HIGHEST_BAR + 3)):
        yield from _bars(left, middle, values)


def _bar_width(count: int) -> float:
    return min(WIDEST_BAR, LONGEST / count)


def _bars(x: float, y: float, values: Sequence[float]) -> Iterator[str]:
    wide = _bar_width(len(values)) if values else 0.0
    for sign in (1, -1):
        path = "".join(
            _rectangle(x + at * wide + wide / 8, y, 0.75 * wide, -value * HIGHEST_BAR)
            for at, value in enumerate(values)
            if value * sign > 0
        )
        yield from _filled(path, sign)


def _picture(x: float, y: float, values: Sequence[float]) -> Iterator[str]:
    """Numbers as the pixels of a square, row after row; what is the same side by side is one."""
    side = ceil(sqrt(len(values)))
    pixel = PICTURE / side
    paths: dict[int, list[str]] = {}
    for row in range(side):
        line = values[row * side : (row + 1) * side]
        start = 0
        for level, alike in groupby(round(value * LEVELS) for value in line):
            count = len(list(alike))
            across = x + start * pixel, count * pixel
            part = _rectangle(across[0], y + row * pixel, across[1], pixel)
            paths.setdefault(level, []).append(part)
            start += count
    for level, parts in sorted(paths.items()):
        yield from _filled("".join(parts), level, abs(level) / LEVELS)
    yield f'<path class="bracket" d="M{x:.1f} {y:.1f}h{PICTURE}v{PICTURE}h-{PICTURE}z"/>'


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z"


def _filled(path: str, sign: int, opacity: float = 1.0) -> Iterator[str]:
    if path and sign:
        role = "rises" if sign > 0 else "falls"
        faint = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
        yield f'<path class="bar {role}"{faint} d="{path}"/>'
