"""``backtrace trace``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import msgspec

from backtrace.cli.screen import Screen, refuse
from backtrace.cli.sources import worked
from backtrace.page.selection import Selection
from backtrace.tape.trace import Trace

FIRST_PROMPT = "  Enter: the next step, q: the end "
PROMPT = "  … "


class TraceRequest(msgspec.Struct, frozen=True):
    """What the command line asked for."""

    spec: str
    data: Path | None
    epochs: int | None
    selection: Selection
    detail: Literal["summary", "matrices", "entries"]
    explain: bool
    pause: bool
    json: bool
    width: int | None


def print_trace(request: TraceRequest) -> None:
    """Loads, works and prints; exits with 2 where spec or selection is wrong."""
    from backtrace.page.selection import problems, resolved

    trace = worked(request.spec, request.data, request.epochs)
    request = msgspec.structs.replace(request, selection=resolved(trace, request.selection))
    found = problems(trace, request.selection)
    if found:
        refuse(found)
    if request.json:
        _print_json(trace, request.selection)
    else:
        _print_text(trace, request)


def _print_json(trace: Trace, selection: Selection) -> None:
    from backtrace.formats.json.trace import encode

    print(encode(trace, selection))


def _print_text(trace: Trace, request: TraceRequest) -> None:
    from backtrace.page.trace import View

    screen = Screen.of_stdout(request.width)
    view = View(request.detail, request.explain, request.selection)
    stop_after_each = request.pause and sys.stdin.isatty() and sys.stdout.isatty()
    if request.pause and not stop_after_each:
        print("--pause needs a terminal: printing without a stop", file=sys.stderr)
    prompt = FIRST_PROMPT
    for number, _ in enumerate(screen.show(trace, view)):
        if stop_after_each and number > 1:  # the header and what is given belong together
            if not screen.go_on(prompt):
                return
            prompt = PROMPT if screen.unicode else "  ... "
