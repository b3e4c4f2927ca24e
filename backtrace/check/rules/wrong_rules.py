"""The operations that only wrong steps use, on intervals."""

from __future__ import annotations

import math

import numpy as np

from backtrace.check.rules.equation_rules import EQUATION_RULES
from backtrace.check.rules.interval_rules import NARROWER, rows
from backtrace.check.rules.intervals import (
    Interval,
    RealFunction,
    absolute,
    added,
    divided,
    mapped,
    multiplied,
    negated,
    point,
    product,
    scaled,
    subtracted,
    summed,
)
from backtrace.check.rules.softmax_bounds import softmax
from backtrace.functions.activations import Parameters
from backtrace.functions.penalties import shares
from backtrace.tape.operations import OPERATIONS, augmented, matmul_operands, mean, without_ones
from backtrace.tape.setting import Evaluate, Setting


def _right(operation: str, s: Setting, p: Parameters, *operands: Interval) -> Interval:
    found: Interval = OPERATIONS[operation].evaluate(s, p, *operands)
    return found


# Derivatives

# The short formulas in a, or fragments of them: as one function, and its turning points.
FRAGMENTS: dict[str, tuple[RealFunction, tuple[float, ...]]] = {
    "a(1-a)": (lambda a: a * (1 - a), (0.5,)),
    "1-a²": (lambda a: 1 - a * a, (0.0,)),
    "a": (lambda a: a, ()),
    "1-a": (lambda a: 1 - a, ()),
    "-a²": (lambda a: -a * a, (0.0,)),
    "1+a²": (lambda a: 1 + a * a, (0.0,)),
}


def _derivative_at_activation(s: Setting, p: Parameters, a: Interval) -> Interval:
    return NARROWER["activation_derivative"](s, p, without_ones(s, p, a))


def _derivative_fragment(s: Setting, p: Parameters, a: Interval) -> Interval:
    """Part of the formula in a; or another activation's; or z put into it."""
    return mapped(without_ones(s, p, a), *FRAGMENTS[p["fragment"]])


def _slope_times_z(s: Setting, p: Parameters, z: Interval, *learned: Interval) -> Interval:
    return multiplied(z, NARROWER["activation_derivative"](s, p, z, *learned))


def _slope_times_z_below_0(s: Setting, p: Parameters, z: Interval) -> Interval:
    """α·z where α belongs: 1 above 0, and a leaky ReLU's value below."""
    slope = float(p["slope"])
    return mapped(z, lambda x: np.where(x > 0, 1.0, slope * x), (0.0,))


def _slope_of_elu_by_z(s: Setting, p: Parameters, z: Interval) -> Interval:
    """z + α where a + α belongs."""
    alpha = float(p["alpha"])
    return mapped(z, lambda x: np.where(x > 0, 1.0, x + alpha), (0.0,))


def _hadamard_with_z(s: Setting, p: Parameters, da: Interval, g: Interval, z: Interval) -> Interval:
    return multiplied(multiplied(da, g), z)


def _mistaken_function(s: Setting, p: Parameters, z: Interval) -> Interval:
    """σ(−z), or tan z, with the 1s of an augmented layer."""
    if p["function"] == "σ(−z)":
        return NARROWER["activate"](s, p, negated(z))
    branches = (np.floor(end / np.pi + 0.5) for end in (z.lo, z.hi))
    steep = np.not_equal(*branches)
    lo, hi = np.where(steep, -np.inf, np.tan(z.lo)), np.where(steep, np.inf, np.tan(z.hi))
    found: Interval = augmented(s, Interval(lo, hi), p.get("ones", ""))
    return found


def _shortcut_times_slope(s: Setting, p: Parameters, a: Interval, y: Interval) -> Interval:
    delta = _right("shortcut_delta", s, p, a, y)
    return multiplied(delta, mapped(a, *FRAGMENTS["a(1-a)"]))


