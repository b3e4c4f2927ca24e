"""Sets an equation of matrices as lines of text: brackets, names, sizes, folding, no digit lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import TypeAlias, TypeVar

import msgspec

from backtrace.notation.numbers import aligned
from backtrace.render.measure import padded, pieces_of, text_width

Span: TypeAlias = tuple[str, str]  # a text and its role, from which a renderer takes the colour
Line: TypeAlias = list[Span]
Item = TypeVar("Item")

WIDE_GAP = "    "  # between matrices that only stand beside each other
GAP = "  "  # between two columns of a matrix, and around an operator
MORE_COLUMNS, MORE_ROWS, MORE_BOTH = "⋯⋮⋱"
DOTS = frozenset([MORE_COLUMNS, MORE_ROWS, MORE_BOTH, "..", ":"])
EXPONENTS = "²³ᵀ"
MARKS = re.compile(
    r"\)[²³ᵗ⁻¹]*"  # a bracket closes, perhaps with a power
    r"|(?<=\))/|^/|/(?=\()|\(\.\)|\(J\)"
    r"|[^\s()=·⊙⊡+−*]*\("  # a bracket opens, perhaps behind a function's name
    r"|[=≈·⊙⊡+−*]|[^\s()=·⊙⊡+−*]+"
)
CONTINUED = 2  # how much further the later lines of a folded equation are indented
OPERATORS = frozenset(["=", "≈", "+", "−", "-", "·", "⊙", "⊡", "/", "*", "(.)", "(J)"])
EQUALS = frozenset("=≈")
NEGATIONS = frozenset("−-")
FACTORS = frozenset("·*")


class Block(msgspec.Struct, frozen=True):
    """A matrix, or with ``bare`` a single number without brackets.

    ``columns`` numbers the columns (from 1; 0 where ⋯ stands for some) for the captions of a
    matrix that has to be split. ``role`` goes with the entries and the name.
    """

    name: str
    cells: list[list[str]]
    dims: str = ""
    role: str = ""
    columns: tuple[int, ...] = ()
    bare: bool = False


class Mark(msgspec.Struct, frozen=True):
    """What stands between matrices: an operator, a number, ``ReLU(`` or ``)``."""

    text: str


Piece: TypeAlias = Block | Mark


class Style(msgspec.Struct, frozen=True):
    """The characters of brackets (of one line; top, middle, bottom of several) and of ranges."""

    square: tuple[str, str, str, str] = ("[]", "⎡⎤", "⎢⎥", "⎣⎦")
    round: tuple[str, str, str, str] = ("()", "⎛⎞", "⎜⎟", "⎝⎠")
    dash: str = "–"


UNICODE = Style()
ASCII = Style(("[]", "[]", "||", "[]"), ("()", "/\\", "||", "\\/"), "-")


class Box(msgspec.Struct, frozen=True):
    """Lines of one width that stand beside other boxes on their ``middle`` line.

    ``above`` and ``below`` count the lines of the bracketed body over and under the middle.
    """

    lines: list[Line]
    width: int
    middle: int = 0
    above: int = 0
    below: int = 0


def equation(
    pieces: Sequence[Piece], width: int, indent: int = 4, style: Style = UNICODE
) -> list[Line]:
    """``pieces`` beside each other in lines of at most ``width`` columns.

    What is too wide is folded before ``=`` or an operator, and a matrix too wide by itself is
    shown in groups of columns.
    """
    room = width - indent
    rows = _packed(_atoms(pieces), room, style)
    lines: list[Line] = []
    for number, row in enumerate(rows):
        start = min(indent + (CONTINUED if number else 0), max(0, width - row.width))
        lines += [[(" " * start, ""), *line] if start else line for line in row.lines]
    return [piece for line in lines for piece in broken(_trimmed(line), width)]


def gallery(
    blocks: Sequence[Block], width: int, indent: int = 4, style: Style = UNICODE
) -> list[Line]:
    """Matrices beside each other, as many in a row as fit, rows apart by a blank line."""
    room = width - indent
    rows: list[list[Box]] = []
    for block in blocks:
        box = _matrix(block, style)
        box = box if box.width <= room else _stacked(_split([block], room, style))
        if rows and sum(other.width + len(WIDE_GAP) for other in rows[-1]) + box.width <= room:
            rows[-1] += [_blank(len(WIDE_GAP)), box]
        else:
            rows.append([box])
    lines: list[Line] = []
    for number, row in enumerate(rows):
        lines += [[]] if number else []
        lines += [[(" " * indent, ""), *line] for line in _joined(row).lines]
    return [piece for line in lines for piece in broken(_trimmed(line), width)]


def marks(text: str) -> list[Piece]:
    """The marks in a text such as ``) − 0.1·``: brackets, operators, words."""
    return [Mark(found) for found in MARKS.findall(text)]


def shown(count: int, most: int) -> list[int]:
    """Which of ``count`` rows or columns to show, from 0, when at most ``most`` are wanted."""
    if count <= most:
        return list(range(count))
    last = most // 2
    return [*range(most - last), *range(count - last, count)]


def with_gaps(
    cells: list[list[str]], rows: Sequence[int], columns: Sequence[int]
) -> list[list[str]]:
    """The shown ``cells`` with ⋯, ⋮ and ⋱ where ``rows`` and ``columns`` leave some out."""
    filled = [_gaps_filled(row, columns, MORE_COLUMNS) for row in cells]
    dots = _gaps_filled([MORE_ROWS] * len(columns), columns, MORE_BOTH)
    return _gaps_filled(filled, rows, dots)


def column_numbers(columns: Sequence[int]) -> tuple[int, ...]:
    """The numbers of the shown columns, from 1, with 0 for the gap."""
    return tuple(_gaps_filled([column + 1 for column in columns], columns, 0))


def _gaps_filled(items: Sequence[Item], numbers: Sequence[int], gap: Item) -> list[Item]:
    filled = list(items[:1])
    for (before, after), item in zip(pairwise(numbers), items[1:], strict=True):
        filled += [item] if after == before + 1 else [gap, item]
    return filled


def line_width(line: Line) -> int:
    return sum(text_width(text) for text, _ in line)


def broken(line: Line, width: int) -> Iterator[Line]:
    """``line`` cut at ``width`` columns: the last resort that keeps every digit."""
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


def _trimmed(line: Line) -> Line:
    trimmed = list(line)
    while trimmed and not (text := trimmed[-1][0].rstrip()):
        trimmed.pop()
    return [*trimmed[:-1], (text, trimmed[-1][1])] if trimmed else []


def _atoms(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The runs that are not folded: an operator, if any, with all that follows up to the next."""
    atoms: list[list[Piece]] = []
    for piece in pieces:
        if not atoms or (_is_operator(piece) and not _awaits(atoms[-1], piece)):
            atoms.append([])
        atoms[-1].append(piece)
    return atoms


