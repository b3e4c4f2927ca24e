"""The command line: parse, call, print, exit codes; nothing else."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended


def main() -> None:
    """Runs ``backtrace``. Nothing that goes wrong with a user's input ends in a traceback."""
    from backtrace.cli.app import app

    try:
        app()
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python flushes stdout once more as it exits:
        # into nothing, so that it does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
