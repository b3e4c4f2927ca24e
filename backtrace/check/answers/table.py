"""One table for a class (a row a student, a column an entry) → what each student wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from backtrace.check.answers.figures import comma_in_doubt
from backtrace.check.answers.fitting import fit, scattered
from backtrace.check.answers.headers import (
    EntryColumns,
    MissingColumnsError,
    TableColumns,
    table_columns,
)
from backtrace.check.answers.names import Reader
from backtrace.check.answers.response_parts import unfolded
from backtrace.check.answers.table_rows import TableRow, text_rows, workbook_rows
from backtrace.check.answers.tree import AnswersError, inert, read_sheet, too_large
from backtrace.check.answers.workbook_form import is_form, read_form
from backtrace.check.model import Answers, Unreadable, WrittenQuantity
from backtrace.spec.document.reader import Scalar
from backtrace.spec.model import Marks
from backtrace.spec.wording import cited, count

MOST_BYTES = 50_000_000
WORKBOOK = b"PK\x03\x04"  # how a zip file begins, which an .xlsx is


def read_table(
    content: bytes, file: str, reader: Reader, told: Mapping[str, str] | None = None
) -> tuple[list[Answers], list[Unreadable]]:
    """The students of a table with a header such as ``student, z1[1,1], z1[1,2], loss``, or of
    what a platform exports; ``told`` maps ids to the headers of their columns. A workbook may also
    be one student's form.

    An empty cell is an entry left out, an empty row nothing. A row that can't be read is Unreadable
    under FILE:LINE, and the others are read; columns that mean nothing are said in the notes of
    every student. Raises AnswersError where there is no header, where most of what is asked for has
    no column, or above 50 MB.
    """
    if len(content) > MOST_BYTES:
        raise too_large(file, len(content), MOST_BYTES)
    note = ""
    if content.startswith(WORKBOOK):
        found = workbook_rows(content, file)
        if is_form(found):
            return [read_form(found, file, reader)], []
        rows = unfolded(iter(found))
    else:
        read, note = text_rows(content)
        rows = unfolded(read)
    header = next((row for row in rows if not row.is_empty), None)
    if header is None or header.fault:
        raise _no_header(file, header.line if header else 1, header.fault if header else "nothing")
    try:
        columns = table_columns(header.cells, reader, [note] if note else [], told or {})
    except MissingColumnsError as error:
        raise AnswersError(file, f"{inert(file)}:{header.line}:1: {error}", "E406") from None
    if not columns.quantities:
        raise _no_header(file, header.line, "no column that is a quantity of this exercise")
    return _students(rows, columns, file, reader)


def _counting(policy: Marks | None) -> str:
    """Which of a student's rows counts."""
    if policy is None:
        return "both are marked; `marks: {submissions: last}` in the spec would let one count"
    return f"the {policy.submissions} one counts"


def _no_header(file: str, line: int, found: str) -> AnswersError:
    expected = "a header such as student, z1[1,1], z1[1,2], loss"
    return AnswersError(file, f"{inert(file)}:{line}:1: found {found}; expected {expected}", "E405")


def _students(
    rows: Iterator[TableRow], columns: TableColumns, file: str, reader: Reader
) -> tuple[list[Answers], list[Unreadable]]:
    answers: list[Answers] = []
    unreadable: list[Unreadable] = []
    lines: dict[object, int] = {}
    for row in rows:
        if row.is_empty:
            continue
        fault = row.fault or _unfit(row.cells, columns.width)
        if fault:
            place = f"{inert(file)}:{row.line}"
            unreadable.append(Unreadable(place, f"{place}:1: found {fault} [E404]"))
            continue
        if columns.student.is_of_nobody(row.cells):
            continue
        found = _answers(row, columns, inert(file), reader)
        first = lines.setdefault(found.identity, row.line)
        if first != row.line:
            rows_of = f"{cited(found.student)} has two rows, lines {first} and {row.line}"
            twice = f"{rows_of}: {_counting(reader.spec.marks)}"
            found = msgspec.structs.replace(found, notes=(*found.notes, twice))
        answers.append(found)
    return answers, unreadable


def _unfit(cells: list[str], width: int) -> str:
    """What is wrong with a row that has more or fewer cells than the header."""
    if len(cells) == width or (len(cells) > width and not any(map(str.strip, cells[width:]))):
        return ""
    hint = "; a decimal comma needs quotes, or `;` between the cells" if len(cells) > width else ""
    return f"{count(len(cells), 'cell')}; expected {width}, as the header has{hint}"


def _answers(row: TableRow, columns: TableColumns, file: str, reader: Reader) -> Answers:
    who = columns.student
    found = (_quantity(row, each, reader) for each in columns.quantities)
    written = tuple(one for one in found if one is not None)
    doubt = comma_in_doubt(written)
    return Answers(
        student=who.student(row.cells) or f"row {row.line}",
        file=file,
        written=written,
        notes=(*columns.notes, doubt) if doubt else columns.notes,
        keys=who.keys(row.cells),
        sent=row.cells[who.time].strip() if who.time is not None else "",
    )


def _quantity(row: TableRow, columns: EntryColumns, reader: Reader) -> WrittenQuantity | None:
    if columns.whole is None:
        texts = {place: row.cells[column] for column, place in columns.entries}
        return scattered(columns.quantity, texts, (columns.note,) if columns.note else (), reader)
    text = row.cells[columns.whole].strip()
    if not text:
        return None
    try:
        node = read_sheet(text.encode(), "a cell")
    except AnswersError:  # what is no list is said of the entry
        node = Scalar(0, 0, len(text), text)
    return fit(columns.quantity, node, reader)
