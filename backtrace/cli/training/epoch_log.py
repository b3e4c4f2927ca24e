"""``train --log``: a CSV file that grows by a row an epoch."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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
        self.size = 0  # bytes, where nobody else writes
        self.problem = ""

    def seen(self, record: Record) -> None:
        """Adds a row."""
        if self.file is None and not self.problem:
            rows = (row(self.spec, each) for each in self.earlier)
            self.problem = self.output.attempt("".join([HEADER, *rows]).encode())
        if not self.problem:
            with self._failures():
                self._add(row(self.spec, record))

    def _add(self, text: str) -> None:
        if self.file is None:
            self.file = self.output.path.open("a", encoding="ascii", newline="")
            self.size = os.fstat(self.file.fileno()).st_size
        self.file.write(text)
        self.size += len(text)
        if monotonic() - self.flushed > FLUSHED:
            self._flush(self.file)

    def _flush(self, file: IO[str]) -> None:
        """OSError where another program has replaced the file, or writes into it as well."""
        file.flush()
        self.flushed = monotonic()
        ours, there = os.fstat(file.fileno()), self.output.path.stat()
        ours_alone = os.path.samestat(ours, there) and ours.st_size == self.size
        if stat.S_ISREG(ours.st_mode) and not ours_alone:
            raise OSError(errno.EBUSY, "another program writes into it as well")

    def close(self) -> list[str]:
        """Writes what has not been written yet; what has kept rows from being written."""
        with self._failures():
            if self.file is not None:
                with self.file:
                    self._flush(self.file)
        return [self.problem] if self.problem else []

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.problem = f"{self.output.name}: the log ends early ({error.strerror})"


def is_ours(start: bytes) -> bool:
    """Whether a file that begins with these bytes is such a log."""
    return start.startswith(HEADER.encode())
