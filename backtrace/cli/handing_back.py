"""What a class gets back: a page for each student, and the table of marks."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from backtrace.check.model import Report
from backtrace.cli.output import Output
from backtrace.cli.screen import refuse
from backtrace.formats.csv.results import START
from backtrace.formats.registry import is_ours
from backtrace.page.blocks import Document

PLAIN = re.compile(r"[^\w.@+-]+")
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # to Windows
ENCODING = sys.getfilesystemencoding()  # which may lack letters of a name
LONGEST = 80  # characters of a file's name
WIDTH = 80  # columns of a page of plain text


def write_results(name: str, table: str, *, force: bool) -> None:
    """The table of marks; an older one of ours is replaced."""
    Output(name, force=force, is_ours=lambda start: start.startswith(START)).write(table.encode())


def write_feedback(
    folder: str, pages: Sequence[tuple[Report, Document]], form: str, *, force: bool
) -> None:
    """A file a student, named by the number, the address or the name; all or none of them."""
    path = Path(folder).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse([f"{folder}: no folder can be made there ({error.strerror})"], "E508")
    names = _names([report for report, _ in pages])
    files = [Output(str(path / f"{name}.{form}"), force=force, is_ours=is_ours) for name in names]
    for file, (_, document) in zip(files, pages, strict=True):
        file.write(_written(document, form))


def _names(reports: Sequence[Report]) -> Iterator[str]:
    """Names of files, no two alike, also where a file system does not tell cases apart."""
    taken: dict[str, int] = {}
    for report in reports:
        told = next(iter(report.keys.values()), report.student)
        told = told.encode(ENCODING, "replace").decode(ENCODING)
        name = PLAIN.sub("_", told).strip("._")[:LONGEST] or "student"
        name += "_" * bool(DEVICES.fullmatch(name))
        taken[name.lower()] = taken.get(name.lower(), 0) + 1
        count = taken[name.lower()]
        yield name if count == 1 else f"{name}-{count}"


def _written(document: Document, form: str) -> bytes:
    if form == "html":
        from backtrace.formats.html import writer as html

        return html.file(document).encode()
    if form == "md":
        from backtrace.formats.markdown import writer as markdown

        return markdown.file(document).encode()
    from backtrace.formats.terminal.colours import uncoloured
    from backtrace.formats.terminal.layout import Layout
    from backtrace.formats.terminal.writer import lines

    return f"{uncoloured(lines(document, Layout(WIDTH)))}\n".encode()
