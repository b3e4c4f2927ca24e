"""The command line: parse, call, print, exit codes; nothing else."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from io import FileIO, TextIOWrapper
from types import FrameType
from typing import Literal, NoReturn, TextIO

ASKS_ONLY = {"-h", "--help", "--version", "list", "show", "help"}  # what needs no numbers
UNWRITABLE = 2
INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended
# New objects between two searches for cycles. Nearly all that a start makes stays: at Python's
# usual 700, eighty searches find nothing.
COLLECT_AFTER = 400_000


def _give_up(error: OSError) -> NoReturn:
    """Says why a file can't be used, or nothing more be written (a full disk), where a traceback
    would say less."""
    if error.filename is not None:  # a name that is too long, a folder that may not be looked into
        from backtrace.page.inert import inert

        name = inert(os.fsdecode(error.filename))
        print(f"{name}: can't be used ({error.strerror}) [E302]", file=sys.stderr)
        sys.exit(UNWRITABLE)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that exiting is quiet
    print(f"backtrace: could not write the output: {error.strerror} [E508]", file=sys.stderr)
    sys.exit(UNWRITABLE)


def _stand_in() -> None:
    """Opens what the caller has closed (``>&-``), in the order of the descriptors.

    Else the next file that is opened would be standard output.
    """
    if sys.stdin is None:
        sys.stdin = _nothing(os.O_RDONLY, "r")
    if sys.stdout is None:
        sys.stdout = _nothing(os.O_WRONLY, "w")
    if sys.stderr is None:
        sys.stderr = _nothing(os.O_WRONLY, "w")


def _write_whole() -> None:
    """Has standard output written to the last byte, or an error raised.

    PYTHONUNBUFFERED puts no buffer before it, and then nobody looks how much of a write was taken:
    on a disk that is full the rest would be lost without a word. A letter that the encoding lacks
    is no reason to fail.
    """
    out = sys.stdout
    if not isinstance(out, TextIOWrapper):
        return
    out.reconfigure(errors="backslashreplace")
    raw: object = out.buffer
    if isinstance(raw, FileIO):  # whose descriptor stays open when this goes
        whole = os.fdopen(raw.fileno(), "wb", closefd=False)
        sys.stdout = TextIOWrapper(whole, out.encoding, out.errors, line_buffering=True)


def _nothing(flags: int, mode: Literal["r", "w"]) -> TextIO:
    return os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8")


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """Ctrl-C while modules are loaded, half of which could not even say what happened to them."""
    os._exit(INTERRUPTED)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    """Ctrl-C; the next ones, of a key held down, find a program that is ending already."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def _interruptible() -> Iterator[Callable[[], object]]:
    """Ctrl-C ends the program at once until what is yielded is called, then by an exception.

    Nothing changes where the caller has it ignored.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield lambda: None
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield partial(signal.signal, signal.SIGINT, _interrupted)
    finally:
        if signal.getsignal(signal.SIGINT) in (_leave, _interrupted):
            signal.signal(signal.SIGINT, before)


def _numbers_as_they_come() -> AbstractContextManager[object]:
    """What is infinite, or no number, stands on the page; NumPy's warnings would say less."""
    numpy = sys.modules.get("numpy")
    return nullcontext() if numpy is None else numpy.errstate(all="ignore")


def main() -> None:
    """Runs ``backtrace``. Nothing that goes wrong with a user's input ends in a traceback."""
    gc.set_threshold(COLLECT_AFTER)
    if hasattr(sys, "set_int_max_str_digits"):  # Python 3.10 may be without
        sys.set_int_max_str_digits(0)  # exact fractions grow without end, and are printed whole
    _stand_in()
    _write_whole()
    try:
        with _interruptible() as loaded:
            run = _loaded(sys.argv[1:])
            loaded()
            with _numbers_as_they_come():
                run()
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        _give_up(error)
    finally:
        # What is left goes with the process; to search it for cycles once more, as Python does
        # when it ends, takes a tenth of the whole run.
        gc.freeze()


def _loaded(arguments: list[str]) -> Callable[[], object]:
    """The application, with the command that is asked for."""
    if arguments and not ASKS_ONLY & set(arguments):
        # Before Typer: typing_extensions, which Typer loads, patches typing in a way that makes
        # numpy's own import half as slow again.
        import numpy  # noqa: F401, ICN001
    from backtrace.cli.app import only

    return only(arguments[:1])
