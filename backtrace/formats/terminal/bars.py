"""Numbers under each other on a terminal, each behind a bar as long as it is large."""

from __future__ import annotations

from collections.abc import Iterator

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.boxes import Line, line_width
from backtrace.formats.terminal.columns import even
from backtrace.formats.terminal.layout import Layout
from backtrace.page.blocks import Bars, Cell

LONGEST = 24  # columns of the longest bar
SHORTEST = 8  # and where there is little room
EIGHTHS = " ▏▎▍▌▋▊▉█"


def bars(block: Bars, room: int, layout: Layout) -> Iterator[Line]:
    """A number a line, in ``room`` columns where that is enough for them."""
    labels = even([layout.say(bar.label) for bar in block.rows])
    remarks = [_remark(bar.remark, layout) for bar in block.rows]
    numbers = even([layout.say(bar.number) for bar in block.rows])
    taken = text_width(labels[0] + numbers[0]) + 2
    widest = max(map(line_width, remarks))
    beside = taken + widest + SHORTEST <= room
    longest = max(SHORTEST, min(LONGEST, room - taken - (widest if beside else 0)))
    for bar, label, number, remark in zip(block.rows, labels, numbers, remarks, strict=True):
        drawn: Line = []
        if bar.share is not None:
            drawn = [(_stroke(bar.share, longest, layout) + " ", "bar")]
        yield [(f"{label} ", "label"), *drawn, (number, ""), *(remark if beside else [])]
        if remark and not beside:
            yield remark
    if block.smaller:
        yield [(layout.say(f"and {block.smaller} smaller ones"), "fact")]


def _remark(remark: Cell, layout: Layout) -> Line:
    if not remark.text:
        return []
    arrow = "◂" if layout.unicode else "<"
    return [("  ", ""), (f"{arrow} {layout.say(remark.text)}", remark.tone)]


def _stroke(share: float, longest: int, layout: Layout) -> str:
    eighths = round(share * longest * 8)
    if not layout.unicode:
        return ("#" * round(eighths / 8)).ljust(longest)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (EIGHTHS[rest] if rest else "")).ljust(longest)
