"""How long a step can be that is divided by the root of its own gradients' squares.

The gradient above and the squares below are of one history: taken as independent, squares that
round to 0 would allow any step. Of a first step nothing is left open: m̂/√v̂ is ±1 there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtrace.check.rules.intervals import Floats, Interval, hull, point
from backtrace.check.rules.noting import Noting
from backtrace.functions.activations import Parameters
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step

WRITTEN_ROUNDED = 4.0  # times as long a step may be when both were rounded before they are divided
KNOWN = 4.0  # times as large as at least squares may be, and bound a step by themselves
TINY = 1e-300


class Quotient(NamedTuple):
    """What a step is worked from: what stands above and below, as the lines before it may have
    been noted down and as they are without that; for a first step also its gradient."""

    above: Interval
    below: Interval
    kept_above: Interval
    kept_below: Interval
    gradient: Interval | None


class Sizes(NamedTuple):
    """Between which sizes numbers lie."""

    least: Floats
    most: Floats


# How many times as large rounding makes what it doesn't make 0: 1 of 1.99 (cut off), 1 of 0.5; of
# a sum of squares the smaller parts may be lost, and each may have been rounded before.
ROUNDED = Sizes(np.array(0.5), np.array(2.0))
SQUARES_ADDED = Sizes(np.array(1 / 3), np.array(2.5))
ANY = Sizes(np.array(0.0), np.array(np.inf))


def largest_ratio(step: Step, steps: Mapping[str, Step]) -> float:
    """The most that m̂/√v̂ (g/√s) can be, by Cauchy and Schwarz; Nadam's m̂ has g once more."""
    above, below = (steps[id] for id in step.operands[:2])
    if below.operation == "accumulate_squares":
        return 1.0
    share = float(below.parameters["beta"])
    if below.operation == "average_squares":
        return 1 / math.sqrt(1 - share)
    beta, t = float(above.parameters["beta"]), int(above.parameters["t"])
    squares = sum((beta * beta / share) ** k for k in range(t)) if share else 1.0
    scale = (1 - beta) / (1 - beta**t) * math.sqrt((1 - share**t) / (1 - share))
    return scale * math.sqrt(squares) * (2 if above.operation == "look_ahead_average" else 1)


def first_gradient(step: Step, steps: Mapping[str, Step]) -> str | None:
    """The one gradient that the averages of a first step are of; None of a later step."""
    above, below = (steps[id] for id in step.operands[:2])
    squares = steps[below.operands[0]] if below.operation == "unbias" else below
    before, gradient = squares.operands
    is_first = "from" not in steps[before].parameters
    return gradient if is_first and above.operation != "look_ahead_average" else None


def as_long_as_can_be(
    s: Setting, p: Parameters, noting: Noting, step: Interval, q: Quotient, weights: list[Interval]
) -> Interval:
    """The part of a step's interval within reach; ``p["largest_ratio"]`` says how far that is (of
    first steps, how far they go), ``p["cut"]`` whether digits are cut off. ``weights`` decay.

    It goes the way of what stands above, unless what was noted of that is 0. Squares that were
    written, and show a digit, are as they stand.
    """
    squares, is_written = _sizes(q.below), _is_written(q.below, q.kept_below)
    is_known = is_written & (squares.most <= KNOWN * squares.least)
    if is_known.all():
        return step
    rate, up = abs(float(p["rate"])), float(p["rate"]) < 0  # which is a mistake
    low, high, may_be_none = _lengths(p, noting, q)
    signed = hull(q.above if q.gradient is None else q.gradient)
    way = s.downhill(point(np.sign(signed.lo[0]) + np.sign(signed.hi[0]))).lo[0]
    way = -way if up else way
    least = np.where(way >= 2, rate * low, -rate * high)
    most = np.where(way <= -2, -rate * low, rate * high)
    decay = np.zeros(step.shape)
    for each in weights:
        decay = decay + rate * abs(float(p["weight_decay"])) * _sizes(each).most
    least, most = np.where(is_known, -np.inf, least), np.where(is_known, np.inf, most)
    found = _within(step, least - decay, most + decay)
    may_be_none = may_be_none & ~is_known
    if not may_be_none.any():
        return found
    none = _within(step, np.where(may_be_none, -decay, least), np.where(may_be_none, decay, most))
    return Interval(np.concatenate([found.lo, none.lo]), np.concatenate([found.hi, none.hi]))


def _within(step: Interval, low: Floats, high: Floats) -> Interval:
    return Interval(np.clip(step.lo, low, high), np.clip(step.hi, low, high))