def _shortcut_of_ones(s: Setting, p: Parameters, a: Interval, y: Interval) -> Interval:
    """The short-cut where the target is 1, and 0 where it is 0."""
    return multiplied(_right("shortcut_delta", s, p, a, y), y)


def _one_for_each(s: Setting, p: Parameters, one: Interval, other: Interval) -> Interval:
    """One number for every entry of another quantity."""
    return one.rearranged(lambda x: np.broadcast_to(x.reshape(1, 1), other.shape))


# Products


def _matmul_plus(s: Setting, p: Parameters, x: Interval, y: Interval, b: Interval) -> Interval:
    return added(_right("matmul", s, p, x, y), b)


def _augmented_matmul(s: Setting, p: Parameters, x: Interval, y: Interval) -> Interval:
    """A product in which a z, with a 1 put to it, stands for an a that carries one."""
    factors = [x, y]
    factors[p["augmented"]] = augmented(s, factors[p["augmented"]], p["ones"])
    return _right("matmul", s, p, *factors)


def _product_without_bias(s: Setting, p: Parameters, x: Interval, y: Interval) -> Interval:
    """The weighted sum of an augmented layer without its bias line and without the 1s."""
    if s.sample_axis == 0:
        return _right("matmul", s, p, without_ones(s, p, x), s.without_bias(y, p["ones"]))
    return _right("matmul", s, p, s.without_bias(x, p["ones"]), without_ones(s, p, y))


def _entrywise_product(s: Setting, p: Parameters, x: Interval, y: Interval) -> Interval:
    one, two = matmul_operands(s, p, x, y)
    found: Interval = mean(one * two, p)
    return found


def _hadamard_as_product(s: Setting, p: Parameters, da: Interval, g: Interval) -> Interval:
    turned = g.T if p.get("turn") else g
    return product(turned, da) if p.get("reverse") else product(da, turned)


def _product_with_ones(s: Setting, p: Parameters, *factors: Interval) -> Interval:
    """A product in which a weight is as good as another."""
    plain = [point(np.ones(x.shape)) if k == p["at"] else x for k, x in enumerate(factors)]
    return _right("matmul", s, p, *plain)


def _summed_over_outputs(s: Setting, p: Parameters, dw: Interval) -> Interval:
    """A gradient's entries added up, for each unit that they come from."""
    omit = p.get("omit", "")
    own = Interval(s.without_bias(dw.lo, omit), s.without_bias(dw.hi, omit))
    sums = summed(own, 1 - s.input_axis, keepdims=True)
    return sums.T if s.input_axis == s.sample_axis else sums


# Samples


def _sum_units(s: Setting, p: Parameters, delta: Interval) -> Interval:
    return _right("sum_samples", s, p, delta.T)


def _sum_of_all(s: Setting, p: Parameters, delta: Interval) -> Interval:
    """The sum over samples and units alike, for every unit."""
    whole = _right("sum_samples", s, {**p, "all": True}, delta)
    each = (1, delta.shape[1]) if s.sample_axis == 0 else (delta.shape[0], 1)
    return whole.rearranged(lambda x: np.broadcast_to(x, each))


def _sum_for_each(s: Setting, p: Parameters, x: Interval) -> Interval:
    """In each entry the sum of those beside it: added up once more, one sum for each of them."""
    sums = summed(x, 1 if p["summed"] == "columns" else 0, keepdims=True)
    return sums.rearranged(lambda one: np.broadcast_to(one, x.shape))


def _summed_over_inputs(s: Setting, p: Parameters, dw: Interval) -> Interval:
    """A gradient's entries added up, for each unit that they lead to."""
    sums = summed(dw, s.input_axis, keepdims=True)
    return sums if s.input_axis == s.sample_axis else sums.T


def _sample(s: Setting, x: Interval, at: int) -> Interval:
    return x[at : at + 1] if s.sample_axis == 0 else x[:, at : at + 1]


