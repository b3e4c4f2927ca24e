"""What is wrong with a spec, on a terminal."""

from __future__ import annotations

import pytest

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.problems import lines
from backtrace.spec import SpecError
from backtrace.tape.loading import loads

WRONG = """\
layers:
  - activation: rellu
    weights: [[0,05, 0,1], [0,3, 0,4]]
    bias: [0,05, 0,1]
inputs: [[0.123456789, 0.234567891, 0.345678912, 0.456789123, one, 0.567891234, 0.678912345]]
"""


def of(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        loads(text)
    return caught.value


def said(line: list[tuple[str, str]]) -> str:
    return "".join(part for part, _ in line)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_nothing_is_wider_than_the_terminal(width):
    page = lines(of(WRONG), Layout(width))
    assert all(text_width(said(line)) <= width for line in page)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_caret_is_under_what_it_points_at(width):
    page = [said(line) for line in lines(of(WRONG), Layout(width))]
    at = next(i for i, line in enumerate(page) if "one" in line and " | " in line)
    start = page[at + 1].index("^")
    assert page[at][start : start + 3] == "one"


def test_every_part_has_its_colour_and_the_choices_come_last():
    page = lines(of(WRONG), Layout(80))
    roles = [line[-1][1] for line in page[: page.index([])]]
    assert page[0][0] == ("<text>:2:17:", "place")
    assert roles == ["number", "quote", "caret", "mend", *["fact"] * (len(roles) - 4)]


def test_the_same_is_said_once():
    page = [said(line) for line in lines(of(WRONG), Layout(80))]
    assert sum("decimal commas" in line for line in page) == 1
    assert any("The same at 4:12." in line for line in page)


def test_without_unicode_it_is_in_ascii():
    misfit = WRONG.replace("rellu", "relu").replace("0,", "0.").replace("one", "1")
    assert all(said(line).isascii() for line in lines(of(misfit), Layout(80, unicode=False)))
