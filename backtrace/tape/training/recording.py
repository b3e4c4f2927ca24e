"""Formulas → the NumPy calls they consist of, noted once, to be made again on arrays that stay.

The operations and the functions they use are written for arrays. Given a ``Placeholder`` instead
they run as they are, and every call that NumPy makes is noted down. So the training loop makes the
very calls that a trace makes, and there is no second implementation of any formula. A call is noted
once even where formulas make it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from backtrace.functions.array import AnyArray

NumPyCall: TypeAlias = Callable[[], object]
Bind: TypeAlias = Callable[[AnyArray], NumPyCall]
"""Where the result goes → the call that puts it there."""


class Placeholder(NDArrayOperatorsMixin):
    """Stands for an array while formulas are recorded: the one that its value will be in.

    It raises TypeError where a formula does what is not noted call by call.
    """

    __hash__ = object.__hash__  # the mixin has == compare entries

    def __init__(self, recording: Recording, place: int, array: AnyArray, constant: bool) -> None:
        self.recording = recording
        self.place = place
        self.array = array
        self.constant = constant
        self.shape: tuple[int, ...] = array.shape
        self.ndim: int = array.ndim
        self.dtype: np.dtype[Any] = array.dtype

    @property
    def T(self) -> Placeholder:  # noqa: N802 - as an array's
        return self.recording.viewed(self, self.array.T)

    def __pow__(self, power: float) -> Placeholder:
        """Not NumPy's ``power``, which may be off by a bit: an array's ``x ** 2`` is x · x."""
        return self.recording.called(_power, self, power=power)

    def __getitem__(self, key: Any) -> Placeholder:
        return self.recording.viewed(self, self.array[key])

    def rearranged(self, arrangement: Callable[[AnyArray], AnyArray]) -> Placeholder:
        """Its entries placed otherwise: a view of them where there is one."""
        placed = arrangement(self.array)
        if np.shares_memory(placed, self.array):
            return self.recording.viewed(self, placed)
        return self.recording.opaque(lambda: arrangement(self.array))

    def __getattr__(self, name: str) -> Any:
        raise TypeError(f"{name} of an array is not recorded")

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **said: Any) -> Any:
        if method == "__call__" and not said:
            if ufunc.signature is not None:  # a product of matrices
                return self.recording.called(ufunc, *operands)
            return self.recording.elementwise(ufunc, operands)
        raise TypeError(f"{ufunc.__name__}.{method} is not recorded")

    def __array_function__(
        self, function: Any, types: Any, arguments: tuple[Any, ...], said: Mapping[str, Any]
    ) -> Any:
        if function not in _FUNCTIONS:
            raise TypeError(f"{function.__name__} is not recorded")
        return _FUNCTIONS[function](self.recording, *arguments, **said)


class Recording:
    """The calls of a computation, in the order in which formulas make them.

    What rests on constants alone is worked once.

    Each is made once as it is noted, on the numbers that are there: so its result has the shape,
    the type and the order in memory that it will have. Recordings of the same formulas on other
    arrays may have their ``buffers`` in common.
    """

    def __init__(self, buffers: dict[Hashable, AnyArray] | None = None) -> None:
        self.buffers: dict[Hashable, AnyArray] = {} if buffers is None else buffers
        self.noted: list[tuple[Bind, AnyArray]] = []
        self.known: dict[Hashable, Placeholder] = {}
        self.places = 0
        self.goal: AnyArray | None = None  # of the last ``put``, if its call writes there itself

    def given(self, array: AnyArray, *, constant: bool = False) -> Placeholder:
        """Stands for an array that is there before the calls are made."""
        self.places += 1
        return Placeholder(self, self.places, array, constant)

    def put(self, value: Placeholder, target: AnyArray) -> None:
        """Has a value worked out in ``target``, if its call is the last one, else copied there."""
        if self.noted:
            bind, out = self.noted[-1]
            if out is value.array and out is not self.goal and out.strides == target.strides:
                self.noted[-1] = (bind, target)
                value.array = self.goal = target
                return
        self.noted.append((_calling(_copy, [value.array]), target))

    def calls(self) -> tuple[NumPyCall, ...]:
        """What has been noted, bound to its arrays."""
        return tuple(bind(out) for bind, out in self.noted)

    # What formulas do

    def elementwise(self, ufunc: Any, operands: tuple[Any, ...]) -> Placeholder:
        """A ufunc of placeholders, arrays and numbers."""
        result = np.asarray(ufunc(*map(_concrete, operands)))
        beside = self._beside(operands, result)
        for x in _unchanged(ufunc, beside):
            if (x.dtype, x.shape, x.array.strides) == (result.dtype, result.shape, result.strides):
                return x  # in another order in memory, a product of matrices may end in other bits
        found = self._once(ufunc, beside, result)
        if ufunc is np.negative:  # −(−x) is x
            self.known[ufunc, result.dtype, result.shape, found.place] = beside[0]
        return found

    def where(self, condition: Placeholder, x: Any, y: Any) -> Placeholder:
        """By entry, x where the condition holds, else y; x and y may be numbers."""
        result = np.where(*map(_concrete, (condition, x, y)))
        mask, yes, no = self._beside((condition, x, y), result)
        if mask.shape != result.shape or yes.shape not in ((), result.shape):
            raise TypeError("a choice among entries of other shapes is not recorded")
        if _is(yes, 1) and _is(no, 0):  # NumPy makes 1 and 0 of true and false
            return self._once(_copy, [mask], result)
        return self._once(_choose, [mask, yes, no], result)

    def cast(self, x: Placeholder, dtype: Any) -> Placeholder:
        """``x`` in another type."""
        return x if x.dtype == dtype else self._once(_copy, [x], x.array.astype(dtype))

    def called(self, function: Any, *operands: Any, **options: Any) -> Placeholder:
        """``function(*operands, **options, out=…)``, the options such as an axis."""
        found = [x if isinstance(x, Placeholder) else self._constant(x) for x in operands]
        result = np.asarray(function(*(x.array for x in found), **options))
        return self._once(function, found, result, **options)

    def opaque(self, function: Callable[[], AnyArray]) -> Placeholder:
        """What Python works out at every call, whatever it is."""
        result = np.asarray(function())
        return self._noted(lambda out: partial(_work_out, function, out), result)

    def viewed(self, x: Placeholder, view: AnyArray) -> Placeholder:
        """A part of a value, or the same entries in another arrangement."""
        if view.size and not np.shares_memory(view, x.array):
            raise TypeError("a copy is not recorded")
        start = view.__array_interface__["data"][0] - x.array.__array_interface__["data"][0]
        place = ("view", start, view.shape, view.strides, x.place)
        if place not in self.known:
            self.known[place] = self.given(view, constant=x.constant)
        return self.known[place]

    def _once(
        self, function: Any, operands: list[Placeholder], result: AnyArray, **options: Any
    ) -> Placeholder:
        places = (operand.place for operand in operands)
        # Its shape too: a constant of equal entries is kept as one number, however far it spreads.
        key = (function, result.dtype, result.shape, *sorted(options.items()), *places)
        if key not in self.known and all(operand.constant for operand in operands):
            self.known[key] = self.given(result, constant=True)
        elif key not in self.known:
            bind = _calling(function, [operand.array for operand in operands], **options)
            self.known[key] = self._noted(bind, result)
        return self.known[key]

    def _noted(self, bind: Bind, result: AnyArray) -> Placeholder:
        """Notes a call, with an array for its result."""
        key = (len(self.noted), result.shape, result.strides, result.dtype)
        out: AnyArray = self.buffers.setdefault(key, result)
        np.copyto(out, result)
        self.noted.append((bind, out))
        return self.given(out)

    # Operands

    def _beside(self, operands: tuple[Any, ...], result: AnyArray) -> list[Placeholder]:
        """Of operands that go entry by entry: a constant is of the result's type, one that is
        compared with an array of that array's."""
        types = [operand.dtype for operand in operands if isinstance(operand, Placeholder)]
        dtype = types[0] if result.dtype == bool else result.dtype
        return [
            x if isinstance(x, Placeholder) else self._constant(_shortest(x, dtype))
            for x in operands
        ]

    def _constant(self, array: AnyArray) -> Placeholder:
        key = ("constant", array.shape, array.dtype, array.tobytes())
        if key not in self.known:
            whole = np.ascontiguousarray(array) if array.ndim else array
            self.known[key] = self.given(whole, constant=True)
        return self.known[key]


