"""Lines that never reach the page: the digits they were kept to, and zeros that fell away."""

import numpy as np

from tests.check.typed import listed, marks, report

GOOD = ("right", "rounded")
ONE_WEIGHT = """
layers: [{activation: linear, weights: 0.53, bias: 0.312}]
inputs: 0.37
targets: 0.3
loss: sse
"""
NEARLY_CANCELS = """
layers: [{activation: linear, weights: 2.82, bias: -3.3}]
inputs: 1.23
targets: 2
loss: sse
"""
ADAM = """
layers: [{activation: linear, weights: 0.512, bias: none}]
inputs: 0.3
targets: 0.5
loss: half_mse
optimizer: {name: adam, learning_rate: 0.1}
"""
LARGE_STEP = """
layers: [{activation: softmax, weights: [[0, 0, 0]], bias: none}]
inputs: [[3], [2]]
targets: [[1, 0, 0], [0, 1, 0]]
loss: cross_entropy
learning_rate: 31
"""


def test_lines_between_may_have_the_fewest_decimals_of_the_page():
    # 0.37 * 0.53 = 0.1961, 0.20 to the two decimals of the loss; 0.20 + 0.312 = 0.512.
    found = report(ONE_WEIGHT, "z1: 0.512\nloss: 0.04")
    assert {q.name: q.verdict for q in found.quantities} == {"z1": "rounded", "loss": "right"}
    assert found.conventions == {"rounding": "worked to 2 decimals"}


def test_a_product_may_have_been_noted_with_fewer_decimals_and_no_others():
    found = report(ONE_WEIGHT, "z1: 0.512")
    assert [q.verdict for q in found.quantities] == ["rounded"]
    assert found.conventions == {"rounding": "worked to 2 decimals"}
    assert marks(ONE_WEIGHT, "z1: 0.510")["z1"] == "wrong"
    assert marks(ONE_WEIGHT, "z1: 0.514\nloss: 0.05")["z1"] == "wrong"  # 0.20 at most


def test_scratch_lines_have_the_significant_digits_of_the_page():
    # 1.23 * 2.82 = 3.4686, 3.47 to three digits; 3.47 - 3.3 = 0.17, -1.83² = 3.3489.
    found = report(NEARLY_CANCELS, "z1: 0.170\nerror: -1.83\nloss: 3.35")
    assert [q.verdict for q in found.quantities] == ["rounded", "right", "right"]
    assert marks(NEARLY_CANCELS, "z1: 0.180\nerror: -1.82\nloss: 3.31")["z1"] == "wrong"


def test_a_line_all_of_whose_zeros_fell_away_has_the_decimals_of_the_others():
    # a = 0.1536, e = -0.3464, dW = -0.10392; Adam's first step is its rate: 0.512 + 0.1 = 0.612.
    found = marks(ADAM, "a1: 0.154\nerror: -0.346\ndW1: -0.104\nstep_W1: 0.1\nW1_new: 0.612")
    assert found["step_W1"] == "right"
    assert marks(ADAM, "step_W1: 0.1\nW1_new: 0.6")["step_W1"] == "imprecise"


def test_where_anything_would_follow_the_exact_value_is_right():
    # W = -31 * [-2/3, -1/6, 5/6] = [20.667, 5.167, -25.833]. The second sample, x = 2, has its own
    # class behind by 2 * (20.667 - 5.167) = 31 and loses 31, the first nothing: 31 / 2 = 15.5. On
    # the written numbers a = e^-31 may be 0 to any number of decimals, and -ln 0 be anything.
    before = "dW1: [-0.667, -0.167, 0.833]\nW1_new: [20.68, 5.18, -25.82]\n"
    assert marks(LARGE_STEP, before + "loss_after: 15.50")["loss_after"] == "right"
    assert marks(LARGE_STEP, before + "loss_after: 16.50")["loss_after"] not in GOOD


# Scratch work of some kinds is coarser than the page, of others not.

TWO_PRODUCTS = """
layers: [{activation: linear, weights: [[0.37], [0.53]], bias: 0.2}]
inputs: [[0.37, 0.61]]
targets: 1
loss: half_sse
learning_rate: 0.3
"""


