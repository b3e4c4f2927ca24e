"""What every command shares: the terminal it prints on, and how it refuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

import msgspec

from backtrace.page.inert import inert

if TYPE_CHECKING:
    from backtrace.check.answers.tree import AnswersError
    from backtrace.formats.terminal.boxes import Line
    from backtrace.formats.terminal.layout import Layout
    from backtrace.page.blocks import Document
    from backtrace.spec import SpecError
    from backtrace.spec.error_codes import ErrorCode

WRONG_SPEC = 2
DEFAULT_WIDTH = 80  # of a pipe, where no terminal has a width
NARROWEST = 40  # columns to lay out a page in; a terminal with fewer wraps the lines itself


class Screen(msgspec.Struct, frozen=True):
    """Standard output: how wide it is, which characters it has, whether it shows colour."""

    width: int
    unicode: bool
    colour: bool

    @classmethod
    def of_stdout(cls, width: int | None = None) -> Screen:
        """``width`` overrides COLUMNS, and that the terminal's own."""
        return cls.of(sys.stdout, width)

    @classmethod
    def of(cls, stream: TextIO, width: int | None = None) -> Screen:
        """What ``stream`` writes on."""
        encoding = (getattr(stream, "encoding", None) or "ascii").lower()
        unicode = encoding.replace("-", "").startswith("utf") and os.environ.get("TERM") != "linux"
        return cls(width or max(_columns(stream), NARROWEST), unicode, _shows_colour(stream))

    @property
    def layout(self) -> Layout:
        """A page for it."""
        from backtrace.formats.terminal.layout import Layout

        return Layout(self.width, self.unicode, self.colour)

    def show(self, lines: Sequence[Line], stream: TextIO | None = None) -> None:
        """Prints lines in the colours of their roles; rich is loaded only where it has colour.

        They are no wider than the screen; nothing is wrapped or cut.
        """
        from backtrace.formats.terminal.colours import STYLES, coloured, uncoloured

        if not self.colour:
            print(uncoloured(lines), file=stream)
            return
        from rich.console import Console

        from backtrace.formats.terminal.picture import styles

        text = coloured(lines, STYLES | styles(lines))
        console = Console(file=stream, highlight=False, markup=False, emoji=False)
        console.print(text, soft_wrap=True)

    def show_again(self, lines: Sequence[Line]) -> None:
        """Prints lines over the last ones, of which there were as many."""
        print(f"\x1b[{len(lines)}A", end="")
        self.show(lines)

    def go_on(self, prompt: str) -> bool:
        """Waits for Enter; False where the reader has had enough (q, Ctrl-D).

        The prompt is wiped out afterwards, unless the terminal can't.
        """
        try:
            answer = input(prompt)
        except EOFError:
            print()
            answer = "q"
        if not _is_dumb():
            print("\x1b[A\x1b[2K", end="", flush=True)  # one line up, and all of it away
        return not answer.strip().lower().startswith("q")


def redraws(height: int) -> bool:
    """Whether so many lines can be written over again: on a terminal that is higher than that."""
    if not sys.stdout.isatty() or _is_dumb():
        return False
    try:
        return height < os.get_terminal_size(sys.stdout.fileno()).lines
    except (OSError, ValueError):
        return False


def _columns(stream: TextIO) -> int:
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
    except (OSError, ValueError):  # a pipe, a file, no file at all
        return DEFAULT_WIDTH


def _shows_colour(stream: TextIO) -> bool:
    """On a terminal that is not dumb, unless NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not _is_dumb() and not os.environ.get("NO_COLOR")


def _is_dumb() -> bool:
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")


def emit(text: str) -> None:
    """A document, in UTF-8 whatever the terminal speaks, and at once: a reader may be waiting."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode() + b"\n")
    sys.stdout.buffer.flush()


def show(lines: Callable[[Layout], list[Line]], width: int | None) -> None:
    """What is for people, as wide as their terminal."""
    screen = Screen.of_stdout(width)
    screen.show(lines(screen.layout))


def show_page(document: Document, width: int | None) -> None:
    """A page, as wide as the reader's terminal."""
    from backtrace.formats.terminal.writer import lines

    show(lambda layout: lines(document, layout), width)


def print_page(document: Document, form: str, width: int | None) -> None:
    """A page in Markdown or HTML, or as text for people."""
    if form == "markdown":
        from backtrace.formats.markdown import writer as markdown

        emit(markdown.text(document))
    elif form == "html":
        from backtrace.formats.html import writer as html

        emit(html.file(document).rstrip("\n"))
    else:
        show_page(document, width)


def useless(options: Mapping[str, bool], choosing: str, chosen: str) -> list[str]:
    """``--width: of no use with --format json``, where one of the options was given."""
    given = [option for option, used in options.items() if used]
    return [f"{', '.join(given)}: of no use with {choosing} {chosen}"] if given else []


def tell(words: str, stream: TextIO | None = None) -> None:
    """Prints lines of words, on stderr unless ``stream`` is another, with nothing in them, be it
    from an argument or a file, that a terminal would obey."""
    shown = "\n".join(map(inert, words.split("\n")))
    print(shown, file=stream or sys.stderr, flush=True)


def complain(problem: str, code: ErrorCode) -> None:
    """Says on stderr what is wrong, and its number, quietly on a terminal."""
    if sys.stderr.isatty():
        from backtrace.formats.measure import wrapped

        screen = Screen.of(sys.stderr)
        *lines, last = wrapped(f"{inert(problem)} [{code}]", screen.layout.breadth)
        last = last.removesuffix(f"[{code}]")
        said: list[Line] = [
            *([(line, "")] for line in lines),
            [(last, ""), (f"[{code}]", "number")],
        ]
        screen.show(said, sys.stderr)
    else:
        tell(f"{problem} [{code}]")


def refuse(problems: Iterable[str], code: ErrorCode) -> NoReturn:
    """Says on stderr what is wrong and exits with 2."""
    for problem in problems:
        complain(problem, code)
    _refer_to_handbook(code)
    sys.exit(WRONG_SPEC)


def _refer_to_handbook(code: ErrorCode) -> None:
    """Says to a person at a terminal what the number is good for."""
    if sys.stderr.isatty():
        Screen.of(sys.stderr).show([[(f"backtrace help {code} says more.", "number")]], sys.stderr)


@contextmanager
def reading(source: str) -> Iterator[None]:
    """Turns what is wrong with a spec, of which ``source`` is the name, into words on stderr and
    exit code 2."""
    from backtrace.spec import SpecError
    from backtrace.tape.writer import TapeError

    try:
        yield
    except SpecError as error:
        refuse_spec(error)
    except TapeError as error:
        refuse([f"{'<stdin>' if source == '-' else source}: {error}"], error.code)


def refuse_answers(error: AnswersError) -> NoReturn:
    """Says on stderr what is wrong with an answers file and exits with 2."""
    tell(error.reason)
    sys.exit(WRONG_SPEC)


def refuse_spec(error: SpecError) -> NoReturn:
    """Says on stderr what is wrong with a spec and exits with 2.

    In a pipe a position and what is found there stay on one line, for who searches it.
    """
    from backtrace.formats.terminal import problems

    screen = Screen.of(sys.stderr)
    folds = sys.stderr.isatty()
    screen.show(problems.lines(error, screen.layout, folds=folds), sys.stderr)
    _refer_to_handbook(error.problems[0].code)
    sys.exit(WRONG_SPEC)
