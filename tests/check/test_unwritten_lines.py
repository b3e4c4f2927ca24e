"""Only the new weights are written: whoever rounds the lines and parts before them keeps all marks.

The person works with NumPy alone, on the exercise of ``asked/tanh-sigmoid.spec.yaml`` and on one
with ReLUs and averages of three samples, and rounds each line, and each kind of partial result, to
three decimals, to four or not at all.
"""

import numpy as np
import pytest

from backtrace.check.judge.checker import Checker
from tests.check.test_asked import FOLDER
from tests.check.typed import answers_of, listed, marks, report, spec_of

DECIMALS = 3
RELU = """
conventions: {layout: columns}
layers:
  - {activation: relu, weights: [[0.4, -0.7], [-0.6, 0.9]], bias: [0.3, 0.1]}
  - {activation: linear, weights: [[1.1, -0.8]], bias: [0.2]}
inputs: [[0.7, -1.3, 1.9], [0.35, 0.85, -0.45]]
targets: [[0.6, -0.4, 1.2]]
loss: mse
learning_rate: 0.1
"""
W1 = np.array([[0.2, -0.4, 0.1], [0.7, 0.3, -0.6], [-0.5, 0.9, 0.4]])
B1 = np.array([[0.1], [-0.2], [0.05]])
W2, B2 = np.array([[0.6, -0.3, 0.8], [-0.7, 0.5, 0.2]]), np.array([[0.1], [-0.1]])
X, Y = np.array([[0.5, -1], [1, 0.2], [-0.5, 0.8]]), np.array([[1.0, 0], [0, 1]])


def rounded(x, decimals):
    """Half up, away from 0; not at all for None."""
    if decimals is None:
        return x
    return np.sign(x) * np.floor(np.abs(x) * 10.0**decimals + 0.5 + 1e-9) / 10.0**decimals


class Person:
    """``lines`` and ``parts`` are the decimals that each may have, drawn anew each time."""

    def __init__(self, seed, lines, parts):
        self.random, self.lines, self.parts = np.random.default_rng(seed), lines, parts

    def pick(self, decimals):
        return decimals[self.random.integers(len(decimals))]

    def line(self, x):
        return rounded(x, self.pick(self.lines))

    def part(self, x):
        return rounded(x, self.pick(self.parts))

    def product(self, a, b):
        return self.line(self.part(a[:, :, None] * b[None]).sum(axis=1))

    def tanh(self, z):
        if self.random.random() < 0.5:
            return self.line(np.tanh(z))
        power = self.part(np.exp(2 * z))
        return self.line((power - 1) / (power + 1))

    def updated(self, rate, *pairs):
        new = [w - self.part(rate * gradient) for w, gradient in pairs]
        return [rounded(w, DECIMALS) for w in new]

    def tanh_sigmoid(self):
        """J = ½·Σ(a − y)²/2: dz₂ = (a₂ − y)/2 · a₂(1 − a₂)."""
        a1 = self.tanh(self.line(self.product(W1, X) + B1))
        a2 = self.line(1 / (1 + self.part(np.exp(-self.line(self.product(W2, a1) + B2)))))
        da2 = self.line(self.line(a2 - Y) / 2)
        d2 = self.line(da2 * self.line(a2 * (1 - a2)))
        d1 = self.line(self.product(W2.T, d2) * self.line(1 - self.part(a1 * a1)))
        dw = [self.product(d2, a1.T), self.product(d1, X.T)]
        db = [self.line(d.sum(axis=1, keepdims=True)) for d in (d2, d1)]
        return self.updated(0.5, (W1, dw[1]), (B1, db[1]), (W2, dw[0]), (B2, db[0]))

    def relu(self):
        """L = Σ(a − y)²/3: δ₂ = 2(a₂ − y)/3."""
        w1, b1 = np.array([[0.4, -0.7], [-0.6, 0.9]]), np.array([[0.3], [0.1]])
        w2, b2 = np.array([[1.1, -0.8]]), np.array([[0.2]])
        x, y = np.array([[0.7, -1.3, 1.9], [0.35, 0.85, -0.45]]), np.array([[0.6, -0.4, 1.2]])
        z1 = self.line(self.product(w1, x) + b1)
        a1 = self.line(np.maximum(z1, 0))
        a2 = self.line(self.line(self.product(w2, a1) + b2))
        d2 = self.line(2 * self.line(a2 - y) / 3)
        d1 = self.line(self.product(w2.T, d2) * (z1 > 0))
        dw = [self.product(d2, a1.T), self.product(d1, x.T)]
        db = [self.line(d.sum(axis=1, keepdims=True)) for d in (d2, d1)]
        return self.updated(0.1, (w1, dw[1]), (b1, db[1]), (w2, dw[0]), (b2, db[0]))


