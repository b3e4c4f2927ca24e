"""Every mistake of the catalogue, worked once by hand and named at its place."""

import numpy as np
import pytest

from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.notation.symbols import IDS
from backtrace.notation.text import sentence_text
from tests.check.test_equations import WRONG
from tests.check.typed import named, quantity, report

# Two samples through a square network, so that every wrong product has a shape that fits:
#   product1 = X·W1 = [1+4 8 / 3-2 -4] = [5 8 / 1 -4]      z1 = [6 7 / 2 -5]   a1 = [6 7 / 2 0]
#   product2 = a1·W2 = [12-7 6+21 / 4 2] = [5 27 / 4 2]    z2 = [7 28 / 6 3] = a2
#   error = [2 1 / -1 3]     loss_terms = ½e² = [2 0.5 / 0.5 4.5]     loss = 7.5 / 2 = 3.75
#   da2 = delta2 = e / 2 = [1 0.5 / -0.5 1.5]
#   dW2 = a1ᵀ·delta2 = [6-1 3+3 / 7 3.5] = [5 6 / 7 3.5]   db2 = [0.5 2]
#   da1 = delta2·W2ᵀ = [2+0.5 -1+1.5 / -1+1.5 0.5+4.5] = [2.5 0.5 / 0.5 5]
#   g1 = [1 1 / 1 0]         delta1 = [2.5 0.5 / 0.5 0]
#   W2_new = W2 - 0.1 dW2 = [1.5 0.4 / -1.7 2.65]
SQUARE = """
layers:
  - {activation: relu, weights: [[1, 0], [2, 4]], bias: [1, -1]}
  - {activation: linear, weights: [[2, 1], [-1, 3]], bias: [2, 1]}
inputs: [[1, 2], [3, -1]]
targets: [[5, 27], [7, 0]]
loss: half_mse
learning_rate: 0.1
"""
UPDATED = SQUARE + "backpropagate_through: updated\n"
CLIPPED = SQUARE + "clip: {value: 4}\n"  # dW2 = [4 4 / 4 3.5] is used
PENALISED = SQUARE + "regularization: {l2: 0.1}\n"  # half_lambda: λW is added to dW
# z = [0.5 1.0], σ(0.5) = 0.6225, σ(1) = 0.7311
BINARY = """
layers: [{activation: sigmoid, weights: [[0.5]], bias: none}]
inputs: [[1], [2]]
targets: [[1], [0]]
loss: binary_cross_entropy
"""
# z1 = [1-4+1 -2+8-1 / 3+2+1 -6-4-1] = [-2 5 / 6 -11], da1 = [1 2 / 3 4]: dalpha1 = [-2 -44]
SLOPED = """
layers: [{activation: {name: prelu, alpha: [0.5, 0.3]}, weights: [[1, -2], [-2, 4]], bias: [1, -1]}]
inputs: [[1, 2], [3, -1]]
loss: {upstream: [[1, 2], [3, 4]]}
"""
# z = [0.5 1.5], e = [-0.5 -0.5]
PAIRED = """
layers: [{activation: linear, weights: [[0.5]], bias: none}]
inputs: [[1], [3]]
targets: [[1], [2]]
loss: mse
"""
# z = X, half of it off
HALF_OFF = """
layers: [{activation: relu, weights: [[1, 0], [0, 1]], bias: none}]
inputs: [[1, -2], [3, 1]]
loss: {upstream: [[-1, 2], [2, -3]]}
"""
SQUARED_SOFTMAX = """
layers: [{activation: softmax, weights: [[1, 0], [0, 1]], bias: none}]
inputs: [[0.5, 0]]
targets: [[1, 0]]
loss: sse
"""
# z = 1 - 2 + 0.5, e = -0.8, dW = 2e·x = [-1.6 -3.2]: m̂/√v̂ = -1
FIRST_ADAM = """
layers: [{activation: linear, weights: [[1], [-1]], bias: 0.5}]
inputs: [[1, 2]]
targets: [[0.3]]
loss: mse
optimizer: {name: adam, learning_rate: 0.1}
"""
# The bundled softmax: z2 = [1 2 0.5 / 1.5 0 -1]; e^z = [2.7183 7.3891 1.6487 / 4.4817 1 0.3679],
# sums 11.7561 and 5.8496.
SOFTMAX_A2 = "a2: [[0.2312, 0.6285, 0.1402], [0.7662, 0.1710, 0.0629]]\n"
OR_A1 = "a1: [[0.574, 0.668, 0.622, 0.711], [0.622, 0.731, 0.690, 0.786]]\n"
OR_A2 = "a2: [0.7509, 0.7696, 0.7619, 0.7783]\n"
OR_DA2 = OR_A2 + "da2: [0.7509, -0.2304, -0.2381, -0.2217]\n"

