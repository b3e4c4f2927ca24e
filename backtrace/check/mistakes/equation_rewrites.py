"""Wrong steps in the place of a right one, of equations: what each mistake makes of a line."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec
import numpy as np

from backtrace.check.mistakes.equation_factors import (
    another_factor,
    another_weight,
    derivative_not_cancelled,
    factors_crossed,
    preactivation_in_derivative,
    weights_omitted,
)
from backtrace.check.mistakes.equation_terms import (
    addend_omitted,
    as_equation,
    bias_omitted,
    is_way,
    learned_names,
    mask_after_softmax,
    mask_omitted,
    of_equations,
    one_step_only,
    statistics_as_constants,
    way_omitted,
)
from backtrace.check.mistakes.rewrites import (
    FACTORS_OF_SLOPE,
    OF_ANGLES,
    UpdateContext,
    Wrong,
    delta_for_upstream,
    positive_counted,
    square_omitted,
)
from backtrace.check.mistakes.update_rewrites import (
    ascent,
    average_shares,
    bias_correction_omitted,
    clip_omitted,
    correction_of_another_step,
    first_weights_kept,
    learning_rate_omitted,
    old_value_dropped,
    rate_misread,
    step_root_omitted,
    update_omitted,
    velocity_form,
    velocity_omitted,
)
from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.losses import LOSSES
from backtrace.notation.forward import is_identity
from backtrace.spec import ids
from backtrace.tape.arguments import Argument, arguments_of
from backtrace.tape.equation_operations import entries_of
from backtrace.tape.steps import Step

Rewrite: TypeAlias = Callable[[Step, UpdateContext], Iterator[Wrong]]

GATES = ("sigmoid", "tanh", "relu", "linear")  # that are taken for each other
SWAPPED = {"row": "column", "column": "row"}


def _with(step: Step, **parameters: Any) -> Step:
    return msgspec.structs.replace(step, parameters={**step.parameters, **parameters})


def gradient_not_summed(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """Of what was broadcast, the gradient of the first row or column alone."""
    over = step.parameters.get("summed")
    if step.operation == "copy" and over in ("rows", "columns"):
        first = [[1, 1], None] if over == "columns" else [None, [1, 1]]
        kept = {k: v for k, v in step.parameters.items() if k in ("undo", "into")}
        wrong = msgspec.structs.replace(step, parameters=kept | {"arguments": [[first]]})
        yield Wrong("batch-not-summed", wrong)


# Factors


def sign_flipped(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if is_way(step) or step.operation in ("minus", "negate", "loss_of"):
        yield Wrong("sign-flipped", step, -1.0)


def _is_square(step: Step) -> bool:
    parameters = step.parameters
    return parameters.get("activation") == "power" and float(parameters["exponent"]) == 2


def half_factor(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "chain" and _is_square(step):
        yield Wrong("half-factor", step, 0.5, detail=("the 2 of the square is missing",))
    if step.operation == "chain" and step.parameters["activation"] == "sqrt":
        yield Wrong("half-factor", step, 2.0, detail=("the ½ of the root is missing",))
    if step.operation in ("loss_of", "loss_slope"):
        yield Wrong("half-factor", step, 2.0, detail=("a 2 too many",))
        yield Wrong("half-factor", step, 0.5, detail=("a ½ too many",))
    numbers = [each.number for each in arguments_of(step.operands, step.parameters)]
    halves = {"over": 2.0, "times": 0.5}.get(step.operation)
    if halves in numbers and _scale(step, context) is None:  # λ/2; a single number is a scale
        yield Wrong("half-factor", step, 2.0, detail=("the ½ is missing",))


def mean_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    n = _averaged(step, context)
    if n > 1:
        yield Wrong("mean-omitted", step, float(n))


def mean_twice(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """Where it belongs, or once more in the gradient of what is learned."""
    n = _averaged(step, context)
    if n == 1 and step.role == "gradient" and step.of in learned_names(context):
        losses = (each for each in context.steps.values() if each.phase == "loss")
        n = max((_averaged(each, context) for each in losses), default=1)
    if n > 1:
        yield Wrong("mean-twice", step, 1.0 / n)


def _averaged(step: Step, context: UpdateContext) -> int:
    if step.parameters.get("reduce") == "mean":
        return entries_of(step.parameters, context.steps[step.operands[-1]].shape)
    return int(step.parameters.get("samples", 1))


def mean_over_outputs(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    samples = int(step.parameters.get("samples", 1))
    if step.operation in ("loss_of", "loss_slope"):
        output = context.steps[step.operands[step.operation == "loss_slope"]]
        outputs = math.prod(output.shape) // samples
        if outputs > 1:
            yield Wrong("mean-over-outputs", step, 1 / outputs)


def scale_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """A constant that divides or multiplies left out: √d of attention, 1/p of dropout."""
    mask = _mask_that_scales(step, context)
    if mask is not None:
        yield Wrong("scale-omitted", step, 1 / mask)
    constant = _scale(step, context)
    if constant is None:
        return
    arguments = arguments_of(step.operands, step.parameters)
    kept = [each for each in arguments if each.number is None and each.id != constant.id]
    views = {"arguments": [list(kept[0].views)]} if kept[0].views else {}
    yield Wrong("scale-omitted", as_equation(step, "copy", (kept[0].id,), **views))


def scale_misread(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """d for √d, or the reverse; another half or double of it; times for divided by."""
    constant = _scale(step, context)
    if constant is None:
        return
    c = _value(constant, context)
    others = {c * c: "its square", 2 * c: "twice it", c / 2: "half of it"}
    if c > 0:
        others[math.sqrt(c)] = "its root"
    if 0 < c < 1:
        others[1 - c] = "1 − it"
    for other, said in others.items():
        if other not in (0.0, 1.0, c):
            factor = c / other if step.operation == "over" else other / c
            yield Wrong("scale-misread", step, factor, detail=(f"{other:.6g}, {said},",))
    turned = "times" if step.operation == "over" else "over"
    factor = c * c if turned == "times" else 1 / (c * c)
    yield Wrong("scale-misread", step, factor, detail=(f"1/{c:.6g}",))


def _scale(step: Step, context: UpdateContext) -> Argument | None:
    """The one constant by which a line multiplies or divides: a number in it, or a given one whose
    gradient nobody wants."""
    if step.operation not in ("over", "times"):
        return None
    arguments = arguments_of(step.operands, step.parameters)
    constants = [each for each in arguments if _is_constant(each, context)]
    if len(constants) != 1 or (step.operation == "over" and arguments[0] is constants[0]):
        return None
    return None if _value(constants[0], context) in (0.0, 1.0, -1.0) else constants[0]


def _mask_that_scales(step: Step, context: UpdateContext) -> float | None:
    """1/p of dropout in a given mask that a line multiplies with."""
    board = context.spec.equations
    if step.operation != "times" or board is None or step.phase != "forward":
        return None
    for id in step.operands:
        entries = np.unique(board.given[id].values) if id in board.constants else np.empty(0)
        if entries.size == 2 and entries[0] == 0 and entries[1] != 1:
            return float(entries[1])
    return None


def _is_constant(argument: Argument, context: UpdateContext) -> bool:
    board = context.spec.equations
    if argument.number is not None or board is None:
        return argument.number is not None
    shape = context.steps[argument.id].shape
    return argument.id in board.given and argument.id in board.constants and shape == (1, 1)


def _value(constant: Argument, context: UpdateContext) -> float:
    if constant.number is not None or context.spec.equations is None:
        return float(constant.number or 0)
    return float(context.spec.equations.given[constant.id].values[0, 0])


# Functions


def derivative_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "chain" and not is_identity(step.parameters):
        relu = step.parameters["activation"] == "relu"
        code = "relu-mask-ignored" if relu else "activation-derivative-omitted"
        yield Wrong(code, as_equation(step, "copy", step.operands[:1]))
    if step.operation == "softmax_slope":
        yield Wrong("activation-derivative-omitted", as_equation(step, "copy", step.operands[:1]))


def upstream_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """The derivative alone, without what arrives at it."""
    if step.operation == "chain" and not is_identity(step.parameters):
        wrong = msgspec.structs.replace(step, operation="chain_alone")
        yield Wrong("upstream-omitted", wrong)


def square_omitted_on_board(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """x, or |x|, for x²."""
    if step.operation == "activate" and _is_square(step):
        yield Wrong("square-omitted", _plain_copy(step))
        kept = {k: v for k, v in step.parameters.items() if k not in ("activation", "exponent")}
        size = msgspec.structs.replace(step, parameters=kept | {"activation": "abs"})
        yield Wrong("square-omitted", size)


def root_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "activate" and step.parameters["activation"] == "sqrt":
        yield Wrong("root-omitted", _plain_copy(step))


def derivative_at_activation(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation != "chain" or step.parameters["activation"] in ("relu", "power", "exp"):
        return
    upstream, _, *learned = step.operands
    for activation in _activations(step, context):
        wrong = msgspec.structs.replace(step, operands=(upstream, activation, *learned))
        yield Wrong("derivative-at-activation", wrong)


def _activations(step: Step, context: UpdateContext) -> list[str]:
    """What the function whose slope a chain takes has given."""
    return [
        line.id
        for line in context.steps.values()
        if line.operation == "activate" and line.operands == step.operands[1:]
        if "undo" not in step.parameters
    ]


def derivative_incomplete(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation != "chain":
        return
    for fragment in FACTORS_OF_SLOPE.get(step.parameters["activation"], ()):
        for activation in _activations(step, context):
            operands = (step.operands[0], activation)
            wrong = as_equation(step, "chain_by_fragment", operands, fragment=fragment)
            yield Wrong("derivative-incomplete", wrong)


def activation_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "activate" and step.parameters["activation"] in GATES[:3]:
        yield Wrong("activation-omitted", _plain_copy(step))


def _plain_copy(step: Step) -> Step:
    views = {k: v for k, v in step.parameters.items() if k == "arguments"}
    return as_equation(step, "copy", step.operands, **views)


def wrong_activation(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """A gate's sigmoid for a tanh, and the reverse; a sigmoid for a softmax; cos for sin."""
    own = step.parameters.get("activation")
    for other in GATES[:3] if step.operation in ("activate", "chain") and own in GATES[:3] else ():
        if other != own:
            wrong = _with(step, activation=other)
            yield Wrong("wrong-activation", wrong, detail=(FUNCTIONS[other].title,))
    if step.operation == "softmax":
        each = msgspec.structs.replace(step, operation="activate")
        wrong = _with(each, activation="sigmoid")
        yield Wrong("wrong-activation", wrong, detail=(FUNCTIONS["sigmoid"].title,))
    if step.operation == "activate" and own in OF_ANGLES:
        other, degrees = OF_ANGLES[own]
        yield Wrong("wrong-activation", _with(step, activation=other), detail=(other,))
        wrong = msgspec.structs.replace(step, operation="activate_degrees")
        yield Wrong("wrong-activation", wrong, detail=(degrees,))


