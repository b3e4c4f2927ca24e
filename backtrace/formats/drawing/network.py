"""A network as the inside of a drawing: one sample's way through it, there and back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import degrees

import msgspec

from backtrace.formats.drawing.label_layout import Rectangle, Stroke, placed
from backtrace.formats.drawing.marks import hatching, symbols, text_at, words
from backtrace.formats.drawing.palette import VALUE_SIZES
from backtrace.formats.drawing.strips import strip_width, strips
from backtrace.formats.measure import text_width
from backtrace.page.network.units import Edge, LabelledNumber, LayerColumn, Network, Unit

HEAD = 52.0  # over the units the name of each column
MARGIN = 12.0  # beside the first column and the last
BESIDE = 2.0  # between a unit and the room of the strips of what leads to it
NARROWEST_GAP = 190.0  # between the middles of two columns, before labels ask for more
FREE_LINES = 110.0  # that are seen between a column and the strips of the next
WIDER = 1.2
MOST_GAPS = 14  # times a gap is made wider
LETTER = 7.4  # width of a character of a label
LINE = 15.0  # height of a line of a label
SLANT = 0.3  # of the height is the least gap, so that no edge is too steep to read along
FAN = 0.15  # the same where no one reads along an edge
MOST_LABELLED = 12  # edges between two columns that have their numbers written on them
MANY = 30  # edges between two columns; more of them are drawn fainter
FEW_UNITS = 6  # in a column, with room around them

ABOUT_LINES = "A line is green where its weight is above 0, purple and dashed where it is below."
ABOUT_STRIPS = (
    "Left of a unit the weights that lead to it, below or beside them their gradients, each beside "
    "the largest of its layer: a bar that stands is above 0, one that hangs is below."
)
ABOUT_HATCHING = "A hatched unit is off: nothing goes back through it."


class Sizes(msgspec.Struct, frozen=True):
    """Of a unit its radius, the room above and below it, and the way to the next."""

    radius: float
    above: float
    below: float
    row: float


ROOMY = Sizes(35.0, 20.0, 40.0, 146.0)
DENSE = Sizes(26.0, 18.0, 36.0, 116.0)


class Place(msgspec.Struct, frozen=True):
    """A unit and the middle of its circle."""

    unit: Unit
    x: float
    y: float


class NetworkDrawing:
    """Places everything, then writes it; columns from left to right."""

    def __init__(self, found: Network) -> None:
        self.found, self.columns = found, found.columns
        tallest = max(map(_slots, found.columns))
        self.sizes = ROOMY if tallest <= FEW_UNITS else DENSE
        units = [unit for column in found.columns for unit in column.units]
        more = LINE * max(0, max(len(unit.parameters) for unit in units) - 1)
        sizes = self.sizes
        self.sizes = Sizes(sizes.radius, sizes.above, sizes.below + more, sizes.row + more)
        self.inner = tallest * self.sizes.row
        self.height = HEAD + self.inner
        start = MARGIN + self.reach(0)
        self.places = [self.column(column, start) for column in found.columns]
        self.labels: list[list[Rectangle]] = [[]]  # none where a column has strips
        for at in range(1, len(found.columns)):
            self.labels.append(self.pushed(at))
        self.width = self.places[-1][0].x + self.reach(-1) + MARGIN

    # Placing

    def column(self, column: LayerColumn, x: float) -> list[Place]:
        """The units under each other in the middle; a slot stays free where some are left out."""
        sizes = self.sizes
        top = HEAD + (self.inner - _slots(column) * sizes.row) / 2
        first = top + sizes.row / 2 - (sizes.below - sizes.above) / 2
        return [
            Place(unit, x, first + (at + (unit.place - 1 > at)) * sizes.row)
            for at, unit in enumerate(column.units)
        ]

    def pushed(self, at: int) -> list[Rectangle]:
        """Puts a column so far right that the labels of its edges have room, or its strips."""
        before, column = self.places[at - 1][0].x, self.columns[at]
        apart = self.widest(at - 1) + self.widest(at)
        gap = max(NARROWEST_GAP, apart + 60, SLANT * self.inner)
        if len(column.edges) <= MOST_LABELLED:
            for _ in range(MOST_GAPS):
                self.places[at] = self.column(column, before + gap)
                found = self.labelled(at)
                if found is not None:
                    return found
                gap *= WIDER
        gap = max(FAN * self.inner, apart + FREE_LINES) + _strips_of(column)
        self.places[at] = self.column(column, before + gap)
        return []

    def labelled(self, at: int) -> list[Rectangle] | None:
        """Places for the labels of a column's edges, if there are any."""
        lines = [self.line(at, edge) for edge in self.columns[at].edges]
        return placed(lines, [self.box(k, place) for k in (at - 1, at) for place in self.places[k]])

    def line(self, at: int, edge: Edge) -> Stroke:
        start, end = self.places[at - 1][edge.source], self.places[at][edge.target]
        texts = [text for text in (edge.forward, edge.backward) if text]
        width = max((text_width(text) for text in texts), default=0) * LETTER
        # of two lines one is above the edge and one below, of one the edge is still the middle
        return Stroke(start.x, start.y, end.x, end.y, width, 2 * LINE if texts else 0)

    def box(self, at: int, place: Place) -> Rectangle:
        sizes = self.sizes
        height = sizes.above + 2 * sizes.radius + sizes.below
        middle = place.y + (sizes.below - sizes.above) / 2
        return Rectangle(place.x, middle, 2 * self.widest(at), height)

    def widest(self, at: int) -> float:
        """Half of what the widest unit of a column takes, with what is written around it."""
        rows = [_texts(unit) for unit in self.columns[at].units]
        longest = max((text_width(text) for row in rows for text in row), default=0)
        return max(self.sizes.radius, longest * LETTER / 2)

    def reach(self, at: int) -> float:
        """How far a column reaches from its middle, with its heading."""
        column = self.columns[at]
        words = [column.heading, column.symbol]
        if len(column.units) < column.size:
            words.append(left_out(column.size - len(column.units), column))
        return max(self.widest(at), max(map(text_width, words)) * LETTER / 2)

    def has_strips(self, at: int) -> bool:
        return not self.labels[at] and bool(_strips_of(self.columns[at]))

    # Writing

    def body(self) -> Iterator[str]:
        for at, column in enumerate(self.columns):
            yield from (self.edge(at, edge) for edge in column.edges)
        for column, boxes in zip(self.columns, self.labels, strict=True):
            for edge, box in zip(column.edges, boxes, strict=bool(boxes)):
                yield from _edge_label(edge, box)
        for at, column in enumerate(self.columns):
            yield from self.heading(at, column)
            for place in self.places[at]:
                if self.has_strips(at):
                    left = place.x - self.sizes.radius - BESIDE
                    yield from strips(left, place.y, place.unit.weights, place.unit.gradients)
                yield from self.unit(place, column)
            yield from self.left_out(at, column)

    @property
    def legend(self) -> list[tuple[str, str]]:
        """What stands where, each line with its role."""
        found = self.found
        strips = any(self.has_strips(at) for at in range(len(self.columns)))
        said = {"forward": found.forward, "backward": found.backward}
        weighted = any(edge.weight for column in self.columns for edge in column.edges)
        off = any(unit.off for column in self.columns for unit in column.units)
        about = {ABOUT_LINES: weighted, ABOUT_STRIPS: strips, ABOUT_HATCHING: off}
        shown = " ".join(words for words, is_true in about.items() if is_true)
        return [(text, role) for role, text in {**said, "size": shown}.items() if text]

    def edge(self, at: int, edge: Edge) -> str:
        line = self.line(at, edge)
        role = "edge rises" if edge.weight > 0 else "edge falls" if edge.weight < 0 else "edge"
        many = len(self.columns[at].edges) > MANY
        role += " many" if many else ""
        size = 1 + (1.0 if many else 2.5) * abs(edge.weight)
        end = line.x2
        if self.has_strips(at):
            end -= self.sizes.radius + BESIDE + _strips_of(self.columns[at])
        return (
            f'<line class="{role}" x1="{line.x1:.1f}" y1="{line.y1:.1f}" x2="{end:.1f}" '
            f'y2="{line.y2:.1f}" stroke-width="{size:.2f}"/>'
        )

    def heading(self, at: int, column: LayerColumn) -> Iterator[str]:
        x = self.places[at][0].x
        yield text_at(x, HEAD - 30, "heading", symbols(column.symbol))
        yield text_at(x, HEAD - 12, "size", words(column.heading))

    def left_out(self, at: int, column: LayerColumn) -> Iterator[str]:
        """⋮ and a count, where units of a large layer are not shown."""
        for x, y, count in self.gaps(at):
            yield text_at(x, y - 8, "more halo", "⋮")
            yield text_at(x, y + 14, "size halo", left_out(count, column))

    def gaps(self, at: int) -> Iterator[tuple[float, float, int]]:
        """Where in a column units are left out, and how many; above it also those below."""
        places, size = self.places[at], self.columns[at].size
        lower = (self.sizes.below - self.sizes.above) / 2
        if places[0].unit.place > 1:
            yield places[0].x, places[0].y - self.sizes.row + lower, size - len(places)
        for above, below in pairwise(places):
            count = below.unit.place - above.unit.place - 1
            if count:
                yield above.x, (above.y + below.y) / 2 + lower, count

    def unit(self, place: Place, column: LayerColumn) -> Iterator[str]:
        unit, radius = place.unit, self.sizes.radius
        kind = "unit loss" if column.layer is None else "unit" if column.layer else "unit given"
        fitting = 2 * (radius - 4) / (0.62 * max(1, text_width(unit.value)))
        size = next((each for each in VALUE_SIZES if each <= fitting), VALUE_SIZES[-1])
        yield f'<circle class="{kind}" cx="{place.x:.1f}" cy="{place.y:.1f}" r="{radius:.0f}"/>'
        if unit.off:
            yield from hatching(place.x, place.y, radius)
        if unit.value:
            role = f"value size{size}{' halo' if unit.off else ''}"
            yield text_at(place.x, place.y + size * 0.36, role, words(unit.value))
        above, below = place.y - radius - 7, place.y + radius + 16
        if unit.z:
            yield text_at(place.x, above, "forward halo", symbols(_said(unit.z)))
        lines = [[_span(unit.delta, "backward")]] if unit.delta else []
        lines += [[_span(own, "forward"), _span(d, "backward")] for own, d in unit.parameters]
        for at, spans in enumerate(lines):
            yield text_at(place.x, below + LINE * at, "halo", " \u00a0".join(filter(None, spans)))


