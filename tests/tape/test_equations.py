"""Equations on the tape: values and gradients of random boards against complex steps."""

from __future__ import annotations

import math
import re
from fractions import Fraction

import numpy as np
import pytest

import backtrace
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec import SpecError
from backtrace.spec.equations.vocabulary import SIGNATURES
from backtrace.tape.writer import TapeError
from tests.tape.boards import board


@pytest.mark.parametrize("seed", range(90))
def test_every_value_and_gradient_of_a_random_board(seed):
    assert_right(board(seed, depth=2 + seed % 3))


def assert_right(drawn):
    """Every name's value, and the gradient of each that L depends on."""
    trace = backtrace.trace(backtrace.loads(drawn.text))
    for name, value in drawn.worked().items():
        close(trace, name, value.real)
        wanted = drawn.gradient(name)
        if f"d{name}" in trace:
            close(trace, f"d{name}", wanted)
        else:
            assert not wanted.any(), name


def close(trace, id, expected):
    found = np.asarray(trace[id].value, dtype=float)
    assert found.shape == expected.shape, id
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-11, err_msg=id)


def test_the_boards_have_every_function_and_operator():
    texts = " ".join(board(seed, depth=2 + seed % 3).text for seed in range(90))
    used = set(re.findall(r"([a-z_]+)\(", texts))
    assert set(SIGNATURES) - used == {"step", "hinge"}  # without a gradient; below
    assert all(sign in texts for sign in (" + ", " - ", " * ", " / ", " @ ", "^", "-(", ".T", "["))


def traced(text):
    return backtrace.trace(backtrace.loads(text))


def values(trace, *ids):
    return [np.asarray(trace[id].value, dtype=float).tolist() for id in ids]


def test_hinge_and_a_step():
    trace = traced("""\
given: {a: [[1, 2, 0.5], [3, 0, 1]], y: [[1, 0, 0], [1, 0, 0]], u: [[-1, 0, 2]]}
equations:
  - L = hinge(a, y)
  - s = step(u)
loss: L
""")
    # max(0, 1 + 2 - 1) + max(0, 1 + 0.5 - 1) = 2.5 of the first, nothing of the second; n = 2
    assert values(trace, "L", "s") == [[[1.25]], [[0, 1, 1]]]
    assert values(trace, "da") == [[[-1, 0.5, 0.5], [0, 0, 0]]]
    assert "dy" not in trace


# Where there is a choice: at a kink, among equals, where windows don't fit, on halves


def test_the_first_of_equal_maxima_has_it_all():
    trace = traced("""\
given: {x: [[1, 3], [3, 3]]}
equations: ["m = max(x)", "r = max(x, each=row)", "c = max(x, each=column)"]
upstream: {m: 5, r: [[1], [2]], c: [[10, 20]]}
""")
    assert values(trace, "m", "r", "c") == [[[3]], [[3], [3]], [[3, 3]]]
    assert values(trace, "dx_from_m") == [[[0, 5], [0, 0]]]  # row after row
    assert values(trace, "dx_from_r", "dx_from_c") == [[[0, 1], [2, 0]], [[0, 20], [10, 0]]]


def test_the_first_of_two_equals_has_it_all():
    trace = traced("""\
given: {u: [[1, 2, 3]], v: [[1, 3, 2]]}
equations: ["a = maximum(u, v)", "b = minimum(u, v)"]
upstream: {a: [[1, 1, 1]], b: [[10, 10, 10]]}
""")
    assert values(trace, "du_from_a", "dv_from_a") == [[[1, 0, 1]], [[0, 1, 0]]]
    assert values(trace, "du_from_b", "dv_from_b") == [[[10, 10, 0]], [[0, 0, 10]]]


def test_the_first_of_a_pool_of_equals_has_it_all():
    trace = traced("""\
given: {x: [[0, 1, 1], [0, 1, 0]]}
equations: ["p = max_pool(x, 2, 1)"]
upstream: {p: [[1, 20]]}
""")
    assert values(trace, "p", "dx") == [[[1, 1]], [[0, 21, 0], [0, 0, 0]]]  # above, left: the same


