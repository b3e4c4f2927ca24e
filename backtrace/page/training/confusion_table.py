"""Which class was taken for which as a plain table, for every format without one of its own."""

from __future__ import annotations

from collections.abc import Iterator

from backtrace.page.blocks import Cell, Column, Paragraph, Table
from backtrace.page.training.confusion import MOST_CLASSES, MOST_PAIRS, Confusion


def blocks(found: Confusion) -> Iterator[Paragraph | Table]:
    """The counts; of many classes the pairs that are confused most often."""
    if len(found.counts) > MOST_CLASSES:
        yield _pairs(found)
        return
    yield Paragraph("Rows are the true classes, columns what they were taken for.")
    yield _counts(found)


def _pairs(found: Confusion) -> Table:
    rows = [[str(true), str(taken), f"{times:,}"] for true, taken, times in found.pairs()]
    columns = (Column("class"), Column("taken for"), Column("times"))
    return Table(columns, tuple(tuple(map(Cell, row)) for row in rows[:MOST_PAIRS]))


def _counts(found: Confusion) -> Table:
    classes = map(str, range(len(found.counts)))
    columns = (Column("class"), *map(Column, classes), Column("right"))
    rows = (
        (
            Cell(str(at), "label"),
            *(Cell(str(times) if times else "") for times in row),
            Cell(found.share(at)),
        )
        for at, row in enumerate(found.counts.tolist())
    )
    return Table(columns, tuple(rows))
