"""What a line gives whose parts are noted holds what a person gets who notes each, and little else.

Each case works a line with NumPy, entry by entry as people do, its parts to two decimals.
"""

import msgspec
import numpy as np
import pytest

from backtrace.check.rules.intervals import point
from backtrace.check.rules.noted_lines import ROUNDED_PARTS, noted
from backtrace.check.rules.noting import Noting
from backtrace.spec.model import Conventions
from backtrace.tape.setting import Setting
from tests.check.typed import marks

TO_TWO = Noting(0.005)
L2 = {"form": "lambda", "l1": 0.0, "l2": 0.13, "over": 1}
L1 = {"form": "lambda_over_2n", "l1": 0.13, "l2": 0.0, "over": 3}
BCE = {"loss": "binary_cross_entropy"}
BETA, RATE = {"beta": 0.9}, {"rate": 0.37}


def r(x):
    return np.round(x, 2)


def look_ahead(g, v):
    kept = 0.9 * v
    return [-0.37 * (g + r(kept)), -0.37 * r(g + kept), -r(0.37 * (g + kept))]


def penalties(w):
    shares = (r(0.13 * w**2), 0.13 * r(w**2), r(0.13 * (w**2).sum()))
    return [share.sum() for share in shares]


def sizes(v, w):
    """By matrices, or number by number."""
    sums = [np.abs(v).sum(), np.abs(w).sum()]
    return [sum(r(0.13 * each / 3) for each in sums), r(0.13 * np.abs(np.hstack([v, w])) / 3).sum()]


def quotient(a, y):
    """(a − y)/(a(1 − a)) over the batch of three."""
    below = r(a * (1 - a))
    return [(a - y) / below / 3, r((a - y) / below) / 3, r((a - y) / (a * (1 - a))) / 3]


def through_softmax(da, g):
    blocks = r(g.reshape(3, 2, 2) * da[:, None, :])
    return [blocks.sum(axis=2)]


def squares(v, g):
    return [r(0.9 * v) + r(0.1 * g * g), r(0.9 * v) + 0.1 * r(g * g)]


def margins(a):
    """1 + aᵢ − a_y, the class of each row its own number: a_y is noted, and what that gives."""
    own = np.diag(a)[:, None]
    found = [np.maximum(0, 1 + a - r(own)), np.maximum(0, r(1 + a - r(own)))]
    return [np.where(np.eye(3) == 1, 0, each) for each in found]


def through_each_other(z):
    """diag(a) − a·aᵀ of powers that are noted: the products as well, or all."""
    e = r(np.exp(z))
    a = e / e.sum(axis=1, keepdims=True)
    products = r(a[:, :, None] * a[:, None, :])
    ways = [each[:, :, None] * np.eye(2) - products for each in (a, r(a))]
    return [way.reshape(6, 2) for way in ways]


CASES = {
    "penalty": (L2 | {"omit": ("",)}, ((2, 3),), penalties),
    "penalty of sizes": (L1 | {"omit": ("", "")}, ((2, 3), (2, 2)), sizes),
    "add_penalty": (L2, ((2, 3), (2, 3)), lambda data, w: [data + r(2 * 0.13 * w)]),
    "look_ahead_step": (BETA | RATE, ((2, 3), (2, 3)), look_ahead),
    # Moving the point in 0.1·g needs no note.
    "average": (
        BETA,
        ((2, 3), (2, 3)),
        lambda m, g: [r(0.9 * m) + r(0.1 * g), r(0.9 * m) + 0.1 * g],
    ),
    "average_squares": (BETA, ((2, 3), (2, 3)), squares),
    "accumulate_squares": ({}, ((2, 3), (2, 3)), lambda v, g: [v + r(g * g)]),
    "loss_gradient": (BCE | {"samples": 3}, ((3, 2), (3, 2)), quotient),
    "loss_gradient_from_activation": (
        {"loss": "mse", "samples": 3},
        ((3, 2), (3, 2)),
        lambda a, y: [2 * r(a - y) / 3, r(2 * (a - y)) / 3],
    ),
    "jacobian_product": ({}, ((3, 2), (6, 2)), through_softmax),
    "add": ({}, ((2, 3), (2, 3), (2, 3)), lambda x, y, z: [r(x) + r(y) + r(z), x + y + z]),
    "minus": ({}, ((2, 3), (2, 3)), lambda x, y: [r(x) - r(y), x - y]),
    "reduce": ({"reduce": "mean"}, ((2, 2),), lambda x: [r(x).mean(keepdims=True)]),
    "reduce each": (
        {"reduce": "mean", "each": "column"},
        ((3, 2),),
        lambda x: [r(x).mean(axis=0, keepdims=True), x.mean(axis=0, keepdims=True)],
    ),
    "sum_samples": ({}, ((3, 2),), lambda x: [r(x).sum(axis=0, keepdims=True)]),
    "loss_terms of margins": ({"loss": "hinge", "samples": 1}, ((3, 3),), margins),
    "activation_derivative of all": ({"activation": "softmax"}, ((3, 2),), through_each_other),
    "activate selu": ({"activation": "selu"}, ((2, 3),), lambda z: [r(1.0507009873554805 * z)]),
    "clip_to_norm": (
        {"limit": 0.3},
        ((2, 3), (1, 1)),
        lambda g, norm: [g * r(0.3 / norm), 0.3 * r(g / norm)],
    ),
}


