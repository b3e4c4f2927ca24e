"""Conventions change how a derivation is written, and nothing else."""

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backtrace.spec.model import Conventions, Number, Optimizer, Regularization
from backtrace.tape.run import trace
from tests.sampling import share
from tests.tape.exercises import exercise, networks

NEGATED = "error|da|delta|dW|db|dalpha|data_dW|data_db"
# A shared bias before a softmax has the gradient 0, in floats 1e-17 either way; over an ε of 1e-8
# that noise would be a step.
ADAM = {"beta1": Number(0.9), "beta2": Number(0.999), "epsilon": Number(1e-3)}
OPTIMIZERS = {
    "sgd": {},
    "momentum": {"momentum": Number(0.9)},
    "nesterov": {"momentum": Number(0.9)},
    "adagrad": {"epsilon": Number(1e-3)},
    "rmsprop": {"decay": Number(0.9), "epsilon": Number(1e-3)},
    "adadelta": {"rho": Number(0.9), "epsilon": Number(1e-3)},
    "adam": ADAM,
    "nadam": {**ADAM, "momentum_decay": Number(0.004)},
}
# What accumulates gradients takes their sign; what accumulates squares does not.
NEGATED_STATES = {
    "sgd": "",
    "momentum": "v(?:[Wb]|alpha)",
    "nesterov": "v(?:[Wb]|alpha)",
    "adagrad": "",
    "rmsprop": "",
    "adadelta": "r(?:[Wb]|alpha)",
    "adam": "(?:m|mhat)(?:[Wb]|alpha)",
    "nadam": "(?:m|mhat)(?:[Wb]|alpha)",
}

NETWORKS = networks(
    ["mse", "half_sse", "mse_elements", "hinge", "upstream"],
    regularization=st.sampled_from(
        [None, Regularization(Number(0.1), Number(0.2), "lambda_over_2n")]
    ),
    mean_in=st.sampled_from(["delta", "gradient"]),
)
optimizers = st.sampled_from(sorted(OPTIMIZERS))


def traces(network, first, second, optimizer="sgd", **fields):
    """One network under two conventions."""
    chosen = Optimizer(optimizer, Number(0.1), OPTIMIZERS[optimizer])
    network = dict(network)
    mean_in = network.pop("mean_in", "delta")
    return tuple(
        trace(
            exercise(
                **network,
                conventions=Conventions(*names, mean_in),
                optimizer=chosen,
                **fields,
            )
        )
        for names in (first, second)
    )


def assert_same(first, second):
    np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-12)


@settings(max_examples=share(60), derandomize=True)
@given(NETWORKS, optimizers, st.sampled_from(["gradient", "descent"]))
def test_both_layouts_give_transposed_traces(network, optimizer, sign):
    """Every matrix, augmented ones and the stacked Jacobians of softmax among them."""
    rows, columns = traces(
        network, ("rows", "in_out", sign), ("columns", "out_in", sign), optimizer, epochs=2
    )
    assert [step.id for step in rows] == [step.id for step in columns]
    for first, second in zip(rows, columns, strict=True):
        assert first.shape == second.shape[::-1]
        assert_same(first.value, second.value.T)


@settings(max_examples=share(40), derandomize=True)
@given(NETWORKS, st.sampled_from(["rows", "columns"]))
def test_orientation_transposes_weights_and_nothing_else(network, layout):
    one, other = traces(network, (layout, "in_out", "gradient"), (layout, "out_in", "gradient"))
    assert [step.id for step in one] == [step.id for step in other]
    for first, second in zip(one, other, strict=True):
        weights = first.id.startswith(("W", "dW", "data_dW"))
        assert_same(first.value, second.value.T if weights else second.value)


@settings(max_examples=share(60), derandomize=True)
@given(NETWORKS, optimizers)
def test_both_signs_give_negated_traces(network, optimizer):
    """The error and what is worked from it turn round; values, squares and steps do not."""
    upwards, downwards = traces(
        network, ("rows", "in_out", "gradient"), ("rows", "in_out", "descent"), optimizer, epochs=2
    )
    assert [step.id for step in upwards] == [step.id for step in downwards]
    turning = re.compile(rf"(?:{NEGATED}|{NEGATED_STATES[optimizer]})[0-9]*(?:_old)?")
    for first, second in zip(upwards, downwards, strict=True):
        turned = turning.fullmatch(first.id)
        assert_same(first.value, -second.value if turned else second.value)


def test_the_transposition_is_not_met_by_symmetric_numbers():
    rows, columns = traces(
        {"widths": (2, 3, 4), "activations": ("tanh", "softmax"), "loss": "mse", "n": 5},
        ("rows", "in_out", "gradient"),
        ("columns", "out_in", "gradient"),
    )
    assert rows["g2"].shape == (20, 4)
    assert columns["g2"].shape == (4, 20)
    assert not np.allclose(rows["W1"].value, columns["W1"].value.T * 1.001)
