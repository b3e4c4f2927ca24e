"""Which entries of a value rest on which entries of its operands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backtrace.check.rules.operand import ArrayOperand, Plain

Marks: TypeAlias = NDArray[np.bool_]


class Dependence(ArrayOperand):
    """A mark at every entry that is, or is worked from, a marked one."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks

    @property
    def shape(self) -> tuple[int, ...]:
        return self.marks.shape

    def rearranged(self, arrangement: Callable[[Plain], Plain]) -> Dependence:
        return Dependence(arrangement(self.marks))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **options: Any) -> Any:
        """Entry by entry, whatever the function."""
        return product(*operands) if ufunc is np.matmul else _entrywise(*operands)


def marks(x: Any) -> Marks:
    """The marks of an operand; a plain number or array has none."""
    return x.marks if isinstance(x, Dependence) else np.zeros(np.shape(x), dtype=bool)


def _entrywise(*operands: Any) -> Dependence:
    return Dependence(reduce(np.logical_or, map(marks, operands)))


def _any(
    x: Dependence, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
) -> Dependence:
    found = np.asarray(x.marks.any(axis=axis, keepdims=keepdims))
    return Dependence(found if found.ndim else found.reshape(1, 1))


def product(x: Any, y: Any) -> Dependence:
    across, down = (np.asarray(marks(x).any(axis=-1)), np.asarray(marks(y).any(axis=-2)))
    return Dependence(across[..., :, None] | down[..., None, :])


def _jacobian_product(subscripts: str, jacobians: Dependence, errors: Dependence) -> Dependence:
    """``einsum("sij,sj->si")``."""
    return _any(jacobians * errors[:, None, :], axis=-1)


def _concatenated(operands: Sequence[Any], axis: int) -> Dependence:
    return Dependence(np.concatenate([marks(x) for x in operands], axis=axis))


Dependence.functions = {
    np.sum: _any,
    np.max: _any,
    np.cumsum: lambda x, axis: x | _any(x, axis, keepdims=True),
    np.dot: product,
    np.where: _entrywise,
    np.concatenate: _concatenated,
    np.einsum: _jacobian_product,
}
