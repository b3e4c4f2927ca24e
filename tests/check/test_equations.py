"""Sheets of equations: names, honest rounding, slips followed through, what goes wrong there."""

import numpy as np
import pytest

from backtrace.check.answers.names import reader
from backtrace.check.rules.evaluation import dependent, interval
from backtrace.check.rules.intervals import Interval
from backtrace.check.sheets.exercise import Exercise
from backtrace.notation.symbols import IDS
from backtrace.notation.text import sentence_text
from backtrace.tape.arithmetic import FloatArithmetic
from backtrace.tape.compile import compile_tape
from backtrace.tape.loading import loads
from backtrace.tape.run import evaluate, trace
from backtrace.tape.setting import Setting
from tests.check.typed import entries, listed, marks, named, report

ATTENTION = """
given:
  X: [[1, 0, 1], [0, 2, 0]]
  W_Q: [[1, 0], [0, 1], [1, 1]]
  W_K: [[0, 1], [1, 0], [1, 0.5]]
  W_V: [[1, 0], [0, 1], [1, 1]]
  Y: [[1, 0], [0.5, 1]]
equations:
  - Q = X @ W_Q
  - K = X @ W_K
  - V = X @ W_V
  - S = Q @ K.T / sqrt(2)
  - A = softmax(S)
  - O = A @ V
  - L = half_mse(O, Y)
loss: L
constants: [Y]
parameters: [W_Q]
learning_rate: 0.5
"""
NORM = """
given:
  x: [[1, 2, 4, 9]]
  g: [[1, -2, 0.5, 1]]
equations:
  - mu = mean(x)
  - v = var(x)
  - n = (x - mu) / sqrt(v + 0.1)
  - L = sum(g * n)
loss: L
constants: [g]
"""
POOL = """
given:
  I: [[1, 3, 0, 1], [2, 0.5, 1, 4], [0, 1, 2, 1], [3, 0, 1, 0.5]]
  k: [[1, -1], [0.5, 2]]
  w: [[0.5, -1], [2, 1]]
equations:
  - C = conv(I, k, padding=1)
  - P = max_pool(C[1..4,1..4])
  - L = sum(w * P)
loss: L
constants: [w]
"""
CLIPPED = ATTENTION + "clip: {norm: 0.1}\n"
DROPOUT = """
given: {x: [[1, -2, 3]], w: [[0.5, 2, 1.5]], m: [[2, 0, 2]]}
equations: [h = w * x, d = h * m, L = sum(d^2)]
loss: L
constants: [m]
"""
TWO_PARTS = """
given: {x: [[1, -2, 3]], w: [[0.5, 2, 1.5]]}
equations: ["R = sum(w * x)", "K = 0.25 * sum(w^2)", L = R + K]
loss: L
constants: [x]
"""
LOGISTIC = """
given: {X: [[1, 2], [0.5, -1]], w: [[0.3], [0.4]], b: 0.1, y: [[1], [0]]}
equations:
  - p = sigmoid(X @ w + b)
  - L = -mean(y * ln(p) + (1 - y) * ln(1 - p))
loss: L
constants: [X, y]
parameters: [w, b]
learning_rate: 0.1
"""
LOSS_BY_NAME = LOGISTIC.replace(
    "-mean(y * ln(p) + (1 - y) * ln(1 - p))", "binary_cross_entropy(p, y)"
)
STATES = """
given: {x_1: [1, -1], x_2: [2, 1], h_0: [0, 0], W: [[0.5, 1], [-1, 0.25]], U: [[1, 0.5], [0.3, -1]]}
equations:
  - for: t = 1..2
    do: ["h[t] = W @ x[t] + U @ h[t-1]"]
  - s = h_2 + x_2
conventions: {layout: columns}
"""
MASKED = """
given: {T: [[1, 2], [3, 4]], M: [[0, -inf], [0, 0]]}
equations: [S = T + M, A = softmax(S)]
"""
ROOTED = """
given: {x: [[1, 4, 3]], w: [[2, 0.5, 3]], c: [[1, -2, 0.5]]}
equations: [v = w * x, s = sqrt(v), L = sum(c * s)]
loss: L
constants: [x, c]
"""
"""Small graphs of the kinds that courses set."""


