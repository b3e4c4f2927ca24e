"""Slopes by central differences, the step chosen entry by entry; at a kink the slopes of each side.

The differences over h, h/2, h/4, … are extrapolated to h = 0: C. J. F. Ridders, Accurate
computation of F′(x) and F′(x)F″(x), Advances in Engineering Software 4 (1982), pages 75 to 76. An
error is estimated with each extrapolation, and the one with the least error is taken. The ladder of
steps goes down, three rungs at a time, for those entries that need it.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.verify.forward_stacks import Marks, Reals
from backtrace.verify.responses import Indices, Response
from backtrace.verify.rounding import EPS, ROUNDINGS

FIRST = 2.0**-4  # the longest step, in units of an entry's scale
RUNGS = 18  # each half of the one before
AT_ONCE = 3
GOAL = 4e-7  # an error this small beside the slope is small enough
FEW = 5  # rungs are too few for the slope of a side
DEEPEST = 6  # extrapolations upon each other


class Points(msgspec.Struct, frozen=True, eq=False):
    """Where the slopes are taken: the entries' values, and steps that are natural for them.

    ``reach`` is how large the terms are that are added up on the way to the loss.
    """

    values: Reals
    scales: Reals
    reach: float


class Slopes(msgspec.Struct, frozen=True, eq=False):
    """By entry: the slope, how far it may be off, and whether there is one.

    Where ``smooth`` is false a kink lies within reach of every step, or no step stays where the
    loss is a number.
    """

    values: Reals
    errors: Reals
    smooth: NDArray[np.bool_]


class Sided(msgspec.Struct, frozen=True):
    """The slopes below and above a point, and the lowest and highest that a rule for its kinks
    can give: every sample may stand at a kink of its own. With ``smooth`` none does."""

    below: float
    above: float
    lowest: float
    highest: float
    error: float
    smooth: bool = False

    @property
    def is_kink(self) -> bool:
        """Whether the slopes differ; a point where the slope only bends has one."""
        return self.highest - self.lowest > 2 * self.error + GOAL * abs(self.below)


def central(response: Response, points: Points) -> Slopes:
    """The slope of every entry. A rule for the step is the one in the head of this module."""
    ladder = _Ladder(response, points)
    active = np.arange(points.values.size)
    while active.size and ladder.rungs < RUNGS:
        ladder.climb(active)
        active = active[ladder.unsettled(active)]
    return Slopes(ladder.slopes, ladder.errors, np.isfinite(ladder.errors))


class _Ladder:
    """The differences so far: a row a rung, a column an entry."""

    def __init__(self, response: Response, points: Points) -> None:
        self.response, self.points = response, points
        entries = points.values.size
        self.rungs = 0
        self.differences = np.empty((0, entries))
        self.noise = np.empty((0, entries))
        self.slopes = np.full(entries, np.nan)
        self.errors = np.full(entries, np.inf)

    def climb(self, active: Indices) -> None:
        """Three more rungs for these entries, and what they make of their slopes."""
        entries = self.points.values.size
        for _ in range(AT_ONCE):
            difference, noise = np.full((2, entries), np.nan)
            difference[active], noise[active] = self._rung(active)
            self.differences = np.vstack([self.differences, difference])
            self.noise = np.vstack([self.noise, noise])
            self.rungs += 1
        found = extrapolated(self.differences[:, active], self.noise[:, active], 4.0)
        self.slopes[active], self.errors[active] = found

    def unsettled(self, active: Indices) -> NDArray[np.bool_]:
        """Which of these entries shorter steps could still make better."""
        error = self.errors[active]
        close = error <= GOAL * np.abs(self.slopes[active])
        hopeless = self.noise[-1, active] * 2.0**AT_ONCE >= error
        return np.asarray(~(close | hopeless))

    def _rung(self, active: Indices) -> tuple[Reals, Reals]:
        """The differences of one rung and their noise; nan where the step is of no use."""
        x = self.points.values[active]
        h = self.points.scales[active] * (FIRST * 0.5**self.rungs)
        up, down = (x + h) - x, (x - h) - x  # what is left of h beside x
        above, below = self.response.read(active, up), self.response.read(active, down)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            difference = (above.change - below.change) / (up - down)
            bend = np.abs(above.change + below.change) / h * (EPS * np.abs(x) / h)
            gross = (above.gross + below.gross) * self.points.reach * self.points.scales[active] / h
            noise = ROUNDINGS * EPS * (self.response.size[active] + gross) / h + 4 * bend
        mark = self.response.mark[active]
        smooth = (above.mark == mark) & (below.mark == mark)
        smooth |= (above.gross == 0) & (below.gross == 0)  # a kink that nothing hangs on
        smooth &= np.isfinite(difference)
        return np.where(smooth, difference, np.nan), np.where(smooth, noise, np.nan)


def extrapolated(rungs: Reals, noise: Reals, ratio: float) -> tuple[Reals, Reals]:
    """The limit of each column of differences and its error: inf where there are not two rungs.

    ``ratio`` is what a halved step divides the leading error by: 4 for central differences, 2 for
    those of one side. A rung of no use is nan.
    """
    best = np.full(rungs.shape[1], np.nan)
    error = np.full(rungs.shape[1], np.inf)
    row, factor = rungs, ratio
    for _ in range(min(len(rungs) - 1, DEEPEST)):
        finer, coarser = row[1:], row[:-1]
        with np.errstate(invalid="ignore", over="ignore"):
            better = finer + (finer - coarser) / (factor - 1)
            doubt = np.maximum(np.abs(better - finer), np.abs(better - coarser))
            doubt += 2 * noise[-len(better) :]
        doubt = np.where(np.isfinite(doubt), doubt, np.inf)
        at = doubt.argmin(axis=0)
        columns = np.arange(rungs.shape[1])
        improved = doubt[at, columns] < error
        best = np.where(improved, better[at, columns], best)
        error = np.where(improved, doubt[at, columns], error)
        row, factor = better, factor * ratio
    return best, error


def sided(response: Response, points: Points, entries: Indices) -> list[Sided | None]:
    """The slopes of each side at these entries; None where they can't be told.

    Each side's are taken between one rung and the next, so that a kink close beside the point lies
    below both. Samples are taken apart: a sample that has no kink has one slope.
    """
    found: list[Sided | None] = []
    for at in response.together(entries):
        lower, upper = (_side(response, points, at, sign) for sign in (-1.0, 1.0))
        for below, above in zip(lower, upper, strict=True):
            found.append(both_sides(below, above))
    return found


def both_sides(below: tuple[Reals, Reals], above: tuple[Reals, Reals]) -> Sided | None:
    """The slopes of each sample on each side, with their errors, added up; None without them."""
    (lower, worse), (upper, bad) = below, above
    error = float(np.sum(worse) + np.sum(bad))
    if not np.isfinite(error):
        return None
    return Sided(
        below=float(lower.sum()),
        above=float(upper.sum()),
        lowest=float(np.minimum(lower, upper).sum()),
        highest=float(np.maximum(lower, upper).sum()),
        error=error,
    )


def _side(
    response: Response, points: Points, entries: Indices, sign: float
) -> list[tuple[Reals, Reals]]:
    """By entry: the slope of each sample on one side, and its error."""
    x, scales = points.values[entries], points.scales[entries]
    h = scales * FIRST * 0.5 ** np.arange(RUNGS)[:, None]
    steps = (x + sign * h) - x
    changes, marks = response.apart(entries, steps)
    found = []
    for at, entry in enumerate(entries):
        mine = changes[:, at]
        gross = np.abs(mine) * points.reach * scales[at] / h[:, [at]]
        noise = gross + response.size[entry] / mine.shape[1]
        found.append(_one_side(mine, marks[:, at], steps[:, at], noise))
    return found


def _one_side(changes: Reals, marks: Marks, steps: Reals, sizes: Reals) -> tuple[Reals, Reals]:
    """The slope of each sample on one side and its error."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        slopes = (changes[:-1] - changes[1:]) / (steps[:-1] - steps[1:])[:, None]
        noise = 4 * ROUNDINGS * EPS * sizes[:-1] / np.abs(steps[:-1, None])
    slopes = np.where(beyond(marks) & np.isfinite(slopes), slopes, np.nan)
    return extrapolated(slopes, noise, 2.0)


def beyond(marks: Marks) -> NDArray[np.bool_]:
    """By rung and sample: whether the rung and the one below lie between the same two kinks.

    Those at the foot of the ladder are taken; where a kink lies so close that there are few of
    them, those above it.
    """
    same = np.logical_and.accumulate((marks == marks[-1])[::-1])[::-1]
    for column in np.flatnonzero(same.sum(axis=0) < FEW):
        foot = len(marks) - int(same[:, column].sum())
        if foot:
            above = marks[:foot, column] == marks[foot - 1, column]
            same[:, column] = False
            same[:foot, column] = np.logical_and.accumulate(above[::-1])[::-1]
    return np.asarray(same[:-1] & same[1:])
