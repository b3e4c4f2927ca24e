"""``backtrace trace --watch``: the overview fills in, forward and back, as it is worked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from time import sleep

import msgspec

from backtrace.cli.screen import NARROWEST, Screen, redraws
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.trace import passages
from backtrace.page.board import is_board
from backtrace.page.selection import updates
from backtrace.page.trace import View
from backtrace.tape.trace import Trace

BEAT = 0.4  # seconds from one quantity to the next


def watched(trace: Trace, view: View, screen: Screen) -> None:
    """Prints the overview quantity by quantity.

    All of it at once where lines stay as they are, and of equations, whose graph has no wave.
    """
    layout = Layout(max(screen.width, NARROWEST), screen.unicode)
    whole = list(passages(trace, view, layout))
    if is_board(trace) or not redraws(max(map(len, whole))):
        moments = [whole]
    else:
        reached = (msgspec.structs.replace(view, reached=at) for at in _moments(trace, view))
        moments = [*(list(passages(trace, each, layout)) for each in reached), whole]
    for frames in zip(*moments, strict=True):
        _play(frames, screen)


def _moments(trace: Trace, view: View) -> Iterator[int]:
    """How many steps are worked before each one of the updates to show."""
    shown, _ = updates(trace, view.selection)
    for at, step in enumerate(trace.steps):
        if (step.epoch, step.batch) in shown and step.phase != "given":
            yield at


def _play(frames: tuple[list[Line], ...], screen: Screen) -> None:
    """The same lines, fuller from frame to frame, over each other."""
    screen.show(frames[0])
    for before, frame in pairwise(frames):
        if frame != before:
            sleep(BEAT)
            screen.show_again(frame)
