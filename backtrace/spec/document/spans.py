"""Spans of rows or columns, ``1..100``, counted from 1, both ends included."""

from __future__ import annotations

from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Node, Scalar, Sequence, kind


def read_span(problems: Problems, node: Node, what: str) -> range | None:
    """``1..100``, ``[1, 100]`` or ``7`` as a range of numbers from 1; None, and a problem, if it
    is none."""
    ends = ends_of(node)
    if not 0 < len(ends) <= 2:
        problems.add(
            node, kind(node), f"{what} such as 1..100", "Both ends are included.", code="E110"
        )
        return None
    numbers = [read_index(problems, end) for end in ends]
    if not all(numbers):
        return None
    if numbers[0] > numbers[-1]:
        problems.add(node, f"{numbers[0]} to {numbers[-1]}", "the smaller end first", code="E111")
        return None
    return range(numbers[0], numbers[-1] + 1)


def read_index(problems: Problems, node: Node) -> int:
    """A row or column, from 1; 0, and a problem, where it is none."""
    text = node.text if isinstance(node, Scalar) else ""
    if text.isascii() and text.isdigit() and len(text) < 10 and not text.startswith("0"):
        return int(text)
    problems.add(
        node, kind(node), "a whole number from 1 up", "Rows and columns count from 1.", code="E111"
    )
    return 0


def ends_of(node: Node) -> list[Node]:
    """``1..100`` or ``[1, 100]`` as two nodes, anything else as those that it is."""
    if isinstance(node, Sequence):
        return node.items
    if not isinstance(node, Scalar) or node.quoted or node.text.count("..") != 1:
        return [node]
    parts = node.text.split("..")
    return [Scalar(node.line, node.column, node.length, part.strip()) for part in parts]
