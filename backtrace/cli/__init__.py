"""The command line: parse, call, print, exit codes; nothing else."""

from __future__ import annotations

import gc
import sys

INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended
# New objects between two searches for cycles. Nearly all that a start makes stays: at Python's
# usual 700, eighty searches find nothing.
COLLECT_AFTER = 100_000


def main() -> None:
    """Runs ``backtrace``. Nothing that goes wrong with a user's input ends in a traceback."""
    gc.set_threshold(COLLECT_AFTER)
    from backtrace.cli.app import app

    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        # What is left goes with the process; to search it for cycles once more, as Python does
        # when it ends, takes a tenth of the whole run.
        gc.freeze()