ALONE = {
    # a2 - y, without a2(1 - a2)
    "activation-derivative-omitted": (
        "or-gate", OR_DA2 + "delta2: [0.7509, -0.2304, -0.2381, -0.2217]", "delta2"),
    # da1 also where z1 = -1.3
    "relu-mask-ignored": (
        "mlp-math", "z1: [3.7, -1.3, 1.1]\nda1: [1.7, -3.4, 0.85]\ndelta1: [1.7, -3.4, 0.85]",
        "delta1"),
    # σ(0.7509) = 0.6794, 0.6794 · 0.3206 = 0.2178; σ(0.7696) = 0.6834, · 0.3166 = 0.2164;
    # σ(0.7619) = 0.6818, · 0.3182 = 0.2170; σ(0.7783) = 0.6853, · 0.3147 = 0.2157
    "derivative-at-activation": (
        "or-gate", OR_A2 + "g2: [0.2178, 0.2164, 0.2170, 0.2157]", "g2"),
    "derivative-incomplete": (  # 1 - a2
        "or-gate", OR_A2 + "g2: [0.2491, 0.2304, 0.2381, 0.2217]", "g2"),
    # 0.3 · 0.7 = 0.21, 0.7 · 0.3, 0.5 · 0.5, 0.9 · 0.1 / 0.25, 1 · 0, 0.8 · 0.2, 1.3 · -0.3
    "preactivation-in-derivative": (
        "or-gate", OR_A1 + "g1: [[0.21, 0.21, 0.25, 0.09], [0.25, 0.00, 0.16, -0.39]]", "g1"),
    # z1 = 0.3, 0.7, 0.5, 0.9 / 0.5, 1, 0.8, 1.3 times a1(1 - a1) = 0.2445, 0.2217, 0.2350, 0.2055
    # / 0.2350, 0.1966, 0.2139, 0.1683
    "z-times-slope": (
        "or-gate",
        OR_A1 + "g1: [[0.073, 0.155, 0.118, 0.185], [0.118, 0.197, 0.171, 0.219]]", "g1"),
    # (a - y)/2 = [0.1156 -0.1857 0.0701 / 0.3831 0.0855 -0.4686] times
    # a(1 - a) = [0.1778 0.2335 0.1206 / 0.1792 0.1417 0.0589]
    "derivative-not-cancelled": (
        "softmax", SOFTMAX_A2 + "delta2: [[0.0206, -0.0434, 0.0085], [0.0686, 0.0121, -0.0276]]",
        "delta2"),
    # ½(0.5638 + 0.0531 + 0.0567 + 0.0491) = 0.3614 instead of a quarter of it
    "mean-omitted": ("or-gate", OR_A2 + "loss: 0.3614", "loss"),
    # delta2 = [0.1405 -0.0409 -0.0432 -0.0382]: here its 1/4 belongs into the gradients
    "mean-twice": (
        "or-gate", OR_A2 + "delta2: [0.0351, -0.0102, -0.0108, -0.0096]", "delta2"),
    # (-ln 0.62853 - ln 0.06289) / 2 = (0.4644 + 2.7664) / 2 = 1.6154, and over 3 outputs 0.5385
    "mean-over-outputs": ("softmax", SOFTMAX_A2 + "loss: 0.5385", "loss"),
    "half-factor": (SQUARE, "loss_terms: [[4.00, 1.00], [1.00, 9.00]]", "loss_terms"),
    "sign-flipped": (SQUARE, "error: [[-2.00, -1.00], [1.00, -3.00]]", "error"),
    # delta2·W2 = [2-0.5 1+1.5 / -1-1.5 -0.5+4.5]
    "weights-not-transposed": (SQUARE, "da1: [[1.50, 2.50], [-2.50, 4.00]]", "da1"),
    "transposed": (SQUARE, "product1: [[5.00, 1.00], [8.00, -4.00]]", "product1"),
    # delta2·W2_newᵀ = [1.5+0.2 -1.7+1.325 / -0.75+0.6 0.85+3.975]
    "updated-weights-used": (SQUARE, "da1: [[1.700, -0.375], [-0.150, 4.825]]", "da1"),
    "old-weights-used": (UPDATED, "da1: [[2.500, 0.500], [0.500, 5.000]]", "da1"),
    # delta2·W1ᵀ = [1 2+2 / -0.5 -1+6]
    "wrong-layer": (SQUARE, "da1: [[1.00, 4.00], [-0.50, 5.00]]", "da1"),
    # da1·g1 = [2.5+0.5 2.5 / 0.5+5 0.5]
    "matrix-product-for-hadamard": (
        SQUARE, "delta1: [[3.00, 2.50], [5.50, 0.50]]", "delta1"),
    "hadamard-for-matrix-product": (  # X ⊙ W1
        SQUARE, "product1: [[1.00, 0.00], [6.00, -4.00]]", "product1"),
    "bias-omitted": (SQUARE, "z1: [[5.00, 8.00], [1.00, -4.00]]", "z1"),
    # da1 + b1 = [2.5+1 0.5-1 / 0.5+1 5-1]
    "bias-in-backward": (SQUARE, "da1: [[3.50, -0.50], [1.50, 4.00]]", "da1"),
    "activation-omitted": (SQUARE, "a1: [[6.00, 7.00], [2.00, -5.00]]", "a1"),
    # tanh of 0.3, 0.7, 0.5, 0.9 / 0.5, 1, 0.8, 1.3
    "wrong-activation": (
        "or-gate",
        "a1: [[0.2913, 0.6044, 0.4621, 0.7163], [0.4621, 0.7616, 0.6640, 0.8617]]", "a1"),
    # z1·W2 = [5 27 / 4+5 2-15]
    "preactivation-for-activation": (
        SQUARE, "a1: [[6, 7], [2, 0]]\nproduct2: [[5.00, 27.00], [9.00, -13.00]]", "product2"),
    "batch-not-summed": (  # the first sample's delta2
        SQUARE, "delta2: [[1.00, 0.50], [-0.50, 1.50]]\ndb2: [1.00, 0.50]", "db2"),
    # W2 - dW2 = [2-5 1-6 / -1-7 3-3.5]
    "learning-rate-omitted": (SQUARE, "W2_new: [[-3.00, -5.00], [-8.00, -0.50]]", "W2_new"),
    # W2 + 0.1 dW2
    "ascent-for-descent": (
        SQUARE, "dW2: [[5, 6], [7, 3.5]]\nW2_new: [[2.50, 1.60], [-0.30, 3.35]]", "W2_new"),
    # W2 - 0.01 dW2
    "rate-misread": (
        SQUARE, "dW2: [[5, 6], [7, 3.5]]\nW2_new: [[1.950, 0.940], [-1.070, 2.965]]", "W2_new"),
    "update-omitted": (SQUARE, "b2_new: [2.00, 1.00]", "b2_new"),
    "old-value-dropped": (SQUARE, "W2_new: [[-0.50, -0.60], [-0.70, -0.35]]", "W2_new"),
    # Second update: z = [0.9-1+0.6 2.7+0.5+0.6] = [0.5 3.8], e = [-1 0.3],
    # dW = Xᵀe = [-1+0.9 -2-0.3] = [-0.1 -2.3]; v = 0.5 [1 -5] + dW = [0.4 -4.8]
    "velocity-omitted": ("momentum", "vW1@2: [[-0.100], [-2.300]]", "vW1@2.1"),
    # z = [-0.5 4.5], e = [-2 1], dW = [-2+3 -4-1] = [1 -5]; m = 0.1 dW, and m̂ = m / 0.1
    "bias-correction-omitted": ("adam", "mhatW1: [[0.100], [-0.500]]", "mhatW1"),
    "square-omitted": (SQUARE, "loss_terms: [[1.00, 0.50], [0.50, 1.50]]", "loss_terms"),
    # -log₁₀ 0.62853 = 0.2017, -log₁₀ 0.06289 = 1.2014
    "wrong-log-base": (
        "softmax", SOFTMAX_A2 + "loss_terms: [[0, 0.2017, 0], [0, 0, 1.2014]]", "loss_terms"),
    # 0.3775²/2, 0.7311²/2
    "wrong-loss": (BINARY, "loss_terms: [[0.0713], [0.2673]]", "loss_terms"),
    # -ln 0.6225 = 0.4741, and 0 for the second, y = 0, where -ln 0.2689 = 1.3133 belongs
    "complement-omitted": (BINARY, "loss_terms: [[0.4741], [0.0000]]", "loss_terms"),
    # [0.5 1.5] less 1 and less 2
    "broadcast-over-samples": (
        PAIRED, "a1: [[0.50], [1.50]]\nerror: [[-0.50, -1.50], [0.50, -0.50]]", "error"),
    # e^1 / (e^1 + e^1.5) = 0.3775, e^2 / (e^2 + 1) = 0.8808, e^0.5 / (e^0.5 + e^-1) = 0.8176
    "softmax-wrong-axis": (
        "softmax", "a2: [[0.3775, 0.8808, 0.8176], [0.6225, 0.1192, 0.1824]]", "a2"),
    # W2 - 0.1 [5 6 / 7 3.5]
    "clip-omitted": (
        CLIPPED, "dW2: [[5, 6], [7, 3.5]]\nW2_new: [[1.50, 0.40], [-1.70, 2.65]]", "W2_new"),
    "penalty-omitted": (PENALISED, "dW2: [[5.000, 6.000], [7.000, 3.500]]", "dW2"),
    # [5 6 / 7 3.5] + 0.1 [4 1 / 1 9]
    "penalty-misderived": (PENALISED, "dW2: [[5.400, 6.100], [7.100, 4.400]]", "dW2"),
    # [0.5 2] + 0.1 [2 1]
    "penalty-on-bias": (PENALISED, "db2: [0.700, 2.100]", "db2"),
    # X[1,2] = 2 read as 3: [1+6 12]
    "given-misread": (SQUARE, "product1: [[7.00, 12.00], [1.00, -4.00]]", "product1"),
    # The sums of delta2's rows, for both units: 1 + 0.5, -0.5 + 1.5
    "weights-omitted-going-back": (SQUARE, "da1: [[1.50, 1.50], [1.00, 1.00]]", "da1"),
    # a2·W2ᵀ = [14+28 -7+84 / 12+3 -6+9]
    "value-for-error": (SQUARE, "da1: [[42.0, 77.0], [15.0, 3.0]]", "da1"),
    # delta2 = [1 0.5 / -0.5 1.5], by rows
    "summed-wrong-axis": (
        SQUARE, "delta2: [[1.00, 0.50], [-0.50, 1.50]]\ndb2: [1.50, 1.00]", "db2"),
    # dW2 = [5 6 / 7 3.5]
    "entries-exchanged": (SQUARE, "dW2: [[7.00, 3.50], [5.00, 6.00]]", "dW2"),
    "sign-slip": (SQUARE, "dW2: [[5.00, -6.00], [-7.00, 3.50]]", "dW2"),
    "point-moved": (SQUARE, "dW2: [[5.00, 6.00], [7.00, 35.0]]", "dW2"),
    "digits-swapped": (SQUARE, "dW2: [[5.00, 6.00], [7.00, 3.05]]", "dW2"),
    # a1[2,3] = 0.68997
    "cut-off": (
        "or-gate", "a1: [[0.574, 0.668, 0.622, 0.711], [0.622, 0.731, 0.689, 0.786]]", "a1"),
    "copied-wrong": (SQUARE, "dW2: [[5.00, 6.00], [7.00, 3.60]]", "dW2"),
    # [-2+18 10-44]
    "positive-units-counted": (SLOPED, "dalpha1: [16.0, -34.0]", "dalpha1"),
    # delta1 = [0.5 2 / 3 1.2]: 0.5·(-2), 1.2·(-11)
    "slope-twice": (SLOPED, "dalpha1: [-1.0, -13.2]", "dalpha1"),
    # max(0, da), where da = [-1 2 / 2 -3] and z = [1 -2 / 3 1]
    "mask-of-gradient": (HALF_OFF, "delta1: [[0, 2], [2, 0]]", "delta1"),
    "upstream-omitted": (
        "or-gate", OR_A2 + "g2: [0.1870, 0.1773, 0.1814, 0.1725]\n"
        "delta2: [0.1870, 0.1773, 0.1814, 0.1725]", "delta2"),
    # 1 + 0.5 - 0.5 + 1.5
    "summed-as-a-whole": (
        SQUARE, "delta2: [[1.00, 0.50], [-0.50, 1.50]]\ndb2: [2.50, 2.50]", "db2"),
    # 2X + 0.5 with the first W = [1 -1]: z = [-0.5 4.5] once more
    "first-weights-kept": (
        "momentum", "W1_new: [0.9, -0.5]\nb1_new: 0.6\nz1@2: [[-0.50], [4.50]]", "z1@2.1"),
    # v = 0.5·0 - 0.1 [1 -5]
    "velocity-form": ("momentum", "dW1: [[1], [-5]]\nvW1: [[-0.10], [0.50]]", "vW1"),
    # v = 0.999 g² with g = [1 -5]
    "average-shares": ("adam", "dW1: [[1], [-5]]\nvW1: [[0.999], [24.975]]", "vW1"),
    # m = [0.1 -0.5], over 1 - 0.9² = 0.19
    "correction-of-another-step": (
        "adam", "mW1: [[0.100], [-0.500]]\nmhatW1: [[0.5263], [-2.6316]]", "mhatW1"),
    # dW = -[1.6 3.2], m̂ = dW, v̂ = dW² = [2.56 10.24]: -0.1·m̂/v̂ = 0.1/1.6 and 0.1/3.2
    "root-omitted": (FIRST_ADAM, "step_W1: [[0.0625], [0.0313]]", "step_W1"),
    "arithmetic-slip": (SQUARE, "loss_terms: [[2.00, 0.50], [0.73, 4.50]]", "loss_terms"),
}  # fmt: skip


