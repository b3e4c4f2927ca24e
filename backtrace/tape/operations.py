"""The operations of the tape: how each evaluates, its output's shape, whether it stays rational.

Values are 2-D arrays in the spec's layout, scalars 0-d arrays; parameters are numbers of the
arithmetic in use. The operations of the forward part also take stacks, K values along leading
axes, with operands that are the same for all K as they are: K networks at once.

Every operation is linear algebra on what it is given: the ½, the 1/n and the sign of a convention
are in its parameters or in the ``Setting``, never in a branch of a reader.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backtrace.functions import penalties
from backtrace.functions.activations import (
    Parameters,
    filled,
    softmax,
    softmax_jacobian,
    summed,
)
from backtrace.functions.array import AnyArray
from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import momentums
from backtrace.tape.equation_operations import (
    EQUATION_OPERATIONS,
    broadcast_shape,
    function_is_rational,
    loss_is_rational,
    never_rational,
    slope_is_rational,
)
from backtrace.tape.setting import Operation, Setting, Shape, transposed


def _sum(x: AnyArray) -> AnyArray:
    """The sum of a matrix's entries, or of each of a stack."""
    return np.sum(x) if x.ndim == 2 else np.sum(x, axis=(-2, -1))


def mean(x: AnyArray, p: Parameters) -> AnyArray:
    """``x`` with the 1/n that ``p`` asks for, where it does."""
    return x / p["samples"] if "samples" in p else x


def _matmul(s: Setting, p: Parameters, x: AnyArray, y: AnyArray) -> AnyArray:
    x, y = matmul_operands(s, p, x, y)
    return mean(np.dot(x, y) if x.ndim == y.ndim == 2 else x @ y, p)


def matmul_operands(
    s: Setting, p: Parameters, x: AnyArray, y: AnyArray
) -> tuple[AnyArray, AnyArray]:
    """The two factors as they stand in the product: without a bias line, transposed."""
    omit, transpose = p.get("omit", ""), p.get("transpose", "")
    if omit:
        first = p["omit_from"] == "first"
        x, y = (s.without_bias(x, omit), y) if first else (x, s.without_bias(y, omit))
    x = transposed(x) if transpose == "first" else x
    return x, (transposed(y) if transpose == "second" else y)


def _matmul_shape(s: Setting, p: Parameters, x: Shape, y: Shape) -> Shape:
    first, second = matmul_operands(s, p, np.empty(x), np.empty(y))
    if first.shape[1] != second.shape[0]:
        raise ValueError(
            f"a {first.shape[0]} × {first.shape[1]} matrix times a {second.shape[0]} × "
            f"{second.shape[1]} matrix: {first.shape[1]} columns meet {second.shape[0]} rows"
        )
    return (first.shape[0], second.shape[1])


def _add_bias(s: Setting, p: Parameters, product: AnyArray, b: AnyArray) -> AnyArray:
    return product - b if p.get("subtract") else product + b


def _bias_shape(s: Setting, p: Parameters, product: Shape, b: Shape) -> Shape:
    units = product[1 - s.sample_axis]
    line = (1, units) if s.sample_axis == 0 else (units, 1)
    if b not in ((1, 1), line):
        raise ValueError(f"a bias of {b[0]} × {b[1]} where {line[0]} × {line[1]} is needed")
    return product


def _activate(s: Setting, p: Parameters, z: AnyArray, *learned: AnyArray) -> AnyArray:
    row = FUNCTIONS[p["activation"]]
    a = row.value(z, row.at(p, learned)) if row.elementwise else softmax(z, axis=-1 - s.sample_axis)
    return augmented(s, a, p.get("ones", ""))


def augmented(s: Setting, a: AnyArray, ones: str) -> AnyArray:
    """``a`` with a 1 before or after each sample; ``ones`` is "", "first" or "last"."""
    if not ones:
        return a
    axis = -1 - s.sample_axis
    line = filled(a[..., :1] if axis == -1 else a[..., :1, :], 1)
    return np.concatenate([line, a] if ones == "first" else [a, line], axis=axis)


def without_ones(s: Setting, p: Parameters, a: Any) -> Any:
    """An activation without the 1 for the next layer's bias that ``p`` says it carries."""
    ones = p.get("ones", "")
    if not ones:
        return a
    kept = slice(1, None) if ones == "first" else slice(None, -1)
    return a[:, kept] if s.sample_axis == 0 else a[kept]


