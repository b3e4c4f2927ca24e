"""A drawing of a trace as a file (SVG): its network, its graph of equations, or its overview."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from backtrace.formats import file_signatures
from backtrace.formats.drawing import palette
from backtrace.formats.drawing.drawing import Drawing
from backtrace.formats.drawing.graph import GraphDrawing
from backtrace.formats.drawing.hairpin import HairpinDrawing
from backtrace.formats.drawing.marks import symbols, words
from backtrace.formats.drawing.network import NetworkDrawing
from backtrace.formats.measure import wrapped
from backtrace.page import header
from backtrace.page.board import is_board
from backtrace.page.graph import graph
from backtrace.page.inert import inert
from backtrace.page.network.reader import network
from backtrace.page.selection import updates
from backtrace.page.trace import View, first_overview
from backtrace.tape.trace import Trace

MARGIN = 40.0
NARROWEST = 560.0
LETTER = 7.4  # width of a character
NAMED = 'role="img" aria-labelledby="title about"'
HALO = 'paint-order="stroke"'  # around words, not over them


def svg(trace: Trace, view: View) -> str:
    """The drawing of the first update shown (of the sample asked for, else its first one)."""
    if view.decimals is not None:
        trace = msgspec.structs.replace(trace, decimals=view.decimals)
    if is_board(trace):
        place = updates(trace, view.selection)[0][0]
        found = graph(trace, place, view.decimal_mark, view.selection)
        drawn = GraphDrawing(found)
        return _file(trace.title, [], drawn, " ".join(text for text, _ in drawn.legend))
    if view.detail == "overview":
        block = first_overview(trace, view)
        return _file(trace.title, [header.architecture(trace)], HairpinDrawing(block), block.told)
    drawn_network = network(trace, view.selection, view.decimal_mark)
    facts = [header.architecture(trace), drawn_network.about]
    return _file(trace.title, facts, NetworkDrawing(drawn_network), drawn_network.told)


def _file(title: str, facts: list[str], drawn: Drawing, told: str) -> str:
    """A whole file: the title and the facts above the drawing, what stands where below it."""
    width = max(drawn.width + 2 * MARGIN, NARROWEST)
    room = int((width - 48) / LETTER)
    head = [(words(line), "title") for line in wrapped(inert(title), int((width - 48) / 11))]
    head += [(words(line), "fact") for fact in facts if fact for line in wrapped(fact, room)]
    top = 28.0 + 24 * len(head)
    foot = [
        (symbols(line), f"legend {role}")
        for text, role in drawn.legend
        for line in wrapped(text, room)
    ]
    height = top + drawn.height + 24 * len(foot) + 48
    body = [
        *_written(head, 36),
        f'<g transform="translate({MARGIN:.0f} {top:.0f})">',
        *drawn.body(),
        "</g>",
        *_written(foot, top + drawn.height + 32),
    ]
    return _picture(title, told, width, height, body)


def _picture(title: str, told: str, width: float, height: float, body: Iterable[str]) -> str:
    size = f'width="{width:.0f}" height="{height:.0f}"'
    box = f'viewBox="0 0 {width:.0f} {height:.0f}"'
    inside = f'width="{width - 1:.0f}" height="{height - 1:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} {NAMED} {HALO}>',
        file_signatures.TAGGED,
        f'<title id="title">{words(title)}</title>',
        f'<desc id="about">{words(told)}</desc>',
        f"<style>{palette.of_file()}</style>",
        f'<rect class="page" x="0.5" y="0.5" {inside} rx="10"/>',
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _written(lines: Iterable[tuple[str, str]], top: float) -> Iterator[str]:
    """Lines of text under each other, each with its role."""
    for at, (markup, role) in enumerate(lines):
        yield f'<text class="{role}" x="24" y="{top + 24 * at:.0f}">{markup}</text>'
