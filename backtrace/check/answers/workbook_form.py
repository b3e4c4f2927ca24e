"""A student's form in a workbook: ids down the first column, each beside its matrix of cells.

It is told from a class's table by what stands in it: a table begins with its header, and has no
gap below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePath

from backtrace.check.answers.fitting import scattered
from backtrace.check.answers.names import Quantity, Reader
from backtrace.check.answers.table_rows import TableRow
from backtrace.check.answers.tree import inert
from backtrace.check.model import Answers

STUDENT = "student"
FIRST_COLUMN = 2  # from 0, of a matrix: the id and the symbol stand before it


def is_form(rows: Sequence[TableRow]) -> bool:
    """Whether there is a title, then the student in a row above an empty one, and more below."""
    filled = [at for at, row in enumerate(rows) if not row.is_empty]
    students = [(at, after) for at, after in pairwise(filled) if _first(rows[at]) == STUDENT]
    if not students:
        return False
    at, after = students[0]
    return at > filled[0] and at + 1 < after


def read_form(rows: Sequence[TableRow], file: str, reader: Reader) -> Answers:
    """What the student has written; the file's stem is the name where none is given."""
    student = next(row for row in rows if _first(row) == STUDENT)
    places: dict[Quantity, int] = {}
    for at, row in enumerate(rows):
        quantity = _quantity(row, reader)
        if quantity is not None:
            places.setdefault(quantity, at)  # of two with one id the first counts
    ordered = sorted(places.items(), key=lambda place: place[0].order)
    found = (
        scattered(quantity, _texts(rows, at, quantity), (), reader) for quantity, at in ordered
    )
    return Answers(
        student=inert(_cell(student, FIRST_COLUMN)) or inert(PurePath(file).stem),
        file=inert(file),
        written=tuple(each for each in found if each is not None),
    )


def _texts(rows: Sequence[TableRow], at: int, quantity: Quantity) -> dict[tuple[int, int], str]:
    height, width = quantity.shape
    return {
        (i, j): _cell(row, FIRST_COLUMN + j)
        for i, row in enumerate(rows[at : at + height])
        for j in range(width)
    }


def _quantity(row: TableRow, reader: Reader) -> Quantity | None:
    """The quantity whose very id stands in the first column."""
    found = reader.find(_first(row))
    return found.quantity if found and found.quantity.name == _first(row) else None


def _first(row: TableRow) -> str:
    return _cell(row, 0)


def _cell(row: TableRow, column: int) -> str:
    return row.cells[column].strip() if column < len(row.cells) else ""
