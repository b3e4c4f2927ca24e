"""Saturated units: what a float can hold comes out right, without a warning, as at 0."""

import math

import msgspec
import numpy as np
import pytest

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.notation.notes import notes
from backtrace.notation.steps import entry
from backtrace.spec.model import (
    Arithmetic,
    Bias,
    Conventions,
    Layer,
    Loss,
    Matrix,
    Number,
    Optimizer,
    Spec,
)
from backtrace.tape.loading import loads
from backtrace.tape.run import trace
from backtrace.tape.training import train
from tests.tape.exercises import CONVENTIONS, DIFFERENTIABLE, PROBABILITIES, SGD, exercise, function


def at(activation, loss, z, y, **fields):
    """One layer whose z are the weights themselves: one sample, the input 1, no bias."""
    slope = Matrix(np.array([[0.25]])) if ACTIVATIONS[activation].learned else None
    weights = Matrix(np.array([z], dtype=float))
    layer = Layer(1, len(z), function(activation), weights, Bias("none"), slope)
    row = LOSSES[loss]
    return trace(
        Spec(
            title="",
            layers=(layer,),
            inputs=Matrix(np.array([[1.0]])),
            targets=Matrix(np.array([y], dtype=float)),
            loss=Loss(loss, row.mean, dict(row.parameters)),
            **fields,
        )
    )


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("z", [-1000, -40, 0, 40, 1000])
def test_sigmoid_with_binary_cross_entropy(z, y):
    """L = ln(1 + e^∓z), which far out on the wrong side is |z|; δ = σ(z) − y."""
    steps = at("sigmoid", "binary_cross_entropy", [z], [y], optimizer=SGD)
    wrong = z if y == 0 else -z
    loss = max(wrong, 0) + math.log1p(math.exp(-abs(z)))
    assert steps["loss"].value == pytest.approx(loss, rel=1e-12, abs=0)
    sigma = 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))
    assert steps["delta1"].value.item() == pytest.approx(sigma - y, rel=1e-12, abs=0)
    assert all(np.isfinite(step.value).all() for step in steps)


@pytest.mark.parametrize("z", [[1000, -1000, 0], [40, -40, 0], [0, 0, 0], [-1000, -1000, -1001]])
@pytest.mark.parametrize("true", [0, 1, 2])
def test_softmax_with_cross_entropy(z, true):
    """L = −z_true + max z + ln Σ e^(z − max); δ = a − y."""
    y = [float(true == j) for j in range(3)]
    steps = at("softmax", "cross_entropy", z, y, optimizer=SGD)
    powers = [math.exp(entry - max(z)) for entry in z]
    rest = math.fsum(powers) - 1
    loss = (max(z) - z[true]) + math.log1p(rest)
    assert steps["loss"].value == pytest.approx(loss, rel=1e-12, abs=1e-16)
    delta = [power / math.fsum(powers) - t for power, t in zip(powers, y, strict=True)]
    np.testing.assert_allclose(steps["delta1"].value, [delta], rtol=1e-12, atol=1e-16)
    assert all(np.isfinite(step.value).all() for step in steps)