def _awaits(atom: list[Piece], operator: Piece) -> bool:
    """Whether ``atom`` has nothing yet for ``operator`` to follow, or only a factor: − 0.1 ·"""
    if all(map(_leads, atom)):
        return True
    factor = all(isinstance(piece, Mark) for piece in atom)
    return factor and isinstance(operator, Mark) and operator.text in FACTORS


def _is_operator(piece: Piece) -> bool:
    return isinstance(piece, Mark) and piece.text in OPERATORS


def _opens(piece: Piece) -> bool:
    return isinstance(piece, Mark) and piece.text.endswith("(")


def _closes(piece: Piece) -> bool:
    return isinstance(piece, Mark) and piece.text.startswith(")")


def _leads(piece: Piece) -> bool:
    return _is_operator(piece) or _opens(piece)


def _packed(atoms: list[list[Piece]], room: int, style: Style) -> list[Box]:
    """The atoms in as few lines as fit, a new side of ``=`` on a new line before anything else."""
    rows: list[Box] = []
    line: list[Piece] = []
    for run in _runs(atoms, room, style):
        if _fits(line + run, room - (CONTINUED if rows else 0), style):
            line = line + run
            continue
        rows += [_beside(line, style)] if line else []
        line = run if _fits(run, room - CONTINUED, style) else []
        rows += [] if line else [_stacked(_split(run, room - CONTINUED, style))]
    return rows + ([_beside(line, style)] if line else [])


def _runs(atoms: list[list[Piece]], room: int, style: Style) -> Iterator[list[Piece]]:
    """What is put on a line together: a side of ``=`` if a line can hold it, else its atoms."""
    for side in _sides(atoms):
        whole = list(chain.from_iterable(side))
        yield from [whole] if _fits(whole, room - CONTINUED, style) else side


def _sides(atoms: list[list[Piece]]) -> list[list[list[Piece]]]:
    sides: list[list[list[Piece]]] = []
    for atom in atoms:
        first = atom[0]
        if not sides or (isinstance(first, Mark) and first.text in EQUALS):
            sides.append([])
        sides[-1].append(atom)
    return sides