@pytest.mark.parametrize("operation", CASES)
def test_what_a_person_notes_is_told_from_what_lies_beside_it(operation):
    parameters, shapes, work = CASES[operation]
    operation = operation.partition(" ")[0]
    assert operation in ROUNDED_PARTS
    random = np.random.default_rng(len(operation))
    for _ in range(20):
        operands = [random.uniform(0.31, 0.89, shape) for shape in shapes]
        given = [*operands, np.eye(3)] if "hinge" in parameters.values() else operands
        box = noted(operation, Setting(Conventions()), parameters, TO_TWO, *map(point, given))
        for value in work(*operands):
            assert ((box.lo - 1e-9 <= value) & (value <= box.hi + 1e-9)).any(axis=0).all()
        assert np.median((box.hi - box.lo).sum(axis=0)) < 1e-6  # but for ties


def holds(operation, parameters, noting, operand, value):
    box = noted(operation, Setting(Conventions()), parameters, noting, point(operand))
    return ((box.lo - 1e-9 <= value) & (value <= box.hi + 1e-9)).any(axis=0)


def test_sums_are_noted_to_significant_digits_as_well_and_what_a_number_is_multiplied_by():
    sigmoid, three = {"activation": "sigmoid"}, Noting(0.0, 3)
    # e^-0.72 = 0.487, 1.487 or 1.49 below; e^0.72 = 2.05, 2.05/3.05.
    for value in (1 / 1.487, 1 / 1.49, 2.05 / 3.05):
        assert holds("activate", sigmoid, three, 0.72, value).all()
    assert not holds("activate", sigmoid, three, 0.72, 1 / 1.488).any()
    assert holds("activate", sigmoid, three, 1.93, 1 / 1.15).all()  # 0.145; 1.145 goes up
    # -0.3 times 1/(1 + e^0.3) = 0.4256, 0.43; the mean of 1.09 and 0.524, whose sum is 1.61.
    assert holds("activate", {"activation": "silu"}, TO_TWO, -0.3, -0.3 * 0.43).all()
    assert holds("total", {"samples": 2}, three, [[1.09], [0.524]], 1.61 / 2).all()


def test_a_function_that_is_worked_in_one_way_throughout_is_known():
    # e^0.7 = 2.01 is the same number either way; e^-0.7 = 0.50, and 1/1.50 is not 2.01/3.01.
    for way, value in enumerate((1 / 1.50, 2.01 / 3.01)):
        noting = msgspec.structs.replace(TO_TWO, way=way)
        assert holds("activate", {"activation": "sigmoid"}, noting, 0.7, value).all()
        box = noted(
            "activate", Setting(Conventions()), {"activation": "sigmoid"}, noting, point(0.7)
        )
        assert (box.hi - box.lo).max() < 1e-6


# Each w² is 0.16, 0.04, 0.01, 0.36, 0.09, 0.49, and λ/(2n) = 0.00125 times 1.15 is 0.0014.
PENALISED = """
layers:
  - {activation: linear, weights: [[0.4, 0.2, -0.1], [0.6, 0.3, -0.7]], bias: [0.9, -1.0, 0.8]}
inputs: [[1, 0.5], [0.5, -1], [0.25, 2], [-1, 1]]
targets: [[1, 0, 1], [0, 1, 1], [2, 1, 0], [1, 1, 1]]
loss: mse
regularization: {l2: 0.01, form: lambda_over_2n}
learning_rate: 0.1
"""


@pytest.mark.parametrize(
    ("penalty", "verdict"),
    [
        ("0.0014", "right"),
        ("0.0015", "rounded"),  # 0.0002 + 0.0001 + 0.0000 + 0.0005 + 0.0001 + 0.0006
        ("0.0017", "wrong"),  # six times half a unit more, to which six known shares don't come
        ("0.0045", "wrong"),  # with 0.81, 1.00 and 0.64 of the biases: 0.00125 times 3.60
    ],
)
def test_which_way_the_shares_of_known_weights_are_rounded_is_known(penalty, verdict):
    assert marks(PENALISED, f"penalty: {penalty}")["penalty"] == verdict
