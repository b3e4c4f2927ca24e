"""The catalogue of mistakes as a page, and what an exercise's numbers hide of it."""

import json

import pytest

import backtrace
from backtrace.check.diagnosis.revealing import revealing
from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.formats.json import catalogue as documents
from backtrace.formats.json.report import encode
from backtrace.formats.markdown import writer as markdown
from backtrace.formats.measure import text_width
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.writer import lines
from backtrace.page import catalogue
from backtrace.page.report.phrases import Words

# W₂ is symmetric, so that W₂ᵀ is W₂; the input is 1, so that nothing shows its absence.
SYMMETRIC = """
title: Symmetric
layers:
  - {activation: sigmoid, weights: [[0.5, 0.25], [0.125, 0.75]], bias: none}
  - {activation: sigmoid, weights: [[1, 0.5], [0.5, 2]], bias: none}
inputs: [[1, 2], [3, 4], [5, 7]]
targets: [[0, 1], [1, 0], [1, 1]]
loss: half_sse
"""


def hidden_by(text):
    spec = backtrace.loads(text)
    return spec.title, revealing(spec), Words(spec)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("unicode", [True, False])
def test_every_mistake_is_listed_within_the_width(width, unicode):
    said = uncoloured(lines(catalogue.catalogue(), Layout(width, unicode)))
    assert max(map(text_width, said.splitlines())) <= width
    assert unicode or said.isascii()
    found = [words[0] for words in map(str.split, said.splitlines()) if words]
    assert sorted(set(found) & set(CATALOGUE)) == sorted(CATALOGUE)


def test_every_mistake_has_a_line_on_80_columns():
    said = uncoloured(lines(catalogue.catalogue(), Layout(80)))
    assert all(
        f"{each.code} " in said and f" {each.title}\n" in said for each in CATALOGUE.values()
    )
    assert len(said.splitlines()) < len(CATALOGUE) + 3 * len(catalogue.PHASES) + 3


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("code", CATALOGUE)
def test_a_mistake_in_full_is_within_the_width(code, width):
    said = uncoloured(lines(catalogue.mistake(code), Layout(width)))
    assert max(map(text_width, said.splitlines())) <= width
    assert CATALOGUE[code].example.split()[0] in said


def test_the_catalogue_as_json_and_as_markdown():
    document = json.loads(encode(documents.catalogue()))
    assert [each["code"] for each in document["mistakes"]] == list(CATALOGUE)
    assert all(each["title"] and each["tell"] and each["example"] for each in document["mistakes"])
    text = markdown.text(catalogue.catalogue())
    assert all(each.code in text for each in CATALOGUE.values())


def test_a_symmetric_matrix_hides_a_missing_transpose():
    hidden = hidden_by(SYMMETRIC)
    said = uncoloured(lines(catalogue.document(*hidden), Layout(80)))
    assert "W₂ is symmetric" in said
    assert "W₂ is symmetric" in markdown.text(catalogue.document(*hidden))
    document = json.loads(encode(documents.hidden(*hidden)))
    assert {
        "code": "weights-not-transposed",
        "id": "da1",
        "reason": "W₂ is symmetric",
        "mend": "take one that is not",
    } in document["hidden"]


@pytest.mark.parametrize("width", [40, 80])
def test_what_is_hidden_fits_the_width(width):
    said = uncoloured(lines(catalogue.document(*hidden_by(SYMMETRIC)), Layout(width, False)))
    assert max(map(text_width, said.splitlines())) <= width
    assert said.isascii()