def test_at_its_kink_a_function_has_the_slope_0():
    trace = traced("""\
given: {x: [[-1, 0, 1]], a: [[1, 1, 0.5]], y: [[1, -1, 1]]}
equations: ["r = relu(x)", "s = abs(x)", "h = binary_hinge(a, y)"]
upstream: {r: [[1, 1, 1]], s: [[1, 1, 1]], h: 1}
""")
    assert values(trace, "dx_from_r", "dx_from_s") == [[[0, 0, 1]], [[-1, 0, 1]]]
    # 1 − y·a is 0, 2 and 0.5: −y by a, −a by y, but where it is 0
    assert values(trace, "h", "da", "dy") == [[[2.5]], [[0, 1, -1]], [[0, -1, -0.5]]]


def test_what_no_window_reaches_is_left_out():
    """Of 4 entries a window of 3 takes the first three; its next step, 2 on, would lead beyond."""
    trace = traced("""\
given: {x: [[1, 2, 3, 4]], k: [[1, 0, -2]], z: [[1, 2, 3, 9], [4, 5, 6, 9], [7, 8, 9, 9]]}
equations: ["c = conv(x, k, stride=2)", "m = mean_pool(z, 3, 2)", "w = max_pool(z[:,1..2], 2)"]
upstream: {c: 1, m: 9, w: 1}
""")
    assert values(trace, "c", "dx", "dk") == [[[-5]], [[1, 0, -2, 0]], [[1, 2, 3]]]  # 1 − 6
    assert values(trace, "m", "w") == [[[5]], [[5]]]
    assert values(trace, "dz_from_m") == [[[1, 1, 1, 0]] * 3]


def test_a_kernel_is_flipped_by_half_a_turn():
    text = "given: {x: [[1, 2], [3, 4]], k: [[5, 6], [7, 8]]}\nequations: ['c = conv(x, k%s)']\n"
    text += "loss: c\n"
    plain, flipped = traced(text % ""), traced(text % ", flip=true")
    assert values(plain, "c") == [[[5 + 12 + 21 + 32]]]
    assert values(flipped, "c") == [[[8 + 14 + 18 + 20]]]  # by [[8, 7], [6, 5]]
    assert values(flipped, "dx", "dk") == [[[8, 7], [6, 5]], [[4, 3], [2, 1]]]


def test_an_unbiased_variance_is_over_one_less_than_its_own_numbers():
    trace = traced("""\
given: {x: [[1, 2, 6], [4, 4, 1]]}
equations: ["r = var(x, each=row, unbiased=true)", "c = var(x, each=column, unbiased=true)"]
upstream: {r: [[1], [1]], c: [[1, 1, 1]]}
""")
    # rows: means 3, 3, deviations −2 −1 3 and 1 1 −2; columns of two: ½ (difference)²
    assert values(trace, "r", "c") == [[[7], [3]], [[4.5, 2, 12.5]]]
    assert values(trace, "dx_from_r") == [[[-2, -1, 3], [1, 1, -2]]]  # 2 (x − mean) / 2
    assert values(trace, "dx_from_c") == [[[-3, -2, 5], [3, 2, -5]]]  # 2 (x − mean) / 1


def test_halves_are_rounded_away_from_0():
    trace = traced(
        "given: {x: [[0.25, -0.25, 2.5]]}\nequations: ['r = round(x, 1)', 'w = round(x, 0)']"
    )
    assert values(trace, "r", "w") == [[[0.3, -0.3, 2.5]], [[0, 0, 3]]]


# Ids


def test_every_part_and_every_share_has_its_id():
    trace = traced("""\
given: {X: [[1, 2]], W: [[1, 0], [2, 1]]}
equations:
  - Q = X @ W
  - K = tanh(X @ W + X)
  - L = sum(Q * K * X)
loss: L
""")
    ids = [step.id for step in trace.steps if step.phase != "given"]
    assert ids == [
        *("Q", "K.1", "K.2", "K", "L.1", "L.2", "L"),
        *("dL", "dL.2", "dL.1", "dK", "dK.2", "dQ"),
        *("dX_from_L", "dX_from_K.1", "dX_from_K.2", "dX_from_K", "dX_from_Q", "dX"),
        *("dW_from_K", "dW_from_Q", "dW"),
    ]
    shares = values(trace, "dX_from_L", "dX_from_K", "dX_from_Q")
    np.testing.assert_allclose(sum(map(np.array, shares)), values(trace, "dX")[0])


