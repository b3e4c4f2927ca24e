"""The chapter on notation: each choice is printed as its table says."""

import re

import pytest

import backtrace
from backtrace.formats.json.trace import as_document
from backtrace.spec.model import NOTATION_CHOICES
from tests.test_readme import blocks, rows, section

EXAMPLE = next(text for text in blocks("yaml") if "Two sigmoid layers" in text)
COLUMNS = "conventions: {layout: columns, mean_in: gradient}\n"
TURNED = {"[[1], [2]], bias": "[[1, 2]], bias", "[[1, 2], [3, 4]]": "[[1, 3], [2, 4]]",
          "[[1], [0]]": "[[1, 0]]", "bias: [0, 1]": "bias: [[0], [1]]"}  # fmt: skip
TITLE = "The same lines in three courses' symbols"
CHOICES = [
    (row[0].strip("`"), value, printed.split(";")[0])
    for row in rows("Notation")
    for value, printed in re.findall(r"`(\w+)` \((.+?)\)(?= ·|$)", row[1])
]


def formulas(text):
    """The formula of each step, by its id."""
    steps = as_document(backtrace.trace(backtrace.loads(text)))["steps"]
    return {step["id"]: step["formula"]["text"] for step in steps}


@pytest.mark.parametrize(("key", "value", "printed"), CHOICES)
def test_a_choice_is_printed_as_the_table_says(key, value, printed):
    if value == "bar":
        text = "given: {X: [[1]], W: [[2]]}\nequations: [L = X @ W]\nloss: L\n"
        assert printed == "W̄"
        found = formulas(f"{text}notation: {{gradient: bar}}\n")
        assert "W̄" in "\n".join(found.values()).replace("\u0305", "\u0304")
        return
    descent = "conventions: {sign: descent}\n" if value == "delta" and key == "gradient" else ""
    found = formulas(f"{EXAMPLE}{descent}notation: {{{key}: {value}}}\n")
    assert printed in "\n".join(found.values())


def test_every_choice_is_shown():
    assert [choice[:2] for choice in CHOICES] == [
        (key, value) for key, values in NOTATION_CHOICES.items() for value in values
    ]


@pytest.mark.parametrize("at", [1, 2, 3])
def test_the_lines_in_a_course_s_symbols(at):
    (header,) = re.findall(r"^\| id \| (.*)$", section(TITLE), re.MULTILINE)
    notation = re.findall(r"`([^`]+)`", header)[at - 1]
    text = EXAMPLE
    for before, after in TURNED.items() if at > 1 else ():
        assert before in text
        text = text.replace(before, after)
    found = formulas(f"{text}{COLUMNS if at > 1 else ''}notation: {notation}\n")
    listed = rows(TITLE)
    assert len(listed) == 7
    for row in listed:
        assert row[at] == found[row[0].strip("`")]