def test_products_alone_may_be_noted_with_fewer_digits():
    # 0.1369 and 0.3233 as 0.14 and 0.32: z = 0.66, δ = -0.34. -0.34 · 0.37 = -0.1258 by itself
    # is no addend, and dW needs no note.
    sheet = "z1: 0.6600\ndelta1: -0.3400\ndW1: [[-0.1258], [-0.2074]]\ndb1: -0.3400\n"
    found = report(TWO_PRODUCTS, sheet)
    assert {q.verdict for q in found.quantities} == {"rounded"}
    # 0.137 + 0.323 = 0.460 would be 0.66 as well, but all three sums end in two zeros.
    assert found.conventions == {"rounding": "worked to 2 decimals"}


def test_the_products_of_the_rate_may_be_noted_with_fewer_digits():
    # z = 0.6602. 0.3 · 0.1257 = 0.0377 as 0.04, 0.3 · 0.2073 = 0.0622 as 0.06, 0.1019 as 0.10.
    sheet = "z1: 0.6602\nW1_new: [[0.4100], [0.5900]]\nb1_new: 0.3000\n"
    found = report(TWO_PRODUCTS, sheet)
    assert [q.verdict for q in found.quantities] == ["right", "rounded", "rounded"]
    assert found.conventions == {"rounding": "worked to 2 decimals"}
    slipped = sheet.replace("0.5900", "0.5950")
    assert marks(TWO_PRODUCTS, slipped)["W1_new"] == "wrong"


def test_a_product_that_is_the_whole_line_may_be_noted_with_fewer_digits_and_squares_not():
    # σ(0.66) = 0.6593, e = -0.1407, e²/2 = 0.0099; σ′ = 0.2246, -0.1407 · 0.2246 = -0.0316, -0.032.
    spec = TWO_PRODUCTS.replace("linear", "sigmoid").replace("targets: 1", "targets: 0.8")
    sheet = "z1: 0.6602\na1: 0.6593\nloss: 0.0099\ng1: 0.2246\ndelta1: "
    assert marks(spec, sheet + "-0.0320")["delta1"] == "rounded"
    assert marks(spec, sheet + "-0.0330")["delta1"] == "wrong"


def test_who_rounds_one_sum_of_products_has_rounded_the_others():
    # z = 0.66 as above, but dW = -0.1256, which no rounding of -0.34 · 0.37 = -0.1258 gives.
    sheet = "z1: 0.6600\ndelta1: -0.3400\ndW1: [[-0.1256], [-0.2074]]\n"
    assert marks(TWO_PRODUCTS, sheet)["dW1"] == "wrong"


def test_one_line_alone_shows_what_was_noted_where_it_hits_it():
    # As above, 0.0377 as 0.04 and 0.0622 as 0.06; 0.3 · 0.3398 = 0.1019 was not noted.
    found = marks(TWO_PRODUCTS, "z1: 0.6602\nW1_new: [[0.4100], [0.5900]]\nb1_new: 0.3019\n")
    assert found == {"z1": "right", "W1_new": "rounded", "b1_new": "right"}
    # 0.4077 is what it is; 0.5930 may be 0.3 · 0.21, but one number that many others may be is
    # a slip of the hand as well.
    slipped = "z1: 0.6602\nW1_new: [[0.4077], [0.5940]]\nb1_new: 0.3019\n"
    assert marks(TWO_PRODUCTS, slipped)["W1_new"] == "wrong"


def test_who_noted_products_may_have_worked_another_line_in_one_go():
    # z = 0.66, δ = -0.34; W = 0.37 + 0.0377 = 0.4077, 0.5922, b = 0.302: z = 0.1508 + 0.3612 +
    # 0.302 = 0.8141, 0.1859²/2 = 0.0173, where 0.15 + 0.36 + 0.302 would leave 0.188²/2 = 0.0177.
    before = "z1: 0.6600\ndelta1: -0.3400\nW1_new: [[0.4077], [0.5922]]\nb1_new: 0.3020\n"
    for loss_after in ("0.0173", "0.0177"):
        assert marks(TWO_PRODUCTS, before + f"loss_after: {loss_after}")["loss_after"] in GOOD
    assert marks(TWO_PRODUCTS, before + "loss_after: 0.0120")["loss_after"] == "wrong"


WITH_MOMENTUM = """
layers: [{activation: linear, weights: 0.5, bias: none}]
inputs: 1.7
targets: 2
loss: half_sse
optimizer: {name: momentum, learning_rate: 0.1}
epochs: 2
"""


