"""Slips of the hand in one entry of many, and rules that the rest of a sheet speaks against."""

import re

import pytest

from tests.check.test_mistakes import SQUARE
from tests.check.typed import quantity, report

# dW2 = [5 6 / 7 3.5]
SLIPPED = [
    ("[[5.00, 6.00], [-7.00, 3.50]]", "sign-slip"),
    ("[[-5.00, 6.00], [-7.00, 3.50]]", "sign-slip"),
    ("[[5.00, 0.60], [7.00, 3.50]]", "point-moved"),
    ("[[5.00, 6.00], [7.00, 5.30]]", "digits-swapped"),
    ("[[5.00, 8.00], [7.00, 3.50]]", "copied-wrong"),
    ("[[5.00, 6.00], [7.00, 4.17]]", "arithmetic-slip"),
]


@pytest.mark.parametrize(("cells", "code"), SLIPPED)
def test_a_slip_of_one_entry_has_its_name(cells, code):
    assert quantity(SQUARE, f"dW2: {cells}", "dW2").mistakes == (code,)


@pytest.mark.parametrize(("cells", "code"), SLIPPED)
def test_a_slip_has_its_name_however_the_decimals_are_marked(cells, code):
    """A decimal comma, and a typographic minus."""
    typed = re.sub(r"[-\d.]+", lambda number: f'"{number[0]}"', cells)
    typed = typed.replace(".", ",").replace("-", "−")
    assert quantity(SQUARE, f"dW2: {typed}", "dW2").mistakes == (code,)


TANH_OF_FOUR = """
layers:
  - {activation: tanh, weights: [[0.6, 1.1], [-1.2, -0.5]], bias: [0.1, 0.1]}
  - {activation: linear, weights: [[-0.1], [0.9]], bias: [0.3]}
inputs: [[0.3, -1.6], [2.9, 1.2], [-0.7, -1.3], [2.6, -1.4]]
targets: [[-0.9], [0.3], [-1.4], [-0.5]]
loss: mse
"""


def test_a_moved_point_leaves_a_number_known_to_as_many_digits_as_before():
    """0.9757·0.9304 + 0.3799·0.4269 + 0.8455·0.7987 + 0.9975·0.7996 = 2.5429, written 0.25429; it
    is 2.54281 in full, further from 2.5429 than a few units of the digit that 0.25429 ends in."""
    sheet = """
    a1: [[0.9757, 0.8426], [0.3799, 0.9908], [0.8455, -0.0200], [0.9975, 0.9987]]
    delta2: [[0.9304], [0.4269], [0.7987], [0.7996]]
    dW2: [[0.25429], [1.9895]]
    """
    assert quantity(TANH_OF_FOUR, sheet, "dW2").mistakes == ("point-moved",)


def test_a_sign_that_is_wrong_everywhere_is_a_rule():
    assert "sign-flipped" in quantity(SQUARE, "dW2: [[-5, -6], [-7, -3.5]]", "dW2").mistakes


def test_a_digit_taken_for_another_in_few_digits_is_not_told_apart_from_any_other_slip():
    # 1.9 · 1.9 = 3.61, and 1.85² … 1.95² is 3.42 … 3.80: seven digits would do.
    sheet = "error: [[2.0, 1.0], [-1.0, 3.0]]\nloss_terms: [[2.00, 0.50], [0.50, 4.99]]"
    assert quantity(SQUARE, sheet, "loss_terms").mistakes == ("arithmetic-slip",)


def test_a_rule_that_would_have_made_other_lines_wrong_is_not_named():
    """z1 without b1 would show in W1_new too, which is right: W1 - 0.1 dW1 with δ1 = [2.5 0.5 /
    0.5 0], dW1 = [2.5+1.5 0.5 / 5-0.5 1] = [4 0.5 / 4.5 1]; b1_new = [1-0.3 -1-0.05]."""
    sheet = "W1_new: [[0.600, -0.050], [1.550, 3.900]]\nb1_new: [0.700, -1.150]"
    assert quantity(SQUARE, sheet, "b1_new").mistakes == ("copied-wrong",)


LONE = """
layers: [{activation: linear, weights: [[2]], bias: [0]}]
inputs: 1.25
targets: 1.0003
loss: half_mse
learning_rate: 1
"""


