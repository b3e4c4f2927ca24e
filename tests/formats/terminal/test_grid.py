"""Equations as text: pictures of small ones, and what must hold at every width."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.boxes import ASCII, Mark, NamedMatrix, line_width
from backtrace.formats.terminal.grid import equation, marks, with_gaps
from backtrace.page.elision import shown
from tests.sampling import share

X = NamedMatrix("X", [["1", "2"]], "1 × 2", "given")
W = NamedMatrix("W₁", [["0.5", "-1.0", "2.0"], ["1.5", "0.0", "-0.5"]], "2 × 3", "given")
XW = NamedMatrix("XW₁", [["3.5", "-1.0", "1.0"]], "1 × 3", "computed")
PRODUCT = [X, Mark("·"), W, Mark("="), XW]


def picture(pieces, width=80, **options):
    return ["".join(text for text, _ in line) for line in equation(pieces, width, **options)]


def test_matrices_stand_beside_each_other_on_one_middle():
    assert picture(PRODUCT) == [
        "       X               W₁                     XW₁",
        "    [ 1  2 ] · ⎡ 0.5  -1.0   2.0 ⎤  =  [ 3.5  -1.0  1.0 ]",
        "     1 × 2     ⎣ 1.5   0.0  -0.5 ⎦           1 × 3",
        "                      2 × 3",
    ]


def test_a_wide_equation_is_folded_before_the_equals_sign():
    assert picture(PRODUCT, 50) == [
        "       X               W₁",
        "    [ 1  2 ] · ⎡ 0.5  -1.0   2.0 ⎤",
        "     1 × 2     ⎣ 1.5   0.0  -0.5 ⎦",
        "                      2 × 3",
        "                XW₁",
        "      =  [ 3.5  -1.0  1.0 ]",
        "               1 × 3",
    ]


def test_a_factor_stays_with_its_matrix():
    update = [W, Mark("−"), Mark("0.1"), Mark("·"), W]
    assert picture(update, 40)[4:] == [
        "                      W₁",
        "      − 0.1 · ⎡ 0.5  -1.0   2.0 ⎤",
        "              ⎣ 1.5   0.0  -0.5 ⎦",
        "                     2 × 3",
    ]


def test_a_wide_matrix_is_shown_in_groups_of_columns():
    row = NamedMatrix("a", [[f"{n}.00" for n in range(10, 18)]], "1 × 8")
    assert picture([Mark("="), row], 48) == [
        "                     a",
        "    =  [ 10.00  11.00  12.00  13.00 ]",
        "             1 × 8, columns 1–4",
        "                     a",
        "       [ 14.00  15.00  16.00  17.00 ]",
        "                columns 5–8",
    ]


def test_brackets_around_a_matrix_are_as_tall_as_it():
    z = NamedMatrix("Z", [["1"], ["2"], ["3"]])
    assert picture([Mark("ReLU("), z, Mark(")²")]) == [
        "           Z",
        "        ⎛⎡ 1 ⎤⎞²",
        "    ReLU⎜⎢ 2 ⎥⎟",
        "        ⎝⎣ 3 ⎦⎠",
    ]


def test_brackets_that_are_folded_are_low_on_both_sides():
    z = NamedMatrix("", [["1.00"], ["2.00"], ["3.00"]])
    picture_of_both = picture([Mark("ReLU("), z, Mark("+"), z, Mark(")")], 18)
    assert picture_of_both == [
        "         ⎡ 1.00 ⎤",
        "    ReLU(⎢ 2.00 ⎥",
        "         ⎣ 3.00 ⎦",
        "        ⎡ 1.00 ⎤",
        "      + ⎢ 2.00 ⎥)",
        "        ⎣ 3.00 ⎦",
    ]


def test_names_and_sizes_stand_outside_taller_brackets():
    one, two = NamedMatrix("a", [["1"]], "1 × 1"), NamedMatrix("b", [["1"], ["2"], ["3"]], "3 × 1")
    assert picture([Mark("("), one, Mark("+"), two, Mark(")")], indent=0) == [
        "   a       b",
        "⎛        ⎡ 1 ⎤⎞",
        "⎜[ 1 ] + ⎢ 2 ⎥⎟",
        "⎝        ⎣ 3 ⎦⎠",
        " 1 × 1   3 × 1",
    ]


def test_a_sum_is_folded_before_the_products_in_it():
    row = NamedMatrix("", [["1.00", "2.00"]])
    pieces = [Mark("="), row, Mark("·"), row, Mark("+"), row, Mark("·"), row]
    assert picture(pieces, 48) == [
        "    =  [ 1.00  2.00 ] · [ 1.00  2.00 ]",
        "      + [ 1.00  2.00 ] · [ 1.00  2.00 ]",
    ]


def test_an_operator_is_as_far_from_a_factor_as_from_its_matrix():
    (line,) = picture([XW, Mark("−"), Mark("0.5"), Mark("·"), XW], indent=0)[1:2]
    assert line == "[ 3.5  -1.0  1.0 ] − 0.5 · [ 3.5  -1.0  1.0 ]"
    (line,) = picture([Mark("("), Mark("√"), XW, Mark("+"), Mark("1e-8"), Mark(")")], indent=0)[1:2]
    assert line == "(√[ 3.5  -1.0  1.0 ] + 1e-8)"


def test_numbers_alone_have_no_brackets_and_stand_close():
    assert picture([Mark("="), NamedMatrix("L", [["0.72"]], bare=True)], indent=0) == [
        "   L",
        "= 0.72",
    ]


def test_ascii_brackets():
    z = NamedMatrix("Z", [["1"], ["2"], ["3"]], "3 x 1")
    assert picture([Mark("f("), z, Mark(")")], style=ASCII) == [
        "        Z",
        "     /[ 1 ]\\",
        "    f|| 2 ||",
        "     \\[ 3 ]/",
        "      3 x 1",
    ]


def test_decimal_points_stand_in_line_and_dots_in_the_middle():
    block = NamedMatrix("", [["-12.5"], ["⋮"], ["1e-5"]])
    assert picture([block], indent=0) == [
        "⎡ -12.5  ⎤",
        "⎢   ⋮    ⎥",
        "⎣   1e-5 ⎦",
    ]


def test_what_is_left_out_of_a_large_matrix():
    assert shown(784, 5) == [0, 1, 2, 782, 783]
    assert shown(5, 5) == [0, 1, 2, 3, 4]
    assert with_gaps([["a", "b"], ["c", "d"]], [0, 7], [0, 9], (8, 10)) == [
        ["a", "⋯", "b"],
        ["⋮", "⋱", "⋮"],
        ["c", "⋯", "d"],
    ]
    assert with_gaps([["a", "b"]], [3], [4, 5], (5, 9)) == [
        ["⋱", "⋮", "⋮", "⋱"],
        ["⋯", "a", "b", "⋯"],
        ["⋱", "⋮", "⋮", "⋱"],
    ]


def test_captions_name_the_columns_of_the_whole_matrix():
    kept = shown(784, 5)
    row = with_gaps([["1.0000"] * 5], [0], kept, (1, 784))
    lines = picture([NamedMatrix("x", row, "1 × 784", columns=(1, 2, 3, 0, 783, 784))], 40)
    assert any("1 × 784, columns 1–3" in line for line in lines)
    assert any("columns 783–784" in line for line in lines)


def test_roles_reach_the_spans():
    roles = {role for line in equation(PRODUCT, 80) for _, role in line}
    assert {"given", "computed", "given.name", "bracket", "dims", "mark"} <= roles


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" − 0.1·", ["−", "0.1", "·"]),
        ("ReLU(", ["ReLU("]),
        (") − (", [")", "−", "("]),
        ("/(1 − 0.9²)", ["/", "(1 − 0.9²)"]),
        (" + (1 − 0.9)·", ["+", "(1 − 0.9)", "·"]),
        (")² + Σ", [")²", "+", "Σ"]),
        ("1/4 · Σ(", ["1/4", "·", "Σ("]),
        (" (.) ", ["(.)"]),
        (", ", [","]),
        ("²", ["²"]),
    ],
)
def test_the_marks_of_a_text(text, expected):
    assert [mark.text for mark in marks(text)] == expected


def test_an_exponent_stands_at_the_top_of_its_matrix():
    g = NamedMatrix("g", [["1"], ["2"], ["3"]])
    assert picture([Mark("0.1"), Mark("·"), g, Mark("²")], indent=0) == [
        "        g",
        "      ⎡ 1 ⎤²",
        "0.1 · ⎢ 2 ⎥",
        "      ⎣ 3 ⎦",
    ]


numbers = st.from_regex(r"-?[0-9]{1,8}(\.[0-9]{1,8})?|-?[0-9]{1,60}/[0-9]{1,60}", fullmatch=True)
SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 14))


@st.composite
def blocks(draw):
    rows, columns = draw(SHAPES)
    entries = draw(st.lists(numbers, min_size=rows * columns, max_size=rows * columns))
    cells = [entries[at : at + columns] for at in range(0, rows * columns, columns)]
    return NamedMatrix("W₁", cells, f"{rows} × {columns}")


@settings(max_examples=share(60))
@given(blocks(), blocks(), st.sampled_from([40, 60, 80, 120]))
def test_no_line_is_too_wide_and_no_digit_is_lost(left, right, width):
    pieces = [Mark("ReLU("), left, Mark("⊙"), right, Mark(")"), Mark("="), left]
    lines = equation(pieces, width)
    assert all(line_width(line) <= width for line in lines)
    printed = "".join(text for line in lines for text, role in line if role == "")
    entries = [cell for block in (left, right, left) for row in block.cells for cell in row]
    count = {digit: printed.count(digit) for digit in "0123456789"}
    assert count == {digit: "".join(entries).count(digit) for digit in count}


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_ordinary_entries_are_never_cut(width):
    row = NamedMatrix("a", [[f"-{n}.{n}{n}" for n in range(100, 112)]], "1 × 12")
    text = "\n".join(picture([row, Mark("="), row], width))
    assert all(len(re.findall(re.escape(cell) + r"(?!\d)", text)) == 2 for cell in row.cells[0])
    assert all(text_width(line) <= width for line in text.splitlines())