def answers(text, decimals=4, **changed):
    """Every named value of the trace, some changed, and worked on from those."""
    values = {}
    spec = loads(text)
    numbers, setting = FloatArithmetic(np.float64), Setting(spec.conventions)
    for traced in trace(spec):
        if traced.operation in ("given", "forward_again"):
            values[traced.id] = traced.value
        else:
            values[traced.id] = evaluate(setting, numbers, traced.step, values)
        if traced.id in changed:
            values[traced.id] = np.array(changed[traced.id](values))
    worked = [t.id for t in trace(spec) if t.operation not in ("given", "forward_again")]
    lines = [
        f"{id}: {listed([[f'{x:.{decimals}f}' for x in row] for row in np.atleast_2d(values[id])])}"
        for id in worked
        if "." not in id
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("text", [ATTENTION, CLIPPED, NORM, POOL])
@pytest.mark.parametrize("decimals", [2, 3, 5])
def test_an_honest_sheet_stands_whole(text, decimals):
    assert set(marks(loads(text), answers(text, decimals)).values()) <= {"right", "rounded"}


WRONG = {
    "way-omitted": (ATTENTION, "dX", lambda v: v["dX_from_Q"] + v["dX_from_K"]),
    "one-step-only": (ATTENTION, "dX", lambda v: v["dX_from_Q"]),
    "scale-omitted": (ATTENTION, "S", lambda v: v["Q"] @ v["K"].T),
    "jacobian-diagonal-only": (ATTENTION, "dS", lambda v: v["dA"] * v["A"] * (1 - v["A"])),
    "statistics-as-constants": (NORM, "dx", lambda v: v["dn"] / np.sqrt(v["v"] + 0.1)),
    "degrees-of-freedom": (NORM, "v", lambda v: v["v"] * 4 / 3),
    "pool-spread": (POOL, "dC", lambda v: np.pad(np.kron(v["dP"], np.ones((2, 2))), (0, 1))),
    "kernel-turned": (POOL, "C", lambda v: _conv(v["I"], v["k"][::-1, ::-1])),
    "mask-omitted": (DROPOUT, "dh", lambda v: v["dd"]),
    "addend-omitted": (TWO_PARTS, "L", lambda v: v["R"]),
    "scale-misread": (ATTENTION, "S", lambda v: v["Q"] @ v["K"].T / 2),
    "another-factor": (ATTENTION, "dV", lambda v: v["S"].T @ v["dO"]),
    "mask-after-softmax": (MASKED, "A", lambda v: _softmax(v["T"]) * [[1, 0], [1, 1]]),
    "root-omitted": (ROOTED, "s", lambda v: v["v"]),
    "upstream-omitted": (ROOTED, "dv", lambda v: 1 / (2 * np.sqrt(v["v"]))),
    "clip-omitted": (CLIPPED, "clipped_dW_Q", lambda v: v["dW_Q"]),
    "learning-rate-omitted": (ATTENTION, "W_Q_new", lambda v: v["W_Q"] - v["dW_Q"]),
}


def _softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


def _conv(x, k):
    x = np.pad(x, 1)
    return [[(x[i : i + 2, j : j + 2] * k).sum() for j in range(5)] for i in range(5)]


LEFT_OUT = (
    ("addend-omitted", STATES, "h_2", lambda v: v["W"] @ v["x_2"]),
    ("addend-omitted", STATES, "s", lambda v: v["h_2"]),
    ("addend-omitted", LOGISTIC, "L", lambda v: -(v["y"] * np.log(v["p"])).mean(keepdims=True)),
    ("complement-omitted", LOSS_BY_NAME, "L", lambda v: [[-np.log(v["p"][0, 0]) / 2]]),
    ("wrong-log-base", LOGISTIC, "L", lambda v: v["L"] / np.log(10)),
    ("wrong-log-base", LOSS_BY_NAME, "L", lambda v: v["L"] / np.log(2)),
    ("mask-omitted", DROPOUT, "d", lambda v: v["h"]),
    ("mean-twice", LOGISTIC, "dw", lambda v: v["dw"] / 2),
    ("mean-twice", LOSS_BY_NAME, "db", lambda v: v["db"] / 2),
)


@pytest.mark.parametrize("code", WRONG)
def test_a_wrong_rule_is_named_and_followed(code):
    text, id, wrong = WRONG[code]
    ((found, codes),) = named(loads(text), answers(text, **{id: wrong}))
    assert found == id  # what follows is carried, and not accused
    assert code in codes


@pytest.mark.parametrize(("code", "text", "id", "wrong"), LEFT_OUT)
def test_what_is_left_out_of_a_line_is_named(code, text, id, wrong):
    ((found, codes),) = named(loads(text), answers(text, **{id: wrong}))
    assert found == id
    assert code in codes


BATCH = """
given: {x: [[5, -5], [7, 4], [3, -1], [9, -2]], g: [[-0.3, -0.9]], b: [[1.2, -1.1]]}
equations:
  - c = x - mean(x, each=column)
  - v = mean(c^2, each=column)
  - n = c / sqrt(v + 0.1)
  - o = g * n + b
  - L = sum(o^2)
loss: L
parameters: [g, b]
learning_rate: 0.5
"""
ONE_UNIT = LOSS_BY_NAME.replace("p = sigmoid(X @ w + b)", "s = X @ w + b\n  - p = sigmoid(s)")
LOOPED = """
given: {x_1: [[1.2, -0.6]], x_2: [[0.9, -0.6]], h_0: [[0.2, -0.4]], W: [[0.3, -1.1], [-0.5, 0.9]]}
equations: [{for: t = 1..2, do: ["h[t] = tanh(x[t] + h[t-1] @ W)"]}, L = sum(h_2^2)]
loss: L
constants: [x_1, x_2, h_0]
parameters: [W]
learning_rate: 0.5
"""
RECURRENT = """
given:
  x_1: [[0.8], [-1.5]]
  x_2: [[-0.1], [0.7]]
  h_0: [[0.3], [-0.2]]
  W: [[0.9, -0.6], [-0.4, 0.2]]
  U: [[0.7, -0.2], [0.6, 0.5]]
  V: [[0.6, -0.9]]
  y: [[1]]
equations:
  - for: t = 1..2
    do: ["z[t] = W @ x[t] + U @ h[t-1]", "h[t] = tanh(z[t])"]
  - o = V @ h_2
  - L = half_sse(o, y)
loss: L
constants: [x_1, x_2, h_0, y]
parameters: [W, U, V]
learning_rate: 0.5
"""
CENTRED = """
given:
  x: [[5, -5], [7, 4], [3, -1], [9, -2]]
  g: [[-0.3, -0.9]]
  y: [[1, 0], [0, 2], [1, 1], [0, 0]]
equations:
  - mu = mean(x, each=column)
  - d = x - mu
  - v = mean(d^2, each=column)
  - s = sqrt(v + 0.1)
  - n = d / s
  - o = g * n
  - L = half_mse(o, y)
loss: L
constants: [y]
"""
GATED = """
given:
  {x: [[1.2, -0.7]], h0: [[-0.5, 0.3]], Wz: [[1.1, 0.2], [0.8, -1]], W: [[0.9, 0.1], [0.2, -0.3]]}
equations:
  - z = sigmoid(x @ Wz)
  - g = z * h0
  - c = tanh(x @ W + g)
  - h = (1 - z) * h0 + z * c
  - L = half_sse(h, x)
loss: L
constants: [x, h0]
"""
PENALISED = """
given:
  X: [[1.5, 0.4], [-0.5, 2]]
  W: [[0.5, -1], [0.3, 0.8]]
  m: [[2, 0], [0, 2]]
  y: [[1, 0], [0, 1]]
  k: 0.1
equations:
  - q = X * m
  - p = softmax(q @ W)
  - D = half_mse(p, y)
  - R = k / 2 * sum(W^2)
  - L = D + R
loss: L
constants: [X, m, y, k]
"""
ANGLES = """
given: {x: 0.8, y: 1.5}
equations: [a = x * y, b = sin(a) + x^2, f = b * a]
loss: f
"""
TAKEN_FOR_ANOTHER = (
    ("another-factor", GATED, "h", lambda v: v["z"] * v["h0"] + (1 - v["z"]) * v["c"]),
    ("mask-omitted", GATED, "g", lambda v: v["h0"]),
    ("wrong-activation", PENALISED, "p", lambda v: 1 / (1 + np.exp(-v["q"] @ v["W"]))),
    ("scale-omitted", PENALISED, "q", lambda v: v["q"] / 2),
    ("mean-over-outputs", PENALISED, "D", lambda v: v["D"] / 2),
    ("half-factor", PENALISED, "R", lambda v: v["R"] * 2),
    ("square-omitted", PENALISED, "R", lambda v: np.array([[0.05 * 2.6]])),  # ½·0.1·Σ|w|
    ("square-omitted", ANGLES, "b", lambda v: np.sin(v["a"]) + 0.8),
    ("wrong-activation", ANGLES, "b", lambda v: np.cos(v["a"]) + 0.64),
    ("wrong-activation", ANGLES, "b", lambda v: np.sin(np.radians(v["a"])) + 0.64),
    ("activation-derivative-omitted", ATTENTION, "dS", lambda v: v["dA"]),
    ("another-factor", ATTENTION, "dQ", lambda v: v["dS"] @ v["Q"] / np.sqrt(2)),
    ("another-factor", RECURRENT, "dh_1", lambda v: v["W"].T @ v["dz_2"]),
    ("weights-omitted-going-back", RECURRENT, "dh_1", lambda v: v["dz_2"]),
    (
        "weights-omitted-going-back",
        RECURRENT,
        "dh_1",
        lambda v: np.full((2, 1), v["dz_2"].sum()),
    ),
    ("derivative-incomplete", RECURRENT, "dz_1", lambda v: v["dh_1"] * (1 - v["h_1"])),
    ("half-factor", ROOTED, "dv", lambda v: v["ds"] / v["s"]),
    ("statistics-as-constants", CENTRED, "dd", lambda v: v["dn"] / v["s"]),
    ("another-factor", ATTENTION, "K", lambda v: v["X"] @ v["W_Q"]),
    ("another-factor", BATCH, "dg", lambda v: (v["do"] * v["x"]).sum(axis=0, keepdims=True)),
    ("degrees-of-freedom", BATCH, "v", lambda v: v["v"] * 4 / 3),
    ("summed-as-a-whole", BATCH, "db", lambda v: np.full((1, 2), v["do"].sum())),
    ("half-factor", BATCH, "do", lambda v: v["do"] / 2),
    ("preactivation-in-derivative", ONE_UNIT, "ds", lambda v: v["dp"] * v["s"] * (1 - v["s"])),
    (
        "derivative-not-cancelled",
        ONE_UNIT,
        "ds",
        lambda v: (v["p"] - v["y"]) / 2 * v["p"] * (1 - v["p"]),
    ),
)


@pytest.mark.parametrize(("code", "text", "id", "wrong"), TAKEN_FOR_ANOTHER)
def test_what_is_taken_for_another_quantity_is_named(code, text, id, wrong):
    test_what_is_left_out_of_a_line_is_named(code, text, id, wrong)


def test_another_time_steps_state_in_every_share_is_one_mistake():
    """hₜ for hₜ₋₁ in the gradient that adds up over the steps, its shares not written."""
    wrong = answers(LOOPED, dW=lambda v: v["h_2"].T @ v["dh_2.2"] + v["h_1"].T @ v["dh_1.2"])
    sheet = "\n".join(line for line in wrong.splitlines() if "_from_" not in line)
    assert named(loads(LOOPED), sheet + "\n") == [("dW", {"another-factor"})]


def test_both_statistics_taken_for_constants_are_one_mistake():
    """dx = dn/s, the lines between not written: past the variance and past the mean."""
    wrong = answers(CENTRED, dx=lambda v: v["dn"] / v["s"])
    between = ("dd", "ds", "dv", "dmu", "dx_from")
    sheet = "\n".join(line for line in wrong.splitlines() if not line.startswith(between))
    assert named(loads(CENTRED), sheet + "\n") == [("dx", {"statistics-as-constants"})]


def test_a_term_that_is_left_out_is_said_as_the_line_has_it():
    """h₁ = W·x₁ = (-0.5, -1.25), and W·x₂ = (2, -1.75); U·h₁ = (-1.125, 1.1) belongs to that."""
    found = report(loads(STATES), "h_1: [-0.5, -1.25]\nh_2: [2.000, -1.750]\n")
    (left_out,) = found.quantities[1].explanations
    assert sentence_text(left_out.detail, IDS) == "U · h_1 is missing"


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("Q", "Q"),
        ("dQ", "dQ"),
        ("∂L/∂Q", "dQ"),
        ("dL/dW_Q", "dW_Q"),
        ("dL_dW_Q", "dW_Q"),
        ("Q_bar", "dQ"),
        ("w_q", "W_Q"),
        ("W_Q_new", "W_Q_new"),
        ("L_new", "loss_after"),
    ],
)
def test_names_that_people_write(name, id):
    spec = loads(ATTENTION)
    assert reader(compile_tape(spec), spec).find(name).quantity.id == id


