"""Sheets on which everything is right as it stands: next to nothing on them need be worked.

What a step gives on numbers that hold the exact ones holds its own exact one. So long as every
number written stands for the exact one, each follows from those before it; only of a line that may
be unbounded (a logarithm, a divisor that may be 0) must be seen that it is not.
"""

from __future__ import annotations

from backtrace.check.judge.digits import SLACK, kept_digits, says_enough
from backtrace.check.judge.exercise import Exercise, Key
from backtrace.check.judge.sheet import Sheet
from backtrace.check.model import Figure, Judged, WrittenQuantity, texts
from backtrace.check.rules.intervals import between


def right_at_sight(sheet: Sheet) -> tuple[Judged, ...] | None:
    """All quantities, each of them right; None where that takes a closer look."""
    exercise, written = sheet.exercise, sheet.written
    if not written or not exercise.asked_for <= written.keys() or kept_digits(written):
        return None
    if not all(_is_right(exercise, each, written[each], sheet.decimals[each]) for each in written):
        return None
    if not _is_bounded(sheet):
        return None
    return tuple(
        _right(exercise, each, written[each]) for each in exercise.steps if each in written
    )


def _is_right(exercise: Exercise, place: Key, written: WrittenQuantity, decimals: int) -> bool:
    """Whether all entries are there, and stand for the exact ones with enough digits."""
    if written.problem or exercise.is_given(place):
        return False
    unit, largest = 0.5 * 10.0**-decimals, 0.0
    for cells, values in zip(written.cells, exercise.values[place].tolist(), strict=True):
        for cell, value in zip(cells, values, strict=True):
            if not isinstance(cell, Figure):
                return False
            allowed = min(cell.half_unit, unit) + SLACK * (1 + abs(value))
            if not abs(cell.value - value) <= allowed:
                return False
            largest = max(largest, abs(cell.value))
    return says_enough(largest, decimals, exercise.asked)


def _is_bounded(sheet: Sheet) -> bool:
    """Whether no line that may be unbounded is, on the numbers as written."""
    exercise, written = sheet.exercise, sheet.written
    if not exercise.may_be_unbounded:
        return True
    for place in written:
        read = sheet.read(place)
        sheet.intervals[place] = between(read.low, read.high)
    return not any(
        sheet.replay(sheet.numbers[place].unit).step(place).unbounded.any()
        for place in written
        if not exercise.may_be_unbounded.isdisjoint(
            exercise.lines_before(place, lambda at: at in written or exercise.is_given(at))
        )
    )


def _right(exercise: Exercise, place: Key, written: WrittenQuantity) -> Judged:
    rows, columns = exercise.values[place].shape
    counts = not exercise.asked_for or place in exercise.asked_for
    possible = float(rows * columns) if counts else 0.0
    epoch, batch, id = place
    return Judged(
        id,
        epoch,
        batch,
        "right",
        (("right",) * columns,) * rows,
        texts(written.cells),
        earned=possible * exercise.credit["right"],
        possible=possible,
        notes=written.notes,
    )
