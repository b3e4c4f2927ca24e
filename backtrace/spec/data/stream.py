"""The bytes of a data file in order, counted, so that a message can say at which byte it ends."""

from __future__ import annotations

from collections.abc import Callable

from backtrace.spec.data.request import MOST_BYTES, DataError

BLOCK = 1 << 18
"""Bytes that are read and converted at a time: they stay in a processor's cache."""


class Stream:
    """Reads forwards, and can look at its beginning first; DataError after MOST_BYTES.

    ``most`` bounds the bytes that there can be; ``position`` counts those behind it; ``of`` says
    what they are where they are not those of the file itself.
    """

    def __init__(
        self, readinto: Callable[[memoryview], int | None], most: int, of: str = ""
    ) -> None:
        self.most = most
        self.position = 0
        self.of = of
        self._readinto = readinto
        self._ahead = b""

    def start(self, size: int) -> bytes:
        """The first bytes, as many as there are, which stay to be read."""
        self._ahead = self.read(size)
        self.position = 0
        return self._ahead

    def read(self, size: int) -> bytes:
        """So many bytes; fewer only at the end."""
        content = bytearray(size)
        return bytes(content[: self.fill(memoryview(content))])

    def fill(self, view: memoryview) -> int:
        """Fills ``view``; how many bytes it got, fewer than it has only at the end."""
        done = min(len(self._ahead), len(view))
        view[:done] = self._ahead[:done]
        self._ahead = self._ahead[done:]
        while done < len(view):
            got = self._readinto(view[done:])
            if not got:
                break
            done += got
        self.position += done
        if self.position > MOST_BYTES:
            raise DataError(f"more than {MOST_BYTES} bytes", "at most as many")
        return done

    def read_all(self) -> bytes:
        """All that is left."""
        content = bytearray()
        while part := self.read(BLOCK):
            content += part
        return bytes(content)

    def skip(self, size: int) -> int:
        """Passes over so many bytes; how many there were."""
        view = memoryview(bytearray(min(BLOCK, size)))
        left = size
        while left and (got := self.fill(view[: min(left, len(view))])):
            left -= got
        return size - left

    def drain(self) -> None:
        """Goes to the end, so that what is checked there has been checked."""
        self.skip(MOST_BYTES + 1)

    def at(self, position: int) -> str:
        """How a message calls a place in it."""
        return f"byte {position}" + (f" of {self.of}" if self.of else "")
