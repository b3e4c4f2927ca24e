"""The parameters at some epochs of a training, few enough to keep, of networks that are drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backtrace.tape.training import Progress, Record, State

MOST = 64


class Snapshots:
    """States by epoch, evenly spaced: of a longer training every second one is forgotten."""

    def __init__(self) -> None:
        self.states: dict[int, State] = {}
        self.stride = 1

    def seen(self, record: Record, progress: Callable[[], Progress]) -> None:
        if record.epoch % self.stride:
            return
        last = progress().last
        self.states[last.epoch] = last
        if len(self.states) > MOST:
            self.stride *= 2
            kept = {at: state for at, state in self.states.items() if at % self.stride == 0}
            self.states = kept
