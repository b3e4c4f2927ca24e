"""``backtrace mistakes``."""

from __future__ import annotations

from pathlib import Path

from backtrace.cli.screen import emit, reading, show
from backtrace.formats.json.report import encode
from backtrace.formats.terminal import catalogue


def print_catalogue(form: str, width: int | None) -> None:
    """Every mistake that is recognised: its code, where it is made, the wrong rule, the hint."""
    if form == "json":
        emit(encode(catalogue.document()))
    elif form == "markdown":
        emit(catalogue.markdown_lines())
    else:
        show(catalogue.lines, width)


def print_hidden(source: str, data: Path | None, form: str, width: int | None) -> None:
    """Which mistakes an exercise could not reveal; exits with 2 where the spec is wrong."""
    found = _sight(source, data)
    if form == "json":
        emit(encode(catalogue.sight_document(found)))
    elif form == "markdown":
        emit(catalogue.sight_markdown(found))
    else:
        show(lambda page: catalogue.sight_lines(found, page), width)


def _sight(source: str, data: Path | None) -> catalogue.Sight:
    from backtrace.check.mistakes.revealing import revealing
    from backtrace.page.report_phrases import Words
    from backtrace.spec import load

    with reading():
        spec = load(source, data_folder=data)
        return catalogue.sight(spec.title, revealing(spec), Words(spec))