def _activate_shape(s: Setting, p: Parameters, z: Shape, *learned: Shape) -> Shape:
    z = broadcast_shape(s, p, z, *learned) if learned else z
    if not p.get("ones"):
        return z
    return (z[0], z[1] + 1) if s.sample_axis == 0 else (z[0] + 1, z[1])


def _activation_derivative(s: Setting, p: Parameters, z: AnyArray, *learned: AnyArray) -> AnyArray:
    """From z, or, behind it, from the activation of the step that ``slope_from`` names."""
    row = FUNCTIONS[p["activation"]]
    if "slope_from" in p and learned:
        a = without_ones(s, p, learned[0])
        if row.derivative_from_activation is not None and row.elementwise:
            return row.derivative_from_activation(a, p)
        return s.rows(softmax_jacobian(s.rows(a)))
    if row.elementwise:
        return row.derivative(z, row.at(p, learned))
    return s.rows(softmax_jacobian(softmax(s.rows(z), axis=-1)))


def _derivative_shape(s: Setting, p: Parameters, z: Shape, *learned: Shape) -> Shape:
    if FUNCTIONS[p["activation"]].elementwise:
        return z
    n, k = z[s.sample_axis], z[1 - s.sample_axis]
    return (n * k, k) if s.sample_axis == 0 else (k, n * k)


def _chain_to_learned(s: Setting, p: Parameters, upstream: AnyArray, z: AnyArray) -> AnyArray:
    """Each entry's share of the gradient of what an activation learns."""
    by_learned = FUNCTIONS[p["activation"]].by_learned
    assert by_learned is not None
    return mean(upstream * by_learned(z, p) + 0, p)


def _upstream_shape(s: Setting, p: Parameters, upstream: Shape, z: Shape) -> Shape:
    return upstream


def _alike(s: Setting, p: Parameters, *shapes: Shape) -> Shape:
    if any(shape != shapes[0] for shape in shapes):
        listed = " and ".join(" × ".join(map(str, shape)) for shape in shapes)
        raise ValueError(f"matrices of {listed} where all must have one shape")
    return shapes[0]


def _loss_terms(
    s: Setting, p: Parameters, a: AnyArray, y: AnyArray | None = None, z: AnyArray | None = None
) -> AnyArray:
    row, target = LOSSES[p["loss"]], None if y is None else s.rows(y)
    if z is not None:
        return s.rows(row.stable[p["activation"]](s.rows(z), target, p))
    return s.rows(row.terms(s.rows(a), target, p))


def _total(s: Setting, p: Parameters, terms: AnyArray) -> AnyArray:
    return mean(_sum(terms), p)


def _scalar(s: Setting, p: Parameters, *shapes: Shape) -> Shape:
    return ()


def _add(s: Setting, p: Parameters, first: AnyArray, *others: AnyArray) -> AnyArray:
    return sum(others, first)


def _lambdas(p: Parameters) -> tuple[str, Any, Any, int]:
    return p["form"], p["l1"], p["l2"], p["over"]


def _penalty(s: Setting, p: Parameters, *weights: AnyArray) -> AnyArray:
    penalised = zip(weights, p["omit"], strict=True)
    parts = [penalties.penalty(s.without_bias(w, omit), *_lambdas(p)) for w, omit in penalised]
    return sum(parts[1:], parts[0])


def _loss_gradient(
    s: Setting, p: Parameters, x: AnyArray, y: AnyArray | None = None, z: AnyArray | None = None
) -> AnyArray:
    row, target = LOSSES[p["loss"]], None if y is None else s.rows(y)
    if row.from_error:  # x is the error, which has the sign of the convention already
        return mean(s.rows(row.gradient(s.rows(x), p)), p)
    if z is not None:
        gradient = row.stable_gradient[p["activation"]](s.rows(z), target, p)
    else:
        gradient = row.gradient(s.rows(x), target, p)
    gradient = mean(s.rows(gradient), p)
    return -gradient if s.descent else gradient


def _shortcut_delta(s: Setting, p: Parameters, a: AnyArray, y: AnyArray) -> AnyArray:
    return mean(y - a if s.descent else a - y, p)


def _error(s: Setting, p: Parameters, a: AnyArray, y: AnyArray) -> AnyArray:
    return y - a if s.descent else a - y