@pytest.mark.parametrize(
    ("line", "name", "codes"),
    [
        # e = 1.4997, dW = 1.8746, b - 1.4997: ten times as much, or the point moved
        ("W1_new: 0.13\nb1_new: -15.00", "b1_new", ["point-moved", "rate-misread"]),
        # ½·1.4997² = 1.1246; without the ½ it is 2.25, to two decimals
        ("z1: 2.50\nloss: 1.215", "loss", ["digits-swapped"]),
        ("z1: 2.50\nloss: 2.25", "loss", ["half-factor"]),
        # 1.12455 to three decimals, and then the point
        ("z1: 2.500\nloss: 11.250", "loss", ["point-moved"]),
        # ½·1.4996² = 1.124 to three decimals; without the ½ 2.249, of which two digits are others
        ("z1: 2.500\nloss: 2.249", "loss", ["half-factor"]),
        # e = 1.50, dW = 1.25·1.50 = 1.87: -1.25·1.50 has lost its sign
        ("z1: 2.500\ndW1: -1.875", "dW1", ["sign-slip", "sign-flipped"]),
    ],
)
def test_a_number_that_stands_alone_may_be_a_slip_as_well(line, name, codes):
    assert [each.codes[0] for each in quantity(LONE, line, name).explanations] == codes


def test_who_meant_the_number_that_was_miscopied_goes_on_in_their_own_rounding():
    """tanh(1) = 0.762, written 0.962 once: who went on from 0.762 has dW2[1,1] =
    -2·0.762·0.080 + 0.964·0.156 = 0.0285; all digits give 0.0291, and 0.962 would give 0.0125."""
    sheet = "a1: [[0, -0.462], [0.962, 0], [0.762, 0], [0.964, 0.462]]\n"
    sheet += "delta2: [[0.153], [-0.080], [-0.080], [0.156]]\ndW2: [[0.028], [0.001]]\n"
    assert quantity("xor", sheet, "a1").mistakes == ("copied-wrong",)
    assert quantity("xor", sheet, "dW2").earned == 2


def test_a_digit_of_a_lone_new_weight_comes_before_a_rule():
    """b2 - 0.5·db2 = 0.5 - 0.5·0.0045 = 0.498; without the slope (a2 - y alone) db2 is 0.0154."""
    codes = [each.codes[0] for each in quantity("or-gate", "b2_new: 0.492", "b2_new").explanations]
    assert codes[0] == "copied-wrong"


def test_a_number_of_one_digit_that_the_next_line_shows_was_miscopied():
    """dW2[1,1] is 0.762·-0.08·2 + 0.964·0.156 = 0.028: W2_new = 1 - 0.028 has it. A quarter of it,
    0.007, is not far from the 0.008 that is written, but would leave 0.992."""
    sheet = "a1: [[0, -0.462], [0.762, 0], [0.762, 0], [0.964, 0.462]]\n"
    sheet += "delta2: [[0.153], [-0.080], [-0.080], [0.156]]\ndW2: [[0.008], [0.001]]\n"
    found = report("xor", sheet + "W2_new: [[0.972], [-1.001]]\n")
    assert [(q.name, q.mistakes) for q in found.quantities if q.mistakes] == [
        ("dW2", ("copied-wrong",))
    ]


def test_two_digits_of_one_are_exchanged():
    """Half the squares of 0.751, -0.23, -0.238 and -0.222 come to 0.3612, a quarter of it to 0.090;
    the sum without the squares is 0.0076, not 0.009."""
    sheet = "a2: [0.751, 0.770, 0.762, 0.778]\nloss: 0.009"
    codes = [each.codes[0] for each in quantity("or-gate", sheet, "loss").explanations]
    assert codes == ["digits-swapped", "square-omitted"]


def test_a_zero_with_two_decimals_beside_four_is_imprecise():
    """dU_f is the one share that is not 0, -0.0034, and within 0.005 of 0."""
    sheet = "dU_f_from_f_2: -0.0034\ndU_f: 0.00\n"
    assert quantity("lstm", sheet, "dU_f").verdict == "imprecise"


def test_a_single_digit_is_no_given_number_read_as_another():
    """Mazur's net, L = 0.298: 0.99 read as 4.99 would give 8.9…, as many other numbers do."""
    spec = """
layers:
  - {activation: sigmoid, weights: [[0.15, 0.25], [0.2, 0.3]], bias: [0.35, 0.35]}
  - {activation: sigmoid, weights: [[0.4, 0.5], [0.45, 0.55]], bias: [0.6, 0.6]}
inputs: [[0.05, 0.1]]
targets: [[0.01, 0.99]]
loss: half_sse
"""
    assert quantity(spec, "loss: 9", "loss").mistakes == ("arithmetic-slip",)
