"""Which class was taken for which: the table, for a terminal of any width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import INDENT, Layout
from backtrace.page.training.confusion import MOST_CLASSES, MOST_PAIRS, Confusion

GAP = 2


def confusion_lines(found: Confusion, page: Layout) -> list[Line]:
    """The table, its columns in groups where the page is too narrow; no number is ever cut."""
    count = len(found.counts)
    if count > MOST_CLASSES:
        return list(_pairs(found, page))
    table = _Table(found, page)
    groups = table.groups()
    lines: list[Line] = []
    for group in groups:
        lines += [[]] if lines else []
        lines += table.lines(group, last=group[-1] == count - 1)
    return lines


def _pairs(found: Confusion, page: Layout) -> Iterator[Line]:
    pairs = found.pairs()
    for true, taken, times in pairs[:MOST_PAIRS]:
        often = "once" if times == 1 else f"{times:,} times"
        yield from page.paragraph(f"class {true} predicted as {taken}: {often}", "")
    if len(pairs) > MOST_PAIRS:
        yield from page.paragraph(f"… and {len(pairs) - MOST_PAIRS:,} other pairs", "fact")


class _Table:
    def __init__(self, found: Confusion, page: Layout) -> None:
        self.found, self.page = found, page
        self.nothing = "·" if page.unicode else "."
        self.shares = [page.say(found.share(at)) for at in range(len(found.counts))]
        self.first = max(map(len, ["class", *found.names]))
        self.last = max(map(len, [*self.shares, "correct"]))
        self.widths = [
            max(len(self.cell(row, at)) for row in [-1, *range(len(found.counts))])
            for at in range(len(found.counts))
        ]

    def cell(self, row: int, column: int) -> str:
        """A count, or in the row −1 the class of the column."""
        if row < 0:
            return self.found.names[column]
        times = int(self.found.counts[row, column])
        return str(times) if times else self.nothing

    def groups(self) -> list[range]:
        """As many columns as fit beside each other, and beside the last ones their shares."""
        room = self.page.breadth - INDENT - self.first - self.last - GAP - 1
        groups, start, taken = [], 0, 0
        for at, width in enumerate(self.widths):
            if at > start and taken + width + GAP > room:
                groups.append(range(start, at))
                start, taken = at, 0
            taken += width + GAP
        return [*groups, range(start, len(self.widths))]

    def lines(self, columns: Sequence[int], *, last: bool) -> Iterator[Line]:
        yield [(" " * (INDENT + self.first + GAP) + "predicted", "label")]
        for row in range(-1, len(self.found.counts)):
            label = "class" if row < 0 else self.found.names[row]
            line: Line = [(" " * INDENT + label.rjust(self.first), "label")]
            for column in columns:
                text = self.cell(row, column).rjust(self.widths[column] + GAP)
                line.append((text, self.role(row, column)))
            if last:
                share = "correct" if row < 0 else self.shares[row]
                role = "label" if row < 0 else ""
                line.append((" " * (GAP + 1) + share.rjust(self.last), role))
            yield line

    def role(self, row: int, column: int) -> str:
        if row < 0:
            return "label"
        if row == column:
            return "right"
        return "wrong" if self.found.counts[row, column] else "axis"
