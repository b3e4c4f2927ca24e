"""Ctrl-C as a request: the epoch at hand comes to its end first."""

from __future__ import annotations

import signal
import sys
from time import monotonic
from types import FrameType, TracebackType

SLOW = 1.0  # seconds without an epoch after which a waiting person is told why


class Interrupts:
    """While it is entered, the first Ctrl-C is noted; the next ones are raised as usual."""

    def __init__(self) -> None:
        self.asked = False
        self.last = monotonic()  # when an epoch came to its end

    def __enter__(self) -> Interrupts:
        self.before = signal.signal(signal.SIGINT, self._noted)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self.before)

    def noticed(self) -> bool:
        """Asked after each epoch: whether Ctrl-C has been pressed."""
        self.last = monotonic()
        return self.asked

    def _noted(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if monotonic() - self.last > SLOW:
            words = "Ctrl-C: this epoch is worked to its end; once more gives it up"
            print(words, file=sys.stderr, flush=True)
