"""``backtrace worksheet``: the sheet, its forms and the key, in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from backtrace.cli.output import Output
from backtrace.cli.screen import reading, refuse
from backtrace.course.languages import LANGUAGES
from backtrace.course.worksheet import Worksheet, WorksheetError, worksheet
from backtrace.formats import answer_forms
from backtrace.formats.registry import ENDINGS, MissingExtraError
from backtrace.page import worksheet as page
from backtrace.page.blocks import Document, Handout
from backtrace.tape.loading import load

PRINTED: dict[str, str] = {"markdown": "md", "latex": "tex", "html": "html", "pdf": "pdf"}


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
    formats = tuple(dict.fromkeys(map(_format, request.formats)))
    if request.handout.language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        refuse([f"--language {request.handout.language}: there is none. There are {known}."])
    with reading():
        spec = load(request.spec, data_folder=request.data)
        try:
            sheet = worksheet(spec, request.ask, request.show)
        except WorksheetError as error:
            refuse(error.problems)
    contents = dict(_contents(sheet, request, formats))
    folder = Path(request.folder).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse([f"{request.folder}: no folder can be made there ({error.strerror})"])
    _write(folder, contents, force=request.force)
    print(f"{request.folder}: {', '.join(contents)}")


def _format(name: str) -> str:
    """A format by its name or its ending: ``md`` is ``markdown``."""
    found = ENDINGS.get(f".{name}", name)
    if found not in PRINTED:
        refuse([f"--to {name}: no such format. There are {', '.join(PRINTED)}."])
    return found


def _contents(
    sheet: Worksheet, request: WorksheetRequest, formats: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    """The files by name, the sheets first."""
    handout = request.handout
    documents = {
        "sheet": page.document(sheet, handout, steps=request.steps),
        "key": page.key(sheet, handout),
    }
    for form in formats:
        for name, document in documents.items():
            yield f"{name}.{PRINTED[form]}", _printed(document, form)
    yield "answers.yaml", answer_forms.form(sheet).encode()
    yield "answers.csv", answer_forms.table(sheet).encode()
    yield "key.yaml", answer_forms.filled(sheet).encode()


def _printed(document: Document, form: str) -> bytes:
    try:
        written = _writers()[form](document)
    except MissingExtraError as error:
        refuse([str(error)])
    return written.encode() if isinstance(written, str) else written


def _writers() -> Mapping[str, Callable[[Document], str | bytes]]:
    from backtrace.formats.html import writer as html
    from backtrace.formats.latex import pdf
    from backtrace.formats.latex import writer as latex
    from backtrace.formats.markdown import writer as markdown

    return {
        "markdown": markdown.file,
        "latex": latex.file,
        "html": html.file,
        "pdf": pdf.pdf,
    }


def _write(folder: Path, contents: Mapping[str, bytes], *, force: bool) -> None:
    """What is there already and is the same stays; what somebody may have filled in too."""
    changed = {
        name: content for name, content in contents.items() if not _is_there(folder / name, content)
    }
    in_the_way = [name for name in changed if (folder / name).exists()]
    if in_the_way and not force:
        refuse(
            [f"{folder / name}: another file is there; --force replaces it" for name in in_the_way]
        )
    files = {
        name: Output(str(folder / name), force=True, is_ours=lambda start: True) for name in changed
    }
    for name, file in files.items():
        file.write(changed[name])


def _is_there(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False
