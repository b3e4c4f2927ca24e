"""What follows from a mistake is not accused, however the student rounds."""

import pytest

from tests.check.grading import ACCUSED
from tests.check.typed import report

# z = x·W + b is what is given. Over the two samples e^z/Σ is 1/(1 + e^2.4) = 0.0831727 and its
# complement, 1/(1 + e^-0.2) = 0.5498339 and 1/(1 + e^1.4) = 0.1978161, here cut off; and
# -ln 0.5498339 = 0.5981388, -ln 0.8021838 = 0.2204174 by the calculator, cut off as well.
OVER_SAMPLES = """
layers: [{activation: softmax, weights: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], bias: none}]
inputs: [[1.1, 1.6, -0.5], [3.5, 1.4, 0.9]]
targets: [[0, 1, 0], [0, 0, 1]]
loss: cross_entropy
"""
CUT_OFF = """
z1: [[1.1, 1.6, -0.5], [3.5, 1.4, 0.9]]
a1: [[0.083172, 0.549833, 0.197816], [0.916827, 0.450166, 0.802183]]
loss_terms: [[0, 0.598138, 0], [0, 0, 0.220417]]
"""

# Worked by ``handwork`` with y[1,1] = 0.54 read for -0.54 ...
MANY_INPUTS = """
layers:
  - {activation: silu, weights: [[0.55], [-0.33], [0.9], [0.65]], bias: 0.22}
  - {activation: linear, weights: [[-0.87, 0.78, 0.55]], bias: [0.38, -0.88, -0.74]}
inputs: [[0.27, 0.98, 1.49, 0.8], [0.39, 1.34, -0.74, -0.14],
  [-0.64, -0.01, -0.9, 0.09], [0.57, 0.34, 0.24, -1.31]]
targets: [[-0.54, 0.19, -0.29], [1.23, 1.45, 1.31], [0.86, -0.47, 2.0], [1.17, -0.73, -0.51]]
loss: sse
learning_rate: 0.01
"""
MISREAD = """
a2: [[-1.063, 0.414, 0.172], [0.591, -1.07, -0.874], [0.604, -1.081, -0.882],
  [0.464, -0.955, -0.793]]
loss: 25.904
dW2: [[-1.157, 2.691, 4.136]]
db2: [[-4.248, -10.064, -9.774]]
dW1: [[-0.069], [0.498], [3.586], [2.847]]
db1: [[-0.229]]
W1_new: [[0.551], [-0.335], [0.864], [0.622]]
b1_new: [[0.222]]
W2_new: [[-0.858, 0.753, 0.509]]
b2_new: [[0.422, -0.779, -0.642]]
loss_after: 23.38
"""

# ... with a1 of the second sample from x = -7 for -1: of two numbers that SiLU takes to the same
# only one is a digit taken for another ...
TURNS_BACK = """
layers:
  - {activation: silu, weights: [[0.93, 0.04], [-0.34, -0.5]], bias: [-0.72, 0.89]}
  - {activation: tanh, weights: [[-0.8, 0.87, 0.81], [-0.97, 0.86, 0.41]],
     bias: [-0.11, -0.01, -0.34]}
inputs: [[2, 3], [-1, 3], [0, 2]]
loss: output
"""
READ_AS_7 = """
z2: [[0.02960, -0.12355, -0.36900], [0.14304, -0.23469, -0.44797], [0.16197, -0.29564, -0.58563]]
g1: [[0.55986, 0.24690], [-0.00189, 0.10745], [-0.02434, 0.44511]]
"""

# ... and with a 2 too many in δ₂, the W1_new of which is all but what two digits would give.
DECAY = """
layers:
  - {activation: sigmoid, weights: [[0.94, 0.8], [-0.09, 0.3], [-0.13, -0.09]],
     bias: {shared: 0.48}}
  - {activation: tanh, weights: [[-0.52, 0.43, 0.68], [0.13, -0.22, 0.6]],
     bias: [-0.32, -0.11, 0.77]}
inputs: [[-1, -1, 0], [0, 0, 2], [3, 1, 1], [-2, 2, -2]]
targets: [[0.66, 1.25, 0.82], [0.42, 0.18, -0.46], [1.05, 1.97, 1.4], [-1.69, -1.52, 0.44]]
loss: half_mse
regularization: {l2: 0.01}
learning_rate: 0.1
"""
TWICE = """
a2: [[-0.452, -0.011, 0.850], [-0.488, 0.002, 0.904], [-0.600, 0.090, 0.964],
  [-0.359, -0.110, 0.822]]
loss: 2.002
W1_new: [[0.941, 0.798], [-0.092, 0.303], [-0.139, -0.095]]
b1_new: 0.473
W2_new: [[-0.444, 0.535, 0.672], [0.192, -0.132, 0.591]]
b2_new: [[-0.246, -0.014, 0.752]]
loss_after: 1.811
"""

