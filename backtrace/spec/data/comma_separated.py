"""CSV files: lines of numbers with commas between them, with or without names in the first."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from backtrace.spec.data.request import DataError, DataRequest
from backtrace.spec.data.table import DataTable
from backtrace.spec.number_reading import NoNumber, read_number
from backtrace.spec.wording import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

NumberedLine: TypeAlias = tuple[int, str]  # its number in the file, its text

_BLOCK = 4096  # lines that are converted at a time: trouble in one is said before the next


def read_csv(file: BinaryIO, request: DataRequest) -> DataTable:
    """The rows and columns asked for of a CSV, a row a line that is not blank. Raises DataError."""
    lines = _lines(file)
    names = [cell.strip() for cell in _cells(lines[0][1])]
    chosen, width = request.columns, len(names)
    named = bool(request.header) or (chosen is not None and chosen.named)
    columns = chosen.indices(width, names if named else None) if chosen else range(width)
    first, last = request.span(len(lines) - named)
    rows = lines[named:][first - 1 : last]
    table = DataTable(np.empty((0, width)), columns, first, [number for number, _ in rows])
    texts = [text for _, text in rows]
    starts = range(0, len(texts), _BLOCK)
    table.entries = np.concatenate([_numbers(table, at, texts, width) for at in starts])
    return table


def _lines(file: BinaryIO) -> list[NumberedLine]:
    """Those that are not blank; at least one. Raises DataError."""
    with TextIOWrapper(file, encoding="utf-8-sig", errors="replace") as text:
        lines = [(i, line.rstrip("\n")) for i, line in enumerate(text, 1) if line.strip()]
    if not lines:
        raise DataError("no rows", "data", code="E312")
    return lines


def _numbers(table: DataTable, at: int, texts: list[str], width: int) -> NDArray[Any]:
    """The numbers of a block of rows, cell by cell where NumPy can't read them."""
    texts = texts[at : at + _BLOCK]
    if all(text.count(",") == width - 1 for text in texts):
        with suppress(ValueError):
            numbers = np.loadtxt(
                texts,
                delimiter=",",
                ndmin=2,
                comments=None,
                quotechar='"',
                usecols=table.columns,
            )
            if len(numbers) == len(texts):  # fewer where quotes are not closed in their line
                return numbers
    return np.array([_row(table, row, text, width) for row, text in enumerate(texts, at)])


def _row(table: DataTable, row: int, text: str, width: int) -> list[float]:
    """The numbers as people write them (1/3). Raises DataError at the first that is none."""
    cells = _cells(text)
    if len(cells) != width:
        found = f"{count(len(cells), 'column')} in {table.place(row)}"
        raise DataError(found, f"{width}, as in the first line", code="E313")
    numbers = []
    for column, index in enumerate(table.columns):
        reading = read_number(cells[index])
        if isinstance(reading, NoNumber):
            mend = _mend(cells[index], reading, first=table.lines[row] == 1)
            raise DataError(
                f"{reading.found} in {table.place(row, column)}", "a number", mend, code="E309"
            )
        numbers.append(float(reading))
    return numbers


def _mend(cell: str, reading: NoNumber, *, first: bool) -> str:
    if ";" in cell or "\t" in cell:
        return "Separate the columns by commas."
    if "\N{REPLACEMENT CHARACTER}" in cell:
        return "Save the file as a text in UTF-8."
    if first and any(c.isalpha() for c in cell):
        return "If the first line has names: `header: true`."
    return reading.mend


def _cells(text: str) -> Sequence[str]:
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], skipinitialspace=True))
    except csv.Error:  # a cell longer than it takes, which is no number either
        return [text]
