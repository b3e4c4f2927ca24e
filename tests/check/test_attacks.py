"""What once passed, or was once refused, that should not have been: each by its arithmetic."""

from tests.check.typed import marks, named

ONE_WEIGHT = """
layers: [{activation: linear, weights: 0.5, bias: none}]
inputs: 0.3
targets: 0.5
loss: half_mse
optimizer: {name: adam, learning_rate: 0.1}
"""
WHOLE_NUMBERS = """
layers: [{activation: linear, weights: [[0.01], [0.02]], bias: 0.3}]
inputs: [[100, 200]]
targets: 3
loss: half_mse
"""
DEEP_IN_SELU = """
layers: [{activation: selu, weights: -16, bias: none}]
inputs: 1
loss: {upstream: 1}
"""


def test_the_first_step_of_adam_is_no_longer_than_its_rate():
    # dW = (0.15 - 0.5) * 0.3 = -0.105; the step is 0.1 * 0.105 / 0.105 = 0.1, and 0.5 + 0.1 = 0.6.
    assert marks(ONE_WEIGHT, "dW1: -0.1050\nW1_new: 0.6000")["W1_new"] == "right"
    assert marks(ONE_WEIGHT, "dW1: -0.1050\nW1_new: 5.0000")["W1_new"] == "wrong"


def test_squares_that_round_to_0_allow_no_step_of_any_length():
    # v = 0.001 * 0.105² = 0.000011, 0.0000 to four decimals.
    found = marks(ONE_WEIGHT, "dW1: -0.105\nvW1: 0.0000\nstep_W1: 123.45\nW1_new: 123.95")
    assert (found["vW1"], found["step_W1"]) == ("imprecise", "wrong")


def test_one_delta_must_fit_all_entries_that_use_it():
    # z = 1 + 4 + 0.3 = 5.3, δ = 2.3, dW = [230, 460]; no δ gives both 110 = 100 δ and 590 = 200 δ.
    assert marks(WHOLE_NUMBERS, "dW1: [230, 460]")["dW1"] == "right"
    assert marks(WHOLE_NUMBERS, "dW1: [110, 590]")["dW1"] == "wrong"


def test_a_slope_is_not_what_its_range_leaves_of_another():
    # SELU'(-16) = 1.7581 e^-16 = 0.0000002; -0.0019 has no business below 0.
    assert [id for id, _ in named(DEEP_IN_SELU, "a1: -1.76\ng1: -0.0019")] == ["g1"]
