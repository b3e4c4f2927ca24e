"""A chart in the characters of a terminal: Braille dots, or ASCII; its axes and its legend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.boxes import Line, line_width
from backtrace.formats.terminal.layout import APART, INDENT, Layout
from backtrace.page.training.chart import Chart, Point, tick_labels

ROWS = 12  # of the chart's field
MARKS = (  # training, held out, the epoch that is kept; the same in ASCII
    ("─", "╌", "◆"),
    ("*", "o", "#"),
)
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of a Braille cell, by column, row
BRAILLE = 0x2800
DASH = 4  # dots across: half of them drawn, half left out, where a line is dashed


def curve_and_legend(chart: Chart, page: Layout) -> list[Line]:
    """The chart, and below it its marks, as many to a line as fit."""
    found: list[Line] = []
    for mark, words, role in legend(chart, page):
        last: Line = found[-1] if found else []
        entry: Line = [(mark, role), (f" {words}", "")]
        if not last or line_width(last) + len(APART) + line_width(entry) > page.breadth:
            found.append([(" " * INDENT, ""), *entry])
        else:
            last += [(APART, ""), *entry]
    return [*curve(chart, page), *found]


def curve(chart: Chart, page: Layout) -> list[Line]:
    """The chart as wide as texts are on the page; nothing where it has no line to draw."""
    if chart.empty:
        return []
    labels = [page.say(text) for text in tick_labels(chart.values)]
    margin = max(map(text_width, labels), default=1)
    columns = page.breadth - INDENT - margin - 3
    field = _Field(columns, ROWS, page.unicode)
    for series in chart.series:
        field.draw([_placed(chart, point) for point in series.points], series.role)
    if chart.kept is not None:
        field.mark(_placed(chart, chart.kept))
    sides = _beside(chart, labels, margin, page)
    lines = [[*side, *row] for side, row in zip(sides, field.rows(), strict=True)]
    return [*lines, *_below(chart, columns, margin, page)]


def legend(chart: Chart, page: Layout) -> list[tuple[str, str, str]]:
    """The marks of the lines and of the kept epoch, what they are and their roles; empty where one
    will do."""
    if chart.empty:
        return []
    solid, dashed, diamond = MARKS[not page.unicode]
    found = [(solid * 2, "training", "training")]
    found += [(dashed * 2, "held out", "held out")] if len(chart.series) > 1 else []
    if chart.kept is not None:
        found.append((diamond, f"epoch {chart.kept[0]:,.0f}, kept", "best"))
    return found if len(found) > 1 else []


def _placed(chart: Chart, point: Point) -> Point:
    return chart.epochs.place(point[0]), chart.values.place(point[1])


def _beside(chart: Chart, labels: Sequence[str], margin: int, page: Layout) -> list[Line]:
    """The axis at the left, a piece a row."""
    axis, tick = ("│", "┤") if page.unicode else ("|", "+")
    texts = [""] * ROWS
    for value, label in zip(chart.values.ticks, labels, strict=True):
        row = ROWS - 1 - round(chart.values.place(value) * (ROWS - 1))
        texts[row] = texts[row] or label
    return [
        [(" " * INDENT + text.rjust(margin) + " ", "axis"), (tick if text else axis, "axis")]
        for text in texts
    ]


def _below(chart: Chart, columns: int, margin: int, page: Layout) -> list[Line]:
    """The axis of the epochs, and its labels."""
    corner, dash, tick = ("└", "─", "┬") if page.unicode else ("+", "-", "+")
    strokes, texts = [dash] * columns, [" "] * (columns + margin)
    for value in chart.epochs.ticks:
        at, label = round(chart.epochs.place(value) * (columns - 1)), f"{value:.0f}"
        start = max(0, min(at - len(label) // 2, columns - len(label)))
        clear = all(t == " " for t in texts[max(0, start - 1) : start + len(label) + 1])
        if clear:
            strokes[at] = tick
            texts[start : start + len(label)] = label
    indent = " " * (INDENT + margin + 1)
    below = "".join(texts).rstrip()
    return [[(indent + corner + "".join(strokes), "axis")], [(f"{indent} {below}", "axis")]]


class _Field:
    """The dots of a chart: 2 × 4 to a character in Braille, else one; each cell in one colour."""

    def __init__(self, columns: int, rows: int, unicode: bool) -> None:
        self.columns, self.height, self.unicode = columns, rows, unicode
        self.across, self.up = (2 * columns, 4 * rows) if unicode else (columns, rows)
        self.dots = [[0] * columns for _ in range(rows)]
        self.roles = [[""] * columns for _ in range(rows)]
        self.marks: dict[tuple[int, int], str] = {}

    def draw(self, points: Sequence[Point], role: str) -> None:
        """A line through points of the unit square; dashed where it is of held-out samples."""
        before: tuple[int, int] | None = None
        for x, y in self.thinned(points):
            for dot in _line(before or (x, y), (x, y)):
                self.dot(*dot, role)
            before = x, y

    def thinned(self, points: Iterable[Point]) -> Iterator[tuple[int, int]]:
        """Of the points over one column of dots the first, the lowest, the highest, the last."""
        column: list[int] = []
        at = -1
        for x, y in points:
            across, up = round(x * (self.across - 1)), round(y * (self.up - 1))
            if across != at and column:
                yield from ((at, each) for each in _extremes(column))
                column = []
            at = across
            column.append(up)
        yield from ((at, each) for each in _extremes(column))

    def dot(self, x: int, y: int, role: str) -> None:
        down = self.up - 1 - y
        if self.unicode:
            if role == "held out" and x % DASH >= DASH // 2:
                return
            row, column, bit = down // 4, x // 2, DOTS[x % 2][down % 4]
            self.dots[row][column] |= bit
        else:
            row, column = down, x
            self.dots[row][column] = ord(MARKS[1][role == "held out"])
        self.roles[row][column] = role

    def mark(self, point: Point) -> None:
        """The kept epoch, over whatever stands there."""
        across, up = (
            round(p * (n - 1)) for p, n in zip(point, (self.across, self.up), strict=True)
        )
        wide, high = (2, 4) if self.unicode else (1, 1)
        self.marks[(self.up - 1 - up) // high, across // wide] = MARKS[not self.unicode][2]

    def rows(self) -> Iterator[Line]:
        for at, (dots, roles) in enumerate(zip(self.dots, self.roles, strict=True)):
            line: Line = []
            for column, (bits, role) in enumerate(zip(dots, roles, strict=True)):
                character = chr(BRAILLE + bits if self.unicode else bits) if bits else " "
                marked = self.marks.get((at, column))
                span = (marked, "best") if marked else (character, role)
                if line and line[-1][1] == span[1]:
                    line[-1] = (line[-1][0] + span[0], span[1])
                else:
                    line.append(span)
            yield line


def _extremes(column: Sequence[int]) -> list[int]:
    return [column[0], min(column), max(column), column[-1]] if len(column) > 2 else list(column)


def _line(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The dots from one to another, without gaps."""
    (x1, y1), (x2, y2) = start, end
    count = max(abs(x2 - x1), abs(y2 - y1))
    for at in range(count + 1):
        share = at / count if count else 0
        yield round(x1 + (x2 - x1) * share), round(y1 + (y2 - y1) * share)
