"""Sets an equation of matrices on a page: folded, in groups of columns, no digit lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

import msgspec

from backtrace.formats.measure import pieces_of, text_width
from backtrace.formats.terminal.boxes import (
    FACTORS,
    GAP,
    MORE_BOTH,
    MORE_COLUMNS,
    MORE_ROWS,
    UNICODE,
    Box,
    Line,
    Mark,
    NamedMatrix,
    Piece,
    Style,
    beside,
    binding,
    blank,
    closes,
    is_operator,
    is_plain,
    joined,
    leads,
    line_width,
    matrix,
    opens,
    shifted,
    stacked,
    trimmed,
)

Item = TypeVar("Item")

WIDE_GAP = "    "  # between matrices that only stand beside each other
MARKS = re.compile(
    r"[^\s()=·⊙⊡+−*/]*\([^()]+\)[²³]?"  # brackets around numbers only: (1 − 0.9)
    r"|,|"
    r"\)[²³]?"  # a bracket closes, perhaps with a power
    r"|(?<=\))/|^/|/(?=\()|\(\.\)|\(J\)"
    r"|[^\s()=·⊙⊡+−*]*\("  # a bracket opens, perhaps behind a function's name
    r"|[=≈·⊙⊡+−*]|[^\s()=·⊙⊡+−*]+"
)
CONTINUED = 2  # how much further the later lines of a folded equation are indented


def equation(
    pieces: Sequence[Piece], width: int, indent: int = 4, style: Style = UNICODE
) -> list[Line]:
    """``pieces`` beside each other in lines of at most ``width`` columns.

    What is too wide is folded before ``=`` or an operator, and a matrix too wide by itself is
    shown in groups of columns.
    """
    lines: list[Line] = []
    for number, row in enumerate(_packed(list(pieces), width - indent, style)):
        start = min(indent + (CONTINUED if number else 0), max(0, width - row.width))
        lines += [[(" " * start, ""), *line] if start else line for line in row.lines]
    return [piece for line in lines for piece in broken(trimmed(line), width)]


def gallery(groups: Sequence[Sequence[Box]], width: int, indent: int = 4) -> list[Line]:
    """Matrices beside each other, a group on one line where it fits, lines apart by a blank one."""
    room = width - indent
    rows: list[list[Box]] = []
    for group in groups:
        boxes = list(group)
        if rows and _breadth(rows[-1] + boxes) <= room:
            rows[-1] += boxes
            continue
        rows.append([])
        for box in boxes:
            if _breadth([*rows[-1], box]) > room and rows[-1]:
                rows.append([])
            rows[-1].append(box)
    return _set_apart(rows, width, indent)


def fitted(block: NamedMatrix, room: int, style: Style) -> Box:
    """A matrix under its name, in groups of columns where it is too wide."""
    box = matrix(block, style)
    return box if box.width <= room else stacked(_split([block], room, style))


def stated(block: NamedMatrix, room: int, style: Style) -> Box:
    """``W₁ = ⎡ 1  2 ⎤``; where that is too wide the name stands above."""
    name = f"{block.name} = "
    nameless = msgspec.structs.replace(block, name="")
    head = Box([[(name, "")]], text_width(name))
    box = joined([head, matrix(nameless, style)])
    return box if box.width <= room else fitted(block, room, style)


def _breadth(boxes: list[Box]) -> int:
    return sum(box.width for box in boxes) + len(WIDE_GAP) * (len(boxes) - 1)


def _set_apart(rows: list[list[Box]], width: int, indent: int) -> list[Line]:
    lines: list[Line] = []
    for number, row in enumerate(rows):
        apart = [box for piece in row for box in (blank(len(WIDE_GAP)), piece)][1:]
        lines += [[]] if number else []
        lines += [[(" " * indent, ""), *line] for line in joined(apart).lines]
    return [piece for line in lines for piece in broken(trimmed(line), width)]


def marks(text: str) -> list[Piece]:
    """The marks in a text such as ``) − 0.1·``: brackets, operators, words."""
    return [Mark(found) for found in MARKS.findall(text)]


def with_gaps(
    cells: list[list[str]], rows: Sequence[int], columns: Sequence[int], shape: tuple[int, ...]
) -> list[list[str]]:
    """The shown ``cells`` with ⋯, ⋮ and ⋱ where ``rows`` and ``columns``, from 0, leave out some of
    a matrix of this ``shape``."""
    filled = [_gaps_filled(row, columns, MORE_COLUMNS, shape[1]) for row in cells]
    dots = _gaps_filled([MORE_ROWS] * len(columns), columns, MORE_BOTH, shape[1])
    return _gaps_filled(filled, rows, dots, shape[0])


def _gaps_filled(
    items: Sequence[Item], numbers: Sequence[int], gap: Item, count: int
) -> list[Item]:
    filled: list[Item] = []
    for (before, after), item in zip(pairwise([-1, *numbers]), items, strict=True):
        filled += [item] if after == before + 1 else [gap, item]
    return filled if numbers[-1] == count - 1 else [*filled, gap]


def broken(line: Line, width: int) -> Iterator[Line]:
    """``line`` cut at ``width`` columns: the last resort that keeps every digit."""
    if line_width(line) <= width:
        yield line
        return
    piece: Line = []
    room = width
    for text, role in line:
        for part in _cut(text, room, width):
            if text_width(part) > room:
                yield piece
                piece, room = [], width
            piece.append((part, role))
            room -= text_width(part)
    yield piece


def _cut(text: str, first: int, width: int) -> Iterator[str]:
    if text_width(text) <= first:
        yield text
        return
    head = next(pieces_of(text, first)) if first > 0 else ""
    if head:
        yield head
    yield from pieces_of(text[len(head) :], width)


def _packed(pieces: list[Piece], room: int, style: Style) -> list[Box]:
    """The pieces in as few lines as fit, folded where the formula itself falls into parts."""
    whole = beside(pieces, style)
    if whole.width <= room:
        return [whole]
    rows: list[Box] = []
    line: list[Piece] = []
    for run in _runs(pieces, room - CONTINUED, style):
        if _fits(line + run, room - (CONTINUED if rows else 0), style):
            line = line + run
            continue
        rows += [beside(line, style)] if line else []
        line = run if _fits(run, room - CONTINUED, style) else []
        rows += [] if line else [stacked(_split(run, room - CONTINUED, style))]
    return rows + ([beside(line, style)] if line else [])


def _runs(pieces: list[Piece], room: int, style: Style) -> Iterator[list[Piece]]:
    """What is put on a line together: all of it if a line can hold it, else its parts'."""
    parts = [pieces] if _fits(pieces, room, style) else _parts(pieces)
    if len(parts) == 1:
        yield pieces
        return
    for part in parts:
        yield from _runs(part, room, style)