def said(explanation):
    """What a mistake adds to its name, with ids in place of symbols."""
    return sentence_text(explanation.detail, IDS)


def test_every_code_has_its_example():
    """Two lines exchanged are two wrong ones: they have a test of their own."""
    assert {*ALONE, *WRONG, "lines-exchanged"} == {*CATALOGUE}


@pytest.mark.parametrize("code", ALONE)
def test_the_mistake_is_named_alone_and_in_its_place(code):
    spec, sheet, name = ALONE[code]
    found = report(spec, sheet)
    wrong = [q for q in found.quantities if q.verdict in ("wrong", "malformed")]
    assert [(q.name, q.mistakes) for q in wrong] == [(name, (code,))]
    assert found.first_mistake.name == name


DETAILED = [
    # 1 - σ(z1) of 0.3, 0.7, 0.5, 0.9 / 0.5, 1, 0.8, 1.3
    ("or-gate",
     "a1: [[0.4256, 0.3318, 0.3775, 0.2891], [0.3775, 0.2689, 0.3100, 0.2142]]",
     "a1", "wrong-activation", "σ(−z)"),
    # X·delta1 = [2.5+1 0.5 / 7.5-0.5 1.5]
    (SQUARE, "delta1: [[2.5, 0.5], [0.5, 0]]\ndW1: [[3.50, 0.50], [7.00, 1.50]]", "dW1",
     "weights-not-transposed", ""),
    # (ŷ - y)/(ŷ(1 - ŷ)) halved is the gradient; ŷ - y is that of half the squares
    (BINARY + "output_delta: chain\n", "da1: [[-0.1888], [0.3655]]", "da1", "wrong-loss",
     "half the sum of squared errors"),
    # delta2[1,1] = 1 taken for -1: [-6-1 6 / -7 3.5]
    (SQUARE, "delta2: [[1.00, 0.50], [-0.50, 1.50]]\ndW2: [[-7.00, 6.00], [-7.00, 3.50]]", "dW2",
     "copied-wrong", "delta2[1,1] read as -1"),
    # loss_terms = [2 0.5 / 0.5 4.5] for delta2: a1ᵀ·loss_terms = [12+1 3+9 / 14 3.5]
    (SQUARE, "loss_terms: [[2, 0.5], [0.5, 4.5]]\ndW2: [[13.00, 12.00], [14.00, 3.50]]", "dW2",
     "value-for-error", "loss_terms"),
    # a = σ(±0.5) = [0.6225 0.3775], a for da: aᵢ(aᵢ − Σa²), Σa² = 0.3875 + 0.1425 = 0.53, and
    # 0.6225 · 0.0925 = 0.0576; 2(a − y) = ∓0.7551 belongs there
    (SQUARED_SOFTMAX, "a1: [0.6225, 0.3775]\nda1: [-0.7551, 0.7551]\ndelta1: [0.0576, -0.0576]",
     "delta1", "value-for-error", "a1"),
    # delta2 as it stands, a2 and z1
    (SQUARE, "delta2: [[1.00, 0.50], [-0.50, 1.50]]\nda1: [[1.00, 0.50], [-0.50, 1.50]]", "da1",
     "weights-omitted-going-back", ""),
    (SQUARE, "delta2: [[7.00, 28.00], [6.00, 3.00]]", "delta2", "value-for-error", "a2"),
    (SQUARE, "da1: [[6.00, 7.00], [2.00, -5.00]]", "da1", "value-for-error", "z1"),
    # W2 - 0.1 dW2 = [1.5 0.4 / -1.7 2.65]
    (SQUARE, "dW2: [[5, 6], [7, 3.5]]\nW2_new: [[-1.50, -0.40], [1.70, -2.65]]", "W2_new",
     "sign-flipped", ""),
    # The columns of the targets exchanged, [27 5 / 0 7]: [7-27 28-5 / 6-0 3-7]
    (SQUARE, "error: [[-20.00, 23.00], [6.00, -4.00]]", "error", "entries-exchanged",
     "columns 1 and 2 of y"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "sheet", "name", "code", "detail"), DETAILED)
