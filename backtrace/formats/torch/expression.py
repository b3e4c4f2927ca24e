"""What a function of a table computes as an expression of PyTorch: it is worked on names.

An ``Expression`` goes where a function expects an array. NumPy hands it every operation, and it
keeps the text of each; so a function that PyTorch has no name for needs no second description.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backtrace.formats.registry import NotExpressibleError
from backtrace.formats.torch.python_text import constant
from backtrace.functions.number import Number

COMPARISON, CONJUNCTION, SUM, PRODUCT, MINUS, POWER, ATOM = range(7)  # how tightly each binds

INFIX = {
    np.add: ("+", SUM),
    np.subtract: ("-", SUM),
    np.multiply: ("*", PRODUCT),
    np.true_divide: ("/", PRODUCT),
    np.floor_divide: ("//", PRODUCT),
    np.power: ("**", POWER),
    np.matmul: ("@", PRODUCT),
    np.bitwise_and: ("&", CONJUNCTION),
    np.less: ("<", COMPARISON),
    np.less_equal: ("<=", COMPARISON),
    np.greater: (">", COMPARISON),
    np.greater_equal: (">=", COMPARISON),
    np.equal: ("==", COMPARISON),
    np.not_equal: ("!=", COMPARISON),
}
BOUNDS = {np.maximum: "min", np.minimum: "max"}  # the larger of z and 0 is z.clamp(min=0)
RENAMED = {"absolute": "abs", "arctan": "atan", "arcsinh": "asinh"}
REDUCED = {np.sum: "sum", np.mean: "mean", np.max: "amax", np.min: "amin"}


class Expression(np.lib.mixins.NDArrayOperatorsMixin):
    """The text of a number or a tensor (a sample a row), and how tightly it binds."""

    dtype, ndim, shape = np.dtype(object), 2, ()  # such as nothing is worked otherwise for it

    def __init__(
        self, text: str, binding: int = ATOM, *, value: float | None = None, tensor: bool = True
    ) -> None:
        self.text = text
        self.binding = binding
        self.value = value
        self.tensor = tensor
        self.negated: Expression | None = None  # of −x, x

    @classmethod
    def number(cls, value: Number | float, text: str = "") -> Expression:
        """A number as it is written, or by the name ``text``."""
        written = text or constant(value)
        binding = PRODUCT if "/" in written else MINUS if written.startswith("-") else ATOM
        return cls(written, binding, value=float(value), tensor=False)

    def __str__(self) -> str:
        return self.text

    def __int__(self) -> int:
        assert self.value is not None
        return int(self.value)

    def within(self, binding: int) -> str:
        """The text where it stands beside an operator, in parentheses if it binds less."""
        return self.text if self.binding >= binding else f"({self.text})"

    def __array_ufunc__(
        self, function: np.ufunc, method: str, *operands: Any, **options: Any
    ) -> Expression:
        if method != "__call__" or options:
            raise _inexpressible(f"{function.__name__}.{method}")
        parts = [_part(operand) for operand in operands]
        tensor = any(part.tensor for part in parts)
        if function is np.add and parts[1].negated is not None:
            function, parts = np.subtract, [parts[0], parts[1].negated]
        if function in INFIX:
            return _infix(*INFIX[function], *parts, tensor=tensor)
        if function is np.negative:
            return _negative(parts[0])
        if function in BOUNDS and not all(part.tensor for part in parts):
            bound, clamped = sorted(parts, key=lambda part: part.tensor)
            return Expression(f"{clamped.within(ATOM)}.clamp({BOUNDS[function]}={bound})")
        name = RENAMED.get(function.__name__, function.__name__)
        return _call(name, parts, tensor=tensor)

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        operands: tuple[Any, ...],
        options: Mapping[str, Any],
    ) -> Expression:
        if function is np.where:
            return _call("where", [_part(operand) for operand in operands], tensor=True)
        if function not in REDUCED or len(operands) > 1:
            raise _inexpressible(function.__name__)
        axis, keep = options.get("axis"), options.get("keepdims", False)
        along = "" if axis is None else f"{axis}, keepdim=True" if keep else str(axis)
        return Expression(f"{operands[0].within(ATOM)}.{REDUCED[function]}({along})")


def _inexpressible(name: str) -> NotExpressibleError:
    return NotExpressibleError(f"PyTorch has no counterpart of {name}, which the spec asks for")


def _part(operand: Any) -> Expression:
    return operand if isinstance(operand, Expression) else Expression.number(_plain(operand))


def _plain(operand: Any) -> float:
    """A number, also where NumPy or ``filled`` has wrapped it."""
    return operand if isinstance(operand, float) else float(np.asarray(operand).item())


def _negative(part: Expression) -> Expression:
    negative = Expression(f"-{part.within(MINUS)}", MINUS, tensor=part.tensor)
    negative.negated = part
    return negative


def _call(name: str, parts: list[Expression], *, tensor: bool) -> Expression:
    arguments = ", ".join(part.text for part in parts)
    return Expression(f"{'torch' if tensor else 'np'}.{name}({arguments})", tensor=tensor)


def _infix(
    sign: str, binding: int, left: Expression, right: Expression, *, tensor: bool
) -> Expression:
    if sign == "*" and left.text == right.text:
        return Expression(f"{left.within(ATOM)} ** 2", POWER, tensor=tensor)
    if sign == "*" and 1 in (left.value, right.value):
        return right if left.value == 1 else left
    tight = binding in (COMPARISON, POWER)  # neither a < b < c nor a ** b ** c is meant
    first = left.within(binding + 1 if tight else binding)
    second = right.within(binding if sign == "+" else binding + 1)
    return Expression(f"{first} {sign} {second}", binding, tensor=tensor)
