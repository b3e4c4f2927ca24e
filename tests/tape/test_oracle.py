"""The oracle itself: it agrees with central differences, and it notices what is wrong."""

import msgspec
import numpy as np
import pytest

from backtrace.functions.activations import ACTIVATIONS
from backtrace.spec.model import Number, Regularization
from backtrace.tape import operations
from backtrace.tape.run import trace
from tests.tape.exercises import BIASES, CONVENTIONS, DIFFERENTIABLE, exercise, pairs
from tests.tape.oracle import Network, central_differences, disagreements, expected, values

# Half a step of 1e-5 squared times a third derivative, and rounding of 1e-16/1e-5: below 1e-8.
DIFFERENCES = {"rtol": 1e-6, "atol": 1e-8}


def gradients_by_differences(spec):
    network = Network(spec)
    parameters = network.parameters()
    sign = -1 if spec.conventions.sign == "descent" else 1
    return {f"d{id}": sign * central_differences(network.loss, parameters, id) for id in parameters}


@pytest.mark.parametrize(("activation", "loss"), [*pairs(), ("tanh", "upstream")])
def test_traces_and_autograd_agree_with_central_differences(activation, loss):
    case = len(activation) + len(loss)
    spec = exercise(
        (3, 2, 4), ("tanh", activation), loss=loss, n=3, seed=5, biases=(BIASES[case % 6], "added"),
        conventions=CONVENTIONS[case % 16],
    )  # fmt: skip
    differences = gradients_by_differences(spec)
    assert disagreements(values(trace(spec).update()), differences, **DIFFERENCES) == []
    assert disagreements(expected(spec), differences, **DIFFERENCES) == []


@pytest.mark.parametrize("activation", DIFFERENTIABLE)
def test_hidden_activations_agree_with_central_differences(activation):
    penalty = Regularization(Number(0.1), Number(0.3), "lambda_over_2n")
    spec = exercise((3, 4, 2), (activation, "linear"), n=2, seed=1, regularization=penalty)
    traced = values(trace(spec).update())
    assert disagreements(traced, gradients_by_differences(spec), **DIFFERENCES) == []


def test_a_step_too_wide_fails():
    spec = exercise((3, 2, 4), ("sigmoid", "tanh"), n=2)
    network = Network(spec)
    coarse = {"dW1": central_differences(network.loss, network.parameters(), "W1", step=1.0)}
    assert disagreements(values(trace(spec).update()), coarse, **DIFFERENCES)


def wrong_entries(spec):
    return disagreements(values(trace(spec).update()), expected(spec))


def replace(monkeypatch, table, key, **changes):
    monkeypatch.setitem(table, key, msgspec.structs.replace(table[key], **changes))


@pytest.mark.parametrize("activation", DIFFERENTIABLE)
def test_a_derivative_a_thousandth_wrong_is_caught(activation, monkeypatch):
    right = ACTIVATIONS[activation].derivative
    replace(monkeypatch, ACTIVATIONS, activation, derivative=lambda z, p: right(z, p) * 1.001)
    if activation == "softmax":  # the tape takes the Jacobian in the layout of the spec
        jacobian = operations.softmax_jacobian
        monkeypatch.setattr(operations, "softmax_jacobian", lambda a: jacobian(a) * 1.001)
    output = "tanh" if activation == "linear" else "linear"
    spec = exercise((3, 4, 2), (activation, output), n=2, seed=1)
    ids = {entry[0] for entry in wrong_entries(spec)}
    assert {"g1", "delta1", "dW1", "db1", "da0"} <= ids
    assert not ids & {"z1", "a1", "loss", "delta2", "dW2", "db2", "da1"}


@pytest.mark.parametrize(
    ("operation", "wrong", "caught"),
    [
        ("sum_samples", lambda s, p, d: d[:1], {"db1", "db2"}),
        ("loss_gradient", lambda s, p, e, y=None: 2 * e, {"da2", "delta2", "dW2", "dW1"}),
        ("hadamard", lambda s, p, da, g: da, {"delta1", "dW1", "db1", "da0"}),
        ("add_penalty", lambda s, p, data, w: data, {"dW1", "dW2"}),
        ("add_bias", lambda s, p, product, b: product - b, {"z1", "z2", "loss"}),
        ("total", lambda s, p, terms: np.asarray(np.sum(terms)), {"data_loss", "loss"}),
    ],
)
def test_a_wrong_rule_is_caught(operation, wrong, caught, monkeypatch):
    replace(monkeypatch, operations.OPERATIONS, operation, evaluate=wrong)
    penalty = Regularization(l2=Number(0.1))
    spec = exercise((3, 4, 2), ("sigmoid", "linear"), n=5, seed=1, regularization=penalty)
    assert caught <= {entry[0] for entry in wrong_entries(spec)}


def test_weights_that_were_not_transposed_are_caught(monkeypatch):
    """Only square weights let the mistake through as far as a number."""

    def untransposed(s, p, x, y):
        return x @ y

    spec = exercise((3, 3, 3), ("tanh", "linear"), n=3, seed=1)
    replace(monkeypatch, operations.OPERATIONS, "matmul", evaluate=untransposed)
    assert {"da1", "dW2"} <= {entry[0] for entry in wrong_entries(spec)}


def test_one_wrong_entry_beside_large_ones_is_named():
    """1e-6 beside 1e6 moves the norm of the matrix by nothing that a tolerance would see."""
    right = np.array([[1e6, 2e6], [1e-3, 3e6]])
    wrong = right + np.array([[0, 0], [1e-6, 0]])
    assert np.isclose(np.linalg.norm(right), np.linalg.norm(wrong), rtol=1e-15)
    assert disagreements({"dW1": wrong}, {"dW1": right}) == [("dW1", 1, 0)]


def test_a_transposed_matrix_and_a_nan_are_named():
    assert disagreements({"db1": np.zeros((3, 1))}, {"db1": np.zeros((1, 3))}) == [("db1",)]
    zero = {"db1": np.zeros((1, 1))}
    assert disagreements({"db1": np.array([[np.nan]])}, zero) == [("db1", 0, 0)]