# By hand, the last weight read as -0.8 throughout, which is no slip of -1: z3 = -0.8·0.8119 =
# -0.6495, δ2 = -0.8·0.1481·0.8119·0.1881 = -0.0181, W3_new = -0.8 + 0.5·0.1202 = -0.7399.
CHAIN = """
layers:
  - {activation: sigmoid, weights: [[0.5]], bias: none}
  - {activation: sigmoid, weights: [[2]], bias: none}
  - {activation: sigmoid, weights: [[-1]], bias: none}
inputs: [[2]]
targets: 1
loss: half_sse
learning_rate: 0.5
conventions: {sign: descent}
"""
READ_AS_ANY = """
a2: 0.8119
z3: -0.6495
a3: 0.3431
loss: 0.2158
delta3: 0.1481
dW3: 0.1202
delta2: -0.0181
dW2: -0.0132
W2_new: 1.9934
W3_new: -0.7399
"""
# x = 1, 2 for 2, 1: z = 0.5·2 + 0.1, 0.5·1 + 0.1, e = 0.1, -0.4, 0.1 and dW = 0.2 - 0.4 + 0.4 by
# those x; by the x given, from the same z, it would be 0.1 - 0.8 + 0.4.
LINE = """
layers: [{activation: linear, weights: [[0.5]], bias: 0.1}]
inputs: [[1], [2], [4]]
targets: [[1], [1], [2]]
loss: half_sse
"""
EXCHANGED = "z1: [[1.10], [0.60], [2.10]]\ndW1: 0.20\ndb1: -0.20\n"
# The sign lost in da = W2. To three digits, zeros dropped: -1.6·0.96104 = -1.53766 is written
# -1.54, not -1.540, though -0.569 stands beside it. By the calculator dW = -1.53766 - 1.3·1.49653
# - 0.2·1.59744 + 0.8·1.55973 = -2.55487; of -1.540 and so on it would be -2.562.
DIGITS = """
layers:
  - {activation: tanh, weights: [[0.2, -0.6]], bias: none}
  - {activation: linear, weights: [[1.6], [0.8]], bias: none}
inputs: [[1], [1.3], [0.2], [-0.8], [0]]
loss: output
"""
THREE_DIGITS = """
da1: [[-1.6, -0.8], [-1.6, -0.8], [-1.6, -0.8], [-1.6, -0.8], [-1.6, -0.8]]
g1: [[0.961, 0.712], [0.935, 0.574], [0.998, 0.986], [0.975, 0.801], [1, 1]]
delta1: [[-1.54, -0.569], [-1.50, -0.459], [-1.60, -0.789], [-1.56, -0.641], [-1.6, -0.8]]
dW1: [[-2.55, -0.811]]
"""


@pytest.mark.parametrize(
    ("spec", "sheet", "place", "code", "rounding"),
    [
        (OVER_SAMPLES, CUT_OFF, "a1", "softmax-wrong-axis", "cut off"),
        (MANY_INPUTS, MISREAD, "loss", "given-misread", None),
        (TURNS_BACK, READ_AS_7, "z2", "given-misread", None),
        (DECAY, TWICE, "W1_new", "half-factor", None),
        (CHAIN, READ_AS_ANY, "z3", "given-misread", None),
        (LINE, EXCHANGED, "z1", "entries-exchanged", None),
        (DIGITS, THREE_DIGITS, "da1", "sign-flipped", None),
    ],
)
def test_one_mistake_is_one_accusation(spec, sheet, place, code, rounding):
    found = report(spec, sheet)
    accused = [(q.name, q.mistakes) for q in found.quantities if q.verdict in ACCUSED]
    assert accused == [(place, (code,))]
    assert (found.conventions or {}).get("rounding") == rounding


