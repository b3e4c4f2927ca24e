"""``backtrace mistakes``."""

from __future__ import annotations

from pathlib import Path

from backtrace.cli.screen import emit, reading, show_page
from backtrace.formats.json import catalogue as documents
from backtrace.formats.json.report import encode
from backtrace.formats.markdown import writer as markdown
from backtrace.page import catalogue


def print_catalogue(form: str, width: int | None) -> None:
    """Every mistake that is recognised: its code, where it is made, the wrong rule, the hint."""
    if form == "json":
        emit(encode(documents.catalogue()))
    elif form == "markdown":
        emit(markdown.text(catalogue.catalogue()))
    else:
        show_page(catalogue.catalogue(), width)


def print_hidden(source: str, data: Path | None, form: str, width: int | None) -> None:
    """Which mistakes an exercise could not reveal; exits with 2 where the spec is wrong."""
    found = _sight(source, data)
    if form == "json":
        emit(encode(documents.sight(found)))
    elif form == "markdown":
        emit(markdown.text(catalogue.document(found)))
    else:
        show_page(catalogue.document(found), width)


def _sight(source: str, data: Path | None) -> catalogue.Sight:
    from backtrace.check.mistakes.revealing import revealing
    from backtrace.page.report.phrases import Words
    from backtrace.tape.loading import load

    with reading():
        spec = load(source, data_folder=data)
        return catalogue.sight(spec.title, revealing(spec), Words(spec))
