"""Written numbers: digits kept, what is meant understood and said, all else explained."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtrace.check.answers.figures import EXACT, figure, understood
from backtrace.check.model import Figure, Malformed


@pytest.mark.parametrize(
    ("text", "value", "half_unit", "decimals", "digits"),
    [
        ("0.5", 0.5, 0.05, 1, 1),
        ("0.50", 0.5, 0.005, 2, 2),
        ("-1.234", -1.234, 0.0005, 3, 4),
        (".25", 0.25, 0.005, 2, 2),
        ("5.", 5.0, 0.5, 0, 1),
        ("0", 0.0, 0.5, 0, 1),
        ("0.000", 0.0, 0.0005, 3, 1),
        ("0.0042", 0.0042, 0.00005, 4, 2),
        ("1200", 1200.0, 0.5, 0, 4),
        ("1.2e3", 1200.0, 50.0, -2, 2),
        ("1.23e-5", 1.23e-5, 0.5e-7, 7, 3),
        ("1E3", 1000.0, 500.0, -3, 1),
        ("0e9", 0.0, 0.5, 0, 1),
        ("0.0e3", 0.0, 0.5, 0, 1),
        ("0e-3", 0.0, 0.0005, 3, 1),
        ("17/4", 4.25, 0.0, EXACT, EXACT),
        ("-1/3", -1 / 3, 0.0, EXACT, EXACT),
        ("  0.5 ", 0.5, 0.05, 1, 1),
    ],
)
def test_plain_numbers_keep_their_digits(text, value, half_unit, decimals, digits):
    assert figure(text) == Figure(text.strip(), value, half_unit, decimals, digits)
    assert understood(text)[1] == ""


@pytest.mark.parametrize(
    ("text", "value", "half_unit", "said"),
    [
        ("0,5", 0.5, 0.05, "numbers are read with a decimal comma"),
        ("-1,25", -1.25, 0.005, "numbers are read with a decimal comma"),
        ("−0.5", -0.5, 0.05, "with a typographic minus"),
        ("–0.5", -0.5, 0.05, "with a typographic minus"),
        ("−0,25", -0.25, 0.005, "a typographic minus and with a decimal comma"),
        ("1.5e−3", 0.0015, 0.00005, "with a typographic minus"),
        ("1,234", 1.234, 0.0005, "numbers are read with a decimal comma"),
        ("- 5", -5.0, 0.5, "without the space after its sign"),
        ("≈ 0.574", 0.574, 0.0005, "0.574, without the sign before it"),
        ("1.2·10^-3", 0.0012, 0.00005, "is read as 1.2e-3, with a power of ten"),
        ("1.2 × 10⁻³", 0.0012, 0.00005, "is read as 1.2e-3, with a power of ten"),
        ("4.35/100", 0.0435, 0.00005, "is read as 4.35e-2, with a power of ten below it"),
        ("0.786?", 0.786, 0.0005, "numbers are read without the mark after them"),
        ("0.8.", 0.8, 0.05, "numbers are read without the mark after them"),
        ("0,8;", 0.8, 0.05, "the mark after them and with a decimal comma"),
        ("'0.550", 0.55, 0.0005, "numbers are read without the apostrophe before them"),
        ("’-0,25", -0.25, 0.005, "the apostrophe before them and with a decimal comma"),
        ("0.8 ✓", 0.8, 0.05, "numbers are read without the mark after them"),
        ("0.866 nats", 0.866, 0.0005, "numbers are read without the words after them"),
        ("0,327 (rounded)", 0.327, 0.0005, "the words after them and with a decimal comma"),
        ("0.5 (I am not sure)", 0.5, 0.05, "numbers are read without the words after them"),
        ("about 0.853", 0.853, 0.0005, "is read as 0.853, without the word before it"),
        ("78.58 %", 0.7858, 0.00005, "numbers are read with % as hundredths"),
        ("50%", 0.5, 0.005, "numbers are read with % as hundredths"),
    ],
)
def test_other_ways_of_writing_are_read_as_meant_and_said(text, value, half_unit, said):
    cell, note = understood(text)
    assert isinstance(cell, Figure)
    assert (cell.text, cell.value, cell.half_unit) == (text, value, half_unit)
    assert said in note


def test_the_text_of_a_figure_stays_on_its_line():
    assert figure("−\t\n1").text == "− 1"
    assert "groups" in figure("1\u00a0000").reason


@pytest.mark.parametrize("text", ["", " ", "_", "____", "?", "??", "~", "null"])
def test_what_is_left_out_is_no_figure(text):
    assert understood(text) == (None, "")
    assert isinstance(figure(text), Malformed)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1,234,567", "groups"),
        ("1'000", "groups"),
        ("1_000", "groups"),
        ("1.234,5", "groups"),
        ("1,234.5", "groups"),
        ("nan", "not a finite number. Write the number you worked out, or _"),
        ("-inf", "not a finite number"),
        ("∞", "not a finite number"),
        ("#DIV/0!", "not a finite number"),
        ("n/a", "no number. Write the number you worked out, or _"),
        ("—", "no number"),
        ("zero", '"zero"'),
        ("true", 'the word "true"'),
        ("１２", "special characters"),
        ("٣", '"٣"'),
        ("½", "special characters"),
        ("1 2", "2 numbers"),
        ("0.5 0,5", '"0.5 0,5"'),
        ("1e2%", "percentage"),
        # Words, and a second number, that make another number of it, or may
        ("0.5 percent", '"0.5 percent"'),
        ("5 thousandths", '"5 thousandths"'),
        ("3 million", '"3 million"'),
        ("2 pi", '"2 pi"'),
        ("2 e", '"2 e"'),
        ("0.5 minus", '"0.5 minus"'),
        ("0.5 (neg.)", '"0.5 (neg.)"'),
        ("0.3 or 0.4", '"0.3 or 0.4"'),
        ("0.5 (0.6)", '"0.5 (0.6)"'),
        ("z = 0.5", '"z = 0.5"'),
        ("2^3", "not a single number"),
        ("=1+1", '"=1+1"'),
        ("[[1, 2], [3, 4]]", '"[[1, 2]'),
        ("0.5\u200b", "invisible character (U+200B)"),
        ("0\u202e5", "invisible character (U+202E)"),
        ("9" * 101, "101 characters"),
        ("1e999", "beyond 1e308"),
        ("1e-999", "closer to 0"),
        ("0e9999", "0e9999"),
        ("1/0", "division by 0"),
    ],
)
def test_all_else_is_malformed_with_a_reason(text, reason):
    cell = figure(text)
    assert isinstance(cell, Malformed)
    assert reason in cell.reason


def test_a_malformed_text_is_inert_and_short():
    cell = figure("\x1b[31m" + "x" * 5_000_000)
    assert isinstance(cell, Malformed)
    assert len(cell.text) <= 100
    assert cell.text.isprintable()
    assert cell.reason.isprintable()


@given(st.decimals(-10000, 10000, places=4))
def test_half_a_unit_spans_what_rounds_to_the_text(number):
    text = f"{number:.4f}"
    cell = figure(text)
    assert isinstance(cell, Figure)
    assert cell.value == float(Fraction(text))
    assert (cell.half_unit, cell.decimals) == (0.00005, 4)


@given(st.text(max_size=120) | st.from_regex(r"[0-9+\-−.,/eEx·^ ]{0,14}", fullmatch=True))
def test_any_text_is_a_figure_left_out_or_explained(text):
    cell, note = understood(text)
    if isinstance(cell, Figure):
        assert abs(cell.value) < float("inf")
        assert 0 <= cell.half_unit < float("inf")
    elif cell is not None:
        assert cell.reason
        assert not note