def _parts(pieces: list[Piece]) -> list[list[Piece]]:
    """``pieces`` taken apart before the operators that hold them together most loosely."""
    found = list(_cuts(pieces))
    loosest = min((rank for rank, _ in found), default=None)
    cuts = [at for rank, at in found if rank == loosest]
    return [pieces[start:stop] for start, stop in pairwise([0, *cuts, len(pieces)])]


def _cuts(pieces: list[Piece]) -> Iterator[tuple[tuple[int, int], int]]:
    """The operators to fold before, each with its rank: brackets around it, then how it binds.

    Not those that nothing precedes (a sign), nor one behind a plain factor: − 0.1 ·
    """
    depth = 0
    for at, piece in enumerate(pieces):
        depth += opens(piece) - closes(piece)
        if at == 0 or leads(pieces[at - 1]) or not isinstance(piece, Mark):
            continue
        factor = piece.text in FACTORS and is_plain(pieces[at - 1])
        if is_operator(piece) and not factor:
            yield (depth, binding(piece)), at


def _fits(pieces: list[Piece], room: int, style: Style) -> bool:
    return beside(pieces, style).width <= room


def _split(atom: list[Piece], room: int, style: Style) -> list[Box]:
    """An atom too wide for a line: its matrix in groups of columns under each other."""
    at = next((at for at, piece in enumerate(atom) if isinstance(piece, NamedMatrix)), None)
    if at is None:
        return [beside(atom, style)]
    block = atom[at]
    assert isinstance(block, NamedMatrix)
    lead, trail = atom[:at], atom[at + 1 :]
    shift = beside([*lead, block], style).width - matrix(block, style).width
    taken = shift + beside([block, *trail], style).width - matrix(block, style).width
    groups = _column_groups(block, room - taken, style)
    if groups is None:
        marks = [beside(lead, style)] if lead else []
        return marks + _listed(block, room) + ([beside(trail, style)] if trail else [])
    first = beside([*lead, groups[0], *(trail if len(groups) == 1 else [])], style)
    later = [[group] for group in groups[1:-1]] + ([[groups[-1], *trail]] if groups[1:] else [])
    return [first, *(shifted(beside(pieces, style), shift) for pieces in later)]


def _column_groups(block: NamedMatrix, room: int, style: Style) -> list[NamedMatrix] | None:
    """The block's columns in even groups no wider than ``room``; None where one is too wide."""
    widths = [max(map(text_width, column)) for column in zip(*block.cells, strict=True)]
    count = len(widths)
    most = min(count, room // (min(widths, default=0) + len(GAP)))
    for size in range(most, 0, -1):
        even = -(-count // -(-count // size))  # as many groups as this size needs, evenly filled
        starts = range(0, count, even)
        groups = [_group(block, at, min(at + even, count), style) for at in starts]
        if all(matrix(group, style).width <= room for group in groups):
            return groups
    return None


def _group(block: NamedMatrix, start: int, stop: int, style: Style) -> NamedMatrix:
    numbers = block.columns or tuple(range(1, len(block.cells[0]) + 1))
    caption = _caption([number for number in numbers[start:stop] if number], style)
    return NamedMatrix(
        block.name,
        [row[start:stop] for row in block.cells],
        f"{block.dims}, {caption}" if block.dims and not start else caption,
        block.role,
        numbers[start:stop],
    )


def _caption(numbers: list[int], style: Style) -> str:
    """``columns 1–3, 784`` for the columns of those numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = [f"{run[0]}{style.dash}{run[-1]}" if run[1:] else str(run[0]) for run in runs]
    return f"column{'s' if len(numbers) > 1 else ''} {', '.join(texts)}" if texts else ""


def _listed(block: NamedMatrix, room: int) -> list[Box]:
    """Every entry by itself, folded over as many lines as its digits take."""
    lines: list[Line] = [[(block.name, "name")]] if block.name else []
    for i, row in enumerate(block.cells, 1):
        for j, text in enumerate(row, 1):
            label = "" if block.bare else f"[{i},{j}] "
            for piece in pieces_of(text, max(1, room - len(label))):
                lines.append([(label, "dims"), (piece, block.role)])
                label = " " * len(label)
    lines += [[(block.dims, "dims")]] if block.dims else []
    return [Box([line], line_width(line)) for line in lines]