def test_a_line_a_sample_is_known_though_its_digits_are_cut_off():
    """δ/3 = 0.16667, -0.13333, 0.03333."""
    spec = LINE.replace("[[1], [1], [2]]", "[[0.1], [1.5], [2.0]]").replace("half_sse", "half_mse")
    spec += "conventions: {mean_in: gradient}\n"
    sheet = "delta1: [[0.5], [-0.4], [0.1]]\ndb1: [[0.1666], [-0.1333], [0.0333]]\n"
    (found,) = (q for q in report(spec, sheet).quantities if q.verdict in ACCUSED)
    assert (found.name, found.mistakes) == ("db1", ("batch-not-summed",))


def test_a_lost_sign_is_no_habit_of_cutting_off():
    """z = 0.16 - 0.2 + 0.15 + 0.2 = 0.31 stands twice, once with the sign lost; the loss of what
    was meant, 0.91²/2 = 0.41405, is rounded up, and all else follows from it."""
    spec = """
layers: [{activation: linear, weights: [[0.1], [-0.4], [0.1]], bias: 0.2}]
inputs: [[1.6, 0.5, 1.5]]
targets: [[-0.6]]
loss: half_mse
"""
    sheet = "z1: 0.3100\na1: -0.3100\nloss: 0.4141\ndelta1: 0.9100\ndb1: 0.9100\n"
    found = report(spec, sheet)
    assert found.conventions is None
    assert {q.name: q.mistakes for q in found.quantities if q.verdict == "wrong"} == {
        "a1": ("sign-slip",)
    }


TWICE = """
layers: [{activation: linear, weights: [[1], [-1]], bias: [0]}]
inputs: [[2, 1]]
targets: 0
loss: half_sse
learning_rate: 0.5
epochs: 2
"""


@pytest.mark.parametrize(
    ("weights", "bias", "code"),
    [
        # e = 1: [1 -1] + 0.5 [2 1] = [2 -0.5], b = 0.5; then e = 4 - 0.5 + 0.5 = 4, and + 0.5 [8 4]
        ("[[6.00], [1.50]]", "2.50", "ascent-for-descent"),
        # [1 -1] - [2 1] = [-1 -2], b = -1; then e = -2 - 2 - 1 = -5, and - [-10 -5]
        ("[[9.00], [3.00]]", "4.00", "learning-rate-omitted"),
        # η = 0.05: [0.9 -1.05], b = -0.05; then e = 1.8 - 1.05 - 0.05 = 0.7, and - 0.05 [1.4 0.7]
        ("[[0.8300], [-1.0850]]", "-0.0850", "rate-misread"),
    ],
)
def test_a_rule_that_is_wrong_in_each_update_is_named_and_charged_once(weights, bias, code):
    found = report(TWICE, f"W1_new@2: {weights}\nb1_new@2: {bias}\n")
    first, second = found.quantities
    assert code in first.mistakes
    assert second.verdict == "carried" or second.repeated == first.name
    assert found.earned == 1


def test_a_target_that_is_misread_in_each_epoch_is_charged_once():
    """y read as 3: e = 1 - 3 = -2, and [1 -1] + 0.5·2·[2 1] = [3 0], b = 1; then z = 7, e = 4."""
    sheet = "z1: 1.00\nerror: -2.00\nW1_new: [[3.00], [0.00]]\nb1_new: 1.00\n"
    found = report(TWICE, sheet + "z1@2: 7.00\nerror@2: 4.00\n")
    assert [(q.name, q.mistakes) for q in found.quantities if q.verdict in ACCUSED] == [
        ("error", ("given-misread",))
    ]
    assert found.earned == found.possible - 1


TWO_SIGMOIDS = """
conventions: {mean_in: gradient}
layers:
  - {activation: sigmoid, weights: [[-0.4, -0.1], [1.2, -0.6]], bias: [1.2, -0.5]}
  - {activation: softmax, weights: [[-1.1, -0.8], [0.3, -0.4]], bias: [-0.3, -0.7]}
inputs: [[-0.1, -0.5], [-1.8, 0.8], [1.3, 1.4], [1.4, 0.7]]
targets: [[1, 0], [1, 0], [0, 1], [0, 1]]
loss: cross_entropy
learning_rate: 0.1
"""


