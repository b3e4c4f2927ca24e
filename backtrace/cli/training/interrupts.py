"""Ctrl-C as a request: the epoch at hand comes to its end first, and what is left is saved."""

from __future__ import annotations

import signal
import sys
from time import monotonic
from types import FrameType, TracebackType

SLOW = 1.0  # seconds without an epoch after which a waiting person is told why


class Interrupts:
    """While it is entered, Ctrl-C is noted, however often it comes.

    A second one is raised as KeyboardInterrupt where ``epoch`` is entered, once and never again:
    saving and printing are not cut short by a key held down.
    """

    def __init__(self) -> None:
        self.asked = False
        self.given_up = False
        self.epoch = Epoch()

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

    def _noted(self, number: int, frame: FrameType | None) -> None:
        if self.asked and self.epoch.at_work and not self.given_up:
            self.given_up = True
            raise KeyboardInterrupt
        if not self.asked and monotonic() - self.epoch.last > SLOW:
            words = "Ctrl-C: finishing this epoch; press it again to stop at once"
            print(words, file=sys.stderr, flush=True)
        self.asked = True


class Epoch:
    """Entered while an epoch is at work, which may be given up."""

    def __init__(self) -> None:
        self.at_work = False
        self.last = monotonic()  # when an epoch came to its end

    def __enter__(self) -> None:
        self.at_work = True

    def __exit__(self, *error: object) -> None:
        self.at_work = False
        self.last = monotonic()
