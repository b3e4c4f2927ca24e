"""``train --save``: one file, in the format that its ending says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TypeAlias

import msgspec

from backtrace.cli.output import Output
from backtrace.cli.screen import refuse
from backtrace.cli.training import resume_command
from backtrace.cli.training.request import TrainRequest
from backtrace.cli.training.spec_text import SpecText
from backtrace.spec.model import Spec
from backtrace.spec.wording import count
from backtrace.tape.training import Progress, Record

ARCHIVE, SAFETENSORS, TEXT = ".npz", ".safetensors", (".yaml", ".yml")

Render: TypeAlias = Callable[[Progress, Record], bytes]
"""What is written of a training, given where it stands and its newest record."""


class Identity:
    """The spec that a training is of, and what tells it from others."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    @cached_property
    def traits(self) -> dict[str, str]:
        from backtrace.spec.fingerprint import fingerprint

        return fingerprint(self.spec)


class SaveFile(msgspec.Struct, frozen=True):
    """The file that a training is saved in; ``render`` gives its content."""

    output: Output
    render: Render

    def save(self, progress: Progress, record: Record) -> str:
        """Saves where the training stands; what kept it from that, or nothing."""
        from backtrace.formats.registry import MissingExtraError
        from backtrace.formats.trained_spec import UnwritableError

        try:
            return self.output.attempt(self.render(progress, record))
        except (MissingExtraError, UnwritableError) as error:
            return f"{self.output.name}: not written: {error}"

    @property
    def where(self) -> str:
        """``in p.npz``, and what is not in it."""
        archive = _ending(self.output.name) == ARCHIVE
        lacking = "" if archive else ", without the optimizer's state (a .npz has it)"
        return f"in {self.output.name}{lacking}"

    def going_on(self, request: TrainRequest, epoch: int) -> str:
        """The command that goes on after ``epoch`` epochs, and what it does."""
        ending = _ending(self.output.name)
        if ending == ARCHIVE:
            return f"Goes on: {resume_command.resumed(request, epoch)}"
        command = resume_command.of_the_spec if ending in TEXT else resume_command.with_parameters
        return f"Begins at epoch 0 with these parameters: {command(request)}"


def saving_output(name: str, *, force: bool) -> Output:
    """The file of ``--save``; exits with 2 where it can't be one."""
    known = (ARCHIVE, SAFETENSORS, *TEXT)
    if _ending(name) not in known:
        refuse([f"--save {name}: no format by its ending. There are {', '.join(known[:3])}."])
    return Output(name, force=force, is_ours=_is_ours)


def check_unfinished(output: Output) -> None:
    """Exits with 2 where the file is a training that has epochs behind it."""
    from backtrace.formats.checkpoint import CheckpointError, header_of

    if _ending(output.name) != ARCHIVE or not output.path.is_file():
        return
    mend = "--resume takes it up, --force begins anew and replaces it"
    try:
        header = header_of(output.path.read_bytes())
    except CheckpointError as error:
        refuse([f"--save {output.name}: {error}; --force replaces it"])
    if header is not None and header.epoch:
        saved = f"a training with {count(header.epoch, 'epoch')} behind it"
        refuse([f"--save {output.name}: {saved}; {mend}"])


def rendering(
    output: Output, identity: Identity, text: SpecText, said: Mapping[str, str]
) -> Render:
    """What writes the file; exits with 2 where it can't be done, as far as is known beforehand.

    ``said`` has what the options say of the spec, by its keys at the top level.
    """
    kind = _ending(output.name)
    if kind == ARCHIVE:
        return partial(_archive, identity)
    if kind == SAFETENSORS:
        return partial(_safetensors, identity.spec)
    return _text(output, identity.spec, text, said)


def _archive(identity: Identity, progress: Progress, record: Record) -> bytes:
    from backtrace.formats.checkpoint import encode

    return encode(progress, identity.traits)


def _safetensors(spec: Spec, progress: Progress, record: Record) -> bytes:
    from backtrace.formats.weights import safetensors

    return safetensors(progress.kept.parameters(spec))


def _text(output: Output, spec: Spec, text: SpecText, said: Mapping[str, str]) -> Render:
    from backtrace.formats.trained_spec import MOST_NUMBERS, Origin, numbers_of, trained_spec

    numbers = numbers_of(spec)
    if numbers > MOST_NUMBERS:
        found = f"{numbers} weights and biases, and a spec is for at most {MOST_NUMBERS}"
        refuse([f"--save {output.name}: {found}; save them as .npz"])

    def render(progress: Progress, record: Record) -> bytes:
        kept = progress.kept
        known = (*progress.records, record)
        path = partial(text.path_from, output.path.parent)
        origin = Origin(text.content, path, said)
        return trained_spec(spec, kept, known[min(kept.epoch, len(known) - 1)], origin).encode()

    return render


def _ending(name: str) -> str:
    return Path(name).suffix.lower()


def _is_ours(start: bytes) -> bool:
    from backtrace.formats import file_signatures, trained_spec

    known = (file_signatures.ARCHIVE, file_signatures.SAFETENSORS)
    return trained_spec.is_ours(start) or any(mark in start for mark in known)
