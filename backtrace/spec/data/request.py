"""What a spec asks of a data file, and why it can't be had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from backtrace.spec.document.problems import cited, count, listed, near_miss

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"
Named: TypeAlias = "dict[str, Array | None]"  # None: one of which only the name is known
DataType: TypeAlias = Literal["float64", "float32"]

MOST_BYTES = 4_000_000_000
"""Bytes of one file, unpacked; the real data sets that people train on by hand are far below."""


class DataError(Exception):
    """A data file that can't be used: what was found, what was expected, how to mend it."""

    def __init__(self, found: str, expected: str, mend: str = "") -> None:
        super().__init__(found)
        self.found, self.expected, self.mend = found, expected, mend


class Columns(msgspec.Struct, frozen=True):
    """The columns to take: numbers from 1, or names in the header of a CSV.

    ``span`` says that the two ``ends`` stand for themselves and all between them.
    """

    ends: tuple[int | str, ...]
    span: bool = False

    @property
    def named(self) -> bool:
        return any(isinstance(end, str) for end in self.ends)

    def indices(self, width: int, names: list[str] | None = None) -> list[int]:
        """Their indices, from 0, in a file of ``width`` columns. Raises DataError."""
        found = [self._index(end, width, names) for end in self.ends]
        if not self.span:
            return found
        if found[0] > found[-1]:
            said = f"column {cited(str(self.ends[-1]))} before {cited(str(self.ends[0]))}"
            raise DataError(said, "the one that comes first in the file first")
        return list(range(found[0], found[-1] + 1))

    def _index(self, end: int | str, width: int, names: list[str] | None) -> int:
        if isinstance(end, str):
            return _named_column(end, names)
        if end > width:
            raise DataError(count(width, "column"), f"column {end}", "Columns count from 1.")
        return end - 1


class Request(msgspec.Struct, frozen=True):
    """What a spec asks of a file. Rows count from 1, both ends included; None is all.

    ``header`` is None where the spec does not say whether there is one. Every number is multiplied
    by ``scale`` in float64, and kept in ``dtype``.
    """

    name: str  # of the quantity, for files with several arrays
    rows: tuple[int, int] | None = None
    columns: Columns | None = None
    header: bool | None = None
    array: str = ""
    scale: float = 1.0
    dtype: DataType = "float64"
    texts: bool = False  # arrays of texts, such as "17/4", are numbers

    def span(self, available: int) -> tuple[int, int]:
        """The first and the last row to take of those there are. Raises DataError."""
        if available == 0:
            raise DataError("no rows", "data")
        first, last = self.rows or (1, available)
        if last > available:
            asked = f"rows {first} to {last}" if first < last else f"row {last}"
            raise DataError(count(available, "row"), asked, "Ask for fewer rows.")
        return first, last


class Loaded(msgspec.Struct):
    """The numbers of a file, a row for each of its rows that were asked for.

    ``values`` is rows × columns; ``shape`` is that of the whole array in the file. ``first`` is the
    number of the first row, ``lines`` the numbers of their lines in a text, ``written`` the texts
    of numbers that the file holds as such.
    """

    values: Array
    shape: tuple[int, ...]
    first: int = 1
    lines: list[int] | None = None
    written: tuple[tuple[str, ...], ...] | None = None

    def place(self, row: int) -> str:
        """How a message calls a row, counted from 0 among those that were taken."""
        number = self.first + row
        line = number if self.lines is None else self.lines[row]
        return f"row {number}" + (f" (line {line})" if line != number else "")


def _named_column(name: str, names: list[str] | None) -> int:
    if names is None:
        said = f"the column {cited(name)} of a file without names"
        raise DataError(said, "a number from 1 up", "A CSV has names in its first line.")
    if names.count(name) == 1:
        return names.index(name)
    if name in names:
        raise DataError(f"{names.count(name)} columns {cited(name)}", "one", "Give its number.")
    meant = near_miss(name, names)
    shown = [cited(known) for known in names[:8]] + (["…"] if len(names) > 8 else [])
    mend = f"Did you mean `{meant}`?" if meant else ""
    raise DataError(f"no column {cited(name)}", f"one of {listed(shown)}", mend)
