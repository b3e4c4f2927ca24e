"""Formulas → the NumPy calls they consist of, noted once, to be made again on arrays that stay.

The operations and the functions they use are written for arrays. Given a ``Placeholder`` instead
they run as they are, and every call that NumPy makes is noted down. So the training loop makes the
very calls that a trace makes, and there is no second implementation of any formula.

A call is noted once even where formulas make it twice; what changes nothing (· 1) is not noted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from backtrace.functions.array import Array

Bound: TypeAlias = Callable[[], object]
Bind: TypeAlias = Callable[[Array], Bound]
"""Where the result goes → the call that puts it there."""


class Varying:
    """A number that is another at every update (a rate, 1 − βᵗ), as a function of t (from 0).

    Python works it out, as it does where nothing is recorded: the bits are the same.
    """

    def __init__(self, at: Callable[[int], float]) -> None:
        self.at = at

    def __mul__(self, other: object) -> Any:
        if not isinstance(other, int | float):
            return NotImplemented
        return Varying(lambda t: self.at(t) * other)

    def __rpow__(self, other: float) -> Varying:
        return Varying(lambda t: other ** self.at(t))

    def __rsub__(self, other: float) -> Varying:
        return Varying(lambda t: other - self.at(t))


class Placeholder(NDArrayOperatorsMixin):
    """Stands for an array while formulas are recorded: the one that its value will be in.

    ``turned`` is what it is the transpose of, if it is one.
    """

    __hash__ = object.__hash__  # the mixin has == compare entries

    def __init__(self, recording: Recording, place: int, array: Array) -> None:
        self.recording = recording
        self.place = place
        self.array = array
        self.turned: Placeholder | None = None

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
    def T(self) -> Placeholder:  # noqa: N802 - as an array's
        if self.turned is not None:
            return self.turned
        found = self.recording.viewed(self, self.array.T, "T")
        found.turned = self
        return found

    def __pow__(self, power: object) -> Any:
        """Refused: an array's ``x ** 2`` is x · x, NumPy's ``power`` may be off by a bit."""
        raise TypeError("a power is not recorded: write x * x")

    def reshape(self, *shape: int) -> Placeholder:
        view = self.array.reshape(*shape)
        if np.shares_memory(view, self.array):
            return self.recording.viewed(self, view, shape)
        return self.recording.called(_reshape, (self,), shape=shape)

    def __getitem__(self, key: Any) -> Placeholder:
        return self.recording.viewed(self, self.array[key], repr(key))

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **said: Any) -> Any:
        if method == "__call__" and not said:
            return self.recording.ufunc(ufunc, operands)
        raise TypeError(f"{ufunc.__name__}.{method} is not recorded")

    def __array_function__(
        self, function: Any, types: Any, arguments: tuple[Any, ...], said: Mapping[str, Any]
    ) -> Any:
        rule = _FUNCTIONS.get(function)
        return NotImplemented if rule is None else rule(self.recording, *arguments, **said)


class Calls(msgspec.Struct, frozen=True):
    """NumPy calls on arrays that stay, and the numbers that an update sets before."""

    calls: tuple[Bound, ...]
    numbers: tuple[tuple[Array, Varying], ...] = ()

    def __call__(self, t: int = 0) -> None:
        """Makes the calls of update t (from 0)."""
        for array, number in self.numbers:
            array.fill(number.at(t))
        for call in self.calls:
            call()


class Recording:
    """The calls of a computation, in the order in which formulas make them.

    Each is made once as it is noted, on the numbers that are there: so its result has the shape,
    the type and the order in memory that it will have.
    """

    def __init__(self, buffers: dict[Hashable, Array] | None = None) -> None:
        self.buffers = {} if buffers is None else buffers
        self.noted: list[tuple[Bind, Array]] = []
        self.numbers: list[tuple[Array, Varying]] = []
        self.symbols: list[Placeholder] = []
        self.known: dict[Hashable, Placeholder] = {}

    def given(self, array: Array) -> Placeholder:
        """A symbol for an array that is there before the calls are made."""
        self.symbols.append(Placeholder(self, len(self.symbols), array))
        return self.symbols[-1]

    def put(self, symbol: Placeholder, target: Array) -> None:
        """Has a value worked out in ``target``, if its call is the last one, else copied there."""
        bind, out = self.noted[-1] if self.noted else (None, None)
        if bind is not None and out is symbol.array and out.strides == target.strides:
            self.noted[-1] = (bind, target)
            symbol.array = target
        else:
            self.noted.append((_calling(_copy, [symbol.array]), target))

    def calls(self) -> Calls:
        """What has been noted, bound to its arrays."""
        return Calls(tuple(bind(out) for bind, out in self.noted), tuple(self.numbers))

    # What formulas do

    def ufunc(self, ufunc: Any, operands: tuple[Any, ...]) -> Placeholder:
        """A ufunc on symbols, arrays and numbers."""
        result = np.asarray(ufunc(*map(_concrete, operands)))
        same = _same(ufunc, operands, result)
        if same is not None:
            return same
        symbols = [self._symbol(operand, result, operands) for operand in operands]
        turned = _turned(ufunc, symbols, result)
        if turned is not None:
            return turned
        bind = _calling(ufunc, [symbol.array for symbol in symbols])
        found = self._once(ufunc, symbols, result, bind)
        if ufunc is np.negative:  # −(−x) is x
            self.known[ufunc, found.place] = symbols[0]
        return found

    def where(self, condition: Placeholder, x: Any, y: Any) -> Placeholder:
        """By entry, x where the condition holds, else y; x and y may be numbers."""
        operands = (condition, x, y)
        result = np.where(*map(_concrete, operands))
        symbols = [self._symbol(operand, result, operands) for operand in operands]
        arrays = [symbol.array for symbol in symbols]
        if condition.shape != result.shape or arrays[1].shape not in ((), result.shape):
            raise TypeError("a choice among entries of other shapes is not recorded")
        if _is_all(x, 1) and _is_all(y, 0):  # NumPy makes 1 and 0 of true and false
            return self._once(np.where, symbols, result, _calling(_copy, [condition.array]))
        return self._once(np.where, symbols, result, _calling(_choose, arrays))

    def cast(self, x: Placeholder, dtype: Any) -> Placeholder:
        """``x`` in another type."""
        if x.dtype == dtype:
            return x
        result = x.array.astype(dtype)
        return self._once(("cast", np.dtype(dtype)), [x], result, _calling(_copy, [x.array]))

    def called(self, function: Any, operands: Iterable[Any], **options: Any) -> Placeholder:
        """``function(*operands, **options, out=…)``, the options such as an axis."""
        symbols = [self._symbol(operand) for operand in operands]
        arrays = [symbol.array for symbol in symbols]
        result = np.asarray(function(*arrays, **options))
        key = (function, *sorted(options.items()))
        return self._once(key, symbols, result, _calling(function, arrays, **options))

    def viewed(self, symbol: Placeholder, view: Array, key: Hashable) -> Placeholder:
        """A part of a value, or the same entries in another arrangement."""
        if view.size and not np.shares_memory(view, symbol.array):
            raise TypeError("a copy is not recorded")
        place = ("view", key, symbol.place)
        if place not in self.known:
            self.known[place] = self.given(view)
        return self.known[place]

    def _once(
        self, key: Hashable, symbols: list[Placeholder], result: Array, bind: Bind
    ) -> Placeholder:
        whole = (key, *(symbol.place for symbol in symbols))
        if whole not in self.known:
            out = self._buffer(result)
            self.noted.append((bind, out))
            self.known[whole] = self.given(out)
        return self.known[whole]

    def _buffer(self, result: Array) -> Array:
        """The array of the call that is noted next, with its result."""
        key = (len(self.noted), result.shape, result.strides, result.dtype)
        if key not in self.buffers:
            self.buffers[key] = result
        np.copyto(self.buffers[key], result)
        return self.buffers[key]

    # Operands

    def _symbol(
        self, operand: Any, result: Array | None = None, beside: tuple[Any, ...] = ()
    ) -> Placeholder:
        """Of an operand; a number or an array is noted as a constant of the result's type."""
        if isinstance(operand, Placeholder):
            return operand
        if isinstance(operand, np.ndarray):
            return self._constant(np.ascontiguousarray(operand) if operand.ndim else operand)
        assert result is not None
        if isinstance(operand, Varying):
            array = np.array(operand.at(0), dtype=result.dtype)
            self.numbers.append((array, operand))
            return self.given(array)
        compared = result.dtype == bool  # then in the type of what stands beside it
        types = [other.dtype for other in beside if isinstance(other, Placeholder)]
        return self._constant(np.array(operand, dtype=types[0] if compared else result.dtype))

    def _constant(self, array: Array) -> Placeholder:
        key = ("constant", array.shape, array.dtype, array.tobytes())
        if key not in self.known:
            self.known[key] = self.given(array)
        return self.known[key]