def test_gradients_that_are_given_at_several_names():
    trace = traced("""\
given: {X: [[1, 2], [3, 4]], W: [[1, 0], [0, 2]]}
equations:
  - Y = X @ W
  - Z = Y * Y
upstream: {Z: [[1, 0], [1, 1]], Y: [[1, 0], [0, 5]]}
""")
    # Y = [1 4 / 3 8]; by Z it is 2 Y ⊙ [1 0 / 1 1] = [2 0 / 6 16], and [1 0 / 0 5] comes on top.
    assert values(trace, "dZ", "dY_from_upstream") == [[[1, 0], [1, 1]], [[1, 0], [0, 5]]]
    assert values(trace, "dY_from_Z", "dY") == [[[2, 0], [6, 16]], [[3, 0], [6, 21]]]
    assert values(trace, "dX") == [[[3, 0], [6, 42]]]  # dY · Wᵀ
    assert values(trace, "dW") == [[[21, 63], [30, 84]]]  # Xᵀ · dY


def test_constants_have_no_gradient_and_nothing_is_worked_for_them():
    text = "given: {x: 2, y: 3}\nequations:\n  - z = x * y\n  - L = z^2\nloss: L\n"
    assert [id for id in ("dx", "dy") if id in traced(text)] == ["dx", "dy"]
    trace = traced(text + "constants: [y]\n")
    assert [step.id for step in trace.steps if step.phase == "backward"] == ["dL", "dz", "dx"]


def test_only_what_the_loss_depends_on_has_a_gradient():
    trace = traced(
        "given: {x: 2}\nequations:\n  - a = x^2\n  - b = a * 3\n  - L = a + 1\nloss: L\n"
    )
    assert "da" in trace
    assert "db" not in trace


def test_without_a_loss_there_is_no_way_back():
    trace = traced("given: {x: 2}\nequations:\n  - a = x^2\n  - b = 5\n  - c = a\n")
    assert [step.phase for step in trace.steps] == ["given", "forward", "forward", "forward"]
    assert values(trace, "a", "b", "c") == [[[4]], [[5]], [[4]]]


# Layouts


@pytest.mark.parametrize(("layout", "shape"), [("rows", (1, 3)), ("columns", (3, 1))])
def test_a_flat_list_is_a_row_or_a_column(layout, shape):
    trace = traced(f"""\
conventions: {{layout: {layout}}}
given: {{x: [1, 2, 4], y: [0, 1, 0], Z: [[1, 2], [3, 4]], s: 2}}
equations:
  - p = softmax(x)
  - L = cross_entropy(p, y) + sum(Z) + s
loss: L
""")
    assert trace["x"].value.shape == trace["dx"].value.shape == shape
    assert trace["Z"].value.shape == (2, 2)
    np.testing.assert_allclose(trace["p"].value.sum(), 1)
    # one sample either way: −ln p₂, by x it is p − y
    np.testing.assert_allclose(trace["dx"].value, trace["p"].value - trace["y"].value)


# Updates


NETWORK = """\
layers:
  - {{activation: tanh, weights: {W1}, bias: {b1}}}
  - {{activation: sigmoid, weights: {W2}, bias: {b2}}}
inputs: {X}
targets: {Y}
loss: half_mse
"""
BOARD = """\
given: {{X: {X}, Y: {Y}, W1: {W1}, b1: {b1}, W2: {W2}, b2: {b2}}}
equations: [{lines}, "loss = half_mse(a2, Y)"]
loss: loss
constants: [Y, X]
parameters: [W1, b1, W2, b2]
"""
ROWS = "z1 = X @ W1 + b1, a1 = tanh(z1), z2 = a1 @ W2 + b2, a2 = sigmoid(z2)"
COLUMNS = "z1 = W1 @ X + b1, a1 = tanh(z1), z2 = W2 @ a1 + b2, a2 = sigmoid(z2)"
NUMBERS = {
    "X": [[0.5, -1, 2], [1, 0.25, -0.5]],
    "Y": [[1, 0], [0.5, 1]],
    "W1": [[0.5, -0.3], [0.1, 0.8], [-0.6, 0.4]],
    "b1": [0.1, -0.2],
    "W2": [[1, -1], [0.5, 0.7]],
    "b2": [0.3, 0],
}
OPTIMIZED = [
    f"optimizer: {{name: {name}{form and f', form: {form}'}, learning_rate: 0.1}}"
    for name, row in OPTIMIZERS.items()
    for form in (row.lines if len(row.lines) > 1 else [""])
]
CLIPPED = [
    "learning_rate: 0.5\nclip: {norm: 0.1}",
    "optimizer: {name: adam, learning_rate: 0.5}\nclip: {value: 0.05}",
]
SCHEDULED = "learning_rate: 0.5\nschedule: {exponential: {factor: 0.5}}"


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("optimizer", [*OPTIMIZED, *CLIPPED, SCHEDULED])
def test_a_network_of_layers_written_as_equations_gives_the_same_numbers(layout, optimizer):
    def turned(name):
        matrix = np.array(NUMBERS[name])
        return (matrix if layout == "rows" or name.startswith("b") else matrix.T).tolist()

    numbers = {name: turned(name) for name in NUMBERS}
    lines = ROWS if layout == "rows" else COLUMNS
    tail = f"conventions: {{layout: {layout}}}\nepochs: 3\n{optimizer}\n"
    layers = traced(NETWORK.format(**numbers) + tail)
    equations = traced(BOARD.format(**numbers, lines=lines) + tail)
    compared = set()
    for step in layers.steps:
        id = f"{step.id}@{step.epoch}"
        if id in equations:
            compared.add(step.id)
            found, wanted = equations[id].value, step.value
            np.testing.assert_allclose(np.ravel(found), np.ravel(wanted), rtol=1e-12, err_msg=id)
    new = {f"{name}_new" for name in ("W1", "b1", "W2", "b2")}
    assert compared >= new | {"z1", "a1", "z2", "a2", "loss", "loss_after", "da1", "dW1", "db2"}


