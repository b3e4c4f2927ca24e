"""The operations of equations: how each evaluates and its output's shape, a row each.

Their gradients are operations, too: ``upstream`` (the gradient that has arrived) times the local
derivative, in one step. All take stacks of matrices along leading axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import product
from typing import Any

import numpy as np

from backtrace.functions.activations import Parameters, filled, softmax
from backtrace.functions.array import AnyArray
from backtrace.functions.elementary import FUNCTIONS, power_is_rational
from backtrace.functions.losses import LOSSES
from backtrace.tape.arguments import arranged, zeros
from backtrace.tape.setting import Operation, Setting, Shape

_AXES = {"row": -1, "column": -2}  # over which is added up, for one value a row, a column


def sized(shape: Shape) -> str:
    return " × ".join(map(str, shape))


# Entry by entry


def _plus(s: Setting, p: Parameters, x: AnyArray, y: AnyArray) -> AnyArray:
    return x + y


def _minus(s: Setting, p: Parameters, x: AnyArray, y: AnyArray) -> AnyArray:
    return x - y


def _times(s: Setting, p: Parameters, x: AnyArray, y: AnyArray) -> AnyArray:
    return x * y + 0  # to a float, −3.4 · 0 is −0


def _over(s: Setting, p: Parameters, x: AnyArray, y: AnyArray) -> AnyArray:
    return x / y


def _larger(s: Setting, p: Parameters, x: AnyArray, y: AnyArray) -> AnyArray:
    return np.maximum(x, y)


def _smaller(s: Setting, p: Parameters, x: AnyArray, y: AnyArray) -> AnyArray:
    return np.minimum(x, y)


def _negate(s: Setting, p: Parameters, x: AnyArray) -> AnyArray:
    return 0 - x  # no −0


def broadcast_shape(s: Setting, p: Parameters, x: Shape, y: Shape) -> Shape:
    """The shape of two that are taken entry by entry: a row, a column, a number are repeated."""
    if any(a != b and 1 not in (a, b) for a, b in zip(x, y, strict=True)):
        raise ValueError(f"a {sized(x)} matrix with a {sized(y)} matrix, entry by entry")
    return tuple(max(a, b) for a, b in zip(x, y, strict=True))


def _over_slope(
    s: Setting, p: Parameters, upstream: AnyArray, x: AnyArray, y: AnyArray
) -> AnyArray:
    """∂(x/y)/∂y = −x/y²."""
    return 0 - upstream * x / (y * y)


def _larger_slope(
    s: Setting, p: Parameters, upstream: AnyArray, x: AnyArray, y: AnyArray
) -> AnyArray:
    """Where the first (``of`` 1) or the second is chosen; of two equal ones the first has it."""
    first = (x >= y) if p["largest"] else (x <= y)
    return np.where(first == (p["of"] == 1), upstream, filled(upstream, 0))


def _chain(
    s: Setting, p: Parameters, upstream: AnyArray, z: AnyArray, *learned: AnyArray
) -> AnyArray:
    """From z, or, behind it, from the value of the step that ``slope_from`` names."""
    row = FUNCTIONS[p["activation"]]
    if "slope_from" in p and learned and row.derivative_from_activation is not None:
        return upstream * row.derivative_from_activation(learned[-1], p) + 0
    return upstream * row.derivative(z, row.at(p, learned)) + 0


def _first(s: Setting, p: Parameters, *shapes: Shape) -> Shape:
    return shapes[0]


def _broadcast_upstream(s: Setting, p: Parameters, upstream: Shape, *others: Shape) -> Shape:
    return upstream


# Rows and columns


def _softmax(s: Setting, p: Parameters, z: AnyArray) -> AnyArray:
    return softmax(z, axis=softmax_axis(s, p))


def softmax_axis(s: Setting, p: Parameters) -> int:
    """Along which axis the parts of one softmax lie: a sample's, unless ``each`` says."""
    return _AXES[p["each"]] if "each" in p else -1 - s.sample_axis


def _softmax_slope(s: Setting, p: Parameters, upstream: AnyArray, a: AnyArray) -> AnyArray:
    """(diag(a) − a aᵀ) · upstream, each row or column by itself."""
    product = upstream * a
    return product - a * np.sum(product, axis=softmax_axis(s, p), keepdims=True)


