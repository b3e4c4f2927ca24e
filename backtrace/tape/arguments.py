"""What an operation is given where a line of equations says more than a name.

``K.T``, ``x[2,:]`` and numbers are no steps of their own: a step's ``arguments`` say how its
operands are taken. Each is a list of views of the next operand, in order, ``"T"`` or
``[rows, columns]`` (both ends from 1, None for all), or the name of the parameter that holds a
number. A gradient goes the way back: ``summed`` over what was broadcast, then placed by ``undo``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.activations import Parameters
from backtrace.functions.array import AnyArray
from backtrace.functions.number import Number
from backtrace.tape.setting import Shape

Cut: TypeAlias = "list[list[int] | None]"  # rows and columns
ArgumentView: TypeAlias = "str | Cut"

TRANSPOSED = "T"
_SUMS: dict[str, Any] = {"rows": -1, "columns": -2, "all": (-2, -1)}


class Argument(msgspec.Struct, frozen=True):
    """One of a step's arguments: a view of the quantity ``id``, or a number."""

    id: str = ""
    views: tuple[ArgumentView, ...] = ()
    number: Number | None = None


def described(arguments: Sequence[Argument]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The operands of a step, and the parameters that say how they are taken."""
    operands = tuple(each.id for each in arguments if each.number is None)
    if not any(each.views or each.number is not None for each in arguments):
        return operands, {}
    parameters: dict[str, Any] = {"arguments": []}
    for place, each in enumerate(arguments, 1):
        if each.number is None:
            parameters["arguments"].append(list(each.views))
        else:
            parameters["arguments"].append(f"number{place}")
            parameters[f"number{place}"] = each.number
    return operands, parameters


def arguments_of(operands: Sequence[str], parameters: Parameters) -> list[Argument]:
    """The arguments of a step, as ``described`` wrote them."""
    if "arguments" not in parameters:
        return [Argument(id) for id in operands]
    ids = iter(operands)
    return [
        Argument(number=parameters[each])
        if isinstance(each, str)
        else Argument(next(ids), tuple(each))
        for each in parameters["arguments"]
    ]


def taken(parameters: Parameters, operands: Sequence[AnyArray]) -> list[AnyArray]:
    """What the operation is given."""
    if "arguments" not in parameters:
        return list(operands)
    values = iter(operands)
    found = [
        _number(parameters[each]) if isinstance(each, str) else viewed(next(values), each)
        for each in parameters["arguments"]
    ]
    return [*found, *values]  # what it is worked from besides is taken as it is


def handed_back(parameters: Parameters, value: AnyArray) -> AnyArray:
    """The value of a step: a gradient in the shape of what it is the gradient of."""
    if "summed" in parameters:
        value = np.sum(value, axis=_SUMS[parameters["summed"]], keepdims=True)
    if "undo" in parameters:
        value = _undone(value, parameters["undo"], tuple(parameters["into"]))
    return value


def viewed(value: AnyArray, views: Sequence[ArgumentView]) -> AnyArray:
    for view in views:
        value = arranged(value, partial(_view, view=view))
    return value


def _view(x: AnyArray, view: ArgumentView) -> AnyArray:
    if view == TRANSPOSED:
        return x.swapaxes(-1, -2)
    rows, columns = (_slice(each) for each in view)
    return x[..., rows, columns]


def _slice(span: Any) -> slice:
    return slice(None) if span is None else slice(span[0] - 1, span[1])


def _number(value: Any) -> AnyArray:
    return np.array([[value]])


def _undone(value: AnyArray, views: Sequence[ArgumentView], shape: Shape) -> AnyArray:
    """Zeros of ``shape`` with ``value`` where the views took it from."""
    stages = [shape]
    for view in views:
        stages.append(_view(np.broadcast_to(0.0, stages[-1]), view).shape)
    for view, before in zip(reversed(views), reversed(stages[:-1]), strict=True):
        value = arranged(value, partial(_placed, view=view, shape=before))
    return value


def _placed(x: AnyArray, view: ArgumentView, shape: Shape) -> AnyArray:
    if view == TRANSPOSED:
        return x.swapaxes(-1, -2)
    whole = zeros(x, shape)
    rows, columns = (_slice(each) for each in view)
    whole[..., rows, columns] = x
    return whole


def zeros(like: AnyArray, shape: Shape) -> AnyArray:
    """Zeros in the arithmetic of ``like``, for each of a stack."""
    whole = np.zeros((*like.shape[:-2], *shape), dtype=like.dtype)
    if like.dtype == object:
        from fractions import Fraction

        whole.fill(Fraction(0))
    return whole


def arranged(x: AnyArray, arrangement: Callable[[AnyArray], AnyArray]) -> AnyArray:
    """``x`` with its entries placed otherwise; what stands for an array does so by itself."""
    own = getattr(x, "rearranged", None)
    return arrangement(x) if own is None else own(arrangement)


def summed_over(whole: Shape, shape: Shape) -> Parameters:
    """How a gradient of the shape ``whole`` comes back to what was broadcast from ``shape``."""
    rows, columns = (a != b for a, b in zip(whole, shape, strict=True))
    if not rows and not columns:
        return {}
    return {"summed": "all" if rows and columns else "columns" if rows else "rows"}


def argument_shapes(parameters: Parameters, shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes of a step's arguments, from those of its operands. ValueError, in words, where a
    part lies outside."""
    if "arguments" not in parameters:
        return list(shapes)
    rest, found = iter(shapes), list[Shape]()
    for each in parameters["arguments"]:
        if isinstance(each, str):
            found.append((1, 1))
            continue
        shape: Shape = next(rest)
        for view in each:
            shape = _view_shape(shape, view)
        found.append(shape)
    return found


def _view_shape(shape: Shape, view: ArgumentView) -> Shape:
    if view == TRANSPOSED:
        return shape[1], shape[0]
    sizes = []
    for span, size, what in zip(view, shape, ("row", "column"), strict=True):
        if span is not None and span[1] > size:  # type: ignore[operator]
            raise ValueError(f"{what} {span[1]} of a {shape[0]} × {shape[1]} matrix")
        sizes.append(size if span is None else span[1] - span[0] + 1)  # type: ignore[operator]
    return tuple(sizes)


def handed_back_shape(parameters: Parameters, shape: Shape) -> Shape:
    return np.shape(handed_back(parameters, np.zeros(shape))) if shape else shape