def _concrete(operand: Any) -> Any:
    if isinstance(operand, Placeholder):
        return operand.array
    return operand.at(0) if isinstance(operand, Varying) else operand


def _is_all(operand: Any, number: int) -> bool:
    return not isinstance(operand, Placeholder) and bool(np.all(operand == number))


def _same(ufunc: Any, operands: tuple[Any, ...], result: Array) -> Placeholder | None:
    """The operand of x · 1 that is the result already, also in its order in memory."""
    if ufunc is not np.multiply:
        return None
    for x, other in (operands, operands[::-1]):
        if not isinstance(x, Placeholder) or not _is_all(other, 1):
            continue
        if (x.shape, x.array.strides, x.dtype) == (result.shape, result.strides, result.dtype):
            return x
    return None


def _turned(ufunc: Any, symbols: list[Placeholder], result: Array) -> Placeholder | None:
    """f(xᵀ, yᵀ) as f(x, y)ᵀ: f(x, y) may be there already."""
    matrices = [symbol for symbol in symbols if symbol.ndim]
    originals = [symbol.turned for symbol in matrices if symbol.turned is not None]
    in_rows = all(original.array.flags.c_contiguous for original in originals)
    if not originals or len(originals) < len(matrices) or not in_rows:
        return None
    if not result.flags.f_contiguous:
        return None
    found: Placeholder = ufunc(*(symbol.turned or symbol for symbol in symbols))
    return found.T


