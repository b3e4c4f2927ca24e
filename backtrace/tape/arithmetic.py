"""The four arithmetics: how given numbers enter, how parameters are read, what a line rounds to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.functions.number import Number
from backtrace.spec import model

if TYPE_CHECKING:
    from fractions import Fraction


LONGEST_FRACTION = 200_000
"""Digits above and below its line, as many as a file may hold; a sum of two takes seconds."""

MOST_DIGITS = 1_000_000
"""Of all fractions of one quantity."""


class NumberSystem(Protocol):
    """How a step's parameters, operands and value are taken."""

    def parameters(
        self, parameters: Mapping[str, Any], rational: bool = True
    ) -> dict[str, Any]: ...

    def operand(self, value: Array, rational: bool) -> Array: ...

    def line(self, value: Array) -> Array: ...


class FloatArithmetic(msgspec.Struct, frozen=True):
    """float64 or float32: every line in that type."""

    dtype: type[np.floating[Any]]

    def given(self, values: Array, written: tuple[tuple[str, ...], ...] | None = None) -> Array:
        return np.asarray(values, dtype=self.dtype)

    def parameters(self, parameters: Mapping[str, Any], rational: bool = True) -> dict[str, Any]:
        return {k: float(v) if isinstance(v, Number) else v for k, v in parameters.items()}

    def operand(self, value: Array, rational: bool) -> Array:
        return value

    def line(self, value: Array) -> Array:
        # NumPy before 2 makes a float64 of a float32 sum and a Python number.
        return np.asarray(value, dtype=self.dtype)

    def recorded(self, value: Array) -> Array:
        return value

    def beyond(self, value: Array) -> bool:
        return False


class Fractions(msgspec.Struct, frozen=True):
    """Exact fractions; with ``decimals``, each line rounded to that many, halves away from zero.

    Lines that stay rational are worked in fractions also where they are rounded, so that a half
    is a half and not a float beside it; the others are worked in float64.
    """

    decimals: int | None = None

    def given(self, values: Array, written: tuple[tuple[str, ...], ...] | None = None) -> Array:
        if written is None:
            return _each(fraction_of, values)
        texts = np.empty(np.shape(values), dtype=object)
        texts[...] = [[Number(0, text).fraction for text in row] for row in written]
        return texts

    def parameters(self, parameters: Mapping[str, Any], rational: bool = True) -> dict[str, Any]:
        if not rational:
            return FloatArithmetic(np.float64).parameters(parameters)
        return {k: v.fraction if isinstance(v, Number) else v for k, v in parameters.items()}

    def operand(self, value: Array, rational: bool) -> Array:
        return value if rational else as_floats(value)

    def line(self, value: Array) -> Array:
        """Raises OverflowError, in words, where fractions have grown too long."""
        value = np.asarray(value)
        if self.decimals is None:  # floats are whole numbers that were made here, an identity's
            return _not_too_long(value) if value.dtype == object else _each(fraction_of, value)
        decimals = self.decimals
        return _each(lambda x: round_half_away(x, decimals), value)

    def recorded(self, value: Array) -> Array:
        return value if self.decimals is None else as_floats(value)

    def beyond(self, value: Array) -> bool:
        """Whether a fraction of it is finite and its float is not."""
        return any(np.isinf(_as_float(x)) and not isinstance(x, float) for x in value.flat)


def _not_too_long(value: Array) -> Array:
    """A product has the digits of its factors together: a few epochs more may take hours."""
    fractions = [x for x in value.flat if not isinstance(x, float)]
    bits = [x.numerator.bit_length() + x.denominator.bit_length() for x in fractions]
    digits = [int(each * math.log10(2)) for each in (max(bits, default=0), sum(bits))]
    for number, most in zip(digits, (LONGEST_FRACTION, MOST_DIGITS), strict=True):
        if number > most:
            whose = "a fraction" if most == LONGEST_FRACTION else "all fractions together"
            raise OverflowError(
                f"{whose} would have {number:,} digits, and may have at most {most:,}: they grow "
                "with every line. Take fewer epochs or lines, or arithmetic: float64."
            )
    return value


def fraction_of(value: Any) -> Any:
    """The decimal fraction that a float prints as (0.1 is 1/10); inf and nan stay floats."""
    from fractions import Fraction

    if isinstance(value, Fraction):
        return value
    return Fraction(repr(float(value))) if np.isfinite(float(value)) else float(value)


def as_floats(value: Any) -> Array:
    """float64 of what an arithmetic gives; inf where a fraction is beyond the floats."""
    array = np.asarray(value)
    if array.dtype != object:
        return array.astype(np.float64, copy=False)
    return _each(_as_float, array).astype(np.float64)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def round_half_away(value: Any, decimals: int) -> Fraction | float:
    """``value`` to ``decimals`` places, a half away from zero; inf and nan stay as they are."""
    import math
    from fractions import Fraction

    exact = fraction_of(value)
    if not isinstance(exact, Fraction):
        return float(exact)
    scaled = abs(exact) * 10**decimals
    rounded = Fraction(math.floor(scaled + Fraction(1, 2)), 10**decimals)
    return -rounded if exact < 0 else rounded


def _each(function: Any, values: Array) -> Array:
    array = np.asarray(values)
    result = np.empty(array.shape, dtype=object)
    for place in np.ndindex(array.shape):
        result[place] = function(array[place])
    return result


# By the ``kind`` of a spec's arithmetic.
ARITHMETICS: dict[str, Callable[[model.Arithmetic], FloatArithmetic | Fractions]] = {
    "float64": lambda chosen: FloatArithmetic(np.float64),
    "float32": lambda chosen: FloatArithmetic(np.float32),
    "exact": lambda chosen: Fractions(),
    "rounded": lambda chosen: Fractions(chosen.decimals),
}


def arithmetic(chosen: model.Arithmetic) -> FloatArithmetic | Fractions:
    """The arithmetic that a spec asks for."""
    return ARITHMETICS[chosen.kind](chosen)
