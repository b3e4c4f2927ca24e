"""``backtrace trace``."""

from __future__ import annotations

import sys

import msgspec

from backtrace.cli.screen import NARROWEST, Screen, emit, refuse, tell, useless
from backtrace.page.selection import Selection, problems, resolved, too_long
from backtrace.page.trace import View
from backtrace.tape.trace import Trace

FIRST_PROMPT = "  Enter: the next step, q: the end "
PROMPT = "  … "


def print_trace(
    trace: Trace, view: View, width: int | None, *, pause: bool, watch: bool, json: bool
) -> None:
    """Prints what is to be seen of a trace; exits with 2 where it has nothing of that."""
    selection = chosen(trace, view.selection)
    if json:
        from backtrace.formats.json.trace import encode

        emit(encode(trace, selection))
        return
    if view.detail == "entries" and (found := too_long(trace, selection)):
        refuse(found, "E505")
    view = msgspec.structs.replace(view, selection=selection)
    screen = Screen.of_stdout(width)
    if watch:
        from backtrace.cli.watching import watched

        watched(trace, view, screen)
    else:
        _print_text(trace, view, screen, pause=pause)


def check_watched(detail: str | None, *, pause: bool) -> None:
    """Refuses what does not go with watching, which shows the overview and stops nowhere."""
    found = useless({"--pause": pause}, "--watch,", "which goes on by itself")
    if detail not in (None, "overview"):
        found += useless({"--watch": True}, "--detail", str(detail))
    if found:
        refuse(found, "E504")


def chosen(trace: Trace, selection: Selection) -> Selection:
    """The selection in the trace's own names; exits with 2 where the trace has not what it asks."""
    selection = resolved(trace, selection)
    found = problems(trace, selection)
    if found:
        refuse(found, "E505")
    return selection


def _print_text(trace: Trace, view: View, screen: Screen, *, pause: bool) -> None:
    from backtrace.formats.terminal.layout import Layout
    from backtrace.formats.terminal.trace import passages

    stop_after_each = pause and sys.stdin.isatty() and sys.stdout.isatty()
    if pause and not stop_after_each:
        tell("--pause needs a terminal: printing without a stop")
    prompt = FIRST_PROMPT
    layout = Layout(max(screen.width, NARROWEST), screen.unicode)
    for number, passage in enumerate(passages(trace, view, layout)):
        if stop_after_each and number > 1:  # the header and what is given belong together
            if not screen.go_on(prompt):
                return
            prompt = PROMPT if screen.unicode else "  ... "
        screen.show(passage)
