"""What a step can be that is divided by the root of its own gradients' squares.

The gradient above and the squares below are of one history: taken as independent, squares that
round to 0 would allow any step. So both are worked from the same parts of what the gradient may be,
each partial result as it is or as it may be noted, and nobody divides by a noted 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backtrace.check.rules.intervals import EPS, UNBOUNDED, Floats, Interval, hull
from backtrace.check.rules.noting import Noting
from backtrace.functions.activations import Parameters
from backtrace.functions.optimizers import momentums
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step

Mask: TypeAlias = NDArray[np.bool_]

MOST_PARTS = 24  # of what a gradient can be,
NARROW = 1.1  # each at most so many times as large as at least
SMALLEST = 1e-3  # of a gradient that may be 0 the part that is told from 0
WRITTEN_ROUNDED = 4.0  # times as long a step may be when both were rounded before they are divided
TIES = 1e-9 * np.array([-1.0, 1.0])[:, None, None, None, None]  # go to where an interval opens to
NOISE = 16 * EPS


class Ends(NamedTuple):
    """Between what numbers lie, parts × rows × columns; ``none`` where 0 may have been noted of
    them, which is not counted in."""

    lo: Floats
    hi: Floats
    none: Any = False

    def times(self, factor: float) -> Ends:
        one, other = self.lo * factor, self.hi * factor
        return Ends(np.minimum(one, other), np.maximum(one, other), self.none)


class Notes(NamedTuple):
    """All ways in which a partial result may be noted, besides as it is; ``least``: what is smaller
    is not noted so. More decimals than the line's are taken for what shows two digits there."""

    notings: tuple[Noting, ...]
    least: tuple[float, ...]
    cut: bool

    def shown(self, x: Ends) -> Ends:
        """Noted as anything but 0."""
        if not self.notings:
            return x
        low, high = self.ways(x)
        none: Mask = ((low <= 0) & (high >= 0)).any(axis=0)
        lo = np.where(low == 0, x.lo, low).min(axis=0)
        hi = np.where(high == 0, x.hi, high).max(axis=0)
        return Ends(np.minimum(x.lo, lo), np.maximum(x.hi, hi), x.none | none)

    def of_sum(self, x: Ends) -> Ends:
        """Of a sum of noted numbers: it has no more decimals than they have."""
        return x if all(noting.digits is None for noting in self.notings) else self.shown(x)

    def ways(self, x: Ends) -> Floats:
        """Ends × ways × parts × rows × columns."""
        ends = np.stack(x[:2])[:, None]
        sizes = np.abs(ends)
        if all(noting.digits is None for noting in self.notings):
            units = np.array([2 * noting.half for noting in self.notings])[:, None, None, None]
        else:
            units = np.concatenate([noting.unit(sizes) for noting in self.notings], axis=1)
            units[units == 0] = 1.0  # of 0
        if self.cut:
            signs = np.sign(ends)
            ways = signs * np.floor(sizes / units + TIES * signs) * units
        else:
            ways = np.round(ends / units + TIES) * units
        return np.where(sizes < np.array(self.least)[:, None, None, None], ends, ways)


# What a gradient, or a written average, may be


def as_ends(x: Interval) -> Ends:
    whole = hull(x)
    return Ends(whole.lo, whole.hi)


def in_parts(g: Interval) -> Ends:
    """What a gradient may be, a narrow part after the other."""
    found = [_parts_of(lo, hi) for lo, hi in zip(g.lo, g.hi, strict=True)]
    return Ends(*(np.concatenate(ends) for ends in zip(*found, strict=True)))


def _parts_of(lo: Floats, hi: Floats) -> tuple[Floats, Floats]:
    least, most = np.minimum(np.abs(lo), np.abs(hi)), np.maximum(np.abs(lo), np.abs(hi))
    zero = (lo <= 0) & (hi >= 0) & (most > 0)
    low = np.where(zero, SMALLEST * most, least)
    times = most / np.where(low > 0, low, np.where(most > 0, most, 1.0))
    count = min(math.ceil(math.log(max(times.max(), 1.0)) / math.log(NARROW)), MOST_PARTS)
    if count <= 1 and not zero.any():
        return lo[None], hi[None]
    edges = low * times ** np.linspace(0.0, 1.0, count + 1)[:, None, None]
    edges[0], edges[-1] = np.where(zero, 0.0, least), most
    sign = np.where(lo < 0, -1.0, 1.0)
    parts = [(sign * edges[:-1], sign * edges[1:])]
    if zero.any():
        parts.append((-sign * edges[:-1], -sign * edges[1:]))
    one, other = (np.concatenate(each) for each in zip(*parts, strict=True))
    return np.clip(np.minimum(one, other), lo, hi), np.clip(np.maximum(one, other), lo, hi)


