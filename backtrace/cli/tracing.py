"""``backtrace trace``."""

from __future__ import annotations

import sys

import msgspec

from backtrace.cli.screen import NARROWEST, Screen, refuse
from backtrace.page.selection import Selection, problems, resolved
from backtrace.page.trace import View
from backtrace.tape.trace import Trace

FIRST_PROMPT = "  Enter: the next step, q: the end "
PROMPT = "  … "


def print_trace(trace: Trace, view: View, width: int | None, *, pause: bool, json: bool) -> None:
    """Prints what is to be seen of a trace; exits with 2 where it has nothing of that."""
    selection = chosen(trace, view.selection)
    if json:
        from backtrace.formats.json.trace import encode

        print(encode(trace, selection))
    else:
        _print_text(trace, msgspec.structs.replace(view, selection=selection), width, pause=pause)


def chosen(trace: Trace, selection: Selection) -> Selection:
    """The selection in the trace's own names; exits with 2 where the trace has not what it asks."""
    selection = resolved(trace, selection)
    found = problems(trace, selection)
    if found:
        refuse(found)
    return selection


def _print_text(trace: Trace, view: View, width: int | None, *, pause: bool) -> None:
    from backtrace.formats.terminal.layout import Layout
    from backtrace.formats.terminal.trace import passages

    screen = Screen.of_stdout(width)
    stop_after_each = pause and sys.stdin.isatty() and sys.stdout.isatty()
    if pause and not stop_after_each:
        print("--pause needs a terminal: printing without a stop", file=sys.stderr)
    prompt = FIRST_PROMPT
    layout = Layout(max(screen.width, NARROWEST), screen.unicode)
    for number, passage in enumerate(passages(trace, view, layout)):
        if stop_after_each and number > 1:  # the header and what is given belong together
            if not screen.go_on(prompt):
                return
            prompt = PROMPT if screen.unicode else "  ... "
        screen.show(passage)
