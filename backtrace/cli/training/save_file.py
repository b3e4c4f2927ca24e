"""``train --save``: one file, in the format that its ending says."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from backtrace.cli.output import Output
from backtrace.cli.screen import refuse
from backtrace.cli.training.spec_text import SpecText
from backtrace.spec.model import Spec
from backtrace.spec.wording import count, listed
from backtrace.tape.training import Progress, Record

ARCHIVE, SAFETENSORS, TEXT = ".npz", ".safetensors", (".yaml", ".yml")

Traits: TypeAlias = Callable[[], dict[str, str]]
"""What tells the training of a spec from others, which takes a look at all its data."""


class SaveFile:
    """The file that a training of a spec is saved in.

    ``said`` has what the options say of the spec, by its keys at the top level. Exits with 2 where
    it can't be written, as far as is known beforehand.
    """

    def __init__(
        self, output: Output, spec: Spec, traits: Traits, text: SpecText, said: Mapping[str, str]
    ) -> None:
        self.output, self.spec, self.traits = output, spec, traits
        self.text, self.said = text, said
        self.ending = _ending(output.name)
        if self.ending in TEXT:
            _check_short(output, spec)
        if self.ending == ARCHIVE:
            _check_names(output, spec)

    def save(self, progress: Progress, record: Record) -> str:
        """Saves where the training stands; what kept it from that, or nothing."""
        from backtrace.formats.registry import MissingExtraError
        from backtrace.formats.trained_spec import UnwritableError

        try:
            return self.output.attempt(self._content(progress, record))
        except (MissingExtraError, UnwritableError) as error:
            return f"{self.output.name}: not written: {error}"

    def _content(self, progress: Progress, record: Record) -> bytes:
        if self.ending == ARCHIVE:
            from backtrace.formats.checkpoint import encode

            return encode(progress, self.traits())
        if self.ending == SAFETENSORS:
            from backtrace.formats.weights import safetensors

            return safetensors(progress.kept.parameters(self.spec))
        from backtrace.formats.trained_spec import Origin, trained_spec

        kept, known = progress.kept, (*progress.records, record)
        folder = self.output.path.parent
        origin = Origin(
            self.text.content, lambda path: self.text.path_from(folder, path), self.said
        )
        reached = known[min(kept.epoch, len(known) - 1)]
        return trained_spec(self.spec, kept, reached, origin).encode()

    @property
    def where(self) -> str:
        """``in p.npz``, and what is not in it."""
        whole = self.ending == ARCHIVE
        lacking = "" if whole else ", without the optimizer's state (a .npz has it)"
        return f"in {self.output.name}{lacking}"

    def going_on(self) -> str:
        """The command that takes the training up, where the file has all of it: the one that was
        given, which the last of two ``--resume`` decides."""
        if self.ending != ARCHIVE:
            return ""
        given = ["backtrace", *sys.argv[1:]]
        return f"\nGoes on: {shlex.join([*given, '--resume', self.output.name])}"


def saving_output(name: str, *, force: bool) -> Output:
    """The file of ``--save``; exits with 2 where it can't be one."""
    known = (ARCHIVE, SAFETENSORS, *TEXT)
    if _ending(name) not in known:
        refuse(
            [f"--save {name}: no format by its ending. There are {', '.join(known[:-1])}."], "E507"
        )
    return Output(name, force=force, is_ours=_is_ours)


def check_unfinished(output: Output) -> None:
    """Exits with 2 where the file is a training that has epochs behind it."""
    from backtrace.formats.checkpoint import header_of
    from backtrace.spec.data.request import DataError

    if _ending(output.name) != ARCHIVE or not output.path.is_file():
        return
    try:
        header = header_of(output.path.read_bytes())
    except DataError as error:
        refuse([f"--save {output.name}: {error}; --force replaces it"], "E604")
    if header is not None and header.epoch:
        saved = f"a training with {count(header.epoch, 'epoch')} behind it"
        mend = "--resume takes it up, --force begins anew and replaces it"
        refuse([f"--save {output.name}: {saved}; {mend}"], "E509")


def _check_names(output: Output, spec: Spec) -> None:
    from backtrace.formats.checkpoint import taken_names
    from backtrace.tape.parameters import parameter_ids

    taken = taken_names(parameter_ids(spec))
    if taken:
        found = f"the file calls something else {listed(taken, 'and')}"
        refuse([f"--save {output.name}: {found}; rename them, or save as .safetensors"], "E511")


def _check_short(output: Output, spec: Spec) -> None:
    from backtrace.formats.trained_spec import MOST_NUMBERS, numbers_of

    numbers = numbers_of(spec)
    if numbers > MOST_NUMBERS:
        found = f"{numbers} weights and biases, and a spec is for at most {MOST_NUMBERS}"
        refuse([f"--save {output.name}: {found}; save them as .npz"], "E511")


def _ending(name: str) -> str:
    return Path(name).suffix.lower()


def _is_ours(start: bytes) -> bool:
    from backtrace.formats import file_signatures, trained_spec

    known = (file_signatures.ARCHIVE, file_signatures.SAFETENSORS)
    return trained_spec.is_ours(start) or any(mark in start for mark in known)
