"""The interval rules of operations that only wrong steps use; and all rules together."""

from __future__ import annotations

from backtrace.check.rules.interval_rules import FORMS_OF_RULES, RULES, Doubt, Rule, softmax
from backtrace.check.rules.intervals import (
    Box,
    absolute,
    added,
    divided,
    hull,
    mapped,
    multiplied,
    outward,
    product,
    scaled,
    summed,
    transposed,
)
from backtrace.tape.operations import Parameters, Setting, matmul_operands


def _derivative_at_activation(s: Setting, p: Parameters, a: Box) -> Box:
    return RULES["activation_derivative"].interval(s, p, _unaugmented(s, p, a))


def _unaugmented(s: Setting, p: Parameters, a: Box) -> Box:
    ones = p.get("ones", "")
    if not ones:
        return a
    kept = slice(1, None) if ones == "first" else slice(None, -1)
    place = (slice(None), slice(None), kept) if s.sample_axis == 0 else (slice(None), kept)
    return Box(a.lo[place], a.hi[place])


def _derivative_fragment(s: Setting, p: Parameters, a: Box) -> Box:
    """a, or 1 − a, where a(1 − a) or 1 − a² belongs; or the one of these for the other."""
    a = _unaugmented(s, p, a)
    if p["fragment"] == "a(1-a)":
        return mapped(a, lambda x: x * (1 - x), (0.5,))
    if p["fragment"] == "1-a²":
        return mapped(a, lambda x: 1 - x * x, (0.0,))
    if p["fragment"] == "a":
        return a
    return outward(1 - a.hi, 1 - a.lo)


def _derivative_of_preactivation(s: Setting, p: Parameters, z: Box) -> Box:
    """z(1 − z), or 1 − z²: the formula in a, with z put in."""
    if p["activation"] == "sigmoid":
        return mapped(z, lambda x: x * (1 - x), (0.5,))
    return mapped(z, lambda x: 1 - x * x, (0.0,))


def _matmul_plus(s: Setting, p: Parameters, x: Box, y: Box, b: Box) -> Box:
    return added(RULES["matmul"].interval(s, p, x, y), b)


def _augmented_matmul(s: Setting, p: Parameters, x: Box, y: Box) -> Box:
    """A product in which a z, with a 1 put to it, stands for an a that carries one."""
    linear = {"activation": "linear", "slope": 1.0, "ones": p["ones"]}
    factors = [x, y]
    at = p["augmented"]
    factors[at] = RULES["activate"].interval(s, linear, factors[at])
    return RULES["matmul"].interval(s, p, *factors)


def _product_without_bias(s: Setting, p: Parameters, x: Box, y: Box) -> Box:
    """The weighted sum of an augmented layer without its bias line and without the 1s."""
    rows = s.sample_axis == 0
    a, w = (x, y) if rows else (y, x)
    a, w = _unaugmented(s, p, a), hull(w)
    w = Box(
        s.without_bias(w.lo[0], p["ones"])[None],
        s.without_bias(w.hi[0], p["ones"])[None],
    )
    return RULES["matmul"].interval(s, p, *((a, w) if rows else (w, a)))


def _entrywise_product(s: Setting, p: Parameters, x: Box, y: Box) -> Box:
    x, y = _standing(s, p, x, y)
    result = multiplied(x, y)
    return divided(result, p["samples"]) if "samples" in p else result


def _standing(s: Setting, p: Parameters, x: Box, y: Box) -> tuple[Box, Box]:
    """The factors of a product as they stand in it."""
    x, y = hull(x), hull(y)
    lows = matmul_operands(s, p, x.lo[0], y.lo[0])
    highs = matmul_operands(s, p, x.hi[0], y.hi[0])
    return Box(lows[0][None], highs[0][None]), Box(lows[1][None], highs[1][None])


def _hadamard_as_product(s: Setting, p: Parameters, da: Box, g: Box) -> Box:
    turned = transposed(hull(g)) if p.get("turn") else hull(g)
    return product(turned, hull(da)) if p.get("reverse") else product(hull(da), turned)


def _one_sample(s: Setting, p: Parameters, delta: Box) -> Box:
    """The bias gradient from sample ``p["at"]`` alone."""
    chosen = _sample(s, hull(delta), p["at"])
    total = summed(chosen, None) if p.get("all") else chosen
    total = divided(total, p["samples"]) if "samples" in p else total
    return scaled(total, -1.0) if p.get("negate") else total


def _sample(s: Setting, x: Box, at: int) -> Box:
    place = (slice(None), slice(at, at + 1)) if s.sample_axis == 0 else (
        slice(None), slice(None), slice(at, at + 1))  # fmt: skip
    return Box(x.lo[place], x.hi[place])


def _product_of_one_sample(s: Setting, p: Parameters, x: Box, y: Box) -> Box:
    return RULES["matmul"].interval(
        s, p, _sample(s, hull(x), p["at"]), _sample(s, hull(y), p["at"])
    )


def _softmax_wrong_axis(s: Setting, p: Parameters, z: Box) -> Box:
    return softmax(z, axis=1 + s.sample_axis)


def _sizes(s: Setting, p: Parameters, a: Box, y: Box) -> Box:
    """|e|, or e itself, where e² belongs."""
    e = RULES["error"].interval(s, p, a, y)
    return absolute(e) if p.get("absolute") else e


def _shortcut_times_slope(s: Setting, p: Parameters, a: Box, y: Box) -> Box:
    delta = RULES["shortcut_delta"].interval(s, p, a, y)
    return multiplied(delta, mapped(a, lambda x: x * (1 - x), (0.5,)))


def _sum_with_penalty(s: Setting, p: Parameters, delta: Box, b: Box) -> Box:
    data = RULES["sum_samples"].interval(s, p, delta)
    return RULES["add_penalty"].interval(s, {**p, "omit": ""}, data, b)


def _first_only(s: Setting, p: Parameters, x: Doubt, *others: Doubt) -> Doubt:
    return x


WRONG_RULES: dict[str, Rule] = {
    "derivative_at_activation": Rule(_derivative_at_activation, _first_only),
    "derivative_fragment": Rule(_derivative_fragment, _first_only),
    "derivative_of_preactivation": Rule(_derivative_of_preactivation, _first_only),
    "matmul_plus": Rule(_matmul_plus, _first_only),
    "augmented_matmul": Rule(_augmented_matmul, _first_only),
    "product_without_bias": Rule(_product_without_bias, _first_only),
    "entrywise_product": Rule(_entrywise_product, _first_only),
    "hadamard_as_product": Rule(_hadamard_as_product, _first_only),
    "one_sample": Rule(_one_sample, _first_only),
    "product_of_one_sample": Rule(_product_of_one_sample, _first_only),
    "softmax_wrong_axis": Rule(_softmax_wrong_axis, _first_only),
    "sizes": Rule(_sizes, _first_only),
    "shortcut_times_slope": Rule(_shortcut_times_slope, _first_only),
    "sum_with_penalty": Rule(_sum_with_penalty, _first_only),
}
EVERY_RULE: dict[str, Rule] = {**RULES, **FORMS_OF_RULES, **WRONG_RULES}
