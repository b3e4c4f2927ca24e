"""What the commands make, from Python: texts and files as values, nothing printed or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from backtrace.check.call import checker_of, read
from backtrace.course.blueprint import Blueprint
from backtrace.course.exercises import fresh
from backtrace.course.template import template as read_template
from backtrace.course.worksheet import worksheet as make_worksheet
from backtrace.formats.markdown import writer as markdown
from backtrace.formats.platforms.assignment import Assignment
from backtrace.formats.registry import FORMATS
from backtrace.formats.worksheet_files import files, format_of
from backtrace.page.blocks import Handout
from backtrace.page.report import sheet
from backtrace.page.report.content import Commentator, Level
from backtrace.page.trace import View
from backtrace.spec.document.spec_source import read_source
from backtrace.spec.model import Spec
from backtrace.tape.loading import loads
from backtrace.tape.run import trace
from backtrace.tape.trace import Trace


def export(of: Spec | Trace, to: str = "markdown", **view: Any) -> bytes:
    """The derivation of a spec, or of a trace, in a format of ``backtrace export``; ``view`` are
    fields of ``backtrace.page.trace.View`` (``detail="entries"``, ``explain=True``).

    Raises KeyError for a format that there is not, MissingExtraError where its library is missing.
    """
    worked = trace(of) if isinstance(of, Spec) else of
    return FORMATS[to].render(worked, View(**view))


def feedback(
    spec: Spec | str,
    answers: Mapping[str, Any] | str,
    *,
    hints: Level = "how",
    reveal: bool = False,
) -> str:
    """What ``backtrace check`` says of a sheet, in Markdown; arguments as ``backtrace.check`` has
    them."""
    checker = checker_of(spec)
    written = read(checker, answers)
    found = Commentator(checker, hints, reveal).findings(written, checker.check(written))
    return markdown.text(sheet.document(found))


def worksheet(
    spec: str,
    to: Iterable[str] = ("md",),
    *,
    ask: Iterable[str] = (),
    show: Iterable[str] = (),
    steps: bool = True,
    handout: Handout = Handout(),  # noqa: B008 - it is frozen
) -> dict[str, bytes]:
    """The files of ``backtrace worksheet`` by name; ``spec`` is a path, a bundled name, or the text
    of one (of several lines), ``handout`` its language and its paper.

    Raises SpecError, WorksheetError, KeyError for a format or a language that there is not.
    """
    text = spec if "\n" in spec else read_source(spec)[0].decode("utf-8-sig")
    made = make_worksheet(loads(text), ask, show)
    assignment = Assignment(made, text, handout, steps)
    return dict(files(assignment, [format_of(name) for name in to]))


def new(template: str | None = None, *, seed: int, title: str = "", **shape: Any) -> str:
    """The text of a fresh exercise: of a template (a path, a bundled name), or of a network with a
    ``shape``, the fields of ``backtrace.course.blueprint.Blueprint``."""
    if template is None:
        source = read_template(Blueprint(**shape).text.encode(), "the network asked for")
    else:
        content, file, _ = read_source(template)
        source = read_template(content, file)
    return fresh(source, title or f"Exercise {seed}", (seed,)).text