def _axes(p: Parameters) -> Any:
    return _AXES[p["each"]] if "each" in p else (-2, -1)


def _reduce(s: Setting, p: Parameters, x: AnyArray) -> AnyArray:
    return REDUCTIONS[p["reduce"]](x, p)


def _sum(x: AnyArray, p: Parameters) -> AnyArray:
    return np.sum(x, axis=_axes(p), keepdims=True)


def _mean(x: AnyArray, p: Parameters) -> AnyArray:
    return _sum(x, p) / entries_of(p, x.shape)


def entries_of(p: Parameters, shape: Shape) -> int:
    """How many entries a reduction takes together."""
    return {"row": shape[-1], "column": shape[-2]}.get(p.get("each", ""), shape[-1] * shape[-2])


def _max(x: AnyArray, p: Parameters) -> AnyArray:
    return np.max(x, axis=_axes(p), keepdims=True)


def _var(x: AnyArray, p: Parameters) -> AnyArray:
    centred = x - _mean(x, p)
    return _sum(centred * centred, p) / freedom(p, x.shape)


def freedom(p: Parameters, shape: Shape) -> int:
    """What a variance is divided by: n, or n − 1 where it is unbiased."""
    return entries_of(p, shape) - bool(p.get("unbiased"))


REDUCTIONS: dict[str, Callable[[AnyArray, Parameters], AnyArray]] = {
    "sum": _sum,
    "mean": _mean,
    "max": _max,
    "var": _var,
}


def _reduce_shape(s: Setting, p: Parameters, x: Shape) -> Shape:
    if p["reduce"] == "var" and freedom(p, x) < 1:
        raise ValueError("an unbiased variance of a single number")
    return {"row": (x[0], 1), "column": (1, x[1])}.get(p.get("each", ""), (1, 1))


def _reduce_slope(s: Setting, p: Parameters, upstream: AnyArray, x: AnyArray) -> AnyArray:
    if p["reduce"] == "max":
        return np.where(winners(x, p), upstream, filled(upstream, 0))
    if p["reduce"] == "var":
        return upstream * 2 * (x - _mean(x, p)) / freedom(p, x.shape)
    spread = upstream + filled(x, 0)  # not x · 0: of an infinite x that is no number
    return spread / entries_of(p, x.shape) if p["reduce"] == "mean" else spread


def winners(x: AnyArray, p: Parameters) -> AnyArray:
    """The largest entry, the first of several; row after row where all are taken together."""
    if "each" in p:
        return _first_largest(x, _AXES[p["each"]])
    flat = x.reshape(*x.shape[:-2], -1)
    return _first_largest(flat, -1).reshape(*x.shape)


def _first_largest(x: AnyArray, axis: int) -> AnyArray:
    is_largest = x == np.max(x, axis=axis, keepdims=True)
    return is_largest & (np.cumsum(is_largest, axis=axis) == 1)


def _spread_shape(s: Setting, p: Parameters, upstream: Shape, x: Shape) -> Shape:
    return x


# Placing


def _stack(s: Setting, p: Parameters, *parts: AnyArray) -> AnyArray:
    most = max(parts, key=lambda part: part.ndim)
    if most.ndim > 2:  # a stack of matrices beside single ones, the same for all
        lead = most.shape[:-2]
        parts = tuple(np.broadcast_to(x, (*lead, *x.shape[-2:])) for x in parts)
    return np.concatenate(parts, axis=-1 if p["beside"] else -2)


def _stack_shape(s: Setting, p: Parameters, *shapes: Shape) -> Shape:
    along, across = (1, 0) if p["beside"] else (0, 1)
    if len({shape[across] for shape in shapes}) > 1:
        listed = ", ".join(map(sized, shapes))
        what = "rows" if p["beside"] else "columns"
        raise ValueError(f"matrices of {listed}, which differ in {what}")
    total = sum(shape[along] for shape in shapes)
    return (shapes[0][0], total) if p["beside"] else (total, shapes[0][1])


def _reshape(s: Setting, p: Parameters, x: AnyArray) -> AnyArray:
    return arranged(x, lambda x: x.reshape(*x.shape[:-2], *p["shape"]))


def _reshape_shape(s: Setting, p: Parameters, x: Shape) -> Shape:
    rows, columns = p["shape"]
    if rows * columns != x[0] * x[1]:
        raise ValueError(f"a {sized(x)} matrix, {x[0] * x[1]} numbers, as {rows} × {columns}")
    return rows, columns