SPECS = {"tanh_sigmoid": (FOLDER / "tanh-sigmoid.spec.yaml").read_text(), "relu": RELU}
OWN, FINE = (3, 4, None), (None,)


@pytest.mark.parametrize("work", SPECS)
@pytest.mark.parametrize(("lines", "parts"), [(OWN, OWN), ((3,), (3,)), ((3,), OWN), (FINE, (3,))])
def test_all_who_round_on_the_way_keep_all_marks(work, lines, parts):
    checker = Checker(spec_of(SPECS[work]))
    for seed in range(40):
        matrices = getattr(Person(seed, lines, parts), work)()
        texts = [[[f"{x:.{DECIMALS}f}" for x in row] for row in matrix] for matrix in matrices]
        named = zip(("W1", "b1", "W2", "b2"), texts, strict=True)
        sheet = "\n".join(f"{id}_new: {listed(each)}" for id, each in named)
        found = checker.check(answers_of(checker, sheet))
        assert found.earned == found.possible, (seed, sheet)
        assert not found.conventions, (seed, sheet)


@pytest.mark.parametrize(("written", "verdict"), [("0.056", "rounded"), ("0.062", "wrong")])
def test_noted_products_add_up_to_a_line_that_is_not_rounded_again(written, verdict):
    """0.12 * 0.12 = 0.0144, four times, is 0.0576. Noted to three decimals it is four times 0.014,
    which is 0.056 as it stands. Four times half a unit, and no more, lead up to 0.0596."""
    spec = "layers: [{activation: linear, weights: [[0.12], [0.12], [0.12], [0.12]], bias: none}]"
    spec += "\ninputs: [[0.12, 0.12, 0.12, 0.12]]\n"
    assert marks(spec, f"z1: {written}") == {"z1": verdict}


def test_products_to_a_decimal_fewer_are_seen_where_only_a_gradient_shows_them():
    """Every product to four decimals, all lines to five: dW1[1,1] is 0.47237 exactly, and 2.5 units
    off, which rounding of the lines alone does not explain."""
    sheet = """
a2: [[0.75473, 0.70806], [0.54983, 0.37754]]
loss_terms: [[1.40540, 1.23121], [0.59815, 0.47408]]
dW2: [[0.87170, 0.81780], [0.00000, 0.00000], [0.00000, 0.00000]]
dW1: [[0.47235, 0.00000, 0.00000], [-0.25435, 0.00000, 0.00000]]
"""
    spec = """
layers:
  - activation: relu
    weights: [[0.9, -0.7, -0.8], [-1.2, -0.2, -0.8]]
    bias: [0.3, -0.5, 0.2]
  - {activation: sigmoid, weights: [[0.4, 0.6], [0.2, 0.2], [1.2, -1]], bias: [0.2, -0.5]}
inputs: [[1.3, -0.7], [-1.1, 2.2]]
targets: [[0, 0], [1, 0]]
loss: binary_cross_entropy
conventions: {mean_in: gradient}
"""
    found = report(spec, sheet)
    assert found.earned == found.possible
    assert found.conventions == {"rounding": "worked to 4 decimals"}


CONVOLUTION = """
given:
  X: [[3, -2, 0, -3], [1, 1, -1, 3], [0, 2, 3, 2], [1, 3, -2, 1]]
  K: [[-1.2, 0.8], [-0.2, 0.7]]
  b: [[1]]
  W: [[-1.2, -1.1, 0.6], [0.9, -1.1, 0.2], [0.3, -0.3, -0.9], [-0.8, 0.9, -0.6]]
  c: [[-1.1, -0.9, 0.9]]
  t: [[0, 1, 0]]
equations:
  - C = conv(X, K) + b
  - R = relu(C)
  - P = max_pool(R, size=2, stride=1)
  - f = flatten(P)
  - z = f @ W + c
  - p = softmax(z)
  - L = cross_entropy(p, t)
loss: L
constants: [X, t]
parameters: [K, b, W, c]
learning_rate: 0.1
"""


def test_a_number_without_its_zeros_is_not_held_to_them_later():
    # db = 0.1989 + 0.2123 + 0.3916 = 0.8028 is 0.80, written 0.8, which is one digit; b_new =
    # 1 - 0.08028.
    sheet = "dC: [[0, 0.1989, 0], [0, 0, 0.2123], [0.3916, 0, 0]]\ndb: 0.8\nb_new: 0.9197\n"
    assert marks(CONVOLUTION, sheet) == {"dC": "right", "db": "imprecise", "b_new": "right"}
    assert marks(CONVOLUTION, sheet.replace("0.9197", "0.9297"))["b_new"] == "wrong"
