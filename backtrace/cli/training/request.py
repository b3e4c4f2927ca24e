"""What the command line of ``train`` asked for."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Overrides(msgspec.Struct, frozen=True):
    """Options over the spec's own settings; None leaves them as they are."""

    epochs: int | None = None
    patience: int | None = None
    stop_at_loss: str | None = None
    hold_out: int | None = None
    batch_size: int | None = None
    shuffle: bool | None = None
    seed: int | None = None
    learning_rate: str | None = None


class TrainRequest(msgspec.Struct, frozen=True):
    """An option that was not given is None or empty.

    ``resume`` is "" where the file is that of ``save``.
    """

    spec: str
    data: Path | None = None
    overrides: Overrides = Overrides()
    quiet: bool = False
    log: str | None = None
    plots: tuple[str, ...] = ()
    save: str | None = None
    checkpoint_every: int | None = None
    resume: str | None = None
    trace_epochs: tuple[int, ...] = ()
    trace_to: str | None = None
    json: bool = False
    force: bool = False
    width: int | None = None