def test_what_was_taken_for_what_is_said(spec, sheet, name, code, detail):
    (found,) = quantity(spec, sheet, name).explanations
    assert found.codes == (code,)
    assert said(found) == detail


def test_a_tangent_for_tanh():
    # tan 0.3 = 0.3093, tan 0.7 = 0.8423, tan 1 = 1.5574
    spec = "layers: [{activation: tanh, weights: [[0.3, 0.7, 1]], bias: none}]\ninputs: 1\n"
    spec += "loss: output\n"
    (found,) = quantity(spec, "a1: [0.3093, 0.8423, 1.5574]", "a1").explanations
    assert (found.codes, said(found)) == (("wrong-activation",), "tan")


def test_two_entries_of_a_sigmoid_of_minus_z():
    # σ(0.3) = 0.5744 and σ(-0.7) = 0.3318 where σ(-0.3) = 0.4256, σ(0.7) = 0.6682 belong
    spec = "layers: [{activation: sigmoid, weights: [[-0.3, 0.7]], bias: none}]\ninputs: 1\n"
    spec += "loss: output\n"
    (found,) = quantity(spec, "z1: [-0.3, 0.7]\na1: [0.5744, 0.3318]", "a1").explanations
    assert (found.codes, said(found)) == (("wrong-activation",), "σ(−z)")


