"""What stands for arrays while formulas are recorded, and what NumPy then does in their place."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from backtrace.functions.array import Array

Place: TypeAlias = int  # of a value among all those of a recording


class Recorder(Protocol):
    """What notes down the calls that formulas make on symbols: a ``Recording``."""

    def array(self, symbol: Symbol) -> Array:
        """What a value was when it was recorded."""

    def called(self, ufunc: Any, method: str, operands: tuple[Any, ...], said: Any) -> Symbol: ...

    def viewed(self, symbol: Symbol, view: Callable[[Array], Array], key: Hashable) -> Symbol: ...

    def dot(self, x: Any, y: Any) -> Symbol: ...

    def where(self, condition: Any, x: Any, y: Any) -> Symbol: ...

    def joined(self, parts: Iterable[Any], axis: int) -> Symbol: ...

    def einsum(self, subscripts: str, *operands: Any) -> Symbol: ...

    def largest(self, x: Any, axis: int) -> Symbol: ...


class Symbol(NDArrayOperatorsMixin):
    """Stands for an array while formulas are recorded."""

    __hash__ = object.__hash__  # the mixin has == compare entries

    def __init__(self, recording: Recorder, place: Place) -> None:
        self.recording = recording
        self.place = place

    @property
    def array(self) -> Array:
        return self.recording.array(self)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.array.shape)

    @property
    def ndim(self) -> int:
        return int(self.array.ndim)

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self.array.dtype
        return dtype

    @property
    def T(self) -> Symbol:  # noqa: N802 - as an array's
        return self.recording.viewed(self, transposed, "T")

    def __pow__(self, power: object) -> Any:
        """Refused: an array's ``x ** 2`` is x · x, NumPy's ``power`` may be off by a bit."""
        raise TypeError("a power is not recorded: write x * x")

    def swapaxes(self, one: int, other: int) -> Symbol:
        key = ("swapaxes", one, other)
        return self.recording.viewed(self, lambda array: array.swapaxes(one, other), key)

    def reshape(self, *shape: int) -> Symbol:
        return self.recording.viewed(self, lambda array: array.reshape(*shape), ("shape", *shape))

    def __getitem__(self, key: Any) -> Symbol:
        return self.recording.viewed(self, lambda array: array[key], ("part", repr(key)))

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **said: Any) -> Any:
        return self.recording.called(ufunc, method, operands, said)

    def __array_function__(
        self, function: Any, types: Any, arguments: tuple[Any, ...], said: Mapping[str, Any]
    ) -> Any:
        rule = _FUNCTIONS.get(function)
        if rule is None:
            return NotImplemented
        return rule(self.recording, *arguments, **said)


def transposed(array: Array) -> Array:
    """The view that ``T`` is."""
    return array.T


def _reduced(ufunc: Any) -> Callable[..., Symbol]:
    def reduce(recording: Recorder, x: Symbol, axis: Any = None, *, keepdims: Any = False) -> Any:
        return recording.called(ufunc, "reduce", (x,), {"axis": axis, "keepdims": keepdims})

    return reduce


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.dot: lambda recording, x, y: recording.dot(x, y),
    np.where: lambda recording, condition, x, y: recording.where(condition, x, y),
    np.sum: _reduced(np.add),
    np.max: _reduced(np.maximum),
    np.argmax: lambda recording, x, axis: recording.largest(x, axis),
    np.concatenate: lambda recording, parts, axis=0: recording.joined(parts, axis),
    np.einsum: lambda recording, subscripts, *operands: recording.einsum(subscripts, *operands),
}