def test_a_given_name_that_an_update_needs_is_refused_in_words():
    text = "given: {w: 1, clipped_dw: 2}\nequations: [L = (w - clipped_dw)^2]\nloss: L\n"
    text += "constants: [clipped_dw]\nparameters: [w]\nlearning_rate: 1\nclip: {norm: 1}\n"
    with pytest.raises(SpecError, match="`clipped_dw`, which is what a step on the way back or of"):
        traced(text)


def test_maximize_climbs():
    text = "given: {w: 1}\nequations:\n  - J = -(w - 3)^2\nmaximize: J\nparameters: [w]\n"
    trace = traced(text + "learning_rate: 0.1\n")
    assert values(trace, "J", "dw") == [[[-4]], [[4]]]  # −2 (w − 3), no other sign
    np.testing.assert_allclose(trace["w_new"].value, 1.4)  # 1 + 0.1 · 4
    np.testing.assert_allclose(trace["loss_after"].value, -2.56)
    adam = traced(text + "optimizer: {name: adam, learning_rate: 0.1}\n")
    np.testing.assert_allclose(adam["w_new"].value, 1.1, rtol=1e-6)  # a first step is the rate


# Arithmetic


RATIONAL = """\
given: {X: [[1, 1/2, -3], [2, -1/3, 1/5], [0, 4, -1/7]], k: [[1, 1/2], [-1, 1/3]], y: [[1/3, 1, 0]]}
equations:
  - C = conv(X, k, padding=1, flip=true)
  - P = max_pool(relu(C), 2) + mean_pool(abs(C), 2)
  - D = conv_transpose(P, k, stride=2) / 7
  - v = var(D, each=row) + mean(D, each=row) - max(D, each=row)
  - u = leaky_relu(v, slope=1/4).T @ reshape(D, 4, 4)
  - S = X @ X.T * 1/3 - maximum(X, X.T)^2 + minimum(X, 1/2)
  - G = vstack(hstack(S, S[:,1]), pad(y[1,2..3], 1)[2,:]) @ eye(4)
  - L = mse(rows(S, 3), y) + sum(u) + sum(G) / (1 + sum(X^2)) + huber(y, S[1,:])
loss: L
parameters: [k]
learning_rate: 1/10
"""


def test_fractions_stay_fractions():
    exact, floats = traced(RATIONAL + "arithmetic: exact\n"), traced(RATIONAL)
    assert len(exact.steps) == len(floats.steps)
    for step in exact.steps:
        assert {type(each) for each in np.ravel(step.value)} <= {Fraction}, step.id
        found = np.asarray(step.value, dtype=float)
        np.testing.assert_allclose(found, floats[step.id].value, rtol=1e-9, atol=1e-12)