def _lengths(
    p: Parameters, noting: Noting, q: Quotient
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """How long a step is for a rate of 1, at least and at most; where it may be noted as 0."""
    ratio, epsilon, rate = float(p["largest_ratio"]), float(p["epsilon"]), abs(float(p["rate"]))
    is_first = q.gradient is not None
    if q.gradient is None:
        above, squares = _sizes(q.kept_above), _sizes(q.kept_below)
        low = above.least / (np.sqrt(squares.most) + epsilon + TINY)
        longest = ratio * WRITTEN_ROUNDED
        high = np.minimum(above.most / (np.sqrt(squares.least) + epsilon + TINY), longest)
    else:
        above = _sizes(q.gradient)
        squares = Sizes(*((each / ratio) ** 2 for each in above))
        low, high = (each / (each / ratio + epsilon + TINY) for each in above)
    products = Sizes(*(rate * each for each in above))
    noted = _noted_if_it_shows if is_first else _noted
    limits = (ROUNDED, ROUNDED) if is_first else (ANY, SQUARES_ADDED)
    shrunk, grown = noted(noting, above, _sizes(q.above), limits[0], _room(q.above, q.kept_above))
    few, many = noted(noting, squares, _sizes(q.below), limits[1], _room(q.below, q.kept_below))
    roots = Sizes(*map(np.sqrt, squares))
    small, large = noted(noting, roots, _off_by(noting, roots), ROUNDED)
    less, more = noted(noting, products, _off_by(noting, products), ROUNDED)
    if rate == 1:  # nothing is multiplied
        less, more = np.array(1.0), np.array(1.0)
    if not p["cut"]:  # less than a unit that shows was rounded up
        small = np.where(roots.most < 2 * noting.error(roots.most), np.maximum(small, 1.0), small)
    half = noting.error(products.least)
    none = (_sizes(q.above).least == 0) | (products.least <= half)
    low = low * shrunk * less / (np.sqrt(many) * large)
    high = high * grown * more / (np.sqrt(few) * small)
    return low, high, none & (above.least > 0)


def _sizes(x: Interval) -> Sizes:
    """How small and how large the numbers of an interval can be, whatever their sign."""
    lo, hi = hull(x).lo[0], hull(x).hi[0]
    least = np.where((lo <= 0) & (hi >= 0), 0.0, np.minimum(np.abs(lo), np.abs(hi)))
    return Sizes(least, np.maximum(np.abs(lo), np.abs(hi)))


def _off_by(noting: Noting, x: Sizes) -> Sizes:
    least = np.maximum(x.least - noting.error(x.least), 0.0)
    return Sizes(least, x.most + noting.error(x.most))


def _room(noted: Interval, kept: Interval) -> Floats:
    """How far apart a number can be that was written and the one that it was worked from."""
    width = (hull(noted).hi - hull(noted).lo)[0]
    return np.asarray(np.where(_is_written(noted, kept), width, 0.0))


def _is_written(noted: Interval, kept: Interval) -> NDArray[np.bool_]:
    one, other = hull(noted), hull(kept)
    return np.asarray(((one.lo == other.lo) & (one.hi == other.hi))[0])


def _noted(
    noting: Noting, kept: Sizes, noted: Sizes, limits: Sizes, room: Floats | float = 0.0
) -> Sizes:
    """How many times as large as they were the noted numbers are, at least and at most, if none
    was noted as 0."""
    down = np.maximum(kept.least - noted.least, room)
    return _times_as_large(kept, down, np.maximum(noted.most - kept.most, room), limits)


def _noted_if_it_shows(
    noting: Noting, kept: Sizes, noted: Sizes, limits: Sizes, room: Floats | float = 0.0
) -> Sizes:
    """The same of numbers that nothing else was added to: what is smaller than half a unit would
    be noted as 0, and so was not."""
    own = noting.error(kept.most)
    down, up = np.maximum(kept.least - noted.least, room), np.maximum(noted.most - kept.most, room)
    before = 2 * kept.most >= np.maximum(down, up)  # also lines before it may have been rounded
    shows = before | (kept.most >= own)
    down, up = (np.where(shows, np.where(before, off, own), 0.0) for off in (down, up))
    return _times_as_large(kept, down, up, limits)


def _times_as_large(kept: Sizes, down: Floats, up: Floats, limits: Sizes) -> Sizes:
    known = np.maximum(kept.least, TINY)
    return Sizes(
        np.maximum(1 - down / known, limits.least), np.minimum(1 + up / known, limits.most)
    )