def test_a_rate_that_explains_another_parameter_too_is_the_likelier_mistake():
    """dW1[1,2] = (0.1·0.261·0.248 + 1.8·0.293·0.214 + 1.3·0.395·0.152 + 1.4·0.408·0.191)/4, 0.0766:
    -0.1 - 0.01·0.0766 = -0.101, which some product of other lines would leave as well."""
    sheet = """
db2: [[.089, -.089]]
da1: [[.112, -.261], [.125, -.293], [-.169, .395], [-.175, .408]]
g1: [[.226, .248], [.050, .214], [.079, .152], [.151, .191]]
W1_new: [[-.400, -.101], [1.200, -.600]]
b1_new: [[1.200, -.500]]
b2_new: [[-.301, -.699]]
"""
    found = {q.name: q for q in report(TWO_SIGMOIDS, sheet).quantities}
    assert [found[name].mistakes for name in ("W1_new", "b2_new")] == [("rate-misread",)] * 2
    assert found["b2_new"].repeated == "W1_new"


def test_gradients_that_cancel_without_the_weights_have_that_name():
    """A row of δ₂ adds up to 0 after a softmax: sent back without the weights nothing is left."""
    sheet = """
delta2: [[-.373, .373], [-.418, .418], [.564, -.564], [.583, -.583]]
da1: [[.000, .000], [.000, .000], [.000, .000], [.000, .000]]
"""
    found = report(TWO_SIGMOIDS, sheet).quantities[1]
    assert (found.name, found.mistakes) == ("da1", ("weights-omitted-going-back",))


def test_a_second_mistake_is_named_on_what_the_first_one_left():
    """y = 0.1 read as -0.1 leaves ½·(-1.7365 + 0.1)² = 1.3391, and e = [-0.447 -0.8494 -0.8656
    -1.6365]; with a1 = σ(z1), whose first row is 0.4576 0.4526 0.6682 0.4800, dW2[1,1] is -1.953,
    of which a quarter belongs there."""
    net = """
conventions: {layout: columns, mean_in: gradient}
layers:
  - {activation: sigmoid, weights: [[0.4, 0.5], [-0.4, -0.5]], bias: [0.7, -1.2]}
  - {activation: linear, weights: [[-0.5, -1]], bias: [-1.1]}
inputs: [[-1.8, -0.1, 2, 0.3], [-0.3, -1.7, -1.6, -1.8]]
targets: [[-1.3, -0.9, -0.8, 0.1]]
loss: half_mse
"""
    sheet = """
a2: [[-1.747, -1.7494, -1.6656, -1.7365]]
loss_terms: [[0.099905, 0.36074, 0.37463, 1.3391]]
dW2: [[-1.953, -1.3956]]
da1: [[0.2235, 0.4247, 0.4328, 0.81825], [0.447, 0.8494, 0.8656, 1.6365]]
delta1: [[0.055473, 0.10522, 0.095956, 0.20424], [0.10876, 0.20733, 0.15399, 0.3916]]
db1: [[0.46089], [0.86168]]
"""
    found = {q.name: q for q in report(net, sheet).quantities if q.verdict in ACCUSED}
    assert [*found] == ["loss_terms", "dW2", "db1"]
    assert found["loss_terms"].mistakes[0] == "given-misread"
    assert (found["dW2"].mistakes, found["dW2"].repeated) == (("mean-omitted",), None)
    assert (found["db1"].mistakes, found["db1"].repeated) == (("mean-omitted",), "dW2")


def test_biases_that_are_kept_in_each_update_are_that_and_no_step_uphill():
    """Uphill in the first and down in the second leaves about what the biases were, too."""
    net = """
layers:
  - {activation: tanh, weights: [[-0.1, -1], [0.4, 0.5]], bias: [0.3, -0.5]}
  - {activation: sigmoid, weights: [[-1.2], [0.7]], bias: [0.4]}
inputs: [[-1.3, -1.4], [0.1, 1.8]]
targets: [[0.2], [0.6]]
loss: half_mse
learning_rate: 0.2
epochs: 2
"""
    sheet = """
W1_new@2: [[-0.1317, -0.9811], [0.3586, 0.5294]]
b1_new@2: [[0.3000, -0.5000]]
W2_new@2: [[-1.1915], [0.7009]]
b2_new@2: [[0.4000]]
"""
    found = [q for q in report(net, sheet).quantities if q.mistakes]
    assert [(q.name, q.mistakes) for q in found] == [
        ("b1_new@2.1", ("update-omitted",)),
        ("b2_new@2.1", ("update-omitted",)),
    ]