def _concrete(operand: Any) -> Any:
    return operand.array if isinstance(operand, Placeholder) else operand


def _unchanged(ufunc: Any, operands: list[Placeholder]) -> Iterator[Placeholder]:
    """What x · 1, 1 · x or x / 1 is, to the last bit."""
    if ufunc in (np.multiply, np.true_divide):
        x, y = operands
        if y.constant and (y.array == 1).all():
            yield x
        elif ufunc is np.multiply and x.constant and (x.array == 1).all():
            yield y


def _is(operand: Placeholder, number: int) -> bool:
    """Whether it is this very constant."""
    return operand.constant and not operand.shape and operand.array == number


def _shortest(constant: Any, dtype: Any) -> AnyArray:
    """A single number where all entries are the same."""
    array = np.asarray(constant, dtype=dtype)
    same = array.size > 0 and (array == array.flat[0]).all()
    return array.flat[0:1].reshape(()) if same else array


# --- calls

NARROW = 32  # columns: over fewer, NumPy's largest of a row costs more than turning the matrix


def _calling(function: Any, arguments: list[AnyArray], **options: Any) -> Bind:
    if options or function in (np.maximum, np.minimum):  # with these a position means another
        return lambda out: partial(function, *arguments, **options, out=out)
    return lambda out: partial(function, *arguments, out)


