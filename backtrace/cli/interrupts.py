"""Ctrl-C as a request: the epoch at hand comes to its end first, and what is left is saved."""

from __future__ import annotations

import signal
import sys
from time import monotonic
from types import FrameType, TracebackType

SLOW = 1.0  # seconds without an epoch after which a waiting person is told why


class Interrupts:
    """While it is entered, Ctrl-C is noted, however often it comes.

    A second one is raised as KeyboardInterrupt where an epoch is at work (between ``allow`` and
    ``protect``), once and never again: saving and printing are not cut short by a key held down.
    """

    def __init__(self) -> None:
        self.asked = False
        self.given_up = False
        self.at_work = False
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
        # After a Ctrl-C the result is printed and the program ends: a further one has nothing to
        # end. Ignored by the system, it does not even break a write into a pipe in two, of which
        # an unbuffered stream of Python's (PYTHONUNBUFFERED) would lose the second part.
        signal.signal(signal.SIGINT, signal.SIG_IGN if self.asked else self.before)

    def allow(self) -> None:
        """An epoch begins, which may be given up."""
        self.at_work = True

    def protect(self) -> None:
        """What follows is worked to its end."""
        self.at_work = False

    def noticed(self) -> bool:
        """Asked after each epoch: whether Ctrl-C has been pressed. If not, the next one begins."""
        self.last = monotonic()
        self.at_work = not self.asked
        return self.asked

    def _noted(self, number: int, frame: FrameType | None) -> None:
        if self.asked and self.at_work and not self.given_up:
            self.given_up = True
            raise KeyboardInterrupt
        if not self.asked and monotonic() - self.last > SLOW:
            words = "Ctrl-C: this epoch is worked to its end; once more gives it up"
            print(words, file=sys.stderr, flush=True)
        self.asked = True