def test_twice_the_gradient_of_two_samples_whose_delta_has_the_mean():
    """z = [0.35 -0.65], y = 0: δ = z/2·2/2 = z/2 (half_mse, n = 2), dW = 0.175·0.7 + 0.325·1.3."""
    spec = "layers: [{activation: linear, weights: [[0.5]], bias: none}]\n"
    spec += "inputs: [[0.7], [-1.3]]\ntargets: [[0], [0]]\nloss: half_mse\n"
    spec += "conventions: {mean_in: delta}\n"
    # 0.1225 + 0.4225 = 0.545; twice that is 1.09
    found = quantity(spec, "delta1: [[0.175], [-0.325]]\ndW1: 1.090", "dW1")
    assert (said(found.explanations[0]), found.mistakes) == ("twice the right value",
                                                            ("half-factor",))  # fmt: skip


def test_z_beside_a_slope_that_is_right_as_written():
    """tanh' of 0.5 and -1.2 = [0.7864 0.3050]; [2 3] arrive: δ = 2·0.7864·0.5, 3·0.3050·(-1.2)."""
    spec = "layers: [{activation: tanh, weights: [[0.5, -1.2]], bias: none}]\n"
    spec += "inputs: [[1]]\nloss: {upstream: [[2, 3]]}\n"
    sheet = "z1: [0.5, -1.2]\ng1: [0.7864, 0.3050]\ndelta1: [0.7864, -1.0980]"
    assert quantity(spec, sheet, "delta1").mistakes == ("z-times-slope",)


def test_a_sum_for_each_sample_where_one_for_each_unit_belongs():
    """Three units, two samples: delta1 = da1 = [1 2 4 / 8 16 32] upstream; by samples [7 56]."""
    spec = "layers: [{activation: linear, weights: [[1, 2, 3]], bias: [0, 0, 0]}]\n"
    spec += "inputs: [[1], [2]]\nloss: {upstream: [[1, 2, 4], [8, 16, 32]]}\n"
    assert quantity(spec, "db1: [7.0, 56.0]", "db1").mistakes == ("summed-wrong-axis",)


# Ties, pairs, and lines that were not written


def test_two_ways_to_the_same_numbers_are_a_tie():
    """z1(1 − z1) may be the wrong formula, or the right one with a1 = z1, if a1 is not there. A
    ReLU comes to the same as none, for every z1 is positive: that is the plainer mistake."""
    sheet = "g1: [[0.210, 0.210, 0.250, 0.090], [0.250, 0.000, 0.160, -0.390]]"
    found = quantity("or-gate", sheet, "g1").explanations
    assert {e.mistakes for e in found} == {
        (("preactivation-in-derivative", "g1"),),
        (("activation-omitted", "a1"),),
    }


def test_a_loss_over_every_pair_of_an_output_and_a_target():
    """(0.25 + 2.25 + 0.25 + 0.25)/4 where (0.25 + 0.25)/2 belongs, and the same over 2."""
    for loss in ("0.750", "1.500"):
        found = quantity(PAIRED, f"loss: {loss}", "loss").mistakes
        assert found == ("broadcast-over-samples",)


def test_an_uphill_step_and_a_flipped_gradient_tell_apart_once_the_gradient_is_there():
    sheet = "W2_new: [[2.50, 1.60], [-0.30, 3.35]]"  # W2 + 0.1 dW2
    assert set(quantity(SQUARE, sheet, "W2_new").mistakes) == {
        "ascent-for-descent",
        "sign-flipped",
    }


def test_a_sign_and_a_missing_derivative_at_once():
    # y - a2 instead of (a2 - y) a2(1 - a2)
    sheet = OR_DA2 + "delta2: [-0.7509, 0.2304, 0.2381, 0.2217]"
    found = quantity("or-gate", sheet, "delta2")
    assert found.verdict == "wrong"
    pairs = {frozenset(e.codes) for e in found.explanations}
    assert {"sign-flipped", "activation-derivative-omitted"} in pairs
    assert all("sign-flipped" in pair and len(pair) == 2 for pair in pairs)


def test_the_slope_of_another_activation_in_its_short_formula():
    # 1 - a2² of tanh on a sigmoid: 1 - 0.5638 and so on; tanh's own slope would be 0.36 here.
    found = quantity("or-gate", OR_A2 + "g2: [0.4362, 0.4078, 0.4195, 0.3942]", "g2")
    assert found.mistakes == ("wrong-activation",)


def test_a_missing_bias_and_a_missing_activation_at_once():
    # a1 = X·W1 = [5 8 / 1 -4], written alone
    found = quantity(SQUARE, "a1: [[5.00, 8.00], [1.00, -4.00]]", "a1")
    assert (("activation-omitted", "a1"), ("bias-omitted", "z1")) in {
        e.mistakes for e in found.explanations
    }


def test_two_factors_in_one_number():
    """0.723 = Σe² where Σe²/2n belongs: the half and the 1/4; or a slip, one number can't tell."""
    found = quantity("or-gate", OR_A2 + "loss: 0.7228", "loss")  # 0.5638 + 0.0531 + 0.0567 + 0.0491
    assert {frozenset(e.codes) for e in found.explanations} == {
        frozenset({"half-factor", "mean-omitted"}),
        frozenset({"arithmetic-slip"}),
    }


