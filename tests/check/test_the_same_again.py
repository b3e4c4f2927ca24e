"""One misconception is charged once wherever it shows; every number is worked by hand here."""

import pytest

from tests.check.typed import report

# z₁ = [0.5 − 0.5 + 0.1, −1 − 3 + 0.2] = [0.1, −3.8], da₁ = −0.5·[2, 1] for a₂ = 0.5 as with ReLU.
NETWORK = """
layers:
  - {activation: sigmoid, weights: [[0.5, -1], [0.25, 1.5]], bias: [0.1, 0.2]}
  - {activation: linear, weights: [[2], [1]], bias: 0.3}
inputs: [[1, -2]]
targets: 1
loss: half_sse
"""
WITH_RELU = """
z1: [0.100, -3.800]
a1: [0.100, 0.000]
a2: 0.500
delta2: -0.500
da1: [-1.000, -0.500]
delta1: [-1.000, 0.000]
"""
# a₂ = 0.2 − 3.8 + 0.3 = −3.3, δ₂ = −4.3.
AS_LINEAR = """
z1: [0.100, -3.800]
a1: [0.100, -3.800]
a2: -3.300
delta2: -4.300
da1: [-8.600, -4.300]
delta1: [-8.600, -4.300]
"""
# Sample 1 leaves both ReLUs off: z₁ = [−1.5, −1.75]; of sample 2 a₁ = [2, 1.75], a₂ = 0.75.
# δ₂ = [−0.5, −0.25]/2, δ₁ of sample 2 = [−0.125, 0.125]. Of sample 1 alone db₂ is −0.25.
OFF = """
layers:
  - {activation: relu, weights: [[1, 1], [1, 1]], bias: [0.5, 0.25]}
  - {activation: linear, weights: [[1], [-1]], bias: 0.5}
inputs: [[-1, -1], [1, 0.5]]
targets: [[1], [1]]
loss: half_mse
"""
FIRST_SAMPLE_ONLY = """
a1: [[0.000, 0.000], [2.000, 1.750]]
delta2: [[-0.250], [-0.125]]
dW2: [[0.000], [0.000]]
db2: -0.250
delta1: [[0.000, 0.000], [-0.125, 0.125]]
dW1: [[0.000, 0.000], [0.000, 0.000]]
db1: [0.000, 0.000]
"""


@pytest.mark.parametrize(
    ("sheet", "codes"),
    [
        (WITH_RELU, ("wrong-activation", "wrong-activation")),
        (AS_LINEAR, ("activation-omitted", "activation-derivative-omitted")),
    ],
)
def test_a_layer_that_is_taken_for_another_is_one_mistake_forward_and_back(sheet, codes):
    found = report(NETWORK, sheet)
    wrong = [each for each in found.quantities if each.verdict == "wrong"]
    assert [(each.name, each.mistakes) for each in wrong] == [
        ("a1", codes[:1]),
        ("delta1", codes[1:]),
    ]
    assert wrong[1].repeated == "a1"
    assert found.score.points == found.score.of - 2  # a1 alone


def test_a_layer_that_is_right_going_forward_has_no_such_mistake_going_back():
    # a₁ = [0.525, 0.022], a₂ = 1.372, δ₂ = 0.372.
    sheet = "a1: [0.525, 0.022]\na2: 1.372\ndelta2: 0.372\nda1: [0.744, 0.372]\n"
    found = report(NETWORK, f"{sheet}delta1: [0.744, 0.372]")
    last = found.quantities[-1]
    assert (last.mistakes, last.repeated) == (("activation-derivative-omitted",), None)
    assert found.score.points == found.score.of - 2


def test_zeros_that_a_mistake_leaves_have_its_name_where_other_numbers_bear_it_out():
    found = report(OFF, FIRST_SAMPLE_ONLY)
    wrong = {each.name: each for each in found.quantities if each.verdict == "wrong"}
    assert {each.mistakes for each in wrong.values()} == {("batch-not-summed",)}
    again = {name: each.repeated for name, each in wrong.items()}
    assert again == {"dW2": None, "db2": "dW2", "dW1": "dW2", "db1": "dW2"}
    zeros = FIRST_SAMPLE_ONLY.replace("db2: -0.250", "db2: 0.000")
    names = {each.mistakes for each in report(OFF, zeros).quantities if each.verdict == "wrong"}
    assert names == {()}  # nobody has worked those


