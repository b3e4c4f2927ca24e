"""What a reader of a line should know that its numbers do not say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.array import Array
from backtrace.tape.arithmetic import Floats, as_floats
from backtrace.tape.steps import Step


def notes(step: Step, values: Mapping[str, Array]) -> tuple[str, ...]:
    """The sentences for the reader of one step; ``values`` has its value and its operands'."""
    rule = NOTES.get(step.operation)
    found = rule(step, values) if rule is not None else ()
    return (*found, *_noise_notes(step, values), *_finiteness_notes(step, values))


def _noise_notes(step: Step, values: Mapping[str, Array]) -> tuple[str, ...]:
    """Said of what rounding leaves of a sum that is 0 by hand: 0.1 + 0.2 − 0.3 in float64."""
    size = SIZES.get(step.operation)
    value = values[step.id]
    if size is None or value.dtype == object or value.size > MOST_SUMS:
        return ()
    with np.errstate(over="ignore", invalid="ignore"):
        noise = NOISE * np.finfo(value.dtype).eps * size(step, values)
        left = np.argwhere((value != 0) & (np.abs(value) <= noise)).tolist()[:4]
    return tuple(
        f"{step.id}[{i + 1},{j + 1}] = {value[i, j]:.3g} is what rounding leaves where the terms "
        "cancel: by hand it is 0 (`arithmetic: exact` shows it, where the units allow fractions)"
        for i, j in left
    )


def _size_of_sum(step: Step, values: Mapping[str, Array]) -> Array:
    first, second = (np.abs(values[id]) for id in step.operands)
    return first + second


def _size_of_product(step: Step, values: Mapping[str, Array]) -> Array:
    first, second = (np.abs(values[id]) for id in step.operands)
    if step.parameters.get("omit"):  # an error that goes back past a bias line: no sum of givens
        return np.zeros(step.shape)
    transpose = step.parameters.get("transpose", "")
    first = first.T if transpose == "first" else first
    return first @ (second.T if transpose == "second" else second)


def _finiteness_notes(step: Step, values: Mapping[str, Array]) -> tuple[str, ...]:
    """Said where a value stops being finite, not again in everything that rests on it."""
    if _finite(values[step.id]) or not all(_finite(values[id]) for id in step.operands):
        return ()
    if step.operation in ("loss_terms", "loss_gradient"):
        why = "an activation has come so close to 0 or 1 that it is rounded to it"
        return (f"{step.id} is not finite: {why}, and the formula divides by it or takes its ln",)
    return (f"{step.id} is no longer finite: the numbers have grown too large",)


def _finite(value: Array) -> bool:
    return bool(np.isfinite(as_floats(value)).all())


def _kink_notes(step: Step, values: Mapping[str, Array]) -> tuple[str, ...]:
    row = ACTIVATIONS[step.parameters["activation"]]
    z = values[step.operands[0]]
    found = []
    for kink in row.kinks(step.parameters):
        derivative = row.derivative(
            np.array([kink]), Floats(np.float64).parameters(step.parameters)
        )
        for i, j in np.argwhere(np.equal(z, kink)).tolist()[:4]:
            found.append(
                f"{step.operands[0]}[{i + 1},{j + 1}] is exactly {kink:g}, where {row.title} has "
                f"no derivative: {row.symbol}′({kink:g}) is taken as {derivative[0]:g}"
            )
    return tuple(found)


def _error_kink_notes(step: Step, values: Mapping[str, Array]) -> tuple[str, ...]:
    if step.parameters["loss"] != "mae":
        return ()
    zeros = np.argwhere(np.equal(values[step.operands[0]], 0)).tolist()[:4]
    return tuple(
        f"the error [{i + 1},{j + 1}] is exactly 0, where |e| has no derivative: it is taken as 0"
        for i, j in zeros
    )


def _through_updated_notes(step: Step, values: Mapping[str, Array]) -> tuple[str, ...]:
    for id in step.operands:
        if id.endswith("_new"):
            asked = f"as the spec asks, the error goes back through the updated weights {id}"
            return (f"{asked}; the gradient of the loss takes the old ones",)
    return ()


# How large the terms are that a step adds up, for the noise that rounding leaves of them.
SIZES = {"add_bias": _size_of_sum, "error": _size_of_sum, "matmul": _size_of_product}
MOST_SUMS = 10_000  # entries; of more nobody reads every note
NOISE = 4  # roundings of a few terms, in units of the last place of their size

NOTES = {
    "activation_derivative": _kink_notes,
    "loss_gradient": _error_kink_notes,
    "matmul": _through_updated_notes,
}
