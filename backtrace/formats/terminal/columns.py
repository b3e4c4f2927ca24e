"""Tables on a terminal: columns in one width each, and what becomes of those that don't fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from backtrace.formats.measure import text_width, wrapped
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.curve import MARKS
from backtrace.formats.terminal.layout import Layout
from backtrace.page.blocks import Cell, Listing, Table

GAP = "  "
WIDE_GAP = "   "  # between columns of numbers without a sign
MARGIN = " "
NARROW_CELL = 16  # columns; a cell with less room stands on lines of its own


def table(block: Table, layout: Layout) -> Iterator[Line]:
    """Columns under each other; where the page is too narrow for them, as the table says."""
    columns = _columns(block, layout)
    if len(MARGIN) + _width(columns, GAP) > layout.width:
        yield from NARROW[block.narrow](block, layout)
        return
    for row, texts in zip(_with_header(block), zip(*columns, strict=True), strict=True):
        if not any(map(str.strip, texts)):  # a header that says nothing
            continue
        line: Line = []
        for cell, text in zip(row, texts, strict=True):
            line += [(GAP if line else MARGIN, ""), (text, cell.tone)]
        yield line


def _with_header(block: Table) -> list[Sequence[Cell]]:
    return [[Cell(column.header, "label") for column in block.columns], *block.rows]


def _columns(block: Table, layout: Layout) -> list[list[str]]:
    """The texts of each column in one width."""
    return [
        even([layout.signed(cell.text, cell.tone) for cell in cells], left=column.left)
        for column, cells in zip(block.columns, zip(*_with_header(block), strict=True), strict=True)
    ]


def _paragraphs(block: Table, layout: Layout) -> Iterator[Line]:
    """A row as its name, and below it its cells with what they are."""
    for name, *cells in block.rows:
        yield [(MARGIN + layout.signed(name.text, name.tone), name.tone)]
        named = zip(block.columns[1:], cells, strict=True)
        phrases = [f"{column.header} {cell.text}".strip() for column, cell in named if cell.text]
        yield from layout.paragraph(", ".join(phrases), "")


def _wraps(block: Table, layout: Layout) -> Iterator[Line]:
    """The second and the third cell folded beside the first; a third with no room stands below."""
    heads, names, _ = _columns(block, layout)
    margin = len(MARGIN) + text_width(heads[0]) + len(GAP)
    room = layout.width - margin
    column = min(text_width(names[0]), max(12, room * 2 // 5))
    rest = room - column - len(GAP)
    for head, row in zip(heads, _with_header(block), strict=True):
        if not any(cell.text for cell in row):
            continue
        first, second, third = row
        left = wrapped(layout.say(second.text), column)
        right = wrapped(layout.say(third.text), rest) if rest >= NARROW_CELL else []
        for at, (name, remark) in enumerate(zip_longest(left, right, fillvalue="")):
            shown = MARGIN + head + GAP if at == 0 else " " * margin
            gap = " " * (column - text_width(name) + len(GAP))
            yield [(shown, first.tone), (name, second.tone), (gap, ""), (remark, third.tone)]
        if not right:
            below = wrapped(layout.say(third.text), room) if third.text else []
            yield from ([(" " * margin + part, third.tone)] for part in below)


def _groups(block: Table, layout: Layout) -> Iterator[Line]:
    """The first column, folded where it is wide, and as many others beside it as fit."""
    rows = _with_header(block)
    names, *columns = _columns(block, layout)
    width = min(text_width(names[0]), layout.breadth // 3)
    runs = _runs(columns, layout.width - width - len(MARGIN), GAP)
    for count, group in enumerate(runs):
        yield from [[]] if count else []
        for at, row in enumerate(rows):
            first, *more = wrapped(names[at], width) or [""]
            line: Line = [(MARGIN + first + " " * (width - text_width(first)), row[0].tone)]
            for number in group:
                line += [(GAP, ""), (columns[number][at], row[number + 1].tone)]
            yield line
            yield from ([(MARGIN + part, row[0].tone)] for part in more)


def _runs(columns: Sequence[Sequence[str]], room: int, gap: str) -> Iterator[list[int]]:
    """The numbers of the columns that fit beside each other, at least one in each run."""
    run: list[int] = []
    used = 0
    for number, column in enumerate(columns):
        step = len(gap) + text_width(column[0])
        if run and used + step > room:
            yield run
            run, used = [], 0
        run.append(number)
        used += step
    yield run


NARROW: dict[str, Callable[[Table, Layout], Iterator[Line]]] = {
    "paragraphs": _paragraphs,
    "wraps": _wraps,
    "groups": _groups,
}


def even(column: Sequence[str], *, left: bool = False) -> list[str]:
    """The texts in one width, set to the right, or with ``left`` to the left."""
    width = max(map(text_width, column))
    spaces = [" " * (width - text_width(text)) for text in column]
    return [
        text + space if left else space + text for text, space in zip(column, spaces, strict=True)
    ]


def listing(block: Listing, room: int, layout: Layout) -> Iterator[Line]:
    """The rows, the kept one marked; columns that don't fit beside the others stand below."""
    first, *others = (
        even([layout.say(text) for text in column]) for column in zip(*block.rows, strict=True)
    )
    mark = "" if block.kept is None else f"  {MARKS[not layout.unicode][2]} kept"
    runs = _runs(others, room - text_width(mark) - text_width(first[0]), WIDE_GAP)
    for count, group in enumerate(runs):
        yield from [[]] if count else []
        for at, row in enumerate(zip(first, *(others[number] for number in group), strict=True)):
            kept = block.kept is not None and at == block.kept + 1
            tone = "label" if at == 0 else "best" if kept else ""
            yield [(WIDE_GAP.join(row) + (mark if kept else ""), tone)]


def _width(columns: Sequence[Sequence[str]], gap: str) -> int:
    """Of even columns beside each other."""
    return sum(text_width(column[0]) for column in columns) + len(gap) * (len(columns) - 1)
