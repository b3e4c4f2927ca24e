"""Drawings in a page of HTML: in its colours, each with its result in words."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from backtrace.formats.drawing.drawing import Drawing
from backtrace.formats.html.tables import prose
from backtrace.page.inert import inert

MARGIN = 4  # around what is drawn: its lines have a width
BESIDE = 568.0  # pixels that a drawing beside the text has
SMALLEST = 0.7  # of its size, so that it can be read


def beside_text(drawing: Drawing, named: str) -> Iterator[str]:
    """A drawing no larger than fits beside the text, where its words are large enough then."""
    fitting = BESIDE / (drawing.width + 2 * MARGIN)
    return drawn(drawing, named, min(1.0, max(SMALLEST, fitting)))


def drawn(drawing: Drawing, named: str, scale: float = 1.0) -> Iterator[str]:
    """A drawing that scrolls where it is too wide; ``named`` is its attribute that names it."""
    width, height = (size + 2 * MARGIN for size in (drawing.width, drawing.height))
    box = f'viewBox="-{MARGIN} -{MARGIN} {width:.0f} {height:.0f}"'
    size = f'width="{width * scale:.0f}" height="{height * scale:.0f}"'
    halo = 'paint-order="stroke"'  # around words, not over them
    yield f'<div class="scroll"><svg class="drawing" role="img" {named} {halo} {box} {size}>'
    yield from drawing.body()
    yield "</svg></div>"


def telling(words: str) -> str:
    """The attribute that says in words what a drawing shows."""
    return f'aria-label="{escape(inert(words))}"'


def legend(drawing: Drawing) -> Iterator[str]:
    """What stands where, in the colours of that."""
    for text, role in drawing.legend:
        yield f'<p class="legend {role}">{prose(text)}</p>'
