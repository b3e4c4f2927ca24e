"""``backtrace worksheet``: the sheet, its forms and the key, in a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from backtrace.cli.output import Output
from backtrace.cli.screen import reading, refuse, tell
from backtrace.course.languages import LANGUAGES
from backtrace.course.worksheet import WorksheetError, worksheet
from backtrace.formats.platforms.assignment import Assignment
from backtrace.formats.registry import MissingExtraError, NotExpressibleError
from backtrace.formats.worksheet_files import FORMATS, files, format_of
from backtrace.page.blocks import Handout
from backtrace.spec.document.spec_source import read_source
from backtrace.tape.loading import loads


class WorksheetRequest(msgspec.Struct, frozen=True):
    """What the command line asked for."""

    spec: str
    folder: str
    formats: tuple[str, ...]
    ask: tuple[str, ...]
    show: tuple[str, ...]
    handout: Handout
    steps: bool
    data: Path | None
    force: bool


def write_worksheet(request: WorksheetRequest) -> None:
    """Writes every file or, where one can't be written, none; says which."""
    with reading(request.spec):
        content, file, folder = read_source(request.spec)
        spec = loads(content, file, folder=folder, data_folder=request.data)
    formats = formats_of(request.formats, request.handout.language)
    with refusing(), reading(request.spec):
        sheet = worksheet(spec, request.ask, request.show)
        text = content.decode("utf-8-sig")
        contents = dict(files(Assignment(sheet, text, request.handout, request.steps), formats))
    write_contents(request.folder, contents, force=request.force)
    tell(f"{request.folder}: {', '.join(contents)}", sys.stdout)


@contextmanager
def refusing() -> Iterator[None]:
    """Exits with 2 where the request names what there is not, or a format can't say it."""
    try:
        yield
    except WorksheetError as error:
        refuse(error.problems, error.code)
    except (MissingExtraError, NotExpressibleError) as error:
        refuse([str(error)], error.code)


def formats_of(names: Iterable[str], language: str) -> tuple[str, ...]:
    """The formats that are asked for; exits with 2 where one, or the language, there is not."""
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        refuse([f"--language {language}: there is none. There are {known}."], "E514")
    return tuple(dict.fromkeys(map(_format, names)))


def _format(name: str) -> str:
    try:
        return format_of(name)
    except KeyError:
        refuse([f"--to {name}: no such format. There are {', '.join(FORMATS)}."], "E507")


def write_contents(name: str, contents: Mapping[str, bytes], *, force: bool) -> None:
    """Files into a folder, all or none. What is there already and is the same stays, and so does
    what somebody may have filled in."""
    folder = Path(name).expanduser()
    changed = {
        file: content for file, content in contents.items() if not _is_there(folder / file, content)
    }
    in_the_way = [file for file in changed if (folder / file).exists()]
    if in_the_way and not force:
        refuse(
            [f"{folder / file}: another file is there; --force replaces it" for file in in_the_way],
            "E509",
        )
    try:
        for parent in {(folder / file).parent for file in contents}:
            parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse([f"{name}: no folder can be made there ({error.strerror})"], "E508")
    outputs = {
        file: Output(str(folder / file), force=True, is_ours=lambda start: True) for file in changed
    }
    for file, output in outputs.items():
        output.write(changed[file])


def _is_there(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False