def test_a_wrong_line_that_was_not_written_shows_at_the_next_one():
    """W1_new alone, worked with delta1 = da1: dW1 = Xᵀ·da1 = [2.5+1.5 0.5+15 / 5-0.5 1-5]
    = [4 15.5 / 4.5 -4]; W1 - 0.1 dW1 = [0.6 -1.55 / 1.55 4.4]."""
    found = quantity(SQUARE, "W1_new: [[0.60, -1.55], [1.55, 4.40]]", "W1_new")
    assert found.places("wrong") == [(1, 2), (2, 2)]
    assert found.mistakes == ("relu-mask-ignored",)


def test_a_rule_is_named_also_where_an_unwritten_divisor_would_round_to_nothing():
    """v = 0.001·g² = 0.00256 and 0.01 is 0.00 or 0.01 on scratch paper, and anything over it; but
    W + 0.1·m̂/√v = W + 0.1/√0.001 = W + 3.16 needs no such paper. Another rate would."""
    found = quantity(FIRST_ADAM, "W1_new: [[4.16], [2.16]]", "W1_new")
    assert found.mistakes == ("bias-correction-omitted",)


def test_an_explanation_stands_in_and_nothing_is_charged_twice():
    """X[1,2] read as 3: z1 = [8 11 / 2 -5], a1 = [8 11 / 2 0], z2 = [16-11+2 8+33+1 / 6 3]
    = [7 42 / 6 3], and later dW1 = Xᵀ·delta1 with the 3 again."""
    # e = [2 15 / -1 3], delta2 = [1 7.5 / -0.5 1.5], da1 = [2+7.5 -1+22.5 / 0.5 5]
    # delta1 = [9.5 21.5 / 0.5 0]; dW1 = [9.5+1.5 21.5 / 28.5-0.5 64.5]
    sheet = """
    product1: [[7.00, 12.00], [1.00, -4.00]]
    z1: [[8, 11], [2, -5]]
    z2: [[7, 42], [6, 3]]
    delta1: [[9.50, 21.50], [0.50, 0.00]]
    dW1: [[11.00, 21.50], [28.00, 64.50]]
    """
    found = report(SQUARE, sheet)
    assert [(q.name, q.verdict) for q in found.quantities] == [
        ("product1", "wrong"),
        ("z1", "carried"),
        ("z2", "carried"),  # its first entry, 7, is right by chance
        ("delta1", "carried"),
        ("dW1", "carried"),
    ]
    assert said(found.quantities[0].explanations[0]) == "a0[1,2] read as 3"
    assert {q.root for q in found.quantities[1:]} == {"product1"}


def test_a_misread_target_costs_one_step():
    """y = 2.5 for 3.5: e = 1.85, loss 1.85² = 3.4225, da2 = 3.7, db2 = 3.7 (mlp-math)."""
    sheet = "error: 1.85\nloss: 3.4225\nda2: 3.70\ndelta2: 3.70\ndb2: 3.70"
    found = report("mlp-math", sheet)
    assert [q.verdict for q in found.quantities] == ["wrong", *["carried"] * 4]
    assert "given-misread" in found.first_mistake.mistakes
    assert {said(e) for e in found.first_mistake.explanations} >= {"y[1,1] read as 2.5"}


@pytest.mark.parametrize(
    "conventions",
    ["{weights: out_in}", "{layout: columns, weights: in_out}"],
)
def test_the_gradient_of_weights_added_up_for_delta_whatever_way_they_stand(conventions):
    """a1 = [1 2], z2 = [7 0], δ2 = [5 -2]: dW2 = [5 10 / -2 -4] by outputs, and 5 − 2, 10 − 4."""
    turned = "columns" in conventions
    first, second = ([[1, 2]], [[1, 2], [3, -1]]) if turned else ([[1], [2]], [[1, 3], [2, -1]])
    spec = f"""
conventions: {conventions}
layers:
  - {{activation: linear, weights: {first}, bias: none}}
  - {{activation: linear, weights: {second}, bias: none}}
inputs: 1
targets: {[[2], [2]] if turned else [[2, 2]]}
loss: half_sse
"""
    (found,) = quantity(spec, "da1: [3.00, 6.00]", "da1").explanations
    assert (found.codes, said(found)) == (("value-for-error",), "dW2")


def test_a_sheet_that_is_filled_with_one_number_has_no_pair_of_mistakes():
    """a2 is 0.34 everywhere, and a third of it 0.1: that is no output taken for the gradient and
    averaged over three outputs."""
    spec = """
conventions: {layout: columns, mean_in: gradient}
layers:
  - {activation: leaky_relu, weights: [[1.1, 0.9], [-0.3, -0.7]], bias: [0.1, -0.4]}
  - {activation: softmax, weights: [[-0.9, 0.7], [-0.9, 1.2], [-1, 0.1]], bias: none}
inputs: [[-1.6, -0.3], [2.3, 0.8]]
targets: [[0, 0], [1, 0], [0, 1]]
loss: cross_entropy
"""
    sheet = "a1: [[0.4100, 0.4900], [-0.0153, -0.0087]]\n"
    sheet += "a2: [[0.3377, 0.3387], [0.3351, 0.3372], [0.3271, 0.3241]]\n"
    sheet += "delta2: [[0.1, 0.1], [0.1, 0.1], [0.1, 0.1]]\n"
    assert quantity(spec, sheet, "delta2").mistakes == ()


def test_the_negative_of_a_whole_line():
    """z1 = [6 7 / 2 -5]; W + step = [1.1 -0.9]; the step itself, negative, goes uphill."""
    assert named(SQUARE, "z1: [[-6, -7], [-2, 5]]") == [("z1", {"sign-flipped"})]
    assert named(FIRST_ADAM, "W1_new: [[-1.100], [0.900]]") == [("W1_new", {"sign-flipped"})]
    found = named(FIRST_ADAM, "mhatW1: [[-1.6], [-3.2]]\nstep_W1: [[-0.100], [-0.100]]")
    assert found == [("step_W1", {"ascent-for-descent"})]


