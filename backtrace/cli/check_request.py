"""What the command line asks of ``backtrace check``, and what in it contradicts itself."""

from __future__ import annotations

import os
from collections import abc
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from backtrace.check.answers.files import is_of_a_class
from backtrace.check.model import WORST_FIRST, Verdict
from backtrace.cli.screen import useless
from backtrace.page.report.content import Level
from backtrace.spec.model import AnswerDigits
from backtrace.spec.numbers import written_number
from backtrace.spec.read.quantities.marks import SHARE

OF_A_CLASS = ("csv", "jsonl")
OF_A_STUDENT = ("gradescope",)

Format: TypeAlias = Literal["text", "markdown", "html", "csv", "json", "jsonl", "gradescope"]
PAGES = ("text", "markdown", "html")
FeedbackFormat: TypeAlias = Literal["md", "html", "txt"]


class CheckRequest(msgspec.Struct, frozen=True, dict=True):
    """What the command line asked for. ``hints`` is None where the default will do."""

    spec: str
    answers: tuple[str, ...]
    format: Format
    hints: Level | None
    reveal: bool
    credit: abc.Mapping[Verdict, float]
    strict: bool
    asked: AnswerDigits | None
    columns: str | None
    feedback: str | None
    feedback_format: FeedbackFormat
    results: str | None
    names: bool
    force: bool
    data: Path | None
    width: int | None

    @property
    def level(self) -> Level:
        return self.hints or "how"

    @property
    def is_of_files(self) -> bool:
        """Whether nothing comes through a pipe, where another process does not find it again, or
        whoever writes waits for an answer to each line."""
        others = [self.spec, *([] if self.columns is None else [self.columns])]
        return "-" not in (self.spec, *self.answers) and not any(Path(x).is_fifo() for x in others)

    @cached_property
    def several(self) -> bool:
        """Whether the answers are those of a class: several files, a folder, a table, a stream."""
        if self.feedback is not None or self.results is not None:
            return True
        paths = [Path(answers) for answers in self.answers]
        if self.format in OF_A_CLASS or len(paths) > 1:
            return True
        return self.answers[0] != "-" and (os.path.isdir(paths[0]) or is_of_a_class(paths[0]))  # noqa: PTH112


def problems(request: CheckRequest) -> Iterator[str]:
    """What in a request contradicts itself, a sentence each."""
    inputs = (request.spec, *request.answers)
    if inputs.count("-") > 1:
        yield "- stands for stdin twice: the spec or one answers file can be read from it"
    if request.several and request.format in OF_A_STUDENT:
        yield f"--format {request.format} is for one student's answers; give one file"
    if request.names and not (request.several and request.format in PAGES):
        yield "--names: for the page of a class (text, markdown or html), which else has none"
    if request.several and request.format in (*PAGES, "csv"):
        shaping = {"--hints": request.hints is not None, "--reveal": request.reveal}
        given = [option for option, used in shaping.items() if used]
        if given and request.feedback is None:
            yield f"{', '.join(given)}: for one student's sheet; a class is shown as a table"
    if request.format != "text":
        yield from useless({"--width": request.width is not None}, "--format", request.format)


def parsed_credit(text: str) -> dict[Verdict, float]:
    """``carried=0.5,unsupported=1`` by verdict. Raises ValueError with what is wrong."""
    found: dict[Verdict, float] = {}
    names: dict[str, Verdict] = {verdict: verdict for verdict in WORST_FIRST}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, share = (piece.strip() for piece in part.partition("="))
        if name not in names or not equals:
            raise ValueError(
                f"{part!r} is not VERDICT=SHARE; verdicts are {', '.join(WORST_FIRST)}"
            )
        found[names[name]] = _share(share, part)
    return found


def _share(text: str, part: str) -> float:
    share = written_number(text)
    if share is None or not SHARE.accepts(share):
        raise ValueError(f"{part!r}: the share of a mark is a number from 0 to 1")
    return float(share)
