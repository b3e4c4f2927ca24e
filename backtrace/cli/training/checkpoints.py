"""When a training is saved while it runs, and how it is taken up again from what was saved."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import msgspec

from backtrace.cli.screen import WRONG_SPEC, complain, reading, refuse, tell
from backtrace.cli.training.save_file import SaveFile, Traits
from backtrace.spec.model import Spec
from backtrace.tape.training import Progress, Record, Training

SECONDS = 30.0  # between two checkpoints, unless they are asked for by epochs


class Checkpoints:
    """Saves a training from time to time, or every ``every`` epochs where that is not None."""

    def __init__(self, saving: SaveFile, every: int | None) -> None:
        self.saving = saving
        self.every = every
        self.saved = monotonic()
        self.problem = ""

    def seen(self, record: Record, progress: Callable[[], Progress]) -> None:
        """Saves where it is time to; a problem is said once, and the training goes on."""
        if not self._due(record):
            return
        problem = self.saving.save(progress(), record)
        self.saved = monotonic()
        if problem and problem != self.problem:
            complain(problem, "E508")
        self.problem = problem

    def _due(self, record: Record) -> bool:
        if self.every is not None:
            return record.epoch > 0 and record.epoch % self.every == 0
        return monotonic() - self.saved >= SECONDS


def standing(training: Training) -> Progress:
    """Where a training is taken up again: after a divergence, where it was last finite."""
    if training.ended != "diverged":
        return training.progress
    state = training.state
    return Progress(training.records[: state.epoch], state, training.progress.best and state)


# --- taken up again


def taken_up(path: str, spec: Spec, traits: Traits) -> tuple[Spec, Progress | None]:
    """Where a saved training of this very spec stands; exits with 2 where it is of another one.

    Of a file that has nothing but parameters, the spec that begins with them.
    """
    from backtrace.formats.checkpoint import header_of, progress_of
    from backtrace.spec.data.request import DataError

    content = _content(path)
    try:
        header = header_of(content)
        if header is None:
            return _begun(path, spec), None
        _check_same(path, header.fingerprint, traits(), _from_file(path, spec))
        progress = progress_of(content, header, spec)
    except DataError as error:
        refuse([f"--resume {path}: {error}"], "E604")
    return spec, _judged(path, progress, spec)


def _content(path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except (OSError, ValueError) as error:
        refuse(
            [f"--resume {path}: can't be read ({getattr(error, 'strerror', None) or error})"],
            "E604",
        )


def _begun(path: str, spec: Spec) -> Spec:
    from backtrace.spec.read.parameters import read_parameters, with_parameters

    with reading(path):
        begun = with_parameters(spec, read_parameters(path, spec))
    tell(f"{path} has parameters and no more: begun at epoch 0 with them")
    return begun


def _from_file(path: str, spec: Spec) -> str:
    """How the spec begins with the parameters of a file."""
    if spec.equations is None:
        return f"`weights: {{file: {path}}}` and `bias: {{file: {path}}}` in each layer."
    name = spec.equations.parameters[0]
    return f"`{name}: {{file: {path}, array: {name}}}` and the like under `given:`."


def _check_same(path: str, there: dict[str, str], here: dict[str, str], begin: str) -> None:
    from backtrace.spec.fingerprint import differences

    found = differences(there, here)
    if found:
        complain(f"--resume {path}: saved by another training", "E605")
        more = [
            *(f"  {each}" for each in found),
            "To start a new training from its parameters, write",
        ]
        tell("\n".join([*more, begin]))
        sys.exit(WRONG_SPEC)


def _judged(path: str, progress: Progress, spec: Spec) -> Progress:
    """The progress with its best epoch where the training at hand keeps the best, else without."""
    if not spec.keeps_best:
        return msgspec.structs.replace(progress, best=None)
    if progress.best is None and progress.last.epoch:
        unknown = "made without a patience, so that its best epoch is not known"
        refuse([f"--resume {path}: {unknown}; leave the patience out"], "E606")
    return progress