def test_capitals_are_told_apart_and_an_index_is_part_of_a_name():
    spec = loads("given: {x_1: 2, X: 3}\nequations: [h = x_1 * X]\n")
    find = reader(compile_tape(spec), spec).find
    assert find("X").quantity.id == "X"
    assert find("x[1]").quantity.id == "x_1"


@pytest.mark.parametrize("text", [ATTENTION, NORM, POOL])
def test_intervals_hold_whatever_lies_in_their_operands(text):
    spec, random = loads(text), np.random.default_rng(0)
    setting, numbers = Setting(spec.conventions), FloatArithmetic(np.float64)
    exercise = Exercise(spec)
    for (_, _, id), step in exercise.steps.items():
        if step.operation in ("given", "forward_again"):
            continue
        values = {name: exercise.values[1, 1, name] for name in step.operands}
        boxes = [
            Interval((values[i] - 1e-3)[None], (values[i] + 1e-3)[None]) for i in step.operands
        ]
        box = interval(step.operation, setting, numbers.parameters(step.parameters), *boxes)
        for _ in range(40):
            moved = {i: v + random.uniform(-1e-3, 1e-3, v.shape) for i, v in values.items()}
            value = evaluate(setting, numbers, step, moved)
            inside = (box.lo - 1e-12 <= value) & (value <= box.hi + 1e-12)
            assert inside.any(axis=0).all(), id
        marks = [np.ones(v.shape, dtype=bool) for v in values.values()]
        if marks and len(values) == len(step.operands):
            found = dependent(step.operation, setting, numbers.parameters(step.parameters), *marks)
            assert found.shape == value.shape


