"""What a line gives whose partial results are noted with known digits, number by number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from backtrace.check.rules.equation_partials import rounded_over, rounded_times
from backtrace.check.rules.intervals import Interval, hull, point
from backtrace.check.rules.noted_powers import (
    rounded_activate,
    rounded_loss,
    rounded_slope,
    rounded_slope_of_a,
    rounded_softmax_of_equations,
)
from backtrace.check.rules.noted_sums import (
    rounded_addends,
    rounded_difference,
    rounded_gradient,
    rounded_gradient_of_activation,
    rounded_jacobian_product,
    rounded_matmul,
    rounded_reduction,
    rounded_share,
    rounded_share_of_all,
    rounded_terms,
    rounded_whole,
)
from backtrace.check.rules.noted_updates import (
    rounded_accumulate,
    rounded_accumulate_squares,
    rounded_add_penalty,
    rounded_average,
    rounded_average_squares,
    rounded_clip,
    rounded_descend,
    rounded_look_ahead,
    rounded_penalty,
)
from backtrace.check.rules.noting import Noting
from backtrace.functions.activations import Parameters
from backtrace.tape.arguments import taken
from backtrace.tape.setting import Setting

Rule: TypeAlias = Callable[..., Interval | None]


def noted(
    operation: str, s: Setting, p: Parameters, noting: Noting, *operands: Interval
) -> Interval | None:
    """A step all of whose partial results are rounded so; None where they are not known."""
    rule = ROUNDED_PARTS.get(operation)
    if rule is None or "summed" in p or "undo" in p:
        return None
    operands = tuple(x if isinstance(x, Interval) else point(x) for x in taken(p, operands))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found: Interval | None = rule(s, p, noting, *map(hull, operands))
    return found


ROUNDED_PARTS: dict[str, Rule] = {
    "matmul": rounded_matmul,
    "hadamard": rounded_whole("hadamard"),
    "scale_step": rounded_whole("scale_step"),
    "loss_terms": rounded_terms,
    "loss_terms_from_error": rounded_terms,
    "descend": rounded_descend,
    "accumulate": rounded_accumulate,
    "accumulate_step": rounded_accumulate,
    "average": rounded_average,
    "look_ahead_step": rounded_look_ahead,
    "average_squares": rounded_average_squares,
    "accumulate_squares": rounded_accumulate_squares,
    "add_penalty": rounded_add_penalty,
    "penalty": rounded_penalty,
    "clip_to_norm": rounded_clip,
    "jacobian_product": rounded_jacobian_product,
    "loss_gradient": rounded_gradient,
    "loss_gradient_from_activation": rounded_gradient_of_activation,
    "sum_samples": rounded_share,
    "total": rounded_share_of_all,
    "activate": rounded_activate,
    "activation_derivative": rounded_slope,
    "derivative_from_activation": rounded_slope_of_a,
    "softmax": rounded_softmax_of_equations,
    "loss_of": rounded_loss,
    "times": rounded_times,
    "over": rounded_over,
    "add": rounded_addends,
    "plus": rounded_addends,
    "minus": rounded_difference,
    "reduce": rounded_reduction,
}