def _rows(s: Setting, p: Parameters, x: AnyArray) -> AnyArray:
    return arranged(x, lambda x: x[..., [row - 1 for row in p["rows"]], :])


def _rows_shape(s: Setting, p: Parameters, x: Shape) -> Shape:
    if max(p["rows"]) > x[0]:
        raise ValueError(f"row {max(p['rows'])} of a {sized(x)} matrix")
    return len(p["rows"]), x[1]


def _rows_slope(s: Setting, p: Parameters, upstream: AnyArray) -> AnyArray:
    """Each row back where it was taken from; one taken twice gets both."""
    height = p["height"]

    def placed(row: int, place: int) -> AnyArray:
        def arrangement(x: AnyArray) -> AnyArray:
            whole = zeros(x, (height, x.shape[-1]))
            whole[..., row - 1, :] = x[..., place, :]
            return whole

        return arranged(upstream, arrangement)

    parts = [placed(row, place) for place, row in enumerate(p["rows"])]
    return sum(parts[1:], parts[0])


def _rows_slope_shape(s: Setting, p: Parameters, upstream: Shape) -> Shape:
    return p["height"], upstream[1]


def _eye(s: Setting, p: Parameters) -> AnyArray:
    return np.eye(p["size"])


def _eye_shape(s: Setting, p: Parameters) -> Shape:
    return p["size"], p["size"]


def _number(s: Setting, p: Parameters, value: AnyArray) -> AnyArray:
    return value


def padded(x: AnyArray, width: int) -> AnyArray:
    """Zeros all around, so many on each side."""
    if not width:
        return x

    def arrangement(x: AnyArray) -> AnyArray:
        height, breadth = x.shape[-2:]
        whole = zeros(x, (height + 2 * width, breadth + 2 * width))
        whole[..., width : width + height, width : width + breadth] = x
        return whole

    return arranged(x, arrangement)


def _pad(s: Setting, p: Parameters, x: AnyArray) -> AnyArray:
    return padded(x, p["width"])


def _pad_shape(s: Setting, p: Parameters, x: Shape) -> Shape:
    return x[0] + 2 * p["width"], x[1] + 2 * p["width"]


# Windows


def window_count(size: int, window: int, stride: int) -> int:
    return (size - window) // stride + 1


def windows(x: AnyArray, window: Shape, stride: int) -> Iterator[AnyArray]:
    """For each place in a window, row after row, that entry of every window."""
    height = window_count(x.shape[-2], window[0], stride)
    breadth = window_count(x.shape[-1], window[1], stride)
    for u, v in product(range(window[0]), range(window[1])):
        rows = slice(u, u + stride * (height - 1) + 1, stride)
        yield x[..., rows, slice(v, v + stride * (breadth - 1) + 1, stride)]


def spread_windows(parts: list[AnyArray], window: Shape, stride: int, shape: Shape) -> AnyArray:
    """The way back of ``windows``: what belongs to each place, added up where windows overlap."""

    def placed(part: AnyArray, u: int, v: int) -> AnyArray:
        def arrangement(x: AnyArray) -> AnyArray:
            whole = zeros(x, shape)
            rows = slice(u, u + stride * (x.shape[-2] - 1) + 1, stride)
            whole[..., rows, slice(v, v + stride * (x.shape[-1] - 1) + 1, stride)] = x
            return whole

        return arranged(part, arrangement)

    places = product(range(window[0]), range(window[1]))
    each = [placed(part, u, v) for part, (u, v) in zip(parts, places, strict=True)]
    return sum(each[1:], each[0])


def _turned(k: AnyArray, p: Parameters) -> AnyArray:
    """The kernel by half a turn, for the convolution proper."""
    return k[..., ::-1, ::-1] if p.get("flip") else k


def _entries(k: AnyArray) -> Iterator[AnyArray]:
    for u, v in product(range(k.shape[-2]), range(k.shape[-1])):
        yield k[..., u : u + 1, v : v + 1]


def _conv(s: Setting, p: Parameters, x: AnyArray, k: AnyArray) -> AnyArray:
    x, k = padded(x, p["padding"]), _turned(k, p)
    places = windows(x, k.shape[-2:], p["stride"])
    terms = [entry * part for entry, part in zip(_entries(k), places, strict=True)]
    return sum(terms[1:], terms[0])


