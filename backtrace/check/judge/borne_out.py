"""Whether coarse scratch work, which would excuse what is wrong, has left its mark on a sheet.

By its likelihood: of the numbers that a line may hold as it was worked, each is as likely. A number
that only coarse work gives speaks for it, the more so the fewer others it would give; one that the
usual work gives as well speaks against it, the more so the more others coarse work would.
"""

from __future__ import annotations

import numpy as np

from backtrace.check.judge.exercise import Key
from backtrace.check.judge.sheet import Doubt, Sheet
from backtrace.check.judge.workings import ACCUSED, accused_entries, accused_places
from backtrace.check.model import Judged
from backtrace.check.rules.intervals import Floats, Interval, hull
from backtrace.functions.elementary import FUNCTIONS
from backtrace.tape.steps import Step

SLIPS = 30.0  # numbers that a slip may leave; mistakes that follow a rule are wrong in many
KINKED = 2.0  # the same of a slope of straight pieces, which is right by chance half the time
NOTED = 0.7  # how often a partial result that may be noted is
ROOM = 40.0  # units of the last digit: of numbers with so much room few are right by chance
FEW = 3  # numbers, that may be so all the same
MOST = 0.5  # times as many numbers without a mark of it as with one
EXACT = 1e-12  # the unit of a number that was not rounded, relatively


def weight(coarse: Sheet, usual: Sheet) -> float:
    """How much likelier a sheet is as it was worked coarsely than with slips: the natural logarithm
    of the ratio, by the lines like those that are wrong in the ``usual`` working. What is wrong
    either way says nothing."""
    steps = usual.exercise.steps
    kinds = {steps[place].operation for place in accused_places(usual.quantities)}
    return sum(
        _weight(coarse, usual, place)
        for place in coarse.judged
        if place in usual.judged and steps[place].operation in kinds
    )


def is_borne_out(coarse: Sheet, usual: tuple[Judged, ...]) -> bool:
    """Whether lines like those that are wrong in the ``usual`` working look worked so coarsely, of
    which decimals on the page itself speak.

    Who rounds them to two decimals on the way does not have most of the others right to six.
    """
    steps, right = coarse.exercise.steps, 0
    kinds = {steps[place].operation for place in accused_places(usual)}
    for place, judged in coarse.judged.items():
        if steps[place].operation in kinds and coarse.written[place].cells:
            numbers = coarse.numbers[place]
            box = hull(coarse.replay(numbers.unit).step(place))
            roomy = numbers.there & ((box.hi - box.lo)[0] > ROOM * 2 * numbers.half)
            right += int((roomy & (np.array(judged.entries) == "right")).sum())
    return right <= max(FEW, MOST * accused_entries(usual))


def _weight(coarse: Sheet, usual: Sheet, place: Key) -> float:
    if not coarse.written[place].cells or coarse.exercise.is_given(place):
        return 0.0
    was_off, is_off = _accused(usual, place), _accused(coarse, place)
    numbers = coarse.numbers[place]
    unit = np.maximum(2 * numbers.half, EXACT * (1 + np.abs(numbers.values)))
    many, few = (_numbers_in(sheet.box(place), unit) for sheet in (coarse, usual))
    both = np.log(1 - NOTED + NOTED * np.minimum(few / many, 1.0))
    others = KINKED if _is_of_pieces(coarse.exercise.steps[place]) else SLIPS
    each = np.where(was_off, np.log(others / many), both)
    return float(each[numbers.there & ~is_off].sum())


def _is_of_pieces(step: Step) -> bool:
    if step.operation != "activation_derivative":
        return False
    return bool(FUNCTIONS[step.parameters["activation"]].kinks(step.parameters))


def _accused(sheet: Sheet, place: Key) -> Doubt:
    return np.isin(np.array(sheet.judged[place].entries), ACCUSED)


def _numbers_in(box: Interval, unit: Floats) -> Floats:
    """How many written numbers of a unit each entry may be, by all its pieces; at most those that a
    slip may leave."""
    by_start = np.argsort(box.lo, axis=0)
    lo, hi = (np.take_along_axis(end, by_start, axis=0) for end in (box.lo, box.hi))
    reached = np.maximum.accumulate(hi, axis=0)[:-1]
    new = np.maximum(0.0, hi[1:] - np.maximum(lo[1:], reached)) / unit + (lo[1:] > reached + unit)
    found = (hi[0] - lo[0]) / unit + 1 + new.sum(axis=0)
    return np.asarray(np.minimum(found, SLIPS))
