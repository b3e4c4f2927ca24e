"""The texts of given numbers, and what each may be read as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from backtrace.check.rules.intervals import Floats

MOST_NEIGHBOURS = 12
MOST_PLAIN = 10  # numbers of so many decimals in between two of one decimal less


class GivenTexts:
    """The given numbers of a matrix as they are written in the exercise.

    ``values`` is the matrix as the tape or the student has it; where its ``written`` texts have
    the same shape they are used, so that -1.0 has a 0 that can be taken for a 7.
    """

    def __init__(self, values: Floats, written: Sequence[Sequence[str | None]] | None) -> None:
        self.values = values
        alike = written is not None and (len(written), len(written[0])) == values.shape
        self.written = written if alike else None
        texts = [text for line in self.written or () for text in line if text is not None]
        self.decimals = max((_decimals(text) for text in texts), default=0) or self._most()

    def _most(self) -> int:
        """The most decimals that an entry has by its value."""
        values = self.values.ravel()[:64].tolist()
        return max(_decimals(np.format_float_positional(value, trim="-")) for value in values)

    def text(self, i: int, j: int) -> str:
        written = None if self.written is None else self.written[i][j]
        return plain(float(self.values[i, j])) if written is None or "/" in written else written

    def candidates(self, i: int, j: int) -> Iterator[str]:
        """The usual misreadings of one entry, the likelier first; one digit taken for another."""
        yield from self.likely(i, j)
        yield from ("0", "1")
        yield from _other_digits(self.text(i, j))

    def likely(self, i: int, j: int) -> Iterator[str]:
        """Its sign lost, a neighbour's number, the point moved, two digits swapped."""
        value = float(self.values[i, j])
        yield plain(-value)
        for other in list(dict.fromkeys(self.values.ravel().tolist()))[:MOST_NEIGHBOURS]:
            yield plain(other)
        for factor in (10.0, 0.1):
            yield plain(value * factor)
        yield from _swapped_digits(self.text(i, j))

    def plainest(self, low: float, high: float) -> list[str]:
        """The numbers with the fewest decimals in [low, high], if as plain as those given; of many
        whole ones the least."""
        for places in range(max(self.decimals, 1) + 1):
            scale = 10.0**places
            first, last = np.ceil(low * scale - 1e-9), np.floor(high * scale + 1e-9)
            if first <= last:
                some = np.arange(first, min(last, first + MOST_PLAIN - 1) + 0.5) / scale
                return [plain(each) for each in some.tolist()]
        return []


def _decimals(text: str) -> int:
    return len(text.partition(".")[2]) if "e" not in text.lower() else 0


def _swapped_digits(text: str) -> Iterator[str]:
    for one, two in pairwise(_digits(text)):
        swapped = list(text)
        swapped[one], swapped[two] = swapped[two], swapped[one]
        yield "".join(swapped)


def _digits(text: str) -> list[int]:
    return [k for k, character in enumerate(text) if character.isdigit()]


def _other_digits(text: str) -> Iterator[str]:
    for place in _digits(text):
        for digit in "0123456789":
            yield text[:place] + digit + text[place + 1 :]


def plain(value: float) -> str:
    """A number as a person writes it."""
    short = f"{value:.12g}"
    return short.removeprefix("-") if float(short) == 0 else short
