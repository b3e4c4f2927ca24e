"""Wrong rules that people were found with in public, each worked here by its own formula."""

import numpy as np
import pytest

from tests.check.typed import report

X = np.array([[0.5, 1.2], [-0.8, 0.4], [1.1, -0.6], [0.3, 0.9]])
W1, B1 = np.array([[0.2, -0.4, 0.3], [0.5, 0.6, -0.2]]), np.array([0.1, -0.1, 0.2])
W2, B2 = np.array([[0.7], [-0.5], [0.4]]), np.array([0.05])
Z1 = X @ W1 + B1


def spec(activation, output, loss, targets, more=""):
    weights = f"weights: {W1.tolist()}, bias: {B1.tolist()}"
    return f"""
layers:
  - {{activation: {activation}, {weights}}}
  - {{activation: {output}, weights: {W2.tolist()}, bias: {B2.tolist()}}}
inputs: {X.tolist()}
targets: {targets}
loss: {loss}
learning_rate: 0.5
{more}"""


def typed(**lines):
    """The lines of a sheet, rounded to four decimals."""
    return "\n".join(
        f"{id}: {np.vectorize('{:.4f}'.format)(x).tolist() if np.ndim(x) else f'{x:.4f}'}".replace(
            "'", ""
        )
        for id, x in lines.items()
    )


def named(text, sheet):
    found = report(text, sheet)
    return [(q.name, q.mistakes) for q in found.quantities if q.verdict == "wrong"]


NUMBERS = "[[1.0], [0.5], [-0.4], [2.0]]"
SLOPES = {  # a hidden activation, what was written for its slope at z, and what that is called
    "tanh, the 1 missing": ("tanh", lambda z: -(np.tanh(z) ** 2), "derivative-incomplete"),
    "tanh, plus": ("tanh", lambda z: 1 + np.tanh(z) ** 2, "sign-flipped"),
    "ELU by z": ("elu", lambda z: np.where(z > 0, 1, z + 1), "preactivation-in-derivative"),
    "leaky, times z": (
        "{name: leaky_relu, slope: 0.1}",
        lambda z: np.where(z > 0, 1, 0.1 * z),
        "z-times-slope",
    ),
}


@pytest.mark.parametrize("kind", SLOPES)
def test_the_slope_of_a_hidden_layer(kind):
    activation, slope, code = SLOPES[kind]
    text = spec(activation, "linear", "half_mse", NUMBERS)
    a1 = {"tanh": np.tanh(Z1), "elu": np.where(Z1 > 0, Z1, np.exp(Z1) - 1)}
    a1 = a1.get(activation, np.where(Z1 > 0, Z1, 0.1 * Z1))
    assert named(text, typed(z1=Z1, a1=a1, g1=slope(Z1))) == [("g1", (code,))]


def test_the_z_of_another_layer_in_a_slope():
    text = spec("tanh", "tanh", "half_mse", NUMBERS).replace(
        f"{W2.tolist()}, bias: {B2.tolist()}",
        "[[0.6, -0.4, 0.2], [0.9, 0.5, 0.1], [-0.3, 0.2, 0.7]], bias: none",
    )
    text = text.replace(NUMBERS, "[[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 0]]")
    z2 = np.tanh(Z1) @ np.array([[0.6, -0.4, 0.2], [0.9, 0.5, 0.1], [-0.3, 0.2, 0.7]])
    sheet = typed(z1=Z1, a1=np.tanh(Z1), z2=z2, g1=1 - np.tanh(z2) ** 2)
    assert named(text, sheet) == [("g1", ("wrong-layer",))]


Y = np.array([[1], [0], [1], [0]])
CLASSES = spec("tanh", "sigmoid", "binary_cross_entropy", Y.tolist())
A2 = 1 / (1 + np.exp(-(np.tanh(Z1) @ W2 + B2)))


def test_the_part_with_1_minus_y_is_missing_in_the_gradient():
    sheet = typed(a2=A2, delta2=-Y * (1 - A2) / 4)
    assert named(CLASSES, sheet) == [("delta2", ("complement-omitted",))]


