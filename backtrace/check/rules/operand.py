"""What stands for a matrix in the tape's own operations, by NumPy's protocol.

An operation is written once, for arrays. Given operands that answer NumPy's functions in their own
way, the same lines say between which bounds its value lies (``intervals``), or which entries of it
rest on which (``dependence``).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

Plain: TypeAlias = NDArray[Any]
Own = TypeVar("Own", bound="ArrayOperand")


class ArrayOperand(NDArrayOperatorsMixin):
    """What is known of a matrix's entries; a scalar is 1 × 1.

    ``functions`` are NumPy's that it answers: they take operands and arrays mixed.
    """

    dtype = np.dtype(np.float64)
    functions: ClassVar[Mapping[Callable[..., Any], Callable[..., Any]]]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **options: Any) -> Any:
        return self.functions[ufunc](*operands)

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        operands: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        return self.functions[function](*operands, **options)

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """That of the matrix."""

    @abstractmethod
    def rearranged(self: Own, arrangement: Callable[[Plain], Plain]) -> Own:
        """With its entries placed as ``arrangement`` places those of an array."""

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def T(self: Own) -> Own:  # noqa: N802
        return self.rearranged(np.transpose)

    def reshape(self: Own, *shape: int) -> Own:
        return self.rearranged(lambda x: x.reshape(shape))

    def __getitem__(self: Own, key: Any) -> Own:
        return self.rearranged(lambda x: x[key])
