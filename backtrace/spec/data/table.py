"""Rows of numbers as a file has them → the matrix that a spec asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from backtrace.spec.data.arrays import REAL, numbers
from backtrace.spec.data.request import DataError, DataRequest, DataType

if TYPE_CHECKING:
    from numpy.typing import NDArray

Texts: TypeAlias = tuple[tuple[str, ...], ...]


class DataTable(msgspec.Struct):
    """The rows and columns asked for, of the type that the file has them in.

    ``columns`` are their indices in the file, ``first`` is the number of the first row, ``lines``
    the numbers of their lines in a text, ``dimensions`` are those of the array in the file.
    """

    entries: NDArray[Any]
    columns: Sequence[int]
    first: int = 1
    lines: Sequence[int] = ()
    dimensions: int = 2

    def place(self, row: int, column: int | None = None) -> str:
        """How a message calls a row, or an entry of it, by their indices in the table."""
        number = self.first + row
        line = self.lines[row] if self.lines else number
        said = f"row {number}" + (f" (line {line})" if line != number else "")
        return said if column is None else f"{said}, column {self.columns[column] + 1}"

    def scaled(self, scale: float, kept: DataType) -> NDArray[np.floating[Any]]:
        """The numbers times ``scale``, in float64, then of the type in which they are kept.

        Takes no memory where they are of that type already. Raises DataError where one of them is
        not finite.
        """
        entries = self.entries
        if entries.dtype.kind not in REAL:
            raise DataError(f"entries of type {entries.dtype}", "real numbers", code="E310")
        in_place = entries.dtype == kept and entries.flags.carray
        values = entries if in_place else np.empty(entries.shape, kept)
        with np.errstate(all="ignore"):
            ends = np.array([entries.min(), entries.max()], np.float64) * scale
            np.multiply(entries, scale, out=values, dtype=np.float64, casting="same_kind")
            if not np.isfinite(ends.astype(kept)).all():
                raise self._not_finite(values, scale)
        return values

    def _not_finite(self, values: NDArray[np.floating[Any]], scale: float) -> DataError:
        row, column = np.argwhere(~np.isfinite(values))[0].tolist()
        times = f", times {scale:g}" if scale != 1 else ""
        found = f"{values[row, column]} in {self.place(row, column)}{times}"
        largest = f"{np.finfo(values.dtype).max:.2g}"
        return DataError(
            found, f"finite numbers; {values.dtype} has none above {largest}", code="E310"
        )

    def numbers(self) -> tuple[NDArray[np.floating[Any]], Texts | None]:
        """A matrix, or a list as one row, and where its numbers stand as texts ("1/3") these."""
        entries = self.entries if self.dimensions == 2 else self.entries.reshape(1, -1)
        if entries.dtype.kind == "U":
            rows = [numbers(row) for row in entries]
            return np.array(rows, np.float64), tuple(tuple(n.text for n in row) for row in rows)
        return self.scaled(1, "float64").reshape(entries.shape), None


def table_of(array: NDArray[Any], request: DataRequest) -> DataTable:
    """What is asked for of an array, whose first index counts the rows. Raises DataError."""
    if not array.size:
        raise DataError("an array without entries", "data", code="E312")
    rows = array.reshape(len(array) if array.ndim else 1, -1)
    first, last = request.span(len(rows))
    columns: Sequence[int] = range(rows.shape[1])
    if request.rows is not None:
        rows = rows[first - 1 : last].copy()  # lets go of the others
    if request.columns is not None:
        columns = request.columns.indices(rows.shape[1])
        rows = rows[:, columns]
    return DataTable(rows, columns, first, dimensions=array.ndim)


def one_hot(table: DataTable, classes: int, kept: DataType) -> NDArray[np.floating[Any]]:
    """n × ``classes``, a 1 at the label of each row; labels are 0 … classes − 1.

    Raises DataError for several columns, and for the first label that is none of these.
    """
    if len(table.columns) != 1:
        found = f"{len(table.columns)} columns"
        raise DataError(
            found, "one column of labels for `one_hot`", "Choose it: `columns: 1`.", code="E311"
        )
    labels = table.scaled(1, "float64")[:, 0]
    wrong = np.flatnonzero((labels != np.floor(labels)) | (labels < 0) | (labels >= classes))
    if len(wrong):
        found = f"the label {labels[wrong[0]]:g} in {table.place(int(wrong[0]))}"
        mend = "`one_hot` is the number of classes; labels count from 0."
        raise DataError(found, f"whole numbers from 0 to {classes - 1}", mend, code="E311")
    rows = np.zeros((len(labels), classes), kept)
    rows[np.arange(len(labels)), labels.astype(np.intp)] = 1
    return rows
