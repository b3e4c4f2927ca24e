"""Inputs that are standardized: each feature less its mean, over its deviation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backtrace.spec.document.fields import Fields
from backtrace.spec.document.problems import Problems
from backtrace.spec.model import Arithmetic, Layout, Matrix, Standardization, Validation

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_standardize(problems: Problems, top: Fields, arithmetic: Arithmetic) -> bool:
    """``standardize: true``."""
    wanted = top.flag("standardize", default=False)
    if wanted and arithmetic.kind == "exact":
        found = "`standardize` in exact arithmetic, where a deviation has no root"
        mend = "Write the inputs as they are to be, or leave `arithmetic` out."
        problems.add(top.key("standardize"), found, "one of the two", mend, code="E116")
        return False
    return wanted


def standardized(
    inputs: Matrix, held: Validation | None, layout: Layout
) -> tuple[Matrix, Validation | None, Standardization]:
    """The inputs, the held-out samples by the same numbers, and what these are.

    The deviation is that of the samples themselves: the mean of the squares, its root. A feature
    that is the same in all of them becomes 0.
    """
    axis = 0 if layout == "rows" else 1
    values = inputs.values
    least, most = values.min(axis=axis, keepdims=True), values.max(axis=axis, keepdims=True)
    same = least == most  # whose mean may be off by its last digit, and that would be 1 then
    mean = np.where(same, least, values.mean(axis=axis, dtype=np.float64, keepdims=True))
    deviation = np.where(same, 0.0, values.std(axis=axis, dtype=np.float64, keepdims=True))
    numbers = Standardization(
        tuple(mean.ravel().tolist()), tuple(deviation.ravel().tolist()), values.shape[axis]
    )
    divisor = np.where(deviation == 0, 1.0, deviation)

    def of(values: NDArray[Any]) -> Matrix:
        return Matrix(((values - mean) / divisor).astype(values.dtype))

    if held is not None:
        held = Validation(of(held.inputs.values), held.targets)
    return of(values), held, numbers


def once_more(before: Standardization, after: Standardization) -> Standardization:
    """What two standardizations come to, the second one of what the first one gave."""
    pairs = list(zip(before.mean, [each or 1.0 for each in before.deviation], strict=True))
    mean = [m + d * more for (m, d), more in zip(pairs, after.mean, strict=True)]
    deviation = [d * more for (_, d), more in zip(pairs, after.deviation, strict=True)]
    return Standardization(tuple(mean), tuple(deviation), after.samples)
