"""Which side of every kink the values of a forward pass lie on, so that crossing one is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.array import Array
from backtrace.functions.losses import LOSSES
from backtrace.tape.arithmetic import Floats
from backtrace.tape.operations import Setting
from backtrace.tape.steps import Step

Sides: TypeAlias = NDArray[np.int8]

BENT = ("huber",)  # losses whose sides meet without a kink: only their slope has one


class Crossing(msgspec.Struct, frozen=True):
    """A kink that lies within reach: of the quantity ``id`` at ``index`` (from 1).

    ``place`` is where the kink is and ``away`` how far the entry is from it, with its sign: 0 where
    it stands at the kink itself.
    """

    id: str
    index: tuple[int, int]
    place: float = 0.0
    away: float = 0.0


def sides(
    setting: Setting, step: Step, values: Mapping[str, Array], *, bends: bool = True
) -> Sides | None:
    """For each entry on which side of the step's kinks it lies, a sample a row; None without any.

    ``values`` may hold stacks. Equal sides mean that the step is smooth between two passes. Without
    ``bends`` only points without a slope count.
    """
    rule = SIDES.get(step.operation)
    return None if rule is None else rule(setting, step, values, bends)


def crossings(
    setting: Setting, step: Step, here: Mapping[str, Array], there: Mapping[str, Array]
) -> Iterator[Crossing]:
    """The step's kinks (not its bends) between one pass ``here`` and a stack of one ``there``."""
    before, after = (sides(setting, step, each, bends=False) for each in (here, there))
    if before is None or after is None:
        return
    away, place = (setting.rows(each) for each in _distances(setting, step, here))
    id = step.operands[0] if step.operation == "activate" else step.id
    for i, j in np.argwhere(setting.rows(before != after)[0]).tolist():
        yield Crossing(id, (i + 1, j + 1), float(place[i, j]), float(away[i, j]))


def _distances(setting: Setting, step: Step, values: Mapping[str, Array]) -> tuple[Array, Array]:
    """By entry, a sample a row: how far it is from the nearest kink, and where that is."""
    parameters = Floats(np.float64).parameters(step.parameters)
    if step.operation == "activate":
        z = setting.rows(values[step.operands[0]])
        kinks = np.array(ACTIVATIONS[step.parameters["activation"]].kinks(parameters))
        nearest = kinks[np.abs(z[..., None] - kinks).argmin(axis=-1)]
        return z - nearest, nearest
    row = LOSSES[step.parameters["loss"]]
    a, y = (setting.rows(values[id]) for id in step.operands[:2])
    if row.targets == "one_hot":  # a margin that is cut off at 0 is seen from 1 higher up
        away = row.terms(a + (y == 0), y, parameters) - 1
    else:
        away = row.terms(a, y, parameters)
    return away, np.zeros(away.shape)


def _of_activation(
    setting: Setting, step: Step, values: Mapping[str, Array], bends: bool
) -> Sides | None:
    parameters = Floats(np.float64).parameters(step.parameters)
    row = ACTIVATIONS[step.parameters["activation"]]
    kinks = {*row.kinks(parameters), *(row.bends(parameters) if bends else ())}
    if not kinks:
        return None
    z = setting.rows(values[step.operands[0]])
    found = np.zeros(z.shape, dtype=np.int8)
    for kink in kinks:
        found += np.sign(z - kink).astype(np.int8)
    return found


def _of_loss(
    setting: Setting, step: Step, values: Mapping[str, Array], bends: bool
) -> Sides | None:
    rule = LOSSES[step.parameters["loss"]].sides
    if rule is None or (step.parameters["loss"] in BENT and not bends):
        return None
    a, y = (setting.rows(values[id]) for id in step.operands[:2])
    parameters = Floats(np.float64).parameters(step.parameters)
    return np.asarray(rule(a, y, parameters), dtype=np.int8)


SIDES: dict[str, Callable[[Setting, Step, Mapping[str, Array], bool], Sides | None]] = {
    "activate": _of_activation,
    "loss_terms": _of_loss,
}
