"""A response of many places in one cell, as Moodle exports a Cloze question: ``part 1: 0.5; …``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from backtrace.check.answers.table_rows import TableRow

FIRST_ROWS = 1000  # among which one has a response, if any has
RESPONSE = re.compile(r"(response|antwort|réponse|respuesta|答案|作答)\b")
# The word, and what stands around the number, are those of the language of the course.
PART = re.compile(r"[^\d:：;]*(\d{1,5})[^\d:：;]*[:：]\s*(.*)", re.DOTALL)


def unfolded(rows: Iterator[TableRow]) -> Iterator[TableRow]:
    """The rows of a table, header first; a column of such responses becomes a column a place,
    called ``Response 1``, ``Response 2``, …, and all others stay."""
    start = list(islice((row for row in rows if not row.is_empty), FIRST_ROWS))
    folded = _folded(start)
    if folded is None:
        yield from chain(start, rows)
        return
    at, width = folded
    for number, row in enumerate(chain(start, rows)):
        if row.fault or at >= len(row.cells):
            yield row
            continue
        given = parts(row.cells[at])
        texts = [f"Response {place}" for place in range(1, width + 1)]
        if number:
            texts = [given.get(place, "") for place in range(1, width + 1)]
        yield TableRow(row.line, [*row.cells[:at], *texts, *row.cells[at + 1 :]])


def _folded(rows: Sequence[TableRow]) -> tuple[int, int] | None:
    """The one column whose header is numbered and whose cells have several parts, and how many."""
    if not rows or rows[0].fault:
        return None
    widths: dict[int, int] = {}
    for row in rows[1:]:
        for at, cell in enumerate(row.cells[: len(rows[0].cells)]):
            if RESPONSE.match(rows[0].cells[at].strip().lower()):
                widths[at] = max(widths.get(at, 0), len(parts(cell)))
    several = [(at, width) for at, width in widths.items() if width > 1]
    return several[0] if len(several) == 1 else None


def parts(cell: str) -> dict[int, str]:
    """What stands in each place by its number (from 1); nothing where a cell is no such list."""
    found: dict[int, str] = {}
    for number, piece in enumerate(cell.split("; "), 1):
        match = PART.fullmatch(piece.strip())
        if match is None or int(match[1]) != number:
            return {}
        found[number] = match[2].strip()
    return found
