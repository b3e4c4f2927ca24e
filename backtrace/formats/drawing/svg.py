"""A trace as a drawing (SVG): the network with one sample's numbers, there and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from math import degrees

import msgspec

from backtrace.formats import file_signatures
from backtrace.formats.drawing.graph import COLOURS, GraphDrawing
from backtrace.formats.drawing.graph import STYLE as GRAPH_STYLE
from backtrace.formats.drawing.label_layout import Rectangle, Stroke, placed
from backtrace.formats.measure import text_width, wrapped
from backtrace.page import header
from backtrace.page.board import is_board
from backtrace.page.graph import graph
from backtrace.page.inert import inert
from backtrace.page.network import Edge, LabelledNumber, LayerColumn, Network, Unit, network
from backtrace.page.selection import updates
from backtrace.page.trace import View
from backtrace.tape.trace import Trace

RADIUS = 35.0
ROW = 146.0  # from one unit to the next
MARGIN = 40.0
ABOVE, BELOW = 20.0, 40.0  # room for what is written over and under a unit
NARROWEST_GAP = 190.0  # between the middles of two columns, before labels ask for more
WIDER = 1.2
MOST_GAPS = 14  # times a gap is made wider
LETTER = 7.4  # width of a character of a label
LINE = 15.0  # height of a line of a label
NARROWEST = 560.0
SLANT = 0.3  # of the height is the least gap, so that no edge is too steep to read along
MANY = 30  # edges between two columns; more of them are drawn fainter
LAYER = re.compile(r"\^(\(\d+\)|\[\d+\])")  # a layer as the course writes it: z^(2)
NAMED = 'aria-labelledby="title about"'

STYLE = """
svg{font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",Arial,sans-serif}
.page{fill:#fdfdfb;stroke:#d9d6cd}
text{fill:#24292f;font-size:12px;text-anchor:middle}
.title{font-size:19px;font-weight:600;text-anchor:start}
.fact{fill:#57606a;font-size:13px;text-anchor:start}
.heading{font-size:14px;font-weight:600}
.size{fill:#57606a}
.edge{stroke:#9aa4af;fill:none}
.many{stroke:#c3cad2}
.mark{font-size:75%}
.unit{fill:#eaf3fb;stroke:#1f6feb;stroke-width:2}
.given{fill:#f3f1ea;stroke:#6e7781}
.loss{fill:#fff4e0;stroke:#9a6700}
.value{font-weight:600}
.halo{stroke:#fdfdfb;stroke-width:4;stroke-linejoin:round;paint-order:stroke}
.forward{fill:#0b4a9e}
.backward{fill:#a01967}
.more{font-size:22px;fill:#57606a}
.legend{text-anchor:start;font-size:13px}
"""


def svg(trace: Trace, view: View) -> str:
    """The drawing of the first update shown (of the sample asked for, else its first one)."""
    if view.decimals is not None:
        trace = msgspec.structs.replace(trace, decimals=view.decimals)
    if is_board(trace):
        return _graph(trace, view)
    return _Drawing(trace, network(trace, view.selection, view.decimal_mark)).document()


def _graph(trace: Trace, view: View) -> str:
    """Equations as their computational graph."""
    place = updates(trace, view.selection)[0][0]
    found = graph(trace, place, view.decimal_mark)
    drawing = GraphDrawing(found)
    width = max(drawing.width + 2 * MARGIN, NARROWEST)
    room = int((width - 48) / LETTER)
    head = [(_text(line), "title") for line in wrapped(inert(trace.title), int((width - 48) / 11))]
    about = f"{found.legend} {COLOURS}"
    head += [(_text(line), "fact") for line in wrapped(about, room)]
    top = 28.0 + 24 * len(head) + 20
    inside = f'<g transform="translate({MARGIN:.0f} {top:.0f})">'
    body = [*_written(head, 36), inside, *drawing.body(), "</g>"]
    height = top + drawing.height + MARGIN
    return _picture(trace.title, about, width, height, body, STYLE + GRAPH_STYLE)


def _picture(
    title: str, about: str, width: float, height: float, body: Iterable[str], style: str
) -> str:
    """A whole file of SVG."""
    size = f'width="{width:.0f}" height="{height:.0f}"'
    box = f'viewBox="0 0 {width:.0f} {height:.0f}"'
    inside = f'width="{width - 1:.0f}" height="{height - 1:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} role="img" {NAMED}>',
        file_signatures.TAGGED,
        f'<title id="title">{_text(title)}</title>',
        f'<desc id="about">{_text(about)}</desc>',
        f"<style>{style}</style>",
        f'<rect class="page" x="0.5" y="0.5" {inside} rx="10"/>',
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


class _Place(msgspec.Struct, frozen=True):
    """A unit and the middle of its circle."""

    unit: Unit
    x: float
    y: float


class _Drawing:
    """Places everything, then writes it; columns from left to right."""

    def __init__(self, trace: Trace, found: Network) -> None:
        self.trace = trace
        self.columns = found.columns
        self.found = found
        tallest = max(map(_slots, found.columns))
        self.height = tallest * ROW
        self.places = [self.column(column, MARGIN + 60) for column in found.columns]
        self.labels: list[list[Rectangle]] = [[]]
        for at in range(1, len(found.columns)):
            self.push(at)
        self.width = max(self.places[-1][0].x + 60 + MARGIN, NARROWEST)

    # Placing

    def column(self, column: LayerColumn, x: float) -> list[_Place]:
        """The units under each other in the middle; a slot stays free where some are left out."""
        top = (self.height - _slots(column) * ROW) / 2 + ROW / 2 - (BELOW - ABOVE) / 2
        places = []
        for at, unit in enumerate(column.units):
            skipped = unit.place - 1 > at
            places.append(_Place(unit, x, top + (at + skipped) * ROW))
        return places

    def push(self, at: int) -> None:
        """Puts a column so far right that the labels of its edges have room."""
        before, column = self.places[at - 1], self.columns[at]
        gap = max(NARROWEST_GAP, self.widest(at - 1) + self.widest(at) + 60, SLANT * self.height)
        for _ in range(MOST_GAPS):
            self.places[at] = self.column(column, before[0].x + gap)
            lines = [self.line(at, edge) for edge in column.edges]
            boxes = [self.box(at - 1, place) for place in before]
            found = placed(lines, boxes + [self.box(at, place) for place in self.places[at]])
            if found is not None:
                self.labels.append(found)
                return
            gap *= WIDER
        self.labels.append([line.label(0.5) for line in lines])

    def line(self, at: int, edge: Edge) -> Stroke:
        start, end = self.places[at - 1][edge.source], self.places[at][edge.target]
        texts = [text for text in (edge.forward, edge.backward) if text]
        width = max((text_width(text) for text in texts), default=0) * LETTER
        # of two lines one is above the edge and one below, of one the edge is still the middle
        return Stroke(start.x, start.y, end.x, end.y, width, 2 * LINE if texts else 0)

    def box(self, at: int, place: _Place) -> Rectangle:
        height = ABOVE + 2 * RADIUS + BELOW
        return Rectangle(place.x, place.y + (BELOW - ABOVE) / 2, 2 * self.widest(at), height)

    def widest(self, at: int) -> float:
        """Half of what the widest unit of a column takes, with what is written around it."""
        rows = [_texts(unit) for unit in self.columns[at].units]
        words = max((text_width(text) for row in rows for text in row), default=0)
        return max(RADIUS, words * LETTER / 2)

    # Writing

    def document(self) -> str:
        head = self.head()
        top = 28.0 + 24 * len(head) + 52
        legend = self.legend()
        height = top + self.height + 24 * len(legend) + 24
        body = [
            *_written(head, 36),
            f'<g transform="translate(0 {top:.0f})">',
            *self.body(),
            "</g>",
            *_written(legend, top + self.height + 24),
        ]
        about = header.architecture(self.trace)
        return _picture(self.trace.title, about, self.width, height, body, STYLE)

    def head(self) -> list[tuple[str, str]]:
        """The lines above the drawing as markup, each with its role."""
        title = wrapped(inert(self.trace.title), int((self.width - 48) / 11))
        facts = [header.architecture(self.trace)]
        facts += [self.found.about] if self.found.about else []
        room = int((self.width - 48) / LETTER)
        return [
            *((_text(line), "title") for line in title),
            *((_text(line), "fact") for fact in facts for line in wrapped(fact, room)),
        ]

    def body(self) -> Iterator[str]:
        for at, column in enumerate(self.columns):
            for edge in column.edges:
                yield self.edge(at, edge, "edge many" if len(column.edges) > MANY else "edge")
        for column, boxes in zip(self.columns, self.labels, strict=True):
            for edge, box in zip(column.edges, boxes, strict=True):
                yield from _edge_label(edge, box)
        for at, column in enumerate(self.columns):
            yield from self.heading(at, column)
            for place in self.places[at]:
                yield from _unit(place, self.kind(at))
            yield from self.left_out(at, column)

    def kind(self, at: int) -> str:
        if at == 0:
            return "unit given"
        return "unit loss" if at and self.columns[at].heading == "Loss" else "unit"

    def edge(self, at: int, edge: Edge, role: str) -> str:
        line = self.line(at, edge)
        return (
            f'<line class="{role}" x1="{line.x1:.1f}" y1="{line.y1:.1f}" x2="{line.x2:.1f}" '
            f'y2="{line.y2:.1f}" stroke-width="{1 + 2 * edge.strength:.2f}"/>'
        )

    def heading(self, at: int, column: LayerColumn) -> Iterator[str]:
        x = self.places[at][0].x
        yield f'<text class="heading" x="{x:.1f}" y="-30">{_symbols(column.symbol)}</text>'
        yield f'<text class="size" x="{x:.1f}" y="-12">{_text(column.heading)}</text>'

    def left_out(self, at: int, column: LayerColumn) -> Iterator[str]:
        """⋮ and a count, where units of a large layer are not shown."""
        for above, below in zip(self.places[at], self.places[at][1:], strict=False):
            count = below.unit.place - above.unit.place - 1
            if count:
                y = (above.y + below.y) / 2 + (BELOW - ABOVE) / 2
                yield f'<text class="more halo" x="{above.x:.1f}" y="{y - 8:.1f}">⋮</text>'
                yield (
                    f'<text class="size halo" x="{above.x:.1f}" y="{y + 14:.1f}">'
                    f"{count} more of {column.size}</text>"
                )

    def legend(self) -> list[tuple[str, str]]:
        room = int((self.width - 48) / LETTER)
        said = {"forward": self.found.forward, "backward": self.found.backward}
        return [
            (_symbols(line), f"legend {role}")
            for role, text in said.items()
            if text
            for line in wrapped(text, room)
        ]


def _written(lines: Iterable[tuple[str, str]], top: float) -> Iterator[str]:
    """Lines of text under each other, each with its role."""
    for at, (markup, role) in enumerate(lines):
        yield f'<text class="{role}" x="24" y="{top + 24 * at:.0f}">{markup}</text>'


def _slots(column: LayerColumn) -> int:
    return len(column.units) + (len(column.units) < column.size)


def _texts(unit: Unit) -> list[str]:
    """What stands above a unit and below it, a line each."""
    lines = [[unit.z], [unit.delta], [unit.bias, unit.bias_gradient]]
    return ["  ".join(_words(each) for each in line if each) for line in lines]


def _words(labelled: LabelledNumber) -> str:
    return f"{labelled.symbol} {labelled.number}"


def _unit(place: _Place, kind: str) -> Iterator[str]:
    unit = place.unit
    size = min(15.0, 2 * (RADIUS - 4) / (0.62 * max(1, text_width(unit.value))))
    yield f'<circle class="{kind}" cx="{place.x:.1f}" cy="{place.y:.1f}" r="{RADIUS:.0f}"/>'
    yield _at(place.x, place.y + size * 0.36, "value", _text(unit.value), f"{size:.1f}px")
    above, below = place.y - RADIUS - 7, place.y + RADIUS + 16
    if unit.z:
        yield _at(place.x, above, "forward halo", _symbols(_words(unit.z)))
    lines = [[_span(unit.delta, "backward")]] if unit.delta else []
    if unit.bias:
        lines.append([_span(unit.bias, "forward"), _span(unit.bias_gradient, "backward")])
    for at, spans in enumerate(lines):
        yield _at(place.x, below + LINE * at, "halo", " \u00a0".join(filter(None, spans)))


def _span(labelled: LabelledNumber | None, role: str) -> str:
    if labelled is None:
        return ""
    return f'<tspan class="{role}">{_symbols(_words(labelled))}</tspan>'


def _at(x: float, y: float, role: str, markup: str, size: str = "") -> str:
    # an attribute would lose against the style sheet
    style = f' style="font-size:{size}"' if size else ""
    return f'<text class="{role}"{style} x="{x:.1f}" y="{y:.1f}">{markup}</text>'


def _edge_label(edge: Edge, box: Rectangle) -> Iterator[str]:
    """What goes forward above the line, what comes back below it."""
    turn = f'transform="translate({box.x:.1f} {box.y:.1f}) rotate({degrees(box.angle):.2f})"'
    for text, role, y in ((edge.forward, "forward", -4.0), (edge.backward, "backward", 13.0)):
        if text:
            yield f'<text class="{role} halo" {turn} y="{y:.0f}">{_symbols(text)}</text>'


def _text(text: str) -> str:
    return escape(inert(text))


def _symbols(text: str) -> str:
    """Our own symbols, their layer raised where the course writes it so."""
    pieces = LAYER.split(text)
    written = _text(pieces[0])
    for mark, rest in zip(pieces[1::2], pieces[2::2], strict=True):
        # the next letter comes back down; where there is none, one that is not seen
        written += f'<tspan class="mark" dy="-4">{mark}</tspan><tspan dy="4">{_text(rest)}'
        written += "</tspan>" if rest else "\u200b</tspan>"
    return written
