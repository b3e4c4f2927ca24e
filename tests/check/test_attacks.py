"""What once passed, or was once refused, that should not have been: each by its arithmetic."""

import pytest

from tests.check.typed import entries, marks, named, report

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


def test_averages_too_small_to_be_noted_were_not():
    """dW = (0.005 - 0.5) * 0.01 = -0.00495: m = -0.0005 and v = 0.00000002 stay in the calculator,
    and the step is as long as the rate; without the corrections 0.1/√0.001 = 3.162 times so."""
    spec = ONE_WEIGHT.replace("inputs: 0.3", "inputs: 0.01").replace("rate: 0.1", "rate: 1")
    assert marks(spec, "loss: 0.123\nW1_new: 1.500")["W1_new"] == "right"
    assert marks(spec, "loss: 0.123\nW1_new: 3.662")["W1_new"] == "wrong"
    averages = "mW1: 0.000\nvW1: 0.000\nW1_new: "
    assert marks(spec, averages + "1.500")["W1_new"] == "right"
    found = report(spec, averages + "3.662")
    assert found.first_mistake.mistakes == ("bias-correction-omitted",)


def test_squares_are_not_negative_and_carry_no_step_where_they_are_said_to_be():
    """dW = -0.105: v = 0.01 * 0.011025 = 0.00011 stays in the calculator, and v/0.01 = 0.011."""
    spec = ONE_WEIGHT.replace("{name: adam,", "{name: adam, beta2: 0.99,")
    found = report(spec, "dW1: -0.105\nvhatW1: -0.030\nW1_new: -0.009")
    assert [q.verdict for q in found.quantities] == ["right", "wrong", "imprecise"]
    found = report(spec, "dW1: -0.105\nvhatW1: 0.011\nW1_new: 0.600")
    assert [q.verdict for q in found.quantities] == ["right"] * 3


def test_squares_that_round_to_0_allow_no_step_of_any_length():
    # v = 0.001 * 0.105² = 0.000011, 0.0000 to four decimals.
    found = marks(ONE_WEIGHT, "dW1: -0.105\nvW1: 0.0000\nstep_W1: 123.45\nW1_new: 123.95")
    assert (found["vW1"], found["step_W1"]) == ("imprecise", "wrong")


@pytest.mark.parametrize(
    ("optimizer", "right", "wrong"),
    [
        # the first step is 0.1 · g/√((1 − 0.99) g²) = 1
        ("{name: rmsprop, learning_rate: 0.1}", "-0.500", ("1.500", "0.500")),
        # 0.1 · g/√g² = 0.1
        ("{name: adam, learning_rate: 0.1}", "0.400", ("0.600", "0.500")),
    ],
)
def test_a_step_goes_the_way_of_its_gradient_and_goes_some_way(optimizer, right, wrong):
    # z = 0.5 · 0.3 = 0.15, and dW = (0.15 + 0.27) · 0.3 = 0.126 at a target of -0.27
    spec = ONE_WEIGHT.replace("{name: adam, learning_rate: 0.1}", optimizer)
    spec = spec.replace("targets: 0.5", "targets: -0.27")
    for written in wrong:
        assert marks(spec, f"dW1: 0.126\nW1_new: {written}")["W1_new"] == "wrong"
    assert marks(spec, f"dW1: 0.126\nW1_new: {right}")["W1_new"] in ("right", "rounded")


