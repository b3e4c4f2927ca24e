"""The bounds of a softmax, and of its Jacobian, by their extrema; matrices are samples × k."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backtrace.check.rules.intervals import Floats, Interval, hull, outward
from backtrace.functions.activations import softmax as softmax_of

MOST_CORNERS = 10_000_000
"""Of a softmax's bounds: samples × k × k."""


def at_corners(function: Callable[..., Floats], own: Floats, others: Floats, *rest: Any) -> Floats:
    """Each entry of ``function`` where its own z is ``own`` and the rest of its sample ``others``.

    A softmax rises in its own z and falls in all others, so these are its extrema. Raises
    ValueError where there are too many: a wrong rule may take a softmax of what is none.
    """
    if own.size * own.shape[1] > MOST_CORNERS:
        raise ValueError(f"the softmax of {own.shape[1]} numbers")
    mine = np.eye(own.shape[1], dtype=bool)[:, None, :]
    corners: Floats = np.einsum("jsj->sj", function(np.where(mine, own, others), *rest))
    return corners


def softmax(z: Interval) -> Interval:
    z = hull(z)
    lo, hi = z.lo[0], z.hi[0]
    least, most = (at_corners(softmax_of, *ends, -1) for ends in ((lo, hi), (hi, lo)))
    return outward(least[None], most[None], 8.0 + lo.shape[1])


def jacobian_from_softmax(a: Interval) -> Interval:
    """a(1 − a) on the diagonal, as one function; −aᵢaⱼ beside it: (samples·k) × k."""
    beside = -(a[:, :, None] * a[:, None, :])
    return _jacobian(a, beside.lo[0], beside.hi[0])


def softmax_jacobian(z: Interval) -> Interval:
    z = hull(z)
    return _jacobian(softmax(z), *_beside_diagonal(z.lo[0], z.hi[0]))


def _jacobian(a: Interval, beside_lo: Floats, beside_hi: Floats) -> Interval:
    """The Jacobians of all samples, stacked; ``beside_…`` bound what is off the diagonal."""
    lo, hi = a.lo[0], a.hi[0]
    one, two = lo * (1 - lo), hi * (1 - hi)
    top = np.where((lo < 0.5) & (hi > 0.5), 0.25, np.maximum(one, two))
    diagonal = np.eye(lo.shape[1], dtype=bool)
    least = np.where(diagonal, np.minimum(one, two)[:, :, None], beside_lo)
    most = np.where(diagonal, top[:, :, None], beside_hi)
    stacked = (1, lo.size, lo.shape[1])
    return outward(least.reshape(stacked), most.reshape(stacked), 16.0)


def _beside_diagonal(lo: Floats, hi: Floats) -> tuple[Floats, Floats]:
    """The bounds of −aᵢaⱼ over a box of z: samples × k × k.

    ln aᵢaⱼ = zᵢ + zⱼ − 2 ln Σe^z is concave in (zᵢ, zⱼ) and falls in every other z: its minimum is
    at a corner with the others high, its maximum with the others low, at a corner or, along an
    edge, where aᵢ = ½.
    """
    size = lo.shape[1]
    if size == 1:
        nothing = np.zeros((lo.shape[0], 1, 1))
        return nothing, nothing
    others = 1.0 - np.eye(size)[:, None, :] - np.eye(size)[None, :, :]
    others = np.maximum(others, 0.0)  # [i, j, k] is 1 where k is neither i nor j
    top = hi.max(axis=1, keepdims=True)
    lo, hi = np.maximum(lo - top, -700.0), hi - top
    rest_low = np.einsum("ijk,sk->sij", others, np.exp(lo))
    rest_high = np.einsum("ijk,sk->sij", others, np.exp(hi))
    ends_i = (lo[:, :, None], hi[:, :, None])
    ends_j = (lo[:, None, :], hi[:, None, :])

    def share(zi: Floats, zj: Floats, rest: Floats) -> Floats:
        total = np.exp(zi) + np.exp(zj) + rest
        return np.exp(zi + zj) / (total * total)

    corners = [share(zi, zj, rest_high) for zi in ends_i for zj in ends_j]
    edges = [share(zi, zj, rest_low) for zi in ends_i for zj in ends_j]
    for zj in ends_j:
        best = np.clip(np.log(np.exp(zj) + rest_low), ends_i[0], ends_i[1])
        edges.append(share(best, zj, rest_low))
    for zi in ends_i:
        best = np.clip(np.log(np.exp(zi) + rest_low), ends_j[0], ends_j[1])
        edges.append(share(zi, best, rest_low))
    return -np.maximum.reduce(edges), -np.minimum.reduce(corners)
