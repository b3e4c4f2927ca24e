"""Wrong steps in the place of a right one of an update: rates, averages, where it starts from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from backtrace.check.mistakes.rewrites import UpdateContext, Wrong, as_operation
from backtrace.spec import ids
from backtrace.tape.steps import Step


def learning_rate_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if "rate" in step.parameters:
        yield Wrong("learning-rate-omitted", as_operation(step, step.operation, rate=1.0))


RATES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5)  # that courses have


def rate_misread(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """Another η: the point moved; and, where more than one entry speaks for it, a usual one."""
    if "rate" not in step.parameters:
        return
    right = float(step.parameters["rate"])
    others = [float(f"{right * factor:.12g}") for factor in (10.0, 0.1, 100.0, 0.01, 2.0, 0.5)]
    others += RATES if math.prod(step.shape) > 1 else ()
    for rate in dict.fromkeys(others):
        if rate not in (right, 1.0):
            wrong = as_operation(step, step.operation, rate=rate)
            yield Wrong("rate-misread", wrong, detail=(f"{rate:.12g}",))


def update_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    carries = context.spec.backpropagate_through == "updated" and context.is_weight(step.id)
    if step.operation in ("descend", "apply_step") and not carries:  # old-weights-used
        yield Wrong("update-omitted", as_operation(step, "copy", step.operands[:1]))


def clip_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.role == "clipped_gradient":
        yield Wrong("clip-omitted", as_operation(step, "copy", step.operands[:1]))


def ascent(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if "rate" in step.parameters:
        rate = -float(step.parameters["rate"])
        yield Wrong("ascent-for-descent", as_operation(step, step.operation, rate=rate))
        if step.operation == "decayed_step":  # the weights decay as they should
            decay = -float(step.parameters["weight_decay"])
            own = as_operation(step, step.operation, rate=rate, weight_decay=decay)
            yield Wrong("ascent-for-descent", own)
    if step.operation == "apply_step":
        data = step.operands
        yield Wrong("ascent-for-descent", as_operation(step, "add_bias", data, subtract=True))


def old_value_dropped(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "descend":
        yield Wrong("old-value-dropped", as_operation(step, "scale_step", step.operands[1:]))
    if step.operation == "apply_step":
        yield Wrong("old-value-dropped", as_operation(step, "copy", step.operands[1:]))


VELOCITIES = ("accumulate", "accumulate_step", "average")


def velocity_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """There is none in the first update: who takes g alone there has another form. Of Adam's m
    1 − β₁ is left."""
    if step.operation not in VELOCITIES:
        return
    if "from" not in context.steps[step.operands[0]].parameters:
        return
    gradient = as_operation(step, "copy", step.operands[1:])
    if step.operation != "accumulate_step" and step.state != "m":
        yield Wrong("velocity-omitted", gradient)
    if step.operation == "average":
        yield Wrong("velocity-omitted", gradient, 1 - float(step.parameters["beta"]))
    if step.operation == "accumulate_step":
        yield Wrong("velocity-omitted", as_operation(step, step.operation, beta=0.0))


def bias_correction_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation == "unbias":
        yield Wrong("bias-correction-omitted", as_operation(step, "copy"))


def first_weights_kept(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """The parameters of the first update in a later one."""
    is_parameter = step.role in ("weight", "bias", "learned_slope", "named")
    if step.operation == "given" and "from" in step.parameters and is_parameter:
        parameters = {name: x for name, x in step.parameters.items() if name != "from"}
        first = msgspec.structs.replace(step, epoch=1, batch=1, parameters=parameters)
        yield Wrong("first-weights-kept", first)


# Averages and velocities


def velocity_form(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """Another of the forms that momentum has: of the velocity, or of the step that is taken."""
    chosen = context.spec.optimizer
    if chosen is None or chosen.name not in ("momentum", "nesterov"):
        return
    forms = {"state": _velocities, "step": _steps_by_velocity}.get(step.role)
    if forms is None:
        return
    state = context.steps[ids.state("v", step.of)]
    lines = (each for each in context.steps.values() if each.of == step.of)
    rate = next(float(x.parameters["rate"]) for x in lines if "rate" in x.parameters)
    constants: dict[str, Any] = {"beta": float(state.parameters["beta"]), "rate": rate}
    for wrong in forms(step, state, constants):
        if wrong.step.operation != step.operation or wrong.step.operands != step.operands:
            yield wrong


def _velocities(step: Step, state: Step, constants: Mapping[str, Any]) -> Iterator[Wrong]:
    """β·v + g, β·v − η·g, β·v + (1 − β)·g, and β·v + η·g, which is subtracted."""
    rising: dict[str, Any] = {**constants, "rate": -constants["rate"]}
    for operation in ("accumulate", "accumulate_step", "average"):
        yield Wrong("velocity-form", as_operation(step, operation, **constants))
    yield Wrong("velocity-form", as_operation(step, "accumulate_step", **rising))


def _steps_by_velocity(step: Step, state: Step, constants: Mapping[str, Any]) -> Iterator[Wrong]:
    """−η·v or v; −η·(g + β·v) or β·v − η·g; and −η·v with the velocity before. Of −v it is η that
    is missing."""
    before, gradient = state.operands
    for operation, operands in (
        ("scale_step", (state.id,)),
        ("copy", (state.id,)),
        ("look_ahead_step", (gradient, state.id)),
        ("accumulate_step", (state.id, gradient)),
        ("scale_step", (before,)),
    ):
        yield Wrong("velocity-form", as_operation(step, operation, operands, **constants))


def average_shares(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """β and 1 − β exchanged, or one of them left out."""
    if step.role != "state":
        return
    beta = step.parameters.get("beta")
    if step.operation in ("average", "average_squares"):
        swapped = as_operation(step, step.operation, beta=1 - float(beta or 0))
        yield Wrong("average-shares", swapped, detail=("β and 1 − β are exchanged",))
    if step.operation == "average" and step.state != "v":
        yield _share_omitted(as_operation(step, "accumulate"), "1 − β")
    if step.operation == "accumulate":
        yield _share_omitted(as_operation(step, "accumulate", beta=1.0), "β")
    if step.operation == "average_squares":
        yield _share_omitted(as_operation(step, "faded_squares"), "1 − β")
        yield _share_omitted(as_operation(step, "accumulate_squares"), "β and 1 − β")


def _share_omitted(wrong: Step, share: str) -> Wrong:
    return Wrong("average-shares", wrong, detail=(f"without {share}",))


def correction_of_another_step(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """βᵗ with the t of another update, or with none."""
    if step.operation == "unbias":
        own = int(step.parameters["t"])
        for t in dict.fromkeys((1, own + 1, own - 1, 2)):
            if t not in (0, own):
                wrong = as_operation(step, "unbias", t=t)
                yield Wrong("correction-of-another-step", wrong, detail=(f"t = {t}",))


def step_root_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if step.operation in ("adaptive_step", "decayed_step"):
        yield Wrong("root-omitted", as_operation(step, "step_without_root"))
