"""A number, a list or a list of lists → a given matrix whose shape the network may still settle."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from backtrace.spec.document.problems import Place, Problems
from backtrace.spec.document.reader import Node, Scalar, Sequence, kind
from backtrace.spec.model import Matrix
from backtrace.spec.number_reading import Misreading, Reading, read_number
from backtrace.spec.numbers import Number
from backtrace.spec.wording import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MATRIX = "a matrix, such as [[1, 2], [3, 4]]"


class WrittenMatrix(msgspec.Struct, eq=False):
    """What was written for a matrix: a number (0), a list (1) or rows (2 ``dimensions``).

    ``values`` is always 2-D; a list is one row. ``written`` has the texts, None for a file.
    ``place`` is where it stands; ``node`` is the list it was read from, None for a ``file``, which
    is then the name of one.
    """

    name: str
    place: Place
    dimensions: int
    values: NDArray[np.floating[Any]]
    written: tuple[tuple[str, ...], ...] | None = None
    node: Node | None = None
    file: str = ""

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shapes (rows, columns) that it can stand for, the flat one of a list first."""
        rows, columns = self.values.shape
        if self.dimensions == 1 and columns > 1:
            return [(1, columns), (columns, 1)]
        return [(rows, columns)]

    def shaped(self, shape: tuple[int, int]) -> Matrix:
        """The matrix, read in one of its ``shapes``."""
        if self.values.shape == shape:
            return Matrix(self.values, self.written)
        written = self.written and tuple((text,) for text in self.written[0])
        return Matrix(self.values.reshape(shape), written)

    def place_of(self, row: int, column: int) -> Place:
        """Where an entry of the shaped matrix was written; indices count from 0."""
        node = self.node
        if self.dimensions == 1 and isinstance(node, Sequence):
            return node.items[row + column]
        if self.dimensions == 2 and isinstance(node, Sequence):
            line = node.items[row]
            return line.items[column] if isinstance(line, Sequence) else line
        return self.place

    def described(self) -> str:
        """``a list of 3 numbers``, ``a 2 × 3 matrix``, ``one number``."""
        rows, columns = self.values.shape
        if self.dimensions == 0:
            return "one number"
        if self.dimensions == 1:
            return f"a list of {count(columns, 'number')}"
        return f"a {rows} × {columns} matrix"


def read_matrix(problems: Problems, node: Node, name: str) -> WrittenMatrix | None:
    """The numbers of ``node``; None, with every problem noted, where one can't be read."""
    rows = _rows(problems, node, name)
    if rows is None:
        return None
    numbers, seen = [], len(problems.found)
    for row in rows:
        read = _numbers(problems, row)
        if read is not None and not _has_decimal_commas(problems, row):
            numbers.append(read)
    # a row that misreads may be misread in its length as well: one problem is enough
    if any(problem.code == "decimal_comma" for problem in problems.found[seen:]):
        return None
    if not _even(problems, rows, node) or len(numbers) < len(rows):
        return None
    values = np.array(numbers, dtype=np.float64)
    written = tuple(tuple(n.text for n in row) for row in numbers)
    place = Place(node.line, node.column, node.length)
    return WrittenMatrix(name, place, _dimensions(node), values, written, node)


def comma_rows(given: WrittenMatrix) -> list[list[str]]:
    """The rows as they read with decimal commas that YAML took for separators, or nothing."""
    from backtrace.spec.number_reading import comma_reading

    if given.node is None or given.dimensions == 0:
        return []
    assert isinstance(given.node, Sequence)
    rows = [given.node] if given.dimensions == 1 else given.node.items
    readings = [comma_reading(*_texts(row)) for row in rows if isinstance(row, Sequence)]
    lengths = {len(reading) for reading in readings}
    return readings if len(lengths) == 1 and lengths != {0} else []


def _dimensions(node: Node) -> int:
    if isinstance(node, Scalar):
        return 0
    return 2 if isinstance(node, Sequence) and isinstance(node.items[0], Sequence) else 1


def _rows(problems: Problems, node: Node, name: str) -> list[list[Scalar]] | None:
    """The scalars row by row; a number is one row of one, a list is one row."""
    if isinstance(node, Scalar):
        return [[node]]
    if not isinstance(node, Sequence) or not node.items:
        problems.add(node, f"{kind(node)} for {name}", _MATRIX)
        return None
    if all(isinstance(item, Scalar) for item in node.items):
        return [[item for item in node.items if isinstance(item, Scalar)]]
    rows = [_row(problems, item, i, name) for i, item in enumerate(node.items, 1)]
    whole = [row for row in rows if row is not None]
    return whole if len(whole) == len(rows) else None


