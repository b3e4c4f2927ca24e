"""The bundled networks: each loads and traces, its data is what it says, its numbers come out."""

from __future__ import annotations

import math
import struct
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

import backtrace
from backtrace.tape.training import Training, train
from tests.networks import drawing
from tests.networks.formulas import FORMULAS
from tests.networks.kinds import EQUATIONS, LAYERED
from tests.sampling import share

NETWORKS = Path(__file__).parents[2] / "networks"
NAMES = [
    "adam",
    "delta-rule",
    "delta-rule-sigmoid",
    "digits",
    "mlp-math",
    "mnist",
    "momentum",
    "multi-neuron",
    "or-gate",
    "scalar-chain",
    "small-mlp",
    "softmax",
    "xor",
]


@cache
def spec(name: str) -> backtrace.Spec:
    return backtrace.load(NETWORKS / f"{name}.yaml")


@cache
def traced(name: str) -> backtrace.Trace:
    return backtrace.trace(spec(name))


def values(name: str, id_: str) -> NDArray[np.float64]:
    return np.asarray(traced(name)[id_].value, dtype=float)


def agrees(name: str, id_: str, expected: ArrayLike) -> None:
    np.testing.assert_allclose(values(name, id_), expected, rtol=1e-12, atol=1e-12, err_msg=id_)


def test_the_folder_holds_these_networks() -> None:
    assert sorted(path.stem for path in NETWORKS.glob("*.yaml")) == sorted([*NAMES, *EQUATIONS])
    assert LAYERED == NAMES
    assert sorted(FORMULAS) == EQUATIONS


@pytest.mark.parametrize("name", NAMES)
def test_it_traces_to_the_end_in_finite_numbers(name: str) -> None:
    trace = traced(name)
    assert trace.steps[-1].id == ("db1" if name == "mlp-math" else "loss_after")
    assert all(np.isfinite(step.value).all() for step in trace)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "mlp-math"])
def test_its_updates_make_the_loss_smaller(name: str) -> None:
    last = f"@{spec(name).epochs}"
    assert values(name, f"loss_after{last}") < values(name, "loss")


@pytest.mark.parametrize("name", [*NAMES, *EQUATIONS])
def test_it_says_where_it_comes_from_and_opens_with_advice(name: str) -> None:
    assert spec(name).title
    assert spec(name).source
    head, _, _ = (NETWORKS / f"{name}.yaml").read_text(encoding="utf-8").partition("\ntitle:")
    advice = [line for line in head.splitlines() if line]
    assert len(advice) >= 3
    assert all(line.startswith("#") for line in advice)


def test_mnist_images_are_the_drawn_ones() -> None:
    raw = (NETWORKS / "mnist" / "train-images-idx3-ubyte").read_bytes()
    assert struct.unpack(">IIII", raw[:16]) == (0x803, 10, 28, 28)
    shipped = np.frombuffer(raw, np.uint8, offset=16).reshape(10, 28, 28)
    # A grey level may round the other way where another machine's cosine differs in its last bit.
    assert np.abs(shipped.astype(int) - drawing.images().astype(int)).max() <= 1


def test_mnist_labels_are_the_digits_in_order() -> None:
    raw = (NETWORKS / "mnist" / "train-labels-idx1-ubyte").read_bytes()
    assert raw == struct.pack(">II", 0x801, 10) + bytes(range(10))


def test_mnist_has_an_image_a_column_and_targets_one_hot() -> None:
    inputs, targets = spec("mnist").inputs, spec("mnist").targets
    assert targets is not None
    np.testing.assert_allclose(inputs.values, drawing.images().reshape(10, 784).T / 255, atol=4e-3)
    np.testing.assert_array_equal(targets.values, np.eye(10))


def test_mnist_weights_are_within_their_bounds_and_the_same_each_time() -> None:
    first = spec("mnist").layers[0].weights.values
    again = backtrace.load(NETWORKS / "mnist.yaml").layers[0].weights.values
    assert first.shape == (10, 784)
    np.testing.assert_array_equal(first, again)
    # 7,840 uniform numbers: the extremes lie within a hundredth of the bounds, but for a chance
    # of about 2 exp(-78).
    assert -0.5 <= first.min() < -0.49
    assert 0.49 < first.max() < 0.5


