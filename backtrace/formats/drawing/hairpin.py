"""An overview as the inside of a drawing: forward to the right, a turn, and back home beneath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from backtrace.formats.drawing.marks import symbols, text_at, words
from backtrace.formats.measure import text_width
from backtrace.notation.numbers import aligned
from backtrace.page.overview import Overview, OverviewColumn, in_rows, is_written_out
from backtrace.page.sections import ROLES
from backtrace.page.step_block import StepBlock

WIDEST = 880.0  # of a row of columns
LINE = 20.0
LETTER = 9.0  # width of a character of a name
DIGIT = 7.9  # of a number
BRACKET = 9.0  # room of a bracket and beside it
COLUMN = 12.0  # between two columns of a matrix
PADDING = 7.0  # between two quantities under each other
ARROW = 46.0  # the shortest
HEAD = 9.0  # of an arrow
GAP = 22.0  # between two columns of the overview
ROW = 40.0  # between two rows of it
WAYS = {"given": "given", "computed": "forward", "gradient": "backward", "updated": "updated"}

FORWARD = (
    "Forward, to the right: what arrives at each layer; above the arrows what it is worked with"
)
BACKWARD = "Backward, beneath: what comes back to it; below the arrows gradients and new values"


class Quantity(msgspec.Struct, frozen=True):
    """A symbol and its numbers, each column of them flush right but for the decimals it lacks."""

    name: str
    role: str
    columns: tuple[tuple[str, ...], ...]
    bare: bool

    @classmethod
    def of(cls, step: StepBlock) -> Quantity:
        """Of a large matrix its size."""
        role = WAYS[ROLES[step.traced.phase]]
        if not is_written_out(step):
            size = " × ".join(map(str, step.value.shape))
            return cls(step.symbol, "size", ((size,),), bare=True)
        columns = zip(*step.result.cells, strict=True)
        found = tuple(tuple(aligned(column, step.figures.decimal_mark)) for column in columns)
        return cls(step.symbol, role, found, bare=step.value.size == 1)

    @property
    def height(self) -> float:
        return LINE * len(self.columns[0])

    @property
    def named(self) -> float:
        """The room of the name."""
        return text_width(self.name.replace("^", "")) * LETTER + 7

    @property
    def width(self) -> float:
        numbers = sum(map(_column_width, self.columns)) + COLUMN * (len(self.columns) - 1)
        return self.named + numbers + (0 if self.bare else 2 * BRACKET)

    def body(self, x: float, middle: float, named: float) -> Iterator[str]:
        yield text_at(x, middle + 5, f"name {self.role}", symbols(self.name))
        x += named
        top = middle - self.height / 2
        if not self.bare:
            yield _brackets(x, top, self.width - self.named, self.height)
            x += BRACKET
        for column in self.columns:
            x += _column_width(column)
            for at, number in enumerate(column):
                short = len(number) - len(number.rstrip())
                end, y = x - short * DIGIT, top + LINE * (at + 0.5) + 4.5
                yield text_at(end, y, f"entry {self.role}", words(_signed(number.strip())))
            x += COLUMN


class LaidColumn(msgspec.Struct, frozen=True):
    """A column with the room that it takes, and that of its arrows."""

    column: OverviewColumn
    above: tuple[Quantity, ...]
    forward: Quantity | None
    backward: Quantity | None
    below: tuple[Quantity, ...]
    arrow: float
    room: float

    @classmethod
    def of(cls, column: OverviewColumn, *, first: bool) -> LaidColumn:
        above, below = (tuple(map(Quantity.of, pile)) for pile in (column.above, column.below))
        forward, backward = (
            None if each is None else Quantity.of(each)
            for each in (column.forward, column.backward)
        )
        ways = (forward, backward)
        arriving = max((each.width for each in ways if each is not None), default=0.0)
        least = arriving + (0 if first else ARROW)
        room = max(least, _pile_width(above), _pile_width(below))
        arrow = 0 if first else room - arriving
        return cls(column, above, forward, backward, below, arrow, room + GAP)


class LaidRow(msgspec.Struct, frozen=True):
    """Columns beside each other: where each begins, and the heights of their four parts."""

    columns: tuple[LaidColumn, ...]
    starts: tuple[float, ...]
    top: float
    above: float
    forward: float
    backward: float
    below: float

    @classmethod
    def of(cls, columns: Sequence[LaidColumn], top: float) -> LaidRow:
        starts = [sum(each.room for each in columns[:at]) for at in range(len(columns))]
        forward = _way_height([each.forward for each in columns])
        backward = _way_height([each.backward for each in columns])
        above = max(_pile_height(each.above) for each in columns)
        below = max(_pile_height(each.below) for each in columns)
        return cls(tuple(columns), tuple(starts), top, above, forward, backward, below)

    @property
    def there(self) -> float:
        """The middle of the way forward."""
        return self.top + self.above + self.forward / 2

    @property
    def back(self) -> float:
        return self.top + self.above + self.forward + self.backward / 2

    @property
    def end(self) -> float:
        return self.back + self.backward / 2 + self.below


class HairpinDrawing:
    """Places the columns of an overview, in rows where they are too wide for one, and writes it."""

    def __init__(self, block: Overview) -> None:
        self.block = block
        laid = [
            LaidColumn.of(column, first=at == 0) for at, column in enumerate(block.every_column)
        ]
        self.rows: list[LaidRow] = []
        for places in in_rows([each.room for each in laid], WIDEST):
            top = self.rows[-1].end + ROW if self.rows else 0.0
            self.rows.append(LaidRow.of([laid[at] for at in places], top))
        self.width = max(sum(each.room for each in row.columns) for row in self.rows)
        self.height = self.rows[-1].end

    @property
    def legend(self) -> list[tuple[str, str]]:
        return [(FORWARD, "forward"), *([(BACKWARD, "backward")] if self.block.turns else [])]

    def body(self) -> Iterator[str]:
        for row in self.rows:
            for column, x in zip(row.columns, row.starts, strict=True):
                yield from self.column(column, x, row)

    def column(self, laid: LaidColumn, x: float, row: LaidRow) -> Iterator[str]:
        foot = row.top + row.above
        yield from _pile(laid.above, x, foot - _pile_height(laid.above))
        yield from self.forward(laid, x, row.there)
        if self.block.turns:
            yield from self.backward(laid, x, row)
            yield from _pile(laid.below, x, row.back + row.backward / 2)

    def forward(self, laid: LaidColumn, x: float, y: float) -> Iterator[str]:
        if laid.forward is None:
            return
        if laid.arrow:
            end = x + laid.arrow - 8
            yield f'<path class="way forward" d="M{x:.1f} {y:.1f}H{end - HEAD:.1f}"/>'
            yield _head(end, y, -HEAD, "forward")
        yield from laid.forward.body(x + laid.arrow, y, laid.forward.named)

    def backward(self, laid: LaidColumn, x: float, row: LaidRow) -> Iterator[str]:
        """The arrow back, and what arrives by it; from the loss it comes round the turn."""
        turns = (
            laid.column is self.block.loss and laid.backward is None and laid.forward is not None
        )
        if turns:
            yield _turn(x + HEAD, x + laid.room - GAP + 8, row.there, row.back)
        elif laid.backward is None:
            return
        elif laid.arrow:
            end = x + laid.arrow - 8
            yield f'<path class="way backward" d="M{x + HEAD:.1f} {row.back:.1f}H{end:.1f}"/>'
        if turns or laid.arrow:
            yield _head(x, row.back, HEAD, "backward")
        if laid.backward is not None:
            yield from laid.backward.body(x + laid.arrow, row.back, laid.backward.named)


def _turn(start: float, end: float, there: float, back: float) -> str:
    """From behind the loss round and back."""
    radius = (back - there) / 2
    return (
        f'<path class="way backward" d="M{end:.1f} {there:.1f}'
        f'a{radius:.1f} {radius:.1f} 0 0 1 0 {2 * radius:.1f}H{start:.1f}"/>'
    )


def _head(tip: float, y: float, back: float, role: str) -> str:
    """The head of an arrow, its tip here."""
    return f'<path class="head {role}" d="M{tip:.1f} {y:.1f}l{back:.1f} -5v10z"/>'


def _pile(quantities: Sequence[Quantity], x: float, y: float) -> Iterator[str]:
    """Quantities under each other, their names in a column."""
    named = max((each.named for each in quantities), default=0.0)
    for each in quantities:
        yield from each.body(x, y + (each.height + PADDING) / 2, named)
        y += each.height + PADDING


def _way_height(arriving: Sequence[Quantity | None]) -> float:
    return max((each.height for each in arriving if each is not None), default=LINE) + PADDING


def _pile_height(quantities: Sequence[Quantity]) -> float:
    return sum(each.height + PADDING for each in quantities)


def _pile_width(quantities: Sequence[Quantity]) -> float:
    named = max((each.named for each in quantities), default=0.0)
    return max((named + each.width - each.named for each in quantities), default=0.0)


def _column_width(column: Sequence[str]) -> float:
    return max(map(text_width, column)) * DIGIT


def _signed(number: str) -> str:
    return number.replace("-", "−")


def _brackets(x: float, y: float, width: float, height: float) -> str:
    """Square brackets around what is so large."""
    return (
        f'<path class="bracket" d="M{x + 4:.1f} {y:.1f}h-4v{height:.1f}h4'
        f'M{x + width - 4:.1f} {y:.1f}h4v{height:.1f}h-4"/>'
    )
