"""Gzip files, unpacked by a thread of their own while their content is converted."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from queue import Full, Queue
from threading import Thread
from typing import IO

from backtrace.spec.data.request import DataError
from backtrace.spec.data.stream import BLOCK

MOST_PACKED = 1032
"""Bytes that a byte of a deflated stream can stand for at most (zlib.net/zlib_tech.html)."""

_MAGIC = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS  # zlib reads the header, and holds the content against its checksum
_PIECE = 1 << 16
_AHEAD = 8  # blocks that wait to be read
_PATIENCE = 0.05  # seconds after which a full queue looks whether anyone still reads it
_REASONS = {
    "incorrect data check": "its content does not have the checksum that stands at its end",
    "incorrect length check": "its content is not as long as its end says",
    "header crc mismatch": "its header does not have the checksum that stands after it",
    "unknown compression method": "its header names no method of compression that there is",
    "unknown header flags set": "its header has flags that there are not",
}


class Unpacking:
    """The content of a gzip file, while a thread unpacks what comes next."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._queue: Queue[bytes | Exception] = Queue(_AHEAD)
        self._read = True
        self._block = memoryview(b"")
        self._thread = Thread(target=self._work, args=(packed,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Unpacking:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the thread, also where not all has been read."""
        self._read = False
        self._thread.join()

    def readinto(self, view: memoryview) -> int:
        """As of a file. Raises DataError at the place where the file is damaged."""
        if not self._block:
            item = self._queue.get()
            if not item or isinstance(item, Exception):
                self._queue.put(item)  # it stays the end, whoever asks again
            if isinstance(item, Exception):
                raise item
            self._block = memoryview(item)
        size = min(len(view), len(self._block))
        view[:size] = self._block[:size]
        self._block = self._block[size:]
        return size

    def _work(self, packed: IO[bytes]) -> None:
        try:
            for block in unpacked(packed):
                if not self._put(block):
                    return
            self._put(b"")
        except Exception as error:  # noqa: BLE001 - who reads raises it, and must not wait for ever
            self._put(error)

    def _put(self, item: bytes | Exception) -> bool:
        """Waits for room; False where nobody reads any more."""
        while self._read:
            try:
                self._queue.put(item, timeout=_PATIENCE)
            except Full:
                continue
            return True
        return False


def unpacked(packed: IO[bytes]) -> Iterator[bytes]:
    """The content of a gzip file in blocks, none of them empty. Raises DataError for damage."""
    inflater, position = zlib.decompressobj(_GZIP), 0
    while piece := packed.read(_PIECE):
        position += len(piece)
        while piece:
            if inflater.eof:  # another part may follow, or zeros that fill up
                piece = piece.lstrip(b"\0")
                if not piece:
                    break
                _check_part(piece, position - len(piece))
                inflater = zlib.decompressobj(_GZIP)
            yield from _inflated(inflater, piece, position - len(piece))
            piece = inflater.unused_data
    while not inflater.eof and (block := inflater.decompress(b"", BLOCK)):
        yield block
    if not inflater.eof:
        found = f"a gzip file that ends too early, at byte {position}"
        raise DataError(found, "the whole file", "It is truncated; fetch it again.")


def _check_part(piece: bytes, position: int) -> None:
    """Refuses what follows a gzip file and is none itself."""
    if not _MAGIC.startswith(piece[: len(_MAGIC)]):
        found = f"bytes after the end of a gzip file, from byte {position} on"
        raise DataError(found, "an end there", "Fetch it again.")


def _inflated(inflater: zlib._Decompress, piece: bytes, position: int) -> Iterator[bytes]:
    """What the piece that begins at ``position`` of the file unpacks to."""
    before, rest = inflater.copy(), piece
    try:
        while rest and not inflater.eof:
            if block := inflater.decompress(rest, BLOCK):
                yield block
            rest = inflater.unconsumed_tail
    except zlib.error as error:
        at = position + _damage(before, piece)
        words = str(error).rpartition(": ")[2]
        found = f"a damaged gzip file: {_REASONS.get(words, words)} (byte {at})"
        raise DataError(found, "an intact file", "Fetch it again.") from None


def _damage(inflater: zlib._Decompress, piece: bytes) -> int:
    """The byte of the piece at which the damage shows: it is unpacked once more, byte by byte."""
    for i in range(len(piece)):
        try:
            inflater.decompress(piece[i : i + 1])
        except zlib.error:
            return i
    return len(piece)