# softmax of (1, 2) is 1/(1 + e) = 0.269 and 0.731, so is that of (3, 4); of (1, −∞) it is 1 and 0


@pytest.mark.parametrize("infinity", ["-inf", "−∞", "-.inf"])
def test_an_infinity_of_a_mask_is_right_where_it_belongs(infinity):
    sheet = f"answers:\n  S: [[1, {infinity}], [3, 4]]\n  A: [[1, 0], [0.269, 0.731]]\n"
    assert marks(MASKED, sheet) == {"S": "right", "A": "right"}
    elsewhere = "answers:\n  S: [[-inf, -inf], [3, inf]]\n  A: [[1, 0], [0.269, 0.731]]\n"
    assert entries(MASKED, elsewhere, "S") == ["malformed right", "right malformed"]


def test_a_forgotten_mask_is_a_mistake_and_what_follows_is_carried():
    sheet = "answers:\n  S: [[1, 2], [3, 4]]\n  A: [[0.269, 0.731], [0.269, 0.731]]\n"
    assert marks(MASKED, sheet) == {"S": "wrong", "A": "carried"}
    assert entries(MASKED, sheet, "S") == ["right wrong", "right right"]
    assert named(MASKED, sheet) == [("S", {"mask-omitted"})]


def test_a_mask_of_finite_numbers_is_a_constant_and_a_bias_is_none():
    """A row that has a gradient is a bias; a whole matrix of constants is a mask."""
    text = (
        "given: {T: [[1, 2], [3, 4]], M: [[0, -5], [0, 0]]}\nequations: [S = T + M, L = sum(S)]\n"
    )
    text += "loss: L\n"
    sheet = "answers:\n  S: [[1, 2], [3, 4]]\n"
    assert named(text + "constants: [M]\n", sheet) == [("S", {"mask-omitted"})]
    assert named(text, sheet) == [("S", {"bias-omitted"})]


