"""The numbers that mistakes give, entry by entry: what a question can tell who has one of them."""

from __future__ import annotations

import numpy as np

from backtrace.check.answers.names import Quantity
from backtrace.check.diagnosis.revealing import replayed
from backtrace.check.diagnosis.rule_search import OF_MANY_KINDS
from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.check.model import Answers
from backtrace.check.sheets.exercise import Exercise
from backtrace.check.sheets.sheet import Page, Sheet
from backtrace.check.sheets.workings import Working
from backtrace.spec.model import Spec

MOST = 4  # mistakes that one place of a form knows


class WrongValues:
    """Replays the mistakes of an exercise, each at the step in which it is made."""

    def __init__(self, spec: Spec) -> None:
        self.exercise = Exercise(spec)
        self.sheet = Sheet(self.exercise, Page(Answers("", "", ()), self.exercise), Working())

    def at(self, quantity: Quantity, i: int, j: int, tolerance: float) -> dict[float, str]:
        """The wrong values of an entry (from 0), each with the title of its mistake.

        What is right within the tolerance is left out, and so is what several mistakes give:
        nobody could tell which it was.
        """
        place = (quantity.epoch, quantity.batch, quantity.id)
        right = self.exercise.values[place]
        found: list[tuple[float, str]] = []
        for wrong in self.exercise.wrongs(place):
            if wrong.code in OF_MANY_KINDS:
                continue
            value = replayed(place, place, wrong, self.sheet)
            if value is None or value.shape != right.shape or not np.isfinite(value[i, j]):
                continue
            if abs(value[i, j] - right[i, j]) > 2 * tolerance:
                found.append((float(value[i, j]), CATALOGUE[wrong.code].title))
        own = {
            value: title
            for value, title in found
            if all(abs(value - other) > 2 * tolerance or title == told for other, told in found)
        }
        return dict(list(own.items())[:MOST])
