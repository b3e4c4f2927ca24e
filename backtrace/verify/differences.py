"""Central differences over h and h/2, extrapolated once to h = 0, with the jump at a kink.

The differences D(h) = (J(x + h) − J(x − h))/2h of a smooth J err by a multiple of h², which
(4 D(h/2) − D(h))/3 is free of (L. F. Richardson, The deferred approach to the limit, 1927). The
slopes of the two sides differ by B(h) = (J(x + h) − 2 J(x) + J(x − h))/h, which falls to 0 with h
where J is smooth and stays where it has a kink: 2 B(h/2) − B(h) is the jump that is left at h = 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backtrace.functions.array import Array
from backtrace.verify.perturbation import Indices, Perturbation

FACTORS = (-1.0, -0.5, 0.5, 1.0)  # of a step
ROUNDINGS = 64  # units in the last place that a pass may be off by, when those measured are few


class Slopes(NamedTuple):
    """By entry: the slope of the loss, its jump and its error, from a step of the length ``steps``.

    The slope is that in the middle of a jump. ``spreads`` add the jumps of the samples up without
    their signs: each sample may stand at a kink of its own.
    """

    values: Array
    jumps: Array
    spreads: Array
    errors: Array
    steps: Array


def slopes(
    perturbation: Perturbation, places: Indices, scales: Array, roundings: Array, exponent: int
) -> Slopes:
    """The slopes in ``places``, the entries of a row moved together, each of a sample of its own.

    Steps are about 2^−exponent of an entry's scale, in the precision of the scales: powers of two,
    so that they are exact. ``roundings`` are those of the perturbation.
    """
    h = np.exp2(np.round(np.log2(scales)) - exponent)
    low, lower, upper, high = _changes(perturbation, places, h)
    sizes = _by_entry(roundings[None], places).astype(h.dtype)
    unit, h = ROUNDINGS * np.finfo(h.dtype).eps, h[..., None]
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        coarse, fine = (high - low) / (2 * h), (upper - lower) / h
        jump = (4 * (upper + lower) - (high + low)) / h
        change = np.abs(high) + np.abs(low) + np.abs(upper) + np.abs(lower)
        error, noise = np.abs(fine - coarse), unit * (sizes + change) / h
        jump = np.where(np.abs(jump) > error + noise, jump, 0)
        value = fine + (fine - coarse) / np.where(jump == 0, 3, 1)  # a side by itself errs by h
        return _total(value, jump, error, noise, h[..., 0])


def _changes(perturbation: Perturbation, places: Indices, h: Array) -> Array:
    """The changes at −h, −h/2, h/2 and h, by entry and column."""
    offsets = np.concatenate([factor * h for factor in FACTORS])
    found = perturbation.responses(np.tile(places, (len(FACTORS), 1)), offsets)
    return np.stack([_by_entry(each, places) for each in np.split(found, len(FACTORS))])


def _by_entry(responses: Array, places: Indices) -> Array:
    """rows × entries of a row × columns: of several entries each has its own sample's column."""
    alone = places.shape[1] == 1
    return responses[:, None, :] if alone else responses[:, :, None]


def _total(value: Array, jump: Array, error: Array, noise: Array, h: Array) -> Slopes:
    """The slopes of the samples added up; what is no number has an unlimited error."""
    values = value.sum(axis=-1)
    errors = error.sum(axis=-1) + np.hypot.reduce(noise, axis=-1)  # samples are rounded apart
    known = np.isfinite(values) & np.isfinite(errors)
    return Slopes(
        values=np.where(known, values, np.nan),
        jumps=jump.sum(axis=-1),
        spreads=np.abs(jump).sum(axis=-1),
        errors=np.where(known, errors, np.inf),
        steps=h,
    )
