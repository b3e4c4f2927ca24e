"""Sheets that are written to so many significant digits, each number to its own decimals."""

import pytest

from backtrace.check.judge.checker import Checker
from backtrace.check.sheets.digits import kept_digits, showing
from backtrace.check.sheets.sheet import Page
from backtrace.check.sheets.workings import between_lines
from tests.check.typed import answers_of, marks, report, spec_of

# a1 = [1.2344 0.012347 56.784], z2 = 6 · 1.2344 = 7.4064
SPEC = """
layers:
  - {activation: linear, weights: [[1.2344, 0.012347, 56.784]], bias: none}
  - {activation: linear, weights: [[6], [0], [0]], bias: none}
inputs: 1
targets: 1
loss: mse
"""


def written(checker, sheet):
    return {(1, 1, each.id): each for each in answers_of(checker, sheet).written}


@pytest.mark.parametrize(
    ("sheet", "digits"),
    [
        ("a1: [1.234, 0.01235, 56.78]\nz2: 7.406", 4),
        ("a1: [0.5, 0.01235, 56.78]\nz2: 7.406", 4),  # 0.5000 without its zeros
        ("a1: [0.10000, 0.01235, 56.78]\nz2: 7.406", 4),  # 0.099998, its decimals counted before
        ("a1: [0.12000, 0.01235, 56.78]\nz2: 7.406", None),
        ("a1: [1.0000, 0.1235, 56.78]\nz2: 0.7406", None),  # and what has four decimals
        ("a1: [0.5, 0.123, 0.456]\nz2: 0.012", None),  # three decimals
        ("a1: [1.234, 0.012, 56.784]\nz2: 7.406", None),  # three decimals
        # Three decimals, of which one has lost its zero
        (
            "z1: [.123, .234, .345]\na1: [.456, .567, .678]\ndW2: [.789, .891, .912]\nz2: .95",
            None,
        ),
        ("a1: [0, 0.9, 1e1]\nz2: 0.05", None),  # one says nothing
        # Three as a program prints them, and two decimals
        ("z1: [1.234e-5, 0.01235, 56.78]\na1: [0.01, 0.12, 0.78]", None),
    ],
)
def test_how_many_digits_a_sheet_has_throughout(sheet, digits):
    assert kept_digits(showing(written(Checker(spec_of(SPEC)), sheet))) == digits


def test_what_fits_nothing_is_read_by_its_own_digits():
    """1.5344 for 1.2344, of which the calculator kept all: 6 · 1.5344 = 9.2064. Of 1.53400, as fine
    as 0.01235 is, 9.204 would follow."""
    assert marks(SPEC, "a1: [1.534, 0.01235, 56.78]\nz2: 9.206") == {
        "a1": "wrong",
        "z2": "carried",
    }


def test_decimals_that_vary_with_the_size_of_numbers_say_nothing_of_scratch_paper():
    checker = Checker(spec_of(SPEC))
    by_digits, by_decimals = (
        Page(answers_of(checker, sheet), checker)
        for sheet in (
            "a1: [1.234, 0.01235, 56.78]\nz2: 7.406",
            "a1: [1.234, 0.012, 56.784]\nz2: 7.41",
        )
    )
    assert [*between_lines(by_digits, checker.values)] == []
    assert [way.said for way in between_lines(by_decimals, checker.values)] == [
        {"rounding": "worked to 2 decimals"}
    ]


def test_a_line_of_fewer_decimals_did_not_lose_zeros_that_its_parts_never_had():
    """½(0.24² + 0.23² + 0.236² + 0.236²) = 0.1109. Squares noted to two decimals might come to
    0.1000; but 0.1 has either one decimal, which is too few, or four, as its squares then."""
    spec = """
layers: [{activation: linear, weights: [[0.24, 0.23, 0.236, 0.236]], bias: none}]
inputs: [[1]]
targets: [[0, 0, 0, 0]]
loss: half_sse
"""
    a1 = "a1: [[0.2400, 0.2300, 0.2360, 0.2360]]\n"
    for loss, verdict in (("0.1", "imprecise"), ("0.11", "right"), ("0.1109", "right")):
        assert marks(spec, f"{a1}loss: {loss}")["loss"] == verdict


@pytest.mark.parametrize(
    ("z1", "counts"),
    [
        ("[0.3, 0.3, 0.9]", {"imprecise": 3}),
        ("[0.3, 0.3, 10]", {"imprecise": 2, "wrong": 1}),
        ("[0.3, 0.3, 1.9]", {"imprecise": 2, "wrong": 1}),
        ("[0.31, 0.33, 10]", {"right": 2, "wrong": 1}),
    ],
)
def test_a_wrong_entry_has_no_digits_for_the_others(z1, counts):
    """0.31, 0.33 and 0.93: to one decimal none of them has two digits."""
    spec = """
layers: [{activation: linear, weights: [[0.31, 0.33, 0.93]], bias: none}]
inputs: [[1]]
targets: [[0, 0, 0]]
loss: half_sse
"""
    (quantity,) = report(spec, f"z1: [{z1}]").quantities
    assert {each: quantity.count(each) for each in counts} == counts
