"""How far a forward pass has moved, beside what its functions take to change their course."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.array import Array
from backtrace.functions.losses import LOSSES
from backtrace.tape.operations import Setting
from backtrace.tape.steps import Step


def span(
    setting: Setting, step: Step, here: Mapping[str, Array], there: Mapping[str, Array]
) -> Array | None:
    """By member and sample, how far the step's operand lies from where it was.

    A curved activation, or a loss worked from z, turns within about 1; a logarithm of a, or of
    1 − a, within the distance from its edge. Beyond 1 differences say nothing of the slope: a
    sigmoid looks like a step from afar, and a SiLU like a ReLU. None where there are no curves.
    """
    if step.operation == "activate":
        straight = ACTIVATIONS[step.parameters["activation"]].rational
        return None if straight else _moved(setting, step.operands[0], here, there)
    if step.operation != "loss_terms":
        return None
    if "stable_from" in step.parameters:
        return _moved(setting, step.parameters["stable_from"], here, there)
    if LOSSES[step.parameters["loss"]].outputs != "unit_interval":
        return None
    before, after = (setting.rows(values[step.operands[0]]) for values in (here, there))
    room = np.minimum(before, 1 - before) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(room > 0, np.abs(after - before) / room, 0.0)
    return np.asarray(share.max(axis=-1))


def _moved(
    setting: Setting, id: str, here: Mapping[str, Array], there: Mapping[str, Array]
) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(setting.rows(there[id]) - setting.rows(here[id]))
    return np.asarray(distance.max(axis=-1))