def left_out(count: int, column: LayerColumn) -> str:
    return f"{count:,} more of {column.size:,}"


def _slots(column: LayerColumn) -> int:
    return len(column.units) + (len(column.units) < column.size)


def _strips_of(column: LayerColumn) -> float:
    """How wide the strips beside the units of a column are."""
    unit = column.units[0]
    counts = [len(each) for each in (unit.weights, unit.gradients) if each]
    return strip_width(max(counts, default=0), len(counts))


def _texts(unit: Unit) -> list[str]:
    """What stands above a unit and below it, a line each."""
    lines = [[unit.z], [unit.delta], *unit.parameters]
    return ["  ".join(_said(each) for each in line if each) for line in lines]


def _said(labelled: LabelledNumber) -> str:
    return f"{labelled.symbol} {labelled.number}"


def _span(labelled: LabelledNumber | None, role: str) -> str:
    if labelled is None:
        return ""
    return f'<tspan class="{role}">{symbols(_said(labelled))}</tspan>'


def _edge_label(edge: Edge, box: Rectangle) -> Iterator[str]:
    """What goes forward above the line, what comes back below it."""
    turn = f'transform="translate({box.x:.1f} {box.y:.1f}) rotate({degrees(box.angle):.2f})"'
    for text, role, y in ((edge.forward, "forward", -4.0), (edge.backward, "backward", 13.0)):
        if text:
            yield f'<text class="{role} halo" {turn} y="{y:.0f}">{symbols(text)}</text>'
