"""Spans of rows or columns, ``1..100``, counted from 1, both ends included."""

from __future__ import annotations

from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Node, Scalar, Sequence, kind


def read_span(problems: Problems, node: Node, what: str) -> range | None:
    """``1..100``, ``[1, 100]`` or ``7`` as a range of numbers from 1; None, and a problem, if it
    is none."""
    ends = _ends(node)
    if ends is None or not all(isinstance(end, Scalar) for end in ends):
        problems.add(node, kind(node), f"{what} such as 1..100", "Both ends are included.")
        return None
    numbers = [read_index(problems, end) for end in ends]
    if not all(numbers):
        return None
    if numbers[0] > numbers[-1]:
        problems.add(node, f"{numbers[0]} to {numbers[-1]}", "the smaller end first")
        return None
    return range(numbers[0], numbers[-1] + 1)


def read_index(problems: Problems, node: Node) -> int:
    """A row or column, from 1; 0, and a problem, where it is none."""
    text = node.text if isinstance(node, Scalar) else ""
    if text.isascii() and text.isdigit() and len(text) < 10 and not text.startswith("0"):
        return int(text)
    problems.add(node, kind(node), "a whole number from 1 up", "Rows and columns count from 1.")
    return 0


def _ends(node: Node) -> list[Node] | None:
    if isinstance(node, Sequence):
        return node.items if len(node.items) == 2 else None
    if not isinstance(node, Scalar):
        return None
    parts = [part.strip() for part in node.text.split("..")]
    if len(parts) > 2:
        return None
    return [Scalar(node.line, node.column, node.length, part) for part in parts]
