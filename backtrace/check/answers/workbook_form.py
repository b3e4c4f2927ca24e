"""A student's form in a workbook: ids down the first column, each beside its matrix of cells.

It is told from a class's table by what stands in it: a table begins with its header, and has no
gap below it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice, pairwise, takewhile
from pathlib import PurePath

from backtrace.check.answers.fitting import places, scattered
from backtrace.check.answers.names import Quantity, Reader
from backtrace.check.answers.table_rows import TableRow, address
from backtrace.check.answers.tree import inert
from backtrace.check.model import Answers, WrittenQuantity
from backtrace.spec.wording import cited

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
    starts: dict[Quantity, int] = {}
    for at, row in enumerate(rows):
        quantity = _quantity(row, reader)
        if quantity is not None:
            starts.setdefault(quantity, at)  # of two with one id the first counts
    ordered = sorted(starts.items(), key=lambda start: start[0].order)
    found = (_written(quantity, _filled(rows, at), reader) for quantity, at in ordered)
    return Answers(
        student=inert(_cell(student, FIRST_COLUMN)) or inert(PurePath(file).stem),
        file=inert(file),
        written=tuple(each for each in found if each is not None),
    )


def _filled(rows: Sequence[TableRow], at: int) -> dict[tuple[int, int], tuple[str, str]]:
    """The cells with something in them from row ``at`` to the next id, symbol or heading, each
    with its address, by row and column from 1 of the matrix."""
    below = takewhile(
        lambda row: not any(map(str.strip, row.cells[:FIRST_COLUMN])), islice(rows, at + 1, None)
    )
    return {
        (i, j): (address(row, FIRST_COLUMN + j), text.strip())
        for i, row in enumerate((rows[at], *below), 1)
        for j, text in enumerate(row.cells[FIRST_COLUMN:], 1)
        if text.strip()
    }


def _written(
    quantity: Quantity, filled: Mapping[tuple[int, int], tuple[str, str]], reader: Reader
) -> WrittenQuantity | None:
    """A matrix that was typed in its place, turned, or beside it; what is left is left aside."""
    found, note = places(quantity, list(filled))
    if None in found:
        top, left = (min(place[k] for place in filled) - 1 for k in (0, 1))
        moved, note_of_moved = places(quantity, [(i - top, j - left) for i, j in filled])
        if None not in moved:
            first, _ = next(iter(filled.values()))
            found, note = moved, note_of_moved or f"{quantity.name}: read from {first} on"
    notes = [note] if note else []
    texts = {}
    for place, (where, text) in zip(found, filled.values(), strict=True):
        if place is None:
            aside = f"{cited(text)} in {where} is outside its place, and was left aside"
            notes.append(f"{quantity.name}: {aside}")
        else:
            texts[place] = text
    return scattered(quantity, texts, notes, reader)


def _quantity(row: TableRow, reader: Reader) -> Quantity | None:
    """The quantity whose very id stands in the first column."""
    found = reader.find(_first(row))
    return found.quantity if found and found.quantity.name == _first(row) else None


def _first(row: TableRow) -> str:
    return _cell(row, 0)


def _cell(row: TableRow, column: int) -> str:
    return row.cells[column].strip() if column < len(row.cells) else ""
