"""The command line: parse, call, print, exit codes; nothing else."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

ASKS_ONLY = {"-h", "--help", "--version", "list", "show"}  # what needs no numbers
UNWRITABLE = 2
INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended
# New objects between two searches for cycles. Nearly all that a start makes stays: at Python's
# usual 700, eighty searches find nothing.
COLLECT_AFTER = 400_000


def _give_up(error: OSError) -> NoReturn:
    """Says why nothing more could be written (a full disk), where a traceback would say less."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that exiting is quiet
    print(f"backtrace: could not write the output: {error.strerror}", file=sys.stderr)
    sys.exit(UNWRITABLE)


def main() -> None:
    """Runs ``backtrace``. Nothing that goes wrong with a user's input ends in a traceback."""
    gc.set_threshold(COLLECT_AFTER)
    if hasattr(sys, "set_int_max_str_digits"):  # Python 3.10 may be without
        sys.set_int_max_str_digits(0)  # exact fractions grow without end, and are printed whole
    arguments = sys.argv[1:]
    if arguments and not ASKS_ONLY & set(arguments):
        # Before Typer: typing_extensions, which Typer loads, patches typing in a way that makes
        # numpy's own import half as slow again.
        import numpy  # noqa: F401, ICN001
    from backtrace.cli.app import only

    try:
        only(arguments[:1])()
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        _give_up(error)
    finally:
        # What is left goes with the process; to search it for cycles once more, as Python does
        # when it ends, takes a tenth of the whole run.
        gc.freeze()
