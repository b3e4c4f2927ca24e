"""What a value earns, and when it earns nothing: marks are for work that was done.

A value that follows from an earlier mistake earns its mark, unless what it rests on makes the step
trivial: zeros, ones, a given number copied, one number written everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from backtrace.check.judge.exercise import Key
from backtrace.check.judge.sheet import Sheet
from backtrace.check.model import Trivial
from backtrace.check.rules.intervals import Floats


def trivial(sheet: Sheet, place: Key) -> Trivial | None:
    """What makes the step at ``place`` trivial, on this sheet."""
    if sheet.has_filler:
        return Trivial(place[2], "filler")
    for source in sources(sheet, place):
        values = sheet.numbers[source].values
        if not sheet.doubt(source).any() and not sheet.vagueness(source).any():
            continue
        holds = _holds(sheet, source, values)
        if holds is not None:
            return Trivial(source[2], holds)
    return None


def sources(sheet: Sheet, place: Key) -> Iterator[Key]:
    """The written quantities that a step is worked from, past those that were not written."""
    waiting, seen = list(sheet.exercise.operands[place]), set()
    while waiting:
        source = waiting.pop()
        if source in seen:
            continue
        seen.add(source)
        if source in sheet.numbers and not sheet.exercise.is_given(source):
            yield source
        elif source not in sheet.numbers:
            waiting += sheet.exercise.operands[source]


def _holds(sheet: Sheet, source: Key, values: Floats) -> Literal["zeros", "ones", "copy"] | None:
    exact = sheet.exercise.values[source]
    if not sheet.numbers[source].there.all() or (values == exact).all():
        return None
    if not values.any():
        return "zeros"
    if (np.abs(values) == 1).all():
        return "ones"
    exercise = sheet.exercise
    given = (exercise.values[each] for each in exercise.steps if exercise.is_given(each))
    same = any(x.shape == values.shape and x.size > 1 and (x == values).all() for x in given)
    return "copy" if same else None
