"""How far a training has come, as a bar on the terminal while it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from backtrace.cli.screen import Screen
from backtrace.notation.numbers import significant
from backtrace.spec.model import Spec
from backtrace.tape.training import Record

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Progress
    from rich.text import Text

    from backtrace.tape.training import Progress as Standing

REDRAWN = 0.1  # seconds between two drawings

# Columns of the loss, the accuracy, the time left and the shortest bar.
LOSS, ACCURACY, LEFT, SHORTEST = len(" loss 1.234e-10"), 16, 14, 10

Show: TypeAlias = Callable[[Record, "Callable[[], Standing]"], object]
"""Shows a record, and where the training stands, unless something has just been shown."""


@contextmanager
def watching(spec: Spec, quiet: bool = False) -> Iterator[Show]:
    """A bar on stderr until the block ends, then gone: epoch, loss, accuracy, time left; and of
    points of a plane what the network says of each.

    Where stderr is no terminal, or with ``quiet``, there is nothing, and rich is not loaded.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM", "") in ("dumb", "unknown"):
        yield lambda record, standing: None
        return
    picture = _Picture(spec)
    with _progress(spec.epochs, picture) as progress:
        yield _Bar(progress, spec, picture).seen


class _Picture:
    """The surface of a network at the moment, where it has one and the terminal can show it."""

    def __init__(self, spec: Spec) -> None:
        from backtrace.page.training.learned import has_surface

        self.spec, self.layout = spec, Screen.of(sys.stderr).layout
        self.is_drawn = self.layout.colour and self.layout.unicode and has_surface(spec)
        self.text: Text | None = None

    def draw(self, standing: Standing) -> None:
        from backtrace.formats.terminal.colours import STYLES, coloured
        from backtrace.formats.terminal.picture import styles
        from backtrace.formats.terminal.sketches import sketch_lines
        from backtrace.page.training.learned import surfaces

        shown = surfaces(self.spec, [standing.last], standing.records)
        lines = list(sketch_lines(msgspec.structs.replace(shown, legend=""), self.layout))
        self.text = coloured(lines, STYLES | styles(lines))


class _Bar:
    """Draws at most every ``REDRAWN`` seconds."""

    def __init__(self, progress: Progress, spec: Spec, picture: _Picture) -> None:
        self.progress, self.followed, self.picture = progress, spec.followed, picture
        self.task = progress.add_task("", total=spec.epochs, visible=False, loss="", accuracy="")
        self.drawn = -REDRAWN

    def seen(self, record: Record, standing: Callable[[], Standing]) -> None:
        now = monotonic()
        if now - self.drawn >= REDRAWN:
            self.drawn = now
            if self.picture.is_drawn:
                self.picture.draw(standing())
            self.draw(record)

    def draw(self, record: Record) -> None:
        self.progress.update(
            self.task,
            visible=True,
            completed=record.epoch,
            refresh=True,
            loss=f"{self.followed} {_number(record.judged.loss)}",
            accuracy=_share(record.judged.accuracy),
        )


def _progress(epochs: int, picture: _Picture) -> Progress:
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

    class Pictured(Progress):
        def get_renderables(self) -> Iterable[RenderableType]:
            yield self.make_tasks_table(self.tasks)
            yield from () if picture.text is None else (picture.text,)

    return Pictured(
        *columns, console=console, auto_refresh=False, transient=True, expand=room > SHORTEST
    )


def _number(loss: float) -> str:
    """The loss in the same width all the time, so that the bar keeps its own."""
    return f"{significant(loss, 4):<9}"


def _share(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{100 * accuracy:5.1f} % right"