def _conv_shape(s: Setting, p: Parameters, x: Shape, k: Shape) -> Shape:
    size = tuple(length + 2 * p["padding"] for length in x)
    if size[0] < k[0] or size[1] < k[1]:
        padding = f", {sized(size)} with its padding" if p["padding"] else ""
        raise ValueError(f"a {sized(k)} kernel on a {sized(x)} matrix{padding}")
    return tuple(window_count(a, b, p["stride"]) for a, b in zip(size, k, strict=True))


def _conv_input(
    s: Setting, p: Parameters, upstream: AnyArray, k: AnyArray, x: AnyArray
) -> AnyArray:
    """∂/∂x: every entry of the upstream gradient times the kernel, laid over its window."""
    k = _turned(k, p)
    width = p["padding"]
    height, breadth = x.shape[-2], x.shape[-1]
    shape = (height + 2 * width, breadth + 2 * width)
    parts = [upstream * entry for entry in _entries(k)]
    whole = spread_windows(parts, k.shape[-2:], p["stride"], shape)
    return whole[..., width : width + height, width : width + breadth]


def _conv_kernel(
    s: Setting, p: Parameters, upstream: AnyArray, x: AnyArray, k: AnyArray
) -> AnyArray:
    """∂/∂k: for each place of the kernel the sum over all windows of upstream · what lay there."""
    x = padded(x, p["padding"])
    sums = [
        np.sum(upstream * part, axis=(-2, -1), keepdims=True)
        for part in windows(x, k.shape[-2:], p["stride"])
    ]
    breadth = k.shape[-1]
    lines = [sums[at : at + breadth] for at in range(0, len(sums), breadth)]
    rows = [np.concatenate(line, axis=-1) if breadth > 1 else line[0] for line in lines]
    return _turned(np.concatenate(rows, axis=-2) if len(rows) > 1 else rows[0], p)


def _second_of(s: Setting, p: Parameters, upstream: Shape, other: Shape, like: Shape) -> Shape:
    return like


def _conv_transpose(s: Setting, p: Parameters, x: AnyArray, k: AnyArray) -> AnyArray:
    parts = [x * entry for entry in _entries(k)]
    return spread_windows(
        parts, k.shape[-2:], p["stride"], _conv_transpose_shape(s, p, x.shape[-2:], k.shape[-2:])
    )


def _conv_transpose_shape(s: Setting, p: Parameters, x: Shape, k: Shape) -> Shape:
    return tuple((a - 1) * p["stride"] + b for a, b in zip(x, k, strict=True))


def _pool(s: Setting, p: Parameters, x: AnyArray) -> AnyArray:
    size = (p["size"], p["size"])
    places = list(windows(x, size, p["stride"]))
    if p["pool"] == "max":
        return reduce(np.maximum, places)
    return sum(places[1:], places[0]) / len(places)


def _pool_shape(s: Setting, p: Parameters, x: Shape) -> Shape:
    if min(x) < p["size"]:
        raise ValueError(f"windows of {p['size']} × {p['size']} on a {sized(x)} matrix")
    rows, columns = (window_count(length, p["size"], p["stride"]) for length in x)
    return rows, columns


def _pool_slope(s: Setting, p: Parameters, upstream: AnyArray, x: AnyArray) -> AnyArray:
    size = (p["size"], p["size"])
    if p["pool"] == "mean":
        parts = [upstream / (size[0] * size[1])] * (size[0] * size[1])
    else:
        parts = [np.where(wins, upstream, filled(upstream, 0)) for wins in pool_winners(p, x)]
    return spread_windows(parts, size, p["stride"], x.shape[-2:])


def pool_winners(p: Parameters, x: AnyArray) -> list[AnyArray]:
    """For each place in a window, of which windows it is the largest, the first of several."""
    places = list(windows(x, (p["size"], p["size"]), p["stride"]))
    most = reduce(np.maximum, places)
    taken = np.zeros(most.shape, dtype=bool)
    found = []
    for place in places:
        wins = (place == most) & ~taken
        taken = taken | wins
        found.append(wins)
    return found


# Losses


def loss_terms(s: Setting, p: Parameters, a: AnyArray, y: AnyArray) -> AnyArray:
    """The addends of a loss, in the layout of its operands."""
    return s.rows(LOSSES[p["loss"]].terms(s.rows(a), s.rows(y), p))


