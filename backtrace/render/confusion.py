"""Which class was taken for which: the table, for a terminal of any width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.functions.array import Array
from backtrace.render.boxes import Line
from backtrace.render.page import INDENT, Page
from backtrace.spec.model import Matrix, Spec
from backtrace.tape.accuracy import by_sample, classes, confusion

MOST_CLASSES = 30  # in a table; of more the pairs that are confused most often are listed
MOST_PAIRS = 12
GAP = 2


class Confusion(msgspec.Struct, frozen=True, eq=False):
    """``counts[i, j]`` samples of class i were taken for class j (from 0).

    ``held_out`` is whether they are those that no update saw.
    """

    counts: NDArray[np.intp]
    held_out: bool = False

    @property
    def samples(self) -> int:
        return int(self.counts.sum())

    @property
    def right(self) -> int:
        return int(np.trace(self.counts))

    @property
    def heading(self) -> str:
        """``349 of 360 held-out samples right, 96.9 %``."""
        which = "held-out samples" if self.held_out else "samples"
        share = percent(self.right / self.samples)
        return f"{self.right:,} of {self.samples:,} {which} right, {share}"

    def share(self, of: int) -> str:
        """The share of a class that was taken for what it is; a dash where it has no sample."""
        total = int(self.counts[of].sum())
        return percent(int(self.counts[of, of]) / total) if total else "–"

    def pairs(self) -> list[tuple[int, int, int]]:
        """(class, taken for, how often) of the mistakes, the most frequent first."""
        wrong = self.counts - np.diag(np.diag(self.counts))
        found = [(i, j, int(wrong[i, j])) for i, j in np.argwhere(wrong).tolist()]
        return sorted(found, key=lambda pair: -pair[2])


def confusion_of(spec: Spec, outputs: Array | None) -> Confusion | None:
    """The confusions in ``outputs`` (a sample a row, of the held-out samples where there are any).

    None where the outputs are no classes, or where there are none.
    """
    count = classes(spec)
    held = spec.validation
    targets: Matrix | None = spec.targets if held is None else held.targets
    if not count or outputs is None or targets is None:
        return None
    return Confusion(confusion(outputs, by_sample(spec, targets), count), held is not None)


def percent(share: float) -> str:
    """``96.9 %``; 100 % only where all are right."""
    text = f"{floor(1000 * share + 0.5) / 10:.1f}"
    if text in ("100.0", "0.0"):
        text = "100" if share == 1 else "0" if share == 0 else "99.9" if share > 0.5 else "0.1"
    return f"{text} %"


def confusion_lines(found: Confusion, page: Page) -> list[Line]:
    """The table, its columns in groups where the page is too narrow; no number is ever cut."""
    count = len(found.counts)
    if count > MOST_CLASSES:
        return list(_pairs(found, page))
    table = _Table(found, page)
    groups = table.groups()
    lines: list[Line] = []
    for group in groups:
        lines += [[]] if lines else []
        lines += table.lines(group, last=group[-1] == count - 1)
    return lines


def _pairs(found: Confusion, page: Page) -> Iterator[Line]:
    pairs = found.pairs()
    for true, taken, times in pairs[:MOST_PAIRS]:
        often = "once" if times == 1 else f"{times:,} times"
        yield from page.paragraph(f"class {true} taken for {taken}: {often}", "")
    if len(pairs) > MOST_PAIRS:
        yield from page.paragraph(f"… and {len(pairs) - MOST_PAIRS:,} other pairs", "fact")


class _Table:
    def __init__(self, found: Confusion, page: Page) -> None:
        self.found, self.page = found, page
        self.nothing = "·" if page.unicode else "."
        self.shares = [page.say(found.share(at)) for at in range(len(found.counts))]
        self.first = max(len("class"), len(str(len(found.counts) - 1)))
        self.last = max(map(len, [*self.shares, "right"]))
        self.widths = [
            max(len(self.cell(row, at)) for row in [-1, *range(len(found.counts))])
            for at in range(len(found.counts))
        ]

    def cell(self, row: int, column: int) -> str:
        """A count, or in the row −1 the class of the column."""
        if row < 0:
            return str(column)
        times = int(self.found.counts[row, column])
        return str(times) if times else self.nothing

    def groups(self) -> list[range]:
        """As many columns as fit beside each other, and beside the last ones their shares."""
        room = self.page.breadth - INDENT - self.first - self.last - GAP - 1
        groups, start, taken = [], 0, 0
        for at, width in enumerate(self.widths):
            if at > start and taken + width + GAP > room:
                groups.append(range(start, at))
                start, taken = at, 0
            taken += width + GAP
        return [*groups, range(start, len(self.widths))]

    def lines(self, columns: Sequence[int], *, last: bool) -> Iterator[Line]:
        yield [(" " * (INDENT + self.first + GAP) + "taken for", "label")]
        for row in range(-1, len(self.found.counts)):
            label = "class" if row < 0 else str(row)
            line: Line = [(" " * INDENT + label.rjust(self.first), "label")]
            for column in columns:
                text = self.cell(row, column).rjust(self.widths[column] + GAP)
                line.append((text, self.role(row, column)))
            if last:
                share = "right" if row < 0 else self.shares[row]
                role = "label" if row < 0 else ""
                line.append((" " * (GAP + 1) + share.rjust(self.last), role))
            yield line

    def role(self, row: int, column: int) -> str:
        if row < 0:
            return "label"
        if row == column:
            return "right"
        return "wrong" if self.found.counts[row, column] else "axis"
