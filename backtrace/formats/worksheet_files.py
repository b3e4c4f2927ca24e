"""The files of a worksheet by name: sheet and key as they are printed, forms, for platforms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from backtrace.course.worksheet import Worksheet
from backtrace.formats import answer_forms
from backtrace.formats.registry import ENDINGS
from backtrace.page import worksheet as page
from backtrace.page.blocks import Document, Handout

PRINTED: dict[str, str] = {"markdown": "md", "latex": "tex", "html": "html", "pdf": "pdf"}
PLATFORMS = ("moodle", "gradescope", "ipynb")
FORMATS = (*PRINTED, "xlsx", *PLATFORMS)


def format_of(name: str) -> str:
    """A format by its name or its ending: ``md`` is ``markdown``. Raises KeyError."""
    found = ENDINGS.get(f".{name}", name)
    if found not in FORMATS:
        raise KeyError(name)
    return found


def files(
    sheet: Worksheet, text: str, formats: Sequence[str], handout: Handout, *, steps: bool = True
) -> Iterator[tuple[str, bytes]]:
    """The files of a sheet, ``text`` being its spec's. Raises MissingExtraError where a format's
    program is not installed."""
    document = page.document(sheet, handout, steps=steps)
    key = page.key(sheet, handout)
    for form in formats:
        if form in PRINTED:
            yield f"sheet.{PRINTED[form]}", _printed(document, form)
            yield f"key.{PRINTED[form]}", _printed(key, form)
        elif form == "xlsx":
            from backtrace.formats.xlsx import workbook

            yield "answers.xlsx", workbook.form(sheet, handout)
            yield "key.xlsx", workbook.key(sheet, handout)
        elif form == "moodle":
            from backtrace.formats.moodle import questions

            title = sheet.trace.title or "backtrace"
            yield "moodle.xml", questions([(title, sheet, document)], title).encode()
        elif form == "gradescope":
            from backtrace.formats.gradescope_archive import archive

            yield "gradescope.zip", archive(text.encode())
        else:
            from backtrace.formats.exercise_notebook import notebook

            yield "sheet.ipynb", notebook(sheet, document, text).encode()
    yield "answers.yaml", answer_forms.form(sheet).encode()
    yield "answers.csv", answer_forms.table(sheet).encode()
    yield "key.yaml", answer_forms.filled(sheet).encode()


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
