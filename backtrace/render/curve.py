"""The loss over the epochs as a chart for a terminal, and the scales that every chart of it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import ceil, floor, isfinite, log10
from typing import TypeAlias

import msgspec

from backtrace.notation.numbers import number
from backtrace.render.boxes import Line
from backtrace.render.measure import text_width
from backtrace.render.page import INDENT, Page
from backtrace.tape.training import Record

ROWS = 12  # of the chart's field
ROUND = (1, 2, 5, 10)  # times a power of ten: what a tick may stand at
LARGEST = 1e300  # of a value; round ones beyond the largest of all can't be written
LOG_FROM = 100  # largest loss over smallest, above which the scale is logarithmic
MOST_POWERS = 6  # of ten as ticks
FEW_DECADES = 2  # with fewer decades on a logarithmic scale 2 and 5 are ticks too
MARKS = (
    ("─", "╌", "◆"),
    ("*", "o", "#"),
)  # training, held out, the epoch that is kept; the same in ASCII
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of a Braille cell, by column, row
BRAILLE = 0x2800
DASH = 4  # dots across: half of them drawn, half left out, where a line is dashed

Point: TypeAlias = tuple[float, float]


class Series(msgspec.Struct, frozen=True):
    """A line of a chart: its name, its role, and (epoch, value) where the value is finite."""

    name: str
    role: str
    points: tuple[Point, ...]


class Scale(msgspec.Struct, frozen=True):
    """Values from ``low`` to ``high`` along an axis, with the values at which it has labels."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value stands, from 0 at ``low`` to 1 at ``high``."""
        low, high, at = (log10(v) if self.log else v for v in (self.low, self.high, value))
        return (at - low) / (high - low)


class Chart(msgspec.Struct, frozen=True):
    """Lines over the epochs, and the epoch whose parameters are kept where that is marked."""

    series: tuple[Series, ...]
    epochs: Scale
    values: Scale
    kept: Point | None = None

    @property
    def empty(self) -> bool:
        """Whether there is no line to draw: no finite value, or only one epoch."""
        return self.epochs.low == self.epochs.high or not any(s.points for s in self.series)


def losses(records: Sequence[Record], kept: int | None = None) -> Chart:
    """The loss, and that of held-out samples; ``kept`` is the epoch to mark.

    Epochs with a loss that is not finite (or beyond ``LARGEST``) have no point.
    """
    held = [(r.epoch, r.validation.loss) for r in records if r.validation is not None]
    lines = [
        _series("training", "training", ((r.epoch, r.training.loss) for r in records)),
        *([_series("held out", "held out", held)] if held else []),
    ]
    marked = next((r for r in records if r.epoch == kept), None)
    at = None if marked is None else (float(marked.epoch), marked.judged.loss)
    at = at if at is not None and _is_drawn(at[1]) else None
    values = [value for line in lines for _, value in line.points]
    return Chart(tuple(lines), _epochs(records), value_scale(values), at)


def accuracies(records: Sequence[Record]) -> Chart:
    """The share classified right, in percent; without points where there are no classes."""
    training = [(r.epoch, 100 * a) for r in records if (a := r.training.accuracy) is not None]
    held = [(r.epoch, v.accuracy) for r in records if (v := r.validation) is not None]
    lines = [_series("training", "training", training)]
    shares = [(epoch, 100 * a) for epoch, a in held if a is not None]
    lines += [_series("held out", "held out", shares)] if shares else []
    return Chart(tuple(lines), _epochs(records), Scale(0, 100, (0, 20, 40, 60, 80, 100)))


def _series(name: str, role: str, points: Iterable[Point]) -> Series:
    return Series(name, role, tuple((e, v) for e, v in points if _is_drawn(v)))


def _is_drawn(value: float) -> bool:
    return isfinite(value) and abs(value) < LARGEST


def _epochs(records: Sequence[Record]) -> Scale:
    first, last = (records[0].epoch, records[-1].epoch) if records else (0, 0)
    ticks = [tick for tick in _round_values(first, last, 6) if tick == int(tick)]
    return Scale(first, last, tuple(ticks))


def value_scale(values: Sequence[float]) -> Scale:
    """From the smallest value to the largest, or further to a round one; 0 to 1 without values.

    It is logarithmic where they are positive and span more than two decades.
    """
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low > 0 and high / low > LOG_FROM:
        return _logarithmic(low, high)
    if low == high:
        low, high = min(low, 0.0), max(high, 0.0) or 1.0
    elif 0 < low < high / 2:
        low = 0.0
    ticks = _round_values(low, high, 5)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
    bottom, top = floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step
    return Scale(bottom, top, tuple(_multiples(bottom, top, step)))


def _logarithmic(low: float, high: float) -> Scale:
    """Powers of ten as ticks; where these are few their doubles and fives as well."""
    first, last = floor(log10(low)), ceil(log10(high))
    every = round(_round_step((last - first) / MOST_POWERS)) if last - first > MOST_POWERS else 1
    powers = range(-(-first // every) * every, last + 1, every)
    factors = ROUND[:3] if last - first <= FEW_DECADES + 1 else ROUND[:1]
    ticks = [factor * 10.0**power for power in powers for factor in factors]
    return Scale(low, high, tuple(tick for tick in ticks if low <= tick <= high), log=True)


def _round_values(low: float, high: float, most: int) -> list[float]:
    """At most ``most`` + 1 round values from low to high, evenly spaced."""
    if not high > low:
        return [low]
    step = _round_step((high - low) / most)
    return _multiples(ceil(low / step - 1e-9) * step, high, step)


def _round_step(rough: float) -> float:
    """The next round number that is not smaller."""
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in ROUND if factor * power >= rough * (1 - 1e-9))


def _multiples(first: float, last: float, step: float) -> list[float]:
    count = floor((last - first) / step + 1e-6) + 1
    return [round(first / step) * step + at * step for at in range(count)]


def tick_labels(scale: Scale) -> list[str]:
    """The ticks as texts, with as many decimals as tell them apart."""
    if scale.log:
        return [_power(tick) for tick in scale.ticks]
    step = scale.ticks[1] - scale.ticks[0] if len(scale.ticks) > 1 else scale.ticks[0] or 1.0
    decimals = max(0, -floor(log10(abs(step)) + 1e-9))
    if decimals > 6 or max(map(abs, scale.ticks)) >= 1e6:
        return [f"{tick:.3g}" for tick in scale.ticks]
    return [f"{tick:.{decimals}f}" for tick in scale.ticks]


def _power(tick: float) -> str:
    if 1e-4 < tick < 1e6:
        return number(tick, 4)
    return f"{tick:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


# --- on a terminal


def curve(chart: Chart, page: Page) -> list[Line]:
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


def legend(chart: Chart, page: Page) -> list[tuple[str, str]]:
    """The marks of the lines and of the kept epoch, each with its role; empty where one will do."""
    if chart.empty:
        return []
    solid, dashed, diamond = MARKS[not page.unicode]
    found = [(f"{solid * 2} training", "training")]
    found += [(f"{dashed * 2} held out", "held out")] if len(chart.series) > 1 else []
    if chart.kept is not None:
        found.append((f"{diamond} epoch {chart.kept[0]:,.0f}, kept", "best"))
    return found if len(found) > 1 else []


def _placed(chart: Chart, point: Point) -> Point:
    return chart.epochs.place(point[0]), chart.values.place(point[1])


def _beside(chart: Chart, labels: Sequence[str], margin: int, page: Page) -> list[Line]:
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


def _below(chart: Chart, columns: int, margin: int, page: Page) -> list[Line]:
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
