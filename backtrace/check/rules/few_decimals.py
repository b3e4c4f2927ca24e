"""Lines with no more decimals than the parts that they are added up from: not rounded again.

Who notes each product to three decimals and adds them up has a sum of three decimals. Either the
parts were rounded, or the line: not both, one half unit upon the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from backtrace.check.rules.intervals import Interval, hull, is_left_alone, single, some
from backtrace.check.rules.noting import FINER, Noting
from backtrace.functions.activations import Parameters
from backtrace.tape.arguments import taken
from backtrace.tape.operations import matmul_operands
from backtrace.tape.setting import Setting

Rule: TypeAlias = Callable[..., Any]


def past_the_line(
    operation: str, s: Setting, p: Parameters, noting: Noting, off: Any, *operands: Interval
) -> Any:
    """``off``, how far a line may be off for what was noted on the way to it, without what its own
    rounding is."""
    rule = ADDED_UP.get(operation)
    if rule is None or noting.half == 0 or not some(off) or "summed" in p or "undo" in p:
        return off
    given = map(hull, taken(p, operands))
    n = p.get("samples", 1)
    # Finer parts may have been noted, and then the line rounded.
    share = 1 / FINER if n == 1 else max(1 / n, 1 / FINER)  # what is divided is rounded after all
    past = np.maximum(off - noting.half, off * share)
    return np.where(rule(s, p, noting, *given), past, off)


def _products(s: Setting, p: Parameters, noting: Noting, x: Interval, y: Interval) -> Any:
    """A product with 1 is not noted, and so must have few decimals itself."""
    x, y = matmul_operands(s, p, x, y)
    with_x, with_y = _is_one(x), _is_one(y)
    if not (some(with_x) or some(with_y)):
        return True
    many = with_x[:, :, None] & ~has_few(noting, y) | with_y & ~has_few(noting, x)[:, :, None]
    return ~many.any(axis=1)


def _is_one(x: Interval) -> Any:
    return (x.lo[0] == x.hi[0]) & (np.abs(x.lo[0]) == 1)


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


def has_few(noting: Noting, x: Interval) -> Any:
    """Whether a number is known, and rounding would leave it alone."""
    unit, middle = 2 * noting.half, (x.lo[0] + x.hi[0]) / 2
    known = single(Interval(x.lo.reshape(1, 1, -1), x.hi.reshape(1, 1, -1)))
    alone = is_left_alone(middle, np.rint(middle / unit) * unit, unit)
    return known.reshape(middle.shape) & alone
