"""The rows of a class's table: of a CSV in whatever dialect, or of a workbook's first sheet."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import msgspec

from backtrace.check.answers.tree import AnswersError, inert

MOST_LINES_OF_A_ROW = 20
"""Lines that a quoted cell may run over; beyond that its quote was forgotten."""
MOST_COLUMNS = 100_000
MOST_ROWS_OF_A_WORKBOOK = 100_000
MOST_CELLS_OF_A_WORKBOOK = 2_000_000
MOST_BYTES_OF_A_WORKBOOK = 200_000_000  # unpacked

_SEPARATORS = ";\t,"
_QUOTED = re.compile('"[^"]*"')
_BRACKETED = re.compile(r"[\[(][^\[\]()]*[\])]")
_LINE_BREAK = re.compile("\r\n|[\r\n]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_DECIMALS = re.compile(r"0\.(0{1,30})")


class TableRow(msgspec.Struct, frozen=True):
    """The cells of one row, or what is the matter with it; ``line`` counts from 1."""

    line: int
    cells: list[str]
    fault: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.fault and not any(map(str.strip, self.cells))


def text_rows(content: bytes) -> tuple[Iterator[TableRow], str]:
    """The rows of a text, and a note on its encoding where there is something to say.

    Cells are separated by commas, semicolons or tabs; the comma inside brackets needs no quotes.
    """
    text, note = _decoded(content)
    lines = _LINE_BREAK.split(text)
    separator, first = _separator(lines)
    return _rows(lines, first, separator), note


def workbook_rows(content: bytes, file: str, most: int = MOST_ROWS_OF_A_WORKBOOK) -> list[TableRow]:
    """The rows of the first sheet of an .xlsx, numbers as they are shown there; ``most`` of them.

    Raises AnswersError where it is none, or where openpyxl is not installed.
    """
    try:
        from openpyxl import load_workbook
    except ImportError:
        needs = "needs openpyxl: pip install 'backtrace-nn[xlsx]', or save the table as CSV"
        raise AnswersError(file, f"{inert(file)}: a workbook; it {needs}", "E510") from None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(each.file_size for each in packed.infolist()) > MOST_BYTES_OF_A_WORKBOOK:
                raise _TooLargeError
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        return list(_sheet_rows(book.worksheets[0], most))
    except _TooLargeError:
        reason = f"{inert(file)}: a workbook that is too large; save its sheet as CSV"
        raise AnswersError(file, reason, "E408") from None
    except Exception as error:  # noqa: BLE001 - of a damaged file openpyxl raises anything
        kind = type(error).__name__
        reason = f"found a file that is no workbook ({kind}); expected an .xlsx"
        raise AnswersError(file, f"{inert(file)}: {reason}", "E408") from None


def address(row: TableRow, column: int) -> str:
    """``C36``: where a cell of a workbook stands; its ``column`` counts from 1."""
    from openpyxl.utils import get_column_letter  # which has read the row

    return f"{get_column_letter(column)}{row.line}"


class _TooLargeError(Exception):
    """A workbook has more in it than a class has answers."""


def _sheet_rows(sheet: Any, most: int) -> Iterator[TableRow]:
    sheet.reset_dimensions()  # a row is as wide as it is, whatever the sheet says of itself
    left = MOST_CELLS_OF_A_WORKBOOK
    for line, row in enumerate(sheet.iter_rows(max_row=most), 1):
        left -= len(row)
        if left < 0:
            raise _TooLargeError
        yield TableRow(line, [_shown(cell) for cell in row])


def _shown(cell: Any) -> str:
    """A cell as it is shown: a number with the decimals of its format."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        decimals = _DECIMALS.search(cell.number_format or "")
        return repr(value) if decimals is None else f"{value:.{len(decimals[1])}f}"
    return str(value)


def _decoded(content: bytes) -> tuple[str, str]:
    """The text, and a note where it is in the encoding of an older spreadsheet."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding), ""
    except UnicodeDecodeError:
        # Excel's "CSV" on Windows; what even that leaves undefined is shown as �
        note = "the table is not in UTF-8, and was read as Windows-1252"
        return content.decode("cp1252", "replace"), note


def _separator(lines: list[str]) -> tuple[str, int]:
    """What separates the cells, and the index of the line at which the table begins."""
    for index, line in enumerate(lines):
        named = re.fullmatch('"?sep=(.)"?', line.strip("\r\n \ufeff"))
        if named:
            return named[1], index + 1
        if line.strip():
            outside = _BRACKETED.sub("", _QUOTED.sub("", line[:1_000_000]))
            return next((sign for sign in _SEPARATORS if sign in outside), ","), index
    return ",", len(lines)


def _rows(lines: list[str], first: int, separator: str) -> Iterator[TableRow]:
    """The rows from line ``first`` on (from 0); a quoted cell may run over several lines.

    A quote that is never closed costs its own line only, not the rest of the table.
    """
    at = first
    while at < len(lines):
        end = _end_of_row(lines, at)
        if end is None:
            yield TableRow(at + 1, [], "a quote that is opened and never closed")
            at += 1
        else:
            yield _row("\n".join(lines[at:end]), at + 1, separator)
            at = end


def _end_of_row(lines: list[str], at: int) -> int | None:
    """The index after the line that closes the quotes opened from line ``at`` on."""
    quotes = 0
    for end in range(at, min(at + MOST_LINES_OF_A_ROW, len(lines))):
        quotes += lines[end].count('"')
        if quotes % 2 == 0:
            return end + 1
    return None


def _row(record: str, line: int, separator: str) -> TableRow:
    import csv

    control = _CONTROL.search(record)
    if control:
        return TableRow(line, [], f"the control character U+{ord(control[0]):04X}")
    try:
        cells = next(csv.reader([record], delimiter=separator, skipinitialspace=True), [])
    except csv.Error as error:
        return TableRow(line, [], f"a row that can't be read ({error})")
    if len(cells) > MOST_COLUMNS:
        return TableRow(line, [], f"{len(cells)} cells; expected at most {MOST_COLUMNS}")
    return TableRow(line, cells)