def test_what_is_kept_of_a_momentum_may_be_noted_and_the_step_not():
    # dW = -1.15 · 1.7 = -1.955, W = 0.6955; z = 1.1824, dW = -0.8176 · 1.7 = -1.3899. 0.9 · 1.955 =
    # 1.7595 noted 1.76: v = -3.1499, and -3.1494 without; the step 0.3150, which has no note.
    sheet = (
        "dW1: -1.9550\nvW1: -1.9550\nstep_W1: 0.1955\nW1_new: 0.6955\n"
        "z1@2.1: 1.1824\ndW1@2.1: -1.3899\nvW1@2.1: {v}\nstep_W1@2.1: 0.3150\n"
    )
    assert marks(WITH_MOMENTUM, sheet.format(v="-3.1499"))["vW1@2.1"] in GOOD
    assert marks(WITH_MOMENTUM, sheet.format(v="-3.1519"))["vW1@2.1"] == "wrong"


TWO_WEIGHTS = """
layers: [{activation: linear, weights: [[0.5], [0.3]], bias: none}]
inputs: [[2, 1]]
targets: 3
loss: half_sse
optimizer: {name: adam, learning_rate: 0.1}
"""


def test_of_a_small_number_that_is_divided_by_at_least_one_digit_is_noted():
    # z = 1.3, e = -1.7, dW = -3.4 and -1.7, v = 0.001 · 11.56 = 0.0116 and 0.0029. To two decimals
    # 1 - 0.999 is 0.00, by which nobody divides: with one digit it is 0.0015 at most, 0.0005 at
    # least, and 0.015 / 0.0005 = 30.
    before = "dW1: [[-3.40], [-1.70]]\nvW1: [[0.01], [0.00]]\n"
    assert marks(TWO_WEIGHTS, before + "vhatW1: [[11.56], [2.89]]")["vhatW1"] == "right"
    assert marks(TWO_WEIGHTS, before + "vhatW1: [[99.00], [2.89]]")["vhatW1"] == "wrong"


def test_of_what_may_have_been_noted_coarsely_each_is_tried():
    """e^2.6 = 13.46, 1/14.46 = 0.06916, W = -2.6692; e^-2.6692 = 0.0693 is 0.07, 0.07/1.07 =
    0.06542, and -ln(1 - 0.0654) = 0.0676: no logarithm was rounded to 0.07, though it might."""
    spec = """
layers: [{activation: sigmoid, weights: -2.6, bias: none}]
inputs: 1
targets: 0
loss: binary_cross_entropy
learning_rate: 1
"""
    assert marks(spec, "W1_new: -2.6692\nloss_after: 0.0676")["loss_after"] in GOOD
    assert marks(spec, "W1_new: -2.6692\nloss_after: 0.0673")["loss_after"] == "wrong"


# e⁻⁰·⁷ = 0.4966 noted 0.50, 1/1.50 = 0.6667; e⁰·² = 1.2214 noted 1.22, 1/2.22 = 0.4505;
# z2 = 0.6667·0.47 + 0.4505·0.23 + 0.1 = 0.5170, e⁻⁰·⁵¹⁷ = 0.5963 noted 0.60, 1/1.60 = 0.6250.
# The slip: δ2 = da2 = -0.375, and not -0.375·0.625·0.375. dW2 = -0.375·a1, da1 = -0.375·W2.
POWERS_TO_TWO_DECIMALS = """
layers:
  - {activation: sigmoid, weights: [[0.4, 0.2], [0.1, -0.3]], bias: [0.1, 0.2]}
  - {activation: sigmoid, weights: [[0.47], [0.23]], bias: 0.1}
inputs: [[1, 2]]
targets: 1
loss: half_mse
"""
WITH_A_SLIP = """
z1: [0.7000, -0.2000]
a1: [{a1}]
z2: {z2}
a2: {a2}
error: {error}
delta2: {error}
dW2: [{dW2}]
da1: [{da1}]
"""


def test_a_mistake_does_not_hide_how_coarsely_all_else_was_noted():
    sheet = WITH_A_SLIP.format(
        a1="0.6667, 0.4505", z2="0.5170", a2="0.6250", error="-0.3750",
        dW2="-0.2500, -0.1689", da1="-0.1763, -0.0863",
    )  # fmt: skip
    found = report(POWERS_TO_TWO_DECIMALS, sheet)
    wrong = {q.name: q.mistakes for q in found.quantities if q.verdict == "wrong"}
    assert wrong == {"delta2": ("activation-derivative-omitted",)}
    assert found.conventions == {"rounding": "worked to 2 decimals"}
    verdicts = {q.name: q.verdict for q in found.quantities}
    assert verdicts["dW2"] == verdicts["da1"] == "carried"
    assert verdicts["a1"] == verdicts["a2"] == "rounded"


