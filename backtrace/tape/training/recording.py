"""Formulas → the NumPy calls they consist of, recorded once, to be made again on fixed buffers.

The operations and the functions they use are written for arrays. Given a ``Symbol`` in an array's
place they run as they are, and every call that NumPy makes is noted down. So the training loop
makes the very calls that a trace makes, and there is no second implementation of any formula.

A call is noted once even where formulas make it twice; what changes nothing (· 1) is not noted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.tape.training.symbols import Place, Symbol, transposed


class Call(msgspec.Struct, frozen=True):
    """``function(*arguments, **keywords)``; a ``Ref`` among them stands for an array."""

    function: Callable[..., object]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any] = {}


class Ref(msgspec.Struct, frozen=True):
    """In the arguments of a call: the array at this place."""

    place: Place


class Scratch(msgspec.Struct, frozen=True):
    """In the arguments of a call: an array that it may overwrite."""

    array: Array


class Value(msgspec.Struct):
    """A value of a recording: given, constant, worked out by ``calls``, or a ``view`` of another.

    ``array`` is what it was when it was recorded, of the shape, type and order in memory that it
    has whenever the calls are made.
    """

    array: Array
    calls: tuple[Call, ...] = ()
    reads: tuple[Place, ...] = ()
    base: Place | None = None
    view: Callable[[Array], Array] | None = None
    elementwise: bool = False  # entry i of it depends on the entries i of what it reads only
    varies: Varying | None = None
    constant: bool = False


class Varying:
    """A number that is another at every update (a rate, 1 − βᵗ), as a function of t.

    Python works it out, as it does where nothing is recorded: the bits are the same.
    """

    def __init__(self, at: Callable[[int], float]) -> None:
        self.at = at

    def _with(self, other: object, rule: Callable[[Any, Any], Any]) -> Any:
        if isinstance(other, int | float):
            return Varying(lambda t: rule(self.at(t), other))
        return NotImplemented

    def __mul__(self, other: object) -> Any:
        return self._with(other, lambda mine, theirs: mine * theirs)

    def __rpow__(self, other: object) -> Any:
        return self._with(other, lambda mine, theirs: theirs**mine)

    def __rsub__(self, other: object) -> Any:
        return self._with(other, lambda mine, theirs: theirs - mine)


class Recording:
    """The values of a computation, in the order in which they were worked out."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.known: dict[Hashable, Place] = {}

    def given(self, array: Array) -> Symbol:
        """A symbol for an array that is there before the calls are made."""
        return self._new(Value(array))

    def _new(self, value: Value) -> Symbol:
        self.values.append(value)
        return Symbol(self, len(self.values) - 1)

    def array(self, symbol: Symbol) -> Array:
        return self.values[symbol.place].array

    # What formulas do

    def called(self, ufunc: Any, method: str, operands: tuple[Any, ...], said: Any) -> Symbol:
        """A ufunc, or its ``reduce``, on symbols, arrays and numbers."""
        if method not in ("__call__", "reduce") or "out" in said:
            raise TypeError(f"{ufunc.__name__}.{method} is not recorded")
        concrete = [self._concrete(operand) for operand in operands]
        result = np.asarray(getattr(ufunc, method)(*concrete, **said))
        places = [self._place(operand, result, operands) for operand in operands]
        turned = self._turned(ufunc, method, places, result)
        if turned is not None:
            return turned
        same = self._changes_nothing(ufunc, method, places, result)
        if same is not None:
            return Symbol(self, same)
        key = (ufunc, method, tuple(places), tuple(sorted(said.items())))
        return self._once(key, lambda: self._ufunc(ufunc, method, places, said, result))

    def _ufunc(self, ufunc: Any, method: str, places: list[Place], said: Any, out: Array) -> Value:
        here, refs = Ref(len(self.values)), tuple(Ref(place) for place in places)
        x = self.values[places[0]].array
        if ufunc is np.maximum and method == "reduce" and _is_narrow(x, said):
            scratch = np.empty(x.shape[::-1], dtype=x.dtype)
            call = Call(_largest_of_rows, (refs[0], Scratch(scratch), here))
        elif method == "reduce":  # reduce(array, axis, dtype, out, keepdims)
            options = (said.get("axis", 0), None, here, said.get("keepdims", False))
            call = Call(ufunc.reduce, (*refs, *options))
        elif ufunc in (np.maximum, np.minimum):  # NumPy means to have positions mean something else
            call = Call(ufunc, refs, {"out": here})
        else:
            call = Call(ufunc, (*refs, here))
        return Value(out, (call,), tuple(places), elementwise=method == "__call__")

    def _turned(self, ufunc: Any, method: str, places: list[Place], result: Array) -> Symbol | None:
        """f(xᵀ, yᵀ) as f(x, y)ᵀ: f(x, y) may be there already."""
        values = [self.values[place] for place in places]
        turned = [value.base for value in values if value.view is transposed]
        numbers = [value for value in values if not value.array.ndim]
        if method != "__call__" or not turned or len(turned) + len(numbers) < len(values):
            return None
        operands = [
            Symbol(self, place if value.base is None else value.base)
            for place, value in zip(places, values, strict=True)
        ]
        found: Symbol = ufunc(*operands)
        return found.T if found.T.array.strides == result.strides else None

    def _changes_nothing(
        self, ufunc: Any, method: str, places: list[Place], result: Array
    ) -> Place | None:
        """The operand that is the result already: x · 1, x / 1, −(−x).

        Also its order in memory has to be that of the result: products add up by it.
        """
        if ufunc is np.negative and (calls := self.values[places[0]].calls):
            return self.values[places[0]].reads[0] if calls[0].function is np.negative else None
        if method != "__call__" or ufunc not in (np.multiply, np.divide):
            return None
        for one, other in ((0, 1), (1, 0)):
            x = self.values[places[one]]
            alike = _arrangement(x.array) == _arrangement(result)
            if alike and self._is_all(places[other], 1):
                return places[one] if ufunc is np.multiply or one == 0 else None
        return None

    def dot(self, x: Any, y: Any) -> Symbol:
        """x · y of two matrices: m × k by k × n is m × n. ValueError where they don't meet."""
        places = [self._place(x), self._place(y)]
        out = np.dot(self.values[places[0]].array, self.values[places[1]].array)

        def made() -> Value:
            refs = [Ref(place) for place in (*places, len(self.values))]
            return Value(out, (Call(np.dot, tuple(refs)),), tuple(places))

        return self._once(("dot", *places), made)

    def cast(self, x: Any, dtype: Any) -> Symbol:
        """``x`` in another type."""
        place = self._place(x)
        if self.values[place].array.dtype == dtype:
            return Symbol(self, place)

        def made() -> Value:
            out = self.values[place].array.astype(dtype)
            return Value(out, (Call(np.copyto, (Ref(len(self.values)), Ref(place))),), (place,))

        return self._once(("cast", place, np.dtype(dtype)), made)

    def where(self, condition: Any, x: Any, y: Any) -> Symbol:
        """By entry, x where the condition holds, else y; x and y may be numbers.

        ValueError where the shapes can't be broadcast to one.
        """
        result = np.where(*(self._concrete(operand) for operand in (condition, x, y)))
        said = (condition, x, y)
        mask, yes, no = (self._place(operand, result, said) for operand in said)

        def made() -> Value:
            return Value(result, self._chosen(mask, yes, no, result), (mask, yes, no))

        return self._once(("where", mask, yes, no), made)

    def _is_all(self, place: Place, number: int) -> bool:
        value = self.values[place]
        return value.constant and bool((value.array == number).all())

    def _chosen(self, mask: Place, yes: Place, no: Place, result: Array) -> tuple[Call, ...]:
        """The calls of a ``where``."""
        out, chosen = Ref(len(self.values)), self.values[yes]
        if self._is_all(yes, 1) and self._is_all(no, 0):
            return (Call(np.copyto, (out, Ref(mask))),)  # NumPy makes 1 and 0 of true and false
        others = Call(np.copyto, (out, Ref(no)))
        entries = [result, self.values[mask].array, *([chosen.array] if chosen.array.ndim else [])]
        if all(each.shape == result.shape and each.flags.c_contiguous for each in entries):
            # several times as fast as a copy with a mask
            return (others, Call(np.putmask, (out, Ref(mask), Ref(yes))))
        return (others, Call(np.copyto, (out, Ref(yes)), {"where": Ref(mask)}))

    def joined(self, parts: Iterable[Any], axis: int) -> Symbol:
        """The parts one after another along ``axis``; ValueError where the others differ."""
        places = [self._place(part) for part in parts]
        result = np.concatenate([self.values[place].array for place in places], axis=axis)

        def made() -> Value:
            refs = [Ref(place) for place in places]
            call = Call(_join, (Ref(len(self.values)), axis, *refs))
            return Value(result, (call,), tuple(places))

        return self._once(("joined", axis, *places), made)

    def einsum(self, subscripts: str, *operands: Any) -> Symbol:
        """As ``np.einsum``, of the shape that ``subscripts`` say after "->"."""
        places = [self._place(operand) for operand in operands]
        result = np.einsum(subscripts, *(self.values[place].array for place in places))

        def made() -> Value:
            refs = [Ref(place) for place in places]
            call = Call(np.einsum, (subscripts, *refs), {"out": Ref(len(self.values))})
            return Value(result, (call,), tuple(places))

        return self._once(("einsum", subscripts, *places), made)

    def largest(self, x: Any, axis: int) -> Symbol:
        """argmax."""
        place = self._place(x)
        result = np.asarray(np.argmax(self.values[place].array, axis=axis))

        def made() -> Value:
            return Value(
                result, (Call(np.argmax, (Ref(place), axis, Ref(len(self.values)))),), (place,)
            )

        return self._once(("argmax", place, axis), made)

    def viewed(self, symbol: Symbol, view: Callable[[Array], Array], key: Hashable) -> Symbol:
        """A part of a value, or the same entries in another arrangement."""
        base = self.values[symbol.place].array
        array = view(base)
        if array.size and not np.shares_memory(array, base):
            return self._rearranged(symbol.place, array)
        value = Value(array, (), (symbol.place,), symbol.place, view)
        return self._once(("view", symbol.place, key), lambda: value)

    def _rearranged(self, place: Place, array: Array) -> Symbol:
        """A reshaped value whose entries had to be copied, since they lie in another order."""
        if array.size != self.values[place].array.size or not array.flags.c_contiguous:
            raise TypeError("a copy that is no reshape is not recorded")

        def made() -> Value:
            call = Call(_copy_entries, (Ref(len(self.values)), Ref(place)))
            return Value(array, (call,), (place,))

        return self._once(("reshaped", place, array.shape), made)

    # Operands

    def _once(self, key: Hashable, make: Callable[[], Value]) -> Symbol:
        if key not in self.known:
            self.known[key] = self._new(make()).place
        return Symbol(self, self.known[key])

    def _concrete(self, operand: Any) -> Any:
        if isinstance(operand, Symbol):
            return self.values[operand.place].array
        return operand.at(0) if isinstance(operand, Varying) else operand

    def _place(
        self, operand: Any, result: Array | None = None, beside: tuple[Any, ...] = ()
    ) -> Place:
        """Where an operand is; a number or an array is noted as a constant."""
        if isinstance(operand, Symbol):
            return operand.place
        if isinstance(operand, Varying):
            assert result is not None
            known = ("varying", id(operand), result.dtype)
            value = Value(np.array(operand.at(0), dtype=result.dtype), varies=operand)
            return self._once(known, lambda: value).place
        if not isinstance(operand, np.ndarray):
            assert result is not None
            operand = np.array(operand, dtype=self._number_type(result, beside))
        constant = np.ascontiguousarray(operand) if operand.ndim else operand
        key = ("constant", constant.shape, constant.dtype, constant.tobytes())
        return self._once(key, lambda: Value(constant, constant=True)).place

    def _number_type(self, result: Array, beside: tuple[Any, ...]) -> Any:
        """The type in which NumPy takes a Python number: that of the arrays beside it."""
        if result.dtype != bool:
            return result.dtype
        return next(self.values[x.place].array.dtype for x in beside if isinstance(x, Symbol))


NARROW = 32  # columns: over fewer, NumPy's largest of a row costs more than turning the matrix


def _is_narrow(x: Array, said: Mapping[str, Any]) -> bool:
    along_rows = said.get("axis") in (-1, x.ndim - 1) and said.get("keepdims", False)
    return bool(along_rows) and x.ndim == 2 and x.shape[1] <= NARROW < x.shape[0]


def _largest_of_rows(x: Array, turned: Array, out: Array) -> None:
    np.copyto(turned, x.T)
    np.maximum.reduce(turned, 0, None, out.reshape(-1))


def _arrangement(array: Array) -> tuple[object, ...]:
    return (array.shape, array.strides, array.dtype)


def _copy_entries(out: Array, array: Array) -> None:
    np.copyto(out.reshape(array.shape), array)


def _join(out: Array, axis: int, *parts: Array) -> None:
    np.concatenate(parts, axis=axis, out=out)
