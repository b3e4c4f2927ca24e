"""Printed numbers: decimals, halves, noise, small and large values, fractions, alignment, LaTeX."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtrace.notation.numbers import (
    aligned,
    cells,
    constant,
    duration,
    latex,
    number,
    scientific,
    significant,
    small,
)


def matrix(*rows, dtype=float):
    return np.array(rows, dtype=dtype)


@pytest.mark.parametrize(
    ("row", "printed"),
    [
        ([1, 2], ["1", "2"]),
        ([0.5, -1, 2], ["0.5", "-1.0", "2.0"]),
        ([0.57924, 1], ["0.5792", "1.0000"]),
        ([0.50001, 1], ["0.5000", "1.0000"]),  # the zeros say that it was rounded
        ([0.1 + 0.2, 1.1 * 1.1], ["0.30", "1.21"]),  # noise asks for no decimals
        ([1.7 * 0.5, -3.4], ["0.85", "-3.40"]),
        ([0.0, -0.0], ["0", "0"]),
        ([0.00004, 0.5], ["4e-5", "0.5"]),
        ([float("nan"), 0.25], ["nan", "0.25"]),
        ([float("inf"), -float("inf")], ["inf", "-inf"]),
    ],
)
def test_a_matrix_takes_as_many_decimals_as_its_entries_need(row, printed):
    assert cells(matrix(row), 4) == [printed]


@pytest.mark.parametrize(
    ("value", "decimals", "printed"),
    [
        (0.125, 2, "0.13"),
        (-0.125, 2, "-0.13"),
        (2.675, 2, "2.68"),
        (1.005, 2, "1.01"),
        (0.5, 0, "1"),
        (2.5, 0, "3"),
        (-2.5, 0, "-3"),
        (9.9996, 3, "10.000"),
        (0.28500000000000003, 2, "0.29"),
        (0.12499999999999999, 2, "0.13"),  # 0.125, worked by a float
        (0.1249, 2, "0.12"),
        (1e-17, 20, "0.00000000000000001"),
    ],
)
def test_halves_go_away_from_zero_as_by_hand(value, decimals, printed):
    assert number(value, decimals) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.0000123, "1.23e-5"),
        (-0.0000123, "-1.23e-5"),
        (0.00004999, "4.999e-5"),
        (0.00005, "0.0001"),
        (5e-324, "4.941e-324"),
        (9.99996e-7, "1e-6"),
        (1e-10, "1e-10"),
        (999_999_999.0, "999999999"),
        (1e9, "1e9"),
        (1.5e300, "1.5e300"),
        (-1.7976931348623157e308, "-1.798e308"),
        (123456.7891, "123456.7891"),
        (123456789.1234, "123456789.1234"),
    ],
)
def test_small_and_huge_numbers_keep_significant_digits(value, printed):
    assert number(value, 4) == printed


def test_a_rounded_negative_is_never_minus_zero():
    assert cells(matrix([-0.00004, -0.0, -1.00004]), 4) == [["-4e-5", "0.0000", "-1.0000"]]


def test_single_precision_is_read_by_its_own_shortest_text():
    # 0.1 and 3.7 as float32 are 0.100000001… and 3.70000005…
    single = matrix([0.1, 3.7, np.float32(0.1) + np.float32(0.2)], dtype=np.float32)
    assert cells(single, 4) == [["0.1", "3.7", "0.3"]]
    assert number(np.float32(1234.7), 4) == "1234.7"


def test_fractions_stay_exact():
    exact = np.array([[Fraction(17, 4), Fraction(-3), Fraction(1, 10**12)]], dtype=object)
    assert cells(exact, 2) == [["17/4", "-3", "1/1000000000000"]]
    assert number(np.array(Fraction(1, 3), dtype=object), 2) == "1/3"


def test_numbers_of_any_kind_and_zero_dimensions():
    assert number(np.array(0.25), 4) == "0.25"
    assert number(np.array(0.1, dtype=np.float32), 4) == "0.1"
    assert number(3, 4) == "3"
    assert cells(np.array([[1, 2]]), 4) == [["1", "2"]]
    assert cells(np.empty((0, 3)), 4) == []


def test_a_decimal_comma():
    assert cells(matrix([0.5, 0.000012]), 4, ",") == [["0,5", "1,2e-5"]]
    assert aligned(["0,5", "-12,25"], ",") == ["  0,5 ", "-12,25"]


def test_points_stand_in_line():
    assert aligned(["0.5", "-12.25", "3", "1.2e-5", "nan"]) == [
        "  0.5   ",
        "-12.25  ",
        "  3     ",
        "  1.2e-5",
        "     nan",
    ]
    assert aligned(["1.5", "-inf"]) == [" 1.5", "-inf"]
    assert aligned(["-12.5", "1e-5"]) == ["-12.5 ", "  1e-5"]
    assert aligned(["17/4", "-3"]) == ["17/4", "  -3"]


@pytest.mark.parametrize(
    ("text", "typeset"),
    [
        ("0.5792", "0.5792"),
        ("1.23e-5", r"1.23 \cdot 10^{-5}"),
        ("17/4", r"\tfrac{17}{4}"),
        ("-17/4", r"-\tfrac{17}{4}"),
        ("-inf", r"-\infty"),
        ("nan", r"\text{nan}"),
    ],
)
def test_latex(text, typeset):
    assert latex(text) == typeset


def test_latex_with_a_decimal_comma():
    assert latex("-0,5", ",") == "-0{,}5"


@given(st.decimals(-10_000, 10_000, places=6), st.integers(0, 6))
def test_rounding_agrees_with_decimal_arithmetic(written, decimals):
    printed = number(float(written), decimals)
    if "e" in printed:
        assert written != 0
        assert written.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP) == 0
        assert abs(Decimal(printed) - written) <= abs(written) / 200
    else:
        assert Decimal(printed) == written.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        assert not printed.startswith("-0.") or Decimal(printed) != 0


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 12))
def test_no_number_prints_as_zero_unless_it_is(value, decimals):
    printed = number(value, decimals)
    assert (float(printed) == 0) == (value == 0)
    assert not (printed.startswith("-") and float(printed) == 0)


@pytest.mark.parametrize(
    ("value", "digits", "printed"),
    [
        (0.25, 6, "0.25"),
        (1234567.0, 4, "1.235e6"),
        (-0.000015, 6, "-1.5e-5"),
        (1e100, 3, "1e100"),
        (-0.0, 6, "0"),
        (float("-inf"), 6, "-inf"),
        (float("nan"), 6, "nan"),
    ],
)
def test_significant_digits_have_a_short_exponent(value, digits, printed):
    assert significant(value, digits) == printed


@pytest.mark.parametrize(
    ("value", "digits", "printed"),
    [(0.25, 1, "2e-1"), (0.25, 3, "2.50e-1"), (1e6, 1, "1e6"), (1e-120, 2, "1.0e-120")],
)
def test_a_power_of_ten_has_as_many_digits_as_asked_for(value, digits, printed):
    assert scientific(value, digits) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.0, "0"), (0.001, "0.001"), (0.00099, "9.9e-4"), (999.0, "999"), (1000.0, "1.0e3"),
        (999.9, "1e3"), (3.1e-15, "3.1e-15"), (float("inf"), "inf"), (float("nan"), "nan"),
    ],
)  # fmt: skip
def test_a_difference_is_short(value, printed):
    assert small(value) == printed


@pytest.mark.parametrize(
    ("seconds", "printed"),
    [
        (8.5e-6, "8.5 µs"), (0.0034, "3.4 ms"), (0.034, "34 ms"), (12.0, "12 s"), (119.0, "119 s"),
        (300.0, "5.0 min"), (9000.0, "2.5 h"),
    ],
)  # fmt: skip
def test_a_duration_has_the_unit_that_suits_it(seconds, printed):
    assert duration(seconds) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [(1e-8, "1e-8"), (-1e-5, "-1e-5"), (1e-4, "0.0001"), (1.5e-5, "0.000015"), (0.001, "0.001")],
)
def test_a_tiny_constant_is_a_power_of_ten_where_it_is_one(value, printed):
    assert constant(value, 4) == printed


def test_a_float32_is_rounded_once():
    """As its shortest text is: 0.12344996 is 0.12345 to five decimals, and 0.1234 to four."""
    assert number(np.float32(0.12344996), 4) == "0.1234"
    assert number(np.float32(0.12345), 4) == "0.1235"
    assert number(np.float32(0.1) + np.float32(0.2), 4) == "0.3"  # noise is still none
    random = np.random.default_rng(1)
    for decimals in (2, 3, 4, 5):
        ties = np.round(random.uniform(-9, 9, 500), decimals + 1)
        for value in (ties + random.integers(-5, 6, 500) * 1e-7).astype(np.float32):
            exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
            assert Decimal(number(value, decimals)) == exact or "e" in number(value, decimals)