def _hadamard(
    s: Setting, p: Parameters, da: AnyArray, g: AnyArray, *limit_of: AnyArray
) -> AnyArray:
    product = da * g + 0  # to a float, -3.4 · 0 is -0
    return (
        np.where(np.isinf(da), _limit(s, p["saturated"], *limit_of), product)
        if limit_of
        else product
    )


def _jacobian_product(
    s: Setting, p: Parameters, da: AnyArray, g: AnyArray, *limit_of: AnyArray
) -> AnyArray:
    da, g = s.rows(da), s.rows(g)
    samples, k = da.shape
    product = np.einsum("sij,sj->si", g.reshape(samples, k, k), da)
    if limit_of:
        infinite = np.max(np.isinf(da), axis=-1, keepdims=True)
        product = np.where(infinite, s.rows(_limit(s, p["saturated"], *limit_of)), product)
    return s.rows(product)


def _limit(s: Setting, p: Parameters, z: AnyArray, y: AnyArray) -> AnyArray:
    """What the gradient of a loss times the slope of a saturated output comes to."""
    through = LOSSES[p["loss"]].through[p["activation"]]
    gradient = mean(s.rows(through(s.rows(z), s.rows(y), p)), p)
    return -gradient if s.descent else gradient


def _jacobian_shape(s: Setting, p: Parameters, da: Shape, g: Shape) -> Shape:
    return da


def _sum_samples(s: Setting, p: Parameters, delta: AnyArray) -> AnyArray:
    whole = np.sum(delta, keepdims=True) if p.get("all") else summed(delta, s.sample_axis - 2)
    total = mean(whole, p)
    return -total if p.get("negate") else total


def _sum_shape(s: Setting, p: Parameters, delta: Shape) -> Shape:
    if p.get("all"):
        return (1, 1)
    return (1, delta[1]) if s.sample_axis == 0 else (delta[0], 1)


def _add_penalty(s: Setting, p: Parameters, data: AnyArray, w: AnyArray) -> AnyArray:
    gradient = penalties.gradient(w, *_lambdas(p))
    if p.get("omit"):
        gradient = np.where(_bias_line(s, w, p["omit"]), filled(w, 0), gradient)
    return data - gradient if s.descent else data + gradient


def _bias_line(s: Setting, w: AnyArray, omit: str) -> AnyArray:
    """Of an augmented weight matrix, which entries are the bias."""
    line = np.zeros(w.shape, dtype=bool)
    at = 0 if omit == "first" else -1
    line[at if s.input_axis == 0 else (slice(None), at)] = True
    return line


def _gradient_norm(s: Setting, p: Parameters, *gradients: AnyArray) -> AnyArray:
    """√Σg² over every entry of all of them."""
    squares = [_sum(g * g) for g in gradients]
    return np.sqrt(sum(squares[1:], squares[0]))


def _clip_to_norm(s: Setting, p: Parameters, g: AnyArray, norm: AnyArray) -> AnyArray:
    return g * (p["limit"] / np.maximum(norm, p["limit"]))


def _clip_to_norm_shape(s: Setting, p: Parameters, g: Shape, norm: Shape) -> Shape:
    return g


def _clip_entries(s: Setting, p: Parameters, g: AnyArray) -> AnyArray:
    return np.minimum(np.maximum(g, -p["limit"]), p["limit"])


def _descend(s: Setting, p: Parameters, w: AnyArray, gradient: AnyArray) -> AnyArray:
    change = p["rate"] * gradient
    return w + change if s.descent else w - change


def _accumulate(s: Setting, p: Parameters, v: AnyArray, g: AnyArray) -> AnyArray:
    return p["beta"] * v + g


def _accumulate_step(s: Setting, p: Parameters, v: AnyArray, g: AnyArray) -> AnyArray:
    return p["beta"] * v + s.downhill(p["rate"] * g)


def _average(s: Setting, p: Parameters, v: AnyArray, g: AnyArray) -> AnyArray:
    return p["beta"] * v + (1 - p["beta"]) * g


def _accumulate_squares(s: Setting, p: Parameters, v: AnyArray, g: AnyArray) -> AnyArray:
    return v + g * g