def _row(problems: Problems, node: Node, number: int, name: str) -> list[Scalar] | None:
    if not isinstance(node, Sequence) or not node.items:
        found = f"{kind(node)} as row {number} of {name}"
        problems.add(node, found, "a list of numbers", "Every row stands in brackets of its own.")
        return None
    row: list[Scalar] = []
    for item in node.items:
        if isinstance(item, Scalar):
            row.append(item)
        else:
            problems.add(item, f"{kind(item)} within row {number} of {name}", "a number")
    return row if len(row) == len(node.items) else None


def _even(problems: Problems, rows: list[list[Scalar]], node: Node) -> bool:
    """Whether all rows are of one length; those that are not are problems."""
    from collections import Counter

    usual, _ = Counter(len(row) for row in rows).most_common(1)[0]
    first = next(i for i, row in enumerate(rows, 1) if len(row) == usual)
    assert isinstance(node, Sequence) or len(rows) == 1
    for i, row in enumerate(rows, 1):
        if len(row) != usual and isinstance(node, Sequence):
            problems.add(
                node.items[i - 1],
                f"row {i} with {count(len(row), 'number')}",
                f"{usual}, as in row {first}",
                _mended_row(node.items[i - 1], usual)
                or "All rows of a matrix have the same length.",
                code="shape",
            )
    return all(len(row) == usual for row in rows)


def _has_decimal_commas(problems: Problems, row: list[Scalar]) -> bool:
    """Note a row such as ``[0,593, 0,597]``, which has a shape, but not the one that was meant."""
    if len(row) < 4 or len(row) % 2 or any(item.text.lstrip("+-") != "0" for item in row[::2]):
        return False
    if max(len(item.text) for item in row[1::2]) < 2:
        return False  # zeros and digits may well be meant as they stand
    from backtrace.spec.number_reading import comma_reading

    texts, tight = _texts(Sequence(row[0].line, row[0].column, 1, list(row)))
    reading = comma_reading(texts, tight)
    if len(reading) * 2 != len(row) or any(tight[2::2]):
        return False
    problems.add(
        row[0],
        f"decimal commas, which make {len(row)} numbers of {len(reading)}",
        "decimal points",
        f"Write [{', '.join(reading[:8])}{', …' if len(reading) > 8 else ''}].",
        code="decimal_comma",
    )
    return True


def _mended_row(row: Node, length: int) -> str:
    from backtrace.spec.number_reading import comma_reading

    reading = comma_reading(*_texts(row)) if isinstance(row, Sequence) else []
    if len(reading) != length:
        return ""
    return f"Decimal commas? Write decimal points: [{', '.join(reading)}]."


def _texts(row: Sequence) -> tuple[list[str], list[bool]]:
    """The texts of a row, and for each whether it follows the comma before it without a space."""
    scalars = [item for item in row.items if isinstance(item, Scalar)]
    tight = [False]
    for before, item in pairwise(scalars):
        end = before.column + before.length
        tight.append(item.line == before.line and item.column == end + 1)
    return [item.text for item in scalars], tight


def _numbers(problems: Problems, row: list[Scalar]) -> list[Number] | None:
    readings = [read_number(item.text) for item in row]
    numbers = [reading for reading in readings if isinstance(reading, Number)]
    if len(numbers) == len(row):
        return numbers
    for i, reading in enumerate(readings):
        if isinstance(reading, Misreading):
            _misread(problems, row, readings, i)
    return None


def _misread(problems: Problems, row: list[Scalar], readings: list[Reading], i: int) -> None:
    """Note a text that is no number; ``0,05`` in a list arrives here as 0 and 05."""
    from backtrace.spec.number_reading import comma_reading

    item, reading = row[i], readings[i]
    assert isinstance(reading, Misreading)
    pair = Sequence(item.line, item.column, 1, list(row[max(0, i - 1) : i + 1]))
    merged = comma_reading(*_texts(pair))
    if len(merged) == 1:
        problems.add(
            row[i - 1],
            f'"{row[i - 1].text},{item.text}", a decimal comma, which separates two entries',
            "a number",
            f"Write a decimal point: {merged[0]}.",
            code="decimal_comma",
        )
        return
    problems.add(item, reading.found, "a number", reading.mend, code=reading.code)