def softmax_axis(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation in ("softmax", "softmax_slope"):
        usual = "row" if context.setting.sample_axis == 0 else "column"
        each = SWAPPED[step.parameters.get("each", usual)]
        yield Wrong("softmax-wrong-axis", _with(step, each=each))


def jacobian_diagonal(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "softmax_slope":
        wrong = msgspec.structs.replace(step, operation="softmax_diagonal")
        yield Wrong("jacobian-diagonal-only", wrong)


def degrees_of_freedom(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    before = context.steps[step.operands[0]] if step.operation == "reduce" else step
    if step.parameters.get("reduce") == "mean" and _is_square(before):
        n = entries_of(step.parameters, before.shape)
        if n > 1:
            yield Wrong("degrees-of-freedom", step, n / (n - 1))
    if step.parameters.get("reduce") == "var":
        other = not step.parameters.get("unbiased", False)
        n = entries_of(step.parameters, context.steps[step.operands[-1]].shape)
        if n > 1:
            yield Wrong("degrees-of-freedom", _with(step, unbiased=other))


# Products and windows


def turned_kernel(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation in ("conv", "conv_input", "conv_kernel"):
        yield Wrong("kernel-turned", _with(step, flip=not step.parameters.get("flip", False)))


def pool_spread(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "pool_slope" and step.parameters["pool"] == "max":
        size = float(step.parameters["size"])
        yield Wrong("pool-spread", _with(step, pool="mean"), size * size)


def transposed(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    rows, columns = step.shape or (1, 1)
    if rows == columns > 1:
        yield Wrong("transposed", step, turn=True)


def not_transposed(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """A factor taken as it is where its transpose belongs, and the reverse."""
    if step.operation != "matmul" or "arguments" in step.parameters:
        return
    first, second = (context.steps[id].shape for id in step.operands)
    now = step.parameters.get("transpose", "")
    for other in ("", "first", "second"):
        left = first[::-1] if other == "first" else first
        right = second[::-1] if other == "second" else second
        if other != now and left[1] == right[0] and (left[0], right[1]) == step.shape:
            kept = {k: v for k, v in step.parameters.items() if k != "transpose"}
            turned = kept | ({"transpose": other} if other else {})
            wrong = msgspec.structs.replace(step, parameters=turned)
            yield Wrong("weights-not-transposed", wrong)


def product_by_entries(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "matmul" and "arguments" not in step.parameters:
        shapes = [context.steps[id].shape for id in step.operands]
        if shapes[0] == shapes[1] == step.shape and step.shape != (1, 1):
            wrong = as_equation(step, "times", step.operands)
            yield Wrong("hadamard-for-matrix-product", wrong)


def entries_by_product(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "times" and not step.parameters.keys() & {"arguments", "summed", "undo"}:
        shapes = [context.steps[id].shape for id in step.operands]
        if shapes[0] == shapes[1] and shapes[0][0] == shapes[0][1] > 1:
            wrong = as_equation(step, "matmul", step.operands)
            yield Wrong("matrix-product-for-hadamard", wrong)


# Losses


def summed_as_a_whole(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """One sum of all entries, for each of those that are learned."""
    if step.operation != "copy" or step.parameters.get("summed") not in ("rows", "columns"):
        return
    shape = context.steps[step.operands[0]].shape
    if min(shape) > 1 and step.shape != (1, 1) and "arguments" not in step.parameters:
        yield Wrong("summed-as-a-whole", as_equation(step, "sum_for_each", step.operands))


def wrong_log_base(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    loss = LOSSES.get(step.parameters.get("loss", "")) if step.operation == "loss_of" else None
    is_log = step.operation == "activate" and step.parameters["activation"] == "ln"
    if is_log or (loss is not None and not loss.rational):
        yield Wrong("wrong-log-base", step, 1 / math.log(10), detail=("log₁₀",))
        yield Wrong("wrong-log-base", step, 1 / math.log(2), detail=("log₂",))


def complement_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "loss_of" and step.parameters["loss"] == "binary_cross_entropy":
        yield Wrong("complement-omitted", _with(step, loss="cross_entropy"))


def updated_parameter(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """A parameter as it is after the update, where a gradient takes it as it was."""
    for id in step.operands if step.phase == "backward" else ():
        new = ids.updated(id)
        if new in context.steps:
            operands = tuple(new if each == id else each for each in step.operands)
            wrong = msgspec.structs.replace(step, operands=operands)
            yield Wrong("updated-weights-used", wrong)


LINES: tuple[Rewrite, ...] = (
    way_omitted,
    addend_omitted,
    one_step_only,
    statistics_as_constants,
    gradient_not_summed,
    sign_flipped,
    half_factor,
    mean_omitted,
    mean_twice,
    mean_over_outputs,
    scale_omitted,
    scale_misread,
    mask_omitted,
    mask_after_softmax,
    root_omitted,
    square_omitted_on_board,
    upstream_omitted,
    another_factor,
    another_weight,
    updated_parameter,
    factors_crossed,
    weights_omitted,
    preactivation_in_derivative,
    derivative_not_cancelled,
    first_weights_kept,
    derivative_omitted,
    derivative_at_activation,
    derivative_incomplete,
    positive_counted,
    delta_for_upstream,
    activation_omitted,
    wrong_activation,
    softmax_axis,
    jacobian_diagonal,
    degrees_of_freedom,
    turned_kernel,
    pool_spread,
    transposed,
    not_transposed,
    product_by_entries,
    entries_by_product,
    bias_omitted,
    summed_as_a_whole,
    wrong_log_base,
    complement_omitted,
)
UPDATES: tuple[Rewrite, ...] = (
    learning_rate_omitted,
    ascent,
    rate_misread,
    update_omitted,
    old_value_dropped,
    velocity_omitted,
    velocity_form,
    average_shares,
    bias_correction_omitted,
    correction_of_another_step,
    step_root_omitted,
    square_omitted,
    clip_omitted,
    transposed,
)


def wrongs_of_equations(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """Every wrong step that may stand in the place of one of equations."""
    for rewrite in LINES if of_equations(step) else UPDATES:
        yield from rewrite(step, context)
