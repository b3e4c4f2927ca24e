"""How a notebook shows a trace: as HTML where it can, else as Markdown."""

from __future__ import annotations

from backtrace.page.derivation import View
from backtrace.tape.trace import Trace


def html(trace: Trace) -> str:
    """The trace as a ``<div>`` with its own style."""
    from backtrace.formats.html.html_page import html

    return html(trace, View(fragment=True))


def markdown(trace: Trace) -> str:
    """The trace as Markdown."""
    from backtrace.formats.markdown.trace import markdown

    return markdown(trace, View(fragment=True))
