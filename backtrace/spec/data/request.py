"""What a spec asks of a data file, and why it can't be had."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from backtrace.spec.error_codes import ErrorCode
from backtrace.spec.ids import PARAMETERS, parse
from backtrace.spec.near_misses import near_miss
from backtrace.spec.wording import cited, count, listed

DataType: TypeAlias = Literal["float64", "float32"]

_SHOWN = 12


class DataError(Exception):
    """A data file that can't be used: what was found, what was expected, how to mend it."""

    def __init__(self, found: str, expected: str, mend: str = "", *, code: ErrorCode) -> None:
        super().__init__(found)
        self.found, self.expected, self.mend, self.code = found, expected, mend, code


class ChosenColumns(msgspec.Struct, frozen=True):
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
        found = [_index(end, width, names) for end in self.ends]
        if not self.span:
            return found
        if found[0] > found[-1]:
            said = f"column {cited(str(self.ends[-1]))} before {cited(str(self.ends[0]))}"
            raise DataError(said, "the one that comes first in the file first", code="E307")
        return list(range(found[0], found[-1] + 1))


class DataRequest(msgspec.Struct, frozen=True):
    """What a spec asks of a file. Rows count from 1, both ends included; None is all.

    ``name`` is that of the quantity, ``array`` the one that the spec gives for a file of several
    arrays; ``header`` is None where the spec does not say whether there is one.
    """

    name: str
    rows: tuple[int, int] | None = None
    columns: ChosenColumns | None = None
    header: bool | None = None
    array: str = ""

    def span(self, available: int) -> tuple[int, int]:
        """The first and the last row to take of those there are. Raises DataError."""
        if available == 0:
            raise DataError("no rows", "data", code="E312")
        first, last = self.rows or (1, available)
        if last > available:
            asked = f"rows {first} to {last}" if first < last else f"row {last}"
            raise DataError(count(available, "row"), asked, "Ask for fewer rows.", code="E306")
        return first, last

    def pick(self, names: list[str]) -> str:
        """The array named by ``array:``, else the one named as the quantity, else the only one.

        The weights of one layer are not taken for those of another. Raises DataError.
        """
        if self.array and self.array not in names:
            raise _unknown_name("array", self.array, names, "E308")
        if self.array or self.name in names:
            return self.array or self.name
        stranger = _is_parameter(self.name) and any(map(_is_parameter, names))
        if len(names) == 1 and not stranger:
            return names[0]
        raise DataError(
            f"{count(len(names), 'array')}: {_some_of(names, 'and')}" if names else "no arrays",
            f"one named {cited(self.name)}" if stranger else "the name of one",
            "Say which: `array: NAME`." if names else "",
            code="E308",
        )


def _is_parameter(name: str) -> bool:
    known = parse(name)
    return known is not None and known.role in PARAMETERS


def _some_of(names: list[str], last: str = "or") -> str:
    """Those that a message has room for."""
    shown = [cited(name) for name in names[:_SHOWN]] + ["…"] * (len(names) > _SHOWN)
    return listed(shown, last)


def _unknown_name(what: str, name: str, known: list[str], code: ErrorCode) -> DataError:
    """The error for an array or a column that a file does not have."""
    meant = near_miss(name, known)
    mend = f"Did you mean `{meant}`?" if meant else ""
    return DataError(f"no {what} {cited(name)}", f"one of {_some_of(known)}", mend, code=code)


def _index(end: int | str, width: int, names: list[str] | None) -> int:
    if isinstance(end, int):
        if end > width:
            raise DataError(
                count(width, "column"), f"column {end}", "Columns count from 1.", code="E307"
            )
        return end - 1
    if names is None:
        said = f"the column {cited(end)} of a file without names"
        raise DataError(
            said, "a number from 1 up", "A CSV has names in its first line.", code="E307"
        )
    if names.count(end) > 1:
        raise DataError(
            f"{names.count(end)} columns {cited(end)}", "one", "Give its number.", code="E307"
        )
    if end not in names:
        raise _unknown_name("column", end, names, "E307")
    return names.index(end)
