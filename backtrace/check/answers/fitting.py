"""What was written for one quantity → its cells, turned to the shape that the spec gives it."""

from __future__ import annotations

import re
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence as Row
from typing import TypeAlias

import msgspec

from backtrace.check.answers.figures import EXACT, understood
from backtrace.check.answers.names import Quantity, Reader, shape_of
from backtrace.check.answers.printed import alone, unwrapped
from backtrace.check.answers.tree import AnswersError, read_sheet
from backtrace.check.model import AnswerCell, Figure, WrittenQuantity
from backtrace.spec.document.reader import Mapping, Node, Scalar, Sequence
from backtrace.spec.wording import count

MOST_RAW = 10_000
"""Cells that are kept of a matrix that does not fit."""

Cells: TypeAlias = "tuple[tuple[AnswerCell, ...], ...]"
IndexPair: TypeAlias = "tuple[int, int]"

NAMED = "numbers are read without the name before them"
LONGEST_NAMED = 1000
_NAMED = re.compile(r"\s*([^=≈:]*[^=≈:\s])\s*[=≈:]\s*([^=≈:]+)")
_DECIMAL_COMMA = re.compile(r"\d,\d")
_ONE = Figure("1", 1.0, 0.0, EXACT, EXACT)
_FAULTS = {
    "mapping": "keys and values",
    "deep": "lists more than two deep",
    "mixed": "lists and single numbers side by side",
    "empty": "an empty list",
}


class WrittenCells(msgspec.Struct, frozen=True):
    """The scalars as they were written: a ``number``, a ``list``, a ``matrix``, or a fault."""

    form: str
    rows: list[list[Scalar]] = []


def fit(quantity: Quantity, node: Node, reader: Reader) -> WrittenQuantity | None:
    """What ``node`` says of ``quantity``; None where every entry is left out.

    A flat list, a number for 1 × 1, and a transposed matrix are turned as meant, the ones of an
    augmented activation are put in where they were left out, and a comma that YAML took apart
    (``[0,593, 0,597]``) is put together again; the notes say so. ``1 2 ; 3 4`` is a matrix, and so
    are the lines of a text block. What fits no way round has a ``problem`` and ``raw`` cells.
    """
    bare = _without_name(node, quantity, reader)
    given = _given(_as_printed(bare))
    grid, notes = _fitted(quantity, given)
    rows = given.rows if grid is None else grid
    if grid is None and sum(map(len, rows)) > MOST_RAW:
        rows = []
    said = [*notes] if bare is node else [NAMED, *notes]
    cells = _cells(rows, said)
    if rows and not any(cell is not None for line in cells for cell in line):
        return None
    if grid is None:
        problem = _problem(quantity, given)
        return WrittenQuantity(
            quantity.id, quantity.epoch, quantity.batch, (), tuple(said), problem, cells
        )
    is_turned = given.form == "matrix" and len(rows) != len(given.rows)
    return written(quantity, cells, said, notes[-1] if is_turned else "")


def written(quantity: Quantity, cells: Cells, notes: Row[str], turned: str = "") -> WrittenQuantity:
    """``cells``, of the quantity's shape or without its ones, as WrittenQuantity."""
    said = [*notes]
    cells = _with_ones(quantity, cells, said)
    said = list(dict.fromkeys(said))
    return WrittenQuantity(
        quantity.id, quantity.epoch, quantity.batch, cells, tuple(said), turned=turned
    )


def scattered(
    quantity: Quantity, entries: Dictionary[IndexPair, str], notes: Row[str], reader: Reader
) -> WrittenQuantity | None:
    """Entries that were written one by one, (row, column) from 0; None where all are left out."""
    rows, columns = quantity.shape
    grid: list[list[AnswerCell]] = [[None] * columns for _ in range(rows)]
    said, empty = list(notes), True
    for (i, j), text in entries.items():
        name, number = _named(text)
        is_own = number and _is_its(name, quantity, reader, (i, j))
        said += [NAMED] if is_own else []
        cell, note = understood(alone(number if is_own else text))
        empty = empty and cell is None
        grid[i][j] = cell
        if note:
            said.append(note)
    return None if empty else written(quantity, tuple(map(tuple, grid)), said)


def _as_printed(node: Node) -> Node:
    """The list that a text holds: ``array([[1, 2]])``, or ``[[1, 2], [3, 4]]`` in quotes."""
    if not isinstance(node, Scalar):
        return node
    text = unwrapped(node.text)
    if text.lstrip().startswith("[") and "," in text:
        try:
            found = read_sheet(text.encode(), "a cell")
        except AnswersError:
            found = node
        if isinstance(found, Sequence) and _given(found).form in ("list", "matrix"):
            return found
    return node if text == node.text else Scalar(0, 0, len(text), text)


