"""Entries that seem wrong, looked at once more before anything is said against them.

The first look takes the few steps it needs, and believes the error it estimates. Here every rung is
climbed, down to steps that are short beside whatever the network does; those are left out that are
too long for its functions; and the roundings of each pass are measured, not supposed.
"""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from backtrace.verify.differences import (
    FIRST,
    Points,
    Sided,
    beyond,
    both_sides,
    extrapolated,
)
from backtrace.verify.forward_stacks import Close, Marks, Reals
from backtrace.verify.responses import Indices, Response
from backtrace.verify.rounding import PATTERNS

RUNGS = 40
PASSES = 2 * RUNGS * (1 + PATTERNS)  # that one entry takes
SAFETY = 4.0  # on errors: an estimate of one may be too small by chance


def again(response: Response, points: Points, entries: Indices) -> list[Sided | None]:
    """The slopes of these entries, of each side where there are two; None where none is found."""
    x = points.values[entries]
    h = points.scales[entries] * FIRST * 0.5 ** np.arange(RUNGS)[:, None]
    steps = (x - h) - x, (x + h) - x
    looks = [response.closely(entries, each) for each in steps]
    marks = response.marks_of(entries)
    found = []
    for at in range(len(entries)):
        mine = [(_of_entry(look, at), step[:, at]) for look, step in zip(looks, steps, strict=True)]
        found.append(_slopes(mine[0], mine[1], marks[at]))
    return found


def _of_entry(look: Close, at: int) -> Close:
    return Close(look.changes[:, at], look.marks[:, at], look.noise[:, at], look.spans[:, at])


def _slopes(below: tuple[Close, Reals], above: tuple[Close, Reals], marks: Marks) -> Sided | None:
    """The slopes of all samples; one that has a kink within reach has one of each side."""
    slope, error = _central(below, above, marks)
    smooth = np.isfinite(error)
    sides = []
    for look, steps in (below, above):
        mine, worse = _one_sided(look, steps)
        doubt = SAFETY * np.where(smooth, error / 2, worse)
        sides.append((np.where(smooth, slope, mine), doubt))
    found = both_sides(*sides)
    return None if found is None else replace(found, smooth=bool(smooth.all()))


def _central(
    below: tuple[Close, Reals], above: tuple[Close, Reals], marks: Marks
) -> tuple[Reals, Reals]:
    """The slope of each sample by central differences, with its error: inf beside a kink."""
    (lower, down), (upper, up) = below, above
    width = (up - down)[:, None]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        slopes = (upper.changes - lower.changes) / width
        noise = (upper.noise + lower.noise) / width
    same = (upper.marks == marks) & (lower.marks == marks)
    same |= (upper.changes == 0) & (lower.changes == 0)  # a kink that nothing hangs on
    good = same & _is_near(lower) & _is_near(upper) & np.isfinite(slopes) & np.isfinite(noise)
    return extrapolated(np.where(good, slopes, np.nan), noise, 4.0)


def _one_sided(look: Close, steps: Reals) -> tuple[Reals, Reals]:
    """The slope of each sample on one side, between one rung and the next, with its error."""
    width = (steps[:-1] - steps[1:])[:, None]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        slopes = (look.changes[:-1] - look.changes[1:]) / width
        noise = (look.noise[:-1] + look.noise[1:]) / np.abs(width)
    near = _is_near(look)[:-1] & np.isfinite(slopes) & np.isfinite(noise)
    return extrapolated(np.where(beyond(look.marks) & near, slopes, np.nan), noise, 2.0)


def _is_near(look: Close) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray(look.spans <= 1)
