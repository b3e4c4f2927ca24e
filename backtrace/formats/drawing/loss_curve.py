"""Loss by epoch as a drawing (SVG), and the share classified right where there is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from backtrace.formats import file_signatures
from backtrace.formats.drawing import palette
from backtrace.formats.drawing.sketches import SketchesDrawing
from backtrace.formats.measure import wrapped
from backtrace.page.blocks import Section
from backtrace.page.inert import inert
from backtrace.page.training.chart import Chart, Point, accuracies, tick_labels
from backtrace.page.training.outcome import Outcome, outcome
from backtrace.page.training.sketches import Sketches
from backtrace.spec.model import Spec
from backtrace.tape.training import Training

WIDTH = 760.0
LEFT, RIGHT = 76.0, 24.0  # of a panel's field
HEAD, LINE = 36.0, 22.0  # the title's baseline; from one line of text to the next
LOSS, ACCURACY = 280.0, 130.0  # heights of the panels' fields
HEADING, AXIS, GAP = 28.0, 44.0, 22.0  # above a field, below it, between two panels
MOST_POINTS = 600  # of a line, twice what can be told apart
TITLE_LETTER, LETTER = 11.0, 7.0
LEGEND = 150.0  # from one entry to the next

RULES = {
    ".page": "fill:{paper};stroke:{rule}",
    "text": "fill:{ink};font-size:12px",
    ".title": "font-size:19px;font-weight:600",
    ".fact": "fill:{quiet};font-size:13px",
    ".heading": "font-size:14px;font-weight:600",
    ".tick": "fill:{quiet}",
    ".value": "text-anchor:end",
    ".epoch": "text-anchor:middle",
    ".grid": "stroke:{rule}",
    ".axis": "stroke:{wire}",
    ".line": "fill:none;stroke-width:2;stroke-linejoin:round",
    ".training": "stroke:{forward}",
    ".held-out": "stroke:{falls};stroke-dasharray:6 4",
    ".kept": "stroke:{updated};stroke-dasharray:2 3",
    ".dot": "fill:{updated}",
    ".lone": "fill:{forward}",
}


def curve_svg(spec: Spec, training: Training, learned: Iterable[Section] = ()) -> str:
    """The drawing: the loss, under it the share right of classes, the kept epoch marked; below
    them what was ``learned``, in pictures."""
    said = outcome(spec, training)
    drawing = _CurveDrawing(said, accuracies(training.records), list(learned))
    return "\n".join(drawing.lines()) + "\n"


class _CurveDrawing:
    """The head, then the panels under each other."""

    def __init__(self, said: Outcome, accuracy: Chart, learned: Sequence[Section]) -> None:
        self.said = said
        self.pictures = [
            (section.title, SketchesDrawing(block, WIDTH - LEFT - RIGHT))
            for section in learned
            for block in section.blocks
            if isinstance(block, Sketches)
        ]
        room = WIDTH - 48
        self.head = [
            *((line, "title") for line in wrapped(said.title, int(room / TITLE_LETTER))),
            *((line, "fact") for line in wrapped(said.architecture, int(room / LETTER))),
            *((line, "fact") for line in wrapped(_ending(said), int(room / LETTER))),
        ]
        scale = " (logarithmic scale)" if said.chart.values.log else ""
        self.panels = [(f"{said.chart.of} by epoch{scale}", said.chart, LOSS)]
        if any(series.points for series in accuracy.series):
            self.panels.append(("Classified right, in percent", accuracy, ACCURACY))

    def lines(self) -> Iterator[str]:
        top = HEAD + LINE * (len(self.head) - 1) + 20
        heights = [HEADING + height + AXIS + GAP for _, _, height in self.panels]
        height = top + sum(heights) + (LINE if self.legend() else 0)
        height += sum(HEADING + drawing.height + GAP for _, drawing in self.pictures)
        size = f'width="{WIDTH:.0f}" height="{height:.0f}"'
        named = 'role="img" aria-labelledby="title about"'
        box = f'viewBox="0 0 {WIDTH:.0f} {height:.0f}"'
        yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} {named}>'
        yield file_signatures.TAGGED
        yield f'<title id="title">{_text(self.said.title)}</title>'
        yield f'<desc id="about">{_text(_ending(self.said))}</desc>'
        yield f"<style>{palette.of_file(RULES)}</style>"
        inside = f'width="{WIDTH - 1:.0f}" height="{height - 1:.0f}"'
        yield f'<rect class="page" x="0.5" y="0.5" {inside} rx="10"/>'
        for at, (line, role) in enumerate(self.head):
            yield f'<text class="{role}" x="24" y="{HEAD + LINE * at:.0f}">{_text(line)}</text>'
        for (heading, chart, field), taken in zip(self.panels, heights, strict=True):
            yield from _Panel(heading, chart, top, field, self.said.chart).lines()
            top += taken
        yield from self.legend_lines(top)
        yield from self.picture_lines(top + (LINE if self.legend() else 0))
        yield "</svg>"

    def picture_lines(self, top: float) -> Iterator[str]:
        for title, drawing in self.pictures:
            top += HEADING
            yield f'<text class="heading" x="{LEFT:.0f}" y="{top - 12:.0f}">{_text(title)}</text>'
            yield from drawing.body(LEFT, top)
            top += drawing.height + GAP

    def legend(self) -> list[tuple[str, str]]:
        found = [("training", "line training")]
        if len(self.said.chart.series) > 1:
            found.append(("held out", "line held-out"))
        if self.said.chart.kept is not None:
            found.append((f"epoch {self.said.chart.kept[0]:,.0f}, kept", "line kept"))
        return found if len(found) > 1 else []

    def legend_lines(self, y: float) -> Iterator[str]:
        for at, (text, role) in enumerate(self.legend()):
            x = LEFT + LEGEND * at
            yield f'<line class="{role}" x1="{x:.0f}" y1="{y:.0f}" x2="{x + 28:.0f}" y2="{y:.0f}"/>'
            yield f'<text x="{x + 36:.0f}" y="{y + 4:.0f}">{_text(text)}</text>'


class _Panel:
    """One field with its axes: values up, epochs to the right."""

    def __init__(self, heading: str, chart: Chart, top: float, height: float, kept: Chart) -> None:
        self.heading, self.chart = heading, chart
        self.top, self.height = top + HEADING, height
        self.kept = kept.kept

    def lines(self) -> Iterator[str]:
        yield f'<text class="heading" x="{LEFT:.0f}" y="{self.top - 14:.0f}">{self.heading}</text>'
        yield from self.values()
        yield from self.epochs()
        if self.kept is not None and not self.chart.empty:
            x = self.x(self.kept[0])
            ends = f'y1="{self.top:.1f}" y2="{self.top + self.height:.1f}"'
            yield f'<line class="line kept" x1="{x:.1f}" x2="{x:.1f}" {ends}/>'
        for series in self.chart.series:
            yield from self.line(series.points, series.role.replace(" ", "-"))
        if self.kept is not None and self.chart.kept is not None:
            x, y = self.at(self.chart.kept)
            yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'

    def values(self) -> Iterator[str]:
        for value, label in zip(
            self.chart.values.ticks, tick_labels(self.chart.values), strict=True
        ):
            y = self.top + self.height * (1 - self.chart.values.place(value))
            ends = f'x1="{LEFT:.1f}" x2="{WIDTH - RIGHT:.1f}" y1="{y:.1f}" y2="{y:.1f}"'
            yield f'<line class="grid" {ends}/>'
            yield f'<text class="tick value" x="{LEFT - 8:.1f}" y="{y + 4:.1f}">{label}</text>'

    def epochs(self) -> Iterator[str]:
        bottom = self.top + self.height
        ends = f'x1="{LEFT:.1f}" x2="{WIDTH - RIGHT:.1f}" y1="{bottom:.1f}" y2="{bottom:.1f}"'
        yield f'<line class="axis" {ends}/>'
        for value in self.chart.epochs.ticks:
            x = self.x(value)
            ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{bottom:.1f}" y2="{bottom + 5:.1f}"'
            yield f'<line class="axis" {ends}/>'
            yield f'<text class="tick epoch" x="{x:.1f}" y="{bottom + 20:.1f}">{value:.0f}</text>'

    def line(self, points: Sequence[Point], role: str) -> Iterator[str]:
        if len(points) == 1:
            x, y = self.at(points[0])
            yield f'<circle class="lone" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        elif points:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, _thinned(points)))
            yield f'<polyline class="line {role}" points="{path}"/>'

    def at(self, point: Point) -> Point:
        return self.x(point[0]), self.top + self.height * (1 - self.chart.values.place(point[1]))

    def x(self, epoch: float) -> float:
        scale = self.chart.epochs
        share = scale.place(epoch) if scale.high > scale.low else 0.5
        return LEFT + (WIDTH - RIGHT - LEFT) * share


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Of many points the lowest and the highest of every few: the line keeps its shape."""
    if len(points) <= MOST_POINTS:
        return list(points)
    each = -(-2 * len(points) // MOST_POINTS)
    kept = [points[0]]
    for start in range(0, len(points), each):
        group = points[start : start + each]
        ends = {min(group, key=lambda p: p[1]), max(group, key=lambda p: p[1])}
        kept += sorted(ends)
    return [*kept, points[-1]]


def _ending(said: Outcome) -> str:
    return " ".join(filter(None, [said.ended, said.diverged, said.kept]))


def _text(text: str) -> str:
    return escape(inert(text))
