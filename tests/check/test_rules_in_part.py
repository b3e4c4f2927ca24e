"""A mistake made in one sample, or for one unit, has its name; the numbers are worked by hand."""

import pytest

from tests.check.typed import quantity, report

# z₁ = x·[1.5, 0.5] + [0.25, −0.75], W₂ = [0.8, −1.6], δ₂ as given; the slopes are 1 or 0.
NETWORK = """
layers:
  - {activation: relu, weights: [[1.5, 0.5]], bias: [0.25, -0.75]}
  - {activation: linear, weights: [[0.8], [-1.6]], bias: 0.1}
inputs: [[1], [2], [-2]]
targets: [[1], [2], [1.5]]
loss: half_sse
learning_rate: 0.1
"""
# z₁ = [[1.75, −0.25], [3.25, 0.25], [−2.75, −1.75]], a₂ = [1.5, 2.3, 0.1], e = [0.5, 0.3, −1.4].
BEFORE = """
z1: [[1.750, -0.250], [3.250, 0.250], [-2.750, -1.750]]
delta2: [[0.500], [0.300], [-1.400]]
da1: [[0.400, -0.800], [0.240, -0.480], [-1.120, 2.240]]
"""


def test_a_mask_that_is_left_out_in_one_sample():
    found = report(NETWORK, f"{BEFORE}delta1: [[0.400, 0.000], [0.240, -0.480], [-1.120, 2.240]]")
    last = found.quantities[-1]
    assert (last.mistakes, last.places("wrong")) == (("relu-mask-ignored",), [(3, 1), (3, 2)])
    assert found.score.points == found.score.of - 2


def test_what_follows_from_a_rule_in_part_is_carried():
    """dW₁ = [1·0.4 + 2·0.24 + 2·1.12, −2·0.48 − 2·2.24], db₁ the columns of δ₁."""
    sheet = f"{BEFORE}delta1: [[0.400, 0.000], [0.240, -0.480], [-1.120, 2.240]]\n"
    found = report(NETWORK, f"{sheet}dW1: [[3.120, -5.440]]\ndb1: [-0.480, 1.760]")
    assert {each.verdict for each in found.quantities[-2:]} == {"carried"}


def test_a_rate_left_out_in_one_row():
    """0.3 − 0.8, 0.2 + 0.4 and −0.9 + 0.6 for a tenth of each."""
    spec = """
layers: [{activation: linear, weights: [[0.8, -1.6, 0.5], [0.3, 0.2, -0.9]], bias: none}]
inputs: [[1, 2]]
targets: [[1, -1, -1]]
loss: half_sse
learning_rate: 0.1
"""  # a = [1.4, −1.2, −1.3], δ = [0.4, −0.2, −0.3]
    right, wrong = "[0.760, -1.580, 0.530]", "[-0.500, 0.600, -0.300]"
    sheet = "dW1: [[0.400, -0.200, -0.300], [0.800, -0.400, -0.600]]"
    found = quantity(spec, f"{sheet}\nW1_new: [{right}, {wrong}]", "W1_new")
    assert found.mistakes == ("learning-rate-omitted",)
    assert found.places("wrong") == [(2, 1), (2, 2), (2, 3)]


@pytest.mark.parametrize(
    "last",
    [
        "[-1.12, 2.39]",  # of the first alone: a slip beside it
        "[-1.1, 2.2]",  # two digits of both: a rule or other gives these
    ],
)
def test_few_digits_in_one_row_tell_no_rule(last):
    sheet = f"{BEFORE}delta1: [[0.400, 0.000], [0.240, -0.480], {last}]"
    assert "relu-mask-ignored" not in quantity(NETWORK, sheet, "delta1").mistakes
