"""Sums that cancel: 0.1 + 0.7 − 0.8 is 0 by hand, and −1.1e-16 in floats.

What is left of a sum whose terms cancel, and is smaller than what rounding may do to them, is taken
as 0: a unit at such a z lies on its kink, as on paper. Each row of ``SIZES`` says how large the
terms are that an operation adds up, an entry each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backtrace.functions.array import Array
from backtrace.tape.arguments import handed_back, taken
from backtrace.tape.operations import matmul_operands
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step

MOST = 10_000  # entries; of a larger matrix nobody works one by hand
NOISE = 4  # roundings of a few terms, in units of the last place of their size


def terms_of(
    setting: Setting, step: Step, parameters: Mapping[str, Any], operands: list[Array], value: Array
) -> Array | None:
    """How large the terms are that a step adds up, an entry each; None where no sum is cleared.

    An operand that is a sum itself stands among ``operands`` by its own terms: 2.7 − 2.73 + 0.03 is
    0 but for the noise of the 2.73, which the −0.03 no longer shows.
    """
    size = _passed_on if _passes_on(step) else SIZES.get(step.operation)
    if size is None or value.dtype == object or value.size > MOST:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = size(setting, parameters, *map(np.abs, taken(parameters, operands)))
        return np.asarray(handed_back(parameters, sizes))


def cleared(value: Array, terms: Array) -> Array:
    """``value`` with 0 for what is only left by rounding; fractions have no rounding."""
    with np.errstate(over="ignore", invalid="ignore"):
        noise = NOISE * np.finfo(value.dtype).eps * terms
        left = (np.abs(value) <= noise) & np.isfinite(noise)
    return np.where(left, np.zeros_like(value), value) if left.any() else value


def _passes_on(step: Step) -> bool:
    """Whether a sum stays one: without a bias, through a linear output before its error."""
    of, p = step.operation, step.parameters
    return of == "copy" or (of == "activate" and p["activation"] == "linear" and "ones" not in p)


def _passed_on(s: Setting, p: Mapping[str, Any], x: Array) -> Array:
    return np.asarray(x * abs(p.get("slope", 1)))


def _matmul(s: Setting, p: Mapping[str, Any], x: Array, y: Array) -> Array:
    x, y = matmul_operands(s, p, x, y)
    return np.asarray(x @ y / p.get("samples", 1))


def _plus(s: Setting, p: Mapping[str, Any], x: Array, y: Array) -> Array:
    return x + y


def _sum_samples(s: Setting, p: Mapping[str, Any], x: Array) -> Array:
    axis = None if p.get("all") else s.sample_axis
    return np.asarray(np.sum(x, axis=axis, keepdims=True) / p.get("samples", 1))


def _total(s: Setting, p: Mapping[str, Any], x: Array) -> Array:
    return np.asarray(np.sum(x) / p.get("samples", 1))


def _descend(s: Setting, p: Mapping[str, Any], w: Array, gradient: Array) -> Array:
    return np.asarray(w + abs(p["rate"]) * gradient)


SIZES: dict[str, Callable[..., Array]] = {
    "add_bias": _plus,
    "plus": _plus,
    "minus": _plus,
    "apply_step": _plus,
    "descend": _descend,
    "error": _plus,
    "matmul": _matmul,
    "sum_samples": _sum_samples,
    "total": _total,
}
