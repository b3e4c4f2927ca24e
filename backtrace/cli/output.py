"""Writes a file whole or not at all, and never over a file that is somebody else's."""

from __future__ import annotations

import errno
import os
import re
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from types import FrameType

from backtrace.cli.screen import complain, refuse

STDOUT = "-"
START = 4096  # bytes in which a file shows whose it is
NAMED = 48  # characters of a file's name in that of the new one beside it
ABANDONED = 3600.0  # seconds after which nobody is writing that one any more
ENDING_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)
WINDOWS = os.name == "nt"
SIGNALLED = 128  # plus the signal: how a shell reports what a signal ended


class Output:
    """A file to be written, or standard output (``-``).

    Exits with 2, saying why, where it can't be written; an older file stays as it was.
    """

    def __init__(self, name: str, *, force: bool, is_ours: Callable[[bytes], bool]) -> None:
        self.name = name
        self.cleared = False
        # Through a link: what it points at is replaced, the link stays.
        self.path = (
            Path(name) if name == STDOUT else Path(os.path.realpath(Path(name).expanduser()))
        )
        if name == STDOUT:
            return
        try:
            self._check(force, is_ours)
        except OSError as error:  # a name that is too long, say
            refuse([f"{name}: not written ({error.strerror})"], "E508")

    def _check(self, force: bool, is_ours: Callable[[bytes], bool]) -> None:
        """What can be said before any work is done."""
        if self.path.is_dir():
            refuse([f"{self.name}: a folder; name a file in it"], "E508")
        if not self.path.parent.is_dir():
            refuse([f"{self.name}: there is no folder {Path(self.name).parent}"], "E508")
        if not force and self.path.is_file():
            self._check_ours(is_ours)
        problem = self._attempt(lambda: _tried(self.path))
        if problem:
            refuse([problem], "E508")

    def _check_ours(self, is_ours: Callable[[bytes], bool]) -> None:
        """A file that backtrace made, or an empty one, may be replaced."""
        try:
            with self.path.open("rb") as stream:
                ours = is_ours(stream.read(START)) or self.path.stat().st_size == 0
        except OSError as error:
            refuse(
                [f"{self.name}: can't be read ({error.strerror}), so it is left as it is"], "E508"
            )
        if not ours:
            refuse(
                [f"{self.name}: a file that backtrace did not make; --force replaces it"], "E509"
            )

    def write(self, content: bytes) -> None:
        """Writes the whole content."""
        problem = self.attempt(content)
        if problem:
            refuse([problem], "E508")

    def attempt(self, content: bytes) -> str:
        """Writes the whole content and goes on; why it could not be written, or nothing."""
        if self.name == STDOUT:
            self._print(content)
            return ""
        if self.path.exists() and not self.path.is_file():
            return self._attempt(lambda: self.path.write_bytes(content))  # a pipe, a device
        with _signals_raised():
            problem = self._attempt(lambda: _replaced(self.path, content))
        if not self.cleared:  # once: a training saves often, and the folder may be large
            self.cleared = True
            with suppress(OSError):
                _clear(self.path)
        return problem

    def _print(self, content: bytes) -> None:
        try:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        except OSError as error:
            if is_unread(error):
                raise
            refuse([f"standard output: not written ({error.strerror})"], "E508")

    def _attempt(self, write: Callable[[], object]) -> str:
        existed = self.path.exists()
        left = "the file is as it was" if existed else "there is no such file now"
        try:
            write()
        except OSError as error:
            return f"{self.name}: not written ({error.strerror}); {left}"
        except KeyboardInterrupt:
            complain(f"{self.name}: not written (interrupted); {left}", "E508")
            raise
        except _SignalledError as ended:
            complain(f"{self.name}: not written ({ended}); {left}", "E508")
            sys.exit(SIGNALLED + ended.number)
        return ""


def is_unread(error: OSError) -> bool:
    """Whether what is written has no reader any more; Windows has no better word for that."""
    unnamed = WINDOWS and error.errno == errno.EINVAL and error.filename is None
    return isinstance(error, BrokenPipeError) or unnamed


def _tried(path: Path) -> None:
    """Raises OSError where the file can't be written; nothing is left of the attempt."""
    if path.exists() and not path.is_file():
        return  # a pipe, a device: to open it may be to wait for a reader
    new = _beside(path)
    os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    new.unlink()


def _beside(path: Path) -> Path:
    """A new file in the same folder, which can take the place of the old one at a stroke."""
    return path.with_name(f".{path.name[:NAMED]}.{os.urandom(4).hex()}.part")


def _clear(path: Path) -> None:
    """Removes what a program that was killed while it wrote this file has left beside it."""
    left = re.compile(re.escape(f".{path.name[:NAMED]}.") + r"[0-9a-f]{8}\.part")
    for each in path.parent.iterdir():
        with suppress(OSError):  # somebody else's, or gone by now
            if left.fullmatch(each.name) and time() - each.stat().st_mtime > ABANDONED:
                each.unlink()


def _replaced(path: Path, content: bytes) -> None:
    """The content in a new file beside the old one, on the disk, and only then in its place."""
    new = _beside(path)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


class _SignalledError(Exception):
    """A signal that ends the program arrived."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def _signals_raised() -> Iterator[None]:
    """Signals that would end the program at once are raised, so that no half file stays behind."""

    def raised(number: int, frame: FrameType | None) -> None:
        raise _SignalledError(number)

    before = {number: signal.signal(number, raised) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
