"""Regularization: the penalty of a matrix of weights and its gradient, for each way λ is written.

``half_lambda`` is ½λΣw² (gradient λw), ``lambda`` is λΣw² (2λw), ``lambda_over_2n`` is
λ/(2n)Σw² (λw/n); l1 is λΣ|w| (λ·sign w), λ/n Σ|w| under ``lambda_over_2n``. n is the number of
samples of the update.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from backtrace.functions.array import AnyArray
from backtrace.functions.losses import sign


class Form(msgspec.Struct, frozen=True):
    """How λ is written: ``l2`` multiplies λΣw², ``per_sample`` divides both parts by n."""

    l2: tuple[int, int]  # the factor of λΣw² as above/below
    per_sample: bool


FORMS: dict[str, Form] = {
    "half_lambda": Form((1, 2), per_sample=False),
    "lambda": Form((1, 1), per_sample=False),
    "lambda_over_2n": Form((1, 2), per_sample=True),
}


def shares(form: str, n: int) -> tuple[float, float]:
    """What λΣw² and λΣ|w| are multiplied by."""
    above, below = FORMS[form].l2
    over = n if FORMS[form].per_sample else 1
    return above / (below * over), 1 / over


def penalty(w: AnyArray, form: str, l1: Any, l2: Any, n: int) -> Any:
    """The penalty of a matrix, a number, or of each of a stack; ``l1``, ``l2``: λ of each part."""
    above, below = FORMS[form].l2
    over = n if FORMS[form].per_sample else 1
    axes = (-2, -1)
    squares, sizes = np.sum(w * w, axis=axes), np.sum(np.abs(w), axis=axes)
    return l2 * above * squares / (below * over) + l1 * sizes / over


def gradient(w: AnyArray, form: str, l1: Any, l2: Any, n: int) -> AnyArray:
    """∂penalty/∂w, of the shape of ``w``; |w| has slope 0 at w = 0."""
    above, below = FORMS[form].l2
    over = n if FORMS[form].per_sample else 1
    return l2 * above * 2 * w / (below * over) + l1 * sign(w) / over
