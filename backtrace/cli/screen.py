"""What every command shares: the terminal it prints on, and how it refuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WRONG_SPEC = 2
DEFAULT_WIDTH = 80  # of a pipe, where no terminal has a width


class Screen:
    """Standard output: how wide it is, which characters it has, whether it shows colour."""

    def __init__(self, console: Console, width: int, unicode: bool) -> None:
        self.console = console
        self.width = width
        self.unicode = unicode

    @classmethod
    def of_stdout(cls, width: int | None = None) -> Screen:
        """``width`` overrides the terminal's (or COLUMNS')."""
        from rich.console import Console

        encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
        unicode = encoding.replace("-", "").startswith("utf") and os.environ.get("TERM") != "linux"
        console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        if width is None:
            piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
            width = DEFAULT_WIDTH if piped else max(console.width, 40)
        return cls(console, width, unicode)

    def print(self, text: Text) -> None:
        self.console.print(text, soft_wrap=True)

    def go_on(self) -> bool:
        """Waits for Enter; False where the reader has had enough (q, Ctrl-D)."""
        try:
            answer = input("  ⏎ " if self.unicode else "  [Enter] ")
        except EOFError:
            return False
        return not answer.strip().lower().startswith("q")


def refuse(problems: Iterable[str]) -> NoReturn:
    """Says on stderr what is wrong and exits with 2."""
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(WRONG_SPEC)


@contextmanager
def reading() -> Iterator[None]:
    """Turns what is wrong with a spec into words on stderr and exit code 2."""
    from backtrace.spec import SpecError
    from backtrace.tape.compile import TapeError

    try:
        yield
    except (SpecError, TapeError) as error:
        refuse([str(error)])
