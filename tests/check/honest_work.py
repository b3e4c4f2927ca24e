"""What honest people write of an exercise, in the ways of working that leave the same few digits.

A sheet with a mistake that is one of theirs to the last digit has no mistake that anybody could
see: a rate so small that η·dW, noted to two decimals, is 0.00 leaves the old weights.
"""

from itertools import product

import numpy as np

from tests.check.scratch_paper import Paper

LEAST = 2  # decimals of scratch work


class Coarse(Paper):
    """Paper on which what is noted has so few decimals, ties away from zero."""

    def __init__(self, decimals):
        super().__init__()
        self.decimals = decimals

    def note(self, value):
        steps = np.abs(np.asarray(value, dtype=float)) * 10.0**self.decimals
        return np.sign(value) * np.floor(steps + 0.5 + 1e-9) / 10.0**self.decimals


def workings(habit, updates):
    """Other habits that leave numbers like those of a habit, with digits cut off or not, each with
    the decimals to which η·dW is noted, where there are ``updates`` before the mistake shows:
    ``(habit, decimals)``; None for what is not noted."""
    most = habit.digits + habit.significant if updates else LEAST
    for carry, truncates in product(("full", "written", "rounded"), (False, True)):
        other = habit._replace(carry=carry, truncates=truncates)
        if truncates != habit.truncates:  # by rounding as it does itself the mistake is told
            yield other, None
        yield from ((other, decimals) for decimals in range(LEAST, most))


def worked(rule, operands, decimals):
    """A line by that rule, its parts noted to so many decimals."""
    if decimals is None:
        return rule.work(*operands)
    return Coarse(decimals).work(rule, operands)
