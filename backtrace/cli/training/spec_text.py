"""The text of a spec that a training reads, and may have to write again."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from backtrace.cli.screen import refuse
from backtrace.cli.sources import BEGINNING
from backtrace.spec.data.request import DataError
from backtrace.spec.document.folders import Folders, find
from backtrace.spec.document.reader import YamlDocument, read
from backtrace.spec.document.spec_source import read_source


class SpecText(msgspec.Struct, frozen=True):
    """The bytes of a spec, the name that messages use, and where its files are looked for."""

    content: bytes
    file: str
    folder: Path
    data: Path | None

    def document(self) -> YamlDocument:
        return read(self.content, self.file)

    def path_from(self, new: Path, name: str) -> str:
        """The path of one of its files for a spec in the folder ``new``.

        Relative where the file lies in or below that folder, or where nothing changes.
        """
        try:
            file = find(name, Folders(self.folder, self.data))
        except DataError:  # gone since it was read
            return name
        if _same(new / Path(name).expanduser(), file):
            return name
        file, new = Path(os.path.realpath(file)), Path(os.path.realpath(new))
        return file.relative_to(new).as_posix() if new in file.parents else file.as_posix()


def spec_text(source: str, data: Path | None) -> SpecText:
    """What SPEC names, read once. Raises SpecError as ``backtrace.load`` does; exits with 2
    for a saved trace, which has the numbers of a network and not the network."""
    content, file, folder = read_source(source)
    if BEGINNING.match(content):
        refuse(
            [f"{file}: a saved trace, which can't be trained; name the spec it was made from"],
            "E603",
        )
    return SpecText(content, file, folder, data)


def _same(first: Path, second: Path) -> bool:
    return os.path.realpath(first) == os.path.realpath(second)