def test_the_part_with_1_minus_y_has_the_other_sign():
    terms = Y * np.log(A2) - (1 - Y) * np.log(1 - A2)
    found = report(CLASSES, typed(a2=A2, loss=-terms.mean()))
    assert [q.mistakes for q in found.quantities if q.verdict == "wrong"] == [("sign-flipped",)]


def test_the_loss_is_sent_back():
    a2 = np.tanh(Z1) @ W2 + B2
    loss = 0.5 * ((a2 - np.array([[1.0], [0.5], [-0.4], [2.0]])) ** 2).mean()
    text = spec("tanh", "linear", "half_mse", NUMBERS)
    sheet = typed(a2=a2, loss=loss, da2=np.full((4, 1), loss))
    assert named(text, sheet) == [("da2", ("value-for-error",))]


def test_a_softmax_of_the_whole_batch():
    text = spec("tanh", "softmax", "cross_entropy", "[[1, 0], [0, 1], [1, 0], [0, 1]]").replace(
        f"{W2.tolist()}, bias: {B2.tolist()}",
        "[[0.7, -0.3], [-0.5, 0.8], [0.4, 0.6]], bias: none",
    )
    z2 = np.tanh(Z1) @ np.array([[0.7, -0.3], [-0.5, 0.8], [0.4, 0.6]])
    sheet = typed(z2=z2, a2=np.exp(z2) / np.exp(z2).sum())
    assert named(text, sheet) == [("a2", ("softmax-wrong-axis",))]


@pytest.mark.parametrize("taken", [np.abs, np.ones_like, np.positive])
def test_the_gradient_of_an_absolute_penalty_is_charged_once(taken):
    """λ|w|, λ and λw for λ·sign w, in both layers."""
    text = spec("tanh", "linear", "half_mse", NUMBERS, "regularization: {l1: 0.1}")
    a1 = np.tanh(Z1)
    delta2 = (a1 @ W2 + B2 - np.array([[1.0], [0.5], [-0.4], [2.0]])) / 4
    delta1 = delta2 @ W2.T * (1 - a1**2)
    lines = {"dW2": a1.T @ delta2, "dW1": X.T @ delta1}
    sheet = typed(
        a1=a1,
        delta2=delta2,
        dW2=lines["dW2"] + 0.1 * taken(W2),
        delta1=delta1,
        dW1=lines["dW1"] + 0.1 * taken(W1),
    )
    found = report(text, sheet)
    wrong = {q.name: q for q in found.quantities if q.verdict == "wrong"}
    assert {q.mistakes for q in wrong.values()} == {("penalty-misderived",)}
    assert wrong["dW1"].repeated == "dW2"


def test_numbers_that_cutting_off_mends_nothing_of_are_not_said_to_be_cut_off():
    """Gradients and new weights of a program whose softmax is e^z / Σ of the whole batch, printed
    with four decimals."""
    text = spec("tanh", "softmax", "cross_entropy", np.eye(3)[[0, 1, 2, 0]].tolist()).replace(
        f"{W2.tolist()}, bias: {B2.tolist()}",
        "[[0.7, -0.3, 0.2], [-0.5, 0.8, 0.1], [0.4, 0.6, -0.9]], bias: [0.05, -0.15, 0.1]",
    )
    sheet = """
dW2: [[-0.2680, -0.0093, 0.0244], [-0.1765, -0.0948, 0.1965], [-0.0311, 0.0387, -0.1347]]
db2: [[-0.3974, -0.1807, -0.1719]]
dW1: [[-0.1742, 0.1964, 0.2186], [-0.1569, 0.1830, -0.3589]]
db1: [[-0.1434, 0.0555, -0.1854]]
W1_new: [[0.2871, -0.4982, 0.1907], [0.5785, 0.5085, -0.0206]]
b1_new: [[0.1717, -0.1278, 0.2927]]
W2_new: [[0.8340, -0.2953, 0.1878], [-0.4117, 0.8474, 0.0018], [0.4155, 0.5807, -0.8327]]
b2_new: [[0.2487, -0.0597, 0.1859]]
"""
    assert report(text, sheet).conventions is None
    assert named(text, sheet) == [("dW2", ("softmax-wrong-axis",))]
