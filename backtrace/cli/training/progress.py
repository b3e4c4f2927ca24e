"""How far a training has come, as a bar on the terminal while it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from backtrace.notation.numbers import significant
from backtrace.spec.model import Spec
from backtrace.tape.training import Record

if TYPE_CHECKING:
    from rich.progress import Progress

REDRAWN = 0.1  # seconds between two drawings

# Columns of the loss, the accuracy, the time left and the shortest bar.
LOSS, ACCURACY, LEFT, SHORTEST = len(" loss 1.234e-10"), 16, 14, 10

Show: TypeAlias = Callable[[Record], object]
"""Shows a record, unless something has just been shown."""


@contextmanager
def watching(spec: Spec, quiet: bool = False) -> Iterator[Show]:
    """A bar on stderr until the block ends, then gone: epoch, loss, accuracy, time left.

    Where stderr is no terminal, or with ``quiet``, there is nothing, and rich is not loaded.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM", "") in ("dumb", "unknown"):
        yield lambda record: None
        return
    with _progress(spec.epochs) as progress:
        yield _Bar(progress, spec).seen


class _Bar:
    """Draws at most every ``REDRAWN`` seconds."""

    def __init__(self, progress: Progress, spec: Spec) -> None:
        self.progress, self.followed = progress, spec.followed
        self.task = progress.add_task("", total=spec.epochs, visible=False, loss="", accuracy="")
        self.drawn = -REDRAWN

    def seen(self, record: Record) -> None:
        now = monotonic()
        if now - self.drawn >= REDRAWN:
            self.drawn = now
            self.draw(record, now)

    def draw(self, record: Record, now: float) -> None:
        self.progress.update(
            self.task,
            visible=True,
            completed=record.epoch,
            refresh=True,
            loss=f"{self.followed} {_number(record.judged.loss)}",
            accuracy=_share(record.judged.accuracy),
        )


def _progress(epochs: int) -> Progress:
    """The columns for which the terminal has room: no number is ever cut."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    columns: list[ProgressColumn] = [TextColumn("Epoch {task.completed:,.0f} of {task.total:,.0f}")]
    room = console.width - len(f"Epoch {epochs:,} of {epochs:,}")
    if room < 0:
        columns = [TextColumn("{task.completed:,.0f}")]
        room = console.width - len(f"{epochs:,}")
    if room >= LOSS:
        columns.append(TextColumn("{task.fields[loss]}"))
    room -= LOSS
    if room > ACCURACY:
        columns.append(TextColumn("{task.fields[accuracy]}"))
    if room > ACCURACY + LEFT:
        columns += [TimeRemainingColumn(compact=True), TextColumn("left")]
    if room > ACCURACY + LEFT + SHORTEST:
        columns.insert(1, BarColumn(bar_width=None))
    return Progress(
        *columns, console=console, auto_refresh=False, transient=True, expand=room > SHORTEST
    )


def _number(loss: float) -> str:
    """The loss in the same width all the time, so that the bar keeps its own."""
    return f"{significant(loss, 4):<9}"


def _share(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{100 * accuracy:5.1f} % right"
