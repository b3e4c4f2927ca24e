"""Every value of a trace against autograd: activations, losses, biases, conventions, penalties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtrace.spec.model import Function, Number, Regularization
from backtrace.tape.run import trace
from tests.sampling import share
from tests.tape.exercises import (
    BIASES,
    CONVENTIONS,
    DIFFERENTIABLE,
    exercise,
    function,
    networks,
    pairs,
)
from tests.tape.oracle import Network, disagreements, expected, values

PENALTIES = [
    Regularization(Number(l1, str(l1)), Number(l2, str(l2)), form, biases)
    for form in ("half_lambda", "lambda", "lambda_over_2n")
    for l1, l2 in ((0.0, 0.3), (0.2, 0.0), (0.2, 0.3))
    for biases in (False, True)
]


def worked(spec):
    """Every value of the first update, and what autograd says it is, loss_after and all."""
    traced = values(trace(spec).update())
    wanted = expected(spec)
    if spec.optimizer is not None and spec.loss is not None:
        new = _after_descent(spec, wanted)
        wanted |= {f"{id}_new": value for id, value in new.items()}
        if spec.loss.name != "upstream":
            wanted["loss_after"] = Network(spec).loss(new)
    return traced, wanted


def _after_descent(spec, wanted):
    rate = float(spec.optimizer.learning_rate)
    downhill = rate if spec.conventions.sign == "descent" else -rate
    return {id: w + downhill * wanted[f"d{id}"] for id, w in Network(spec).parameters().items()}


def assert_agrees(spec):
    traced, wanted = worked(spec)
    assert set(traced) == set(wanted)
    assert disagreements(traced, wanted) == []


@pytest.mark.parametrize(("activation", "loss"), pairs())
@pytest.mark.parametrize("output_delta", ["shortcut", "chain"])
def test_every_output_activation_with_every_loss(activation, loss, output_delta):
    case = pairs().index((activation, loss))
    for n, conventions in ((1, CONVENTIONS[case % 16]), (5, CONVENTIONS[(7 * case + 3) % 16])):
        assert_agrees(
            exercise(
                (3, 2, 4),
                ("tanh", activation),
                loss=loss,
                n=n,
                seed=case,
                conventions=conventions,
                output_delta=output_delta,
            )
        )


@pytest.mark.parametrize("activation", DIFFERENTIABLE)
@pytest.mark.parametrize("loss", ["mse", "cross_entropy", "upstream"])
def test_every_hidden_activation(activation, loss):
    spec = exercise((2, 3, 4, 2), (activation, activation, "softmax"), loss=loss, n=5, seed=3)
    assert_agrees(spec)


@pytest.mark.parametrize(
    "activation",
    [
        function("linear", slope=Number(0.6, "0.6")),
        function("linear", slope=Number(-2.0, "-2")),
        function("leaky_relu", slope=Number(0.2, "0.2")),
        function("elu", alpha=Number(0.5, "0.5")),
        function("elu", alpha=Number(2.0, "2")),
        function("hard_sigmoid", slope=Number(0.2, "0.2")),
    ],
)
def test_parameters_of_an_activation(activation: Function):
    assert_agrees(exercise((2, 3, 2), (activation, activation), n=5, seed=11))


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("conventions", CONVENTIONS)
def test_every_bias_form_under_every_convention(bias, conventions):
    for n in (1, 2, 5):
        spec = exercise(
            (2, 3, 4), ("sigmoid", "tanh"), biases=bias, loss="half_mse", n=n,
            seed=n, conventions=conventions,
        )  # fmt: skip
        assert_agrees(spec)


@pytest.mark.parametrize("conventions", CONVENTIONS)
@pytest.mark.parametrize("output_delta", ["shortcut", "chain"])
def test_softmax_under_every_convention(conventions, output_delta):
    """Softmax both hidden and at the output: the Jacobians lie as the layout says."""
    spec = exercise(
        (2, 3, 4), ("softmax", "softmax"), biases=("first", "last"), loss="cross_entropy", n=5,
        conventions=conventions, output_delta=output_delta,
    )  # fmt: skip
    assert_agrees(spec)


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("loss", ["mse", "binary_cross_entropy", "upstream"])
def test_one_layer_alone(bias, loss):
    for n in (1, 2, 5):
        assert_agrees(exercise((3, 4), ("sigmoid",), biases=bias, loss=loss, n=n))


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("loss", ["sse", "half_sse", "mse", "cross_entropy", "hinge", "output"])
@pytest.mark.parametrize("conventions", CONVENTIONS[:4])
def test_samples_combined_either_way(loss, mean, conventions):
    spec = exercise(
        (2, 3, 3), ("relu", "softmax"), loss=loss, mean=mean, n=5, conventions=conventions
    )
    assert_agrees(spec)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_every_penalty(penalty):
    for case, bias in enumerate(BIASES):
        spec = exercise(
            (2, 3, 4), ("tanh", "linear"), biases=bias, n=5, seed=case,
            conventions=CONVENTIONS[(5 * case + 2) % 16], regularization=penalty,
        )  # fmt: skip
        assert_agrees(spec)


def test_a_penalty_has_no_slope_where_a_weight_is_0():
    # dW = data_dW + λ·sign(w): with w = 0 and x = 2, e = 0 − 3: 2·e·x = −12, and the λ adds 0.
    spec = exercise(
        (1, 1), ("linear",), biases="none", n=1, regularization=PENALTIES[2], loss="sse"
    )
    spec.layers[0].weights.values[:] = 0
    spec.inputs.values[:] = 2
    spec.targets.values[:] = 3
    assert trace(spec)["dW1"].value.tolist() == [[-12.0]]


NETWORKS = networks(
    [
        *("sse", "half_sse", "mse", "half_mse", "mse_elements"),
        *("mae", "huber", "hinge", "output", "upstream"),
    ],
    conventions=st.sampled_from(CONVENTIONS),
    regularization=st.sampled_from([None, None, *PENALTIES]),
    inputs_gradient=st.booleans(),
)


@settings(max_examples=share(80), derandomize=True)
@given(NETWORKS)
def test_any_network(network):
    assert_agrees(exercise(**network))


@pytest.mark.parametrize("n", [2, 5])
def test_where_the_mean_enters_changes_delta_and_no_gradient(n):
    case = {"biases": ("shared", "last"), "loss": "cross_entropy", "n": n}
    early, late = (
        trace(exercise((3, 2, 4), ("relu", "softmax"), conventions=conventions, **case))
        for conventions in CONVENTIONS[:2]
    )
    assert (early.conventions.mean_in, late.conventions.mean_in) == ("delta", "gradient")
    for id in ("dW1", "dW2", "db1", "loss", "W1_new"):
        np.testing.assert_allclose(early[id].value, late[id].value, rtol=1e-13, atol=1e-15)
    for id in ("delta1", "delta2", "da1", "da0"):
        np.testing.assert_allclose(early[id].value * n, late[id].value, rtol=1e-13, atol=1e-15)


def test_a_network_without_a_loss_ends_at_the_prediction():
    spec = exercise((2, 3), ("tanh",), loss="mse")
    forward = trace(type(spec)(title="", layers=spec.layers, inputs=spec.inputs))
    assert [step.id for step in forward] == ["a0", "W1", "b1", "product1", "z1", "a1"]


def test_a_step_unit_has_no_backward_pass():
    steps = trace(exercise((2, 3, 2), ("step", "linear")))
    assert "loss" in steps
    assert not [step.id for step in steps if step.phase in ("backward", "update")]
    assert disagreements({"a1": steps["a1"].value}, {"a1": expected_step(steps["z1"].value)}) == []


def expected_step(z):
    return np.array([[1.0 if entry >= 0 else 0.0 for entry in row] for row in z])
