"""``backtrace why``: the chain of one entry."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import msgspec

from backtrace.chain.explanation import Explanation
from backtrace.cli.screen import emit, refuse, show_page
from backtrace.cli.sources import worked
from backtrace.page.why.asked import Asked, NoSuchEntryError
from backtrace.page.why.document import document

WRITERS = {
    "markdown": "backtrace.formats.markdown.writer",
    "latex": "backtrace.formats.latex.writer",
    "html": "backtrace.formats.html.writer",
}


class WhyRequest(msgspec.Struct, frozen=True):
    """What the command line asked for."""

    spec: str
    entry: str
    form: str
    decimals: int | None
    data: Path | None
    width: int | None


def print_why(request: WhyRequest) -> None:
    """Works, finds and prints; exits with 2 where the spec is wrong or has no such entry."""
    asked = Asked.parse(request.entry)
    trace = worked(request.spec, request.data, asked.at.epoch if asked.at.epoch > 1 else None)
    if request.decimals is not None:
        trace = msgspec.structs.replace(trace, decimals=request.decimals)
    try:
        found = Explanation.of(trace, *asked.located(trace))
    except NoSuchEntryError as error:
        refuse([str(error)], error.code)
    if request.form == "json":
        from backtrace.formats.json.report import encode
        from backtrace.formats.json.why import as_document

        emit(encode(as_document(found)))
    elif request.form in WRITERS:
        emit(import_module(WRITERS[request.form]).file(document(found)).rstrip("\n"))
    else:
        show_page(document(found), request.width)
