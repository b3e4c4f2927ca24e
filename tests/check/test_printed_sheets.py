"""What a program prints is as right as what a hand writes: numbers to any number of digits, with
their last zeros dropped one by one, and in float32.

The numbers are the key's own, each rounded by Python's formatting.
"""

from functools import cache

import numpy as np
import pytest

import backtrace
from backtrace.check.judge.checker import Checker
from backtrace.spec import bundled
from tests.check.typed import answers_of, exercise, listed, marks, named
from tests.networks.kinds import EQUATIONS, LAYERED
from tests.sampling import some

NETWORKS = sorted({*LAYERED, *EQUATIONS} - {"digits", "mnist"})  # which have too many entries
PRINTED = {
    "%.6g": "{:.6g}".format,
    "%.8g": "{:.8g}".format,
    "%.10g": "{:.10g}".format,
    "%.12g": "{:.12g}".format,
    "repr": repr,
    "float32": lambda x: str(np.float32(x)),
    "float32 as a list": lambda x: repr(float(np.float32(x))),
}
LEFT_OUT = {"all lines": slice(None), "every other line": slice(1, None, 2)}


@cache
def checkers(name):
    return Checker(exercise(name))


def printed(checker, form, lines):
    """The key as a program prints it, some lines of it."""
    first = min(checker.contexts)
    worked = [at for at in checker.values if not checker.is_given(at)]
    sheet = []
    for epoch, batch, id in worked[lines]:
        name = id if (epoch, batch) == first else f"{id}@{epoch}.{batch}"
        values = checker.values[epoch, batch, id].tolist()
        texts = [[form(x + 0.0) for x in row] for row in values]
        sheet.append(f"{name}: {listed(texts)}")
    return "\n".join(sheet)


CASES = [(name, form, lines) for name in NETWORKS for form in PRINTED for lines in LEFT_OUT]


@pytest.mark.parametrize(("name", "form", "lines"), some(CASES))
def test_a_printed_key_earns_every_mark(name, form, lines):
    checker = checkers(name)
    report = checker.check(answers_of(checker, printed(checker, PRINTED[form], LEFT_OUT[lines])))
    good = ("right", "rounded")
    assert [(q.name, q.verdict) for q in report.quantities if q.verdict not in good] == []
    assert report.earned == report.possible
    if "float32" not in form:
        assert report.conventions is None


SIGMOIDS = """
layers:
  - {activation: sigmoid, weights: [[0.3, -0.7], [0.5, 0.9]], bias: [0.1, -0.2]}
  - {activation: sigmoid, weights: [[0.6], [-0.4]], bias: 0.3}
inputs: [[1.3, -0.4], [0.2, 1.1]]
targets: [[1], [0]]
loss: half_mse
learning_rate: 0.3
"""


def test_a_mistake_does_not_hide_float32():
    """Every line in NumPy's float32, and the new bias without the learning rate."""
    f = np.float32
    x, w1, b1 = f([[1.3, -0.4], [0.2, 1.1]]), f([[0.3, -0.7], [0.5, 0.9]]), f([0.1, -0.2])
    w2, b2, rate = f([[0.6], [-0.4]]), f(0.3), f(0.3)
    done = {"z1": x @ w1 + b1}
    done["a1"] = 1 / (1 + np.exp(-done["z1"]))
    done["z2"] = done["a1"] @ w2 + b2
    done["a2"] = 1 / (1 + np.exp(-done["z2"]))
    done["delta2"] = (done["a2"] - f([[1], [0]])) / f(2) * done["a2"] * (1 - done["a2"])
    done["dW2"], done["db2"] = done["a1"].T @ done["delta2"], done["delta2"].sum(keepdims=True)
    done["delta1"] = done["delta2"] @ w2.T * done["a1"] * (1 - done["a1"])
    done["dW1"], done["db1"] = x.T @ done["delta1"], done["delta1"].sum(axis=0, keepdims=True)
    done["W1_new"], done["b1_new"] = w1 - rate * done["dW1"], b1 - rate * done["db1"]
    done["W2_new"], done["b2_new"] = w2 - rate * done["dW2"], b2 - done["db2"]
    assert {values.dtype for values in done.values()} == {np.dtype("float32")}
    sheet = "\n".join(f"{id}: {listed([[f'{v:.8g}' for v in row] for row in values.tolist()])}"
                      for id, values in done.items())  # fmt: skip
    assert named(SIGMOIDS, sheet) == [("b2_new", {"learning-rate-omitted"})]


def test_what_float32_does_not_do_is_no_float32():
    """½·(-1.282709 - 2.2)² = 6.064631; float32, whose numbers near 6 are 5e-7 apart, has not left
    6.064601."""
    spec = """
layers: [{activation: linear, weights: 1, bias: 0}]
inputs: -1.282709
targets: 2.2
loss: half_sse
"""
    assert marks(spec, "z1: -1.282709\nloss: 6.064601")["loss"] == "wrong"
    assert marks(spec, "z1: -1.282709\nloss: 6.064632")["loss"] != "wrong"


def test_float32_lets_nothing_through_a_relu_that_is_off():
    """w·x = (-3.5, 2.2): dC = (0, 2) where dR = (20.8, 2), and dw = dC·x; with the mask ignored
    the sheet is consistent with itself."""
    spec = """
given: {x: [[-7, 1.1]], w: [[0.5, 2]], k: [[20.8, 2]]}
equations: [C = w * x, R = relu(C), L = sum(k * R)]
loss: L
constants: [x, k]
"""
    sheet = "R: [0.00000, 2.20000]\ndC: [20.80000, 2.00000]\ndw: [-145.60000, 2.20000]\n"
    ((accused, codes),) = named(spec, sheet)
    assert accused == "dC"
    assert "relu-mask-ignored" in codes


ROUNDED = [
    (name, decimals) for name in ("adam", "momentum", "or-gate", "softmax") for decimals in (2, 3)
]


@pytest.mark.parametrize(("name", "decimals"), ROUNDED)
def test_the_key_of_an_exercise_whose_every_line_is_rounded_earns_every_mark(name, decimals):
    """Also where Adam's v is 0.00 by the exercise itself, and its step -10 000 000."""
    text = bundled.path(name).read_text(encoding="utf-8")
    checker = Checker(backtrace.loads(f"{text}\narithmetic: {{round_each_step: {decimals}}}\n"))
    sheet = printed(checker, f"{{:.{decimals}f}}".format, LEFT_OUT["all lines"])
    report = checker.check(answers_of(checker, sheet))
    assert [q.name for q in report.quantities if q.verdict not in ("right", "rounded")] == []
    assert report.earned == report.possible


def test_a_unit_that_is_off_leaves_0_in_float32_too():
    """C = [−2, 2]: no rounding makes a slope of 1 of the first; dC = (R − t)·g."""
    spec = (
        "given: {X: 1, K: [[-2, 2]], t: [[12.3, 12.3]]}\nconstants: [X, t]\n"
        "equations: [C = X @ K, R = relu(C), 'L = half_sse(R, t)']\nloss: L\n"
    )
    sheet = "R: [[0.00000, 2.00000]]\ndC: [[-12.30000, -10.30000]]\ndK: [[-12.30000, -10.30000]]"
    assert marks(spec, sheet)["dC"] == "wrong"
