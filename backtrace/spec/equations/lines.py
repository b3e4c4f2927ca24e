"""The lines of equations as they are written → one a quantity, loops unrolled."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from backtrace.spec.document.fields import Fields
from backtrace.spec.document.problems import Place, Problems
from backtrace.spec.document.reader import Mapping as MappingNode
from backtrace.spec.document.reader import Node, Scalar, Sequence, kind
from backtrace.spec.equations.syntax import Misread, parse, parse_index
from backtrace.spec.error_codes import ErrorCode
from backtrace.spec.model import EquationLine
from backtrace.spec.wording import cited

MOST_LINES = 5_000  # of all loops unrolled

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_INDEXED = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\[([^\],]*)\]")
_RANGE = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.+?)\s*\.\.\s*(.+)")
_FORM = "a line such as `z = X @ W + b`, or a loop: `for: t = 1..3` with `do:`"


class LineReader:
    """Reads a list of lines; what is wrong in several rounds of a loop is said once.

    ``lost`` are the names of lines that could not be read; ``is_whole`` is False where it is not
    even known which names were lost. ``taken`` are names that no variable of a loop may have.
    """

    def __init__(self, problems: Problems, taken: Collection[str] = ()) -> None:
        self.problems = problems
        self.taken = taken
        self.told: set[tuple[int, int]] = set()
        self.read = 0
        self.lost: set[str] = set()
        self.is_whole = True

    def lines(self, node: Node, variables: Mapping[str, int]) -> Iterator[EquationLine]:
        if not isinstance(node, Sequence) or not node.items:
            self.read += 1
            mend = "Each begins with a dash: `- z = x @ W`."
            self.lose(node, kind(node), "a list of lines", mend)
            return
        for item in node.items:
            if isinstance(item, Scalar):
                line = self.line(item, variables)
                if line is not None:
                    yield line
            elif isinstance(item, MappingNode) and item.entries:
                yield from self.loop(item, variables)
            else:
                self.lose(item, kind(item), _FORM)
            if self.read > MOST_LINES:
                return

    def add(
        self,
        place: Place,
        found: str,
        expected: str,
        mend: str = "",
        *,
        code: ErrorCode = "E709",
    ) -> None:
        if (place.line, place.column) not in self.told:
            self.told.add((place.line, place.column))
            self.problems.add(place, found, expected, mend, code=code)

    def lose(
        self,
        place: Place,
        found: str,
        expected: str,
        mend: str = "",
        *,
        code: ErrorCode = "E709",
    ) -> None:
        """Notes what keeps a line from being read, by which a name gets lost."""
        self.is_whole = False
        self.add(place, found, expected, mend, code=code)

    def line(self, node: Scalar, variables: Mapping[str, int]) -> EquationLine | None:
        self.read += 1
        if self.read > MOST_LINES:
            self.lose(node, f"more than {MOST_LINES} lines", "fewer", "Shorten a loop.")
            return None
        name, sign, text = node.text.partition("=")
        if not sign:
            self.lose(node, cited(node.text), _FORM)
            return None
        start = len(name) + 1 + len(text) - len(text.lstrip())
        id = self.name(node, name.rstrip(), variables)
        try:
            tree = parse(text.strip(), variables)
        except Misread as wrong:
            place = part_of(node, start + wrong.at, wrong.length)
            self.add(place, wrong.found, wrong.expected, wrong.mend, code=wrong.code)
            self.lost |= {id} if id else set()
            return None
        if id is None:
            return None
        loop = ", ".join(f"{variable} = {number}" for variable, number in variables.items())
        return EquationLine(id, tree, text.strip(), node.line, _first_column(node), start, loop)

    def name(self, node: Scalar, text: str, variables: Mapping[str, int]) -> str | None:
        """``z``, or ``h[t]``, which is h_1 in the first round."""
        if NAME.fullmatch(text):
            if text not in variables:
                return text
            place = part_of(node, 0, len(text))
            self.lose(place, f"`{text}`, the variable of a loop", "another name", code="E710")
            return None
        indexed = _INDEXED.fullmatch(text)
        expected = "a name before the `=`: letters, digits and underscores, such as z, W_hh, h[t]"
        if indexed is None:
            found = cited(text) if text else "nothing"
            self.lose(part_of(node, 0, len(text)), found, expected, code="E710")
            return None
        try:
            number = parse_index(indexed[2], variables)
        except Misread as wrong:
            at = indexed.start(2) + wrong.at
            self.lose(
                part_of(node, at, wrong.length),
                wrong.found,
                wrong.expected,
                wrong.mend,
                code=wrong.code,
            )
            return None
        if number < 0:
            place = part_of(node, indexed.start(2), len(indexed[2]))
            self.lose(place, f"the index {number}", "an index from 0 up", code="E703")
            return None
        return f"{indexed[1]}_{number}"

    def loop(self, node: MappingNode, variables: Mapping[str, int]) -> Iterator[EquationLine]:
        if not {"for", "do"} & set(node.entries):
            first = next(iter(node.entries.values())).key
            mend = "In a line with `: ` put the whole line in quotes."
            if NAME.fullmatch(first.text):
                mend = f"Write an equals sign: `{first.text} = …`."
            self.lose(first, f"the key {cited(first.text)}", _FORM, mend)
            return
        entries = Fields(self.problems, node, "a loop", ("for", "do"))
        head = entries.require("for", "Write `for: t = 1..3`.")
        body = entries.require("do", "Write the lines under `do:`, each with a dash.")
        if head is None or body is None:
            self.is_whole = False
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
            self.lose(node, kind(node), expected)
            return
        if match[1] in variables or match[1] in self.taken:
            found = f"`{match[1]}`, which stands for something else here"
            place = Place(node.line, node.column, len(match[1]))
            self.lose(place, found, "a variable of its own")
            return
        try:
            first, last = (parse_index(match[i], variables) for i in (2, 3))
        except Misread as wrong:
            self.lose(node, wrong.found, expected, wrong.mend)
            return
        step = 1 if first <= last else -1
        for number in range(first, last + step, step):
            yield match[1], number


def part_of(node: Scalar, at: int, length: int) -> Place:
    """Where so many characters of a scalar's text stand in the document."""
    return Place(node.line, _first_column(node) + at, max(length, 1))


def _first_column(node: Scalar) -> int:
    return node.column + (1 if node.quoted else 0)