def _average_squares(s: Setting, p: Parameters, v: AnyArray, g: AnyArray) -> AnyArray:
    return p["beta"] * v + (1 - p["beta"]) * (g * g)


def _scale_step(s: Setting, p: Parameters, v: AnyArray) -> AnyArray:
    return s.downhill(p["rate"] * v)


def _look_ahead_step(s: Setting, p: Parameters, g: AnyArray, v: AnyArray) -> AnyArray:
    return s.downhill(p["rate"] * (g + p["beta"] * v))


def _unbias(s: Setting, p: Parameters, m: AnyArray) -> AnyArray:
    return m / (1 - p["beta"] ** p["t"])


def _look_ahead_average(s: Setting, p: Parameters, m: AnyArray, g: AnyArray) -> AnyArray:
    mu = momentums(float(p["beta"]), float(p["momentum_decay"]), p["t"])
    ahead = mu.next * m / (1 - mu.product * mu.next)
    return ahead + (1 - mu.now) * g / (1 - mu.product)


def _rescale(
    s: Setting, p: Parameters, g: AnyArray, steps: AnyArray, squares: AnyArray
) -> AnyArray:
    return np.sqrt(steps + p["epsilon"]) / np.sqrt(squares + p["epsilon"]) * g


def _adaptive_step(s: Setting, p: Parameters, m: AnyArray, v: AnyArray) -> AnyArray:
    return s.downhill(p["rate"] * m / (np.sqrt(v) + p["epsilon"]))


def _decayed_step(s: Setting, p: Parameters, m: AnyArray, v: AnyArray, w: AnyArray) -> AnyArray:
    return _adaptive_step(s, p, m, v) - p["rate"] * p["weight_decay"] * w


def _copy(s: Setting, p: Parameters, x: AnyArray) -> AnyArray:
    return x


def _no_evaluation(s: Setting, p: Parameters, *values: AnyArray) -> AnyArray:
    raise TypeError("a given value and the loss after the update are not worked from operands")


OPERATIONS: dict[str, Operation] = {
    "given": Operation(_no_evaluation, _scalar),
    "copy": Operation(_copy, _alike),
    "matmul": Operation(_matmul, _matmul_shape),
    "add_bias": Operation(_add_bias, _bias_shape),
    "activate": Operation(_activate, _activate_shape, function_is_rational),
    "activation_derivative": Operation(
        _activation_derivative, _derivative_shape, slope_is_rational
    ),
    "chain_to_learned": Operation(_chain_to_learned, _upstream_shape, function_is_rational),
    "error": Operation(_error, _alike),
    "loss_terms": Operation(_loss_terms, _alike, loss_is_rational),
    "total": Operation(_total, _scalar),
    "penalty": Operation(_penalty, _scalar),
    "add": Operation(_add, _alike),
    "loss_gradient": Operation(_loss_gradient, _alike, loss_is_rational),
    "shortcut_delta": Operation(_shortcut_delta, _alike),
    "hadamard": Operation(_hadamard, _alike),
    "jacobian_product": Operation(_jacobian_product, _jacobian_shape),
    "sum_samples": Operation(_sum_samples, _sum_shape),
    "add_penalty": Operation(_add_penalty, _alike),
    "gradient_norm": Operation(_gradient_norm, _scalar, never_rational),
    "clip_to_norm": Operation(_clip_to_norm, _clip_to_norm_shape),
    "clip_entries": Operation(_clip_entries, _alike),
    "descend": Operation(_descend, _alike),
    "accumulate": Operation(_accumulate, _alike),
    "accumulate_step": Operation(_accumulate_step, _alike),
    "average": Operation(_average, _alike),
    "accumulate_squares": Operation(_accumulate_squares, _alike),
    "average_squares": Operation(_average_squares, _alike),
    "scale_step": Operation(_scale_step, _alike),
    "look_ahead_step": Operation(_look_ahead_step, _alike),
    "unbias": Operation(_unbias, _alike),
    "look_ahead_average": Operation(_look_ahead_average, _alike, never_rational),
    "rescale": Operation(_rescale, _alike, never_rational),
    "adaptive_step": Operation(_adaptive_step, _alike, never_rational),
    "decayed_step": Operation(_decayed_step, _alike, never_rational),
    "apply_step": Operation(_add, _alike),
    "forward_again": Operation(_no_evaluation, _scalar),
    **EQUATION_OPERATIONS,
}