def _fits(pieces: list[Piece], room: int, style: Style) -> bool:
    return _beside(pieces, style).width <= room


def _split(atom: list[Piece], room: int, style: Style) -> list[Box]:
    """An atom too wide for a line: its matrix in groups of columns under each other."""
    at = next((at for at, piece in enumerate(atom) if isinstance(piece, Block)), None)
    if at is None:
        return [_beside(atom, style)]
    block = atom[at]
    assert isinstance(block, Block)
    lead, trail = atom[:at], atom[at + 1 :]
    shift = _beside([*lead, block], style).width - _matrix(block, style).width
    taken = shift + _beside([block, *trail], style).width - _matrix(block, style).width
    groups = _column_groups(block, room - taken, style)
    if groups is None:
        marks = [_beside(lead, style)] if lead else []
        return marks + _listed(block, room) + ([_beside(trail, style)] if trail else [])
    first = _beside([*lead, groups[0], *(trail if len(groups) == 1 else [])], style)
    later = [[group] for group in groups[1:-1]] + ([[groups[-1], *trail]] if groups[1:] else [])
    return [first, *(_shifted(_beside(pieces, style), shift) for pieces in later)]


def _column_groups(block: Block, room: int, style: Style) -> list[Block] | None:
    """The block's columns in even groups no wider than ``room``; None where one is too wide."""
    widths = [max(map(text_width, column)) for column in zip(*block.cells, strict=True)]
    count = len(widths)
    most = min(count, room // (min(widths, default=0) + len(GAP)))
    for size in range(most, 0, -1):
        even = -(-count // -(-count // size))  # as many groups as this size needs, evenly filled
        starts = range(0, count, even)
        groups = [_group(block, at, min(at + even, count), style) for at in starts]
        if all(_matrix(group, style).width <= room for group in groups):
            return groups
    return None


def _group(block: Block, start: int, stop: int, style: Style) -> Block:
    numbers = block.columns or tuple(range(1, len(block.cells[0]) + 1))
    caption = _caption([number for number in numbers[start:stop] if number], style)
    return Block(
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


def _listed(block: Block, room: int) -> list[Box]:
    """Every entry by itself, folded over as many lines as its digits take."""
    lines: list[Line] = [[(block.name, "name")]] if block.name else []
    for i, row in enumerate(block.cells, 1):
        for j, text in enumerate(row, 1):
            label = "" if block.bare else f"[{i},{j}] "
            for piece in pieces_of(text, max(1, room - len(label))):
                lines.append([(label, "dims"), (piece, block.role)])
                label = " " * len(label)
    return [Box([line], line_width(line)) for line in [*lines, [(block.dims, "dims")]]]


def _beside(pieces: Sequence[Piece], style: Style) -> Box:
    boxes: list[Box] = []
    for at, piece in enumerate(pieces):
        gap = _gap(pieces, at) if at else ""
        boxes += [_blank(len(gap))] if gap else []
        if isinstance(piece, Block):
            boxes.append(_matrix(piece, style))
        elif _opens(piece) or _closes(piece):
            boxes.append(_parenthesis(piece, _enclosed(pieces, at), style))
        else:
            boxes.append(Box([[(piece.text, "mark")]], text_width(piece.text)))
    return _joined(boxes)


def _gap(pieces: Sequence[Piece], at: int) -> str:
    """The space before ``pieces[at]``: wide around an operator between matrices."""
    before, after = pieces[at - 1], pieces[at]
    if _opens(before) or _closes(after):
        return ""
    if _is_operator(after):
        return " " if _is_tight(pieces, at) else GAP
    if _is_operator(before):
        return " " if _is_tight(pieces, at - 1) or _is_negation(pieces, at - 1) else GAP
    return " "


def _is_tight(pieces: Sequence[Piece], at: int) -> bool:
    """Whether the operator at ``at`` belongs to a plain number beside it, as in 0.1 · W."""
    operator = pieces[at]
    if isinstance(operator, Mark) and operator.text in EQUALS:
        return False
    return any(map(_is_plain, pieces[max(0, at - 1) : at + 2]))


def _is_negation(pieces: Sequence[Piece], at: int) -> bool:
    minus = pieces[at]
    leads = at == 0 or _leads(pieces[at - 1])
    return leads and isinstance(minus, Mark) and minus.text in NEGATIONS


def _is_plain(piece: Piece) -> bool:
    """A number or a word between the matrices, such as η."""
    return isinstance(piece, Mark) and not (_leads(piece) or _closes(piece))


def _enclosed(pieces: Sequence[Piece], at: int) -> list[Piece]:
    """What stands in the brackets that open or close at ``at``, as far as it is on this line."""
    step = 1 if _opens(pieces[at]) else -1
    inside, depth = [], 1
    for piece in pieces[at + step :: step]:
        depth += step * (_opens(piece) - _closes(piece))
        if depth == 0:
            break
        inside.append(piece)
    return inside


def _parenthesis(piece: Mark, inside: list[Piece], style: Style) -> Box:
    """``ReLU(`` or ``)²`` with its bracket as tall as the tallest matrix in it."""
    bodies = [_matrix(block, style) for block in inside if isinstance(block, Block)]
    above = max((body.above for body in bodies), default=0)
    below = max((body.below for body in bodies), default=0)
    opening = _opens(piece)
    word = piece.text[:-1] if opening else piece.text[1:]
    raised = not opening and not word.strip(EXPONENTS)
    lines: list[Line] = []
    for row, pair in enumerate(_brackets(above + below + 1, style.round)):
        bracket = pair[0 if opening else 1]
        beside = word if row == (0 if raised else above) else " " * text_width(word)
        text = beside + bracket if opening else bracket + beside
        lines.append([(text, "mark")])
    return Box(lines, text_width(word) + 1, above, above, below)


def _brackets(height: int, pairs: tuple[str, str, str, str]) -> list[str]:
    single, top, middle, bottom = pairs
    return [single] if height == 1 else [top, *[middle] * (height - 2), bottom]


def _matrix(block: Block, style: Style) -> Box:
    """The entries in brackets, the name centred above, the size centred below."""
    rows = [GAP.join(row) for row in _columns_aligned(block.cells)] or [""]
    inner = text_width(rows[0]) + (0 if block.bare else 4)
    width = max(inner, text_width(block.name), text_width(block.dims))
    left = (width - inner) // 2
    right = width - inner - left
    lines: list[Line] = [
        _centred_row(_row(text, pair, block), left, right)
        for text, pair in zip(rows, _brackets(len(rows), style.square), strict=True)
    ]
    middle = len(rows) // 2
    named = [[(padded(block.name, width), block.role + ".name")]] if block.name else []
    sized = [[(padded(block.dims, width), "dims")]] if block.dims else []
    below = len(rows) - 1 - middle
    return Box(named + lines + sized, width, middle + len(named), middle, below)


def _row(text: str, brackets: str, block: Block) -> Line:
    if block.bare:
        return [(text, block.role)]
    return [(brackets[0] + " ", "bracket"), (text, block.role), (" " + brackets[1], "bracket")]


def _centred_row(line: Line, left: int, right: int) -> Line:
    before = [(" " * left, "")] if left else []
    return [*before, *line, (" " * right, "")] if right else [*before, *line]


def _columns_aligned(cells: list[list[str]]) -> list[tuple[str, ...]]:
    return list(zip(*map(_column_aligned, zip(*cells, strict=True)), strict=True))


def _column_aligned(column: Sequence[str]) -> list[str]:
    """Decimal points in line, dots for left-out entries in the middle."""
    numbers = iter(aligned([text for text in column if text not in DOTS]))
    texts = [text if text in DOTS else next(numbers) for text in column]
    width = max(map(text_width, texts))
    return [padded(text, width) if text in DOTS else text.rjust(width) for text in texts]


def _joined(boxes: Sequence[Box]) -> Box:
    """Boxes beside each other, their middles in line."""
    over = max((box.middle for box in boxes), default=0)
    under = max((len(box.lines) - box.middle for box in boxes), default=1)
    lines: list[Line] = []
    for height in range(-over, under):
        line: Line = []
        for box in boxes:
            row = height + box.middle
            inside = 0 <= row < len(box.lines)
            line += box.lines[row] if inside else [(" " * box.width, "")]
        lines.append(line)
    above = max((box.above for box in boxes), default=0)
    below = max((box.below for box in boxes), default=0)
    return Box(lines, sum(box.width for box in boxes), over, above, below)


def _stacked(boxes: list[Box]) -> Box:
    """Boxes under each other, from the left."""
    width = max(box.width for box in boxes)
    return Box([line for box in boxes for line in box.lines], width)


def _shifted(box: Box, shift: int) -> Box:
    return _joined([_blank(shift), box]) if shift else box


def _blank(width: int) -> Box:
    return Box([[(" " * width, "")]], width)