def _loss(s: Setting, p: Parameters, a: AnyArray, y: AnyArray) -> AnyArray:
    total = np.sum(loss_terms(s, p, a, y), axis=(-2, -1), keepdims=True)
    return total / p["samples"] if "samples" in p else total


def _loss_shape(s: Setting, p: Parameters, a: Shape, y: Shape) -> Shape:
    if a != y:
        raise ValueError(f"a prediction of {sized(a)} with a target of {sized(y)}")
    return 1, 1


def _loss_slope(
    s: Setting, p: Parameters, upstream: AnyArray, a: AnyArray, y: AnyArray
) -> AnyArray:
    row = LOSSES[p["loss"]]
    if p.get("of") == 2:
        slope = target_gradient(s, p, a, y)
    elif row.from_error:
        slope = row.gradient(a - y, p)
    else:
        slope = s.rows(row.gradient(s.rows(a), s.rows(y), p))
    slope = upstream * slope
    return slope / p["samples"] if "samples" in p else slope


def target_gradient(s: Setting, p: Parameters, a: AnyArray, y: AnyArray) -> AnyArray:
    """∂terms/∂y: of a loss of the error the negative of that by the prediction."""
    row = LOSSES[p["loss"]]
    if row.from_error:
        return 0 - row.gradient(a - y, p)
    return BY_TARGET[p["loss"]](a, y)


BY_TARGET: dict[str, Callable[[AnyArray, AnyArray], AnyArray]] = {
    "cross_entropy": lambda a, y: 0 - np.log(a),
    "binary_cross_entropy": lambda a, y: np.log(1 - a) - np.log(a),
    "kl": lambda a, y: np.log(y) + 1 - np.log(a),
    "binary_hinge": lambda a, y: np.where(y * a < 1, 0 - a, filled(a, 0)),
}


def _loss_slope_shape(s: Setting, p: Parameters, upstream: Shape, a: Shape, y: Shape) -> Shape:
    return a


# Whether fractions stay fractions


def function_is_rational(p: Parameters) -> bool:
    is_power = p["activation"] == "power"
    return power_is_rational(p) if is_power else FUNCTIONS[p["activation"]].rational


def slope_is_rational(p: Parameters) -> bool:
    return "slope_from" in p or function_is_rational(p)


def loss_is_rational(p: Parameters) -> bool:
    return LOSSES[p["loss"]].rational


def never_rational(p: Parameters) -> bool:
    return False


EQUATION_OPERATIONS: dict[str, Operation] = {
    "plus": Operation(_plus, broadcast_shape),
    "minus": Operation(_minus, broadcast_shape),
    "times": Operation(_times, broadcast_shape),
    "over": Operation(_over, broadcast_shape),
    "negate": Operation(_negate, _first),
    "larger": Operation(_larger, broadcast_shape),
    "smaller": Operation(_smaller, broadcast_shape),
    "over_slope": Operation(_over_slope, _broadcast_upstream),
    "larger_slope": Operation(_larger_slope, _broadcast_upstream),
    "chain": Operation(_chain, _first, slope_is_rational),
    "softmax": Operation(_softmax, _first, never_rational),
    "softmax_slope": Operation(_softmax_slope, _first, never_rational),
    "reduce": Operation(_reduce, _reduce_shape),
    "reduce_slope": Operation(_reduce_slope, _spread_shape),
    "stack": Operation(_stack, _stack_shape),
    "reshape": Operation(_reshape, _reshape_shape),
    "rows": Operation(_rows, _rows_shape),
    "rows_slope": Operation(_rows_slope, _rows_slope_shape),
    "eye": Operation(_eye, _eye_shape),
    "number": Operation(_number, _first),
    "pad": Operation(_pad, _pad_shape),
    "conv": Operation(_conv, _conv_shape),
    "conv_input": Operation(_conv_input, _second_of),
    "conv_kernel": Operation(_conv_kernel, _second_of),
    "conv_transpose": Operation(_conv_transpose, _conv_transpose_shape),
    "pool": Operation(_pool, _pool_shape),
    "pool_slope": Operation(_pool_slope, _spread_shape),
    "loss_of": Operation(_loss, _loss_shape, loss_is_rational),
    "loss_slope": Operation(_loss_slope, _loss_slope_shape, loss_is_rational),
}
