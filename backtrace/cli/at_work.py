"""The epochs of a training: everyone who is told of them, and Ctrl-C among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from backtrace.cli.interrupts import Interrupts

if TYPE_CHECKING:
    from backtrace.spec.model import Spec
    from backtrace.tape.training import Progress, Record, Training
    from backtrace.tape.training.records import Ending

Told: TypeAlias = "Callable[[Record, Callable[[], Progress]], Any]"
"""Is told every record, and how to get at the progress."""


class Work:
    """The epochs of one training, and Ctrl-C among them; everyone ``told`` hears of each one."""

    def __init__(
        self, spec: Spec, progress: Progress | None, told: Sequence[Told], interrupts: Interrupts
    ) -> None:
        self.spec, self.told, self.interrupts = spec, told, interrupts
        self.begun = progress
        self.standing: Callable[[], Progress | None] = lambda: progress

    def training(self) -> Training:
        from backtrace.tape.training import train

        try:
            self.interrupts.allow()
            training = train(self.spec, self.begun, self.watch)
            self.interrupts.protect()
        except KeyboardInterrupt:  # before its first epoch, or behind its last one
            training = self.measured(self.standing())
        return training

    def watch(self, record: Record, progress: Callable[[], Progress]) -> bool:
        self.interrupts.protect()
        self.standing = progress
        for tell in self.told:
            tell(record, progress)
        if not isfinite(record.training.loss):  # the end: what was finite last is sought now
            return False
        return self.interrupts.noticed()

    def measured(self, progress: Progress | None) -> Training:
        """The training as it stands, without a further epoch."""
        from backtrace.tape.training import train

        behind = 0 if progress is None else progress.last.epoch
        training = train(msgspec.structs.replace(self.spec, epochs=behind), progress)
        ended: Ending = "diverged" if training.ended == "diverged" else "interrupted"
        return msgspec.structs.replace(training, ended=ended)