def _as_written(x: Ends, written: Interval, cut: bool) -> tuple[Ends, Mask]:
    """``x`` where it agrees with what was written of it, or as that stands there; and which parts
    agree. A written 0 says nothing where it doesn't."""
    lo, hi = hull(written).lo, hull(written).hi
    stands = np.where(np.abs(lo) < np.abs(hi), lo, hi) if cut else (lo + hi) / 2
    none, agrees = (lo <= 0) & (hi >= 0), np.maximum(x.lo, lo) <= np.minimum(x.hi, hi)
    says_nothing = none & ~agrees.any(axis=0)
    low = np.where(says_nothing, x.lo, np.maximum(x.lo, lo))
    high = np.where(says_nothing, x.hi, np.minimum(x.hi, hi))
    low = np.where(none, low, np.minimum(low, stands))
    high = np.where(none, high, np.maximum(high, stands))
    return Ends(low, high, x.none | none), agrees | says_nothing


# Averages


def _average(notes: Notes, p: Parameters, old: Ends, g: Ends) -> Ends:
    beta = float(p["beta"])
    return notes.shown(_added(notes, old.times(beta), g.times(1 - beta)))


def _added(notes: Notes, one: Ends, other: Ends) -> Ends:
    """A sum of two that are both noted in one way, or of which what is 0 so stayed as it was; and
    not noted as 0 itself."""
    both = Ends(one.lo + other.lo, one.hi + other.hi)
    if not notes.notings:
        return both
    low, high = notes.ways(one) + notes.ways(other)
    first, second = notes.shown(one), notes.shown(other)
    lows = (np.where(low == 0, both.lo, low).min(axis=0), both.lo, first.lo + second.lo)
    highs = (np.where(high == 0, both.hi, high).max(axis=0), both.hi, first.hi + second.hi)
    none = ((low <= 0) & (high >= 0)).any(axis=0)
    return Ends(np.minimum.reduce(lows), np.maximum.reduce(highs), none)


def _squared(x: Ends) -> Ends:
    one, other = x.lo**2, x.hi**2
    through = (x.lo <= 0) & (x.hi >= 0)
    return Ends(np.where(through, 0.0, np.minimum(one, other)), np.maximum(one, other))


def _average_squares(notes: Notes, p: Parameters, old: Ends, g: Ends) -> Ends:
    beta = float(p["beta"])
    share = notes.shown(_squared(g)).times(1 - beta)
    return notes.shown(_added(notes, old.times(beta), share))


def _accumulate_squares(notes: Notes, p: Parameters, old: Ends, g: Ends) -> Ends:
    return notes.shown(_added(notes, old, _squared(g)))


def _unbias(notes: Notes, p: Parameters, x: Ends) -> Ends:
    below = np.full((1, 1, 1), 1 - float(p["beta"]) ** p["t"])
    return notes.shown(_divided(x, notes.shown(Ends(below, below))))


def _look_ahead_average(notes: Notes, p: Parameters, m: Ends, g: Ends) -> Ends:
    mu = momentums(float(p["beta"]), float(p["momentum_decay"]), p["t"])
    ahead = m.times(mu.next / (1 - mu.product * mu.next))
    return notes.shown(_added(notes, ahead, g.times((1 - mu.now) / (1 - mu.product))))


SQUARES = ("average_squares", "accumulate_squares")
AVERAGES: Mapping[str, Callable[..., Ends]] = {
    "copy": lambda notes, p, x: x,  # of who leaves the correction out
    "average": _average,
    "average_squares": _average_squares,
    "accumulate_squares": _accumulate_squares,
    "unbias": _unbias,
    "look_ahead_average": _look_ahead_average,
}


def average(
    operation: str,
    p: Parameters,
    notes: Notes,
    operands: Sequence[Interval],
    written: Interval | None,
) -> Interval:
    """An average in all ways of noting, or those that agree with what was written of it."""
    found = AVERAGES[operation](notes, p, *map(as_ends, operands))
    if written is None:
        return Interval(found.lo, found.hi)
    found, agrees = _as_written(found, written, notes.cut)
    ends = ((found.lo, hull(written).lo), (found.hi, hull(written).hi))
    return Interval(*(np.where(agrees, own, end) for own, end in ends))


# The step


class History(NamedTuple):
    """Of what an adaptive step is worked: the lines of its averages in the order of work, the ids
    of what they were before the update, of the gradient, and of m̂ and v̂ (g and s); and how far
    it goes at most for a rate of 1."""

    operation: str
    lines: tuple[Step, ...]
    before: tuple[str, ...]
    gradient: str
    above: str
    squares: str
    longest: float
    is_first: bool


def history_of(step: Step, steps: Mapping[str, Step]) -> History:
    lines: dict[str, Step] = {}

    def walk(id: str) -> None:
        if steps[id].operation in AVERAGES and id not in lines:
            for each in steps[id].operands:
                walk(each)
            lines[id] = steps[id]

    above, squares = step.operands[:2]
    walk(above)
    walk(squares)
    gradient = next(each.operands[1] for each in lines.values() if each.operation in SQUARES)
    known = {*lines, gradient}
    before = tuple(id for each in lines.values() for id in each.operands if id not in known)
    longest = _largest_ratio(steps[above], steps[squares])
    is_first = not any("from" in steps[id].parameters for id in before)
    return History(
        step.operation, tuple(lines.values()), before, gradient, above, squares, longest, is_first
    )


