"""Whether the digits of a sheet with mistakes were cut off rather than rounded."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backtrace.check.judge.digits import figures, shows_decimals
from backtrace.check.judge.exercise import Exercise, Key
from backtrace.check.judge.sheet import Sheet
from backtrace.check.judge.workings import (
    accused_places,
    clear_balance,
    cut_balance,
    mistakes_made,
)
from backtrace.check.model import Judged
from backtrace.check.rules.intervals import Floats

MANY_DIGITS = 12  # that are wrong, and which some rule or other does not give by chance


def signs_of_cutting(exercise: Exercise, usual: Sheet) -> int:
    """Above 0 where numbers look cut off, below 0 where they look rounded, 0 where they show
    neither: up to the first that is wrong by the exact values, or all of them by what is written
    before each; above 0 also by the exact values again where no mistake reaches. An unwritten â
    that was cut off makes 1 − â look rounded, and so does what was worked with all digits."""
    first = min(map(exercise.order.__getitem__, accused_places(usual.quantities)))
    early = {at: each for at, each in usual.written.items() if exercise.order[at] <= first}
    balance = clear_balance(early, exercise.values)
    if balance != 0:
        return balance
    worked = {at: each for at, each in usual.written.items()
              if each.cells and not exercise.is_given(at)}  # fmt: skip
    own = {at: usual.middle_from_written(at) for at in worked}
    found = clear_balance(worked, own)
    return found or max(clear_balance(worked, _untouched(exercise, usual, own)), 0)


def may_be_cut_off(usual: Sheet) -> bool:
    """Whether any of what is wrong has digits after which others may have been cut off."""
    cells = (cell for at in accused_places(usual.quantities) for cell in figures(usual.written[at]))
    return any(cell.value != 0 and shows_decimals(cell) for cell in cells)


def explains_more(found: Sheet, than: Sheet, signs: int) -> bool:
    """Whether another working leaves fewer mistakes, and fewer entries wrong: cutting off, with as
    many mistakes; where its signs are seen, or many digits are explained, with as many entries."""
    entries, mistakes = (
        count(than.quantities) - count(found.quantities)
        for count in (_wrong_entries, mistakes_made)
    )
    if not found.working.cut:
        return mistakes > 0 and entries > 0
    is_told = signs > 0 or _digits_of_what_is_wrong(found) >= MANY_DIGITS
    return mistakes >= 0 and (entries > 0 or (is_told and entries == 0 < mistakes))


def _wrong_entries(quantities: tuple[Judged, ...]) -> int:
    """Without those that are right by the exercise alone: no rounding makes them follow."""
    return sum(each.count("wrong", "malformed") for each in quantities)


def _digits_of_what_is_wrong(sheet: Sheet) -> int:
    places = accused_places(sheet.quantities)
    return sum(cell.digits for at in places for cell in figures(sheet.written[at]) if cell.value)


def balance_of_what_stands(cut: Sheet, usual: Sheet) -> int:
    """How many more numbers look cut off than rounded in the lines that stand if digits were cut
    off, by what is written before them, and are wrong in the usual working."""
    places = accused_places(usual.quantities) - accused_places(cut.quantities)
    lines = {at: usual.written[at] for at in places if usual.written[at].cells}
    return cut_balance(lines, {at: usual.middle_from_written(at) for at in lines})


def _untouched(exercise: Exercise, usual: Sheet, own: Mapping[Key, Floats]) -> dict[Key, Floats]:
    """The exact values of what rests on nothing wrong; of the rest what a student's ``own`` work
    gives."""
    return {
        at: np.where(usual.doubt_of_operands(at, exercise.steps[at]), values, exercise.values[at])
        for at, values in own.items()
    }
