"""The command line: parse, call, print, exit codes; nothing else."""

from __future__ import annotations

import sys

INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended


def main() -> None:
    """Runs ``backtrace``. Nothing that goes wrong with a user's input ends in a traceback."""
    from backtrace.cli.app import app

    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
