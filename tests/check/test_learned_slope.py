"""The slope of a PReLU on sheets: honest ones stand, and its usual mistakes have names."""

import numpy as np
import pytest

from backtrace.check.answers.names import reader
from backtrace.tape.compile import compile_tape
from backtrace.tape.loading import loads
from tests.check.test_equations import answers
from tests.check.typed import marks, named

LAYERS = """
layers:
  - activation: {name: prelu, alpha: [0.25, 0.1, 0.2]}
    weights: [[1, -2, 3], [-1, 0.5, -2]]
    bias: [0.5, -0.5, -1]
  - {activation: linear, weights: [[1], [-2], [0.5]], bias: 0.1}
inputs: [[1, 2], [3, -1]]
targets: [[3.5], [1]]
loss: mse
learning_rate: 0.01
"""
BOARD = """
given:
  x: [[1, 2], [3, -1]]
  y: [[3.5], [1]]
  W: [[1, -2, 3], [-1, 0.5, -2]]
  alpha: 0.25
  V: [[1], [-2], [0.5]]
equations: [z = x @ W, "a = prelu(z, alpha)", o = a @ V, "L = mse(o, y)"]
loss: L
constants: [x, y]
parameters: [W, alpha, V]
learning_rate: 0.01
"""
NAMES = {LAYERS: ("z1", "da1", "alpha1", "dalpha1"), BOARD: ("z", "da", "alpha", "dalpha")}


@pytest.mark.parametrize("text", [LAYERS, BOARD])
@pytest.mark.parametrize("decimals", [2, 3, 5])
def test_an_honest_sheet_stands_whole(text, decimals):
    assert set(marks(loads(text), answers(text, decimals)).values()) <= {"right", "rounded"}


def summed(text, shares):
    return shares.sum(axis=0 if text is LAYERS else None, keepdims=True)


WRONG = {
    "positive-units-counted": lambda z, da, slope: da * z,
    "slope-twice": lambda z, da, slope: da * slope * np.minimum(z, 0),  # δ = α·da where z < 0
    "sign-flipped": lambda z, da, slope: -da * np.minimum(z, 0),
}


@pytest.mark.parametrize("code", WRONG)
@pytest.mark.parametrize("text", [LAYERS, BOARD])
def test_a_wrong_gradient_of_the_slope_is_named(text, code):
    *sources, id = NAMES[text]

    def wrong(values):
        return summed(text, WRONG[code](*(values[source] for source in sources)))

    ((found, codes),) = named(loads(text), answers(text, **{id: wrong}))
    assert found == id  # the update that follows is carried
    assert code in codes


@pytest.mark.parametrize(
    ("id", "code", "wrong"),
    [
        ("a1", "wrong-activation", lambda v: np.maximum(v["z1"], 0)),
        ("a1", "activation-omitted", lambda v: v["z1"]),
        ("delta1", "activation-derivative-omitted", lambda v: v["da1"]),
        ("dalpha1", "batch-not-summed", lambda v: (v["da1"] * np.minimum(v["z1"], 0))[1:]),
        ("alpha1_new", "ascent-for-descent", lambda v: v["alpha1"] + 0.01 * v["dalpha1"]),
    ],
)
def test_mistakes_of_layers_are_those_of_any_activation(id, code, wrong):
    ((found, codes),) = named(loads(LAYERS), answers(LAYERS, **{id: wrong}))
    assert found == id
    assert code in codes


@pytest.mark.parametrize("name", ["alpha1", "α_1", "d_alpha1", "∂L/∂α1", "alpha1_new"])
def test_names_that_people_write(name):

    spec = loads(LAYERS)
    assert "alpha1" in reader(compile_tape(spec), spec).find(name).quantity.id
