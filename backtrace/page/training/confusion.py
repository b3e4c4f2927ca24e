"""Which class was taken for which: how often, and what share of each is right."""

from __future__ import annotations

from math import floor

import numpy as np
from numpy.typing import NDArray

from backtrace.functions.array import Array
from backtrace.page.blocks import Block, Cell, Column, Paragraph, Table
from backtrace.spec.model import Matrix, Spec
from backtrace.tape.accuracy import are_signs, boundary, by_sample, classes, confusion

MOST_CLASSES = 30  # in a table; of more the pairs that are confused most often are listed
MOST_PAIRS = 12


class Confusion(Block, frozen=True, eq=False):
    """``counts[i, j]`` samples of class i were taken for class j (from 0).

    ``held_out`` is whether they are those that no update saw, ``signs`` whether the two classes
    are −1 and 1.
    """

    counts: NDArray[np.intp]
    held_out: bool = False
    signs: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, as the targets have them."""
        return ("-1", "1") if self.signs else tuple(map(str, range(len(self.counts))))

    @property
    def samples(self) -> int:
        return int(self.counts.sum())

    @property
    def right(self) -> int:
        return int(np.trace(self.counts))

    @property
    def heading(self) -> str:
        """``349 of 360 held-out samples correct, 96.9 %``."""
        which = "held-out samples" if self.held_out else "samples"
        share = percent(self.right / self.samples)
        return f"{self.right:,} of {self.samples:,} {which} correct, {share}"

    @property
    def plainly(self) -> tuple[Block, ...]:
        """The counts; of many classes the pairs that are confused most often."""
        if len(self.counts) > MOST_CLASSES:
            return (_pairs(self),)
        said = Paragraph("Rows are the true classes, columns the predicted ones.")
        return (said, _counts(self))

    def share(self, of: int) -> str:
        """The share of a class that was taken for what it is; a dash where it has no sample."""
        total = int(self.counts[of].sum())
        return percent(int(self.counts[of, of]) / total) if total else "–"

    def pairs(self) -> list[tuple[int, int, int]]:
        """(class, taken for, how often) of the mistakes, the most frequent first."""
        wrong = self.counts - np.diag(np.diag(self.counts))
        found = [(i, j, int(wrong[i, j])) for i, j in np.argwhere(wrong).tolist()]
        return sorted(found, key=lambda pair: -pair[2])


def _pairs(found: Confusion) -> Table:
    rows = [[str(true), str(taken), f"{times:,}"] for true, taken, times in found.pairs()]
    columns = (Column("class"), Column("predicted"), Column("times"))
    return Table(columns, tuple(tuple(map(Cell, row)) for row in rows[:MOST_PAIRS]))


def _counts(found: Confusion) -> Table:
    columns = (Column("class"), *map(Column, found.names), Column("correct"))
    rows = (
        (
            Cell(found.names[at], "label"),
            *(Cell(str(times) if times else "") for times in row),
            Cell(found.share(at)),
        )
        for at, row in enumerate(found.counts.tolist())
    )
    return Table(columns, tuple(rows))


def confusion_of(spec: Spec, outputs: Array | None) -> Confusion | None:
    """The confusions in ``outputs`` (a sample a row, of the held-out samples where there are any).

    None where the outputs are no classes, or where there are none.
    """
    count = classes(spec)
    held = spec.validation
    targets: Matrix | None = spec.targets if held is None else held.targets
    if not count or outputs is None or targets is None:
        return None
    counts = confusion(outputs, by_sample(spec, targets), count, boundary(spec))
    return Confusion(counts, held is not None, are_signs(spec) and count == outputs.shape[1] + 1)


def percent(share: float) -> str:
    """``96.9 %``; 100 % only where all are right."""
    text = f"{floor(1000 * share + 0.5) / 10:.1f}"
    if text in ("100.0", "0.0"):
        text = "100" if share == 1 else "0" if share == 0 else "99.9" if share > 0.5 else "0.1"
    return f"{text} %"