def digits_file() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    with np.load(NETWORKS / "digits" / "digits.npz") as file:
        return file["x"], file["y"]


def test_digits_are_the_test_set_that_uci_describes() -> None:
    images, labels = digits_file()
    assert images.shape == (1797, 64)
    assert images.min() == 0
    assert images.max() == 16
    # "Class: No of examples in testing set", optdigits.names.
    published = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(labels).tolist() == published


def test_digits_are_those_of_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_digits()
    images, labels = digits_file()
    np.testing.assert_array_equal(images, theirs.data)
    np.testing.assert_array_equal(labels, theirs.target)


def test_digits_are_scaled_and_one_hot_and_every_fifth_is_held_out() -> None:
    images, labels = digits_file()
    held = spec("digits").validation
    assert held is not None
    fifth = np.arange(1, 1798) % 5 == 0
    assert fifth.sum() == 359  # 1797 / 5, cut off
    for data, which in ((spec("digits"), ~fifth), (held, fifth)):
        assert data.targets is not None
        np.testing.assert_allclose(data.inputs.values, images[which] / 16, rtol=1e-15)
        np.testing.assert_array_equal(data.targets.values, np.eye(10)[labels[which]])


def trained(name: str, **changes: tuple[str, str]) -> Training:
    """What `backtrace train` does with a bundled network, some of whose lines are changed."""
    text = (NETWORKS / f"{name}.yaml").read_text(encoding="utf-8")
    for before, after in changes.values():
        assert before in text
        text = text.replace(before, after)
    loaded = backtrace.loads(text, folder=NETWORKS)
    assert loaded.training_epochs is not None
    return train(msgspec.structs.replace(loaded, epochs=loaded.training_epochs))


@pytest.mark.parametrize("seed", range(1, 1 + share(4)))
def test_digits_of_the_held_out_fifth_are_told_apart(seed: int) -> None:
    found = trained("digits", seed=("seed: 1\n", f"seed: {seed}\n"))
    kept = found.kept
    assert kept is not None
    assert kept.validation is not None
    assert kept.validation.accuracy is not None
    assert kept.validation.accuracy >= 0.94
    # The best epoch is the one that is kept, by the loss of the held-out samples.
    losses = [record.validation.loss for record in found.records if record.validation is not None]
    assert kept.validation.loss == min(losses)
    assert len(losses) == found.progress.last.epoch + 1


def test_the_accuracy_of_digits_is_that_of_its_parameters() -> None:
    found = trained("digits", epochs=("{epochs: 500}", "{epochs: 30}"))
    images, labels = digits_file()
    x, y = images[4::5] / 16, labels[4::5]
    w1, b1, w2, b2 = (found.state.values[id] for id in ("W1", "b1", "W2", "b2"))
    right = np.argmax(np.maximum(x @ w1 + b1, 0) @ w2 + b2, axis=1) == y
    assert found.kept is not None
    assert found.kept.validation is not None
    assert found.kept.validation.accuracy == right.mean()


def test_delta_rule() -> None:
    agrees("delta-rule", "z1", [[0.5 * 1 - 1 * 2 + 1 * 3]])  # 1.5
    agrees("delta-rule", "error", [[0.5]])  # 2 - 1.5
    agrees("delta-rule", "loss", 0.125)  # 0.5^2 / 2
    agrees("delta-rule", "dW1", [[0.5 * 1, 0.5 * 2, 0.5 * 3]])  # e a: the negative of dJ/dw
    agrees("delta-rule", "W1_new", [[0.525, -0.95, 1.075]])  # w + 0.05 e a
    agrees("delta-rule", "loss_after", 0.01125)  # z = 0.525 - 1.9 + 3.225 = 1.85; 0.15^2 / 2


