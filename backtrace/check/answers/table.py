"""One table for a class (CSV: a row a student, a column an entry) → what each student wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from backtrace.check.answers.fitting import places, scattered
from backtrace.check.answers.names import Quantity, Reader, Reference
from backtrace.check.answers.reading import MOST_EXPLAINED, most_notes, out_of_range
from backtrace.check.answers.tree import AnswersError, inert, too_large
from backtrace.check.model import Answers, Unreadable
from backtrace.spec.wording import cited, count

MOST_BYTES = 50_000_000
MOST_LINES_OF_A_ROW = 20
"""Lines that a quoted cell may run over; beyond that its quote was forgotten."""
MOST_COLUMNS = 100_000

_STUDENT = ("student", "students", "name", "student name", "student_name", "student id")
_SEPARATORS = ";\t,"
_QUOTED = re.compile('"[^"]*"')
_BRACKETED = re.compile(r"[\[(][^\[\]()]*[\])]")
_LINE_BREAK = re.compile("\r\n|[\r\n]")
# The rest of `z1[1,1]` after its comma; what follows must not open another index.
_CLOSING = re.compile(r"\s*[0-9]{1,6}\s*[\])][^\[\](){},]{0,20}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


class TableColumns(msgspec.Struct, frozen=True):
    """What the columns of a table mean, from its header.

    ``entries`` has for each quantity, in the tape's order, its entries' columns and places.
    """

    student: int | None
    width: int
    entries: tuple[tuple[Quantity, tuple[tuple[int, tuple[int, int]], ...], str], ...]
    notes: tuple[str, ...]


class _Row(msgspec.Struct, frozen=True):
    line: int
    cells: list[str]
    fault: str = ""


def read_table(content: bytes, file: str, reader: Reader) -> tuple[list[Answers], list[Unreadable]]:
    """The students of a table with the header ``student, z1[1,1], z1[1,2], loss, …``.

    TableColumns are separated by commas, semicolons or tabs; the comma inside brackets needs no
    quotes. An empty cell is an entry left out, an empty row nothing. A row that can't be read is
    Unreadable under FILE:LINE, and the others are read; columns that mean nothing are said in
    the notes of every student. Raises AnswersError where there is no header, or more than 50 MB.
    """
    if len(content) > MOST_BYTES:
        raise too_large(file, len(content), MOST_BYTES)
    text, note = _decoded(content)
    lines = _LINE_BREAK.split(text)
    separator, first = _separator(lines)
    rows = _rows(lines, first, separator)
    header = next((row for row in rows if row.fault or any(map(str.strip, row.cells))), None)
    if header is None or header.fault:
        fault = header.fault if header else "nothing"
        raise _no_header(file, header.line if header else 1, fault)
    columns = _columns(_rejoined(header.cells), reader, [note] if note else [])
    if not columns.entries:
        raise _no_header(file, header.line, "no column that is a quantity of this exercise")
    return _students(rows, columns, file)


def _no_header(file: str, line: int, found: str) -> AnswersError:
    expected = "a header such as student, z1[1,1], z1[1,2], loss"
    return AnswersError(file, f"{inert(file)}:{line}:1: found {found}; expected {expected}")


def _students(
    rows: Iterator[_Row], columns: TableColumns, file: str
) -> tuple[list[Answers], list[Unreadable]]:
    answers: list[Answers] = []
    unreadable: list[Unreadable] = []
    lines: dict[str, int] = {}
    for row in rows:
        if not row.fault and not any(map(str.strip, row.cells)):
            continue
        fault = row.fault or _unfit(row.cells, columns.width)
        if fault:
            place = f"{inert(file)}:{row.line}"
            unreadable.append(Unreadable(place, f"{place}:1: found {fault}"))
            continue
        student = _name(row, columns)
        first = lines.setdefault(student, row.line)
        notes = columns.notes
        if first != row.line:
            notes = (*notes, f"{cited(student)} has two rows, lines {first} and {row.line}")
        answers.append(_answers(row, student, columns, inert(file), notes))
    return answers, unreadable


def _unfit(cells: list[str], width: int) -> str:
    """What is wrong with a row that has more or fewer cells than the header."""
    if len(cells) == width or (len(cells) > width and not any(map(str.strip, cells[width:]))):
        return ""
    hint = "; a decimal comma needs quotes, or `;` between the cells" if len(cells) > width else ""
    return f"{count(len(cells), 'cell')}; expected {width}, as the header has{hint}"


def _name(row: _Row, columns: TableColumns) -> str:
    name = "" if columns.student is None else inert(row.cells[columns.student])
    return name or f"row {row.line}"


def _answers(
    row: _Row, student: str, columns: TableColumns, file: str, notes: tuple[str, ...]
) -> Answers:
    written = []
    for quantity, entries, note in columns.entries:
        texts = {place: row.cells[column] for column, place in entries}
        one = scattered(quantity, texts, (note,) if note else ())
        if one is not None:
            written.append(one)
    return Answers(student, file, tuple(written), notes)


# The header


def _columns(header: list[str], reader: Reader, notes: list[str]) -> TableColumns:
    student = _student_column(header, reader)
    found: dict[str, list[tuple[int, Reference]]] = {}
    unknown: list[str] = []
    for column, name in enumerate(header):
        reference = None if column == student else reader.find(name)
        if reference is not None:
            found.setdefault(reference.quantity.name, []).append((column, reference))
        elif column != student and name.strip():
            unknown.append(name)
    if student is not None and inert(header[student]).lower() not in _STUDENT:
        notes.append(f"column {cited(header[student])} is read as the students' names")
    notes += [f"column {reader.explain(name)}" for name in unknown[:MOST_EXPLAINED]]
    if len(unknown) > MOST_EXPLAINED:
        rest = count(len(unknown) - MOST_EXPLAINED, "more column")
        notes.append(f"{rest} without a meaning here, left aside")
    entries = [_entries(header, columns, notes) for columns in found.values()]
    ordered = sorted(entries, key=lambda entry: entry[0].order)
    return TableColumns(student, len(header), tuple(ordered), most_notes(notes))


def _student_column(header: list[str], reader: Reader) -> int | None:
    """The column of the names: the one that says so, or a first one that is no quantity."""
    folded = [inert(name).lower() for name in header[:1000]]
    for word in _STUDENT:
        if word in folded:
            return folded.index(word)
    return 0 if reader.find(header[0]) is None and header[0].strip() else None


def _entries(
    header: list[str], columns: list[tuple[int, Reference]], notes: list[str]
) -> tuple[Quantity, tuple[tuple[int, tuple[int, int]], ...], str]:
    """Where the entries of one quantity stand; the first of two columns for an entry counts."""
    quantity = columns[0][1].quantity
    single = (1,) if quantity.shape == (1, 1) else ()
    indexed = {column: reference.index or single for column, reference in columns}
    for column in [column for column, index in indexed.items() if not index]:
        notes.append(f"column {cited(header[column])} was left aside: write a column an entry")
        del indexed[column]
    found, note = places(quantity, list(indexed.values()))
    taken: dict[tuple[int, int], int] = {}
    for column, place in zip(indexed, found, strict=True):
        name = header[column].strip()
        if place is None:
            notes.append(out_of_range(name, quantity))
        elif place in taken:
            first = cited(header[taken[place]].strip())
            notes.append(f"columns {first} and {cited(name)} mean the same; the first counts")
        else:
            taken[place] = column
    entries = tuple((column, place) for place, column in taken.items())
    return quantity, entries, note


def _rejoined(cells: list[str]) -> list[str]:
    """``z1[1`` and ``1]``, which the comma of an index took apart, as one."""
    joined: list[str] = []
    for cell in cells:
        before = joined[-1] if joined else ""
        if _is_open(before) and _CLOSING.fullmatch(cell):
            joined[-1] = f"{before},{cell}"
        else:
            joined.append(cell)
    return joined


def _is_open(name: str) -> bool:
    return re.search(r"[\[(]\s*[0-9]{1,6}\s*$", name[-20:]) is not None


# Rows


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


def _rows(lines: list[str], first: int, separator: str) -> Iterator[_Row]:
    """The rows from line ``first`` on (from 0); a quoted cell may run over several lines.

    A quote that is never closed costs its own line only, not the rest of the table.
    """
    at = first
    while at < len(lines):
        end = _end_of_row(lines, at)
        if end is None:
            yield _Row(at + 1, [], "a quote that is opened and never closed")
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


def _row(record: str, line: int, separator: str) -> _Row:
    import csv

    control = _CONTROL.search(record)
    if control:
        return _Row(line, [], f"the control character U+{ord(control[0]):04X}")
    try:
        cells = next(csv.reader([record], delimiter=separator, skipinitialspace=True), [])
    except csv.Error as error:
        return _Row(line, [], f"a row that can't be read ({error})")
    if len(cells) > MOST_COLUMNS:
        return _Row(line, [], f"{len(cells)} cells; expected at most {MOST_COLUMNS}")
    return _Row(line, cells)
