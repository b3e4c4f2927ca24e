"""What training equations costs: an epoch against a NumPy loop of the same lines, written by hand.

Run from the repository: ``python -m tests.benchmarks.equations``. Both are timed in turns in one
run; the ratios are of medians. Each loop is held against the training before it is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import backtrace
from backtrace.tape.training import Engine, starting_state
from tests.benchmarks.training import Work, interleaved, report

Values = dict[str, Any]
LIMIT = 1.0


def softmax(x: Any, axis: int) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def attention(p: Values) -> tuple[float, Values]:
    x, w_q, w_k, w_v = p["X"], p["W_Q"], p["W_K"], p["W_V"]
    q, k, v = x @ w_q, x @ w_k, x @ w_v
    a = softmax(q @ k.T / np.sqrt(2), 1)
    e = a @ v - p["Y"]
    loss = np.sum(e * e) / (2 * len(x))
    do = e / len(x)
    da = do @ v.T
    ds = a * (da - np.sum(da * a, axis=1, keepdims=True)) / np.sqrt(2)
    return loss, {"W_Q": x.T @ (ds @ k), "W_K": x.T @ (ds.T @ q), "W_V": x.T @ (a.T @ do)}


def recurrent(p: Values) -> tuple[float, Values]:
    """As in min-char-rnn, with a column a time step."""
    w_xh, w_hh, w_hy, b_h, b_y = p["W_xh"], p["W_hh"], p["W_hy"], p["b_h"], p["b_y"]
    h, y, loss = {0: p["h_0"]}, {}, 0.0
    for t in (1, 2, 3):
        h[t] = np.tanh(w_xh @ p[f"x_{t}"] + w_hh @ h[t - 1] + b_h)
        y[t] = softmax(w_hy @ h[t] + b_y, 0)
        loss -= np.sum(p[f"y_{t}"] * np.log(y[t]))
    d = {name: np.zeros_like(p[name]) for name in ("W_xh", "W_hh", "W_hy", "b_h", "b_y")}
    following = np.zeros_like(h[0])
    for t in (3, 2, 1):
        do = y[t] - p[f"y_{t}"]
        d["W_hy"] += do @ h[t].T
        d["b_y"] += do
        dz = (w_hy.T @ do + following) * (1 - h[t] * h[t])
        d["b_h"] += dz
        d["W_xh"] += dz @ p[f"x_{t}"].T
        d["W_hh"] += dz @ h[t - 1].T
        following = w_hh.T @ dz
    return loss, d


GATES = {"a": np.tanh, "i": sigmoid, "f": sigmoid, "o": sigmoid}


def lstm(p: Values) -> tuple[float, Values]:
    h, s, gates, loss = {0: p["h_0"]}, {0: p["s_0"]}, {}, 0.0
    for t in (1, 2):
        x = p[f"x_{t}"]
        gates[t] = {
            n: f(p[f"W_{n}"] @ x + p[f"U_{n}"] @ h[t - 1] + p[f"b_{n}"]) for n, f in GATES.items()
        }
        g = gates[t]
        s[t] = g["a"] * g["i"] + g["f"] * s[t - 1]
        h[t] = np.tanh(s[t]) * g["o"]
        loss += np.sum((h[t] - p[f"y_{t}"]) ** 2) / 2
    d = {f"{kind}_{n}": np.zeros_like(p[f"{kind}_{n}"]) for n in GATES for kind in "WUb"}
    dh, ds = np.zeros_like(h[0]), np.zeros_like(s[0])
    for t in (2, 1):
        g, c = gates[t], np.tanh(s[t])
        dh = dh + h[t] - p[f"y_{t}"]
        ds = ds + dh * g["o"] * (1 - c * c)
        dz = {
            "a": ds * g["i"] * (1 - g["a"] * g["a"]),
            "i": ds * g["a"] * g["i"] * (1 - g["i"]),
            "f": ds * s[t - 1] * g["f"] * (1 - g["f"]),
            "o": dh * c * g["o"] * (1 - g["o"]),
        }
        dh = np.zeros_like(dh)
        for n, slope in dz.items():
            d[f"W_{n}"] += slope @ p[f"x_{t}"].T
            d[f"U_{n}"] += slope @ h[t - 1].T
            d[f"b_{n}"] += slope
            dh += p[f"U_{n}"].T @ slope
        ds = ds * g["f"]
    return loss, d


def convolution(p: Values) -> tuple[float, Values]:
    x, k, w = p["X"], p["K"], p["W"]
    c = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            c[i, j] = np.sum(x[i : i + 2, j : j + 2] * k)
    c += p["b"]
    r = np.maximum(c, 0)
    pooled = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            pooled[i, j] = r[i : i + 2, j : j + 2].max()
    f = pooled.reshape(1, 4)
    e = f @ w + p["c"] - p["t"]
    df = (e @ w.T).reshape(2, 2)
    dr = np.zeros((3, 3))
    for i in range(2):
        for j in range(2):
            window = r[i : i + 2, j : j + 2]
            at = np.unravel_index(window.argmax(), (2, 2))
            dr[i + at[0], j + at[1]] += df[i, j]
    dc = dr * (c > 0)
    dk = np.empty((2, 2))
    for u in range(2):
        for v in range(2):
            dk[u, v] = np.sum(dc * x[u : u + 3, v : v + 3])
    loss = np.sum(e * e) / 2
    return loss, {"K": dk, "b": dc.sum(keepdims=True), "W": f.T @ e, "c": e}


BOARDS: dict[str, Callable[[Values], tuple[float, Values]]] = {
    "attention": attention,
    "recurrent": recurrent,
    "lstm": lstm,
    "convolution": convolution,
}


def loop(spec: Any, worked: Callable[[Values], tuple[float, Values]]) -> Callable[[], float]:
    """A plain loop's epoch: forward, loss, backward, update."""
    values = {name: matrix.values.copy() for name, matrix in spec.equations.given.items()}
    rate, losses = float(spec.optimizer.learning_rate), []

    def epoch() -> float:
        loss, gradients = worked(values)
        for name, gradient in gradients.items():
            values[name] -= rate * gradient
        losses.append(loss)
        return loss

    return epoch


def compared(name: str) -> None:
    spec = backtrace.load(name)
    engine, by_hand = Engine(spec, starting_state(spec)), loop(spec, BOARDS[name])
    for _ in range(5):
        np.testing.assert_allclose(engine.epoch().loss, by_hand(), rtol=1e-9)
    works: dict[str, Work] = {"backtrace": engine.epoch, "NumPy": by_hand}
    medians = interleaved(works, turns=7, times=500)
    report(f"{name}, an epoch", medians, 1e6, "us", {"NumPy": LIMIT})


if __name__ == "__main__":
    for each in BOARDS:
        compared(each)
