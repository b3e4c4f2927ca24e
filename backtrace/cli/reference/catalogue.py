"""``backtrace mistakes``."""

from __future__ import annotations

from pathlib import Path

from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.cli.screen import emit, print_page, reading, refuse
from backtrace.formats.json import catalogue as documents
from backtrace.formats.json.report import encode
from backtrace.page import catalogue
from backtrace.page.inert import inert
from backtrace.spec import bundled
from backtrace.spec.near_misses import near_miss


def print_catalogue(form: str, width: int | None) -> None:
    """Every mistake that is recognised; as JSON with all that is known of each."""
    if form == "json":
        emit(encode(documents.catalogue()))
    else:
        print_page(catalogue.catalogue(), form, width)


def print_mistake(code: str, form: str, width: int | None) -> None:
    """One mistake in full: where it is made, the wrong rule, the hint, an example."""
    if form == "json":
        emit(encode(documents.catalogue([code])))
    else:
        print_page(catalogue.mistake(code), form, width)


def is_code(name: str) -> bool:
    """Whether it is the code of a mistake, and no spec."""
    return name in CATALOGUE


def print_hidden(source: str, data: Path | None, form: str, width: int | None) -> None:
    """Which mistakes an exercise could not reveal; exits with 2 where the spec is wrong."""
    from backtrace.check.diagnosis.revealing import revealing
    from backtrace.page.report.phrases import Words
    from backtrace.tape.loading import load

    meant = "" if Path(source).suffix else near_miss(source, CATALOGUE)
    if meant and not Path(source).exists() and source not in bundled.names():
        named = f"{inert(source)}: no mistake of this name, and no spec"
        refuse([f"{named}. Did you mean {meant}?"], "E506")
    with reading(source):
        spec = load(source, data_folder=data)
        found = spec.title, revealing(spec), Words(spec)
    if form == "json":
        emit(encode(documents.hidden(*found)))
    else:
        print_page(catalogue.document(*found), form, width)
