"""Central differences over h and h/2, extrapolated once to h = 0, with the jump at a kink.

The differences D(h) = (J(x + h) − J(x − h))/2h of a smooth J err by a multiple of h², which
(4 D(h/2) − D(h))/3 is free of (L. F. Richardson, The deferred approach to the limit, 1927). The
slopes of the two sides differ by B(h) = (J(x + h) − 2 J(x) + J(x − h))/h, which falls to 0 with h
where J is smooth and stays where it has a kink: 2 B(h/2) − B(h) is the jump that is left at h = 0.
"""

from __future__ import annotations

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.verify.forward import Indices, Perturbation, Precision

ROUNDINGS = 16  # units in the last place that a pass may be off by
LEAST = 2.0**10  # units in the last place of an entry that a step has


class Slopes(msgspec.Struct, frozen=True, eq=False):
    """By entry: the slope of the loss, its jump and its error, from a step of the length ``step``.

    The slope is that in the middle of a jump. ``spread`` adds the jumps of the samples up without
    their signs: each sample may stand at a kink of its own.
    """

    values: Array
    jumps: Array
    spreads: Array
    errors: Array
    steps: Array

    @classmethod
    def unknown(cls, entries: int, precision: Precision) -> Slopes:
        """Nothing known of any entry."""
        zeros = [np.zeros(entries, dtype=precision) for _ in range(3)]
        return cls(zeros[0] + np.nan, zeros[0], zeros[1], zeros[0] + np.inf, zeros[2])

    def replaced(self, at: Indices, others: Slopes, better: Array) -> Slopes:
        """These, with ``others`` in the places ``at`` where they are better."""
        fields = [field.copy() for field in msgspec.structs.astuple(self)]
        for mine, theirs in zip(fields, msgspec.structs.astuple(others), strict=True):
            mine[at] = np.where(better, theirs, mine[at])
        return Slopes(*fields)

    def among(self, at: Indices) -> Slopes:
        """Those in the places ``at``."""
        return Slopes(*(field[at] for field in msgspec.structs.astuple(self)))


def slopes(
    perturbation: Perturbation, places: Indices, scales: Array, roundings: Array, exponent: int
) -> Slopes:
    """The slopes in ``places``, the entries of a row moved together, each of a sample of its own.

    Steps are 2^−exponent of an entry's scale, in the precision of the scales; ``roundings`` are
    those of the perturbation.
    """
    h = _steps(perturbation, places, scales, exponent)
    alone = places.shape[1] > 1
    low, lower, upper, high = (
        _by_entry(perturbation.responses(places, factor * h), alone=alone)
        for factor in (-1.0, -0.5, 0.5, 1.0)
    )
    sizes = _by_entry(roundings[None], alone=alone).astype(h.dtype)
    unit, h = ROUNDINGS * np.finfo(h.dtype).eps, h[..., None]
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        coarse, fine = (high - low) / (2 * h), (upper - lower) / h
        jump = (4 * (upper + lower) - (high + low)) / h
        change = np.abs(high) + np.abs(low) + np.abs(upper) + np.abs(lower)
        error = np.abs(fine - coarse) + unit * (sizes + change) / h
        jump = np.where(np.abs(jump) > error, jump, 0)
        value = fine + (fine - coarse) / np.where(jump == 0, 3, 1)  # each side errs by h itself
        return _total(value, jump, error, np.broadcast_to(h, value.shape))


def _steps(perturbation: Perturbation, places: Indices, scales: Array, exponent: int) -> Array:
    """Powers of two, so that a step and its half are what they say beside their entry."""
    x = perturbation.forward.values[scales.dtype.type][perturbation.id].ravel()[places]
    least = LEAST * np.finfo(scales.dtype).eps * np.abs(x)
    return np.exp2(np.round(np.log2(np.maximum(scales * 2.0**-exponent, least))))


def _by_entry(responses: Array, *, alone: bool) -> Array:
    """rows × entries of a row × columns: an entry ``alone`` in its sample has its own column."""
    return responses[:, :, None] if alone else responses[:, None, :]


def _total(value: Array, jump: Array, error: Array, h: Array) -> Slopes:
    """The slopes of the samples added up; what is no number has an unlimited error."""
    values, errors = value.sum(axis=-1), error.sum(axis=-1)
    known = np.isfinite(values) & np.isfinite(errors)
    return Slopes(
        values=np.where(known, values, np.nan),
        jumps=jump.sum(axis=-1),
        spreads=np.abs(jump).sum(axis=-1),
        errors=np.where(known, errors, np.inf),
        steps=h[..., 0],
    )