def test_what_the_same_mistake_leaves_as_the_key_is_not_charged_either():
    """Without its bias of 0.1, and with z₁ = 0.9 for 1, z₂ = 2·0.9 = 1.8 and −1·0.9 = −0.9; the key
    has 2·1 + 0.1 = 2.1 and −1·1 + 0.1 = −0.9."""
    spec = """
layers:
  - {activation: linear, weights: [[0.9]], bias: 0.1}
  - {activation: linear, weights: [[2, -1]], bias: [0.1, 0.1]}
inputs: 1
targets: [1, 1]
loss: half_sse
"""
    found = report(spec, "z1: 0.900\nz2: [1.800, -0.900]")
    assert found.quantities[-1].entries == (("wrong", "unsupported"),)
    assert found.quantities[-1].repeated == "z1"
    assert found.score.points == found.score.of - 1


# z = [0.2, −0.4] + [0.3, 0.1], a = softmax = [0.690, 0.310] for [0.5, −0.3]; y = [1, 0].
ONE_HOT = """
layers: [{activation: softmax, weights: [[0.2, -0.4]], bias: [0.3, 0.1]}]
inputs: 1
targets: [1, 0]
loss: cross_entropy
"""


def test_an_output_that_is_copied_for_delta_is_told_though_one_target_alone_is_not_0():
    found = report(ONE_HOT, "a1: [0.690, 0.310]\ndelta1: [0.690, 0.310]").quantities[-1]
    assert found.mistakes == ("value-for-error",)
    assert found.places("wrong") == [(1, 1)]


@pytest.mark.parametrize(("factor", "said"), [(2, "twice"), (0.5, "half")])
def test_a_factor_in_one_hidden_delta_says_its_direction(factor, said):
    """σ′(z₁) = [0.24938, 0.02139], da₁ = 0.372·[2, 1], δ₁ = [0.18554, 0.00796]."""
    delta = [f"{factor * each:.4f}" for each in (0.18554, 0.00796)]
    sheet = f"delta2: 0.3720\nda1: [0.7440, 0.3720]\ndelta1: [{', '.join(delta)}]"
    found = report(NETWORK, sheet).quantities[-1]
    assert ("half-factor", "delta1") in found.explanations[0].mistakes
    assert found.explanations[0].detail == (f"{said} the right value",)


# a = tanh([0.155, −1, −1]) = [0.1538, −0.7616, −0.7616]; −1 may be −0.7616 by its own digits.
TANH = """
layers: [{activation: tanh, weights: [[0.155, -1, -1]], bias: none}]
inputs: 1
targets: [1.6, -1.5, -1.2]
loss: half_sse
"""
# a = z: e = [−1.445, 0.5, 0.2], L = ½(2.088 + 0.25 + 0.04).
WITHOUT_TANH = "a1: [0.155, -1, -1]\nerror: [-1.445, 0.5, 0.2]\nloss: 1.189\n"


def test_a_rule_that_has_a_name_tells_how_numbers_were_meant_that_have_lost_their_zeros():
    found = report(TANH, f"z1: [0.155, -1, -1]\n{WITHOUT_TANH}")
    first, *rest = found.quantities[1:]
    assert (first.mistakes, first.entries) == (("activation-omitted",), (("wrong",) * 3,))
    assert {verdict for each in rest for line in each.entries for verdict in line} == {"carried"}


def test_numbers_that_have_lost_their_zeros_stay_vague_where_no_rule_tells_of_them():
    # 0.145 for 0.154 is no rule: −1 and what rests on it have too few digits.
    found = report(TANH, f"z1: [0.155, -1, -1]\n{WITHOUT_TANH.replace('[0.155', '[0.145')}")
    assert found.quantities[1].entries == (("wrong", "imprecise", "imprecise"),)


# z₁ = [[2, 1.75], [2, 0.25]], a₂ = [−1, 2], δ₂ = [−2, 0.6]/2, δ₁ = δ₂·[1, −2].
TWO_SAMPLES = """
layers:
  - {activation: linear, weights: [[1, 2], [1, -1]], bias: [0.5, 0.25]}
  - {activation: linear, weights: [[1], [-2]], bias: 0.5}
inputs: [[1, 0.5], [0.5, 1]]
targets: [[1], [1.4]]
loss: half_mse
"""


