"""Whether coarse scratch work, which would excuse what is wrong, has left its mark on a sheet."""

from __future__ import annotations

import numpy as np

from backtrace.check.judge.sheet import Sheet
from backtrace.check.judge.workings import accused_entries, accused_places
from backtrace.check.model import Judged
from backtrace.check.rules.intervals import hull

ROOM = 40.0  # units of the last digit: of numbers with so much room few are right by chance
FEW = 3  # numbers, that may be so all the same
MOST = 0.5  # times as many numbers without a mark of it as with one


def is_borne_out(coarse: Sheet, usual: tuple[Judged, ...]) -> bool:
    """Whether the lines like those that are wrong in the ``usual`` working look worked so coarsely.

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
