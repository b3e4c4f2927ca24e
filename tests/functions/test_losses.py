"""The losses against their definitions, far out and at kinks, and every column of their table."""

import math
from decimal import Decimal, localcontext

import msgspec
import numpy as np
import pytest

from backtrace.functions.activations import ACTIVATIONS, softmax
from backtrace.functions.losses import LOSSES, LossRule, sign
from backtrace.functions.number import Number
from backtrace.functions.penalties import FORMS, gradient, penalty
from tests.functions.holes import holes

D = Decimal
FAR = (-1000, -745, -40, -37, -3.5, -1e-9, 0, 1e-9, 0.7, 20, 37, 40, 745, 1000)
TARGETS = (0, 0.25, 0.9, 1)


def in_decimals(function):
    """``function`` worked to 900 digits: e^−1000 beside 1 in one sum, and thirty over."""
    with localcontext() as context:
        context.prec = 900
        return float(function())


@pytest.mark.parametrize("y", TARGETS)
def test_binary_cross_entropy_from_z_to_twelve_digits(y):
    def definition(z):
        a = 1 / (1 + (-D(z)).exp())
        return -(D(y) * a.ln() + (1 - D(y)) * (1 - a).ln())

    right = [in_decimals(lambda z=z: definition(z)) for z in FAR]
    z = np.array([FAR]).T
    ours = LOSSES["binary_cross_entropy"].stable["sigmoid"](z, np.full(z.shape, float(y)), {})
    np.testing.assert_allclose(ours[:, 0], right, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("y", TARGETS)
def test_cross_entropy_of_a_sigmoid_from_z_to_twelve_digits(y):
    right = [in_decimals(lambda z=z: D(y) * (1 + (-D(z)).exp()).ln()) for z in FAR]
    z = np.array([FAR]).T
    ours = LOSSES["cross_entropy"].stable["sigmoid"](z, np.full(z.shape, float(y)), {})
    np.testing.assert_allclose(ours[:, 0], right, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(
    "z", [[0, 0, 0], [1000, -1000, 0], [40, 0, -40], [-1000, -999, -998], [0.5, 37, 2]]
)
@pytest.mark.parametrize("y", [[1, 0, 0], [0, 1, 0], [0.2, 0.3, 0.5]])
def test_cross_entropy_of_a_softmax_from_z_to_twelve_digits(z, y):
    def definition(j):
        return -D(y[j]) * (D(z[j]).exp() / sum(D(entry).exp() for entry in z)).ln()

    right = [in_decimals(lambda j=j: definition(j)) for j in range(3)]
    ours = LOSSES["cross_entropy"].stable["softmax"](
        np.array([z], dtype=float), np.array([y], dtype=float), {}
    )
    np.testing.assert_allclose(ours[0], right, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("z", [[0, 0, 0], [1000, -1000, 0], [40, 0, -40], [0.5, 37, 2]])
@pytest.mark.parametrize("y", [[1, 0, 0], [0.25, 0.25, 0.5]])
def test_the_divergence_of_a_softmax_from_z_to_twelve_digits(z, y):
    def definition(j):
        share = D(z[j]).exp() / sum(D(entry).exp() for entry in z)
        return D(y[j]) * (D(y[j]) / share).ln() if y[j] else D(0)

    right = [in_decimals(lambda j=j: definition(j)) for j in range(3)]
    ours = LOSSES["kl"].stable["softmax"](np.array([z], dtype=float), np.array([y]), {})
    np.testing.assert_allclose(ours[0], right, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("e", [*FAR, -1.0, 1.0, 0.999999, 1e-5])
def test_log_cosh_to_twelve_digits(e):
    def definition():
        return ((D(e).exp() + (-D(e)).exp()) / 2).ln()

    right = in_decimals(definition)
    ours = LOSSES["log_cosh"].terms(np.array([[float(e)]]), np.zeros((1, 1)), {})
    assert ours[0, 0] == pytest.approx(right, rel=1e-12, abs=1e-300)


LOGARITHMIC = ("binary_cross_entropy", "cross_entropy", "kl")


@pytest.mark.parametrize("name", LOGARITHMIC)
def test_from_a_and_from_z_agree_where_both_can(name):
    z = np.linspace(-4, 4, 90).reshape(30, 3)
    y = softmax(np.roll(z, 7, axis=0), axis=1)
    for activation, stable in LOSSES[name].stable.items():
        a = ACTIVATIONS[activation].value(z, {})
        terms = LOSSES[name].terms(a, y, {})  # a divergence is 0 where ŷ is y
        np.testing.assert_allclose(stable(z, y, {}), terms, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", LOGARITHMIC)
def test_a_certain_and_right_prediction_costs_nothing(name):
    a = np.array([[1.0, 0.0]])
    assert LOSSES[name].terms(a, a.copy(), {}).tolist() == [[0, 0]]
    # −1/1 at the true class; in binary cross-entropy also (1 − 0)/(1 − 0) at the other
    beside = 1.0 if name == "binary_cross_entropy" else 0.0
    assert LOSSES[name].gradient(a, a.copy(), {}).tolist() == [[-1.0, beside]]


@pytest.mark.parametrize("name", LOGARITHMIC)
def test_a_certain_and_wrong_prediction_costs_infinitely_much(name):
    a, y = np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])
    assert LOSSES[name].terms(a, y, {})[0, 0] == math.inf
    assert LOSSES[name].gradient(a, y, {})[0, 0] == -math.inf


HALF = 0.5
DEFINITIONS = {
    # one sample of two outputs, a = (2, −1.5), y = (−1, 1): e = (3, −2.5)
    "sse": ([9, 6.25], [6, -5]),
    "half_sse": ([4.5, 3.125], [3, -2.5]),
    "mse": ([9, 6.25], [6, -5]),
    "half_mse": ([4.5, 3.125], [3, -2.5]),
    "mse_elements": ([4.5, 3.125], [3, -2.5]),  # both over k = 2
    "mae": ([3, 2.5], [1, -1]),
    "huber": ([3 - HALF, 2.5 - HALF], [1, -1]),  # |e| − ½, beyond δ = 1
    "binary_hinge": ([3, 2.5], [1, -1]),  # 1 − y ŷ = 1 + 2 and 1 + 1.5, the slopes −y
    "output": ([2, -1.5], [1, 1]),
}


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_terms_and_gradients_by_hand(name):
    row = LOSSES[name]
    a, y = np.array([[2.0, -1.5]]), np.array([[-1.0, 1.0]])
    parameters = {**row.parameters, "outputs": 2}
    operands = (a - y,) if row.from_error else (a, y)
    terms, slopes = DEFINITIONS[name]
    assert row.terms(a, y, parameters).tolist() == [terms]
    assert row.gradient(*operands, parameters).tolist() == [slopes]


def test_huber_is_square_within_delta_and_straight_beyond():
    a, y = np.array([[0.0, 0.5, -1.5, 2.0, -3.0, 5.0]]), np.zeros((1, 6))
    row, p = LOSSES["huber"], {"delta": 2.0}
    # ½e² up to 2; beyond 2·(|e| − 1)
    assert row.terms(a, y, p).tolist() == [[0, 0.125, 1.125, 2, 4, 8]]
    assert row.gradient(a - y, p).tolist() == [[0, 0.5, -1.5, 2, -2, 2]]


def test_binary_hinge_by_hand():
    """1 − y ŷ: 0.5, 2, and −1 and 0, which are not violated; its slope −y where it is."""
    a, y = np.array([[0.5, 1.0, 2.0, -1.0]]), np.array([[1.0, -1.0, 1.0, -1.0]])
    assert LOSSES["binary_hinge"].terms(a, y, {}).tolist() == [[0.5, 2, 0, 0]]
    assert LOSSES["binary_hinge"].gradient(a, y, {}).tolist() == [[-1, 1, 0, 0]]


def test_divergence_by_hand():
    """½ ln(½ / ¼) and ½ ln(½ / ¾); the slopes −½/¼ and −½/¾; of y = 0 there is nothing."""
    a, y = np.array([[0.25, 0.75, 0.0]]), np.array([[0.5, 0.5, 0.0]])
    terms = [0.5 * math.log(2), 0.5 * math.log(2 / 3), 0]
    np.testing.assert_allclose(LOSSES["kl"].terms(a, y, {}), [terms], rtol=1e-15)
    np.testing.assert_allclose(LOSSES["kl"].gradient(a, y, {}), [[-2, -2 / 3, 0]], rtol=1e-15)


def test_hinge_by_hand():
    """The true class is the second, ŷ = 1: margins 1 + 0.5 − 1, 0 at itself, 1 + 3 − 1, 1 − 2 − 1,
    and 1 + 0 − 1 = 0, which is not violated."""
    a, y = np.array([[0.5, 1.0, 3.0, -2.0, 0.0]]), np.array([[0.0, 1.0, 0.0, 0.0, 0.0]])
    assert LOSSES["hinge"].terms(a, y, {}).tolist() == [[0.5, 0, 3, 0, 0]]
    assert LOSSES["hinge"].gradient(a, y, {}).tolist() == [[1, -2, 1, 0, 0]]


@pytest.mark.parametrize("name", sorted(set(LOSSES) - set(LOGARITHMIC)))
def test_nan_stays_nan(name):
    """A network that has diverged must not look as if it had no loss."""
    y = np.array([[1.0, 0.0]])
    parameters = {**LOSSES[name].parameters, "outputs": 2}
    assert np.isnan(LOSSES[name].terms(np.array([[math.nan, math.nan]]), y, parameters)).any()


def test_the_sign_of_nothing_is_nothing():
    assert sign(np.array([-2.0, -0.0, 0.0, 1e-300])).tolist() == [-1, 0, 0, 1]


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_every_column_of_every_row_is_there(name):
    row = LOSSES[name]
    for column in msgspec.structs.fields(LossRule):
        value = getattr(row, column.name)
        if column.name.endswith("formula"):
            assert ("mean" in holes(value)) == (column.name == "formula")
    assert row.title
    assert row.shortcut in ("", *row.stable)
    assert all(isinstance(value, Number) for value in row.parameters.values())
    assert row.rational == (name not in (*LOGARITHMIC, "log_cosh"))
    assert row.mean == (name not in ("sse", "half_sse", "output"))


def test_the_table_has_the_losses_that_are_promised():
    others = [*LOGARITHMIC, "hinge", "log_cosh"]
    assert sorted(LOSSES) == sorted([*DEFINITIONS, *others])


@pytest.mark.parametrize("name", sorted(set(LOSSES) - set(LOGARITHMIC)))
def test_the_kinks_lie_where_the_gradient_jumps(name):
    """Of one output that moves past the target 1 (for hinge, past the true class less 1)."""
    row, points = LOSSES[name], np.arange(-63, 65, 2) / 16
    a = np.stack([points, np.full(len(points), 0.25)], axis=1)
    y = np.tile([0.0, 1.0] if name == "hinge" else [1.0, 0.0], (len(points), 1))
    p = {**row.parameters, "outputs": 2}
    gradient = row.gradient(a - y, p) if row.from_error else row.gradient(a, y, p)
    jumps = abs(np.diff(gradient[:, 0])) > 0.5
    distances = np.ones(a.shape) if row.kinks is None else row.kinks(a, y, p)
    assert jumps.tolist() == (np.diff(np.sign(distances[:, 0])) != 0).tolist()
    assert jumps.sum() == (name in ("mae", "hinge", "binary_hinge"))


def test_cross_entropies_are_smooth():
    assert [LOSSES[name].kinks for name in LOGARITHMIC] == [None] * 3


# Penalties


@pytest.mark.parametrize(
    ("form", "value", "slopes"),
    [
        # w = (3, −4, 0), λ₁ = 0.5, λ₂ = 0.1, n = 5: Σw² = 25, Σ|w| = 7
        ("half_lambda", 0.05 * 25 + 0.5 * 7, [0.1 * 3 + 0.5, 0.1 * -4 - 0.5, 0]),
        ("lambda", 0.1 * 25 + 0.5 * 7, [0.2 * 3 + 0.5, 0.2 * -4 - 0.5, 0]),
        ("lambda_over_2n", 0.01 * 25 + 0.1 * 7, [0.02 * 3 + 0.1, 0.02 * -4 - 0.1, 0]),
    ],
)
def test_penalties_by_hand(form, value, slopes):
    w = np.array([[3.0, -4.0, 0.0]])
    assert penalty(w, form, 0.5, 0.1, 5) == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(gradient(w, form, 0.5, 0.1, 5), [slopes], rtol=1e-15)


def test_the_forms_of_penalty():
    assert list(FORMS) == ["half_lambda", "lambda", "lambda_over_2n"]
