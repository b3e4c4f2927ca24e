"""A trace on a terminal, in pieces to read one after another."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.writer import passages_of
from backtrace.page.elision import Elision
from backtrace.page.trace import View, document
from backtrace.tape.trace import Trace

MOST_UNFOLDED = 12  # entries of a step, unless all are asked for


def passages(trace: Trace, view: View, layout: Layout) -> Iterator[list[Line]]:
    """The header, then a step at a time."""
    chosen = view.selection
    elision = Elision(whole=chosen.only, full=chosen.full, unfolded=MOST_UNFOLDED)
    page = document(trace, view, elision)
    if view.detail in ("overview", "summary"):  # which is to fit a screen
        page = msgspec.structs.replace(page, source="")
    return passages_of(page, layout)