@pytest.mark.parametrize("optimizer", ["rmsprop", "adagrad", "adam", "adamw"])
@pytest.mark.parametrize("times", [0.1, 0.5, 2, 3])
def test_a_first_step_is_as_long_as_it_must_be(optimizer, times):
    """Its average and its squares are of one gradient, and no rounding of a v of 0.0000159 (that of
    Adam: 0.001 · 0.126²) makes it ten times as long, or half; 0.0000 is no number to divide by."""
    spec = ONE_WEIGHT.replace("name: adam", f"name: {optimizer}")
    spec = spec.replace("targets: 0.5", "targets: -0.27")
    # g/√((1 − β₂)g²) is 10 for RMSProp's β₂ of 0.99; AdamW's weights decay by 0.1 · 0.01 · 0.5.
    length = {"rmsprop": 1.0}.get(optimizer, 0.1)
    decayed = {"adamw": 0.0005}.get(optimizer, 0.0)
    for sheet in ("dW1: 0.126\n", "dW1: 0.126\nmhatW1: 0.126\n"):
        if "mhat" in sheet and "adam" not in optimizer:
            continue
        verdict = marks(spec, f"{sheet}W1_new: {0.5 - decayed - times * length:.3f}")["W1_new"]
        assert verdict == "wrong"
        verdict = marks(spec, f"{sheet}W1_new: {0.5 - decayed - length:.4f}")["W1_new"]
        assert verdict in ("right", "rounded")


def test_a_first_step_is_worked_from_one_gradient():
    """m = 0.1 · 0.126 is kept, or noted as 0.013; √v̂ is 0.126, or √0.016 = 0.1265 where g² = 0.0159
    is noted: the step is between 0.1 · 0.126/0.1265 = 0.0996 and 0.1 · 0.13/0.126 = 0.103."""
    spec = ONE_WEIGHT.replace("targets: 0.5", "targets: -0.27")
    for written in ("0.400", "0.397"):
        assert marks(spec, f"dW1: 0.126\nW1_new: {written}")["W1_new"] in ("right", "rounded")
    for written in ("0.393", "0.405"):
        assert marks(spec, f"dW1: 0.126\nW1_new: {written}")["W1_new"] == "wrong"


def test_a_second_step_is_bounded_by_its_two_gradients():
    """g = 0.126 twice: m̂ = 0.126 and √v̂ = 0.126, and the step is 0.1 again."""
    spec = ONE_WEIGHT.replace("targets: 0.5", "targets: -0.27") + "epochs: 2\n"
    # W = 0.4 gives z = 0.12 and dW = 0.39 · 0.3 = 0.117: m̂ = (0.09·0.126 + 0.1·0.117)/0.19 = 0.1213
    # and v̂ = (0.000999·0.126² + 0.001·0.117²)/0.001999 = 0.01478, √v̂ = 0.1216, a step of 0.0998.
    sheet = "dW1: 0.126\nW1_new: 0.400\ndW1@2: 0.117\nW1_new@2: "
    assert marks(spec, f"{sheet}0.300")["W1_new@2.1"] in ("right", "rounded")
    # Neither half of v̂ is lost: with 0.001·0.117² noted as 0 the first would have been so as well.
    for wrong in ("0.390", "0.350", "0.310", "0.285", "0.260", "0.200", "0.100", "0.500"):
        assert marks(spec, f"{sheet}{wrong}")["W1_new@2.1"] == "wrong"


def test_a_falling_slope_is_not_told_by_the_sign_of_its_output():
    # z = −2 and a = −0.5·(−2) = 1 is above 0, where the slope is 1: here it is −0.5.
    spec = """
layers: [{activation: {name: leaky_relu, slope: -0.5}, weights: [[-2]], bias: none}]
inputs: [[1]]
loss: {upstream: 1}
"""
    assert marks(spec, "a1: 1.0\ng1: -0.5")["g1"] == "right"
    assert marks(spec, "a1: 1.0\ng1: 1.0")["g1"] == "wrong"


def test_one_delta_must_fit_all_entries_that_use_it():
    # z = 1 + 4 + 0.3 = 5.3, δ = 2.3, dW = [230, 460]; no δ gives both 110 = 100 δ and 590 = 200 δ.
    assert marks(WHOLE_NUMBERS, "dW1: [230, 460]")["dW1"] == "right"
    assert marks(WHOLE_NUMBERS, "dW1: [110, 590]")["dW1"] == "wrong"