# --- calls

NARROW = 32  # columns: over fewer, NumPy's largest of a row costs more than turning the matrix


def _calling(function: Any, arguments: list[Any], **options: Any) -> Bind:
    if options or function in (np.maximum, np.minimum):  # with these a position means another
        return lambda out: partial(function, *arguments, **options, out=out)
    return lambda out: partial(function, *arguments, out)


def _copy(array: Array, out: Array) -> None:
    np.copyto(out, array)


def _choose(mask: Array, yes: Array, no: Array, out: Array) -> None:
    np.copyto(out, no)
    np.putmask(out, mask, yes)  # several times as fast as a copy with a mask


def _max(x: Array, axis: Any, keepdims: bool, out: Array | None = None) -> Any:
    ufunc: Any = np.maximum
    along_rows = axis in (-1, x.ndim - 1) and keepdims and x.ndim == 2
    if out is not None and along_rows and x.shape[1] <= NARROW < x.shape[0]:
        return ufunc.reduce(x.T.copy(), 0, None, out.reshape(-1))
    return ufunc.reduce(x, axis, None, out, keepdims)


def _reshape(x: Array, shape: tuple[int, ...], out: Array | None = None) -> Any:
    return x.reshape(shape) if out is None else np.copyto(out.reshape(x.shape), x)


def _concatenate(*parts: Array, axis: int, out: Array | None = None) -> Any:
    return np.concatenate(parts, axis=axis, out=out)


def _einsum(*operands: Array, subscripts: str, out: Array | None = None) -> Any:
    return np.einsum(subscripts, *operands, out=out)


def _reduced(function: Any) -> Callable[..., Placeholder]:
    def reduce(
        recording: Recording, x: Placeholder, axis: Any = None, keepdims: Any = False
    ) -> Placeholder:
        return recording.called(function, (x,), axis=axis, keepdims=keepdims)

    return reduce


_FUNCTIONS: dict[Any, Callable[..., Placeholder]] = {
    np.dot: lambda recording, *operands: recording.called(np.dot, operands),
    np.where: Recording.where,
    np.sum: _reduced(np.add.reduce),
    np.max: _reduced(_max),
    np.argmax: lambda recording, x, axis: recording.called(np.argmax, (x,), axis=axis),
    np.concatenate: lambda recording, parts, axis=0: recording.called(
        _concatenate, parts, axis=axis
    ),
    np.einsum: lambda recording, subscripts, *operands: recording.called(
        _einsum, operands, subscripts=subscripts
    ),
}
