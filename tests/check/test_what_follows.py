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


@pytest.mark.parametrize(
    ("spec", "sheet", "place", "code", "rounding"),
    [
        (OVER_SAMPLES, CUT_OFF, "a1", "softmax-wrong-axis", "cut off"),
        (MANY_INPUTS, MISREAD, "loss", "given-misread", None),
        (TURNS_BACK, READ_AS_7, "z2", "given-misread", None),
        (DECAY, TWICE, "W1_new", "half-factor", None),
    ],
)
def test_one_mistake_is_one_accusation(spec, sheet, place, code, rounding):
    found = report(spec, sheet)
    accused = [(q.name, q.mistakes) for q in found.quantities if q.verdict in ACCUSED]
    assert accused == [(place, (code,))]
    assert (found.conventions or {}).get("rounding") == rounding
