"""Which kinks lie between two forward passes: points where the loss has no derivative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.array import Array
from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.losses import LOSSES
from backtrace.tape.arguments import taken
from backtrace.tape.arithmetic import FloatArithmetic
from backtrace.tape.equation_operations import pool_winners, winners
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step


class Crossing(msgspec.Struct, frozen=True):
    """A kink that lies within reach: of the quantity ``id`` at ``index`` (from 1).

    ``place`` is where the kink is and ``away`` how far the entry is from it, with its sign: 0 where
    it stands at the kink itself. ``sample`` counts from 0, and is None of a penalty.
    """

    id: str
    index: tuple[int, int]
    place: float = 0.0
    away: float = 0.0
    sample: int | None = None


def crossings(
    setting: Setting, step: Step, here: Mapping[str, Array], there: Mapping[str, Array]
) -> Iterator[Crossing]:
    """The kinks of a step between a pass ``here`` and a stack of one ``there``."""
    before, after = (_distances(setting, step, values) for values in (here, there))
    for (id, place, near), (_, _, far) in zip(before, after, strict=True):
        for i, j in np.argwhere(np.sign(near) != np.sign(far.reshape(near.shape))).tolist():
            index = (i + 1, j + 1)
            sample = None if step.operation == "penalty" else index[setting.sample_axis] - 1
            sample = 0 if step.role == "named" else sample  # whatever an entry is of, one loss
            away = 0.0 if step.operation in ("pool", "reduce") else float(near[i, j])  # a tie
            yield Crossing(id, index, place, away, sample)


def _distances(
    setting: Setting, step: Step, values: Mapping[str, Array]
) -> Iterator[tuple[str, float, Array]]:
    """For each kink that there may be: of what, where it is, how far every entry is from it."""
    parameters = FloatArithmetic(np.float64).parameters(step.parameters)
    if step.role == "named":
        yield from _distances_of_line(step, parameters, values)
        return
    if step.operation == "activate":
        for kink in ACTIVATIONS[step.parameters["activation"]].kinks(parameters):
            yield step.operands[0], kink, values[step.operands[0]] - kink
    elif step.operation == "penalty" and parameters["l1"]:
        for id in step.operands:
            yield id, 0.0, values[id]
    elif step.operation == "loss_terms":
        rule = LOSSES[step.parameters["loss"]].kinks
        if rule is not None:
            a, y = (setting.rows(values[id]) for id in step.operands[:2])
            yield step.id, 0.0, setting.rows(rule(a, y, parameters))


def _distances_of_line(
    step: Step, parameters: Mapping[str, Any], values: Mapping[str, Array]
) -> Iterator[tuple[str, float, Array]]:
    operands = taken(parameters, [values[id] for id in step.operands])
    match step.operation:
        case "activate":
            for kink in FUNCTIONS[parameters["activation"]].kinks(parameters):
                yield step.operands[0], kink, operands[0] - kink
        case "larger" | "smaller":
            yield step.id, 0.0, operands[0] - operands[1]
        case "pool" if parameters["pool"] == "max":
            for wins in pool_winners(parameters, operands[0]):
                yield step.id, 0.0, wins - 0.5
        case "reduce" if parameters["reduce"] == "max":
            yield step.operands[0], 0.0, winners(operands[0], parameters) - 0.5
        case "loss_of":
            rule = LOSSES[parameters["loss"]].kinks
            if rule is not None:
                yield step.id, 0.0, rule(operands[0], operands[1], parameters)
