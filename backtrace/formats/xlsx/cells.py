"""What an operation of the tape computes as formulas: it is worked on references to cells.

NumPy hands a matrix of ``Cells`` every operation that is done on it, so that no operation, no
activation and no loss needs a second description.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backtrace.formats.registry import NotExpressibleError
from backtrace.formats.xlsx import cell_formula as of
from backtrace.formats.xlsx.cell_formula import Formula, called, compared, formula

ON_NUMBERS: dict[np.ufunc, Callable[..., Formula]] = {
    np.add: of.plus,
    np.subtract: of.minus,
    np.multiply: of.times,
    np.true_divide: of.over,
    np.power: of.power,
    np.negative: of.negative,
    np.maximum: of.extreme("MAX"),
    np.minimum: of.extreme("MIN"),
    np.absolute: called("ABS"),
    np.sqrt: called("SQRT"),
    np.exp: called("EXP"),
    np.expm1: lambda x: of.minus(called("EXP")(x), formula(1)),
    np.log: called("LN"),
    np.log1p: lambda x: called("LN")(of.plus(formula(1), x)),
    np.tanh: called("TANH"),
    np.sinh: called("SINH"),
    np.sin: called("SIN"),
    np.cos: called("COS"),
    np.less: compared("<"),
    np.less_equal: compared("<="),
    np.greater: compared(">"),
    np.greater_equal: compared(">="),
}
ON_CONDITIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.equal: of.equal,  # also of numbers
    np.bitwise_and: of.both,
    np.bitwise_or: of.either,
    np.invert: called("NOT"),
}


def _entrywise(ufunc: np.ufunc) -> np.ufunc:
    """The same of formulas, entry by entry. Raises NotExpressibleError."""
    function = ON_CONDITIONS.get(ufunc)
    if function is None:
        of_numbers = ON_NUMBERS.get(ufunc)
        if of_numbers is None:
            raise NotExpressibleError(f"a spreadsheet has no counterpart of {ufunc.__name__}")

        def function(*operands: Any) -> Formula:
            return of_numbers(*map(formula, operands))

    return np.frompyfunc(function, ufunc.nin, 1)


class Cells(np.ndarray[Any, Any]):
    """A matrix of formulas, or a 0-d array of one."""

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *operands: Any, **options: Any
    ) -> Cells:
        entrywise = _entrywise(ufunc)
        plain = [_plain(each) for each in operands]
        if method == "reduce":
            return cells(_reduced(entrywise, plain[0], options["axis"], options["keepdims"]))
        return cells(getattr(entrywise, method)(*plain, **_along(options)))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, operands: Any, options: Any
    ) -> Any:
        if function is np.where:
            chosen = np.frompyfunc(of.chosen, 3, 1)
            return cells(chosen(*map(_plain, operands)))
        return super().__array_function__(function, types, operands, options)

    def rearranged(self, arrangement: Callable[[Any], Any]) -> Cells:
        """The same formulas placed otherwise, with zeros where there is none."""
        return cells(arrangement(_plain(self)))

    def erfc(self) -> Cells:
        return cells(np.frompyfunc(called("ERFC"), 1, 1)(_plain(self)))


def cells(values: Any) -> Cells:
    """Formulas and numbers as a matrix of formulas."""
    return np.asarray(np.frompyfunc(formula, 1, 1)(_plain(values)), dtype=object).view(Cells)


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Cells) else np.asarray(value)


def _along(options: Mapping[str, Any]) -> dict[str, Any]:
    return {"axis": options["axis"]} if "axis" in options else {}


def _reduced(function: np.ufunc, x: Any, axis: Any, keepdims: Any) -> Any:
    """Axis by axis: a function that is not NumPy's own can't be taken over several at once."""
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
    for each in axes:
        x = function.reduce(x, axis=each, keepdims=True)
    return x if keepdims else np.squeeze(x, axis=tuple(axes))
