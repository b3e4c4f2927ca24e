"""Lines that have no more decimals than what they are worked from, and so are not rounded again.

Who notes each product to three decimals and adds them up has a sum of three decimals; a bias of one
decimal leaves a product of three as it is, and so does a slope of 1. Either what the line is worked
from was rounded, or the line: not both, one half unit upon the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from backtrace.check.rules.intervals import Interval, hull, is_left_alone, single
from backtrace.check.rules.noting import Noting, is_trivial
from backtrace.check.rules.partial_results import products_of
from backtrace.functions.activations import Parameters
from backtrace.tape.arguments import taken
from backtrace.tape.setting import Setting

Rule: TypeAlias = Callable[..., Any]
FINER = 10.0  # times as fine as a line its parts may have been noted, and then the line rounded


# Sums of noted parts: how far these take them, past the half unit that a line is off by itself


def past_the_line(
    operation: str, s: Setting, p: Parameters, noting: Noting, off: Any, *operands: Interval
) -> Any:
    """``off``, how far a line may be off for what was noted on the way to it, without what its own
    rounding is."""
    rule = ADDED_UP.get(operation)
    if rule is None or noting.half == 0 or not np.any(off) or "summed" in p or "undo" in p:
        return off
    given = map(hull, taken(p, operands))
    again = max(1 / p.get("samples", FINER), 1 / FINER)  # a sum is divided, and rounded after all
    past = np.maximum(off - noting.half, off * again)
    return np.where(rule(s, p, noting, *given), past, off)


def _products(s: Setting, p: Parameters, noting: Noting, x: Interval, y: Interval) -> Any:
    """A product with 1 is not noted, and so must have few decimals itself."""
    products, trivial = products_of(s, p, x, y)
    return (~trivial | has_few(noting, products)).all(axis=1)


def _all(s: Setting, p: Parameters, noting: Noting, *operands: Interval) -> Any:
    return True


def _first(s: Setting, p: Parameters, noting: Noting, w: Interval, gradient: Interval) -> Any:
    return has_few(noting, w)


ADDED_UP: Mapping[str, Rule] = {
    "matmul": _products,
    "descend": _first,
    "sum_samples": _all,
    "total": _all,
    "average": _all,
}


# Lines that pass on one of their operands as it is, or with a number of few decimals added to it


def passes_on(
    operation: str, s: Setting, p: Parameters, noting: Noting, *operands: Interval
) -> Any:
    """Which entries of a line have the decimals of what it is worked from."""
    rule = PASSED_ON.get(operation)
    if rule is None or noting.half == 0 or "arguments" in p or "summed" in p or "undo" in p:
        return False
    return rule(s, p, noting, *map(hull, operands))


def _with_few(s: Setting, p: Parameters, noting: Noting, *operands: Interval) -> Any:
    """Of two operands one has few decimals."""
    return len(operands) == 2 and has_few(noting, operands[0]) | has_few(noting, operands[1])


def _times_one(
    s: Setting, p: Parameters, noting: Noting, da: Interval, g: Interval, *limit_of: Interval
) -> Any:
    return is_trivial(g.lo[0], g.hi[0])


def _on_or_off(s: Setting, p: Parameters, noting: Noting, z: Interval, *learned: Interval) -> Any:
    if p.get("ones"):
        return False
    return p["activation"] == "linear" or (p["activation"] == "relu")


PASSED_ON: Mapping[str, Rule] = {
    "add_bias": _with_few,
    "error": _with_few,
    "apply_step": _with_few,
    "hadamard": _times_one,
    "activate": _on_or_off,
}


def has_few(noting: Noting, x: Interval) -> Any:
    """Whether a number is known, and rounding would leave it alone."""
    unit, middle = 2 * noting.half, (x.lo[0] + x.hi[0]) / 2
    known = single(Interval(x.lo.reshape(1, 1, -1), x.hi.reshape(1, 1, -1)))
    alone = is_left_alone(middle, np.round(middle / unit) * unit, unit)
    return known.reshape(middle.shape) & alone