def _one_sample(s: Setting, p: Parameters, delta: Interval) -> Interval:
    """The bias gradient from sample ``p["at"]`` alone."""
    return _right("sum_samples", s, p, _sample(s, delta, p["at"]))


def _product_of_one_sample(s: Setting, p: Parameters, x: Interval, y: Interval) -> Interval:
    return _right("matmul", s, p, _sample(s, x, p["at"]), _sample(s, y, p["at"]))


def _chain_of_one_sample(s: Setting, p: Parameters, upstream: Interval, z: Interval) -> Interval:
    """A slope's gradient from sample ``p["at"]`` alone."""
    found: Interval = NARROWER["chain_to_learned"](s, p, upstream, z)
    return _sample(s, found, p["at"])


def _chain_to_whole(s: Setting, p: Parameters, upstream: Interval, z: Interval) -> Interval:
    found: Interval = mean(multiplied(upstream, z), p)
    return found


def _softmax_wrong_axis(s: Setting, p: Parameters, z: Interval) -> Interval:
    return rows(s, softmax(rows(s, z).T).T)


def _softmax_of_all(s: Setting, p: Parameters, z: Interval) -> Interval:
    whole = softmax(z.rearranged(lambda x: x.reshape(1, -1)))
    return whole.rearranged(lambda x: x.reshape(z.shape))


# Losses


def _loss_terms_signed(s: Setting, p: Parameters, a: Interval, y: Interval) -> Interval:
    """−y ln a + (1 − y) ln(1 − a), of targets 0 and 1."""
    sign = subtracted(scaled(y, 2.0), point(np.ones(y.shape)))
    return multiplied(NARROWER["loss_terms"](s, p, a, y), sign)


def _sizes(s: Setting, p: Parameters, a: Interval, y: Interval) -> Interval:
    """|e|, or e itself, where e² belongs."""
    e = _right("error", s, p, a, y)
    return absolute(e) if p.get("absolute") else e


def _total_of_pairs(s: Setting, p: Parameters, a: Interval, y: Interval) -> Interval:
    """The loss over every pair of an output and a target."""
    n, axis = a.shape[s.sample_axis], s.sample_axis
    every = a.rearranged(lambda x: np.repeat(x, n, axis))
    other = y.rearranged(lambda x: np.concatenate([x] * n, axis))
    return _right("total", s, p, NARROWER["loss_terms"](s, p, every, other))


def _sum_with_penalty(s: Setting, p: Parameters, delta: Interval, b: Interval) -> Interval:
    data = _right("sum_samples", s, p, delta)
    return _right("add_penalty", s, {**p, "omit": ""}, data, b)


# What stands in a penalty's gradient for sign(w), or for w: the functions, and where they turn.
TAKEN_OF_WEIGHTS: dict[str, tuple[RealFunction, tuple[float, ...]]] = {
    "|w|": (np.abs, (0.0,)),
    "1": (np.ones_like, ()),
    "w": (lambda w: w, ()),
    "w²": (lambda w: w * w, (0.0,)),
    "sign(w)": (np.sign, (0.0,)),
}


def _add_misderived_penalty(s: Setting, p: Parameters, data: Interval, w: Interval) -> Interval:
    of_squares, of_sizes = shares(p["form"], p["over"])
    factor = 2 * float(p["l2"]) * of_squares + float(p["l1"]) * of_sizes  # one of them is 0
    part = scaled(mapped(w, *TAKEN_OF_WEIGHTS[p["taken"]]), factor)
    return subtracted(data, part) if s.descent else added(data, part)


# Updates and equations


def _faded_squares(s: Setting, p: Parameters, v: Interval, g: Interval) -> Interval:
    return added(scaled(v, p["beta"]), multiplied(g, g))


