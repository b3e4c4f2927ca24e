"""A number, a list or a list of lists → a given matrix whose shape the network may still settle."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from backtrace.spec.document.fields import add_misread
from backtrace.spec.document.problems import Place, Problems
from backtrace.spec.document.reader import Node, Scalar, Sequence, kind
from backtrace.spec.model import Matrix
from backtrace.spec.number_reading import comma_reading, read_number
from backtrace.spec.numbers import Number
from backtrace.spec.read.loose_rows import refuse_loose_rows
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


def read_matrix(
    problems: Problems, node: Node, name: str, also: Mapping[str, Number] | None = None
) -> WrittenMatrix | None:
    """The numbers of ``node``; None, with every problem noted, where one can't be read.

    ``also``: what other texts stand for.
    """
    rows = None if refuse_loose_rows(problems, node) else _rows(problems, node, name)
    if rows is None:
        return None
    # a row of decimal commas is misread in its length as well: one problem is enough
    commas = [_has_decimal_commas(problems, row) for row in rows]
    numbers = [_numbers(problems, row, also or {}) for row in rows] if not any(commas) else []
    if any(commas) or not _even(problems, rows, node):
        return None
    read = [row for row in numbers if row is not None]
    if len(read) < len(rows):
        return None
    values = np.array(read, dtype=np.float64)
    written = tuple(tuple(n.text for n in row) for row in read)
    place = Place(node.line, node.column, node.length)
    return WrittenMatrix(name, place, _dimensions(node), values, written, node)


def with_points(given: WrittenMatrix) -> WrittenMatrix | None:
    """The matrix as it reads with decimal commas that YAML took for separators, if it may."""
    if given.node is None or given.dimensions == 0:
        return None
    assert isinstance(given.node, Sequence)
    rows = [given.node] if given.dimensions == 1 else given.node.items
    readings = [comma_reading(*_texts(_scalars(row))) for row in rows if isinstance(row, Sequence)]
    lengths = {len(reading) for reading in readings}
    if len(lengths) != 1 or lengths == {0}:
        return None
    values = np.array([[float(text) for text in row] for row in readings])
    written = tuple(tuple(row) for row in readings)
    return msgspec.structs.replace(given, values=values, written=written)


def note_commas(problems: Problems, given: WrittenMatrix, read: WrittenMatrix) -> None:
    """Note that the commas of a matrix may be decimal ones."""
    assert read.written is not None
    rows = [f"[{', '.join(row[:8])}]" for row in read.written[:4]]
    shown = rows[0] if given.dimensions == 1 else f"[{', '.join(rows)}]"
    problems.add_alike(
        given.place,
        "matrix",
        f"what may be decimal commas in {given.name}",
        "decimal points",
        f"To YAML a comma separates two numbers; if one is meant, write {shown}.",
        "E114",
    )


def _dimensions(node: Node) -> int:
    if isinstance(node, Scalar):
        return 0
    return 2 if isinstance(node, Sequence) and isinstance(node.items[0], Sequence) else 1


def _rows(problems: Problems, node: Node, name: str) -> list[list[Scalar]] | None:
    """The scalars row by row; a number is one row of one, a list is one row."""
    if isinstance(node, Scalar):
        return [[node]]
    if not isinstance(node, Sequence) or not node.items:
        problems.add(node, f"{kind(node)} for {name}", _MATRIX, code="E110")
        return None
    if all(isinstance(item, Scalar) for item in node.items):
        return [_scalars(node)]
    rows = [_row(problems, item, i, name) for i, item in enumerate(node.items, 1)]
    whole = [row for row in rows if row is not None]
    return whole if len(whole) == len(rows) else None


def _row(problems: Problems, node: Node, number: int, name: str) -> list[Scalar] | None:
    if not isinstance(node, Sequence) or not node.items:
        found = f"{kind(node)} as row {number} of {name}"
        problems.add(
            node,
            found,
            "a list of numbers",
            "Every row stands in brackets of its own.",
            code="E110",
        )
        return None
    row: list[Scalar] = []
    for item in node.items:
        if isinstance(item, Scalar):
            row.append(item)
        else:
            problems.add(
                item, f"{kind(item)} within row {number} of {name}", "a number", code="E110"
            )
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
                code="E202",
            )
    return all(len(row) == usual for row in rows)


def _has_decimal_commas(problems: Problems, row: list[Scalar]) -> bool:
    """Note a row such as ``[0,593, 0,597]`` or ``[0,05, 1]``, of which YAML makes other numbers."""
    reading = comma_reading(*_texts(row))
    if not reading or not (_only_decimals(row, reading) or _has_odd_decimals(row, reading)):
        return False
    problems.add_alike(
        row[0],
        "row",
        f"decimal commas, which make {len(row)} numbers of {len(reading)}",
        "decimal points",
        f"Write [{', '.join(reading[:8])}{', …' if len(reading) > 8 else ''}].",
        "E114",
    )
    return True


def _only_decimals(row: list[Scalar], reading: list[str]) -> bool:
    """Zeros and their decimals by turns, of which one has two digits; shorter ones may be meant."""
    zeros = all(item.text.lstrip("+-") == "0" for item in row[::2])
    spaced = not any(_texts(row)[1][2::2])
    return (
        zeros
        and spaced
        and len(row) == 2 * len(reading) >= 4
        and max(len(item.text) for item in row[1::2]) > 1
    )


def _has_odd_decimals(row: list[Scalar], reading: list[str]) -> bool:
    """Whether something in it is no number (``05``), and all are with decimal points."""
    whole = all(isinstance(read_number(item.text), Number) for item in row)
    return not whole and all(isinstance(read_number(text), Number) for text in reading)


def _mended_row(row: Node, length: int) -> str:
    reading = comma_reading(*_texts(_scalars(row))) if isinstance(row, Sequence) else []
    if len(reading) != length:
        return ""
    return f"Decimal commas? Write decimal points: [{', '.join(reading)}]."


def _scalars(row: Sequence) -> list[Scalar]:
    return [item for item in row.items if isinstance(item, Scalar)]


def _texts(row: list[Scalar]) -> tuple[list[str], list[bool]]:
    """The texts of a row, and for each whether it follows the comma before it without a space."""
    tight = [False]
    for before, item in pairwise(row):
        end = before.column + before.length
        tight.append(item.line == before.line and item.column == end + 1)
    return [item.text for item in row], tight


def _numbers(
    problems: Problems, row: list[Scalar], also: Mapping[str, Number]
) -> list[Number] | None:
    numbers = []
    for item in row:
        reading = also[item.text] if item.text in also else read_number(item.text)
        if isinstance(reading, Number):
            numbers.append(reading)
        else:
            add_misread(problems, item, reading, "a number")
    return numbers if len(numbers) == len(row) else None
