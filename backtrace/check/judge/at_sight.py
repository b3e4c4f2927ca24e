"""Quantities that are right as they stand, and need not be worked.

What a step gives on numbers that hold the exact ones holds its own exact one. So long as all that a
quantity is worked from stands for the exact numbers, so it does itself, by the student's work as by
the spec; only a line that may be unbounded (a logarithm, a divisor that may be 0) takes a closer
look.
"""

from __future__ import annotations

from backtrace.check.judge.digits import SLACK, says_enough
from backtrace.check.judge.exercise import Key
from backtrace.check.judge.sheet import Sheet
from backtrace.check.judge.workings import Working
from backtrace.check.model import Figure


def is_right_at_sight(sheet: Sheet, place: Key) -> bool:
    """Whether a quantity is right, however it is worked; noted on the sheet."""
    usual = sheet.working == Working() and sheet.digits is None
    if not (usual and _stands_for_the_exact(sheet, place) and _rests_on_the_exact(sheet, place)):
        return False
    sheet.holding.add(place)
    return True


def _stands_for_the_exact(sheet: Sheet, place: Key) -> bool:
    """Whether all entries are there, and stand for the exact ones with enough digits."""
    decimals = sheet.decimals[place]
    unit, largest = 0.5 * 10.0**-decimals, 0.0
    exact = sheet.exercise.values[place].tolist()
    for cells, values in zip(sheet.written[place].cells, exact, strict=True):
        for cell, value in zip(cells, values, strict=True):
            if not isinstance(cell, Figure):
                return False
            size = abs(cell.value)  # finite, which a mask's −∞ is not
            if not abs(cell.value - value) <= min(cell.half_unit, unit) + SLACK * (1 + size):
                return False
            largest = max(largest, size)
    return says_enough(largest, decimals, sheet.exercise.asked)


def _rests_on_the_exact(sheet: Sheet, place: Key) -> bool:
    """Whether all that a quantity is worked from holds the exact numbers, written or not."""
    exercise, holding = sheet.exercise, sheet.holding

    def is_known(at: Key) -> bool:
        return at in holding or at in sheet.written or exercise.is_given(at)

    lines = exercise.lines_before(place, is_known)
    if not exercise.may_be_unbounded.isdisjoint(lines):
        return False
    for line in lines:
        for source in exercise.operands[line]:
            if source in sheet.written and source not in holding:
                return False
    holding.update(lines)
    return True
