"""What lines gave on numbers that came before.

A class has the same right numbers again and again, and so has one sheet that is tried in several
ways.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeAlias

from backtrace.check.rules.intervals import Interval
from backtrace.tape.steps import Step

MOST_BYTES = 30_000_000
OWN_BYTES = 600  # of an entry, but for its numbers

LineKey: TypeAlias = tuple[Hashable, ...]


class Remembered:
    """Results of lines by what they were worked from; all forgotten when they become too many."""

    def __init__(self) -> None:
        self.results: dict[LineKey, tuple[Step, Interval]] = {}
        self.bytes = 0

    def key(self, step: Step, operands: Sequence[Interval], *how: Hashable) -> LineKey:
        """``how`` is all that the result hangs on besides the step and its operands."""
        return (id(step), *how, *map(_contents, operands))

    def get(self, key: LineKey) -> Interval | None:
        found = self.results.get(key)
        return None if found is None else found[1]

    def keep(self, key: LineKey, step: Step, result: Interval) -> Interval:
        """``result``, which is remembered with its step: while that is there, no other has its
        ``id``."""
        if self.bytes > MOST_BYTES:
            self.results.clear()
            self.bytes = 0
        self.results[key] = step, result
        self.bytes += OWN_BYTES + 4 * result.lo.nbytes
        return result


def _contents(x: Interval) -> Hashable:
    return x.lo.shape, x.lo.tobytes(), None if x.exact else x.hi.tobytes()