def test_beside_a_mistake_one_number_alone_may_be_a_slip_of_the_hand():
    # 1/2.22 is 0.4505, but the other powers are as they are: e⁻⁰·⁷ = 0.4966, 1/1.4966 = 0.6682;
    # z₂ = 0.3141 + 0.1036 + 0.1, 1/1.5959 = 0.6266, -0.3734·a1 = (-0.2495, -0.1682).
    sheet = WITH_A_SLIP.format(
        a1="0.6682, 0.4505", z2="0.5177", a2="0.6266", error="-0.3734",
        dW2="-0.2495, -0.1682", da1="-0.1755, -0.0859",
    )  # fmt: skip
    found = report(POWERS_TO_TWO_DECIMALS, sheet)
    assert [q.name for q in found.quantities if q.verdict == "wrong"] == ["a1", "delta2"]
    assert found.conventions is None


def test_beside_a_mistake_two_numbers_of_a_line_tell_how_it_was_noted():
    # 1/1.50 and 1/2.22 in a₁; a₂ by the power as it is: 1/1.5963 = 0.6264, -0.3736·a₁.
    sheet = WITH_A_SLIP.format(
        a1="0.6667, 0.4505", z2="0.5170", a2="0.6264", error="-0.3736",
        dW2="-0.2491, -0.1683", da1="-0.1756, -0.0859",
    )  # fmt: skip
    found = report(POWERS_TO_TWO_DECIMALS, sheet)
    assert [q.name for q in found.quantities if q.verdict == "wrong"] == ["delta2"]
    assert found.conventions == {"rounding": "worked to 2 decimals"}


def test_beside_a_mistake_what_no_coarse_power_gives_stays_wrong():
    # 1/0.6637 - 1 = 0.5067, 1/0.4535 - 1 = 1.2051, and 1/0.6301 - 1 = 0.5870, where powers are
    # 0.4966, 1.2214, and e^-(0.6637·0.47 + 0.4535·0.23 + 0.1) = e⁻⁰·⁵¹⁶² = 0.5968.
    sheet = WITH_A_SLIP.format(
        a1="0.6637, 0.4535", z2="0.5162", a2="0.6301", error="-0.3699",
        dW2="-0.2455, -0.1677", da1="-0.1739, -0.0851",
    )  # fmt: skip
    found = report(POWERS_TO_TWO_DECIMALS, sheet)
    assert [q.name for q in found.quantities if q.verdict == "wrong"] == ["a1", "a2", "delta2"]
    assert found.conventions is None


HIDDEN_POWERS = """
layers:
- activation: sigmoid
  weights: [[-0.28, 0.55, 0.21], [1.18, -0.87, 1], [-1.19, -1.09, 0.34]]
  bias: [0.23, 0.15, 0.09]
- {activation: sigmoid, weights: [[0.22], [0.24], [-1.06]], bias: 0.44}
inputs: [[0.9, -2, 0.6]]
targets: 0
loss: half_sse
learning_rate: 0.1
"""


def test_powers_of_e_to_two_decimals_in_lines_that_are_not_written():
    """e^3.096, e^-1.731, e^1.517 = 22.11, 0.18, 4.56: a1 = 1/23.11, 1/1.18, 1/5.56 =
    0.04327, 0.84746, 0.17986, and z2 = 0.22·0.04327 + 0.24·0.84746 - 1.06·0.17986 + 0.44 =
    0.46226; e^-0.46226 = 0.63: a2 = 1/1.63 = 0.61350, δ2 = a2·a2(1 - a2) = 0.14547,
    dW2 = a1·δ2, and so on."""
    sheet = """
a2: 0.61350
loss: 0.18819
dW2: [[0.00629], [0.12328], [0.02616]]
db2: 0.14547
dW1: [[0.00119, 0.00406, -0.02048], [-0.00264, -0.00902, 0.04550], [0.00079, 0.00271, -0.01365]]
db1: [0.00132, 0.00451, -0.02275]
loss_after: 0.18365
"""
    found = report(HIDDEN_POWERS, sheet)
    assert found.conventions == {"rounding": "worked to 2 decimals"}
    assert found.earned == found.possible == 19