def _largest_ratio(above: Step, below: Step) -> float:
    """The most that m̂/√v̂ (g/√s) can be, by Cauchy and Schwarz; Nadam's m̂ has g once more."""
    if below.operation == "accumulate_squares":
        return 1.0
    share = float(below.parameters["beta"])
    if below.operation == "average_squares":
        return 1 / math.sqrt(1 - share)
    beta, t = float(above.parameters["beta"]), int(above.parameters["t"])
    squares = sum((beta * beta / share) ** k for k in range(t)) if share else 1.0
    scale = (1 - beta) / (1 - beta**t) * math.sqrt((1 - share**t) / (1 - share))
    return scale * math.sqrt(squares) * (2 if above.operation == "look_ahead_average" else 1)


DIVISORS: Mapping[str, Callable[[Floats], Floats]] = {
    "adaptive_step": np.sqrt,
    "decayed_step": np.sqrt,
    "step_without_root": np.positive,
}


def adaptive_step(
    s: Setting,
    p: Parameters,
    notes: Notes,
    history: History,
    values: Mapping[str, Interval],
    written: Mapping[str, Interval],
) -> Interval:
    """A step by the gradient and the averages before it (``values``), in all ways of noting that
    agree with what was ``written`` of its averages; without bounds where none does."""
    known = {id: as_ends(x) for id, x in values.items()}
    known[history.gradient] = in_parts(values[history.gradient])
    agree = np.ones(known[history.gradient].lo.shape, dtype=bool)
    for line in history.lines:
        operands = (known[id] for id in line.operands)
        known[line.id] = AVERAGES[line.operation](notes, line.parameters, *operands)
        if line.id in written:
            known[line.id], agrees = _as_written(known[line.id], written[line.id], notes.cut)
            agree = agree & agrees
    above, squares = known[history.above], known[history.squares]
    below = Ends(*(DIVISORS[history.operation](np.maximum(end, 0.0)) for end in squares[:2]))
    of_none = history.is_first & (squares.lo == 0)  # they are smaller than anything that is noted
    longest = np.where(of_none, 1.0, WRITTEN_ROUNDED) * history.longest * abs(float(p["rate"]))
    found = _quotient(notes, p, above, below)
    low, high = np.clip(found.lo, -longest, longest), np.clip(found.hi, -longest, longest)
    return _of_parts(s, Ends(low, high, found.none), agree)


def _of_parts(s: Setting, x: Ends, agree: Mask) -> Interval:
    """Downhill, from the least to the most of the parts that count, and 0 if it may be noted."""
    low = np.where(agree, x.lo, np.inf).min(axis=0)
    high = np.where(agree, x.hi, -np.inf).max(axis=0)
    low, high = low - NOISE * np.abs(low), high + NOISE * np.abs(high)
    low, high = (low, high) if s.descent else (-high, -low)
    none, any_agrees = (agree & x.none).any(axis=0), agree.any(axis=0)
    low, high = np.where(any_agrees, low, -UNBOUNDED), np.where(any_agrees, high, UNBOUNDED)
    if not none.any():
        return Interval(low[None], high[None])
    return Interval(*(np.stack([end, np.where(none, 0.0, end)]) for end in (low, high)))


def _quotient(notes: Notes, p: Parameters, above: Ends, roots: Ends) -> Ends:
    """η·m̂ over the root, η times the quotient, or η over the root times m̂."""
    rate, epsilon = float(p["rate"]), float(p["epsilon"])
    roots = notes.shown(roots)
    below = notes.of_sum(Ends(roots.lo + epsilon, roots.hi + epsilon))
    product = above.times(rate) if abs(rate) == 1 else notes.shown(above.times(rate))
    quotient = notes.shown(_divided(above, below))
    each = notes.shown(_divided(Ends(*np.full((2, 1, 1, 1), abs(rate))), below))
    ways = [_divided(product, below), quotient.times(rate), _multiplied(above, each, rate)]
    low = np.minimum.reduce([way.lo for way in ways])
    high = np.maximum.reduce([way.hi for way in ways])
    return Ends(low, high, ways[0].none | ways[1].none | ways[2].none)


def _divided(x: Ends, y: Ends) -> Ends:
    """By what is positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(x.lo < 0, x.lo / y.lo, x.lo / y.hi)
        high = np.where(x.hi > 0, x.hi / y.lo, x.hi / y.hi)
    return Ends(np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=0.0), x.none)


def _multiplied(x: Ends, y: Ends, rate: float) -> Ends:
    """``x`` times what is positive, with the sign of a rate."""
    x = x.times(math.copysign(1.0, rate))
    low = np.where(x.lo < 0, x.lo * y.hi, x.lo * y.lo)
    high = np.where(x.hi > 0, x.hi * y.hi, x.hi * y.lo)
    return Ends(low, high, x.none | y.none)
