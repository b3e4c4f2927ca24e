"""CSV files: lines of numbers with commas between them, with or without names in the first."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from io import TextIOWrapper
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from backtrace.spec.data.arrays import ByteStream
from backtrace.spec.data.request import DataError, DataRequest
from backtrace.spec.data.table import DataTable
from backtrace.spec.number_reading import Misreading, read_number
from backtrace.spec.wording import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

NumberedLine: TypeAlias = tuple[int, str]  # its number in the file, its text

MOST_CHARACTERS = 1_000_000_000  # a number takes two at least, and eight bytes when it is read
LONGEST_LINE = 10_000_000

_BLOCK = 4096  # lines that are converted at a time


class _Head(msgspec.Struct, frozen=True):
    """What the first line tells of all: its number, its cells, which of them are taken."""

    line: int
    width: int
    columns: Sequence[int]
    named: bool


def read_csv(file: ByteStream, request: DataRequest) -> DataTable:
    """The rows and columns asked for of a CSV, a row a line. Raises DataError."""
    with TextIOWrapper(file, encoding="utf-8-sig", errors="replace") as text:
        return _table(_lines(text), request)


def _table(lines: Iterator[NumberedLine], request: DataRequest) -> DataTable:
    start = list(islice(lines, 1))
    head = _head(start, request)
    rows = lines if head.named else chain(start, lines)
    first, last = request.rows or (1, None)
    skipped = sum(1 for _ in islice(rows, first - 1))
    table = DataTable(np.empty((0, len(head.columns))), head.columns, first)
    _fill(table, head, rows if last is None else islice(rows, last - first + 1))
    request.span(skipped + len(table.entries))
    return table


def _lines(text: TextIOWrapper) -> Iterator[NumberedLine]:
    """Those that are not blank."""
    left = MOST_CHARACTERS
    for number, line in enumerate(iter(partial(text.readline, LONGEST_LINE), ""), 1):
        left -= len(line)
        if left < 0:
            raise DataError(f"more than {MOST_CHARACTERS} characters", "at most as many")
        if len(line) == LONGEST_LINE:
            raise DataError(f"line {number} of {LONGEST_LINE} characters or more", "a shorter one")
        if line.strip():
            yield number, line.rstrip("\n")


def _head(start: list[NumberedLine], request: DataRequest) -> _Head:
    if not start:
        raise DataError("no rows", "data")
    line, text = start[0]
    names = [cell.strip() for cell in _cells(text)]
    chosen, width = request.columns, len(names)
    if chosen is None:
        return _Head(line, width, range(width), named=bool(request.header))
    named = bool(request.header) or chosen.named
    return _Head(line, width, chosen.indices(width, names if named else None), named)


def _fill(table: DataTable, head: _Head, rows: Iterator[NumberedLine]) -> None:
    """Appends the numbers of all rows, some thousand lines at a time."""
    lines, done, entries = array("q"), 0, table.entries
    table.lines = lines
    for block in iter(lambda: list(islice(rows, _BLOCK)), []):
        lines.extend(number for number, _ in block)
        numbers = _numbers(table, head, [text for _, text in block])
        entries.resize((done + len(block), len(head.columns)), refcheck=False)  # copies nothing
        entries[done:] = numbers
        done += len(block)


def _numbers(table: DataTable, head: _Head, texts: list[str]) -> NDArray[Any]:
    """The numbers of the next rows; cell by cell where NumPy can't read them."""
    if all(text.count(",") == head.width - 1 for text in texts):
        with suppress(ValueError):
            numbers = np.loadtxt(
                texts,
                delimiter=",",
                ndmin=2,
                comments=None,
                quotechar='"',
                usecols=head.columns,
            )
            if len(numbers) == len(texts):  # fewer where quotes are not closed in their line
                return numbers
    at = len(table.entries)
    return np.array([_row(table, head, row, text) for row, text in enumerate(texts, at)])


def _row(table: DataTable, head: _Head, row: int, text: str) -> list[float]:
    """The numbers as people write them (1/3). Raises DataError at the first that is none."""
    cells = _cells(text)
    if len(cells) != head.width:
        found = f"{count(len(cells), 'column')} in {table.place(row)}"
        raise DataError(found, f"{head.width}, as in the first line")
    numbers = []
    for column, index in enumerate(head.columns):
        reading = read_number(cells[index])
        if isinstance(reading, Misreading):
            mend = _mend(cells[index], reading, first=table.lines[row] == head.line)
            raise DataError(f"{reading.found} in {table.place(row, column)}", "a number", mend)
        numbers.append(float(reading))
    return numbers


def _mend(cell: str, reading: Misreading, *, first: bool) -> str:
    if ";" in cell or "\t" in cell:
        return "Separate the columns by commas."
    if "\N{REPLACEMENT CHARACTER}" in cell:
        return "Save the file as a text in UTF-8."
    if first and any(c.isalpha() for c in cell):
        return "If the first line has names: `header: true`."
    return reading.mend


def _cells(text: str) -> list[str]:
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], skipinitialspace=True))
    except csv.Error:  # a cell longer than it takes, which is no number either
        return [text]