def test_one_sample_only_is_the_same_mistake_whichever_it_is():
    sheet = "delta2: [[-1.00], [0.30]]\ndb2: 0.30\ndelta1: [[-1.00, 2.00], [0.30, -0.60]]\n"
    found = report(TWO_SAMPLES, f"{sheet}db1: [-1.00, 2.00]").quantities
    wrong = [each.mistakes for each in found if each.verdict == "wrong"]
    assert wrong == [("batch-not-summed",), ("batch-not-summed",)]
    assert found[-1].repeated == "db2"


# z = [1.1, −0.15], δ = [−0.9, −0.15], dW = [−0.75, −1.95], db = −1.05; the same in epoch 2.
TWO_EPOCHS = """
layers: [{activation: linear, weights: [[0.5], [0.25]], bias: 0.1}]
inputs: [[1, 2], [-1, 1]]
targets: [[2], [0]]
loss: half_sse
learning_rate: 0.1
epochs: 2
"""


def test_who_starts_from_the_first_parameters_may_update_the_last_ones():
    sheet = """
W1_new@1: [[0.575], [0.445]]
b1_new@1: 0.205
z1@2: [[1.100], [-0.150]]
dW1@2: [[-0.750], [-1.950]]
W1_new@2: [[0.650], [0.640]]
"""
    found = report(TWO_EPOCHS, sheet).quantities
    wrong = [each for each in found if each.verdict == "wrong"]
    assert [(each.name, each.mistakes) for each in wrong] == [("z1@2.1", ("first-weights-kept",))]
    assert {id for _, id in wrong[0].explanations[0].mistakes} == {"W1", "b1"}


# z₁ = [0.5, −0.3], z₂ = 1.9·0.622 − 0.4·0.426 = 1.012; of |ŷ − 0| the slope is 1.
OF_SIGNS = """
layers:
  - {activation: sigmoid, weights: [[0.5, -0.3]], bias: none}
  - {activation: sigmoid, weights: [[1.9], [-0.4]], bias: none}
inputs: 1
targets: 0
loss: mae
"""


def test_ones_that_a_mistake_leaves_cost_nothing_where_it_is_made_again():
    """σ′ is left out in δ₂ = 1 and in δ₁ = W₂·1."""
    before = "z1: [0.500, -0.300]\na1: [0.622, 0.426]\nz2: 1.012\na2: 0.733"
    found = report(OF_SIGNS, f"{before}\ndelta2: 1.000\ndelta1: [1.900, -0.400]")
    assert found.quantities[-1].repeated == "delta2"
    assert found.score.points == found.score.of - 1


# y₃ = −0.5 read as −1: e = [−0.02, 1.4, 0.1], L = (0.0004 + 1.96 + 0.01)/6; of −0.8 L is the same.
TARGETS = """
conventions: {mean_in: gradient}
layers: [{activation: linear, weights: [[1]], bias: none}]
inputs: [[0.68], [0.5], [-0.9]]
targets: [[0.7], [-0.9], [-0.5]]
loss: half_mse
"""


def test_a_target_is_misread_as_what_the_loss_and_delta_have_in_common():
    sheet = "z1: [[0.680], [0.500], [-0.900]]\nloss: 0.328400\n"
    found = report(TARGETS, f"{sheet}delta1: [[-0.020], [1.400], [0.100]]").quantities
    assert [(each.name, each.verdict) for each in found[1:]] == [
        ("loss", "wrong"),
        ("delta1", "carried"),
    ]
    assert found[1].mistakes == ("given-misread",)


# z₁ = [1.5, −2], a₁ = [1.5, 0]; z₁ for it: z₂ = [1.5 − 0.4 + 0.25, 0.3 − 2.0 + 0.15, 1].
BEFORE_THE_LINE = """
layers:
  - {activation: relu, weights: [[1.5, -2]], bias: none}
  - {activation: relu, weights: [[1, 0.2, 0], [0.2, 1, 0]], bias: [0.25, 0.15, 1]}
inputs: 1
targets: [1, 1, 1]
loss: half_sse
"""


def test_a_line_with_a_vague_number_does_not_follow_from_its_own_explanation():
    """a₂ = [1.35, 0, 1] for [1.75, 0.45, 1]: 0 beside 1 may be 0.45 by its own digits."""
    found = report(BEFORE_THE_LINE, "z1: [1.500, -2.000]\na2: [1.350, 0, 1]").quantities[-1]
    assert found.entries == (("wrong", "wrong", "right"),)
    assert found.mistakes == ("activation-omitted",)  # in a₁, which z₁ stands for
