"""How far roundings on the way can take penalties and the lines of an update."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from backtrace.check.rules.intervals import (
    Floats,
    Interval,
    absolute,
    hull,
    multiplied,
    scaled,
    single,
    summed,
)
from backtrace.check.rules.noting import FINER, Noting, Slack, part, size_of
from backtrace.functions.activations import Parameters
from backtrace.functions.optimizers import momentums
from backtrace.functions.penalties import shares
from backtrace.tape.setting import Setting


def _product_of_constant(name: str) -> Slack:
    """A constant times the last operand: η·dW, β·v, λ·w."""

    def off(s: Setting, p: Parameters, noting: Noting, *operands: Interval) -> Any:
        return part(noting, float(p[name]), operands[-1])

    return off


def _penalty(s: Setting, p: Parameters, noting: Noting, *weights: Interval) -> Any:
    """Each λw² (λ|w|, λ/2·w²) before the sum, and w² before that; or the sum of a matrix."""
    l1, l2, over = float(p["l1"]), float(p["l2"]), float(p.get("over", 1))
    factors: Floats = np.array([*{1.0, 0.5, 1 / over, 0.5 / over}])[:, None]
    off: Floats = np.zeros(len(factors))
    if l2:
        squares = [multiplied(w, w) for w in weights]
        each, sums = _in_a_row(squares), _in_a_row([summed(square) for square in squares])
        off += part(noting, factors * l2, each).sum(axis=1) + l2 * noting.of(each).sum()
        off += part(noting, factors * l2, sums).sum(axis=1)
    if l1:
        sizes = _in_a_row([absolute(w) for w in weights])
        off += part(noting, factors * l1, sizes).sum(axis=1)
    return float(off.max())


def noted_penalties(s: Setting, p: Parameters, noting: Noting, *weights: Interval) -> list[float]:
    """What a penalty on known weights comes to in each way in which its parts may be noted; nothing
    where the weights are not known."""
    kept = [
        Interval(s.without_bias(w.lo, omit), s.without_bias(w.hi, omit))
        for w, omit in zip(map(hull, weights), p["omit"], strict=True)
    ]
    if not all(single(w).all() for w in kept):
        return []
    l1, l2 = float(p["l1"]), float(p["l2"])
    of_squares, of_sizes = shares(p["form"], int(p.get("over", 1)))
    two = _ways(noting, [multiplied(w, w) for w in kept], l2, of_squares) if l2 else {0.0}
    one = _ways(noting, [absolute(w) for w in kept], l1, of_sizes) if l1 else {0.0}
    return [square + size for square in two for size in one]


def _ways(noting: Noting, parts: list[Interval], rate: float, share: float) -> set[float]:
    """The same of one of its halves, number by number or by matrices."""
    rows = (_in_a_row(parts), _in_a_row([summed(each) for each in parts]))
    return {total for x in rows for total in _noted(noting, x, rate, share)}


def _noted(noting: Noting, x: Interval, rate: float, share: float) -> Iterator[float]:
    """``rate`` · ``share`` times the sum of known numbers, where each of them, each product with
    ``rate`` or with all, or both are noted so."""
    for first in dict.fromkeys((1.0, 0.5, share)):  # λw², or ½λw², of all n samples
        for way in (x, *noting.ways(x)) if share <= first else ():
            product = scaled(way, rate * first)
            for noted in (product, *noting.ways(product)):
                yield from (share / first * float(end.sum()) for end in (noted.lo, noted.hi))


def _in_a_row(matrices: list[Interval]) -> Interval:
    """The entries of all of them, one beside the other."""
    hulls = [hull(each) for each in matrices]
    lo, hi = (
        np.concatenate([getattr(each, end).reshape(1, 1, -1) for each in hulls], axis=2)
        for end in ("lo", "hi")
    )
    return Interval(lo, hi)


def _add_penalty(s: Setting, p: Parameters, noting: Noting, data: Interval, w: Interval) -> Any:
    amount = float(p["l1"]) + 2 * float(p["l2"])
    return noting.error(amount * np.maximum(size_of(w), 1e-300))


def _gradient_norm(s: Setting, p: Parameters, noting: Noting, *gradients: Interval) -> Any:
    """Each square before they are added up; the root of a smaller sum moves further."""
    off = sum(float(noting.error(size_of(g) ** 2).sum()) for g in gradients)
    least = sum(float((np.maximum(np.maximum(g.lo, -g.hi)[0], 0.0) ** 2).sum()) for g in gradients)
    whole = max(least, off)
    return math.sqrt(whole) - math.sqrt(whole - off)


def _clip_to_norm(s: Setting, p: Parameters, noting: Noting, g: Interval, norm: Interval) -> Any:
    """The factor before the product, or g/norm before it is multiplied by c."""
    limit = float(p["limit"])
    ends = [limit / np.maximum(end, limit) for end in (norm.hi, norm.lo)]
    share = size_of(g) * ends[1][0] / limit
    factor = noting.of(Interval(*ends))
    return np.where(factor > 0, np.maximum(size_of(g) * factor, limit * noting.error(share)), 0.0)


def _average(s: Setting, p: Parameters, noting: Noting, old: Interval, new: Interval) -> Any:
    beta = float(p["beta"])
    return part(noting, beta, old) + part(noting, 1 - beta, new)


def _average_squares(s: Setting, p: Parameters, noting: Noting, v: Interval, g: Interval) -> Any:
    beta, squares = float(p["beta"]), multiplied(g, g)
    parts = part(noting, beta, v) + part(noting, 1 - beta, squares)
    return parts + (1 - beta) * noting.of(squares)


def _squares(s: Setting, p: Parameters, noting: Noting, v: Interval, g: Interval) -> Any:
    return noting.of(multiplied(g, g))


def _momentum(s: Setting, p: Parameters, noting: Noting, v: Interval, g: Interval) -> Any:
    kept = part(noting, float(p["beta"]), v)
    return kept + part(noting, float(p["rate"]), g) if "rate" in p else kept


def _look_ahead(s: Setting, p: Parameters, noting: Noting, g: Interval, v: Interval) -> Any:
    rate = abs(float(p["rate"]))
    inner = noting.error(float(p["beta"]) * size_of(v)) + noting.error(size_of(g) + size_of(v))
    return rate * inner


def _unbias(s: Setting, p: Parameters, noting: Noting, m: Interval) -> Any:
    """1 − βᵗ, a known number of which at least the first digit is noted: nobody divides by 0.00."""
    below = 1 - float(p["beta"]) ** p["t"]
    unit = min(float(noting.unit(np.array(below))), 10.0 ** math.floor(math.log10(below)))
    units = [each for each in (unit, unit / FINER) if each]
    notes = [np.rint(below / each + tie) * each for each in units for tie in (-1e-9, 1e-9)]
    if noting.cut:
        notes += [math.floor(below / each + 1e-9) * each for each in units]
    return size_of(m) * max((abs(1 / note - 1 / below) for note in notes), default=0.0)


def _look_ahead_average(s: Setting, p: Parameters, noting: Noting, m: Interval, g: Interval) -> Any:
    """Each share before the sum, and the product before it is divided."""
    mu = momentums(float(p["beta"]), float(p["momentum_decay"]), p["t"])
    found = np.zeros(m.shape)
    for x, share, rest in (
        (m, mu.next, 1 - mu.product * mu.next),
        (g, 1 - mu.now, 1 - mu.product),
    ):
        size = share * size_of(x)
        found = found + noting.error(size) / rest + noting.error(size / rest)
    return found


def _rescale(
    s: Setting, p: Parameters, noting: Noting, g: Interval, steps: Interval, squares: Interval
) -> Any:
    """Both roots, and their quotient."""
    epsilon = float(p["epsilon"])
    above = np.sqrt(np.maximum(steps.hi[0], 0.0) + epsilon)
    below = np.sqrt(np.maximum(squares.lo[0], 0.0) + epsilon)
    off = noting.error(below)
    safe = np.maximum(below - off, 1e-300)
    quotient = (noting.error(above) + above * off / safe) / safe
    return size_of(g) * (quotient + noting.error(above / safe))


def _adaptive_step(s: Setting, p: Parameters, noting: Noting, *operands: Interval) -> Any:
    m, v = operands[:2]
    rate, root = abs(float(p["rate"])), np.sqrt(np.maximum(v.lo[0], 0.0))
    off = noting.error(root) + noting.error_of_sum(root + float(p["epsilon"]))
    safe = np.maximum(root - off, 1e-300)
    ratio = size_of(m) / safe
    wide = rate * ratio * off / safe + noting.error(rate * size_of(m)) / safe
    noted = np.maximum(noting.error(rate * np.ones_like(root)), rate * noting.error(ratio))
    noted = np.maximum(noted, size_of(m) * noting.error(rate / safe))  # "the rate of this weight"
    return np.minimum(wide, rate * (1 + ratio)) + noted


UPDATE_PARTIALS: dict[str, Slack] = {
    "penalty": _penalty,
    "add_penalty": _add_penalty,
    "gradient_norm": _gradient_norm,
    "clip_to_norm": _clip_to_norm,
    "descend": _product_of_constant("rate"),
    "accumulate": _momentum,
    "accumulate_step": _momentum,
    "average": _average,
    "accumulate_squares": _squares,
    "average_squares": _average_squares,
    "look_ahead_step": _look_ahead,
    "unbias": _unbias,
    "look_ahead_average": _look_ahead_average,
    "rescale": _rescale,
    "adaptive_step": _adaptive_step,
    "decayed_step": _adaptive_step,
}
