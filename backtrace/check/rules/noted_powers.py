"""What powers of e give that are noted with known digits, and all that is worked from them.

By e⁻ᶻ, by eᶻ, with or without the largest z taken off first: each way of working a line is a piece
of its own, as narrow as the digits make it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from backtrace.check.rules.intervals import Floats, Interval, in_any
from backtrace.check.rules.noting import Noting, ordered
from backtrace.check.rules.softmax_bounds import jacobian_from_softmax
from backtrace.functions.activations import SELU_ALPHA, SELU_SCALE, Parameters
from backtrace.functions.elementary import FUNCTIONS
from backtrace.tape.equation_operations import softmax_axis
from backtrace.tape.operations import augmented, without_ones
from backtrace.tape.setting import Setting

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of an interval, where it is looked into
SAME = 1e-9  # how little lies between what is one number
Ends: TypeAlias = tuple[Floats, Floats]  # at the lowest z and at the highest
NotedWay: TypeAlias = Callable[[Noting, Interval, Parameters], Ends]


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


def _pieces(ways: tuple[NotedWay, ...], noting: Noting, z: Interval, p: Parameters) -> Interval:
    notings = noting.of_sums()
    return in_any(x for way in ways for each in notings for x in _pieces_of(way, each, z, p))


def _pieces_of(way: NotedWay, noting: Noting, z: Interval, p: Parameters) -> Iterator[Interval]:
    """What a way gives: between two noted numbers, which it gives at the ends of z and at all in
    between, there is none."""
    whole = Interval(*_ordered_ends(way(noting, z, p)))
    if (whole.hi - whole.lo <= SAME * (1 + np.abs(whole.lo))).all():
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


SIGMOID: tuple[NotedWay, ...] = (
    _by(-1.0, lambda n, e, z, p: 1 / n.sum(1 + e)),
    _by(1.0, lambda n, e, z, p: e / n.sum(1 + e)),
)
TANH: tuple[NotedWay, ...] = (
    _tanh_by_both,
    _by(2.0, lambda n, e, z, p: n.sum(e - 1) / n.sum(e + 1)),
    _by(-2.0, lambda n, e, z, p: n.sum(1 - e) / n.sum(1 + e)),
)
BIPOLAR: tuple[NotedWay, ...] = (
    _by(-1.0, lambda n, e, z, p: n.sum(1 - e) / n.sum(1 + e)),
    _by(1.0, lambda n, e, z, p: n.sum(e - 1) / n.sum(e + 1)),
)
SIGMOIDS = (*SIGMOID, _calculators(lambda z: 1 / (1 + np.exp(-z))))
SIGMOID_SLOPES = tuple(_from(way, lambda a: a * (1 - a)) for way in SIGMOIDS)
SELU_BELOW = _by(1.0, lambda n, e, z, p: SELU_ALPHA * n.sum(e - 1))
SELU_BELOW_ITSELF = _calculators(lambda z: SELU_ALPHA * (np.exp(np.minimum(z, 0)) - 1))
SELU_POWER = _by(1.0, lambda n, e, z, p: SELU_ALPHA * e)
SELU_POWER_ITSELF = _calculators(lambda z: SELU_ALPHA * np.exp(np.minimum(z, 0)))


def _selu(below: NotedWay, above: Callable[[Floats], Floats], *, notes: bool) -> NotedWay:
    """The scale times what holds below 0, noted or not; above 0 no power is needed."""

    def way(noting: Noting, z: Interval, p: Parameters) -> Ends:
        low, high = _from(below, lambda x: SELU_SCALE * x, notes=notes)(noting, z, p)
        return (
            np.where(z.lo > 0, SELU_SCALE * above(z.lo), low),
            np.where(z.hi > 0, SELU_SCALE * above(z.hi), high),
        )

    return way


VALUES: dict[str, tuple[NotedWay, ...]] = {
    "exp": (_by(1.0, lambda n, e, z, p: e),),
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "bipolar_sigmoid": BIPOLAR,
    "softplus": (_by(1.0, lambda n, e, z, p: np.log(n.sum(1 + e))),),
    "silu": tuple(_times_z(way, notes=notes) for way in SIGMOIDS for notes in (False, True)),
    "mish": tuple(
        _times_z(_of_softplus(way), notes=notes)
        for way in (*TANH, _calculators(np.tanh))
        for notes in (False, True)
    ),
    "elu": (_by(1.0, lambda n, e, z, p: np.where(z > 0, z, float(p["alpha"]) * n.sum(e - 1))),),
    "selu": (
        *(_selu(SELU_BELOW, lambda z: z, notes=notes) for notes in (False, True)),
        _selu(SELU_BELOW_ITSELF, lambda z: z, notes=True),
    ),
}
SLOPES: dict[str, tuple[NotedWay, ...]] = {
    "sigmoid": SIGMOID_SLOPES[:2],
    "tanh": (
        *(_from(way, lambda a: 1 - a * a) for way in TANH),
        *(_from(_from(way, np.square), lambda x: 1 - x, notes=True) for way in TANH),
    ),
    "bipolar_sigmoid": (
        *(_from(way, lambda a: (1 - a * a) / 2) for way in BIPOLAR),
        *(_from(_from(way, np.square), lambda x: (1 - x) / 2, notes=True) for way in BIPOLAR),
    ),
    "softplus": SIGMOID,
    "silu": tuple(
        _sum(own, _times_z(slope, notes=notes, product=product))
        for own, slope in zip(SIGMOIDS, SIGMOID_SLOPES, strict=True)
        for notes, product in ((False, False), (True, False), (True, True))
    ),
    "elu": (_by(1.0, lambda n, e, z, p: np.where(z > 0, 1.0, float(p["alpha"]) * e)),),
    "selu": (
        *(_selu(SELU_POWER, np.ones_like, notes=notes) for notes in (False, True)),
        _selu(SELU_POWER_ITSELF, np.ones_like, notes=True),
    ),
    "gelu": tuple(
        _gelu_slope(square=square, power=power, product=product)
        for square in (False, True)
        for power in (False, True)
        for product in (False, True)
    ),
    "mish": tuple(map(_mish_slope, SIGMOID)),
}


SLOPES_OF_A: dict[str, NotedWay] = {
    "tanh": _from(_from(_itself, np.square), lambda x: 1 - x, notes=True),
    "bipolar_sigmoid": _from(_from(_itself, np.square), lambda x: (1 - x) / 2, notes=True),
    "sigmoid": _times_z(_from(_itself, lambda a: 1 - a), notes=True),
    "softplus": _by(-1.0, lambda n, e, a, p: n.sum(1 - e)),
}


def _rounded_jacobian(s: Setting, noting: Noting, z: Interval) -> Interval:
    a = _rounded_softmax(noting, z, 2 - s.sample_axis)
    blocks = [
        jacobian_from_softmax(s.rows(Interval(low[None], high[None])))
        for low, high in zip(a.lo, a.hi, strict=True)
    ]
    whole = Interval(*(np.concatenate([getattr(x, e) for x in blocks]) for e in ("lo", "hi")))
    turned: Interval = s.rows(whole)
    return turned


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
        for x in (z, off)
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
