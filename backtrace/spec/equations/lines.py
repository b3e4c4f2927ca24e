"""The lines of equations as they are written → one a quantity, loops unrolled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from backtrace.spec.document.fields import Fields
from backtrace.spec.document.problems import Place, Problems
from backtrace.spec.document.reader import Mapping as MappingNode
from backtrace.spec.document.reader import Node, Scalar, Sequence, kind
from backtrace.spec.equations.syntax import Misread, parse, parse_index
from backtrace.spec.model import EquationLine
from backtrace.spec.wording import cited

MOST_LINES = 5_000  # of all loops unrolled

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_INDEXED = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\[([^\],]*)\]")
_RANGE = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.+?)\s*\.\.\s*(.+)")
_FORM = "a line such as `z = X @ W + b`, or a loop: `for: t = 1..3` with `do:`"


class LineReader:
    """Reads a list of lines; what is wrong in several rounds of a loop is said once."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.told: set[tuple[int, int]] = set()
        self.refused: set[str] = set()  # names of lines that can't be read
        self.read = 0

    def lines(self, node: Node, variables: Mapping[str, int]) -> Iterator[EquationLine]:
        if not isinstance(node, Sequence) or not node.items:
            self.add(node, kind(node), "a list of lines", "Each begins with a dash: `- z = x @ W`.")
            return
        for item in node.items:
            if isinstance(item, Scalar):
                line = self.line(item, variables)
                if line is not None:
                    yield line
            elif isinstance(item, MappingNode):
                yield from self.loop(item, variables)
            else:
                self.add(item, kind(item), _FORM)
            if self.read > MOST_LINES:
                return

    def add(self, place: Place, found: str, expected: str, mend: str = "") -> None:
        if (place.line, place.column) not in self.told:
            self.told.add((place.line, place.column))
            self.problems.add(place, found, expected, mend, code="equation")

    def line(self, node: Scalar, variables: Mapping[str, int]) -> EquationLine | None:
        self.read += 1
        if self.read > MOST_LINES:
            self.add(node, f"more than {MOST_LINES} lines", "fewer", "Shorten a loop.")
            return None
        name, sign, text = node.text.partition("=")
        if not sign:
            self.add(node, cited(node.text), _FORM)
            return None
        start = len(name) + 1 + len(text) - len(text.lstrip())
        id = self.name(node, name.rstrip(), variables)
        try:
            tree = parse(text.strip(), variables)
        except Misread as wrong:
            place = part_of(node, start + wrong.at, wrong.length)
            self.add(place, wrong.found, wrong.expected, wrong.mend)
            self.refused |= {id} if id else set()
            return None
        if id is None:
            return None
        loop = ", ".join(f"{variable} = {number}" for variable, number in variables.items())
        return EquationLine(id, tree, text.strip(), node.line, _first_column(node), start, loop)

    def name(self, node: Scalar, text: str, variables: Mapping[str, int]) -> str | None:
        """``z``, or ``h[t]``, which is h_1 in the first round."""
        if NAME.fullmatch(text):
            if text in variables:
                self.add(node, f"`{text}`, the variable of a loop", "another name")
            return text
        indexed = _INDEXED.fullmatch(text)
        expected = "a name before the `=`: letters, digits and underscores, such as z, W_hh, h[t]"
        if indexed is None:
            self.add(part_of(node, 0, max(len(text), 1)), cited(text), expected)
            return None
        try:
            number = parse_index(indexed[2], variables)
        except Misread as wrong:
            at = indexed.start(2) + wrong.at
            self.add(part_of(node, at, wrong.length), wrong.found, wrong.expected, wrong.mend)
            return None
        return f"{indexed[1]}_{number}"

    def loop(self, node: MappingNode, variables: Mapping[str, int]) -> Iterator[EquationLine]:
        if not {"for", "do"} & set(node.entries):
            first = next(iter(node.entries.values())).key
            mend = "In a line with `: ` put the whole line in quotes."
            self.add(first, f"the key {cited(first.text)}", _FORM, mend)
            return
        entries = Fields(self.problems, node, "a loop", ("for", "do"))
        head = entries.require("for", "Write `for: t = 1..3`.")
        body = entries.require("do", "Write the lines under `do:`, each with a dash.")
        if head is None or body is None:
            return
        for variable, number in self.rounds(head, variables):
            yield from self.lines(body, {**variables, variable: number})
            if self.read > MOST_LINES:
                return

    def rounds(self, node: Node, variables: Mapping[str, int]) -> Iterator[tuple[str, int]]:
        """``t = 1..3``, or ``t = 3..1``, which counts down."""
        expected = "a variable and its range: `t = 1..3`, or `t = 3..1` to count down"
        match = _RANGE.fullmatch(node.text.strip()) if isinstance(node, Scalar) else None
        if match is None:
            self.add(node, kind(node), expected)
            return
        try:
            first, last = (parse_index(match[i], variables) for i in (2, 3))
        except Misread as wrong:
            self.add(node, wrong.found, expected, wrong.mend)
            return
        step = 1 if first <= last else -1
        for number in range(first, last + step, step):
            yield match[1], number


def part_of(node: Scalar, at: int, length: int) -> Place:
    """Where so many characters of a scalar's text stand in the document."""
    return Place(node.line, _first_column(node) + at, max(length, 1))


def _first_column(node: Scalar) -> int:
    return node.column + (1 if node.quoted else 0)