@pytest.mark.parametrize("z", [0, 5, 20, 30, 37, 40, 300, 700])
@pytest.mark.parametrize("y", [0, 0.25, 1])
def test_the_long_way_gives_the_shortcuts_delta(z, y):
    """da = (1 − y)/(1 − a) − y/a, where 1 − a has no digit left beyond z = 37."""
    for side in (z, -z):
        steps = at("sigmoid", "binary_cross_entropy", [side], [y], output_delta="chain")
        sigma = 1 / (1 + math.exp(-side))
        delta = sigma - y if side < 0 or y != 1 else -1 / (1 + math.exp(side))
        assert steps["delta1"].value.item() == pytest.approx(delta, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("z", [0, 5, 30, 37, 40, 300, 700])
@pytest.mark.parametrize("y", [[1, 0], [0, 1], [0.25, 0.75]])
def test_the_long_way_through_a_softmax(z, y):
    """Of two units a(1 − a) = 1/((1 + e^z)(1 + e^−z)); a − a² has no digit left beyond z = 37."""
    slope = 1 / ((1 + math.exp(z)) * (1 + math.exp(-z)))
    steps = at("softmax", "cross_entropy", [z, 0], y, output_delta="chain")
    square = [[slope, -slope], [-slope, slope]]
    np.testing.assert_allclose(steps["g1"].value, square, rtol=1e-14)
    delta = -1 / (1 + math.exp(z)) if y[0] == 1 else 1 / (1 + math.exp(-z)) - y[0]
    np.testing.assert_allclose(steps["delta1"].value, [[delta, -delta]], rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("conventions", CONVENTIONS)
def test_the_long_way_under_every_convention(conventions):
    case = {"widths": (2, 3, 2), "activations": ("tanh", "sigmoid"), "n": 5,
            "loss": "binary_cross_entropy", "conventions": conventions}  # fmt: skip
    short, chain = trace(exercise(**case)), trace(exercise(**case, output_delta="chain"))
    for step in short:
        np.testing.assert_allclose(chain[step.id].value, step.value, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(("loss", "activation", "turn"), [
    ("binary_cross_entropy", "sigmoid", lambda sigma, y: sigma - y),
    ("cross_entropy", "sigmoid", lambda sigma, y: -y * (1 - sigma)),
    ("kl", "sigmoid", lambda sigma, y: -y * (1 - sigma)),
])  # fmt: skip
@pytest.mark.parametrize("z", [-1000, -746, -710, 710, 746, 1000])
@pytest.mark.parametrize("y", [0, 0.25, 1])
def test_where_the_long_way_is_infinity_times_nothing(loss, activation, turn, z, y):
    """So far out σ is 0 or 1, and the gradient by a is beyond what a float can hold."""
    steps = at(activation, loss, [z], [y], output_delta="chain", optimizer=SGD)
    delta = turn(float(z > 0), y)
    assert steps["delta1"].value.item() == pytest.approx(delta, abs=1e-300)
    assert steps["W1_new"].value.item() == pytest.approx(z - 0.1 * delta)
    said = [note.kind for note in notes(steps["delta1"], steps)]
    assert said == (["limit"] if np.isinf(steps["da1"].value).any() else [])


@pytest.mark.parametrize("loss", ["cross_entropy", "kl"])
@pytest.mark.parametrize("y", [[1, 0, 0], [0, 0, 1], [0.25, 0.5, 0.25]])
def test_where_the_long_way_through_a_softmax_is_infinity_times_nothing(loss, y):
    for z in ([1000, 0, -1000], [800, 0, 800], [0, -712, -746]):
        powers = np.exp(np.array(z) - max(z))
        steps = at("softmax", loss, z, y, output_delta="chain")
        delta = [powers / powers.sum() - y]
        np.testing.assert_allclose(steps["delta1"].value, delta, rtol=1e-12, atol=1e-300)


def test_what_is_beyond_a_float_is_unfolded_without_a_warning():
    """1e308 · 100 is no float; pytest takes a warning for a failure."""
    text = "layers: [{activation: linear, weights: [[1e308], [2]], bias: none}]\ninputs: [[100, 3]]"
    steps = trace(loads(text))
    assert np.isinf(steps["product1"].value).all()
    assert len(entry(steps["product1"], steps, 0, 0)) > 1


SATURATED = {"widths": (2, 3, 2), "activations": ("relu", "sigmoid"), "n": 5,
             "loss": "binary_cross_entropy"}  # fmt: skip


def saturated(conventions, **fields):
    """The exercise with inputs so large that outputs saturate, on the right and the wrong side."""
    spec = exercise(**SATURATED, conventions=conventions, **fields)
    inputs = Matrix(spec.inputs.values * 3000)
    return msgspec.structs.replace(spec, inputs=inputs)


@pytest.mark.parametrize("conventions", CONVENTIONS)
def test_the_long_way_of_saturated_outputs_under_every_convention(conventions):
    short = trace(saturated(conventions))
    chain = trace(saturated(conventions, output_delta="chain"))
    assert np.isinf(chain["da2"].value).any()
    for id in ("delta2", "dW2", "db2", "dW1", "W1_new"):
        np.testing.assert_allclose(chain[id].value, short[id].value, rtol=1e-11, atol=1e-9)


def test_a_training_by_the_long_way_of_saturated_outputs_is_that_by_the_short():
    short, chain = (
        train(msgspec.structs.replace(saturated(CONVENTIONS[0]), output_delta=way, epochs=3))
        for way in ("shortcut", "chain")
    )
    losses = [[record.training.loss for record in each.records] for each in (short, chain)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-9)
    assert len(set(losses[0])) == 4


def test_by_hand_the_long_way_takes_the_rounded_activation():
    """σ(1) = 0.73…, written 0.7: da = 1/(1 − 0.7) = 3.33…, written 3.3; from z it would be
    1 + e = 3.7…"""
    steps = at("sigmoid", "binary_cross_entropy", [1], [0], output_delta="chain",
               arithmetic=Arithmetic("rounded", 1))  # fmt: skip
    assert steps["da1"].value.item() == 3.3


@pytest.mark.parametrize("activation", DIFFERENTIABLE)
@pytest.mark.parametrize("sign", ["gradient", "descent"])
def test_every_activation_from_minus_to_plus_a_thousand(activation, sign):
    z = [-1000, -40, -1, 1, 40, 1000]
    targets = [0.5] * 6
    loss = "half_mse"
    steps = at(activation, loss, z, targets, optimizer=SGD, conventions=Conventions(sign=sign))
    assert all(np.isfinite(step.value).all() for step in steps)
    assert not [note for step in steps for note in notes(step, steps) if note.kind == "not_finite"]


@pytest.mark.parametrize("activation", PROBABILITIES)
@pytest.mark.parametrize("loss", ["mae", "huber", "sse", "output"])
def test_a_saturated_unit_passes_nothing_on(activation, loss):
    steps = at(activation, loss, [1000, -1000], [0.5, 0.5])
    np.testing.assert_array_equal(steps["delta1"].value, [[0, 0]])


def test_a_network_that_diverges_says_so_and_does_not_warn():
    fast = Optimizer("sgd", Number(10.0))
    steps = trace(exercise((2, 3, 2), ("linear", "linear"), n=5, epochs=60, optimizer=fast))
    assert np.isnan(steps["loss_after@60"].value)
    (first, *_) = (step for step in steps if not np.isfinite(step.value).all())
    assert notes(first, steps)[-1].kind == "not_finite"
    # said where it begins, not again in what is worked from it
    last = notes(steps["loss_after@60"], steps)
    assert not any(note.kind == "not_finite" for note in last)


def test_no_loss_is_minus_zero():
    for activation, loss, y in (
        ("sigmoid", "binary_cross_entropy", [1, 0]),
        ("softmax", "cross_entropy", [1, 0]),
        ("hard_sigmoid", "binary_cross_entropy", [1, 0]),
    ):
        terms = at(activation, loss, [1000, -1000], y)["loss_terms"].value
        assert not np.signbit(terms).any()
