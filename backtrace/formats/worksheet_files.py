"""The files of a worksheet by name: sheet and key as they are printed, forms, for platforms.

What has the answers and is no ``key`` lies in the lecturer's folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module

import msgspec

from backtrace.formats import answer_forms
from backtrace.formats.platforms.assignment import Assignment
from backtrace.formats.registry import ENDINGS
from backtrace.page import worksheet as page
from backtrace.page.blocks import Document

PRINTED: dict[str, str] = {"markdown": "md", "latex": "tex", "html": "html", "pdf": "pdf"}
OF_THE_LECTURER = "lecturer"  # the folder
TABLE = "answers.csv"


class Platform(msgspec.Struct, frozen=True):
    """``writer`` is ``module:function`` in ``backtrace.formats.platforms``: of assignments, several
    variants of one where ``pooled``, else a single one, it gives files by name. ``for_students``:
    they have no answers."""

    writer: str
    pooled: bool = False
    for_students: bool = False

    def files(self, assignments: Sequence[Assignment]) -> Iterator[tuple[str, bytes]]:
        module, _, name = self.writer.partition(":")
        write = getattr(import_module(f"backtrace.formats.platforms.{module}"), name)
        folder = "" if self.for_students else f"{OF_THE_LECTURER}/"
        for file, content in write(assignments).items():
            yield folder + file, content


PLATFORMS: dict[str, Platform] = {
    "moodle": Platform("moodle:questions", pooled=True),
    "qti": Platform("qti:package", pooled=True),
    "canvas": Platform("canvas:package"),
    "gradescope": Platform("gradescope_archive:archives", pooled=True),
    "github-classroom": Platform("github_classroom:repository", for_students=True),
    "nbgrader": Platform("graded_notebooks:nbgrader"),
    "otter": Platform("graded_notebooks:otter"),
    "ipynb": Platform("notebook:notebook", for_students=True),
}
FORMATS = (*PRINTED, "xlsx", *PLATFORMS)


def format_of(name: str) -> str:
    """A format by its name or its ending: ``md`` is ``markdown``. Raises KeyError."""
    found = ENDINGS.get(f".{name}", name)
    if found not in FORMATS:
        raise KeyError(name)
    return found


def files(assignment: Assignment, formats: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The files of a sheet.

    Raises MissingExtraError where a format's program is not installed, NotExpressibleError where a
    format can't say what the sheet asks.
    """
    yield from _own(assignment, formats)
    for platform in _platforms(formats, pooled=True):
        yield from platform.files([assignment])


def variant_files(
    variants: Mapping[str, Assignment], formats: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    """The files of each variant in a folder by its name, the lecturer's in a folder of all, with
    those that are of all variants together. Raises as ``files`` does."""
    for name, assignment in variants.items():
        for file, content in _own(assignment, formats):
            folder, _, rest = file.partition("/")
            if folder == OF_THE_LECTURER:
                yield f"{OF_THE_LECTURER}/{name}/{rest}", content
            elif file == TABLE:  # it is the same for all
                yield file, content
            else:
                yield f"{name}/{file}", content
    for platform in _platforms(formats, pooled=True):
        yield from platform.files([*variants.values()])


def _own(assignment: Assignment, formats: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """What each variant has for itself."""
    sheet, handout = assignment.sheet, assignment.handout
    for form in formats:
        if form in PRINTED:
            yield f"sheet.{PRINTED[form]}", _printed(assignment.document, form)
            yield f"key.{PRINTED[form]}", _printed(page.key(sheet, handout), form)
        elif form == "xlsx":
            from backtrace.formats.xlsx import workbook

            yield "answers.xlsx", workbook.form(sheet, handout)
            yield "key.xlsx", workbook.key(sheet, handout)
    for platform in _platforms(formats, pooled=False):
        yield from platform.files([assignment])
    yield "answers.yaml", answer_forms.form(sheet, handout).encode()
    yield TABLE, answer_forms.table(sheet).encode()
    yield "key.yaml", answer_forms.filled(sheet).encode()


def _platforms(formats: Sequence[str], *, pooled: bool) -> Iterator[Platform]:
    found = (PLATFORMS[form] for form in formats if form in PLATFORMS)
    return (platform for platform in found if platform.pooled == pooled)


def _printed(document: Document, form: str) -> bytes:
    written = _writers()[form](document)
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