def test_an_output_without_its_single_target_is_copied_or_that_target_is_read_as_0():
    """a = σ(±0.5) = [0.6225 0.3775], y = [1 0]. Of y = [1 1] two would be misread: σ(0) = 0.5."""
    spec = SQUARED_SOFTMAX.replace("sse", "cross_entropy")
    found = quantity(spec, "delta1: [0.6225, 0.3775]", "delta1").explanations
    assert [e.codes for e in found] == [("value-for-error",), ("given-misread",)]
    assert [said(each) for each in found] == ["a1", "y[1,1] read as 0"]
    spec = spec.replace("softmax", "sigmoid").replace("targets: [[1, 0]]", "targets: [[1, 1]]")
    spec = spec.replace("cross_entropy", "binary_cross_entropy")
    (found,) = quantity(spec, "delta1: [0.6225, 0.5000]", "delta1").explanations
    assert (found.codes, said(found)) == (("value-for-error",), "a1")


def test_a_number_misread_that_turns_a_unit_on():
    """x = 2 read as 8: a = [8−5 8] for [0 2]; of the unit that was off no slope leads there."""
    spec = "layers: [{activation: relu, weights: [[1, 1]], bias: [-5, 0]}]\ninputs: 2\n"
    (found,) = quantity(spec + "loss: output\n", "a1: [3.00, 8.00]", "a1").explanations
    assert (found.codes, said(found)) == (("given-misread",), "a0[1,1] read as 8")


def test_a_bias_gradient_left_a_line_per_sample():
    found = quantity("or-gate", "delta1: [[0.0137, -0.0036, -0.0041, -0.0031],"
                     " [0.0198, -0.0048, -0.0055, -0.0039]]\n"
                     "db1: [[0.0137, -0.0036, -0.0041, -0.0031],"
                     " [0.0198, -0.0048, -0.0055, -0.0039]]", "db1")  # fmt: skip
    assert (found.verdict, found.mistakes) == ("wrong", ("batch-not-summed",))


# A published figure made with updated output weights

# The well-known example with two inputs, two hidden and two output units and one shared bias a
# layer, which stay as they are. Its published figures are worked with the old weights.
PUBLISHED = """
layers:
  - {activation: sigmoid, weights: [[0.15, 0.25], [0.20, 0.30]], bias: {shared: 0.35}}
  - {activation: sigmoid, weights: [[0.40, 0.50], [0.45, 0.55]], bias: {shared: 0.60}}
inputs: [[0.05, 0.10]]
targets: [[0.01, 0.99]]
loss: half_sse
learning_rate: 0.5
freeze: [b1, b2]
"""
FIGURES = """
a1: [[0.593269992, 0.596884378]]
a2: [[0.75136507, 0.772928465]]
loss: 0.298371109
delta2: [[0.138498562, -0.0380982365]]
W2_new: [[0.35891648, 0.51130127], [0.408666186, 0.561370121]]
"""
WITH_OLD = "W1_new: [[0.149780716, 0.24975114], [0.19956143, 0.29950229]]\n"
# The same with 0.35891648, 0.51130127, 0.408666186, 0.561370121 in the place of 0.4, 0.5, 0.45,
# 0.55: da1 = [0.138498562 · 0.35891648 - 0.038098236 · 0.51130127,
#              0.138498562 · 0.408666186 - 0.038098236 · 0.561370121]
#           = [0.04970942 - 0.01947968, 0.05659968 - 0.02138721] = [0.03022974, 0.03521247]
# delta1 = da1 ⊙ [0.24130071, 0.24061342] = [0.00729446, 0.00847259]
# W1_new = W1 - 0.5 [0.05 delta1 / 0.10 delta1]
#        = [0.15 - 0.00018236, 0.25 - 0.00021181 / 0.20 - 0.00036472, 0.30 - 0.00042363]
UPDATED_DA1 = "da1: [[0.0302297, 0.0352125]]\n"
WITH_UPDATED = "W1_new: [[0.149818, 0.249788], [0.199635, 0.299576]]\n"


def test_the_published_figures_are_right():
    found = report(PUBLISHED, FIGURES + WITH_OLD)
    assert {q.name: q.verdict for q in found.quantities} == dict.fromkeys(
        ("a1", "a2", "loss", "delta2", "W1_new", "W2_new"), "right"
    )


def test_figures_made_with_updated_output_weights_are_recognised_as_exactly_that():
    found = report(PUBLISHED, FIGURES + UPDATED_DA1 + WITH_UPDATED)
    wrong = {q.name: q.mistakes for q in found.quantities if q.explanations}
    assert wrong == {"da1": ("updated-weights-used",)}
    assert quantity(PUBLISHED, FIGURES + UPDATED_DA1 + WITH_UPDATED, "W1_new").verdict == "carried"


def test_they_are_recognised_by_the_final_weights_alone():
    found = report(PUBLISHED, FIGURES + WITH_UPDATED)
    wrong = {q.name: [e.mistakes for e in q.explanations] for q in found.quantities
             if q.verdict == "wrong"}  # fmt: skip
    assert wrong == {"W1_new": [(("updated-weights-used", "da1"),)]}


def test_a_course_that_works_so_has_a_key_that_says_so():
    spec = PUBLISHED + "backpropagate_through: updated\n"
    found = report(spec, FIGURES + UPDATED_DA1 + WITH_UPDATED)
    assert {q.verdict for q in found.quantities} == {"right"}
    old = report(spec, FIGURES + WITH_OLD)
    assert [(q.name, q.mistakes) for q in old.quantities if q.verdict == "wrong"] == [
        ("W1_new", ("old-weights-used",))
    ]


def test_the_gradient_of_the_loss_averaged_over_the_outputs():
    # z = [1 2 4], e = [0.6 1.5 3], da = 2e = [1.2 3 6], and over 3 outputs [0.4 1 2]
    spec = """
layers: [{activation: linear, weights: [[1, 0, 2], [0, 1, 1]], bias: none}]
inputs: [[1, 2]]
targets: [[0.4, 0.5, 1]]
loss: mse
"""
    assert named(spec, "da1: [0.400, 1.000, 2.000]") == [("da1", {"mean-over-outputs"})]