def _without_name(node: Node, quantity: Quantity, reader: Reader) -> Node:
    """What stands behind the quantity's own name: ``D = 0.853`` or ``D: 0.853`` for D."""
    if isinstance(node, Mapping) and len(node.entries) == 1:
        ((name, entry),) = node.entries.items()
        return entry.value if _is_its(name, quantity, reader) else node
    name, number = _named(node.text) if isinstance(node, Scalar) else ("", "")
    if not number or not _is_its(name, quantity, reader):
        return node
    try:
        return read_sheet(number.encode(), "a cell")
    except AnswersError:
        return Scalar(0, 0, len(number), number)


def _named(text: str) -> tuple[str, str]:
    """A name and what it is said to be, both empty where there is no such."""
    match = _NAMED.fullmatch(text) if len(text) <= LONGEST_NAMED else None
    return (match[1], match[2]) if match else ("", "")


def _is_its(name: str, quantity: Quantity, reader: Reader, place: IndexPair | None = None) -> bool:
    """Whether a name is the quantity's own, or that of its entry at a place, from (0, 0) on."""
    found = reader.find(name)
    if found is None or found.quantity != quantity:
        return False
    return not found.index or places(quantity, [found.index])[0] == [place]


def places(quantity: Quantity, indices: Row[tuple[int, ...]]) -> tuple[list[IndexPair | None], str]:
    """Where entries ``[i, j]`` or ``[k]``, as written, stand (from 0), and what was understood.

    Indices count from 1. Where they don't all fit but would transposed, or counted from 0, that
    is taken as meant. None where an index is out of range or has a number too few.
    """
    plain = [_place(quantity.shape, index) for index in indices]
    if None not in plain:
        return plain, ""
    rows, columns = quantity.shape
    swapped = [_place((columns, rows), index) for index in indices]
    if None not in swapped:
        turned = [None if p is None else (p[1], p[0]) for p in swapped]
        return turned, f"{quantity.name}: its indices are read as column, row"
    if any(0 in index for index in indices):
        shifted = [_place(quantity.shape, tuple(k + 1 for k in index)) for index in indices]
        if None not in shifted:
            return shifted, f"{quantity.name}: its indices are read as counted from 0"
    return plain, ""


def _place(shape: IndexPair, index: tuple[int, ...]) -> IndexPair | None:
    rows, columns = shape
    if len(index) == 1:
        if 1 not in shape:
            return None
        index = (1, index[0]) if rows == 1 else (index[0], 1)
    i, j = index
    return (i - 1, j - 1) if 1 <= i <= rows and 1 <= j <= columns else None


def _given(node: Node) -> WrittenCells:
    if isinstance(node, Scalar):
        number = WrittenCells("number", [[node]])
        is_block = "\n" in node.text.strip()
        return (_with_spaces(number) if is_block else None) or number
    if not isinstance(node, Sequence):
        return WrittenCells("mapping")
    scalars = [item for item in node.items if isinstance(item, Scalar)]
    if len(scalars) == len(node.items):
        return WrittenCells("list", [scalars]) if scalars else WrittenCells("empty")
    return _given_rows(node.items) if not scalars else WrittenCells("mixed")


def _given_rows(items: list[Node]) -> WrittenCells:
    rows: list[list[Scalar]] = []
    for item in items:
        if not isinstance(item, Sequence):
            return WrittenCells("mapping")
        row = [cell for cell in item.items if isinstance(cell, Scalar)]
        if len(row) < len(item.items):
            return WrittenCells("deep")
        rows.append(row)
    return WrittenCells("matrix", rows)


def _fitted(
    quantity: Quantity, given: WrittenCells
) -> tuple[list[list[Scalar]] | None, tuple[str, ...]]:
    """The scalars in the quantity's shape, or in that without its ones; None if they don't fit."""
    grid, note = _turned(quantity, given)
    if grid is not None:
        return grid, (note,) if note else ()
    spaced = _with_spaces(given)
    if spaced is not None:
        grid, note = _turned(quantity, spaced)
        return grid, (note,) if note and grid is not None else ()
    joined = _with_commas(given)
    if joined is None:
        return None, ()
    grid, note = _turned(quantity, joined)
    if grid is None:
        return None, ()
    number = joined.rows[0][0].text.replace(".", ",", 1)
    comma = f"{number} and so on is read with decimal commas; a comma also separates entries"
    return grid, (comma, note) if note else (comma,)


def _turned(quantity: Quantity, given: WrittenCells) -> tuple[list[list[Scalar]] | None, str]:
    for shape in _shapes(quantity):
        grid, note = _turned_to(shape, given, quantity)
        if grid is not None:
            return grid, note
    return None, ""


def _shapes(quantity: Quantity) -> list[IndexPair]:
    rows, columns = quantity.shape
    if quantity.ones is None:
        return [(rows, columns)]
    without = (rows - 1, columns) if quantity.ones[0] == 0 else (rows, columns - 1)
    return [(rows, columns), without]


