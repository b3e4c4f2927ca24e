"""An overview on a terminal: a hairpin of matrices, in rows where it is too wide for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.boxes import (
    Box,
    Line,
    NamedMatrix,
    blank,
    joined,
    line_width,
    matrix,
    stacked,
)
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.matrices import printed_block
from backtrace.page.overview import Overview, OverviewColumn, in_rows, is_written_out
from backtrace.page.sections import ROLES
from backtrace.page.step_block import StepBlock

SHORTEST = 5  # columns of an arrow
GAP = 2  # between a column and the arrow of the next
FORWARD, BACKWARD = ROLES["forward"], ROLES["backward"]


class Strokes(msgspec.Struct, frozen=True):
    """What arrows are made of, and the turn: its upper end, its side and its lower end."""

    dash: str
    right: str
    left: str
    turn: tuple[str, str, str]


UNICODE = Strokes("━", "▶", "◀", ("╮", "│", "╯"))
ASCII = Strokes("-", ">", "<", (".", "|", "'"))


class LaidColumn(msgspec.Struct, frozen=True):
    """A column with its parts laid out; ``room`` is what it takes of a line, ``arrow`` of that."""

    column: OverviewColumn
    above: Box
    forward: Box
    backward: Box
    below: Box
    arrow: int
    room: int


def hairpin(block: Overview, layout: Layout) -> Iterator[Line]:
    """The lines of the overview; what does not fit into a row goes on in the next."""
    writer = _Hairpin(block, layout)
    for row in writer.rows():
        yield []
        yield from writer.lines(row)


class _Hairpin:
    def __init__(self, block: Overview, layout: Layout) -> None:
        self.block, self.layout = block, layout
        self.strokes = UNICODE if layout.unicode else ASCII

    # Placing

    def rows(self) -> Iterator[list[LaidColumn]]:
        columns = enumerate(self.block.every_column)
        laid = [self.laid(column, first=at == 0) for at, column in columns]
        room = self.layout.width - 1  # behind the loss the turn
        for row in in_rows([each.room for each in laid], room):
            yield [laid[at] for at in row]

    def laid(self, column: OverviewColumn, *, first: bool) -> LaidColumn:
        above, below = self.pile(column.above), self.pile(column.below)
        forward, backward = self.quantity(column.forward), self.quantity(column.backward)
        arriving = max(forward.width, backward.width)
        room = max(arriving + (0 if first else SHORTEST), above.width, below.width)
        arrow = 0 if first else room - arriving
        gap = 1 if column is self.block.loss else GAP
        return LaidColumn(column, above, forward, backward, below, arrow, room + gap)

    def pile(self, steps: Sequence[StepBlock]) -> Box:
        """Quantities under each other, their names in a column."""
        names = [self.layout.say(step.symbol) for step in steps]
        width = max(map(text_width, names), default=0)
        boxes = [
            self.named(step, name + " " * (width - text_width(name)))
            for step, name in zip(steps, names, strict=True)
        ]
        return stacked(boxes) if boxes else Box([], 0)

    def quantity(self, step: StepBlock | None) -> Box:
        return blank(0) if step is None else self.named(step, self.layout.say(step.symbol))

    def named(self, step: StepBlock, name: str) -> Box:
        """``W₁ ⎡ 0.1  0.2 ⎤``: as wide and as high, and empty, where it is not reached yet."""
        role = ROLES[step.traced.phase]
        written = matrix(self.entries(step, role), self.layout.style)
        head = Box([[(f"{name} ", f"{role}.name")]], text_width(name) + 1)
        box = joined([head, written])
        if self.is_reached(step):
            return box
        empty: list[Line] = [[(" " * box.width, "")] for _ in box.lines]
        return msgspec.structs.replace(box, lines=empty)

    def entries(self, step: StepBlock, role: str) -> NamedMatrix:
        """The numbers, or of a large matrix its size, if there is room."""
        whole = printed_block(step.result, "", role, self.layout)
        shown = msgspec.structs.replace(whole, dims="", bare=step.value.size == 1)
        room = self.layout.width - SHORTEST - GAP - text_width(step.symbol) - 1
        if is_written_out(step) and matrix(shown, self.layout.style).width <= room:
            return shown
        return NamedMatrix("", [[whole.dims]], role="dims", bare=True)

    def is_reached(self, step: StepBlock | None) -> bool:
        reached = self.block.reached
        return step is not None and (reached is None or step.id in reached)

    # Writing

    def lines(self, row: Sequence[LaidColumn]) -> Iterator[Line]:
        yield from _beside(row, [each.above for each in row], at_the_foot=True)
        forward = self.way([self.arriving(each) for each in row], row)
        if not self.block.turns:
            yield from forward.lines
            return
        backward = self.way([self.returning(each) for each in row], row)
        yield from self.turned(forward, backward, row[-1])
        yield from _beside(row, [each.below for each in row], at_the_foot=False)

    def way(self, boxes: Sequence[Box], row: Sequence[LaidColumn]) -> Box:
        """What goes one way, each column in its room."""
        padded = [
            part
            for box, laid in zip(boxes, row, strict=True)
            for part in (box, blank(laid.room - box.width))
        ]
        return joined(padded)

    def arriving(self, laid: LaidColumn) -> Box:
        shown = self.is_reached(laid.column.forward) and laid.arrow > 0
        stroke = self.strokes.dash * (laid.arrow - 2) + self.strokes.right
        return joined([_arrow(stroke, laid.arrow, FORWARD, shown=shown), laid.forward])

    def returning(self, laid: LaidColumn) -> Box:
        """What comes back, and the arrow on; from the turn it is nothing but the arrow."""
        if self.turns_at(laid):
            stroke = self.strokes.left + self.strokes.dash * (laid.room - 1)
            back = (column.backward for column in self.block.columns)
            return _arrow(stroke, laid.room, BACKWARD, shown=any(map(self.is_reached, back)))
        shown = self.is_reached(laid.column.backward) and laid.arrow > 0
        stroke = self.strokes.left + self.strokes.dash * (laid.arrow - 2)
        return joined([_arrow(stroke, laid.arrow, BACKWARD, shown=shown), laid.backward])

    def turns_at(self, laid: LaidColumn) -> bool:
        return laid.column is self.block.loss and laid.column.backward is None

    def turned(self, forward: Box, backward: Box, last: LaidColumn) -> Iterator[Line]:
        """Both ways, between them a blank line where they are of several lines, and the turn."""
        gap = [blank(forward.width).lines[0]] * (len(forward.lines + backward.lines) > 2)
        lines = [*forward.lines, *gap, *backward.lines]
        down, up = forward.middle, len(forward.lines) + len(gap) + backward.middle
        for at, line in enumerate(lines):
            turning = self.turns_at(last) and down <= at <= up
            yield [*line, *(self.turn(at - down, at - up) if turning else [])]

    def turn(self, from_above: int, from_below: int) -> Line:
        """The stroke at the end of a line, by its distance from where it starts and ends."""
        start, side, end = self.strokes.turn
        stroke = start if from_above == 0 else end if from_below == 0 else side
        assert self.block.loss is not None
        return [(stroke if self.is_reached(self.block.loss.forward) else " ", BACKWARD)]


def _arrow(stroke: str, room: int, role: str, *, shown: bool) -> Box:
    """An arrow with a gap behind it; where it is not ``shown``, its room."""
    return Box([[((stroke if shown else "").ljust(room), role)]], room)


def _beside(
    row: Sequence[LaidColumn], boxes: Sequence[Box], *, at_the_foot: bool
) -> Iterator[Line]:
    """Boxes beside each other, each at the left of its column, the lower or upper ends in line."""
    height = max(len(box.lines) for box in boxes)
    for at in range(height):
        line: Line = []
        for laid, box in zip(row, boxes, strict=True):
            place = at - (height - len(box.lines) if at_the_foot else 0)
            own = box.lines[place] if 0 <= place < len(box.lines) else []
            line += [*own, (" " * (laid.room - line_width(own)), "")]
        yield line