def test_an_addend_may_be_left_out_of_a_part_that_is_not_written():
    text = TWO_PARTS.replace("L = R + K", '"L = R + K + sum(x)"')
    # R = 0.5 - 4 + 4.5 = 1, K = (0.25 + 4 + 2.25)/4 = 1.625, Σx = 2; without K it is 3
    assert named(text, "answers: {R: 1.000, K: 1.625, L: 3.000}\n") == [("L", {"addend-omitted"})]


@pytest.mark.parametrize("written", [True, False])
def test_a_parameter_that_was_updated_before_it_carried_the_gradient_back(written):
    x, W, V = (
        np.array([[0.5, -0.3]]),
        np.array([[0.3, -0.5], [0.8, 0.2]]),
        np.array([[0.6], [-0.4]]),
    )
    h = np.tanh(x @ W)
    do = h @ V - 0.3
    new = V - 0.5 * h.T @ do
    spec = f"""
given: {{x: {x.tolist()}, W: {W.tolist()}, V: {V.tolist()}, y: [[0.3]]}}
equations: [h = tanh(x @ W), o = h @ V, "L = half_sse(o, y)"]
loss: L
constants: [x, y]
parameters: [W, V]
learning_rate: 0.5
"""
    lines = {"o": h @ V, "do": do, "dV": h.T @ do, "dh": do @ new.T}
    lines |= {"V_new": new} if written else {}
    sheet = "\n".join(f"{id}: {np.round(value, 4).tolist()}" for id, value in lines.items())
    found = [(q.name, q.mistakes) for q in report(spec, sheet).quantities if q.verdict == "wrong"]
    assert found == [("dh", ("updated-weights-used",))]
