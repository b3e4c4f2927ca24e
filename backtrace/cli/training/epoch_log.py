"""``train --log``: a CSV file that grows by a row an epoch."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import IO

from backtrace.cli.output import Output
from backtrace.formats.csv.epoch_rows import HEADER, row
from backtrace.spec.model import Spec
from backtrace.tape.training import Record

FLUSHED = 0.2  # seconds between two flushes: what is read along may be so far behind


class EpochLog:
    """The file while it grows; where a row can't be written, there are no more of them.

    It begins anew with the first row, and the ``earlier`` ones of a training that is taken up.
    """

    def __init__(self, output: Output, spec: Spec, earlier: Iterable[Record]) -> None:
        self.output = output
        self.spec = spec
        self.earlier = earlier
        self.flushed = monotonic()
        self.file: IO[str] | None = None
        self.problem = ""

    def seen(self, record: Record, progress: object = None) -> None:
        """Adds a row."""
        if self.problem:
            return
        try:
            file = self.file or self._begun()
            file.write(row(self.spec, record))
            now = monotonic()
            if now - self.flushed > FLUSHED:
                file.flush()
                self.flushed = now
        except OSError as error:
            self._failed(error)

    def close(self) -> list[str]:
        """Writes what has not been written yet; what has kept rows from being written."""
        try:
            if self.file is not None:
                self.file.close()
        except OSError as error:
            self._failed(error)
        return [self.problem] if self.problem else []

    def _begun(self) -> IO[str]:
        rows = (row(self.spec, record) for record in self.earlier)
        problem = self.output.attempt("".join([HEADER, *rows]).encode())
        if problem:
            raise _NotBegunError(problem)
        self.file = self.output.path.open("a", encoding="ascii", newline="")
        return self.file

    def _failed(self, error: OSError) -> None:
        self.problem = f"{self.output.name}: the log ends early ({error.strerror})"
        if isinstance(error, _NotBegunError):
            self.problem = str(error)
        self.file = None


class _NotBegunError(OSError):
    """The file could not be written at all; says why."""


def is_ours(start: bytes) -> bool:
    """Whether a file that begins with these bytes is such a log."""
    return start.startswith(HEADER.encode())
