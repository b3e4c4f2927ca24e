"""The catalogue of mistakes: code, what the wrong rule is, what to tell the student, how it is replayed.

A mistake rewrites one step of the tape into wrong ones (``Wrong``): another operation, other
operands or parameters, a factor, a transposition. The checker replays them on the student's own
numbers; nothing here knows a student.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product as product_of
from typing import Any

import msgspec
import numpy as np

from backtrace.check.intervals import (
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
from backtrace.check.rules import FORMS_OF_RULES, RULES, Doubt, Rule, softmax
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.spec.model import Spec
from backtrace.tape.operations import Parameters, Setting, matmul_operands
from backtrace.tape.steps import Step


class Wrong(msgspec.Struct, frozen=True):
    """A wrong step in the place of a right one: worked by its rule, then multiplied and turned."""

    code: str
    step: Step
    factor: float = 1.0
    turn: bool = False
    detail: str = ""


class Site(msgspec.Struct, frozen=True):
    """Where a step stands: the spec and the steps of its update by id."""

    spec: Spec
    setting: Setting
    steps: Mapping[str, Step]

    @property
    def last(self) -> int:
        return len(self.spec.layers)

    def samples(self, step: Step) -> int:
        """n of the update the step belongs to."""
        return self.steps["a0"].shape[self.setting.sample_axis]


class Mistake(msgspec.Struct, frozen=True):
    """One row of the catalogue. ``tell`` is said to the student; ``wrongs`` replays it."""

    code: str
    title: str
    where: str
    rule: str
    tell: str
    example: str
    wrongs: Callable[[Step, Site], Iterator[Wrong]] = lambda step, site: iter(())


# Rules that only wrong steps use


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


# The rewrites


def _as(
    step: Step, operation: str, operands: tuple[str, ...] | None = None, **parameters: Any
) -> Step:
    """``step`` with another operation, operands, and parameters added or replaced."""
    return msgspec.structs.replace(
        step,
        operation=operation,
        operands=step.operands if operands is None else operands,
        parameters={**step.parameters, **parameters},
    )


def _without(step: Step, *names: str) -> Step:
    kept = {name: value for name, value in step.parameters.items() if name not in names}
    return msgspec.structs.replace(step, parameters=kept)


def _slope(step: Step, site: Site) -> str:
    """The activation whose slope a δ is multiplied with, "" for other steps and linear units."""
    if step.operation not in ("hadamard", "jacobian_product"):
        return ""
    g = site.steps[step.operands[1]]
    return "" if is_identity(g.parameters) else str(g.parameters["activation"])


def is_identity(parameters: Mapping[str, Any]) -> bool:
    """Whether a unit with these parameters passes its sum on unchanged."""
    return bool(parameters.get("activation") == "linear" and float(parameters["slope"]) == 1)


def _derivative_skipped(code: str, relu: bool) -> Callable[[Step, Site], Iterator[Wrong]]:
    """δ = da; or da in the place of δ in what is worked from δ."""

    def wrongs(step: Step, site: Site) -> Iterator[Wrong]:
        activation = _slope(step, site)
        if activation and (activation == "relu") == relu:
            yield Wrong(code, _as(step, "copy", step.operands[:1]))
        for delta in step.operands:
            if not delta.startswith("delta") or step.phase != "backward":
                continue
            source = site.steps.get(delta)
            activation = "" if source is None else _slope(source, site)
            if source is not None and activation and (activation == "relu") == relu:
                operands = tuple(source.operands[0] if id == delta else id for id in step.operands)
                yield Wrong(code, _as(step, step.operation, operands))

    return wrongs


def _derivative_at_a(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "activation_derivative" and _curved(step):
        yield Wrong(
            "derivative-at-activation",
            _as(step, "derivative_at_activation", _own_activation(step), **_ones(step, site)),
        )


def _curved(step: Step) -> bool:
    name = step.parameters["activation"]
    return name not in ("linear", "relu", "leaky_relu", "step")


def _own_activation(step: Step) -> tuple[str, ...]:
    return (f"a{step.layer}",)


def _ones(step: Step, site: Site) -> dict[str, Any]:
    ones = site.steps[f"a{step.layer}"].parameters.get("ones", "")
    return {"ones": ones} if ones else {}


def _derivative_incomplete(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation != "activation_derivative":
        return
    fragments = {"sigmoid": ("a", "1-a"), "tanh": ("1-a",)}
    for fragment in fragments.get(step.parameters["activation"], ()):
        parameters = {"fragment": fragment, **_ones(step, site)}
        wrong = _as(step, "derivative_fragment", _own_activation(step), **parameters)
        yield Wrong("derivative-incomplete", wrong)


def _preactivation_in_derivative(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "activation_derivative" and step.parameters["activation"] in (
        "sigmoid",
        "tanh",
    ):
        yield Wrong("preactivation-in-derivative", _as(step, "derivative_of_preactivation"))


def _averaged(step: Step) -> int:
    return int(step.parameters.get("samples", 1))


def _mean_omitted(step: Step, site: Site) -> Iterator[Wrong]:
    if _averaged(step) > 1:
        yield Wrong("mean-omitted", step, float(_averaged(step)))
    if step.operation in ("penalty", "add_penalty") and step.parameters["over"] > 1:
        yield Wrong("mean-omitted", _as(step, step.operation, over=1))


def _is_output_delta(step: Step, site: Site) -> bool:
    return step.operation in ("hadamard", "jacobian_product") and step.layer == site.last


def _mean_twice(step: Step, site: Site) -> Iterator[Wrong]:
    n = site.samples(step)
    places = ("total", "loss_gradient", "shortcut_delta", "sum_samples")
    output_delta = _is_output_delta(step, site)
    gradient = step.operation == "matmul" and step.id.startswith(("dW", "data_dW"))
    if n > 1 and (step.operation in places or output_delta or gradient):
        yield Wrong("mean-twice", step, 1.0 / n)
    penalised = step.operation in ("penalty", "add_penalty")
    if penalised and step.parameters["over"] == 1 and n > 1:
        yield Wrong("mean-twice", _as(step, step.operation, over=n))


def _mean_over_outputs(step: Step, site: Site) -> Iterator[Wrong]:
    k = site.spec.layers[-1].units
    if k > 1 and step.operation in ("total", "loss_gradient", "shortcut_delta"):
        yield Wrong("mean-over-outputs", step, 1.0 / k)


def _half_factor(step: Step, site: Site) -> Iterator[Wrong]:
    output_delta = _is_output_delta(step, site)
    losses = step.operation in ("loss_terms", "total", "loss_gradient", "shortcut_delta")
    if losses or output_delta:
        yield Wrong("half-factor", step, 2.0)
        yield Wrong("half-factor", step, 0.5)
    if step.operation in ("penalty", "add_penalty") and float(step.parameters["l2"]):
        for factor in (2.0, 0.5):
            l2 = float(step.parameters["l2"]) * factor
            yield Wrong("half-factor", _as(step, step.operation, l2=l2))


SIGNED = (
    *("error", "loss_terms", "total", "loss_gradient", "shortcut_delta", "hadamard"),
    *("jacobian_product", "sum_samples", "add_penalty", "accumulate", "average"),
)


def _sign_flipped(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation in SIGNED or step.operation == "matmul":
        yield Wrong("sign-flipped", step, -1.0)
    if step.operation == "add_bias":
        subtract = not step.parameters.get("subtract", False)
        yield Wrong("sign-flipped", _as(step, "add_bias", subtract=subtract))
    if step.operation == "add_penalty":
        l1, l2 = (-float(step.parameters[name]) for name in ("l1", "l2"))
        yield Wrong("sign-flipped", _as(step, "add_penalty", l1=l1, l2=l2))


def _weights_not_transposed(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation != "matmul":
        return
    at = next((k for k, id in enumerate(step.operands) if id.startswith("W")), None)
    if at is None:
        return
    side = ("first", "second")[at]
    transpose = "" if step.parameters.get("transpose") == side else side
    wrong = _as(step, "matmul", transpose=transpose)
    if _product_shape(wrong, site) == step.shape:
        yield Wrong("weights-not-transposed", wrong)


def _product_shape(step: Step, site: Site) -> tuple[int, ...] | None:
    """The shape of a product as it would stand; None where its factors don't meet."""
    shapes = [site.steps[id].shape for id in step.operands]
    if any(len(shape) != 2 for shape in shapes):
        return None
    empty = [np.empty(shape) for shape in shapes]
    x, y = matmul_operands(site.setting, step.parameters, *empty)
    return (x.shape[0], y.shape[1]) if x.shape[1] == y.shape[0] else None


