"""Sets matrices and marks beside each other on one line: brackets, names, sizes, middles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from backtrace.formats.measure import padded, text_width
from backtrace.notation.numbers import aligned

Span: TypeAlias = tuple[str, str]  # a text and its role, from which a renderer takes the colour
Line: TypeAlias = list[Span]

GAP = "  "  # between two columns of a matrix, and around an operator
MORE_COLUMNS, MORE_ROWS, MORE_BOTH = "⋯⋮⋱"
DOTS = frozenset([MORE_COLUMNS, MORE_ROWS, MORE_BOTH, "...", ":"])
EXPONENTS = "²³ᵀ"
OPERATORS = frozenset(["=", "≈", "+", "−", "-", "·", "⊙", "⊡", "/", "*", "(.)", "(J)"])
EQUALS = frozenset("=≈")
ADDITIONS = frozenset("+−-")
FACTORS = frozenset("·*")


class NamedMatrix(msgspec.Struct, frozen=True):
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


Piece: TypeAlias = NamedMatrix | Mark
COMMA = Mark(",")
ROOT = Mark("√")
PREFIXES = frozenset(["√", "sqrt", "Σ", "sum"])


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


def line_width(line: Line) -> int:
    return sum(text_width(text) for text, _ in line)


def beside(pieces: Sequence[Piece], style: Style) -> Box:
    boxes: list[Box] = []
    reaches = _reaches(pieces)
    for at, piece in enumerate(pieces):
        gap = _gap(pieces, at) if at else ""
        boxes += [blank(len(gap))] if gap else []
        if isinstance(piece, NamedMatrix):
            boxes.append(matrix(piece, style, reaches[at]))
        elif _is_power(piece) and at and isinstance(pieces[at - 1], NamedMatrix):
            boxes.append(_power(piece, boxes[-1]))
        elif opens(piece) or closes(piece):
            boxes.append(_parenthesis(piece, _enclosed(pieces, at), style))
        else:
            boxes.append(Box([[(piece.text, "mark")]], text_width(piece.text)))
    return joined(boxes)


def _gap(pieces: Sequence[Piece], at: int) -> str:
    """The space before ``pieces[at]``: wide around the sign between numbers and their result."""
    before, after = pieces[at - 1], pieces[at]
    if opens(before) or closes(after) or _is_power(after) or after == COMMA or before == ROOT:
        return ""
    wide = _is_equals(before) or _is_equals(after)
    return GAP if wide and any(map(_is_bracketed, pieces)) else " "


def _is_equals(piece: Piece) -> bool:
    return isinstance(piece, Mark) and piece.text in EQUALS


def _is_bracketed(piece: Piece) -> bool:
    return isinstance(piece, NamedMatrix) and not piece.bare


def is_plain(piece: Piece) -> bool:
    """A number or a word between the matrices, such as η."""
    return isinstance(piece, Mark) and not (
        leads(piece)
        or closes(piece)
        or _is_power(piece)
        or piece == COMMA
        or piece.text in PREFIXES
    )


def binding(operator: Mark) -> int:
    """How tightly an operator holds together what is beside it: =, then + and −, then the rest."""
    return 0 if operator.text in EQUALS else 1 if operator.text in ADDITIONS else 2


def is_operator(piece: Piece) -> bool:
    return isinstance(piece, Mark) and piece.text in OPERATORS


def leads(piece: Piece) -> bool:
    return is_operator(piece) or opens(piece)


def opens(piece: Piece) -> bool:
    return isinstance(piece, Mark) and piece.text.endswith("(")


def closes(piece: Piece) -> bool:
    return isinstance(piece, Mark) and piece.text.startswith(")")


def _is_power(piece: Piece) -> bool:
    return isinstance(piece, Mark) and bool(piece.text) and not piece.text.strip(EXPONENTS)


def _power(piece: Piece, base: Box) -> Box:
    """An exponent, raised to the top of the matrix before it."""
    assert isinstance(piece, Mark)
    width = text_width(piece.text)
    blanks: list[Line] = [[(" " * width, "")] for _ in range(base.above)]
    return Box([[(piece.text, "mark")], *blanks], width, base.above)


def _parenthesis(piece: Mark, inside: list[Piece], style: Style) -> Box:
    """``ReLU(`` or ``)²`` with its bracket as tall as the tallest matrix in it."""
    above, below = _reach(inside)
    opening = opens(piece)
    word = piece.text[:-1] if opening else piece.text[1:]
    raised = not opening and not word.strip(EXPONENTS)
    lines: list[Line] = []
    for row, pair in enumerate(_brackets(above + below + 1, style.round)):
        bracket = pair[0 if opening else 1]
        beside = word if row == (0 if raised else above) else " " * text_width(word)
        text = beside + bracket if opening else bracket + beside
        lines.append([(text, "mark")])
    return Box(lines, text_width(word) + 1, above, above, below)


def _enclosed(pieces: Sequence[Piece], at: int) -> list[Piece]:
    """What stands in the brackets that open or close at ``at``.

    Nothing where they are not both on this line: a pair that is folded is as low as a letter.
    """
    step = 1 if opens(pieces[at]) else -1
    inside: list[Piece] = []
    depth = 1
    for piece in pieces[at + step :: step]:
        depth += step * (opens(piece) - closes(piece))
        if depth == 0:
            return inside
        inside.append(piece)
    return []


def _reaches(pieces: Sequence[Piece]) -> list[tuple[int, int]]:
    """For each piece how far the outermost brackets around it reach above and below the middle."""
    reaches = [(0, 0)] * len(pieces)
    at = 0
    while at < len(pieces):
        inside = _enclosed(pieces, at) if opens(pieces[at]) else []
        if inside:
            reaches[at + 1 : at + 1 + len(inside)] = [_reach(inside)] * len(inside)
        at += len(inside) + 1
    return reaches


def _reach(pieces: Sequence[Piece]) -> tuple[int, int]:
    """The lines above and below the middle that the tallest of the matrices take."""
    heights = [len(piece.cells) or 1 for piece in pieces if isinstance(piece, NamedMatrix)]
    above = max(map(middle_of, heights), default=0)
    below = max((height - 1 - middle_of(height) for height in heights), default=0)
    return above, below


def middle_of(height: int) -> int:
    """The line that an operator stands on: of two the first, where a reader begins."""
    return (height - 1) // 2


def _brackets(height: int, pairs: tuple[str, str, str, str]) -> list[str]:
    single, top, middle, bottom = pairs
    return [single] if height == 1 else [top, *[middle] * (height - 2), bottom]


def matrix(block: NamedMatrix, style: Style, reach: tuple[int, int] = (0, 0)) -> Box:
    """The entries in brackets, the name centred above, the size centred below.

    Name and size stand outside ``reach``: lines above and below the middle that taller brackets
    around the matrix take.
    """
    rows = [GAP.join(row) for row in _columns_aligned(block.cells)] or [""]
    inner = text_width(rows[0]) + (0 if block.bare else 4)
    width = max(inner, text_width(block.name), text_width(block.dims))
    left = (width - inner) // 2
    right = width - inner - left
    lines: list[Line] = [
        _centred_row(_row(text, pair, block), left, right)
        for text, pair in zip(rows, _brackets(len(rows), style.square), strict=True)
    ]
    middle = middle_of(len(rows))
    below = len(rows) - 1 - middle
    named: list[Line] = [[(padded(block.name, width), block.role + ".name")]] if block.name else []
    named += [[(" " * width, "")]] * max(0, reach[0] - middle)
    sized: list[Line] = [[(" " * width, "")]] * max(0, reach[1] - below)
    sized += [[(padded(block.dims, width), "dims")]] if block.dims else []
    return Box(named + lines + sized, width, middle + len(named), middle, below)


def _row(text: str, brackets: str, block: NamedMatrix) -> Line:
    if block.bare:
        return [(text, block.role)]
    return [(brackets[0] + " ", "bracket"), (text, block.role), (" " + brackets[1], "bracket")]


def _centred_row(line: Line, left: int, right: int) -> Line:
    before = [(" " * left, "")] if left else []
    return [*before, *line, (" " * right, "")] if right else [*before, *line]


def _columns_aligned(cells: list[list[str]]) -> list[tuple[str, ...]]:
    return list(zip(*map(column_aligned, zip(*cells, strict=True)), strict=True))


def column_aligned(column: Sequence[str]) -> list[str]:
    """Decimal points in line, dots for left-out entries in the middle."""
    numbers = iter(aligned([text for text in column if text not in DOTS]))
    texts = [text if text in DOTS else next(numbers) for text in column]
    width = max(map(text_width, texts))
    return [padded(text, width) if text in DOTS else text.rjust(width) for text in texts]


def joined(boxes: Sequence[Box]) -> Box:
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


def stacked(boxes: list[Box]) -> Box:
    """Boxes under each other, from the left."""
    width = max(box.width for box in boxes)
    return Box([line for box in boxes for line in box.lines], width)


def shifted(box: Box, shift: int) -> Box:
    return joined([blank(shift), box]) if shift else box


def blank(width: int) -> Box:
    return Box([[(" " * width, "")]], width)


def trimmed(line: Line) -> Line:
    """Without the blanks at its end."""
    trimmed = list(line)
    while trimmed and not (text := trimmed[-1][0].rstrip()):
        trimmed.pop()
    return [*trimmed[:-1], (text, trimmed[-1][1])] if trimmed else []
