"""Every operation that a sheet may hold, worked on intervals and on marks of what rests on what."""

from __future__ import annotations

import numpy as np

from backtrace.check.rules.dependence import Dependence, Marks, marks
from backtrace.check.rules.equation_rules import EQUATION_FORMS, EQUATION_RULES
from backtrace.check.rules.interval_rules import NARROWER
from backtrace.check.rules.intervals import EPS, Floats, Interval, hull, point, single, some
from backtrace.check.rules.right_forms import RIGHT_FORMS
from backtrace.check.rules.wrong_rules import WRONG_RULES
from backtrace.functions.activations import Parameters
from backtrace.tape.arguments import handed_back, taken
from backtrace.tape.cancellation import SIZES
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.setting import Evaluate, Setting

NEAR_ZERO = 1e-9  # what is larger is left of no sum that people work
ROUNDINGS = 32  # of a sum of a few terms, and outward

OF_SHEETS: dict[str, Evaluate] = {
    **RIGHT_FORMS,
    **WRONG_RULES,
    **EQUATION_FORMS,
}  # what no tape has


def _evaluate(operation: str) -> Evaluate:
    return OF_SHEETS.get(operation) or OPERATIONS[operation].evaluate


def interval(operation: str, s: Setting, p: Parameters, *operands: Interval) -> Interval:
    """Between which bounds a step lies whose operands lie in intervals."""
    rule = NARROWER.get(operation) or EQUATION_RULES.get(operation) or _evaluate(operation)
    given = [each if isinstance(each, Interval) else point(each) for each in taken(p, operands)]
    found = handed_back(p, rule(s, p, *given))
    if not isinstance(found, Interval):
        return point(found)  # it rests on no operand
    return _cleared(operation, s, p, given, found) if operation in SIZES else found


def _cleared(
    operation: str, s: Setting, p: Parameters, given: list[Interval], found: Interval
) -> Interval:
    """With 0 for what only rounding leaves of a sum that cancels, as in the trace."""
    reach = np.maximum(np.abs(found.lo), np.abs(found.hi))
    if not some(reach < NEAR_ZERO) or "undo" in p:
        return found
    left = reach <= ROUNDINGS * EPS * SIZES[operation](s, p, *map(_size, given))
    if not some(left):
        return found
    return Interval(*(np.where(left, 0.0, end) for end in (found.lo, found.hi)))


def number(operation: str, s: Setting, p: Parameters, *operands: Floats) -> Floats:
    """What a step gives on plain numbers, without what only rounding leaves of a sum."""
    given = taken(p, operands)
    value = handed_back(p, _evaluate(operation)(s, p, *given))
    found: Floats = np.array(value, dtype=np.float64, ndmin=2)
    if operation not in SIZES or "undo" in p:
        return found
    reach = np.abs(found)
    if not some(reach < NEAR_ZERO):
        return found
    left = reach <= ROUNDINGS * EPS * SIZES[operation](s, p, *map(np.abs, given))
    return np.where(left, 0.0, found)


def _size(x: Interval) -> Floats:
    """How large an operand is; of a sum that was not written also what rounding did to its terms,
    which is all the width that one number has."""
    ends, size = hull(x), np.maximum(np.abs(x.lo), np.abs(x.hi)).max(axis=0)
    noise = (ends.hi - ends.lo)[0] / (EPS * ROUNDINGS)
    return np.asarray(size + np.where(single(x), noise, 0.0))


def dependent(operation: str, s: Setting, p: Parameters, *operands: Marks) -> Marks:
    """Which entries of a step rest on the marked entries of its operands."""
    given = taken(p, [Dependence(each) for each in operands])
    return marks(handed_back(p, _evaluate(operation)(s, p, *given)))