def _transposed(step: Step, site: Site) -> Iterator[Wrong]:
    if len(set(step.shape)) == 1 and step.shape[0] > 1:
        yield Wrong("transposed", step, turn=True)


def _updated_weights(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation != "matmul" or not step.sends_error_back:
        return
    for id in step.operands:
        if id.startswith("W") and f"{id}_new" in site.steps:
            operands = tuple(f"{id}_new" if other == id else other for other in step.operands)
            yield Wrong("updated-weights-used", _as(step, "matmul", operands))


def _old_weights(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "matmul" and any(id.endswith("_new") for id in step.operands):
        operands = tuple(id.removesuffix("_new") for id in step.operands)
        yield Wrong("old-weights-used", _as(step, "matmul", operands))


def _matrix_product_for_hadamard(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "hadamard" and len(set(step.shape)) == 1 and step.shape[0] > 1:
        for turn, reverse in product_of((False, True), repeat=2):
            wrong = _as(step, "hadamard_as_product", turn=turn, reverse=reverse)
            yield Wrong("matrix-product-for-hadamard", wrong)


def _hadamard_for_matrix_product(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation != "matmul":
        return
    for transpose in dict.fromkeys((step.parameters.get("transpose", ""), "", "first", "second")):
        wrong = _as(step, "entrywise_product", transpose=transpose)
        empty = [np.empty(site.steps[id].shape) for id in step.operands]
        x, y = matmul_operands(site.setting, wrong.parameters, *empty)
        if x.shape == y.shape == step.shape:
            yield Wrong("hadamard-for-matrix-product", wrong)


def _bias_omitted(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "add_bias":
        yield Wrong("bias-omitted", _as(step, "copy", step.operands[:1]))
    kind = site.spec.layers[(step.layer or 1) - 1].bias.kind
    if step.id.startswith("product") and kind in ("first", "last"):
        yield Wrong("bias-omitted", _as(step, "product_without_bias", ones=kind))


def _bias_in_backward(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation != "matmul" or not step.sends_error_back:
        return
    units = step.shape[1 - site.setting.sample_axis]
    for layer in ((step.layer or 0), (step.layer or 0) + 1):  # its own bias, or the next layer's
        bias = site.steps.get(f"b{layer}")
        if bias is not None and math.prod(bias.shape) in (1, units):
            yield Wrong("bias-in-backward", _as(step, "matmul_plus", (*step.operands, bias.id)))


def _activation_omitted(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "activate" and not is_identity(step.parameters):
        ones = {k: v for k, v in step.parameters.items() if k == "ones"}
        wrong = msgspec.structs.replace(
            step, parameters={"activation": "linear", "slope": 1.0, **ones}
        )
        yield Wrong("activation-omitted", wrong)


def _wrong_activation(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation not in ("activate", "activation_derivative"):
        return
    right = step.parameters["activation"]
    ones = {k: v for k, v in step.parameters.items() if k == "ones"}
    for name, row in ACTIVATIONS.items():
        derivative = step.operation == "activation_derivative"
        if name in (right, "linear") or (derivative and name == "step"):
            continue
        if derivative and row.elementwise != ACTIVATIONS[right].elementwise:
            continue
        parameters = {"activation": name, **row.parameters, **ones}
        wrong = msgspec.structs.replace(step, parameters=parameters)
        yield Wrong("wrong-activation", wrong, detail=row.title)
    yield from _wrong_slope_formula(step, site)


def _wrong_slope_formula(step: Step, site: Site) -> Iterator[Wrong]:
    """The short formula of another activation, worked on this one's a."""
    formulas = {"sigmoid": ("1-a²", "tanh"), "tanh": ("a(1-a)", "sigmoid")}
    chosen = formulas.get(step.parameters["activation"])
    if step.operation == "activation_derivative" and chosen is not None:
        fragment, name = chosen
        parameters = {"fragment": fragment, **_ones(step, site)}
        wrong = _as(step, "derivative_fragment", _own_activation(step), **parameters)
        yield Wrong("wrong-activation", wrong, detail=ACTIVATIONS[name].title)


def _preactivation(step: Step, site: Site) -> Iterator[Wrong]:
    users = ("matmul", "error", "loss_terms", "shortcut_delta", "loss_gradient")
    if step.operation not in users:
        return
    for id in step.operands:
        activation = site.steps.get(id)
        if activation is None or activation.operation != "activate":
            continue
        z = activation.operands[0]
        if is_identity(activation.parameters):
            continue
        operands = tuple(z if other == id else other for other in step.operands)
        wrong = _without(_as(step, step.operation, operands), "stable_from")
        if site.steps[z].shape != activation.shape:  # z takes the 1 that a carries
            ones = activation.parameters["ones"]
            wrong = _as(wrong, "augmented_matmul", ones=ones, augmented=operands.index(z))
        yield Wrong("preactivation-for-activation", wrong)


def _batch_not_summed(step: Step, site: Site) -> Iterator[Wrong]:
    n = site.samples(step)
    gradient = step.operation == "matmul" and step.id.startswith(("dW", "data_dW"))
    if n == 1 or not (gradient or step.operation == "sum_samples"):
        return
    operation = "product_of_one_sample" if gradient else "one_sample"
    for at in range(n):
        wrong = _as(step, operation, at=at)
        yield Wrong("batch-not-summed", wrong, detail=str(at + 1))
        if "samples" in step.parameters:
            yield Wrong("batch-not-summed", _without(wrong, "samples"), detail=str(at + 1))


def _learning_rate_omitted(step: Step, site: Site) -> Iterator[Wrong]:
    if "rate" in step.parameters:
        yield Wrong("learning-rate-omitted", _as(step, step.operation, rate=1.0))


def _ascent(step: Step, site: Site) -> Iterator[Wrong]:
    if "rate" in step.parameters:
        rate = -float(step.parameters["rate"])
        yield Wrong("ascent-for-descent", _as(step, step.operation, rate=rate))
    if step.operation == "apply_step":
        data = step.operands
        yield Wrong("ascent-for-descent", _as(step, "add_bias", data, subtract=True))


def _old_value_dropped(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "descend":
        yield Wrong("old-value-dropped", _as(step, "scale_step", step.operands[1:]))
    if step.operation == "apply_step":
        yield Wrong("old-value-dropped", _as(step, "copy", step.operands[1:]))


def _velocity_omitted(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation in ("accumulate", "average") and not step.id.startswith("m"):
        yield Wrong("velocity-omitted", _as(step, "copy", step.operands[1:]))


def _bias_correction_omitted(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "unbias":
        yield Wrong("bias-correction-omitted", _as(step, "copy"))


SQUARED = ("sse", "half_sse", "mse", "half_mse")


def _square_omitted(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "average_squares":
        yield Wrong("square-omitted", _as(step, "average"))
    if step.operation == "accumulate_squares":
        yield Wrong("square-omitted", _as(step, "add"))
    if step.operation == "loss_terms" and step.parameters["loss"] in SQUARED:
        factor = 0.5 if step.parameters["loss"].startswith("half") else 1.0
        yield Wrong("square-omitted", _as(step, "sizes", absolute=True), factor)
        yield Wrong("square-omitted", _as(step, "sizes"), factor)


def _wrong_log_base(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "loss_terms" and not LOSSES[step.parameters["loss"]].rational:
        yield Wrong("wrong-log-base", step, 1 / math.log(10), detail="log₁₀")
        yield Wrong("wrong-log-base", step, 1 / math.log(2), detail="log₂")


def _complement_omitted(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "loss_terms" and step.parameters["loss"] == "binary_cross_entropy":
        wrong = _without(_as(step, "loss_terms", loss="cross_entropy"), "stable_from")
        yield Wrong("complement-omitted", wrong)


def _softmax_axis(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "activate" and step.parameters["activation"] == "softmax":
        yield Wrong("softmax-wrong-axis", _as(step, "softmax_wrong_axis"))


def _derivative_not_cancelled(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "shortcut_delta":
        yield Wrong("derivative-not-cancelled", _as(step, "shortcut_times_slope"))


def _penalty_omitted(step: Step, site: Site) -> Iterator[Wrong]:
    if step.operation == "add_penalty" or (step.operation == "add" and step.id == "loss"):
        yield Wrong("penalty-omitted", _as(step, "copy", step.operands[:1]))


def _penalty_on_bias(step: Step, site: Site) -> Iterator[Wrong]:
    part = site.spec.regularization
    if part is None or part.biases:
        return
    lambdas = next(s for s in site.steps.values() if s.operation == "add_penalty")
    shared = {k: v for k, v in lambdas.parameters.items() if k != "omit"}
    if step.operation == "sum_samples":
        wrong = _as(step, "sum_with_penalty", (*step.operands, f"b{step.layer}"), **shared)
        yield Wrong("penalty-on-bias", wrong)
    if step.operation == "penalty":
        biases = tuple(id for id in site.steps if id[0] == "b" and id[1:].isdigit())
        omit = [""] * (len(step.operands) + len(biases))
        yield Wrong("penalty-on-bias", _as(step, "penalty", (*step.operands, *biases), omit=omit))
    if step.operation == "add_penalty" and step.parameters.get("omit"):
        yield Wrong("penalty-on-bias", _as(step, "add_penalty", omit=""))


def _wrong_layer(step: Step, site: Site) -> Iterator[Wrong]:
    """Another layer's weights or activation in a backward product, shapes allowing."""
    if step.operation != "matmul" or step.phase != "backward":
        return
    for id in step.operands:
        if id.startswith("delta"):
            continue
        kind = id[0]
        for layer in range(0 if kind == "a" else 1, site.last + 1):
            other = f"{kind}{layer}"
            if other == id.removesuffix("_new") or other not in site.steps:
                continue
            wrong = _as(step, "matmul", tuple(other if x == id else x for x in step.operands))
            if _product_shape(wrong, site) == step.shape:
                yield Wrong("wrong-layer", wrong, detail=other)


CATALOGUE: dict[str, Mistake] = {
    row.code: row
    for row in (
        Mistake(
            "activation-derivative-omitted",
            "the derivative of the activation is missing",
            "δ of a sigmoid, tanh, softmax, … unit, and what is worked from it",
            "δ = da, without ⊙ g′(z)",
            "The error has to pass through the activation: multiply by its derivative.",
            "δ₂ = a₂ − y instead of (a₂ − y) ⊙ a₂(1 − a₂)",
            _derivative_skipped("activation-derivative-omitted", relu=False),
        ),
        Mistake(
            "relu-mask-ignored",
            "units that are off pass the error on",
            "δ of a ReLU unit, and what is worked from it",
            "δ = da also where z ≤ 0",
            "Where z ≤ 0 the ReLU is off: its derivative is 0, and so is δ there.",
            "δ₁ = [1.7 -3.4 0.85] instead of [1.7 0 0.85] for z₁ = [3.7 -1.3 1.1]",
            _derivative_skipped("relu-mask-ignored", relu=True),
        ),
        Mistake(
            "derivative-at-activation",
            "the derivative is taken at the activation instead of the pre-activation",
            "g of a curved activation",
            "g′(a) instead of g′(z): σ(a)(1 − σ(a))",
            "The derivative belongs at z. σ′(z) is a(1 − a): do not apply σ a second time.",
            "σ(0.574)(1 − σ(0.574)) = 0.231 instead of 0.574·0.426 = 0.245",
            _derivative_at_a,
        ),
        Mistake(
            "derivative-incomplete",
            "only one factor of the derivative is there",
            "g of a sigmoid or tanh unit",
            "a, or 1 − a, instead of a(1 − a); 1 − a instead of 1 − a²",
            "The derivative has two factors: a(1 − a) for a sigmoid, 1 − a² for tanh.",
            "g = 0.752 instead of 0.752·0.248",
            _derivative_incomplete,
        ),
        Mistake(
            "preactivation-in-derivative",
            "z is put where a belongs in the derivative",
            "g of a sigmoid or tanh unit",
            "z(1 − z) instead of a(1 − a)",
            "The short formula a(1 − a) is written in the activation, not in z.",
            "0.3·0.7 instead of σ(0.3)(1 − σ(0.3)) = 0.574·0.426",
            _preactivation_in_derivative,
        ),
        Mistake(
            "derivative-not-cancelled",
            "the slope of the output is multiplied in once more",
            "output δ by the short-cut (cross-entropy with sigmoid or softmax)",
            "(a − y) ⊙ a(1 − a) instead of a − y",
            "With this loss the slope of the output has cancelled already: δ is just a − y.",
            "δ = (0.8 − 1)·0.8·0.2 instead of 0.8 − 1",
            _derivative_not_cancelled,
        ),
        Mistake(
            "mean-omitted",
            "the 1/n is left out",
            "wherever the convention puts the 1/n",
            "without 1/n",
            "The loss averages over the samples: divide by their number here.",
            "dW = aᵀδ instead of ¼ aᵀδ for four samples",
            _mean_omitted,
        ),
        Mistake(
            "mean-twice",
            "one 1/n too many",
            "loss, output δ, dW, db",
            "divided by n where it should not be, or twice",
            "The 1/n stands elsewhere already (see the conventions): do not divide here.",
            "dW = ¼ aᵀδ where δ has the ¼ already",
            _mean_twice,
        ),
        Mistake(
            "mean-over-outputs",
            "averaged over the outputs as well",
            "loss, output da and δ of a network with several outputs",
            "divided by the number of outputs k",
            "This loss averages over samples only, not over the outputs.",
            "1/(n·k) Σe² instead of 1/n Σe²",
            _mean_over_outputs,
        ),
        Mistake(
            "half-factor",
            "a ½ or a 2 too many or too few",
            "loss, output da and δ, penalty",
            "×2 or ×½",
            "Look at the loss once more: is there a ½ in front, and does the 2 of the square cancel?",
            "δ = ŷ − y instead of 2(ŷ − y) for L = (ŷ − y)²",
            _half_factor,
        ),
        Mistake(
            "sign-flipped",
            "the sign is the wrong way round",
            "any step of loss and backward pass, and the bias",
            "the negative of the right value",
            "Check which way round the difference is taken: the sign is opposite.",
            "e = y − ŷ instead of ŷ − y",
            _sign_flipped,
        ),
        Mistake(
            "weights-not-transposed",
            "W stands where its transpose belongs (or the other way round)",
            "products with a square W",
            "W for Wᵀ",
            "Follow one error back: it goes through the same weights it came by, so W is transposed.",
            "da₁ = δ₂·W₂ instead of δ₂·W₂ᵀ",
            _weights_not_transposed,
        ),
        Mistake(
            "transposed",
            "the right matrix, transposed",
            "any square matrix",
            "rows written as columns",
            "The numbers are right, but rows and columns are exchanged.",
            "[[1, 3], [2, 4]] instead of [[1, 2], [3, 4]]",
            _transposed,
        ),
        Mistake(
            "updated-weights-used",
            "the updated weights carry the error back",
            "da",
            "W_new for W",
            "The gradient is taken at the old weights: update only after all gradients are done.",
            "da₁ = δ₂·W₂_newᵀ instead of δ₂·W₂ᵀ",
            _updated_weights,
        ),
        Mistake(
            "old-weights-used",
            "the old weights carry the error back",
            "da, where the exercise asks for the updated weights",
            "W for W_new",
            "This course sends the error back through the weights already updated.",
            "da₁ = δ₂·W₂ᵀ instead of δ₂·W₂_newᵀ",
            _old_weights,
        ),
        Mistake(
            "wrong-layer",
            "weights or activation of another layer",
            "da and dW, shapes allowing",
            "W₁ for W₂, a₁ for a₀",
            "Check the layer: the error comes through the next layer's weights, a weight's gradient "
            "takes what came in through it.",
            "da₁ = δ₂·W₁ᵀ instead of δ₂·W₂ᵀ",
            _wrong_layer,
        ),
        Mistake(
            "matrix-product-for-hadamard",
            "a matrix product where entries are multiplied one by one",
            "δ, square matrices",
            "da·g for da ⊙ g",
            "⊙ multiplies entry by entry: no rows times columns here.",
            "δ = da·g instead of da ⊙ g",
            _matrix_product_for_hadamard,
        ),
        Mistake(
            "hadamard-for-matrix-product",
            "entries multiplied one by one where a matrix product belongs",
            "products of equally shaped matrices",
            "X ⊙ W for X·W",
            "This is a matrix product: each entry is a row times a column, added up.",
            "z = X ⊙ W instead of X·W",
            _hadamard_for_matrix_product,
        ),
        Mistake(
            "bias-omitted",
            "the bias is missing",
            "z",
            "z without b",
            "Add the bias to each weighted sum.",
            "z₁ = XW₁ instead of XW₁ + b₁",
            _bias_omitted,
        ),
        Mistake(
            "bias-in-backward",
            "the bias is added on the way back",
            "da",
            "da + b",
            "The bias has no part in sending the error back: its derivative is 0 there.",
            "da₁ = δ₂·W₂ᵀ + b₁",
            _bias_in_backward,
        ),
        Mistake(
            "activation-omitted",
            "the activation is missing",
            "a",
            "a = z",
            "Apply the activation to z.",
            "a₁ = z₁ instead of σ(z₁)",
            _activation_omitted,
        ),
        Mistake(
            "wrong-activation",
            "another activation",
            "a and g",
            "tanh for σ, σ for ReLU, …",
            "Check which activation this layer has.",
            "a₁ = tanh(z₁) instead of σ(z₁)",
            _wrong_activation,
        ),
        Mistake(
            "preactivation-for-activation",
            "z stands where a belongs",
            "the next layer's product, dW, the error",
            "z for a",
            "What goes on to the next layer, and into dW, is the activation, not z.",
            "dW₂ = z₁ᵀδ₂ instead of a₁ᵀδ₂",
            _preactivation,
        ),
        Mistake(
            "batch-not-summed",
            "only one sample, or a line per sample",
            "db and dW of several samples",
            "without the sum over samples",
            "The parameter is shared by all samples: add their contributions up.",
            "db = δ of the first sample",
            _batch_not_summed,
        ),
        Mistake(
            "learning-rate-omitted",
            "the learning rate is missing",
            "updates",
            "η = 1",
            "Multiply the gradient by the learning rate before subtracting it.",
            "W − dW instead of W − 0.1·dW",
            _learning_rate_omitted,
        ),
        Mistake(
            "ascent-for-descent",
            "the step goes uphill",
            "updates",
            "+ for −",
            "Going down means subtracting the gradient.",
            "W + η·dW instead of W − η·dW",
            _ascent,
        ),
        Mistake(
            "old-value-dropped",
            "only the step, without the old value",
            "updates",
            "W_new = −η·dW",
            "The step is added to the old value; it does not replace it.",
            "W_new = −0.1·dW instead of W − 0.1·dW",
            _old_value_dropped,
        ),
        Mistake(
            "velocity-omitted",
            "the earlier velocity is left out",
            "v of momentum and its kin",
            "v = dW",
            "The velocity keeps a share β of what it was.",
            "v = dW instead of 0.9·v + dW",
            _velocity_omitted,
        ),
        Mistake(
            "bias-correction-omitted",
            "the correction for the start at 0 is missing",
            "m̂ and v̂ of Adam",
            "m̂ = m",
            "Divide by 1 − βᵗ: the averages began at 0.",
            "m̂ = 0.1·g instead of g after the first update",
            _bias_correction_omitted,
        ),
        Mistake(
            "square-omitted",
            "the square is missing",
            "loss entries of squared errors; s and v of adaptive optimizers",
            "e for e², g for g²",
            "Square before adding up.",
            "L = |0.85| instead of 0.85²",
            _square_omitted,
        ),
        Mistake(
            "wrong-log-base",
            "another logarithm",
            "cross-entropies",
            "log₁₀ or log₂ for ln",
            "The loss takes the natural logarithm, ln.",
            "−log₁₀ 0.8 = 0.097 instead of −ln 0.8 = 0.223",
            _wrong_log_base,
        ),
        Mistake(
            "complement-omitted",
            "the second half of the binary cross-entropy is missing",
            "binary cross-entropy",
            "−y ln ŷ without (1 − y) ln(1 − ŷ)",
            "Where the target is 0 it is ln(1 − ŷ) that counts.",
            "0 instead of −ln(1 − 0.3) for y = 0",
            _complement_omitted,
        ),
        Mistake(
            "softmax-wrong-axis",
            "the softmax is normalised over the samples",
            "softmax of several samples",
            "Σ over samples",
            "The outputs of one sample add up to 1: normalise over the units.",
            "columns that add up to 1 where rows should",
            _softmax_axis,
        ),
        Mistake(
            "penalty-omitted",
            "the penalty's part is missing",
            "loss and gradients with regularization",
            "without λ",
            "The spec has a penalty on the weights: add its part.",
            "dW = aᵀδ instead of aᵀδ + λW",
            _penalty_omitted,
        ),
        Mistake(
            "penalty-on-bias",
            "the penalty is put on the biases as well",
            "penalty, db",
            "λb added",
            "Here the penalty is on the weights only.",
            "db = Σδ + λb instead of Σδ",
            _penalty_on_bias,
        ),
        Mistake(
            "given-misread",
            "a given number is read as another",
            "inputs, targets, weights, biases",
            "another number in its place",
            "Compare your numbers with the ones given.",
            "0.3 read as 0.2",
        ),
        Mistake(
            "arithmetic-slip",
            "one entry is worked wrong",
            "any single entry",
            "a slip that no rule explains",
            "Work this entry once more.",
            "1·0.5 + 2·1.5 = 3.6",
        ),
    )
}


def wrongs(step: Step, site: Site) -> list[Wrong]:
    """Every wrong step that may stand in the place of a step."""
    return [wrong for row in CATALOGUE.values() for wrong in row.wrongs(step, site)]