def _turned_to(
    shape: IndexPair, given: WrittenCells, quantity: Quantity
) -> tuple[list[list[Scalar]] | None, str]:
    rows, columns = shape
    if given.form == "matrix":
        return _turned_matrix(shape, given.rows)
    if given.form == "number" and shape == (1, 1):
        return given.rows, ""
    if given.form == "list" and 1 in shape and len(given.rows[0]) == rows * columns:
        grid = given.rows if rows == 1 else [[cell] for cell in given.rows[0]]
        return grid, f"a flat list is read as {shape_of(quantity)}"
    return None, ""


def _turned_matrix(
    shape: IndexPair, given: list[list[Scalar]]
) -> tuple[list[list[Scalar]] | None, str]:
    rows, columns = shape
    if len(given) == rows and all(len(row) == columns for row in given):
        return given, ""
    if len(given) == columns and all(len(row) == rows for row in given):
        note = f"{columns} × {rows} is read as {rows} × {columns}, transposed"
        return [list(line) for line in zip(*given, strict=True)], note
    return None, ""


def _with_spaces(given: WrittenCells) -> WrittenCells | None:
    """As the program prints matrices, `1 2 ; 3 4`: spaces, tabs or bars between entries, a comma
    before some of them, `;` or, in a text block, a new line between rows; brackets of any kind."""
    texts = [" ".join(cell.text.strip() for cell in row) for row in given.rows]
    marks = " ;\n\t|"
    if not any(mark in cell.text.strip() for row in given.rows for cell in row for mark in marks):
        return None
    text = re.sub(r"[\[\]()|]", " ", ";".join(texts))
    below = [line for line in text.splitlines() if line.strip()]
    if len(below) > 1 and all(map(_parts_columns, below)):
        text = text.replace(";", " ")
    lines = re.split("[;\n]", text)
    told = [[text.rstrip(",") for text in line.split()] for line in lines if line.strip()]
    rows = [[Scalar(0, 0, 1, text) for text in line if text] for line in told]
    if len(rows) == 1 and given.form != "matrix":
        return WrittenCells("list", rows)
    return WrittenCells("matrix", rows)


def _parts_columns(line: str) -> bool:
    """Whether semicolons stand between numbers with decimal commas: 0,1; 0,2."""
    head, mark, _ = line.rpartition(";")
    return bool(mark) and "." not in line and _DECIMAL_COMMA.search(head) is not None


def _with_commas(given: WrittenCells) -> WrittenCells | None:
    """With decimal commas put together again where YAML took them for commas of the list."""
    from backtrace.spec.number_reading import comma_reading

    rows: list[list[Scalar]] = []
    for row in given.rows:
        tight = [i > 0 and _touches(row[i - 1], cell) for i, cell in enumerate(row)]
        texts = comma_reading([cell.text for cell in row], tight) if any(tight) else []
        rows.append([Scalar(0, 0, 1, text) for text in texts] or row)
    return None if rows == given.rows else WrittenCells(given.form, rows)


def _touches(before: Scalar, cell: Scalar) -> bool:
    """Whether nothing but a comma stands between two entries."""
    return before.line == cell.line > 0 and before.column + before.length + 1 == cell.column


def _cells(rows: list[list[Scalar]], said: list[str]) -> Cells:
    lines: list[tuple[AnswerCell, ...]] = []
    for row in rows:
        line = []
        for scalar in row:
            cell, note = understood(alone(scalar.text))
            line.append(cell)
            if note:
                said.append(note)
        lines.append(tuple(line))
    return tuple(lines)


def _with_ones(quantity: Quantity, cells: Cells, said: list[str]) -> Cells:
    """With the ones that feed a bias inside the next weights, where they were left out."""
    if quantity.ones is None:
        return cells
    axis, at = quantity.ones
    lines = [list(line) for line in (zip(*cells, strict=True) if axis == 1 else cells)]
    if len(lines) < quantity.shape[axis]:
        lines.insert(at, [None] * len(lines[0]))
    if any(cell is not None for cell in lines[at]):
        return cells
    lines[at] = [_ONE] * len(lines[at])
    said.append("the ones of the bias were left out, and are taken as written")
    return tuple(zip(*lines, strict=True)) if axis == 1 else tuple(map(tuple, lines))


def _problem(quantity: Quantity, given: WrittenCells) -> str:
    found = _FAULTS.get(given.form) or _form(given)
    return f"{found} where {shape_of(quantity)} is meant"


def _form(given: WrittenCells) -> str:
    if given.form == "number":
        quoted = given.rows[0][0].text.lstrip().startswith("[")
        return "a list in quotes (write it without them)" if quoted else "one number"
    if given.form == "list":
        return f"a list of {count(len(given.rows[0]), 'number')}"
    widths = list(dict.fromkeys(len(row) for row in given.rows))
    if len(widths) > 1:
        return f"rows of different lengths ({widths[0]} and {widths[1]})"
    return f"{len(given.rows)} × {widths[0]}"