# W = 0.5, x = y = [1 2 2]: e = [-0.5 -1 -1], the loss 2.25/3; dW = -9/3, W_new = 0.8;
# then e = [-0.2 -0.4 -0.4], and the loss 0.36/3.
TWICE = """
layers: [{activation: linear, weights: 0.5, bias: none}]
inputs: [[1], [2], [2]]
targets: [[1], [2], [2]]
loss: mse
learning_rate: 0.1
"""


def test_a_loss_worked_by_a_wrong_rule_is_worked_so_again_after_the_update():
    found = report(TWICE, "loss: 2.250\nloss_after: 0.3600")
    assert [(q.name, q.verdict, q.mistakes, q.root) for q in found.quantities] == [
        ("loss", "wrong", ("mean-omitted",), None),
        ("loss_after", "carried", (), "loss"),
    ]


def test_the_loss_after_the_update_has_its_own_mistakes():
    sheet = "loss: 0.7500\nloss_after: 0.3600"
    assert quantity(TWICE, sheet, "loss_after").mistakes == ("mean-omitted",)


# One of a dozen activations

# z = 0.61, -0.19, -1.27, of which tanh is 0.544, -0.188, -0.854
TANH = """
layers: [{activation: tanh, weights: [[-0.24], [-0.64]], bias: [-0.23]}]
inputs: [[0.5, -1.5], [0.1, -0.1], [-1, 2]]
targets: [[-1], [-1], [2]]
loss: half_sse
"""
# z = -1.128, 0.194: σ(-1.128) = 0.2445, σ(0.194) = 0.5483
TWO_RELUS = """
layers: [{activation: relu, weights: [[-1.128, 0.194]], bias: none}]
inputs: [[1]]
targets: [[0, 0]]
loss: half_sse
"""
# σ(0.4) = 0.5987, σ′ = 0.2403; a bipolar sigmoid has the slope 2σ′, and η is ½
HALF_RATE = """
layers:
  - {activation: sigmoid, weights: [[0.4, -0.8, 1.1], [-0.6, 0.3, 0.7]], bias: [0.0, 0.1, -0.2]}
  - {activation: linear, weights: [[1.2], [-0.9], [0.5]], bias: 0.3}
inputs: [[1, 2]]
targets: [[1.5]]
loss: half_sse
learning_rate: 0.5
"""


@pytest.mark.parametrize(
    ("spec", "sheet", "said_of"),
    [
        (TANH, "z1: [0.610, -0.190, -1.270]\na1: [0.610, 0.000, 0.000]", "ReLU was used"),
        (TWO_RELUS, "z1: [-1.128, 0.194]\na1: [0.245, 0.548]", "sigmoid was used"),
    ],
)
def test_an_activation_that_every_course_has_is_known_by_two_numbers(spec, sheet, said_of):
    (found,) = quantity(spec, sheet, "a1").explanations
    assert found.codes == ("wrong-activation",)
    assert said(found) == said_of.removesuffix(" was used")


def test_a_far_fetched_activation_hides_no_plain_mistake():
    """W - dW without η = ½, or a 2 too many in the loss: bipolar sigmoids, with their slope twice
    as large, would come to that too."""
    w, b = np.array([[0.4, -0.8, 1.1], [-0.6, 0.3, 0.7]]), np.array([0.0, 0.1, -0.2])
    a = 1 / (1 + np.exp(-([1, 2] @ w + b)))
    v = np.array([1.2, -0.9, 0.5])
    delta = (a @ v + 0.3 - 1.5) * v * a * (1 - a)
    texts = [[f"{x:.4f}" for x in row] for row in w - np.outer([1, 2], delta)]
    new = f"W1_new: {texts}\nb1_new: {[f'{x:.4f}' for x in b - delta]}".replace("'", "")
    found = set(quantity(HALF_RATE, new, "W1_new").mistakes)
    assert found
    assert found <= {"learning-rate-omitted", "half-factor"}


def test_a_moved_point_is_seen_beside_zeros():
    """-ln 0.1335 = 2.0137, its point moved and rounded again, beside the 0 of a one-hot row."""
    one_hot = """
layers: [{activation: softmax, weights: [[2.0, 0.13]], bias: none}]
inputs: [[1]]
targets: [[0, 1]]
loss: cross_entropy
"""
    sheet = "a1: [0.8665, 0.1335]\nloss_terms: [0.0000, 0.2014]"
    assert "point-moved" in quantity(one_hot, sheet, "loss_terms").mistakes


def test_biases_left_as_they_were_are_one_mistake_where_the_weights_were_updated():
    """z1 = x = 2, z2 = a2 = 2·3 + 1 = 7, y = 6: δ2 = 1, δ1 = 3, dW2 = 2, dW1 = 6; the new biases
    are 0 − 0.3 and 1 − 0.1. Who copies weights as well has not worked anything."""
    spec = "layers:\n- {activation: linear, weights: 1, bias: 0}\n"
    spec += "- {activation: linear, weights: 3, bias: 1}\n"
    spec += "inputs: 2\ntargets: 6\nloss: half_sse\nlearning_rate: 0.1\n"
    sheet = "delta2: 1.00\ndelta1: 3.00\nb1_new: 0.00\nb2_new: 1.00\n"
    updated = report(spec, sheet + "W1_new: 0.40\nW2_new: 2.80\n")
    assert (updated.score.points, updated.score.of) == (5, 6)
    assert [q.repeated for q in updated.quantities if q.verdict == "wrong"] == [None, "b1_new"]
    copied = report(spec, sheet + "W1_new: 1.00\nW2_new: 2.80\n")
    assert (copied.score.points, copied.score.of) == (3, 6)
