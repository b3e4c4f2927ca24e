"""What became of a loss: with as many digits as show a difference, and in percent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite

from backtrace.notation.numbers import small

MOST_DECIMALS = 12  # more digits of a loss mean nothing
IN_A_TABLE = 8  # more of a whole column of them are hard to read
FEWER, MORE = "▼", "▲"


def telling_decimals(values: Sequence[float], decimals: int, most: int = MOST_DECIMALS) -> int:
    """The fewest decimals, from ``decimals`` to ``most``, with which no more neighbours that differ
    look the same than have to."""
    pairs = [pair for pair in pairwise(map(float, values)) if pair[0] != pair[1]]

    def alike(told: int) -> int:
        return sum(f"{before:.{told}f}" == f"{after:.{told}f}" for before, after in pairs)

    return min(range(decimals, max(most, decimals) + 1), key=alike)


def change(before: float, after: float) -> str:
    """``▼ 87 %``, ``▲ 0.3 %``; nothing where there is no percentage to tell."""
    before, after = float(before), float(after)
    if before in (0, after) or not isfinite(before) or not isfinite(after):
        return ""
    percent = abs(after - before) / abs(before) * 100
    told = f"{percent:.0f}" if percent >= 10 else small(float(f"{percent:.2g}"))
    return f"{FEWER if after < before else MORE} {told} %"
