"""A chapter of the handbook, Markdown, as coloured lines for a terminal.

Code keeps its backquotes, so that it is told from words in a pipe as well; links are their words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations, zip_longest

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from backtrace.formats.measure import plain, text_width, wrapped
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import INDENT, Layout

GAP = "  "
DRAWN = str.maketrans(
    "✓✗≈─━╌│├┤┼╿╰╯╮▶◀◆◂┌┐└┘░▒▓█▋▎▏●⎡⎢⎣⎤⎥⎦",
    "+x=-=-|||+^`'.><*<++++.:+###|*[[[]]]",
)
"""What examples draw, in ASCII."""
NARROW_CELL = 6  # columns that a cell has at least


def lines(markdown: str, layout: Layout) -> list[Line]:
    """The whole text, in lines no wider than ``layout``."""
    tree = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(markdown))
    shown = [node for node in tree.children if node.type != "html_block"]  # comments
    return list(_Chapter(layout).blocks(shown))


class _Chapter:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def blocks(self, nodes: Sequence[SyntaxTreeNode], margin: int = 0) -> Iterator[Line]:
        """Blocks with an empty line between two, each by the method that is called as it is."""
        for at, node in enumerate(nodes):
            if at:
                yield []
            yield from getattr(self, node.type)(node, margin)

    def heading(self, node: SyntaxTreeNode, margin: int) -> Iterable[Line]:
        words = _words(node)
        if node.tag == "h2":
            return self.layout.rule(words)
        return self.layout.paragraph(words, "title" if node.tag == "h1" else "heading", margin)

    def paragraph(self, node: SyntaxTreeNode, margin: int) -> Iterator[Line]:
        room = self.layout.breadth - margin
        for line in _toned(wrapped(self.layout.say(_words(node)), room)):
            yield [(" " * margin, ""), *line]

    def bullet_list(self, node: SyntaxTreeNode, margin: int) -> Iterator[Line]:
        sign = "· " if self.layout.unicode else "- "
        return self.items(((sign, item) for item in node.children), margin)

    def ordered_list(self, node: SyntaxTreeNode, margin: int) -> Iterator[Line]:
        numbers = [f"{at}. " for at in range(1, len(node.children) + 1)]
        width = len(numbers[-1])
        heads = (number.rjust(width) for number in numbers)
        return self.items(zip(heads, node.children, strict=True), margin)

    def items(self, found: Iterable[tuple[str, SyntaxTreeNode]], margin: int) -> Iterator[Line]:
        for head, item in found:
            inner = margin + len(head)
            for at, line in enumerate(self.blocks(item.children, inner)):
                yield [(" " * margin + head, ""), *line[1:]] if at == 0 else line

    def fence(self, node: SyntaxTreeNode, margin: int) -> Iterator[Line]:
        """An example as it stands: further in where that fits, folded where nothing else does."""
        text = node.content if self.layout.unicode else plain(node.content.translate(DRAWN))
        shown = text.splitlines()
        spare = self.layout.breadth - max(map(text_width, shown), default=0)
        margin = max(0, min(margin + INDENT, spare))
        for line in shown:
            for piece in _folded(line, self.layout.breadth - margin):
                yield [(" " * margin, ""), (piece, "code" if line.startswith("$ ") else "")]

    def table(self, node: SyntaxTreeNode, margin: int) -> Iterator[Line]:
        """Rows under a header, what is too wide for its column folded in it."""
        rows = [
            [self.layout.say(_words(cell)) for cell in row.children]
            for part in node.children
            for row in part.children
        ]
        for row in rows:
            row[0] = row[0].replace("`", "")  # a column of names
        widths = _widths(rows, self.layout.breadth - margin)
        apart = any(text_width(row[0]) > widths[0] for row in rows)  # else a row's end is not seen
        for at, row in enumerate(rows):
            cells = [wrapped(text, width) for text, width in zip(row, widths, strict=True)]
            tones = ["label" if at == 0 else "code", *["label" if at == 0 else ""] * len(cells)]
            columns = [_toned(cell, tone) for cell, tone in zip(cells, tones, strict=False)]
            if apart and at > 1:
                yield []
            for parts in zip_longest(*columns, fillvalue=[("", "")]):
                yield _beside(parts, widths, margin)
            if at == 0:
                stroke = "─" if self.layout.unicode else "-"
                yield [(" " * margin + GAP.join(stroke * width for width in widths), "rule")]


def _words(node: SyntaxTreeNode) -> str:
    """What is written, in one line; of what it looked like there is only code left."""
    if node.type == "code_inline":
        return f"`{node.content}`"
    if node.type in ("softbreak", "hardbreak"):
        return " "
    if node.type == "image" or not node.children:
        return node.content
    return "".join(map(_words, node.children))


def _toned(found: Iterable[str], tone: str = "") -> list[Line]:
    """Lines of one text, in which what stands between backquotes is code, over their ends too."""
    result: list[Line] = []
    code = False
    for line in found:
        first, *others = line.split("`")
        spans: Line = [(first, "code" if code else tone)]
        for part in others:
            if code:
                spans[-1] = (f"{spans[-1][0]}`", "code")
            code = not code
            spans.append((f"`{part}", "code") if code else (part, tone))
        result.append(spans)
    return result


def _folded(line: str, room: int) -> list[str]:
    """A line of an example, what does not fit a little further in than it begins."""
    if text_width(line) <= room:
        return [line]
    indent = min(len(line) - len(line.lstrip()), room // 2)
    first, *more = wrapped(line, room - indent - 2)
    return [" " * indent + first, *(" " * (indent + 2) + part for part in more)]


def _widths(rows: Sequence[Sequence[str]], breadth: int) -> list[int]:
    """The columns' widths: as much as each needs; where there is too little, so that the table is
    as low as it gets when what a column has too much goes to another."""
    sizes = [[text_width(text) for text in column] for column in zip(*rows, strict=True)]
    needed = list(map(max, sizes))
    room = breadth - len(GAP) * (len(needed) - 1)
    most = max(needed)
    while sum(min(width, most) for width in needed) > room and most > NARROW_CELL:
        most -= 1
    widths = [min(width, most) for width in needed]
    words = (" ".join(column).split() for column in zip(*rows, strict=True))
    least = [max(NARROW_CELL, *map(text_width, found)) for found in words]
    while sum(needed) > room:
        lower = [
            each
            for each in _exchanged(widths)
            if all(
                width >= floor for width, floor in zip(each, map(min, least, widths), strict=True)
            )
        ]
        best = min(lower, key=lambda each: _height(sizes, each), default=widths)
        if _height(sizes, best) >= _height(sizes, widths):
            break
        widths = best
    return widths


def _exchanged(widths: Sequence[int]) -> Iterator[list[int]]:
    """The widths with some of one column given to another, a little or more."""
    for step in (2, 6, 14):
        for give, take in permutations(range(len(widths)), 2):
            changed = list(widths)
            changed[give] -= step
            changed[take] += step
            yield changed


def _height(sizes: Sequence[Sequence[int]], widths: Sequence[int]) -> int:
    """About how many lines the table takes."""
    lines = (
        [-(-size // width) for size in column] for column, width in zip(sizes, widths, strict=True)
    )
    return sum(map(max, zip(*lines, strict=True)))


def _beside(parts: Sequence[Line], widths: Sequence[int], margin: int) -> Line:
    """The cells of a line, each in the width of its column, nothing behind the last one."""
    line: Line = []
    gap = " " * margin
    for part, width in zip(parts, widths, strict=True):
        line += [(gap, ""), *part]
        gap = " " * (width - sum(text_width(text) for text, _ in part)) + GAP
    return line
