"""What became of a loss: with as many digits as show a difference, and in percent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite

from backtrace.notation.numbers import small

MOST_DECIMALS = 12  # more digits of a loss mean nothing
FEWER, MORE = "▼", "▲"


def telling_decimals(values: Sequence[float], decimals: int) -> int:
    """The fewest decimals, of at least ``decimals``, with which neighbours that differ look so."""
    pairs = [pair for pair in pairwise(map(float, values)) if pair[0] != pair[1]]
    for told in range(decimals, MOST_DECIMALS):
        if all(f"{before:.{told}f}" != f"{after:.{told}f}" for before, after in pairs):
            return told
    return decimals


def change(before: float, after: float) -> str:
    """``▼ 87 %``, ``▲ 0.3 %``; nothing where there is no percentage to tell."""
    before, after = float(before), float(after)
    if before in (0, after) or not isfinite(before) or not isfinite(after):
        return ""
    percent = abs(after - before) / abs(before) * 100
    told = f"{percent:.0f}" if percent >= 10 else small(float(f"{percent:.2g}"))
    return f"{FEWER if after < before else MORE} {told} %"
