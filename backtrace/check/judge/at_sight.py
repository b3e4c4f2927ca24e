"""Quantities of which all can be said as they stand: no interval need be worked.

What a step gives on numbers that hold the exact ones holds its own exact one. So long as all that a
quantity is worked from stands for the exact numbers, so it does itself, by the student's work as by
the spec. And what it gives on the numbers as they are written is among what it gives on all that
they may stand for. What only follows, where a line may be unbounded (a logarithm, a divisor which
may be 0), takes a closer look.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from backtrace.check.model import AnswerCell, Figure, Verdict
from backtrace.check.rules.intervals import some
from backtrace.check.sheets.digits import (
    SAME,
    SLACK,
    coarsest_half_unit,
    own_half_unit,
    says_enough,
)
from backtrace.check.sheets.exercise import Key
from backtrace.check.sheets.sheet import ALONE, Doubt, Sheet

Entries: TypeAlias = tuple[tuple[Verdict, ...], ...]


def is_right_at_sight(sheet: Sheet, place: Key) -> bool:
    """Whether a quantity is right, however it is worked; noted on the sheet."""
    usual = sheet.working.takes_numbers_as_they_stand and sheet.digits is None
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
            middle, half = _stands_for(cell, min(cell.half_unit, unit), sheet.working.cut)
            if not abs(middle - value) <= half + SLACK * (1 + size):
                return False
            largest = max(largest, size)
    return says_enough(largest, decimals, sheet.exercise.asked)


def _stands_for(cell: Figure, half: float, cut: bool) -> tuple[float, float]:
    """The middle of what a number stands for, and how far that reaches; where digits were ``cut``
    off, a whole unit away from zero."""
    if not cut:
        return cell.value, half
    return (cell.value + math.copysign(half, cell.value), half) if cell.value else (0.0, 2 * half)


def _rests_on_the_exact(sheet: Sheet, place: Key) -> bool:
    """Whether all that a quantity is worked from holds the exact numbers, written or not."""
    exercise, holding = sheet.exercise, sheet.holding

    def is_known(at: Key) -> bool:
        return at in holding or at in sheet.written or exercise.is_given(at)

    lines = exercise.lines_before(place, is_known)
    for line in lines:
        for source in exercise.operands[line]:
            if source in sheet.written and source not in holding:
                return False
    holding.update(lines)
    return True


def verdicts_at_sight(sheet: Sheet, place: Key) -> Entries | None:
    """The verdict of every entry of a quantity that follows from what is written before it, all as
    it stands; None where that takes a closer look."""
    working, is_told = sheet.working, sheet.digits is None and not sheet.vague.some
    if not (is_told and (working.takes_numbers_as_they_stand or working.rounds_lines)):
        return None
    known, key = sheet.in_floats.verdicts, (working.cut, place)
    if key not in known:
        known[key] = _following(sheet, place)
    found = known[key]
    if found is None:
        return None
    step = sheet.exercise.steps[place]
    return _with_carried(found, sheet.doubt_of_operands(place, step))


def _following(sheet: Sheet, place: Key) -> list[list[Verdict]] | None:
    """The verdicts as if none of what a quantity is worked from were in doubt."""
    cells = sheet.written[place].cells
    sizes = [abs(cell.value) for line in cells for cell in line if isinstance(cell, Figure)]
    exercise, decimals = sheet.exercise, sheet.decimals[place]
    enough = len(sizes) == exercise.values[place].size and says_enough(
        max(sizes), decimals, exercise.asked
    )
    if not enough or _may_be_unbounded(sheet, place):
        return None
    worked = sheet.in_floats.step(place)
    if worked is None:
        return None
    unit, exact = 0.5 * 10.0**-decimals, exercise.values[place].tolist()
    found: list[list[Verdict]] = []
    for line in zip(cells, worked.tolist(), exact, strict=True):
        found.append([])
        for each in zip(*line, strict=True):
            verdict = _verdict(*each, unit, sheet.working.cut)
            if verdict is None:
                return None
            found[-1].append(verdict)
    return found


def _with_carried(found: list[list[Verdict]], doubts: Doubt) -> Entries:
    """With the verdict of what is not the key's and rests on what is in doubt."""
    if not some(doubts):
        return tuple(map(tuple, found))
    return tuple(
        tuple(
            "carried" if doubtful and verdict == "rounded" else verdict
            for verdict, doubtful in zip(*line, strict=True)
        )
        for line in zip(found, doubts.tolist(), strict=True)
    )


def _may_be_unbounded(sheet: Sheet, place: Key) -> bool:
    """Whether that is so of the line, or of one before it that was not written."""
    return not sheet.exercise.may_be_unbounded.isdisjoint(sheet.in_floats.lines_before(place))


def _verdict(
    cell: AnswerCell, worked: float, exact: float, unit: float, cut: bool
) -> Verdict | None:
    """That of an entry which follows; None for what may not, for what some reading of its digits
    may have in the spec's interval, and for what may stand for itself."""
    assert isinstance(cell, Figure)
    slack = SLACK * (1 + abs(cell.value))
    middle, half = _stands_for(cell, min(own_half_unit(cell), unit), cut)
    if not abs(middle - worked) <= half + slack / 2:
        return None
    if abs(middle - exact) <= half:
        is_same = abs(cell.value - exact) <= SAME * (1 + abs(exact))
        is_other = abs(cell.value - worked) > ALONE * (1 + abs(worked))
        return "right" if is_same or is_other else None
    middle, half = _stands_for(cell, coarsest_half_unit(cell), cut)
    if abs(middle - exact) <= half + 2 * slack or math.isinf(exact):
        return None
    return "rounded"