def _copy(array: AnyArray, out: AnyArray) -> None:
    np.copyto(out, array)


def _power(x: AnyArray, power: float, out: AnyArray | None = None) -> AnyArray:
    found = x**power
    if out is not None:
        np.copyto(out, found)
    return found


def _joined(*parts: AnyArray, axis: int, out: AnyArray | None = None) -> AnyArray:
    return np.concatenate(parts, axis, out)


def _work_out(function: Callable[[], AnyArray], out: AnyArray) -> None:
    np.copyto(out, function())


def _choose(mask: AnyArray, yes: AnyArray, no: AnyArray, out: AnyArray) -> None:
    np.copyto(out, no)
    np.putmask(out, mask, yes)  # several times as fast as a copy with a mask


def _largest(x: AnyArray, axis: Any, keepdims: bool, out: AnyArray | None = None) -> Any:
    ufunc: Any = np.maximum
    along_rows = axis in (-1, x.ndim - 1) and keepdims and x.ndim == 2
    if out is not None and along_rows and x.shape[1] <= NARROW < x.shape[0]:
        return ufunc.reduce(x.T.copy(), 0, None, out.reshape(-1))
    return ufunc.reduce(x, axis, None, out, keepdims)


def _reduced(function: Any) -> Callable[..., Placeholder]:
    def reduce(
        recording: Recording, x: Placeholder, axis: Any = None, keepdims: Any = False
    ) -> Placeholder:
        return recording.called(function, x, axis=axis, keepdims=keepdims)

    return reduce


_FUNCTIONS: dict[Any, Callable[..., Placeholder]] = {
    np.dot: lambda recording, x, y: recording.called(np.dot, x, y),
    np.where: Recording.where,
    np.concatenate: lambda recording, parts, axis: recording.called(_joined, *parts, axis=axis),
    np.sum: _reduced(np.add.reduce),
    np.max: _reduced(_largest),
    np.argmax: lambda recording, x, axis: recording.called(np.argmax, x, axis=axis),
}
