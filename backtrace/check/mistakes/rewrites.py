"""Wrong steps in the place of a right one: what each mistake makes of a step of the tape."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product as product_of
from typing import Any

import msgspec
import numpy as np

from backtrace.check.rules.intervals import Interval, scaled
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.formula import Sentence, Symbol
from backtrace.functions.losses import LOSSES
from backtrace.notation.forward import is_identity
from backtrace.spec import ids
from backtrace.spec.ids import Role, id_of
from backtrace.spec.model import Spec
from backtrace.tape.operations import matmul_operands
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step


class Wrong(msgspec.Struct, frozen=True):
    """A wrong step in the place of a right one: worked by its rule, then multiplied and turned.

    ``if_written``: only where the step itself stands on the page, since a later one says the same.
    """

    code: str
    step: Step
    factor: float = 1.0
    turn: bool = False
    detail: Sentence = ()
    if_written: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is what the step's rule gives, as it is."""
        return self.factor == 1 and not self.turn

    def made_of(self, x: Interval) -> Interval:
        """What the step has worked, multiplied and turned."""
        found = scaled(x, self.factor)
        return found.T if self.turn else found


GRADIENTS: tuple[Role, ...] = ("gradient", "data_gradient")


class UpdateContext(msgspec.Struct, frozen=True):
    """Where a step stands: the spec and the steps of its update by id."""

    spec: Spec
    setting: Setting
    steps: Mapping[str, Step]

    @property
    def last(self) -> int:
        return len(self.spec.layers)

    def find(self, role: Role, layer: int | None = None) -> Step | None:
        """The step of that role, where there is one."""
        return self.steps.get(id_of(role, layer))

    @property
    def inputs(self) -> Step:
        return self.steps[id_of("inputs")]

    @property
    def samples(self) -> int:
        """n of the update; equations have no samples of their own."""
        if self.spec.equations is not None:
            return 0
        return self.inputs.shape[self.setting.sample_axis]

    def is_weight(self, id: str) -> bool:
        """Whether a step is a weight matrix, before or after its update."""
        step = self.steps[id]
        return step.role == "weight" or (step.role == "updated" and self.is_weight(step.of))


def as_operation(
    step: Step, operation: str, operands: tuple[str, ...] | None = None, **parameters: Any
) -> Step:
    """``step`` with another operation, operands, and parameters added or replaced."""
    return msgspec.structs.replace(
        step,
        operation=operation,
        operands=step.operands if operands is None else operands,
        parameters={**step.parameters, **parameters},
    )


def _with_operand(step: Step, id: str, other: str) -> Step:
    """``step`` with another operand in the place of one."""
    return as_operation(step, step.operation, tuple(other if x == id else x for x in step.operands))


def _without(step: Step, *names: str) -> Step:
    kept = {name: value for name, value in step.parameters.items() if name not in names}
    return msgspec.structs.replace(step, parameters=kept)


def _slope(step: Step, context: UpdateContext) -> str:
    """The activation whose slope a δ is multiplied with, "" for other steps and linear units."""
    if step.operation not in ("hadamard", "jacobian_product"):
        return ""
    g = context.steps[step.operands[1]]
    return "" if is_identity(g.parameters) else str(g.parameters["activation"])


def derivative_skipped(code: str, relu: bool) -> Callable[[Step, UpdateContext], Iterator[Wrong]]:
    """δ = da; or da in the place of δ in what is worked from δ; or ∂L/∂a where the short-cut has
    the slope in it."""

    def wrongs(step: Step, context: UpdateContext) -> Iterator[Wrong]:
        if step.operation == "shortcut_delta" and not relu:
            yield Wrong(code, as_operation(step, "loss_gradient"))
        activation = _slope(step, context)
        if activation and (activation == "relu") == relu:
            yield Wrong(code, as_operation(step, "copy", step.operands[:1]))
        for delta in (context.steps[id] for id in step.operands):
            activation = _slope(delta, context) if delta.role == "delta" else ""
            if activation and (activation == "relu") == relu:
                yield Wrong(code, _with_operand(step, delta.id, delta.operands[0]))
        own = "" if is_identity(step.parameters) else step.parameters.get("activation")
        if step.operation == "activation_derivative" and own and (own == "relu") == relu:
            ones = _instead(step, {"activation": "linear", "slope": 1.0})
            yield Wrong(code, ones, if_written=True)

    return wrongs


