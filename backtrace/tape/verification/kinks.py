"""Which side of every kink the values of a forward pass lie on, so that crossing one is noticed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.array import Array
from backtrace.functions.losses import LOSSES
from backtrace.tape.arithmetic import Floats
from backtrace.tape.operations import Setting
from backtrace.tape.steps import Step

Sides: TypeAlias = NDArray[np.int8]


def sides(setting: Setting, step: Step, values: Mapping[str, Array]) -> Sides | None:
    """For each entry on which side of the step's kinks it lies, a sample a row; None without any.

    ``values`` may hold stacks. Equal sides mean that the step is smooth between two passes.
    """
    rule = SIDES.get(step.operation)
    return None if rule is None else rule(setting, step, values)


def _of_activation(setting: Setting, step: Step, values: Mapping[str, Array]) -> Sides | None:
    parameters = Floats(np.float64).parameters(step.parameters)
    row = ACTIVATIONS[step.parameters["activation"]]
    kinks = {*row.kinks(parameters), *row.bends(parameters)}
    if not kinks:
        return None
    z = setting.rows(values[step.operands[0]])
    found = np.zeros(z.shape, dtype=np.int8)
    for kink in kinks:
        found += np.sign(z - kink).astype(np.int8)
    return found


def _of_loss(setting: Setting, step: Step, values: Mapping[str, Array]) -> Sides | None:
    rule = LOSSES[step.parameters["loss"]].sides
    if rule is None:
        return None
    a, y = (setting.rows(values[id]) for id in step.operands[:2])
    parameters = Floats(np.float64).parameters(step.parameters)
    return np.asarray(rule(a, y, parameters), dtype=np.int8)


SIDES: dict[str, Callable[[Setting, Step, Mapping[str, Array]], Sides | None]] = {
    "activate": _of_activation,
    "loss_terms": _of_loss,
}
