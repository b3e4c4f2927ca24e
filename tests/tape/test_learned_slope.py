"""A PReLU's learned slope, worked by hand: forward, gradient, update, wherever weights go.

With x = (1 2 ; 0 1) and no biases z₁ = (−3 4 ; −2 1), a₁ = (−0.75 4 ; −0.5 1), since α = ¼ where z
is negative. a₂ = 2·a₁₁ + ½·a₁₂ = (0.5 ; −0.5), so e = (−1 ; −1) and da₁ = (−2 −½ ; −2 −½).
dα = Σ da₁ min(0, z₁) = (−2)(−3) + (−2)(−2) = 10, all of it from unit 1.
"""

from fractions import Fraction

import numpy as np
import pytest

import backtrace
from backtrace.formats.json.trace import decode, encode
from backtrace.tape.loading import loads
from backtrace.tape.training import train
from tests.tape.oracle import disagreements, expected, values

TEXT = """
layers:
  - {{activation: {unit}, weights: [[1, 2], [-2, 1]], bias: none}}
  - {{activation: linear, weights: [[2], [0.5]], bias: none}}
inputs: [[1, 2], [0, 1]]
targets: [[1.5], [0.5]]
loss: half_sse
"""


def worked(unit="{name: prelu, alpha: 1/4}", more="learning_rate: 0.01\n"):
    spec = loads(TEXT.format(unit=unit) + more)
    return spec, {step.id: np.asarray(step.value) for step in backtrace.trace(spec)}


def test_forward_and_backward_by_hand():
    _, found = worked()
    assert found["z1"].tolist() == [[-3, 4], [-2, 1]]
    assert found["a1"].tolist() == [[-0.75, 4], [-0.5, 1]]
    assert found["a2"].tolist() == [[0.5], [-0.5]]
    assert found["da1"].tolist() == [[-2, -0.5], [-2, -0.5]]
    assert found["dalpha1"].tolist() == [[10]]
    assert found["g1"].tolist() == [[0.25, 1], [0.25, 1]]
    assert found["delta1"].tolist() == [[-0.5, -0.5], [-0.5, -0.5]]
    assert found["alpha1_new"].item() == pytest.approx(0.25 - 0.01 * 10)


def test_the_order_of_work():
    ids = [step.id for step in backtrace.trace(worked()[0])]
    at = ids.index("da1")
    assert ids[at : at + 5] == ["da1", "dalpha1", "g1", "delta1", "dW1"]
    assert ids[-4:] == ["W1_new", "alpha1_new", "W2_new", "loss_after"]
    assert ids[ids.index("W1") + 1] == "alpha1"


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_a_slope_for_each_unit(layout):
    """Unit 2 is never negative, so its slope gets nothing."""
    turned = {"rows": "", "columns": "conventions: {layout: columns, weights: in_out}\n"}[layout]
    text = TEXT.format(unit="{name: prelu, alpha: [1/4, 1/2]}") + "learning_rate: 0.01\n" + turned
    if layout == "columns":
        text = text.replace("[[1, 2], [0, 1]]", "[[1, 0], [2, 1]]")
        text = text.replace("[[1.5], [0.5]]", "[[1.5, 0.5]]")
    trace = backtrace.trace(loads(text))
    row = np.array([[10.0, 0.0]])
    expected_gradient = row if layout == "rows" else row.T
    assert trace["dalpha1"].value.tolist() == expected_gradient.tolist()


@pytest.mark.parametrize("mean_in", ["delta", "gradient"])
def test_the_mean_enters_once(mean_in):
    text = TEXT.format(unit="prelu").replace("half_sse", "half_mse")
    trace = backtrace.trace(loads(text + f"conventions: {{mean_in: {mean_in}}}\n"))
    assert trace["dalpha1"].value.item() == 5


def test_under_descent_it_is_the_negative_and_the_update_the_same():
    _, found = worked(more="learning_rate: 0.01\nconventions: {sign: descent}\n")
    assert found["dalpha1"].item() == -10
    assert found["alpha1_new"].item() == pytest.approx(0.15)


