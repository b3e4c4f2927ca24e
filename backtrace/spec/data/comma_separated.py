"""CSV files: lines of numbers with commas between them, with or without names in the first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from backtrace.spec.data.entries import convert, not_finite
from backtrace.spec.data.request import Array, DataError, Loaded, Request
from backtrace.spec.data.slabs import Slabs
from backtrace.spec.data.stream import Stream
from backtrace.spec.document.problems import count
from backtrace.spec.numbers import Misreading, read_number

Line: TypeAlias = tuple[int, str]  # its number in the file, its text

_BLOCK = 1 << 20
_BYTE_ORDER_MARK = "\ufeff"


def read_csv(stream: Stream, request: Request) -> Loaded:
    """The rows and columns asked for of a CSV, a row a line. Raises DataError."""
    table = _Table(request)
    for lines in _lines(stream):
        table.take(lines)
        if table.complete:
            break
    return table.loaded()


def _lines(stream: Stream) -> Iterator[list[Line]]:
    """The lines of a text that are not blank, some thousand at a time."""
    number, rest = 0, bytearray()
    while part := stream.read(_BLOCK):
        whole, newline, after = part.rpartition(b"\n")
        if not newline:
            rest += part
            continue
        start = stream.position - len(part) - len(rest)
        texts = _decoded(stream, rest + whole + newline, start).splitlines()
        yield [(number + i, text) for i, text in enumerate(texts, 1) if text.strip()]
        number, rest = number + len(texts), bytearray(after)
    texts = _decoded(stream, rest, stream.position - len(rest)).splitlines()
    yield [(number + i, text) for i, text in enumerate(texts, 1) if text.strip()]


def _decoded(stream: Stream, content: bytearray, start: int) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        byte = content[error.start]
        raise DataError(
            f"byte 0x{byte:02X} at {stream.at(start + error.start)}, which is no text in UTF-8",
            "IDX, .npy, .npz, .safetensors or CSV",
        ) from None
    return text.removeprefix(_BYTE_ORDER_MARK) if start == 0 else text


class _Table:
    """Takes the lines of a file as they come, and keeps the numbers that are asked for."""

    def __init__(self, request: Request) -> None:
        self.request = request
        columns = request.columns
        self.header = bool(request.header) or (columns is not None and columns.named)
        self.first = 1 if request.rows is None else request.rows[0]
        self.last = None if request.rows is None else request.rows[1]
        self.rows = 0  # behind it
        self.begun = False
        self.width = 0  # of the first line, whose number is
        self.line = 0
        self.columns: list[int] | None = None
        self.kept: Slabs | None = None
        self.lines: list[int] = []

    @property
    def complete(self) -> bool:
        return self.last is not None and self.rows >= self.last

    def take(self, lines: list[Line]) -> None:
        if lines and not self.begun:
            self._begin(lines[0])
            lines = lines[1:] if self.header else lines
        last = len(lines) if self.last is None else self.last - self.rows
        chosen = lines[max(0, self.first - 1 - self.rows) : last]
        if chosen:
            self._keep(chosen)
        self.rows += len(lines)

    def loaded(self) -> Loaded:
        first, _ = self.request.span(self.rows)
        assert self.kept is not None  # there are rows, and none before the first was kept
        return Loaded(self.kept.joined(), (self.rows, self.width), first, self.lines)

    def _begin(self, line: Line) -> None:
        cells = _cells(line[1])
        self.begun, self.line, self.width = True, line[0], len(cells)
        names = [cell.strip() for cell in cells] if self.header else None
        if self.request.columns is not None:
            self.columns = self.request.columns.indices(self.width, names)

    def _keep(self, lines: list[Line]) -> None:
        numbers = self._numbers(lines)
        if self.kept is None:
            self.kept = Slabs(numbers.shape[1], self.request.dtype)
        wrong = convert(numbers, self.kept.room(len(numbers)), self.request.scale)
        if wrong is not None:
            row, column = wrong
            column = column if self.columns is None else self.columns[column]
            place = f"row {self._row(row)}{_other('line', lines[row][0], self._row(row))}"
            raise not_finite(numbers[wrong], f"{place}, column {column + 1}", self.request)
        self.lines.extend(number for number, _ in lines)

    def _row(self, row: int) -> int:
        """The number of a row, counted from 0 among those that are taken now."""
        return max(self.rows + 1, self.first) + row

    def _numbers(self, lines: list[Line]) -> Array:
        """The columns asked for; the cells one by one where NumPy can't read them."""
        if not self._even(lines):
            return self._read_cells(lines)
        try:
            return np.loadtxt(
                [text for _, text in lines],
                delimiter=",",
                ndmin=2,
                comments=None,
                quotechar='"',
                usecols=self.columns,
            )
        except ValueError:
            return self._read_cells(lines)

    def _even(self, lines: list[Line]) -> bool:
        """Whether every line has as many cells as the first, as far as commas can tell."""
        return {text.count(",") + 1 for _, text in lines} == {self.width}

    def _read_cells(self, lines: list[Line]) -> Array:
        """The numbers as people write them (1/3). Raises DataError at the first that is none."""
        rows = []
        columns = range(self.width) if self.columns is None else self.columns
        for row, (line, text) in enumerate(lines):
            cells = _cells(text)
            place = f"line {line}{_other('row', self._row(row), line)}"
            if len(cells) != self.width:
                found = f"{place} with {count(len(cells), 'column')}"
                raise DataError(found, f"{self.width}, as in line {self.line}")
            places = [f"{place}, column {i + 1}" for i in columns]
            first = line == self.line
            rows.append(
                [_number(cells[i], at, first) for i, at in zip(columns, places, strict=True)]
            )
        return np.array(rows)


def _other(word: str, number: int, known: int) -> str:
    """The number of the row beside that of the line, or the other way, where they differ."""
    return f" ({word} {number})" if number != known else ""


def _number(cell: str, place: str, first: bool) -> float:
    """The number in a cell; ``first`` says that it stands in the first line of the file."""
    reading = read_number(cell)
    if not isinstance(reading, Misreading):
        return float(reading)
    mend = reading.mend
    if first and any(c.isalpha() for c in cell):
        mend = "If the first line has names: `header: true`."
    if ";" in cell or "\t" in cell:
        mend = "Separate the columns by commas."
    raise DataError(f"{reading.found} in {place}", "a number", mend)


def _cells(text: str) -> list[str]:
    if '"' not in text:
        return text.split(",")
    import csv

    return next(csv.reader([text], skipinitialspace=True))