def test_a_fraction_by_hand():
    trace = traced("""\
arithmetic: exact
given: {x: 1/3}
equations:
  - z = x^2 / 7 + relu(x)
loss: z
""")
    assert trace["z"].value.item() == Fraction(22, 63)  # 1/63 + 21/63
    assert trace["dx"].value.item() == Fraction(23, 21)  # 2/3 · 1/7 + 1


@pytest.mark.parametrize("line", ["z = sqrt(2) * x", "z = exp(x)", "z = softmax(x)", "z = x^0.5"])
def test_what_leaves_the_fractions_is_refused_in_words(line):
    with pytest.raises(TapeError, match=r"exact stops at z: .* leaves the fractions"):
        traced(f"arithmetic: exact\ngiven: {{x: 1}}\nequations:\n  - {line}\n")


def test_a_fraction_over_nothing_is_refused_in_words():
    with pytest.raises(TapeError, match="exact stops at z: a division by 0"):
        traced("arithmetic: exact\ngiven: {x: 1}\nequations:\n  - z = 1 / (x - 1)\n")


def test_every_line_is_rounded_before_the_next_uses_it():
    trace = traced("""\
arithmetic: {round_each_step: 2}
given: {x: 1.5, w: -0.7, b: 0.126}
equations:
  - z = w * x + b
  - e = exp(-z)
  - f = 1 / (1 + e)
loss: f
""")
    # −1.05; −1.05 + 0.126 = −0.924; e^0.92 = 2.509…; 1 + 2.51; 1/3.51 = 0.2849…
    forward = {"z.1": -1.05, "z": -0.92, "e.1": 0.92, "e": 2.51, "f.1": 3.51, "f": 0.28}
    # −1/3.51² = −0.0811…; −0.08 · e^0.92 = −0.2007…; 0.2 · 1.5; 0.2 · −0.7
    backward = {"de": -0.08, "de.1": -0.2, "dz": 0.2, "dw": 0.3, "dx": -0.14, "db": 0.2}
    for id, number in (forward | backward).items():
        np.testing.assert_allclose(trace[id].value, [[number]], err_msg=id)


def test_what_is_infinite_or_no_number_is_worked_without_a_word_of_numpy():
    trace = traced("given: {x: 0}\nequations:\n  - y = 1 / x\n  - z = ln(x)\n  - u = y + z\n")
    assert values(trace, "y", "z") == [[[math.inf]], [[-math.inf]]]
    assert math.isnan(trace["u"].value.item())


@pytest.mark.parametrize(
    ("line", "values", "gradient"),
    [
        ("x ^ 0", [1, 1, 1], [0, 0, 0]),
        ("x ^ 1", [0, 2, -1], [1, 1, 1]),
        ("1 / x", [math.inf, 1 / 2, -1], [-math.inf, -1 / 4, -1]),
        ("x ^ -1", [math.inf, 1 / 2, -1], [-math.inf, -1 / 4, -1]),
        ("sqrt(abs(x))", [0, math.sqrt(2), 1], [math.nan, 1 / math.sqrt(8), -1 / 2]),
        ("ln(x ^ 2)", [-math.inf, math.log(4), 0], [math.nan, 1, -2]),
        ("ln(x)", [-math.inf, math.log(2), math.nan], [math.inf, 1 / 2, -1]),
        ("maximum(x, 1 / x)", [math.inf, 2, -1], [-math.inf, 1, 1]),
    ],
)
def test_at_zero_a_line_is_what_floating_point_arithmetic_has(line, values, gradient):
    """1/0 is ∞ and ∞ · 0 no number; the gradient of a sum is 1 whatever it adds up."""
    text = f"given: {{x: [[0, 2, -1]]}}\nequations: ['y = {line}', L = sum(y)]\nloss: L\n"
    trace = backtrace.trace(backtrace.loads(text))
    np.testing.assert_allclose(trace["y"].value, [values])
    np.testing.assert_array_equal(trace["dy"].value, [[1, 1, 1]])
    np.testing.assert_allclose(trace["dx"].value, [gradient])


def test_the_largest_alone_gets_a_gradient_also_an_infinite_one():
    text = "given: {x: [[1, 2], [4, 3]], y: 0}\nequations: ['M = NAME', L = M / y]\nloss: L\n"
    for name in ("max(x)", "max_pool(x, size=2)"):
        trace = backtrace.trace(backtrace.loads(text.replace("NAME", name)))
        np.testing.assert_array_equal(trace["dx"].value, [[0, 0], [math.inf, 0]])
