"""What powers of e give that are noted with known digits, and all that is worked from them.

By e⁻ᶻ, by eᶻ, with or without the largest z taken off first: each way of working a line is a piece
of its own, as narrow as the digits make it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from backtrace.check.rules.intervals import (
    Floats,
    Interval,
    every,
    in_any,
    multiplied,
    point,
    subtracted,
)
from backtrace.check.rules.noting import Noting, ordered
from backtrace.check.rules.softmax_bounds import jacobian_from_softmax
from backtrace.functions.activations import SELU_ALPHA, SELU_SCALE, Parameters
from backtrace.functions.elementary import FUNCTIONS
from backtrace.tape.equation_operations import softmax_axis
from backtrace.tape.operations import augmented, without_ones
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of an interval, where it is looked into
SAME = 1e-9  # how little lies between what is one number
Ends: TypeAlias = tuple[Floats, Floats]  # at the lowest z and at the highest
NotedWay: TypeAlias = Callable[[Noting, Interval, Parameters], Ends]
Ways: TypeAlias = tuple[NotedWay, ...]  # each by every power of e, then with more noted of it


def ways_of(step: Step) -> int:
    """In how many ways what a step gives is worked by powers of e."""
    name = step.parameters.get("activation", "")
    if "softmax" in (step.operation, name):
        return 2
    return len(TABLES.get(step.operation, {}).get(name, ()))


def rounded_activate(
    s: Setting, p: Parameters, noting: Noting, z: Interval, *learned: Interval
) -> Interval | None:
    row = FUNCTIONS[p["activation"]]
    if row.elementwise and p["activation"] not in VALUES:
        return None
    values = VALUES.get(p["activation"])
    found = (
        _rounded_softmax(noting, z, 2 - s.sample_axis)
        if values is None
        else _pieces(values, noting, z, p)
    )
    whole: Interval = augmented(s, found, p.get("ones", ""))
    return whole


def rounded_slope(
    s: Setting, p: Parameters, noting: Noting, z: Interval, *learned: Interval
) -> Interval | None:
    if not FUNCTIONS[p["activation"]].elementwise:
        return _rounded_jacobian(s, noting, z)
    ways = SLOPES.get(p["activation"])
    return None if ways is None else _pieces(ways, noting, z, p)


def rounded_slope_of_a(s: Setting, p: Parameters, noting: Noting, a: Interval) -> Interval | None:
    """1 − a² by the square, a(1 − a) by the difference, 1 − e^−a of a softplus."""
    way = SLOPES_OF_A.get(p["activation"])
    return None if way is None else _pieces((way,), noting, without_ones(s, p, a), p)


def _pieces(ways: Ways, noting: Noting, z: Interval, p: Parameters) -> Interval:
    notings = noting.of_sums()
    ways = _chosen(ways, noting)
    return in_any(x for way in ways for each in notings for x in _pieces_of(way, each, z, p))


def _chosen(ways: tuple[Any, ...], noting: Noting) -> tuple[Any, ...]:
    """All ways of working a function, or the one that is used throughout."""
    return ways if noting.way is None else (ways[noting.way % len(ways)],)


def _pieces_of(way: NotedWay, noting: Noting, z: Interval, p: Parameters) -> Iterator[Interval]:
    """What a way gives: between two noted numbers, which it gives at the ends of z and at all in
    between, there is none."""
    whole = Interval(*_ordered_ends(way(noting, z, p)))
    if every(whole.hi - whole.lo <= SAME * (1 + np.abs(whole.lo))):
        yield whole
        return
    # All at once, side by side: the work is done entry by entry.
    points = np.concatenate([z.lo + share * (z.hi - z.lo) for share in SHARES], axis=-1)
    low, high = _ordered_ends(way(noting, Interval(points, points), p))
    parts = (np.split(end, len(SHARES), axis=-1) for end in (low, high))
    first, *inner, last = (Interval(*each) for each in zip(*parts, strict=True))
    jumps = np.ones(whole.lo.shape, dtype=bool)
    for each in inner:
        jumps &= np.any([(x.lo <= each.hi) & (each.lo <= x.hi) for x in (first, last)], axis=0)
    for end in (first, last):
        yield Interval(np.where(jumps, end.lo, whole.lo), np.where(jumps, end.hi, whole.hi))


def _ordered_ends(ends: Ends) -> Ends:
    low, high = ordered(*ends)
    noise = 1e-12 * (np.abs(low) + np.abs(high))
    return low - noise, high + noise


def _power(noting: Noting, z: Interval, times: float) -> Ends:
    """e^(times·z), rounded, at the lowest z and at the highest."""
    low, high = ordered(np.exp(times * z.lo), np.exp(times * z.hi))
    rounded = noting.rounded(Interval(low, high))
    return (rounded.lo, rounded.hi) if times > 0 else (rounded.hi, rounded.lo)


def _by(times: float, function: Callable[[Noting, Floats, Floats, Parameters], Floats]) -> NotedWay:
    """By e^(times·z) = e: a function of how sums are noted, e, z and the parameters."""

    def way(noting: Noting, z: Interval, p: Parameters) -> Ends:
        low, high = _power(noting, z, times)
        return function(noting, low, z.lo, p), function(noting, high, z.hi, p)

    return way


def _tanh_by_both(noting: Noting, z: Interval, p: Parameters) -> Ends:
    up, down = _power(noting, z, 1.0), _power(noting, z, -1.0)
    ends = [noting.sum(u - d) / noting.sum(u + d) for u in up for d in down]
    return _extremes(ends)


def _from(way: NotedWay, function: Callable[[Floats], Floats], *, notes: bool = False) -> NotedWay:
    """What follows from the result of another way; ``notes``: from it, noted first."""

    def following(noting: Noting, z: Interval, p: Parameters) -> Ends:
        ends = way(noting, z, p)
        if notes:
            rounded = noting.rounded(Interval(*ordered(*ends)))
            ends = rounded.lo, rounded.hi
        return function(ends[0]), function(ends[1])

    return following


def _times_z(way: NotedWay, *, notes: bool = False, product: bool = False) -> NotedWay:
    """z times what another way gives, the ``product`` noted or not."""

    def times(noting: Noting, z: Interval, p: Parameters) -> Ends:
        ends = _from(way, lambda x: x, notes=notes)(noting, z, p)
        found = [x * y for x in ends for y in (z.lo, z.hi)]
        if product:
            found = [end for each in found for end in _noted(noting, each, True)]
        return _extremes(found)

    return times


def _itself(noting: Noting, a: Interval, p: Parameters) -> Ends:
    return a.lo, a.hi


def _sum(one: NotedWay, two: NotedWay) -> NotedWay:
    def both(noting: Noting, z: Interval, p: Parameters) -> Ends:
        first, second = (ordered(*way(noting, z, p)) for way in (one, two))
        return first[0] + second[0], first[1] + second[1]

    return both


def _gelu_slope(*, square: bool, power: bool, product: bool) -> NotedWay:
    """Φ(z) + z·φ(z), of which z², e^(−z²/2) and the product may be noted."""

    def slope(noting: Noting, z: Interval, p: Parameters) -> Ends:
        ends = []
        for x in (z.lo, z.hi):
            squares = _noted(noting, x * x, square)
            for e in (e for half in squares for e in _noted(noting, np.exp(-half / 2), power)):
                density = e / math.sqrt(2 * math.pi)
                below = FUNCTIONS["gelu"].derivative(x, p) - x * _density(x)
                ends += [below + each for each in _noted(noting, x * density, product)]
        return _extremes(ends)

    return slope


def _density(z: Floats) -> Floats:
    return np.asarray(np.exp(-z * z / 2) / math.sqrt(2 * math.pi))


def _noted(noting: Noting, x: Floats, notes: bool) -> Ends:
    """A number as it is noted, either way where it lies between two; or as it is."""
    found = noting.rounded(Interval(x, x)) if notes else Interval(x, x)
    return found.lo, found.hi


def _of_softplus(way: NotedWay) -> NotedWay:
    """What another way gives of ln(1 + e^z), e^z rounded."""

    def following(noting: Noting, z: Interval, p: Parameters) -> Ends:
        low, high = (np.log(noting.sum(1 + end)) for end in _power(noting, z, 1.0))
        return way(noting, Interval(low, high), p)

    return following


def _mish_slope(sigmoid: NotedWay) -> NotedWay:
    """t + z·(1 − t²)·σ(z), where t is tanh ln(1 + e^z), e^z rounded."""

    def slope(noting: Noting, z: Interval, p: Parameters) -> Ends:
        ts = [np.tanh(np.log(noting.sum(1 + end))) for end in _power(noting, z, 1.0)]
        shares = sigmoid(noting, z, p)
        return _extremes(
            [t + x * (1 - t * t) * a for t in ts for a in shares for x in (z.lo, z.hi)]
        )

    return slope


def _calculators(function: Callable[[Floats], Floats]) -> NotedWay:
    """A function of z with nothing noted in it."""

    def way(noting: Noting, z: Interval, p: Parameters) -> Ends:
        return function(z.lo), function(z.hi)

    return way


SIGMOID: Ways = (
    _by(-1.0, lambda n, e, z, p: 1 / n.sum(1 + e)),
    _by(1.0, lambda n, e, z, p: e / n.sum(1 + e)),
)
TANH: Ways = (
    _tanh_by_both,
    _by(2.0, lambda n, e, z, p: n.sum(e - 1) / n.sum(e + 1)),
    _by(-2.0, lambda n, e, z, p: n.sum(1 - e) / n.sum(1 + e)),
)
BIPOLAR: Ways = (
    _by(-1.0, lambda n, e, z, p: n.sum(1 - e) / n.sum(1 + e)),
    _by(1.0, lambda n, e, z, p: n.sum(e - 1) / n.sum(e + 1)),
)
SIGMOIDS = (*SIGMOID, _calculators(lambda z: 1 / (1 + np.exp(-z))))
SIGMOID_SLOPES = tuple(_from(way, lambda a: a * (1 - a)) for way in SIGMOIDS)
SELU_BELOW = _by(1.0, lambda n, e, z, p: SELU_ALPHA * n.sum(e - 1))
SELU_BELOW_ITSELF = _calculators(lambda z: SELU_ALPHA * (np.exp(np.minimum(z, 0)) - 1))
SELU_POWER = _by(1.0, lambda n, e, z, p: SELU_ALPHA * e)
SELU_POWER_ITSELF = _calculators(lambda z: SELU_ALPHA * np.exp(np.minimum(z, 0)))
NOTED_PRODUCTS = ((False, False), (True, False), (True, True))  # what is multiplied, and the result


def _selu(
    below: NotedWay, above: Callable[[Floats], Floats], *, notes: bool, product: bool
) -> NotedWay:
    """The scale times what holds below 0, noted or not; above 0 no power is needed. The product
    may be noted as well."""

    def way(noting: Noting, z: Interval, p: Parameters) -> Ends:
        low, high = _from(below, lambda x: SELU_SCALE * x, notes=notes)(noting, z, p)
        return (
            np.where(z.lo > 0, SELU_SCALE * above(z.lo), low),
            np.where(z.hi > 0, SELU_SCALE * above(z.hi), high),
        )

    return _from(way, lambda x: x, notes=True) if product else way


def _selus(below: NotedWay, itself: NotedWay, above: Callable[[Floats], Floats]) -> Ways:
    ways = [(below, *how) for how in NOTED_PRODUCTS] + [
        (itself, *how) for how in NOTED_PRODUCTS[1:]
    ]
    return tuple(_selu(way, above, notes=notes, product=product) for way, notes, product in ways)


def _in_z(ways: Ways) -> Ways:
    """z times each."""
    return tuple(
        _times_z(way, notes=notes, product=product)
        for notes, product in NOTED_PRODUCTS
        for way in ways
    )


def _squared_off(ways: Ways, share: float) -> Ways:
    """(1 − a²) times a share, the square noted or not."""
    return (
        *(_from(way, lambda a: share * (1 - a * a)) for way in ways),
        *(_from(_from(way, np.square), lambda x: share * (1 - x), notes=True) for way in ways),
    )


VALUES: dict[str, Ways] = {
    "exp": (_by(1.0, lambda n, e, z, p: e),),
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "bipolar_sigmoid": BIPOLAR,
    "softplus": (_by(1.0, lambda n, e, z, p: np.log(n.sum(1 + e))),),
    "silu": _in_z(SIGMOIDS),
    "mish": _in_z(tuple(_of_softplus(way) for way in (*TANH, _calculators(np.tanh)))),
    "elu": (_by(1.0, lambda n, e, z, p: np.where(z > 0, z, float(p["alpha"]) * n.sum(e - 1))),),
    "selu": _selus(SELU_BELOW, SELU_BELOW_ITSELF, lambda z: z),
}
SLOPES: dict[str, Ways] = {
    "sigmoid": SIGMOID_SLOPES[:2],
    "tanh": _squared_off(TANH, 1.0),
    "bipolar_sigmoid": _squared_off(BIPOLAR, 0.5),
    "softplus": SIGMOID,
    "silu": tuple(
        _sum(own, _times_z(slope, notes=notes, product=product))
        for notes, product in NOTED_PRODUCTS
        for own, slope in zip(SIGMOIDS, SIGMOID_SLOPES, strict=True)
    ),
    "elu": (_by(1.0, lambda n, e, z, p: np.where(z > 0, 1.0, float(p["alpha"]) * e)),),
    "selu": _selus(SELU_POWER, SELU_POWER_ITSELF, np.ones_like),
    "gelu": tuple(
        _gelu_slope(square=square, power=power, product=product)
        for square in (False, True)
        for power in (False, True)
        for product in (False, True)
    ),
    "mish": tuple(map(_mish_slope, SIGMOID)),
}
TABLES = {"activate": VALUES, "activation_derivative": SLOPES}


SLOPES_OF_A: dict[str, NotedWay] = {
    "tanh": _from(_from(_itself, np.square), lambda x: 1 - x, notes=True),
    "bipolar_sigmoid": _from(_from(_itself, np.square), lambda x: (1 - x) / 2, notes=True),
    "sigmoid": _times_z(_from(_itself, lambda a: 1 - a), notes=True),
    "softplus": _by(-1.0, lambda n, e, a, p: n.sum(1 - e)),
}


def _rounded_jacobian(s: Setting, noting: Noting, z: Interval) -> Interval:
    a = _rounded_softmax(noting, z, 2 - s.sample_axis)
    pieces = (s.rows(Interval(*ends)) for ends in zip(a.lo[:, None], a.hi[:, None], strict=True))
    turned: Interval = s.rows(in_any(x for each in pieces for x in _noted_jacobians(noting, each)))
    return turned


def _noted_jacobians(noting: Noting, a: Interval) -> Iterator[Interval]:
    """diag(a) − a·aᵀ with nothing noted, the products, or a as well."""
    yield jacobian_from_softmax(a)
    samples, k = a.shape
    products = noting.rounded(a[:, :, None] * a[:, None, :])
    for each in (a, noting.rounded(a)):
        blocks = subtracted(multiplied(each[:, :, None], point(np.eye(k))[None]), products)
        yield Interval(*(end.reshape(1, samples * k, k) for end in (blocks.lo, blocks.hi)))


def rounded_softmax_of_equations(
    s: Setting, p: Parameters, noting: Noting, z: Interval
) -> Interval:
    return _rounded_softmax(noting, z, softmax_axis(s, p) % 3)


def _rounded_softmax(noting: Noting, z: Interval, axis: int) -> Interval:
    """By e^z as it is, or with the largest z of each sample taken off first; those of one sample
    lie along the axis, pieces first."""
    top = np.argmax(z.lo + z.hi, axis=axis, keepdims=True)
    largest_lo, largest_hi = (np.take_along_axis(x, top, axis=axis) for x in (z.lo, z.hi))
    at_top = np.arange(z.lo.shape[axis]) == np.moveaxis(top, axis, -1)
    at_top = np.moveaxis(at_top, -1, axis)
    off = Interval(
        np.where(at_top, 0.0, z.lo - largest_hi), np.where(at_top, 0.0, z.hi - largest_lo)
    )
    return in_any(
        Interval(*_shares(each, *_power(each, x, 1.0), axis))
        for x in _chosen((z, off), noting)
        for each in noting.of_sums()
    )


def rounded_loss(
    s: Setting, p: Parameters, noting: Noting, a: Interval, y: Interval
) -> Interval | None:
    """ln cosh e by e^e and e^−e, added up."""
    if p["loss"] != "log_cosh":
        return None
    gap = a - y
    up, down = _power(noting, gap, 1.0), _power(noting, gap, -1.0)
    terms = [np.log((u + d) / 2) for u in up for d in down]
    low, high = (end.sum(axis=(1, 2), keepdims=True) for end in _extremes(terms))
    n = p.get("samples", 1)
    return Interval(*_ordered_ends((low / n, high / n)))


def _extremes(found: list[Floats]) -> Ends:
    return np.minimum.reduce(found), np.maximum.reduce(found)


def _shares(noting: Noting, low: Floats, high: Floats, axis: int) -> Ends:
    others_high = high.sum(axis=axis, keepdims=True) - high
    others_low = low.sum(axis=axis, keepdims=True) - low
    least, most = noting.sum(low + others_high), noting.sum(high + others_low)
    return _ordered_ends((low / least, high / most))