def test_a_slope_from_a_rounded_activation_may_lie_out_of_its_range():
    # SELU' = a + 1.7581 below 0, and -1.76 + 1.7581 = -0.0019; no a that is written -1.76 gives
    # more than -1.755 + 1.7581 = 0.0031.
    assert marks(DEEP_IN_SELU, "a1: -1.76\ng1: -0.0019")["g1"] == "rounded"
    assert [id for id, _ in named(DEEP_IN_SELU, "a1: -1.76\ng1: -0.0119")] == ["g1"]


# 0.1 + 0.2 - 0.3 is 0 by hand and 5.6e-17 in floats: at the kink there is one slope, 0 as the spec
# has it, and not either of the two beside it.
AT_A_KINK = """
layers: [{activation: relu, weights: [[0.1], [0.2]], bias: -0.3}]
inputs: [[1, 1]]
targets: 1
loss: half_mse
"""
AT_NO_ERROR = """
layers: [{activation: linear, weights: [[0.1], [0.2]], bias: none}]
inputs: [[1, 1]]
targets: 0.3
loss: mae
"""
AT_A_STEP = """
layers: [{activation: step, weights: [[0.1], [0.7]], bias: -0.8}]
inputs: [[1, 1]]
"""
AT_A_SUM_OF_SUMS = """
layers: [{activation: relu, weights: [[0.45], [-0.42]], bias: 0.03}]
inputs: [[6, 6.5]]
targets: 1
loss: half_mse
"""  # 2.7 - 2.73 + 0.03: the floats are off by as much as 2.73 may be, which no longer shows
KINKS = {  # a sheet that is right by hand, one that is not, and where
    "relu": (AT_A_KINK, "z1: 0\ng1: 0\ndW1: [0, 0]\n", "z1: 0\ng1: 1\ndW1: [-1, -1]\n", "g1"),
    "mae": (AT_NO_ERROR, "a1: 0.3\nda1: 0\ndW1: [0, 0]\n", "a1: 0.3\nda1: 1\ndW1: [1, 1]\n", "da1"),
    "sum": (AT_A_SUM_OF_SUMS, "z1: 0\ng1: 0\ndW1: [0, 0]\n", "g1: 1\ndelta1: -1\n", "g1"),
    "step": (AT_A_STEP, "z1: 0\na1: 1\n", "z1: 0\na1: 0\n", "a1"),  # step(0) is 1
}


@pytest.mark.parametrize("kind", KINKS)
def test_at_a_kink_the_right_sheet_is_right_and_the_wrong_one_wrong(kind):
    spec, right, wrong, place = KINKS[kind]
    assert set(marks(spec, right).values()) == {"right"}
    assert marks(spec, wrong)[place] == "wrong"


def test_a_unit_that_is_off_is_not_on_because_its_output_is_written_0():
    """z = [0.5287·(−1) 0.0311·(−1)] − 0.41 is below 0: a is 0 and so is its slope, though 0.000000
    stands for a little more as well. e = 0.6 and −1.94, and twice that is da, but not δ."""
    off = """
layers: [{activation: relu, weights: [[0.528668, 0.031112]], bias: {shared: -0.41}}]
inputs: -1
targets: [-0.60, 1.94]
loss: sse
"""
    sheet = "product1: [[-0.528668, -0.031112]]\na1: [[0.000000, 0.000000]]\n"
    sheet += "error: [[0.600000, -1.940000]]\n"
    on, right = "delta1: [[1.200000, -3.880000]]\n", "delta1: [[0.000000, 0.000000]]\n"
    assert marks(off, f"{sheet}{on}dW1: [[-1.200000, 3.880000]]\n")["delta1"] == "wrong"
    assert marks(off, sheet + right)["delta1"] == "right"


# What is written to no digit

