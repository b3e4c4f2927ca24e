"""The bundled equations once more, in plain NumPy, and their gradients by complex steps.

Of a function that takes complex numbers f′(x) is Im f(x + ih)/h, exact to the last digits, since
nothing is subtracted. Where there is a kink the real part decides which side it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.complex128]

STEP = 1e-40


class Board(dict[str, Matrix]):
    """Names and their values; ``nudged`` is added to some as they are written."""

    def __init__(self, given: Mapping[str, NDArray[np.float64]], **nudged: Matrix) -> None:
        super().__init__()
        self.nudged = nudged
        for name, value in given.items():
            self[name] = np.asarray(value, dtype=complex)

    def __setitem__(self, name: str, value: Matrix) -> None:
        super().__setitem__(name, value + self.nudged.get(name, 0))


def sigmoid(z: Matrix) -> Matrix:
    return 1 / (1 + np.exp(-z))


def relu(z: Matrix) -> Matrix:
    return np.where(z.real > 0, z, 0)


def softmax(z: Matrix, axis: int) -> Matrix:
    e = np.exp(z)
    return e / e.sum(axis=axis, keepdims=True)


def total(x: Matrix) -> Matrix:
    return x.sum().reshape(1, 1)


def graph(n: Board) -> None:
    n["q"] = n["x"] + n["y"]
    n["f"] = n["q"] * n["z"]


def circuit(n: Board) -> None:
    n["p_0"] = n["w_0"] * n["x_0"]
    n["p_1"] = n["w_1"] * n["x_1"]
    n["s"] = n["p_0"] + n["p_1"]
    n["u"] = n["s"] + n["w_2"]
    n["v"] = -n["u"]
    n["e"] = np.exp(n["v"])
    n["n"] = n["e"] + 1
    n["f"] = 1 / n["n"]


def convolution(n: Board) -> None:
    x, k = n["X"], n["K"]
    n["C"] = n["b"] + np.array(
        [[(x[i : i + 2, j : j + 2] * k).sum() for j in range(3)] for i in range(3)]
    )
    n["R"] = relu(n["C"])
    r = n["R"]
    windows = [[r[i : i + 2, j : j + 2].ravel() for j in range(2)] for i in range(2)]
    n["P"] = np.array([[w[np.argmax(w.real)] for w in row] for row in windows])
    n["f"] = n["P"].reshape(1, 4)
    n["y"] = n["f"] @ n["W"] + n["c"]
    n["L"] = total((n["y"] - n["t"]) ** 2) / 2


def recurrent(n: Board) -> None:
    for t in (1, 2, 3):
        before = n[f"h_{t - 1}"]
        n[f"h_{t}"] = np.tanh(n["W_xh"] @ n[f"x_{t}"] + n["W_hh"] @ before + n["b_h"])
        n[f"o_{t}"] = n["W_hy"] @ n[f"h_{t}"] + n["b_y"]
        n[f"p_{t}"] = softmax(n[f"o_{t}"], axis=0)
        n[f"L_{t}"] = -total(n[f"y_{t}"] * np.log(n[f"p_{t}"]))
    n["L"] = n["L_1"] + n["L_2"] + n["L_3"]


def lstm(n: Board) -> None:
    for t in (1, 2):
        for gate, f in (("a", np.tanh), ("i", sigmoid), ("f", sigmoid), ("o", sigmoid)):
            own = n[f"W_{gate}"] @ n[f"x_{t}"] + n[f"U_{gate}"] @ n[f"h_{t - 1}"] + n[f"b_{gate}"]
            n[f"{gate}_{t}"] = f(own)
        n[f"s_{t}"] = n[f"a_{t}"] * n[f"i_{t}"] + n[f"f_{t}"] * n[f"s_{t - 1}"]
        n[f"h_{t}"] = np.tanh(n[f"s_{t}"]) * n[f"o_{t}"]
        n[f"L_{t}"] = total((n[f"h_{t}"] - n[f"y_{t}"]) ** 2) / 2
    n["L"] = n["L_1"] + n["L_2"]


def gru(n: Board) -> None:
    x, h = n["X"], n["H_0"]
    n["R"] = sigmoid(x @ n["W_xr"] + h @ n["W_hr"] + n["b_r"])
    n["Z"] = sigmoid(x @ n["W_xz"] + h @ n["W_hz"] + n["b_z"])
    n["H_tilde"] = np.tanh(x @ n["W_xh"] + (n["R"] * h) @ n["W_hh"] + n["b_h"])
    n["H_1"] = n["Z"] * h + (1 - n["Z"]) * n["H_tilde"]
    n["L"] = total((n["H_1"] - n["Y"]) ** 2) / (2 * 2)


def attention(n: Board) -> None:
    for name in "QKV":
        n[name] = n["X"] @ n[f"W_{name}"]
    n["S"] = n["Q"] @ n["K"].T / np.sqrt(2) + n.get("M", np.zeros((3, 3)))
    n["A"] = softmax(n["S"], axis=1)
    n["O"] = n["A"] @ n["V"]
    n["L"] = total((n["O"] - n["Y"]) ** 2) / (2 * 3)


def batch_norm(n: Board) -> None:
    n["mu"] = n["x"].sum(axis=0, keepdims=True) / 4
    n["d"] = n["x"] - n["mu"]
    n["sq"] = n["d"] * n["d"]
    n["v"] = n["sq"].sum(axis=0, keepdims=True) / 4
    n["std"] = np.sqrt(n["v"])
    n["inv"] = 1 / n["std"]
    n["x_hat"] = n["d"] * n["inv"]
    n["scaled"] = n["gamma"] * n["x_hat"]
    n["out"] = n["scaled"] + n["beta"]


def layer_norm(n: Board) -> None:
    n["mu"] = n["x"].sum(axis=1, keepdims=True) / 4
    n["v"] = (n["x"] ** 2).sum(axis=1, keepdims=True) / 4 - (n["x"].sum(axis=1)[:, None] / 4) ** 2
    n["x_hat"] = (n["x"] - n["mu"]) / np.sqrt(n["v"])
    n["out"] = n["gamma"] * n["x_hat"] + n["beta"]
    n["L"] = total((n["out"] - n["y"]) ** 2) / 2


def skip_gram(n: Board) -> None:
    n["v_c"] = n["V"][:, 1:2]
    n["z"] = n["U"].T @ n["v_c"]
    n["p"] = softmax(n["z"], axis=0)
    n["J"] = -total(n["y"] * np.log(n["p"]))


def dropout(n: Board) -> None:
    n["Z"] = n["X"] @ n["W_1"] + n["b_1"]
    n["H"] = relu(n["Z"])
    n["D"] = n["H"] * n["M"] / n["p"]
    n["O"] = n["D"] @ n["W_2"] + n["b_2"]
    n["L"] = total((n["O"] - n["Y"]) ** 2) / (2 * 2)


def residual(n: Board) -> None:
    n["z"] = n["W_1"] @ n["x"] + n["b_1"]
    n["h"] = relu(n["z"])
    n["F"] = n["W_2"] @ n["h"] + n["b_2"]
    n["s"] = n["F"] + n["x"]
    n["out"] = relu(n["s"])
    n["L"] = total((n["out"] - n["y"]) ** 2) / 2


def autoencoder(n: Board) -> None:
    n["z"] = n["W"] @ n["x"] + n["b"]
    n["h"] = sigmoid(n["z"])
    n["o"] = n["W"].T @ n["h"] + n["c"]
    n["x_hat"] = sigmoid(n["o"])
    x, p = n["x"], n["x_hat"]
    n["L"] = -total(x * np.log(p) + (1 - x) * np.log(1 - p)) / 2


def perceptron(n: Board) -> None:
    for t in (1, 2, 3, 4):
        before = n[f"w_{t - 1}"]
        n[f"z_{t}"] = n[f"x_{t}"] @ before + n[f"b_{t - 1}"]
        n[f"y_{t}"] = np.where(n[f"z_{t}"].real > 0, 1, 0)
        n[f"e_{t}"] = n[f"d_{t}"] - n[f"y_{t}"]
        n[f"w_{t}"] = before + n["eta"] * n[f"e_{t}"] * n[f"x_{t}"].T
        n[f"b_{t}"] = n[f"b_{t - 1}"] + n["eta"] * n[f"e_{t}"]


FORMULAS: dict[str, Callable[[Board], None]] = {
    "attention": attention,
    "autoencoder": autoencoder,
    "batch-norm": batch_norm,
    "circuit": circuit,
    "convolution": convolution,
    "dropout": dropout,
    "graph": graph,
    "gru": gru,
    "layer-norm": layer_norm,
    "lstm": lstm,
    "perceptron": perceptron,
    "recurrent": recurrent,
    "residual": residual,
    "skip-gram": skip_gram,
}


def worked(
    name: str, given: Mapping[str, NDArray[np.float64]], **nudged: Matrix
) -> dict[str, Matrix]:
    """Every name's value."""
    board = Board(given, **nudged)
    FORMULAS[name](board)
    return dict(board)


def gradient(
    name: str,
    given: Mapping[str, NDArray[np.float64]],
    starts: Mapping[str, NDArray[np.float64]],
    of: str,
) -> NDArray[np.float64]:
    """By each entry of ``of``, of the sum of what stands at ``starts`` times its weights."""
    found = np.zeros(worked(name, given)[of].shape)
    for entry in np.ndindex(found.shape):
        nudge = np.zeros(found.shape, dtype=complex)
        nudge[entry] = 1j * STEP
        values = worked(name, given, **{of: nudge})
        parts = [(weights * values[start].imag).sum() for start, weights in starts.items()]
        found[entry] = sum(parts) / STEP
    return found
