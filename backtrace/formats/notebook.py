"""How a notebook shows a trace: as HTML where it can, else as Markdown."""

from __future__ import annotations

from backtrace.tape.trace import DISPLAYS, Trace


def html(trace: Trace) -> str:
    """The trace as a ``<div>`` with its own style."""
    from backtrace.formats.html.writer import file
    from backtrace.page.trace import View, document

    return file(document(trace, View()), fragment=True)


def markdown(trace: Trace) -> str:
    """The trace as Markdown."""
    from backtrace.formats.markdown.writer import file
    from backtrace.page.trace import View, document

    return file(document(trace, View()))


DISPLAYS.update(html=html, markdown=markdown)
