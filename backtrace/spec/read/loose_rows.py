"""Rows of numbers as other programs write them: the list that was meant.

``1 2; 3 4`` of MATLAB, rows on lines of their own, ``[[1 2] [3 4]]`` as NumPy prints it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from backtrace.spec.document import reader
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Node, Scalar
from backtrace.spec.number_reading import read_number
from backtrace.spec.numbers import Number
from backtrace.spec.wording import count

_APART = frozenset(" \t\n,;|")
SHOWN = 24  # numbers of a matrix that is shown as it should be
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")  # a decimal one, or two whole numbers without a space


def refuse_loose_rows(problems: Problems, node: Node) -> bool:
    """Whether several numbers stand where one belongs and what was meant is plain; noted then."""
    rows = _rows(problems.lines, node)
    if not rows:
        return False
    found = f"{count(len(rows), 'row')} without commas and brackets"
    if len(rows) == 1:
        found = f"{count(len(rows[0]), 'number')} in one place"
    expected = "a list of rows, such as [[1, 2], [3, 4]]" if len(rows) > 1 else "a list"
    rule = "row" if len(rows) == 1 else "rows"
    problems.add_alike(node, rule, found, expected, f"Write {_written(node, rows)}.", "E113")
    return True


def _written(node: Node, rows: list[list[str]]) -> str:
    listed = [f"[{', '.join(row)}]" for row in rows]
    nested = isinstance(node, reader.Sequence) and isinstance(node.items[0], reader.Sequence)
    if sum(map(len, rows)) > SHOWN:
        return "commas between the numbers, and brackets around each row and around them all"
    return f"[{', '.join(listed)}]" if nested or len(rows) > 1 else listed[0]


def _rows(lines: Sequence[str], node: Node) -> list[list[str]]:
    """The texts of the numbers, row by row; nothing where they are no numbers, or not even."""
    if not any(_is_several(item) for item in _scalars(node)):
        return []
    rows = [row for row in map(_numbers, _row_texts(lines, node)) if row != []]
    read = [row for row in rows if row is not None]
    even = len({len(row) for row in read}) == 1
    return read if even and len(read) == len(rows) else []


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, reader.Sequence):
        for item in node.items:
            yield from _scalars(item)


def _is_several(item: Scalar) -> bool:
    if _APART.isdisjoint(item.text):
        return False
    words = re.split(r"[\s,;|]+", item.text.strip())
    return len(words) > 1 and isinstance(read_number(words[0]), Number)


def _row_texts(lines: Sequence[str], node: Node) -> list[str]:
    """A text for each row; rows of a list of rows, of lines, or between semicolons."""
    if isinstance(node, Scalar):
        return re.split(r"[;\n]", _source(lines, node))
    assert isinstance(node, reader.Sequence)
    texts = [", ".join(item.text for item in _scalars(line)) for line in node.items]
    below = len({item.line for item in node.items}) == len(texts) > 1
    nested = any(isinstance(item, reader.Sequence) for item in node.items)
    return texts if below or nested else ", ".join(texts).split(";")


def _source(lines: Sequence[str], node: Scalar) -> str:
    """The text of a scalar with the line breaks that YAML makes spaces of."""
    words = node.text.split()
    if "\n" in node.text or node.quoted or not 1 <= node.line <= len(lines):
        return node.text
    taken = [lines[node.line - 1][node.column - 1 :]]
    for line in lines[node.line :]:
        if sum(len(each.split()) for each in taken) >= len(words):
            break
        taken.append(line)
    source = "\n".join(taken)
    return source if source.split() == words else node.text


def _numbers(text: str) -> list[str] | None:
    """The numbers of a row; None where something in it is none, or may be two."""
    words = [word.strip(",") for word in re.split(r"[\s|]+", text) if word.strip(",")]
    commas = [word for word in words if _COMMA.fullmatch(word)]
    if any(word.lstrip("+-")[:1] != "0" for word in commas):
        return None
    if commas:
        words = [word.replace(",", ".") if word in commas else word for word in words]
    parts = [part for word in words for part in word.split(",") if part]
    return parts if all(isinstance(read_number(part), Number) for part in parts) else None
