"""What rounding may do to a value: the steps worked once more with every line off by a little.

Each line is put off by a few units in the last place of what it adds up, up or down by a pattern.
How far the result moves is how far rounding may have moved it, however much was cancelled since:
(a − y)² where a is 1 − 10⁻¹¹ and y is 1 has five digits, not fifteen. The method is that of
J. Vignes, A stochastic arithmetic for reliable scientific computation, Mathematics and Computers in
Simulation 35 (1993), with patterns that are the same every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from zlib import crc32

import msgspec
import numpy as np

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.array import Array
from backtrace.tape.arithmetic import Floats
from backtrace.tape.operations import Setting, mean
from backtrace.tape.run import Values, evaluate
from backtrace.tape.steps import Step
from backtrace.verify.kinks import sides

EPS = float(np.finfo(np.float64).eps)
ROUNDINGS = 16  # units in the last place that a line is put off by
TINY = ROUNDINGS * float(np.nextafter(0, 1))  # what comes near it has lost its digits
PATTERNS = 4  # of lines put up and down
ALLOWANCE = 2.0  # for what a few patterns miss
FROM_ONE = ("hinge", "binary_cross_entropy")  # losses that subtract an a from a 1, or from 1 + a'


def off(
    steps: Sequence[Step], values: Mapping[str, Array], setting: Setting, pattern: int
) -> Values:
    """``values`` with those of ``steps`` worked again, every line off by a few roundings.

    Operands may be stacks. A slope at a kink stays on its side.
    """
    numbers, found = Floats(np.float64), dict(values)
    for step in steps:
        if step.phase == "given":
            continue
        value = evaluate(setting, numbers, step, found)
        value = _on_its_side(step, steps, setting, values, found | {step.id: value})
        with np.errstate(invalid="ignore", over="ignore"):
            unit = ROUNDINGS * EPS * np.abs(size(step, found, value, setting)) + TINY
            found[step.id] = value + pattern_of(step.id, value, pattern) * unit
    return found


def rounding(
    id: str, moved: str, steps: Sequence[Step], values: Mapping[str, Array], setting: Setting
) -> Array:
    """How far rounding may have moved each entry of ``id``, the slopes of the loss in ``moved``.

    What comes before ``moved`` is the same for the tape and for the differences.
    """
    behind, found = list(_behind(moved, steps)), np.zeros(np.shape(values[id]))
    for pattern in range(PATTERNS):
        with np.errstate(invalid="ignore"):
            distance = np.abs(off(behind, values, setting, pattern)[id] - values[id])
        found = np.fmax(found, np.where(np.isfinite(distance), distance, 0.0))
    return np.asarray(ALLOWANCE * found)


def _behind(moved: str, steps: Sequence[Step]) -> Iterator[Step]:
    """The steps that rest on a quantity, and all of the way back."""
    reached = {moved}
    for step in steps:
        if step.id != moved and (step.phase == "backward" or reached & set(step.needed)):
            reached.add(step.id)
            yield step


def size(step: Step, values: Mapping[str, Array], value: Array, setting: Setting) -> Array:
    """What a line's roundings are fractions of, entry by entry: all that it adds up.

    The sum of two floats is rounded by a fraction of itself, which is every other line's size.
    """
    rule = SIZES.get(step.operation)
    return value if rule is None else rule(step, values, value, setting)


def _worked_on_sizes(
    step: Step, values: Mapping[str, Array], value: Array, setting: Setting
) -> Array:
    sizes = {id: np.abs(values[id]) for id in step.operands}
    return evaluate(setting, Floats(np.float64), step, sizes)


def _of_shortcut(step: Step, values: Mapping[str, Array], value: Array, setting: Setting) -> Array:
    """a − y is the slope where the targets add up to 1, as they do but for their own rounding."""
    first, second = (np.abs(values[id]) for id in step.operands[:2])
    return np.asarray(mean(first + second, step.parameters))


def _with_penalty(step: Step, values: Mapping[str, Array], value: Array, setting: Setting) -> Array:
    data = values[step.operands[0]]
    return np.asarray(np.abs(data) + np.abs(value - data))


def _of_terms(step: Step, values: Mapping[str, Array], value: Array, setting: Setting) -> Array:
    subtracts = step.parameters["loss"] in FROM_ONE and "stable_from" not in step.parameters
    return np.asarray(1 + np.abs(value)) if subtracts else value


def _of_slopes(step: Step, values: Mapping[str, Array], value: Array, setting: Setting) -> Array:
    """a − a² of a softmax may be the small difference of two numbers near 1."""
    elementwise = ACTIVATIONS[step.parameters["activation"]].elementwise
    return value if elementwise else np.ones(value.shape)


SIZES: dict[str, Callable[[Step, Mapping[str, Array], Array, Setting], Array]] = {
    "matmul": _worked_on_sizes,
    "sum_samples": _worked_on_sizes,
    "total": _worked_on_sizes,
    "jacobian_product": _worked_on_sizes,
    "shortcut_delta": _of_shortcut,
    "add_penalty": _with_penalty,
    "loss_terms": _of_terms,
    "activation_derivative": _of_slopes,
}


def pattern_of(id: str, value: Array, pattern: int) -> Array:
    """±½ … ±1 for every entry, the same for every member of a stack.

    They differ in size: two lines that are put off as far, one up and one down, would cancel.
    """
    random = np.random.default_rng([pattern, crc32(id.encode())])
    shape = np.shape(value)[-2:]
    return np.asarray(random.choice([-1.0, 1.0], size=shape) * random.uniform(0.5, 1.0, size=shape))


def _on_its_side(
    step: Step,
    steps: Sequence[Step],
    setting: Setting,
    values: Mapping[str, Array],
    moved: Mapping[str, Array],
) -> Array:
    """The value of a step worked on ``moved``, that on ``values`` where a kink lies between."""
    value = moved[step.id]
    if step.operation == "activation_derivative":
        rule = msgspec.structs.replace(step, operation="activate")
    elif step.operation == "loss_gradient":
        terms = [each for each in steps if each.operation == "loss_terms"]
        if not terms:
            return value
        rule = terms[0]
    else:
        return value
    before, after = sides(setting, rule, values), sides(setting, rule, moved)
    if before is None or after is None:
        return value
    crossed = setting.rows((before != after).any(axis=-1, keepdims=True))
    return np.where(crossed, values[step.id], value)
