"""How far a training has come, as a bar on the terminal while it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from backtrace.notation.numbers import significant
from backtrace.spec.model import Spec
from backtrace.tape.training import Record

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

REDRAWN = 0.1  # seconds between two drawings
LOOKS = 4  # at the clock between two drawings; after each of 50,000 epochs a second is too often

# Columns of the loss, the accuracy, the time left and the shortest bar.
LOSS, ACCURACY, LEFT, SHORTEST = len(" loss 1.234e-10"), 16, 14, 10


class Watcher(Protocol):
    """Is told every record of a training."""

    def seen(self, record: Record, progress: object = None) -> None:
        """Shows it, unless something has just been shown."""


@contextmanager
def watching(spec: Spec, quiet: bool = False) -> Iterator[Watcher]:
    """A bar on stderr until the block ends, then gone: epoch, loss, accuracy, time left.

    Where stderr is no terminal, or with ``quiet``, there is nothing, and rich is not loaded.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM", "") in ("dumb", "unknown"):
        yield _Nothing()
        return
    with _progress(spec.epochs) as progress:
        yield _Bar(progress, spec.epochs)


class _Nothing:
    def seen(self, record: Record, progress: object = None) -> None:
        """Nobody is looking."""


class _Bar:
    """Draws at most every ``REDRAWN`` seconds, and looks at the clock hardly more often."""

    def __init__(self, progress: Progress, epochs: int) -> None:
        self.progress = progress
        self.epochs = epochs
        self.task: TaskID | None = None
        self.told = self.due = 0
        self.stride = 1
        self.looked = self.drawn = monotonic()

    def seen(self, record: Record, progress: object = None) -> None:
        self.told += 1
        if self.told < self.due:
            return
        now = monotonic()
        often = now - self.looked < REDRAWN / LOOKS
        self.stride = 2 * self.stride if often else max(1, self.stride // 2)
        self.due, self.looked = self.told + self.stride, now
        if self.task is None or now - self.drawn >= REDRAWN:
            self.draw(record, now)

    def draw(self, record: Record, now: float) -> None:
        if self.task is None:
            self.task = self.progress.add_task("", total=self.epochs, loss="", accuracy="")
        self.progress.update(
            self.task,
            completed=record.epoch,
            refresh=True,
            loss=_number(record.judged.loss),
            accuracy=_share(record.judged.accuracy),
        )
        self.drawn = now


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
    return f"loss {significant(loss, 4):<9}"


def _share(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{100 * accuracy:5.1f} % right"