def _step_without_root(
    s: Setting, p: Parameters, m: Interval, v: Interval, *weights: Interval
) -> Interval:
    found: Interval = s.downhill(divided(scaled(m, p["rate"]), added(v, point(p["epsilon"]))))
    for w in weights:
        found = subtracted(found, scaled(w, p["rate"] * p["weight_decay"]))
    return found


def _chain_alone(s: Setting, p: Parameters, upstream: Interval, *data: Interval) -> Interval:
    """A derivative as if a 1 had arrived at it."""
    return EQUATION_RULES["chain"](s, p, point(np.ones(upstream.shape)), *data)


def _chain_by_fragment(s: Setting, p: Parameters, upstream: Interval, z: Interval) -> Interval:
    """A short formula in z, multiplied by what arrives."""
    return multiplied(upstream, mapped(z, *FRAGMENTS[p["fragment"]]))


def _error_times_slope(s: Setting, p: Parameters, a: Interval, y: Interval) -> Interval:
    """a − y, which is all that is left of a cross-entropy before its output, with a(1 − a)."""
    error = scaled(subtracted(a, y), 1 / p["samples"])
    return multiplied(error, mapped(a, *FRAGMENTS["a(1-a)"]))


def _sum_of_products(s: Setting, p: Parameters, *factors: Interval) -> Interval:
    a, b, c, d = factors
    return added(multiplied(a, b), multiplied(c, d))


def _activate_degrees(s: Setting, p: Parameters, x: Interval) -> Interval:
    """A calculator's sine of degrees."""
    return NARROWER["activate"](s, p, scaled(x, math.pi / 180))


def _masked_softmax(s: Setting, p: Parameters, x: Interval, mask: Interval) -> Interval:
    """A softmax of everything, and 0 where the mask is −∞."""
    kept = (~mask.unbounded).astype(np.float64)
    return multiplied(EQUATION_RULES["softmax"](s, p, x), point(kept))


WRONG_RULES: dict[str, Evaluate] = {
    "derivative_at_activation": _derivative_at_activation,
    "derivative_fragment": _derivative_fragment,
    "matmul_plus": _matmul_plus,
    "augmented_matmul": _augmented_matmul,
    "product_without_bias": _product_without_bias,
    "entrywise_product": _entrywise_product,
    "hadamard_as_product": _hadamard_as_product,
    "product_with_ones": _product_with_ones,
    "summed_over_outputs": _summed_over_outputs,
    "sum_units": _sum_units,
    "one_sample": _one_sample,
    "product_of_one_sample": _product_of_one_sample,
    "chain_of_one_sample": _chain_of_one_sample,
    "chain_to_whole": _chain_to_whole,
    "softmax_wrong_axis": _softmax_wrong_axis,
    "sizes": _sizes,
    "total_of_pairs": _total_of_pairs,
    "slope_times_z": _slope_times_z,
    "slope_times_z_below_0": _slope_times_z_below_0,
    "slope_of_elu_by_z": _slope_of_elu_by_z,
    "shortcut_of_ones": _shortcut_of_ones,
    "one_for_each": _one_for_each,
    "softmax_of_all": _softmax_of_all,
    "loss_terms_signed": _loss_terms_signed,
    "add_misderived_penalty": _add_misderived_penalty,
    "hadamard_with_z": _hadamard_with_z,
    "mistaken_function": _mistaken_function,
    "shortcut_times_slope": _shortcut_times_slope,
    "sum_with_penalty": _sum_with_penalty,
    "sum_of_all": _sum_of_all,
    "sum_for_each": _sum_for_each,
    "summed_over_inputs": _summed_over_inputs,
    "faded_squares": _faded_squares,
    "step_without_root": _step_without_root,
    "chain_alone": _chain_alone,
    "chain_by_fragment": _chain_by_fragment,
    "error_times_slope": _error_times_slope,
    "masked_softmax": _masked_softmax,
    "sum_of_products": _sum_of_products,
    "activate_degrees": _activate_degrees,
}