def upstream_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """δ = g, or g in the place of δ in what is worked from δ."""
    code = "upstream-omitted"
    if step.operation == "hadamard" and _slope(step, context):
        yield Wrong(code, as_operation(step, "copy", step.operands[1:]))
    for delta in (context.steps[id] for id in step.operands):
        if delta.role == "delta" and delta.operation == "hadamard" and _slope(delta, context):
            yield Wrong(code, _with_operand(step, delta.id, delta.operands[1]))


def mask_of_gradient(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """What arrives is let through where it is positive itself, not where z is."""
    if step.operation == "hadamard" and _slope(step, context) == "relu":
        wrong = as_operation(step, "activate", step.operands[:1], activation="relu")
        yield Wrong("mask-of-gradient", wrong)


def jacobian_diagonal(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """a(1 − a) of a softmax, as if each output had its own z."""
    a = context.find("activation", step.layer)
    if step.operation == "jacobian_product" and a is not None and a.shape == step.shape:
        wrong = as_operation(step, "softmax_diagonal", (step.operands[0], a.id))
        yield Wrong("jacobian-diagonal-only", wrong)


def derivative_at_a(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "activation_derivative" and _curved(step):
        yield Wrong(
            "derivative-at-activation",
            as_operation(
                step, "derivative_at_activation", _own_activation(step), **_ones(step, context)
            ),
        )


def _curved(step: Step) -> bool:
    name = step.parameters["activation"]
    return name not in ("linear", "relu", "leaky_relu", "prelu", "step")


def _own_activation(step: Step) -> tuple[str, ...]:
    return (id_of("activation", step.layer),)


def _ones(step: Step, context: UpdateContext) -> dict[str, Any]:
    activation = context.steps[id_of("activation", step.layer)]
    return {k: v for k, v in activation.parameters.items() if k == "ones"}


# What is there of a slope of which something was left out, and what that is.
FACTORS_OF_SLOPE = {
    "sigmoid": {"a": "the factor 1 − a", "1-a": "the factor a"},
    "tanh": {"1-a": "the square", "-a²": "the 1"},
}


def derivative_incomplete(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation != "activation_derivative":
        return
    for fragment, missing in FACTORS_OF_SLOPE.get(step.parameters["activation"], {}).items():
        wrong = _fragment(step, context, fragment)
        yield Wrong("derivative-incomplete", wrong, detail=(missing,))


def _fragment(step: Step, context: UpdateContext, fragment: str) -> Step:
    """A short formula in a layer's a in the place of its slope."""
    parameters = {"fragment": fragment, **_ones(step, context)}
    return as_operation(step, "derivative_fragment", _own_activation(step), **parameters)


# Activations whose derivative has a short formula in a.
SHORT_FORMULAS = {"sigmoid": "a(1-a)", "tanh": "1-a²"}


def preactivation_in_derivative(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    fragment = SHORT_FORMULAS.get(step.parameters.get("activation", ""))
    if step.operation == "activation_derivative" and fragment is not None:
        wrong = as_operation(step, "derivative_fragment", fragment=fragment)
        yield Wrong("preactivation-in-derivative", wrong)
    if step.operation == "activation_derivative" and step.parameters["activation"] == "elu":
        yield Wrong("preactivation-in-derivative", as_operation(step, "slope_of_elu_by_z"))


def z_times_slope(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "hadamard" and _slope(step, context):
        slope = context.steps[step.operands[1]]
        if slope.operation == "activation_derivative":  # z, da and g as they stand on the page
            operands = (*step.operands, slope.operands[0])
            yield Wrong("z-times-slope", as_operation(step, "hadamard_with_z", operands))
    if step.operation != "activation_derivative" or is_identity(step.parameters):
        return
    if ACTIVATIONS[step.parameters["activation"]].elementwise:
        yield Wrong("z-times-slope", as_operation(step, "slope_times_z"))
    if step.parameters["activation"] == "leaky_relu":
        yield Wrong("z-times-slope", as_operation(step, "slope_times_z_below_0"))


def _averaged(step: Step) -> int:
    return int(step.parameters.get("samples", 1))


def mean_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if _averaged(step) > 1:
        yield Wrong("mean-omitted", step, float(_averaged(step)))
    if step.operation in ("penalty", "add_penalty") and step.parameters["over"] > 1:
        yield Wrong("mean-omitted", as_operation(step, step.operation, over=1))


def _is_output_delta(step: Step, context: UpdateContext) -> bool:
    return step.operation in ("hadamard", "jacobian_product") and step.layer == context.last


def mean_twice(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    n = context.samples
    places = ("total", "loss_gradient", "shortcut_delta", "sum_samples", "chain_to_learned")
    output_delta = _is_output_delta(step, context)
    gradient = step.operation == "matmul" and step.role in GRADIENTS
    if n > 1 and (step.operation in places or output_delta or gradient):
        yield Wrong("mean-twice", step, 1.0 / n)
    penalised = step.operation in ("penalty", "add_penalty")
    if penalised and step.parameters["over"] == 1 and n > 1:
        l1, l2 = (float(step.parameters[name]) / n for name in ("l1", "l2"))
        yield Wrong("mean-twice", as_operation(step, step.operation, l1=l1, l2=l2))


def mean_over_outputs(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    k = context.spec.layers[-1].units
    if k > 1 and step.operation in ("total", "loss_gradient", "shortcut_delta"):
        yield Wrong("mean-over-outputs", step, 1.0 / k)


def half_factor(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    output_delta = _is_output_delta(step, context)
    losses = step.operation in ("loss_terms", "total", "loss_gradient", "shortcut_delta")
    if losses or output_delta:
        yield Wrong("half-factor", step, 2.0)
        yield Wrong("half-factor", step, 0.5)
    elif step.role in ("delta", "activation_gradient") and math.prod(step.shape) > 1:
        for factor, said in ((2.0, "twice"), (0.5, "half")):
            detail = (f"{said} the right value",)
            yield Wrong("half-factor", step, factor, detail=detail, if_written=True)
    if step.operation in ("penalty", "add_penalty") and float(step.parameters["l2"]):
        for factor in (2.0, 0.5):
            l2 = float(step.parameters["l2"]) * factor
            yield Wrong("half-factor", as_operation(step, step.operation, l2=l2))
    if _is_gradient(step):
        n = context.samples
        named = (1 / n if n else 0.0, n if _averaged(step) > 1 else 0.0)  # by what is done to 1/n
        for factor, said in ((2.0, "twice"), (0.5, "half"), (4.0, "four times"), (0.25, "¼ of")):
            alone = math.prod(step.shape) == 1 and factor not in (2.0, 0.5)
            if not alone and factor not in named:
                yield Wrong("half-factor", step, factor, detail=(f"{said} the right value",))


def _is_gradient(step: Step) -> bool:
    """Whether a step works the gradient of a parameter."""
    return step.operation in ("sum_samples", "chain_to_learned") or (
        step.operation == "matmul" and step.role in GRADIENTS
    )


SIGNED = (
    *("error", "loss_terms", "total", "loss_gradient", "shortcut_delta", "hadamard"),
    *("jacobian_product", "chain_to_learned", "sum_samples", "add_penalty", "accumulate"),
    *("average", "matmul"),
)


def negated(step: Step) -> Wrong:
    """The negative of a line, told of the line itself; of one before it might be σ(−z) as well."""
    return Wrong("sign-flipped", step, -1.0)


def sign_flipped(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation in SIGNED:
        yield negated(step)
    if step.operation == "activation_derivative" and step.parameters["activation"] == "tanh":
        yield Wrong("sign-flipped", _fragment(step, context, "1+a²"), detail=("of a²",))
    if step.operation == "loss_terms" and _of_classes(context):
        wrong = as_operation(step, "loss_terms_signed")
        yield Wrong("sign-flipped", wrong, detail=("of the part with 1 − y",))
    if step.operation == "add_bias":
        subtract = not step.parameters.get("subtract", False)
        yield Wrong("sign-flipped", as_operation(step, "add_bias", subtract=subtract))
    if step.operation == "add_penalty":
        l1, l2 = (-float(step.parameters[name]) for name in ("l1", "l2"))
        yield Wrong("sign-flipped", as_operation(step, "add_penalty", l1=l1, l2=l2))


def _of_classes(context: UpdateContext) -> bool:
    """Whether the loss is a binary cross-entropy of targets 0 and 1."""
    loss, targets = context.spec.loss, context.spec.targets
    if loss is None or targets is None or loss.name != "binary_cross_entropy":
        return False
    return bool(np.isin(targets.values, (0, 1)).all())


def weights_not_transposed(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """W as it stands, or what came in (``a`` for aᵀ in a gradient), shapes allowing."""
    if step.operation != "matmul":
        return
    at = next((k for k, id in enumerate(step.operands) if context.is_weight(id)), None)
    side = "" if at is None else ("first", "second")[at]
    transpose = "" if step.parameters.get("transpose", "") == side else side
    wrong = as_operation(step, "matmul", transpose=transpose)
    if wrong.parameters != step.parameters and _product_shape(wrong, context) == step.shape:
        yield Wrong("weights-not-transposed", wrong)


def _product_shape(step: Step, context: UpdateContext) -> tuple[int, ...] | None:
    """The shape of a product as it would stand; None where its factors don't meet."""
    shapes = [context.steps[id].shape for id in step.operands]
    if any(len(shape) != 2 for shape in shapes):
        return None
    empty = [np.empty(shape) for shape in shapes]
    x, y = matmul_operands(context.setting, step.parameters, *empty)
    return (x.shape[0], y.shape[1]) if x.shape[1] == y.shape[0] else None


def transposed(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if len(set(step.shape)) == 1 and step.shape[0] > 1:
        yield Wrong("transposed", step, turn=True)


def weights_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """Each unit gets the sum of the δ that come back, none of them weighted; or δ as it stands."""
    if step.operation == "matmul" and step.role == "activation_gradient":
        at = next(k for k, id in enumerate(step.operands) if context.is_weight(id))
        yield Wrong("weights-omitted-going-back", as_operation(step, "product_with_ones", at=at))
        delta = step.operands[1 - at]
        if context.steps[delta].shape == step.shape:
            yield Wrong("weights-omitted-going-back", as_operation(step, "copy", (delta,)))


PASSING_ON = ("matmul", "hadamard", "jacobian_product", "chain_to_learned")  # what has arrived


def value_for_error(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """An activation, a pre-activation or the error where what reaches the unit belongs: in its own
    line, or where it is passed on."""
    for other in _written_for(step, context):
        wrong = as_operation(step, "copy", (other.id,))
        yield Wrong("value-for-error", wrong, detail=(Symbol(other.id),))
    loss = context.find("loss")
    if step.operation in ("loss_gradient", "shortcut_delta") and loss is not None:
        wrong = as_operation(step, "one_for_each", (loss.id, step.operands[0]))
        yield Wrong("value-for-error", wrong, detail=(Symbol(loss.id),))
    yield from _for_gradient(step, context)
    if step.phase != "backward" or step.operation not in PASSING_ON:
        return
    for operand in (context.steps[id] for id in step.operands):
        for other in _taken_for(operand, context):
            if other.shape == operand.shape and other.id not in step.operands:
                wrong = _with_operand(step, operand.id, other.id)
                yield Wrong("value-for-error", wrong, detail=(Symbol(other.id),))
    if step.role == "activation_gradient" and context.samples == 1:
        for gradient in context.steps.values():
            if gradient.role in GRADIENTS and gradient.of in step.operands:
                wrong = as_operation(step, "summed_over_outputs", (gradient.id,))
                yield Wrong("value-for-error", wrong, detail=(Symbol(gradient.id),))


def _for_gradient(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """W where dW belongs in an update; the entries of dW added up for db."""
    if step.operation == "descend":
        wrong = as_operation(step, "descend", (step.operands[0],) * 2)
        yield Wrong("value-for-error", wrong, detail=(Symbol(step.operands[0]),))
    for other in context.steps.values() if _shows_inputs(step, context) else ():
        is_of_weights = other.operation == "matmul" and other.role in GRADIENTS
        if is_of_weights and step.operands[0] in other.operands:
            wrong = as_operation(step, "summed_over_inputs", (other.id,))
            yield Wrong("value-for-error", wrong, detail=(Symbol(other.id),))


def _shows_inputs(step: Step, context: UpdateContext) -> bool:
    """Whether a bias gradient is not what the gradients by its unit's weights add up to anyway."""
    if step.operation != "sum_samples" or step.layer != 1:
        return step.operation == "sum_samples"
    of_samples = context.spec.inputs.values.sum(axis=1 - context.setting.sample_axis)
    return not np.allclose(of_samples, 1)


def _written_for(step: Step, context: UpdateContext) -> list[Step]:
    """What may be copied into the line of a δ or da. An error, or a − y of a single y, is another
    mistake: no slope, a target taken for 0."""
    single = context.spec.targets is None or math.prod(step.shape) == 1
    from_targets = step.operation in ("shortcut_delta", "loss_gradient")
    return [
        other
        for other in _taken_for(step, context)
        if other.shape == step.shape and other.role != "error"
        if not (from_targets and single and other.role == "activation")
    ]


def _taken_for(operand: Step, context: UpdateContext) -> list[Step]:
    roles: dict[Role, tuple[Role, ...]] = {
        "delta": ("activation",),
        "activation_gradient": ("activation", "preactivation"),
    }
    found = [context.find(role, operand.layer) for role in roles.get(operand.role, ())]
    if operand.role in roles and operand.layer == context.last:
        found += [context.find("loss_terms")]
        found += [context.find("error")] if operand.role == "delta" else []
    return [each for each in found if each is not None]


def summed_wrong_axis(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    shape = context.steps[step.operands[0]].shape if step.operation == "sum_samples" else ()
    if len(shape) == 2 and shape[0] == shape[1] > 1:
        yield Wrong("summed-wrong-axis", as_operation(step, "sum_units"))


def summed_as_a_whole(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """One sum over units and samples, for every unit: ``np.sum`` without an axis."""
    shape = context.steps[step.operands[0]].shape if step.operation == "sum_samples" else ()
    if len(shape) == 2 and step.shape != (1, 1) and min(shape) > 1:
        yield Wrong("summed-as-a-whole", as_operation(step, "sum_of_all"))


def updated_weights(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation != "matmul" or step.role != "activation_gradient":
        return
    for id in step.operands:
        new = ids.updated(id)
        if context.steps[id].role == "weight" and new in context.steps:
            yield Wrong("updated-weights-used", _with_operand(step, id, new))


def old_weights(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    for operand in (context.steps[id] for id in step.operands):
        if step.operation == "matmul" and operand.role == "updated":
            yield Wrong("old-weights-used", _with_operand(step, operand.id, operand.of))


def matrix_product_for_hadamard(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "hadamard" and len(set(step.shape)) == 1 and step.shape[0] > 1:
        for turn, reverse in product_of((False, True), repeat=2):
            wrong = as_operation(step, "hadamard_as_product", turn=turn, reverse=reverse)
            yield Wrong("matrix-product-for-hadamard", wrong)


def hadamard_for_matrix_product(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation != "matmul":
        return
    for transpose in dict.fromkeys((step.parameters.get("transpose", ""), "", "first", "second")):
        wrong = as_operation(step, "entrywise_product", transpose=transpose)
        empty = [np.empty(context.steps[id].shape) for id in step.operands]
        x, y = matmul_operands(context.setting, wrong.parameters, *empty)
        if x.shape == y.shape == step.shape:
            yield Wrong("hadamard-for-matrix-product", wrong)


def bias_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "add_bias":
        yield Wrong("bias-omitted", as_operation(step, "copy", step.operands[:1]))
    kind = context.spec.layers[(step.layer or 1) - 1].bias.kind
    if step.role == "product" and kind in ("first", "last"):
        yield Wrong("bias-omitted", as_operation(step, "product_without_bias", ones=kind))


def bias_in_backward(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation != "matmul" or step.role != "activation_gradient":
        return
    units = step.shape[1 - context.setting.sample_axis]
    for layer in ((step.layer or 0), (step.layer or 0) + 1):  # its own bias, or the next layer's
        bias = context.find("bias", layer)
        if bias is not None and math.prod(bias.shape) in (1, units):
            yield Wrong(
                "bias-in-backward", as_operation(step, "matmul_plus", (*step.operands, bias.id))
            )


def activation_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "activate" and not is_identity(step.parameters):
        yield Wrong("activation-omitted", _instead(step, {"activation": "linear", "slope": 1.0}))


def _instead(step: Step, function: dict[str, Any]) -> Step:
    """Another function, which learns nothing, for an activation or its derivative."""
    ones = {k: v for k, v in step.parameters.items() if k == "ones"}
    return msgspec.structs.replace(
        step, operands=step.operands[:1], parameters={**function, **ones}
    )


# Functions that are taken for an activation and are none of the table; of sin and cos on boards.
OF_ANGLES = {"sin": ("cos", "sin of degrees"), "cos": ("sin", "cos of degrees")}
MISTAKEN_FUNCTIONS = {"sigmoid": ("σ(−z)",), "tanh": ("tan",), **OF_ANGLES}


def wrong_activation(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation not in ("activate", "activation_derivative"):
        return
    right = step.parameters["activation"]
    for name, row in ACTIVATIONS.items():
        derivative = step.operation == "activation_derivative"
        if name in (right, "linear") or row.learned or (derivative and name == "step"):
            continue
        if derivative and row.elementwise != ACTIVATIONS[right].elementwise:
            continue
        wrong = _instead(step, {"activation": name, **row.parameters})
        yield Wrong("wrong-activation", wrong, detail=(row.title,))
    if step.operation == "activate":
        for wrong_name in MISTAKEN_FUNCTIONS.get(right, ()):
            wrong = as_operation(step, "mistaken_function", function=wrong_name)
            yield Wrong("wrong-activation", wrong, detail=(wrong_name,))
    yield from _wrong_slope_formula(step, context)


def _wrong_slope_formula(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """The short formula of another activation, worked on this one's a."""
    own = step.parameters["activation"]
    if step.operation != "activation_derivative" or own not in SHORT_FORMULAS:
        return
    for name, fragment in SHORT_FORMULAS.items():
        if name != own:
            wrong = _fragment(step, context, fragment)
            yield Wrong("wrong-activation", wrong, detail=(ACTIVATIONS[name].title,))


def preactivation(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    users = ("matmul", "error", "loss_terms", "shortcut_delta", "loss_gradient")
    if step.operation not in users:
        return
    for activation in (context.steps[id] for id in step.operands):
        if activation.operation != "activate" or is_identity(activation.parameters):
            continue
        z = activation.operands[0]
        wrong = _without(_with_operand(step, activation.id, z), "stable_from")
        if context.steps[z].shape != activation.shape:  # z takes the 1 that a carries
            ones = activation.parameters["ones"]
            wrong = as_operation(
                wrong, "augmented_matmul", ones=ones, augmented=wrong.operands.index(z)
            )
        yield Wrong("preactivation-for-activation", wrong)


def batch_not_summed(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    n = context.samples
    gradient = step.operation == "matmul" and step.role in GRADIENTS
    operation = "product_of_one_sample" if gradient else OF_ONE_SAMPLE.get(step.operation)
    if n == 1 or operation is None:
        return
    for at, sample in enumerate(context.inputs.sample_numbers):
        wrong = as_operation(step, operation, at=at)
        yield Wrong("batch-not-summed", wrong, detail=(str(sample),))
        if "samples" in step.parameters:
            yield Wrong("batch-not-summed", _without(wrong, "samples"), detail=(str(sample),))


OF_ONE_SAMPLE = {"sum_samples": "one_sample", "chain_to_learned": "chain_of_one_sample"}


def positive_counted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """Every z counts for the slope, also those that are passed on as they are."""
    if step.operation == "chain_to_learned":
        yield Wrong("positive-units-counted", as_operation(step, "chain_to_whole"))


def delta_for_upstream(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """What has gone back through the activation in the gradient of its slope."""
    if step.operation != "chain_to_learned" or "arguments" in step.parameters:
        return
    upstream, z = step.operands
    for other in context.steps.values():
        if other.of == z and other.role in ("delta", "gradient"):
            yield Wrong("slope-twice", _with_operand(step, upstream, other.id))


SQUARED = {"sse": 1.0, "half_sse": 0.5, "mse": 1.0, "half_mse": 0.5}  # and the factor of e²


def square_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "average_squares":
        yield Wrong("square-omitted", as_operation(step, "average"))
    if step.operation == "accumulate_squares":
        yield Wrong("square-omitted", as_operation(step, "add"))
    if step.operation == "loss_terms" and step.parameters["loss"] in SQUARED:
        factor = SQUARED[step.parameters["loss"]]
        yield Wrong("square-omitted", as_operation(step, "sizes", absolute=True), factor)
        yield Wrong("square-omitted", as_operation(step, "sizes"), factor)


def broadcast(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """Every output against every target, as an n × 1 array minus one of n has it in NumPy."""
    if step.operation != "total" or context.samples == 1 or context.spec.layers[-1].units > 1:
        return
    terms = context.steps[step.operands[0]]
    if not LOSSES[terms.parameters["loss"]].from_error:
        return
    wrong = _without(
        as_operation(step, "total_of_pairs", terms.operands, **terms.parameters), "stable_from"
    )
    yield Wrong("broadcast-over-samples", wrong)
    if "samples" in step.parameters:
        yield Wrong("broadcast-over-samples", wrong, 1.0 / context.samples)


PROBABILITIES = ("sigmoid", "softmax")  # what a logarithm may be taken of
OTHER_LOSSES = ("half_sse", "sse", "mae", "binary_cross_entropy", "cross_entropy")


def wrong_loss(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """The value or the gradient of another loss; ½ and 1/n are mistakes of their own."""
    own = step.parameters.get("loss", "")
    if step.operation not in ("loss_terms", "loss_gradient") or LOSSES[own].targets == "none":
        return
    operands = (id_of("activation", context.last), id_of("targets"))
    probable = context.spec.layers[-1].activation.name in PROBABILITIES
    for name in OTHER_LOSSES:
        row = LOSSES[name]
        halved = {name, own} <= {"binary_cross_entropy", "cross_entropy"}  # complement-omitted
        if name == own or {name, own} <= SQUARED.keys() or halved:
            continue
        if not (row.rational or probable):
            continue
        by_error = step.operation == "loss_gradient" and row.from_error
        operation = "loss_gradient_from_activation" if by_error else step.operation
        wrong = _without(as_operation(step, operation, operands, loss=name), "stable_from")
        yield Wrong("wrong-loss", wrong, detail=(row.title,))


def wrong_log_base(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "loss_terms" and not LOSSES[step.parameters["loss"]].rational:
        yield Wrong("wrong-log-base", step, 1 / math.log(10), detail=("log₁₀",))
        yield Wrong("wrong-log-base", step, 1 / math.log(2), detail=("log₂",))


def complement_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "loss_terms" and step.parameters["loss"] == "binary_cross_entropy":
        wrong = _without(as_operation(step, "loss_terms", loss="cross_entropy"), "stable_from")
        yield Wrong("complement-omitted", wrong)
    if step.operation == "shortcut_delta" and _of_classes(context):
        yield Wrong("complement-omitted", as_operation(step, "shortcut_of_ones"))
    if step.operation == "loss_gradient" and _of_classes(context):
        wrong = _without(as_operation(step, "loss_gradient", loss="cross_entropy"), "stable_from")
        yield Wrong("complement-omitted", wrong)


def softmax_axis(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "activate" and step.parameters["activation"] == "softmax":
        wrong = as_operation(step, "softmax_wrong_axis")
        yield Wrong("softmax-wrong-axis", wrong, detail=("the samples",))
        if context.samples > 1:
            wrong = as_operation(step, "softmax_of_all")
            yield Wrong("softmax-wrong-axis", wrong, detail=("samples and units alike",))


def derivative_not_cancelled(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "shortcut_delta":
        yield Wrong("derivative-not-cancelled", as_operation(step, "shortcut_times_slope"))


def penalty_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "add_penalty" or (step.operation == "add" and step.role == "loss"):
        yield Wrong("penalty-omitted", as_operation(step, "copy", step.operands[:1]))


# What is added for a penalty's gradient, by what was taken for sign(w), or for w.
MISDERIVED = {"l1": ("|w|", "1", "w"), "l2": ("w²", "|w|", "sign(w)")}


def penalty_misderived(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """λ|w|, which is not differentiated, λ without the sign, or the other penalty's λw."""
    if step.operation != "add_penalty" or step.parameters.get("omit"):
        return
    kinds = [name for name in MISDERIVED if float(step.parameters[name])]
    for name in kinds if len(kinds) == 1 else ():
        for taken in MISDERIVED[name]:
            wrong = as_operation(step, "add_misderived_penalty", taken=taken)
            said = "λ" if taken == "1" else f"λ·{taken}"
            yield Wrong("penalty-misderived", wrong, detail=(said,))


def penalty_on_bias(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    part = context.spec.regularization
    if part is None or part.biases:
        return
    penalised = (s for s in context.steps.values() if s.operation == "add_penalty")
    shared = {k: v for s in penalised for k, v in s.parameters.items() if k != "omit"}
    if step.operation == "sum_samples" and shared:
        wrong = as_operation(
            step, "sum_with_penalty", (*step.operands, id_of("bias", step.layer)), **shared
        )
        yield Wrong("penalty-on-bias", wrong)
    if step.operation == "penalty":
        biases = tuple(s.id for s in context.steps.values() if s.role == "bias")
        omit = [""] * (len(step.operands) + len(biases))
        yield Wrong(
            "penalty-on-bias", as_operation(step, "penalty", (*step.operands, *biases), omit=omit)
        )
    if step.operation == "add_penalty" and step.parameters.get("omit"):
        yield Wrong("penalty-on-bias", as_operation(step, "add_penalty", omit=""))


def wrong_layer(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """Another layer's weights or activation in a backward product, or its z in a slope, shapes
    allowing."""
    if step.operation == "activation_derivative" and not is_identity(step.parameters):
        for other in context.steps.values():
            z = step.operands[0]
            if other.role == "preactivation" and other.id != z and other.shape == step.shape:
                wrong = _with_operand(step, z, other.id)
                yield Wrong("wrong-layer", wrong, detail=(Symbol(other.id),))
    if step.operation != "matmul" or step.phase != "backward":
        return
    for operand in (context.steps[id] for id in step.operands):
        roles = _same_kind(operand, context)
        for other in context.steps.values():
            if other.role in roles and other.id not in (operand.id, operand.of):
                wrong = _with_operand(step, operand.id, other.id)
                if _product_shape(wrong, context) == step.shape:
                    yield Wrong("wrong-layer", wrong, detail=(Symbol(other.id),))


def _same_kind(operand: Step, context: UpdateContext) -> tuple[Role, ...]:
    """What another layer has in the place of weights or an activation."""
    if context.is_weight(operand.id):
        return ("weight",)
    return ("inputs", "activation") if operand.role in ("inputs", "activation") else ()
