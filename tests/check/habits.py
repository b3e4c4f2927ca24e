"""How a student writes numbers down, and what they go on working with."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import NamedTuple

import numpy as np

from tests.check.random_exercises import pick

NOISE = 1e-12


class Habit(NamedTuple):
    """``digits`` are decimals, or significant digits where ``significant``.

    ``carry``: ``full`` works on with full precision and only writes few digits; ``written`` works
    on with the numbers on the page, and with full precision where nothing was written; ``rounded``
    rounds every line, also those on scratch paper. ``trims`` writes 0.5 for 0.500 where it is
    exactly that. ``second_way``
    works g from a, and the loss and a short-cut δ from the error.
    """

    digits: int
    carry: str = "full"
    truncates: bool = False
    trims: bool = False
    significant: bool = False
    second_way: bool = False
    writes: str = "all"  # all · some · results

    def write(self, values):
        """The texts of an array, an array of str."""
        texts = np.empty(values.shape, dtype=object)
        for place in np.ndindex(values.shape):
            texts[place] = self.text(float(values[place]))
        return texts

    def text(self, value):
        # A calculator's display: 0.3, not 0.29999999999999999, and 0 where a sum cancels.
        shown = Decimal(f"{value:.12g}") if abs(value) > NOISE else Decimal(0)
        text = f"{shown.quantize(Decimal(1).scaleb(-self.decimals(shown)), self.mode()):f}"
        if self.trims and "." in text and Decimal(text) == shown:
            text = text.rstrip("0").rstrip(".")
        return text.removeprefix("-") if Decimal(text) == 0 else text

    def decimals(self, shown):
        if not self.significant:
            return self.digits
        return 0 if shown == 0 else max(0, self.digits - 1 - shown.adjusted())

    def mode(self):
        if self.truncates:
            return ROUND_DOWN
        return ROUND_HALF_EVEN if self.digits % 2 else ROUND_HALF_UP


def random_habit(random):
    significant = random.random() < 0.12
    carry = pick(random, ("rounded", "full", "written"), (3, 3, 2))
    return Habit(
        digits=pick(random, (3, 4, 5) if significant else (2, 3, 4, 5, 6), None),
        # Scratch paper has decimals; how an unwritten line is cut to significant digits is unknown.
        carry="written" if significant and carry == "rounded" else carry,
        truncates=random.random() < 0.1,
        trims=random.random() < 0.25,
        significant=significant,
        second_way=random.random() < 0.5,
        writes=pick(random, ("all", "some", "results"), (5, 3, 2)),
    )


def written_ids(random, habit, work):
    """Which lines go on the page."""
    ids = [line.id for line in work.lines.values() if not line.hidden]
    if habit.writes == "all":
        return ids
    if habit.writes == "some":
        kept = random.uniform(0.3, 0.8)
        some = [id for id in ids if random.random() < kept]
        return some or ids[-1:]
    kinds = {"loss", "loss_after", "W_new", "b_new"}
    if random.random() < 0.5 or work.spec.optimizer is None:
        kinds |= {"dW", "db"}
    output = f"a{work.last}"
    return [id for id in ids if work.lines[id].kind in kinds or id.partition("@")[0] == output]


def numbers(texts):
    """The values that were written."""
    return np.array([[float(text) for text in line] for line in texts])


def units(texts):
    """A unit of the last written digit of each entry."""
    return np.array([[10.0 ** -len(text.partition(".")[2]) for text in line] for line in texts])
