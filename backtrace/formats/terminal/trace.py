"""A trace as coloured text for a terminal, in pieces to read one after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.colours import STYLES, coloured, uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.writer import passages_of
from backtrace.page.elision import Elision
from backtrace.page.trace import View, document
from backtrace.tape.trace import Trace

if TYPE_CHECKING:
    from rich.text import Text

WIDE = 100  # columns of a terminal on which more of a large matrix is shown


def passages(trace: Trace, view: View, layout: Layout) -> Iterator[Text]:
    """The header, then a step at a time."""
    for lines in _passages(trace, view, layout):
        yield coloured(lines, STYLES)


def plain_passages(trace: Trace, view: View, layout: Layout) -> Iterator[str]:
    """The same without colour, for pipes and dumb terminals; rich is not loaded for it."""
    for lines in _passages(trace, view, layout):
        yield uncoloured(lines)


def _passages(trace: Trace, view: View, layout: Layout) -> Iterator[list[Line]]:
    kept = 5 if layout.width >= WIDE else 3
    elision = Elision(kept, whole=view.selection.only, full=view.selection.full)
    page = document(trace, view, elision)
    if view.detail == "summary":  # which is to fit a screen
        page = msgspec.structs.replace(page, source="")
    return passages_of(page, layout)
