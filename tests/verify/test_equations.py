"""Gradients of equations against differences: every name's, and what is found when one is wrong."""

import msgspec
import numpy as np
import pytest

from backtrace.tape.compile import compile_tape
from backtrace.tape.loading import loads
from backtrace.tape.steps import Tape
from backtrace.tape.writer import TapeError
from backtrace.verify import verify

ATTENTION = """
given:
  X: [[1, 0, 1], [0, 2, 0]]
  W: [[1, 0], [0, 1], [1, 1]]
  Y: [[1, 0], [0.5, 1]]
equations:
  - Q = X @ W
  - A = softmax(Q @ Q.T / sqrt(2))
  - O = hstack(A[:,1], maximum(A, 0.4)[:,2])
  - L = half_mse(O, Y) + 0.1 * sum(round(W^2, 1))
loss: L
constants: [Y]
"""


def test_every_name_has_a_gradient_that_agrees():
    found = verify(loads(ATTENTION))
    assert [each.id for each in found.quantities] == ["dO", "dA", "dQ", "dX", "dW"]
    assert found.agrees


def test_upstream_gradients_at_several_names():
    text = """
given: {X: [[1, 2], [3, 4]], W: [[1, 0.5], [0, 1]]}
equations: [Y = X @ W, Z = Y * Y]
upstream: {Z: [[1, 1], [1, 1]], Y: [[1, 0], [0, 0]]}
"""
    found = verify(loads(text))
    assert [each.id for each in found.quantities] == ["dY", "dX", "dW"]
    assert found.agrees


def test_a_maximised_objective_has_its_own_gradient():
    text = (
        "given: {w: 2, x: 3}\nequations: [J = w * x]\nmaximize: J\n"
        "parameters: [w]\nlearning_rate: 0.1\n"
    )
    found = verify(loads(text))
    assert found.agrees
    (dw,) = (each for each in found.quantities if each.id == "dw")
    assert dw.tape.item() == pytest.approx(3)  # dJ/dw = x


@pytest.mark.parametrize("way", ["dX_from_Q", "dQ_from_A.1", "dQ_from_A.2"])
def test_a_way_left_out_is_found(way):
    spec = loads(
        ATTENTION.replace("- Q = X @ W", "- Q = X @ W\n  - K = X @ W").replace(
            "Q @ Q.T", "Q @ Q.T + K @ K.T"
        )
    )
    tape = compile_tape(spec)
    steps = [_without(step, way) for step in tape]
    assert steps != list(tape)
    assert not verify(spec, tape=Tape(tuple(steps), tape.conventions, tape.arithmetic)).agrees


def _without(step, way):
    """A sum of ways without one of them; of two the other one alone."""
    if step.operation != "add" or way not in step.operands:
        return step
    rest = tuple(id for id in step.operands if id != way)
    return msgspec.structs.replace(step, operands=rest)


def test_without_a_loss_there_is_nothing_to_verify():
    with pytest.raises(TapeError, match="loss"):
        verify(loads("given: {x: 1}\nequations: [y = x + 1]\n"))


def test_a_kink_is_named_and_does_not_accuse():
    text = "given: {x: [[0, 1, 1]]}\nequations: [L = sum(relu(x)) + max(x)]\nloss: L\n"
    found = verify(loads(text))
    assert found.agrees
    (dx,) = found.quantities
    assert np.allclose(dx.tape, [[0, 2, 1]])  # the first of equal maxima has it all
    assert (1, 0) not in dx.kinks
    assert (0, 0) in dx.kinks


def test_a_mask_of_minus_infinity_is_no_obstacle():
    text = """
given: {S: [[1, 2], [3, 4]], M: [[0, -inf], [0, 0]], V: [[1, -1], [2, 0.5]]}
equations: [T = S + M, A = softmax(T), L = sum((A @ V)^2)]
loss: L
constants: [M]
"""
    found = verify(loads(text))
    assert found.agrees
    masked = next(each for each in found.quantities if each.id == "dT")
    assert not masked.undecided.any()
    assert masked.numeric[0, 1] == 0


def test_a_tie_of_a_window_is_a_kink_without_a_distance():
    text = "given: {x: [[1, 1], [0, 0]]}\nequations: ['p = max_pool(x, size=2)']\nloss: p\n"
    (dx,) = verify(loads(text)).quantities
    crossed = {(each.id, each.index, each.away) for each in dx.kinks[0, 0].crossed}
    assert crossed == {("p", (1, 1), 0.0)}
