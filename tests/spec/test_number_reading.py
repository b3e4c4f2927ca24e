"""What is a number, and what the writers of everything else are told."""

import pickle
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtrace.spec.number_reading import NoNumber, comma_reading, read_number
from backtrace.spec.numbers import Number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", Fraction(2)),
        ("+2", Fraction(2)),
        ("-0", Fraction(0)),
        ("0.10", Fraction(1, 10)),
        ("-.5", Fraction(-1, 2)),
        ("5.", Fraction(5)),
        ("1e-3", Fraction(1, 1000)),
        ("1E3", Fraction(1000)),
        ("2.5e+2", Fraction(250)),
        ("1/3", Fraction(1, 3)),
        ("-1/3", Fraction(-1, 3)),
        ("1 / 4", Fraction(1, 4)),
    ],
)
def test_numbers_keep_their_text_and_exact_value(text, value):
    number = read_number(text)
    assert isinstance(number, Number)
    assert number.text == text
    assert number.fraction == value
    assert float(number) == float(value)


@pytest.mark.parametrize(
    ("text", "found", "mend"),
    [
        ("0,5", "decimal comma", "0.5"),
        ("-1,25", "decimal comma", "-1.25"),
        ("012", "begins with a 0", "Write 12"),
        ("-09", "begins with a 0", "-9"),
        ("00.5", "begins with a 0", "0.5"),
        ("1:30", "not a single number", "value"),
        ("−0.5", "typographic minus", "-0.5"),
        ("–2", "typographic minus", "-2"),
        ("nan", "not a finite number", "finite"),
        (".nan", "not a finite number", "finite"),
        ("inf", "not a finite number", "finite"),
        ("-.inf", "not a finite number", "finite"),
        ("1.0e+400", "beyond 1e308", "hold"),
        ("1e-400", "closer to 0", "Write 0"),
        ("1'000", "in groups", "1000"),
        ("1_000", "in groups", "1000"),
        ("1,000,000", "in groups", "1000000"),
        ("50%", "percentage", "50/100"),
        ("O.5", "with a letter for a digit", "0.5"),
        ("1l", "with a letter for a digit", "11"),
        ("1/0", "division by 0", "finite"),
        ("1.5/2", "fraction", "whole number above"),
        ("yes", 'the word "yes"', "write 1"),
        ("off", 'the word "off"', "write 0"),
        ("true", 'the word "true"', "write 1"),
        ("", "nothing", "Write the number"),
        ("null", "nothing", "Write the number"),
        ("½", "special characters", "1/2"),
        ("2½", "a mixed number", "Write: 5/2."),
        ("-1 ⅓", "a mixed number", "Write: -4/3."),
        ("１２", "special characters", "12"),
        ("0.5 -1", "2 numbers", "0.5, -1"),
        ("1;2", "2 numbers", "1, 2"),
        ("1.2.3", '"1.2.3"', "1/3"),
        ("- 5", "space after its sign", "-5"),
        ("2^3", "not a single number", "value"),
        ("sqrt(2)", "not a single number", "value"),
        ("9" * 101, "101 characters", "100"),
        ("relu", '"relu"', "1/3"),
    ],
)
def test_other_texts_are_explained(text, found, mend):
    misreading = read_number(text)
    assert isinstance(misreading, NoNumber)
    assert found in misreading.found
    assert mend in misreading.mend


def test_an_exponent_that_would_fill_the_memory_is_no_number():
    assert isinstance(read_number("0e999999999"), NoNumber)
    assert isinstance(read_number("1e-999999999"), NoNumber)


def test_numbers_survive_pickling():
    number = pickle.loads(pickle.dumps(read_number("1/3")))
    assert (number, number.text) == (1 / 3, "1/3")


@pytest.mark.parametrize(
    ("written", "reading"),
    [
        ("0,593, 0,597", ["0.593", "0.597"]),
        ("0,5, 1", ["0.5", "1"]),
        ("1,5, -2,25", ["1.5", "-2.25"]),
        ("0,5,0,7", ["0.5", "0.7"]),
        ("1, 2, 3, 4", []),
        ("1,2,3,4", []),
        ("0.5,1, 2", []),
    ],
)
def test_decimal_commas_are_seen_by_their_spaces(written, reading):
    parts = written.split(",")
    tight = [i > 0 and not part.startswith(" ") for i, part in enumerate(parts)]
    assert comma_reading([part.strip() for part in parts], tight) == reading


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_back_as_itself(value):
    number = read_number(repr(value))
    assert isinstance(number, Number)
    assert float(number) == value


@given(st.text(max_size=30) | st.from_regex(r"[0-9+\-.,/eExX_:' ]{0,12}", fullmatch=True))
def test_any_text_is_a_number_or_explained(text):
    reading = read_number(text)
    if isinstance(reading, Number):
        assert float(reading) == pytest.approx(float(Fraction(reading.fraction)), rel=1e-15)
    else:
        assert reading.found
        assert reading.mend.endswith((".", "…."))