def test_delta_rule_with_a_sigmoid() -> None:
    agrees("delta-rule-sigmoid", "z1", [[0]])  # 2 + 2 - 4
    agrees("delta-rule-sigmoid", "a1", [[0.5]])
    agrees("delta-rule-sigmoid", "g1", [[0.25]])
    agrees("delta-rule-sigmoid", "delta1", [[0.125]])  # 0.25 (1 - 0.5)
    agrees("delta-rule-sigmoid", "dW1", [[0.125, 0.25, 0.5]])
    agrees("delta-rule-sigmoid", "W1_new", [[2.05, 1.1, -0.8]])  # w + 0.4 delta a


def sigma(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def test_scalar_chain() -> None:
    a1 = sigma(0.5 * 2)
    a2 = sigma(2 * a1)
    a3 = sigma(-1 * a2)
    e3 = 1 - a3
    delta3 = a3 * (1 - a3) * e3
    e2 = -1 * delta3
    delta2 = a2 * (1 - a2) * e2
    e1 = 2 * delta2
    delta1 = a1 * (1 - a1) * e1
    expected = {"da3": e3, "delta3": delta3, "da2": e2, "delta2": delta2, "da1": e1}
    expected |= {"delta1": delta1, "dW3": delta3 * a2, "dW2": delta2 * a1, "dW1": delta1 * 2}
    expected |= {"W3_new": -1 + 0.5 * delta3 * a2, "W1_new": 0.5 + 0.5 * delta1 * 2}
    for id_, number in expected.items():
        agrees("scalar-chain", id_, [[number]])


def test_multi_neuron_by_the_formulas_of_the_lecture() -> None:
    a1, a2 = sigma(0.5 * 1 + 0.25 * 2), sigma(1 * 1 - 1 * 2)
    y1, y2 = sigma(1 * a1 + 2 * a2), sigma(-1 * a1 + 0.5 * a2)
    delta1, delta2 = y1 * (1 - y1) * (1 - y1), y2 * (1 - y2) * (0 - y2)  # g'(z) e
    e1 = delta1 * 1 + delta2 * -1  # delta1 w11 + delta2 w21
    e2 = delta1 * 2 + delta2 * 0.5  # delta1 w12 + delta2 w22
    agrees("multi-neuron", "error", [[1 - y1], [0 - y2]])
    agrees("multi-neuron", "delta2", [[delta1], [delta2]])
    agrees("multi-neuron", "dW2", [[delta1 * a1, delta1 * a2], [delta2 * a1, delta2 * a2]])
    agrees("multi-neuron", "da1", [[e1], [e2]])
    hidden1, hidden2 = a1 * (1 - a1) * e1, a2 * (1 - a2) * e2
    agrees("multi-neuron", "dW1", [[hidden1 * 1, hidden1 * 2], [hidden2 * 1, hidden2 * 2]])


def test_softmax() -> None:
    agrees("softmax", "z1", [[1, 1], [1.5, -1]])  # 1 + 1 - 1, -1 + 2; 2 + 0.5 - 1, -2 + 1
    agrees("softmax", "z2", [[1, 2, 0.5], [1.5, 0, -1]])  # 1, 2, -1 + 1 + 0.5; ..., -1.5 + 0.5
    first = [math.exp(1), math.exp(2), math.exp(0.5)]
    second = [math.exp(1.5), math.exp(0), math.exp(-1)]
    p = [entry / sum(first) for entry in first]
    q = [entry / sum(second) for entry in second]
    agrees("softmax", "a2", [p, q])
    agrees("softmax", "loss", -(math.log(p[1]) + math.log(q[2])) / 2)
    agrees(
        "softmax",
        "delta2",
        [[p[0] / 2, (p[1] - 1) / 2, p[2] / 2], [q[0] / 2, q[1] / 2, (q[2] - 1) / 2]],
    )


def test_momentum() -> None:
    agrees("momentum", "error", [[-2], [1]])  # 1 - 2 + 0.5 - 1.5; 3 + 1 + 0.5 - 3.5
    agrees("momentum", "dW1", [[1], [-5]])  # 2/n = 1: -2 + 3; -4 - 1
    agrees("momentum", "db1", [[-1]])
    agrees("momentum", "W1_new", [[0.9], [-0.5]])  # the velocity starts at 0: the plain step
    agrees("momentum", "error@2", [[-1], [0.3]])  # 0.9 - 1 + 0.6 - 1.5; 2.7 + 0.5 + 0.6 - 3.5
    agrees("momentum", "dW1@2", [[-0.1], [-2.3]])  # -1 + 0.9; -2 - 0.3
    agrees("momentum", "vW1@2", [[0.4], [-4.8]])  # 0.5 · 1 - 0.1; 0.5 · -5 - 2.3
    agrees("momentum", "vb1@2", [[-1.2]])  # 0.5 · -1 - 0.7
    agrees("momentum", "W1_new@2", [[0.86], [-0.02]])
    agrees("momentum", "b1_new@2", [[0.72]])
    agrees("momentum", "loss_after@2", 0.017)  # errors 0.04 and -0.18


def adam_steps(first: float, second: float) -> tuple[float, float]:
    """The two steps of one entry with these gradients, from the paper's algorithm 1."""
    m1, v1 = 0.1 * first, 0.001 * first**2
    step1 = -0.1 * (m1 / 0.1) / (math.sqrt(v1 / 0.001) + 1e-8)
    m2, v2 = 0.9 * m1 + 0.1 * second, 0.999 * v1 + 0.001 * second**2
    step2 = -0.1 * (m2 / (1 - 0.9**2)) / (math.sqrt(v2 / (1 - 0.999**2)) + 1e-8)
    return step1, step2


def test_adam() -> None:
    agrees("adam", "dW1", [[1], [-5]])  # as in momentum
    second = values("adam", "dW1@2")
    steps = [adam_steps(1, second[0, 0]), adam_steps(-5, second[1, 0])]
    agrees("adam", "step_W1", [[steps[0][0]], [steps[1][0]]])
    agrees("adam", "W1_new", [[1 + steps[0][0]], [-1 + steps[1][0]]])
    agrees("adam", "step_W1@2", [[steps[0][1]], [steps[1][1]]])
    # The first step is the rate against the sign: W = [0.9, -0.9], b = 0.6, so the errors are
    # 0.9 - 1.8 + 0.6 - 1.5 = -1.8 and 2.7 + 0.9 + 0.6 - 3.5 = 0.7, and dW is 2/n = 1 times
    # [-1.8 + 3 · 0.7, 2 · -1.8 - 0.7], but for epsilon.
    np.testing.assert_allclose(second, [[0.3], [-4.3]], atol=1e-6)


def test_xor_is_solved() -> None:
    found = trained("xor")
    assert found.ended == "loss"
    assert found.kept is not None
    assert found.kept.training.loss <= 0.01
    assert found.kept.training.accuracy == 1.0
    w1, b1, w2, b2 = (found.state.values[id] for id in ("W1", "b1", "W2", "b2"))
    z = np.tanh(spec("xor").inputs.values @ w1 + b1) @ w2 + b2
    # The mean of four −ln p is at most 0.01, so each is at most 0.04: every p is above 0.96.
    np.testing.assert_allclose(1 / (1 + np.exp(-z[:, 0])), [0, 1, 1, 0], atol=0.04)


def test_xor_can_be_learnt_from_its_start() -> None:
    x, y = spec("xor").inputs.values, [0, 1, 1, 0]
    w1, w2 = (layer.weights.values for layer in spec("xor").layers)
    b1, b2 = np.array([[0, -0.5]]), np.array([[0]])
    for _ in range(300):  # plain gradient descent, rate 1
        hidden = np.tanh(x @ w1 + b1)
        output = 1 / (1 + np.exp(-(hidden @ w2 + b2)))
        delta2 = (output - np.array(y)[:, None]) / 4
        delta1 = (delta2 @ w2.T) * (1 - hidden**2)
        w1, b1 = w1 - x.T @ delta1, b1 - delta1.sum(axis=0, keepdims=True)
        w2, b2 = w2 - hidden.T @ delta2, b2 - delta2.sum(axis=0, keepdims=True)
    np.testing.assert_allclose(output[:, 0], y, atol=0.1)
