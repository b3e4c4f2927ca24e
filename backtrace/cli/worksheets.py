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
from backtrace.spec.model import Spec
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
    with reading():
        contents = dict(worksheet_contents(load(request.spec, data_folder=request.data), request))
    write_contents(request.folder, contents, force=request.force)
    print(f"{request.folder}: {', '.join(contents)}")


def worksheet_contents(spec: Spec, request: WorksheetRequest) -> Iterator[tuple[str, bytes]]:
    """The files of a sheet by name; exits with 2 where the request names what there is not."""
    formats = tuple(dict.fromkeys(map(_format, request.formats)))
    if request.handout.language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        refuse([f"--language {request.handout.language}: there is none. There are {known}."])
    try:
        sheet = worksheet(spec, request.ask, request.show)
    except WorksheetError as error:
        refuse(error.problems)
    return _contents(sheet, request, formats)


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
            [f"{folder / file}: another file is there; --force replaces it" for file in in_the_way]
        )
    try:
        for parent in {(folder / file).parent for file in contents}:
            parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse([f"{name}: no folder can be made there ({error.strerror})"])
    files = {
        file: Output(str(folder / file), force=True, is_ours=lambda start: True) for file in changed
    }
    for file, output in files.items():
        output.write(changed[file])


def _is_there(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False
