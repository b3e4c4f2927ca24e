"""A recording → the calls that work out what is wanted of it, bound to arrays that stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.tape.training.recording import Recording, Ref, Scratch
from backtrace.tape.training.symbols import Place, Symbol

Bound: TypeAlias = Callable[[], object]


class Calls(msgspec.Struct, frozen=True):
    """NumPy calls on arrays that stay, and the numbers that an update sets before."""

    calls: tuple[Bound, ...]
    numbers: tuple[tuple[Callable[[float], None], Callable[[int], float]], ...] = ()

    def __call__(self, t: int = 0) -> None:
        """Makes the calls of update t (from 0)."""
        for fill, at in self.numbers:
            fill(at(t))
        for call in self.calls:
            call()


class Program:
    """The part of a recording on which ``wanted`` rests; all else is left out."""

    def __init__(self, recording: Recording, wanted: Iterable[Symbol]) -> None:
        self.values = recording.values
        self.live = self._resting_on([symbol.place for symbol in wanted])

    def _resting_on(self, places: list[Place]) -> list[Place]:
        found: set[Place] = set()
        while places:
            place = places.pop()
            if place not in found:
                found.add(place)
                places += self.values[place].reads
        return sorted(found)

    def bound(
        self,
        given: Mapping[Symbol, Array],
        results: Mapping[Symbol, Array],
        between: dict[Place, Array] | None = None,
    ) -> Calls:
        """The calls on these arrays. What lies between has the recording's own arrays, or, where
        several threads make the calls at once, those in ``between``, which is filled.

        ``results`` may be arrays that are also given (a parameter and its update).
        """
        arrays: dict[Place, Array] = {symbol.place: array for symbol, array in given.items()}
        later = self._results(arrays, results)
        calls: list[Bound] = []
        numbers = []
        for place in self.live:
            value = self.values[place]
            if place not in arrays:
                arrays[place] = self._array(place, arrays, between)
            if value.varies is not None:
                numbers.append((arrays[place].fill, value.varies.at))
            calls += [_bound(call, arrays) for call in value.calls]
        calls += [partial(np.copyto, array, arrays[place]) for place, array in later]
        return Calls(tuple(calls), tuple(numbers))

    def _array(
        self, place: Place, arrays: Mapping[Place, Array], between: dict[Place, Array] | None
    ) -> Array:
        value = self.values[place]
        if value.base is not None and value.view is not None:
            return value.view(arrays[value.base])
        if between is None or not (value.calls or value.varies):
            return value.array
        return between.setdefault(place, np.empty_like(value.array))

    def _results(
        self, arrays: dict[Place, Array], results: Mapping[Symbol, Array]
    ) -> list[tuple[Place, Array]]:
        """Has results worked out where they are wanted; those for which that is no use are given
        back, to be copied at the end."""
        later = []
        for symbol, array in results.items():
            place = symbol.place
            if place not in arrays and self._can_be_at(place, array, arrays):
                arrays[place] = array
            else:
                later.append((place, array))
        return later

    def _can_be_at(self, place: Place, array: Array, arrays: Mapping[Place, Array]) -> bool:
        """Whether a value can be worked out in ``array``: of its own order in memory, and, where
        it takes the place of something given, entry by entry and as its last reader."""
        value = self.values[place]
        if not value.calls or value.array.strides != array.strides:
            return False
        shared = {other for other, given in arrays.items() if np.may_share_memory(given, array)}
        if not shared:
            return True
        last = max((p for p in self.live if shared & set(self._read(p))), default=-1)
        return value.elementwise and last <= place

    def _read(self, place: Place) -> set[Place]:
        """What a value reads, through the views that it reads it by."""
        found: set[Place] = set()
        for read in self.values[place].reads:
            found.add(read)
            if self.values[read].base is not None:
                found |= self._read(read)
        return found


def _bound(call: Any, arrays: Mapping[Place, Array]) -> Bound:
    def resolved(argument: Any) -> Any:
        if isinstance(argument, Scratch):
            return np.empty_like(argument.array)
        return arrays[argument.place] if isinstance(argument, Ref) else argument

    arguments = [resolved(argument) for argument in call.arguments]
    keywords = {name: resolved(argument) for name, argument in call.keywords.items()}
    return partial(call.function, *arguments, **keywords)
