r"""The network of a trace as a ``picture``: the drawing's places, its words set by TeX.

Lines and circles are operators of PDF, which every engine that writes it can be handed; a
``picture`` by itself has no line of any slope. Needs graphicx, for words along a line, and color.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, degrees, sin

from backtrace.formats.drawing.label_layout import Rectangle
from backtrace.formats.drawing.marks import LAYER, hatch_lines
from backtrace.formats.drawing.network import (
    ABOUT_HATCHING,
    ABOUT_LINES,
    LINE,
    MANY,
    NetworkDrawing,
    Place,
)
from backtrace.formats.drawing.palette import LIGHT
from backtrace.formats.latex.tex_text import escaped
from backtrace.formats.measure import text_width
from backtrace.page.network.units import Edge, LabelledNumber, LayerColumn, Network

PIXEL = 0.75  # bp
WIDEST, HIGHEST = 480.0, 640.0  # bp, of a page
OPERATORS = (  # how an engine is handed what it writes as it is
    r"\ifdefined\pdfextension\def\drawn#1{\pdfextension literal{#1}}\else",
    r"\ifdefined\pdfliteral\def\drawn#1{\pdfliteral{#1}}\else",
    r"\def\drawn#1{\special{pdf:literal #1}}\fi\fi",
)
ARC = 0.5523  # of a radius: a quarter of a circle as a Bézier curve
SIZES = ((13.0, r"\normalsize"), (10.5, r"\footnotesize"), (9.0, r"\scriptsize"))
ABOVE, BELOW = 8.0, 8.0  # from the middle of a line to that of a word along it


def picture(found: Network) -> Iterator[str]:
    """The drawing, no wider and no higher than a page."""
    drawing = NetworkDrawing(found)
    width, height = drawing.width * PIXEL, drawing.height * PIXEL
    scale = min(1.0, WIDEST / width, HIGHEST / height)
    yield rf"\begin{{center}}\scalebox{{{scale:.3f}}}{{\setlength{{\unitlength}}{{{PIXEL}bp}}%"
    yield rf"\begin{{picture}}({drawing.width:.0f},{drawing.height:.0f})\footnotesize"
    yield from _Picture(drawing).lines()
    yield r"\end{picture}}\end{center}"


def about(found: Network) -> Iterator[str]:
    """What its colours and its hatching say, as far as it has them."""
    if any(edge.weight for column in found.columns for edge in column.edges):
        yield ABOUT_LINES
    if any(unit.off for column in found.columns for unit in column.units):
        yield ABOUT_HATCHING


class _Picture:
    """Writes a drawing from the back to the front; its y goes up."""

    def __init__(self, drawing: NetworkDrawing) -> None:
        self.drawing, self.columns = drawing, drawing.columns

    def lines(self) -> Iterator[str]:
        for at, column in enumerate(self.columns):
            yield from (self.edge(at, edge) for edge in column.edges)
        for column, boxes in zip(self.columns, self.drawing.labels, strict=True):
            for edge, box in zip(column.edges, boxes, strict=bool(boxes)):
                yield from self.along(edge, box)
        for at, column in enumerate(self.columns):
            x = self.drawing.places[at][0].x
            yield self.word(x, 22.0, rf"\textbf{{{symbol_text(column.symbol)}}}")
            yield self.word(x, 40.0, escaped(column.heading))
            for place in self.drawing.places[at]:
                yield from self.unit(place, column)
            yield from self.left_out(at, column)

    def up(self, y: float) -> float:
        return self.drawing.height - y

    def drawn(self, operators: str) -> str:
        return rf"\put(0,0){{\drawn{{q {operators} Q}}}}"

    def at(self, x: float, y: float) -> str:
        """A point in the units of PDF."""
        return f"{x * PIXEL:.2f} {self.up(y) * PIXEL:.2f}"

    def word(self, x: float, y: float, tex: str) -> str:
        return rf"\put({x:.1f},{self.up(y):.1f}){{\makebox(0,0){{{tex}}}}}"

    def over_lines(self, x: float, y: float, tex: str) -> str:
        """A word with paper behind it."""
        return self.word(x, y, rf"\fboxsep0.6pt\colorbox{{white}}{{{tex}}}")

    def edge(self, at: int, edge: Edge) -> str:
        line = self.drawing.line(at, edge)
        colour = "wire" if edge.weight == 0 else "rises" if edge.weight > 0 else "falls"
        dashed = "[5 2] 0 d " if edge.weight < 0 else ""
        ends = f"{self.at(line.x1, line.y1)} m {self.at(line.x2, line.y2)} l S"
        thick = 0.2 if len(self.columns[at].edges) > MANY else 0.6
        thick += (0.6 if thick < 0.6 else 1.6) * abs(edge.weight)
        return self.drawn(f"{_ink(colour)} RG {thick:.2f} w {dashed}{ends}")

    def along(self, edge: Edge, box: Rectangle) -> Iterator[str]:
        """What goes forward above a line, what comes back below it."""
        for text, colour, off in (
            (edge.forward, "forward", -ABOVE),
            (edge.backward, "backward", BELOW),
        ):
            if text:
                x, y = box.x - off * sin(box.angle), box.y + off * cos(box.angle)
                tex = rf"\makebox(0,0){{{symbol_text(text)}}}"
                tex = rf"\rotatebox{{{-degrees(box.angle):.1f}}}{{{tex}}}"
                yield rf"\put({x:.1f},{self.up(y):.1f}){{\textcolor{{{colour}}}{{{tex}}}}}"

    def unit(self, place: Place, column: LayerColumn) -> Iterator[str]:
        unit, radius = place.unit, self.drawing.sizes.radius
        fill = "goal" if column.layer is None else "unit" if column.layer else "card"
        ring = "backward" if column.layer is None else "forward" if column.layer else "quiet"
        yield self.drawn(f"{_ink(fill)} rg {_ink(ring)} RG 1.2 w {self.circle(place, radius)} B")
        if unit.off:
            strokes = hatch_lines(place.x, place.y, radius)
            path = " ".join(f"{self.at(*start)} m {self.at(*end)} l" for start, end in strokes)
            yield self.drawn(f"{_ink('rule')} RG 0.6 w {path} S")
        if unit.value:
            fitting = 2 * (radius - 4) / (0.62 * max(1, text_width(unit.value)))
            size = next((name for least, name in SIZES if least <= fitting), r"\tiny")
            yield self.word(place.x, place.y, rf"{size}\textbf{{{escaped(unit.value)}}}")
        if unit.z:
            yield self.over_lines(place.x, place.y - radius - 11, _coloured(unit.z, "forward"))
        rows = [(None, unit.delta), *unit.parameters]
        for at, (own, gradient) in enumerate(row for row in rows if any(row)):
            tex = [_coloured(own, "forward"), _coloured(gradient, "backward")]
            below = place.y + radius + 11 + LINE * at
            yield self.over_lines(place.x, below, r"\enspace ".join(filter(None, tex)))

    def circle(self, place: Place, radius: float) -> str:
        x, y, arc = place.x, place.y, ARC * radius
        path = f"{self.at(x + radius, y)} m"
        for sx, sy, swapped in ((1, -1, False), (-1, -1, True), (-1, 1, False), (1, 1, True)):
            far = [(sx * radius, sy * arc), (sx * arc, sy * radius), (0, sy * radius)]
            if swapped:
                far = [(sx * arc, sy * radius), (sx * radius, sy * arc), (sx * radius, 0)]
            path += "".join(f" {self.at(x + dx, y + dy)}" for dx, dy in far) + " c"
        return path

    def left_out(self, at: int, column: LayerColumn) -> Iterator[str]:
        for x, y, count in self.drawing.gaps(at):
            told = rf"$\vdots$\\{count:,} more\\of {column.size:,}"
            yield self.over_lines(x, y, rf"\shortstack{{{told}}}")


def _ink(name: str) -> str:
    """A colour of the drawing as PDF has it."""
    digits = LIGHT[name].removeprefix("#")
    return " ".join(f"{int(digits[at : at + 2], 16) / 255:.3f}" for at in (0, 2, 4))


def _coloured(labelled: LabelledNumber | None, colour: str) -> str:
    if labelled is None:
        return ""
    return rf"\textcolor{{{colour}}}{{{symbol_text(f'{labelled.symbol} {labelled.number}')}}}"


def symbol_text(text: str) -> str:
    """Our own symbols, their layer raised where the course writes it so."""
    pieces = LAYER.split(text)
    return "".join(
        f"$^{{{piece}}}$" if at % 2 else escaped(piece) for at, piece in enumerate(pieces)
    )