# Written to 4 decimals, noted to 3: db2 is -0.062 + 0.177 + 0.156 - 0.067 = 0.204, where the δ that
# are written add up to 0.2032; db1 is 0.011 - 0.023 - 0.027 + 0.011 = -0.028 (-0.0284), and so on.
NOTED_COARSER = """
layers:
  - activation: sigmoid
    weights: [[-0.2, -0.4], [-0.1, -1.5], [0.7, 0.5]]
    bias: [-0.1, -0.6]
  - {activation: sigmoid, weights: [[-0.7], [1.5]], bias: 0.6}
inputs: [[2, -1, 0], [2, -0.7, -1], [3, 0.2, 1], [0, -0.3, 0.7]]
targets: [1, 0, 0, 1]
loss: binary_cross_entropy
learning_rate: 1
conventions: {mean_in: delta}
"""
SUMS_OF_NOTED = """
z1: [[-0.4000, 0.1000], [-1.1300, -0.8500], [-0.0200, -1.6000], [0.4200, 0.2000]]
a1: [[0.4013, 0.5249], [0.2441, 0.2994], [0.4950, 0.1680], [0.6035, 0.5498]]
z2: [[1.1060], [0.8780], [0.5050], [1.0030]]
a2: [[0.7513], [0.7062], [0.6234], [0.7315]]
loss: 0.7001
delta2: [[-0.0622], [0.1766], [0.1559], [-0.0671]]
dW2: [[0.0550], [0.0090]]
db2: [[0.2040]]
delta1: [[0.0106, -0.0232], [-0.0229, 0.0556], [-0.0273, 0.0327], [0.0112, -0.0250]]
dW1: [[-0.1070, 0.1630], [-0.0030, -0.0010], [0.0040, -0.0410]]
db1: [[-0.0280, 0.0410]]
W1_new: [[-0.0930, -0.5630], [-0.0970, -1.4990], [0.6960, 0.5410]]
b1_new: [[-0.0720, -0.6410]]
W2_new: [[-0.7550], [1.4910]]
"""


def test_each_share_of_a_bias_gradient_may_have_been_noted_coarser():
    found = report(NOTED_COARSER, SUMS_OF_NOTED)
    assert [q.name for q in found.quantities if q.verdict not in GOOD] == []
    assert found.conventions == {"rounding": "worked to 3 decimals"}
    wrong = report(
        NOTED_COARSER, SUMS_OF_NOTED.replace("0.2040", "0.2060")
    )  # nothing adds up to it
    assert [q.name for q in wrong.quantities if q.verdict == "wrong"] == ["db2"]


SCALED = """
given:
  Q: [[0.92, 0.92], [0.05, -0.64], [-1.34, -0.35]]
  W: [[-0.22, -1.09], [-1.08, 1.2]]
  T: [[0.3, -0.5, -0.1], [0.9, 0.8, 0.7], [-0.2, 0, 0.4]]
equations:
  - K = Q @ W
  - S = Q @ K.T / sqrt(2)
  - A = softmax(S)
  - L = sum(T * A)
loss: L
constants: [T]
parameters: [W]
learning_rate: 0.1
"""


def test_a_product_may_be_worked_before_what_divides_a_factor_of_it():
    """dK = (dSᵀ·Q)/√2, each product noted to three decimals and the sum divided; the spec divides
    dS first. Four decimals are written."""
    q = np.array([[0.92, 0.92], [0.05, -0.64], [-1.34, -0.35]])
    w = np.array([[-0.22, -1.09], [-1.08, 1.2]])
    t = np.array([[0.3, -0.5, -0.1], [0.9, 0.8, 0.7], [-0.2, 0, 0.4]])
    k = np.round(_noted(q, w), 4)
    s = np.round(_noted(q, k.T) / np.sqrt(2), 4)
    a = np.round(np.exp(s) / np.exp(s).sum(axis=1, keepdims=True), 4)
    ds = np.round(a * (t - (t * a).sum(axis=1, keepdims=True)), 4)
    dk = np.round(_noted(ds.T, q) / np.sqrt(2), 4)
    dw = np.round(_noted(q.T, dk), 4)
    values = {"K": k, "S": s, "A": a, "dS": ds, "dK": dk, "dW": dw, "W_new": w - 0.1 * dw}
    sheet = "".join(
        f"{id}: {listed([[f'{x:.4f}' for x in row] for row in value.tolist()])}\n"
        for id, value in values.items()
    )
    found = report(SCALED, sheet)
    assert [q.name for q in found.quantities if q.verdict not in GOOD] == []


def _noted(x, y):
    return np.round(x[:, :, None] * y[None], 3).sum(axis=1)
