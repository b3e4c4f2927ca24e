"""``backtrace.check(spec, answers)``: one sheet from Python, as a report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from backtrace.check.answers.names import reader
from backtrace.check.answers.reading import read_answers
from backtrace.check.judge.checker import Checker
from backtrace.check.model import Answers, Report
from backtrace.check.policy import points
from backtrace.spec.model import Spec
from backtrace.tape.loading import loads


def check(spec: Spec | str, answers: Mapping[str, Any] | str) -> Report:
    """The report on one sheet. ``spec`` is a Spec or the text of one; ``answers`` a mapping of ids
    to numbers, texts of numbers (which keep their zeros), lists or arrays, or the text of a file.

    Raises SpecError for a wrong spec, AnswersError for answers that can't be read. Nothing is
    printed; the exercise of a spec's text is made once and kept.
    """
    checker = checker_of(spec)
    return checker.check(read(checker, answers))


def marks(spec: Spec | str, answers: Mapping[str, Any] | str) -> dict[str, float]:
    """The points that each quantity earns, by its name; arguments and errors as ``check`` has them.

    Where the spec asks for quantities, all of these are there.
    """
    checker = checker_of(spec)
    judged = checker.check(read(checker, answers)).quantities
    found = points(judged, checker.spec.marks)
    return {each.name: score.points for each, score in zip(judged, found, strict=True)}


def checker_of(spec: Spec | str) -> Checker:
    """The exercise that sheets are held against; that of a text is kept."""
    return _of_text(spec) if isinstance(spec, str) else Checker(spec)


def read(checker: Checker, answers: Mapping[str, Any] | str) -> Answers:
    """What was written, as the exercise has it."""
    text = answers if isinstance(answers, str) else json.dumps(answers, default=_plain)
    return read_answers(text.encode(), "answers", reader(checker.tape, checker.spec))


@lru_cache(maxsize=32)
def _of_text(text: str) -> Checker:
    return Checker(loads(text))


def _plain(value: Any) -> Any:
    """An array, or a number of NumPy, as JSON knows it."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