def test_a_frozen_slope_has_its_gradient_and_no_update():
    _, found = worked(more="learning_rate: 0.01\nfreeze: [alpha1]\n")
    assert found["dalpha1"].item() == 10
    assert "alpha1_new" not in found


def test_no_penalty_is_on_it():
    more = "learning_rate: 0.01\nregularization: {l2: 1, l1: 1, biases: true}\n"
    spec, found = worked(more=more)
    assert found["dalpha1"].item() == 10
    assert "data_dalpha1" not in found
    assert "alpha1" not in next(s for s in backtrace.trace(spec) if s.id == "penalty").operands


def test_momentum_keeps_a_velocity_of_it():
    """v = 0.9·0 + 10, then α = ¼ − 0.01·10."""
    _, found = worked(more="optimizer: {name: momentum, learning_rate: 0.01}\n")
    assert found["valpha1"].item() == 10
    assert found["alpha1_new"].item() == pytest.approx(0.15)


def test_a_clipped_gradient():
    _, found = worked(more="learning_rate: 0.01\nclip: {value: 4}\n")
    assert found["clipped_dalpha1"].item() == 4


def test_updated_weights_carry_the_error_back_and_the_old_slope():
    more = "learning_rate: 0.01\nbackpropagate_through: updated\n"
    _, found = worked(more=more)
    assert found["g1"].tolist() == [[0.25, 1], [0.25, 1]]


def test_fractions_stay_fractions():
    spec, _ = worked(more="learning_rate: 1/100\narithmetic: exact\n")
    assert backtrace.trace(spec)["alpha1_new"].value.item() == Fraction(15, 100)


@pytest.mark.parametrize("name", ["adam", "nesterov", "adadelta", "rmsprop"])
def test_training_is_the_trace_again_and_again(name):
    spec, _ = worked(more=f"optimizer: {{name: {name}, learning_rate: 0.01}}\nepochs: 5\n")
    trained = train(spec).state.parameters(spec)
    traced = backtrace.trace(spec)
    for id, value in trained.items():
        np.testing.assert_array_equal(value, traced[f"{id}_new@5"].value)


def test_a_saved_trace_is_read_back():
    spec, _ = worked()
    trace = backtrace.trace(spec)
    assert decode(encode(trace)) == trace


def test_autograd_agrees():
    spec, _ = worked()
    assert disagreements(values(backtrace.trace(spec).update()), expected(spec)) == []


BOARD = """
given:
  x: [[1, 2], [0, 1]]
  y: [[1.5], [0.5]]
  W: [[1, 2], [-2, 1]]
  alpha: {alpha}
  V: [[2], [0.5]]
equations:
  - z = x @ W
  - a = prelu(z, alpha)
  - o = a @ V
  - L = half_sse(o, y)
loss: L
parameters: [W, alpha, V]
learning_rate: 0.01
"""


@pytest.mark.parametrize("alpha", ["1/4", "[1/4, 1/4]"])
def test_the_same_lines_as_equations(alpha):
    board = backtrace.trace(loads(BOARD.format(alpha=alpha)))
    layers = backtrace.trace(loads(TEXT.format(unit=f"{{name: prelu, alpha: {alpha}}}")))
    pairs = {"a": "a1", "da": "da1", "dalpha": "dalpha1", "dz": "delta1", "dW": "dW1", "L": "loss"}
    for line, id in pairs.items():
        value = np.reshape(layers[id].value, np.shape(board[line].value))
        np.testing.assert_array_equal(board[line].value, value)


def test_a_number_for_the_slope_is_no_parameter():
    text = BOARD.replace("(z, alpha)", "(z, 1/4)").replace("W, alpha", "W")
    board = backtrace.trace(loads(text.replace("  alpha: {alpha}\n", "")))
    assert np.asarray(board["dz"].value).tolist() == [[-0.5, -0.5], [-0.5, -0.5]]