WIDE = """
layers:
- {activation: sigmoid, weights: [[0.4, 0.2], [0.1, -0.3]], bias: [0.1, 0.2]}
- {activation: sigmoid, weights: [[0.4], [0.2]], bias: 0.1}
inputs: [[1, 1]]
targets: 1
loss: half_mse
ask: [a2, dW1, db1, dW2, db2]
"""
LINEAR = """
layers: [{activation: linear, weights: [[0.4], [0.1]], bias: 0.1}]
inputs: [[1, 1]]
targets: 1
loss: half_mse
ask: [a1, loss, delta1]
"""


def test_numbers_with_units_of_a_billion_earn_nothing():
    sheet = "a1: [0e9, 1]\nproduct2: 0e9\na2: 0.111\ndelta2: 8.76\ndW2: [123.4, 8.76]\ndb2: 8.76\n"
    sheet += "delta1: [0e9, 1]\ndW1: [[-1.23, 1.00], [4.56, 0.987]]\ndb1: [33.3, 1.23]\n"
    found = report(WIDE, sheet)
    assert (found.earned, found.possible) == (0, 10)
    ids = ("z1", "a1", "loss_terms", "loss", "da1", "delta1")
    found = report(LINEAR, "g1: 1\n" + "".join(f"{id}: 0e9\n" for id in ids))
    assert (found.earned, found.possible) == (0, 3)


def test_given_numbers_written_as_0_earn_nothing_and_are_not_right():
    """or-gate's weights are 0.4, 0.6 …; W2 is given as [0.4, 0.6] too."""
    found = report("or-gate", "W1: [[0, 0], [0, 0]]\nb1: [0, 0]\nW2: [0, 1]\nb2: 0\n")
    assert (found.earned, found.possible) == (0, 0)
    assert "right" not in {q.verdict for q in found.quantities}
    assert entries(LINEAR, "W1: [0.4, 0.10]", "W1") == ["right", "right"]


# Honest sheets that were accused


def test_what_a_rounded_0_hides_is_told_by_z():
    """z = [10 0]: a = [1.0000 0.0000], and -ln a₂ is 10 + ln(1 + e⁻¹⁰) = 10.00005."""
    spec = """
layers: [{activation: softmax, weights: [[10, 0]], bias: none}]
inputs: 1
targets: [[0, 1]]
loss: cross_entropy
"""
    for first in ("", "z1: [10, 0]\n"):
        found = report(spec, first + "a1: [1.0000, 0.0000]\nloss: 10.0000")
        assert found.earned == found.possible


def test_a_tie_and_ten_digits_of_rounded_numbers_stand_for_themselves():
    """0.77²/2 is 0.29645, a tie; (4447.502748 + 1156.748121)/2 = 2802.1254345, another."""
    tie = """
layers: [{activation: sigmoid, weights: 25, bias: none}]
inputs: 1
targets: 0.23
loss: half_mse
"""
    ten = """
layers: [{activation: linear, weights: 1, bias: none}]
inputs: [[66.6896], [34.011]]
targets: [[0], [0]]
loss: mse
"""
    found = report(tie, "a1: 1.0000\nerror: 0.7700\nloss_terms: 0.2965")
    assert found.earned == found.possible == 3
    found = report(ten, "loss_terms: [4447.502748, 1156.748121]\nloss: 2802.125435")
    assert found.earned == found.possible == 3


def test_a_loss_worked_by_a_wrong_rule_is_charged_once():
    """e² is 0.25 and 1: their sum is 1.25, their mean 0.625; after the update a quarter of each."""
    spec = """
layers: [{activation: linear, weights: 0.5, bias: none}]
inputs: [[1], [2]]
targets: [[1], [2]]
loss: mse
learning_rate: 0.1
"""
    found = report(spec, "loss: 1.2500\nloss_after: 0.3125")
    assert [q.verdict for q in found.quantities] == ["wrong", "carried"]
    assert found.earned == 1
