"""Layers that are not dense are refused by their names, with what works them."""

import numpy as np
import pytest

import backtrace
from backtrace.spec import bundled
from backtrace.spec.document.problems import SpecError
from backtrace.spec.read.other_layers import BUNDLED


def only_problem(layer):
    text = f"layers:\n  - {layer}\ninputs: [[1]]\n"
    with pytest.raises(SpecError) as raised:
        backtrace.loads(text)
    (problem,) = raised.value.problems
    return problem


@pytest.mark.parametrize(
    ("layer", "column", "example"),
    [
        ("dropout", 5, "dropout"),
        ("{dropout: 0.5}", 6, "dropout"),
        ("{type: LSTM, units: 4}", 12, "lstm"),
        ("{name: Conv2D, filters: 3}", 12, "convolution"),
        ("{activation: max_pool, weights: [[1]], bias: none}", 18, "convolution"),
        ("{activation: {name: attention}, weights: [[1]], bias: none}", 25, "attention"),
        ("{activation: relu, weights: [[1]], bias: none, skip: true}", 52, "residual"),
        ("{Batch-Norm: {}}", 6, "batch-norm"),
    ],
)
def test_the_example_that_works_it_is_named(layer, column, example):
    problem = only_problem(layer)
    assert (problem.line, problem.column) == (2, column)
    assert "`equations`" in problem.mend
    assert f"`backtrace show {example}`" in problem.mend


def test_the_examples_are_there():
    assert set(BUNDLED.values()) <= set(bundled.names())


def test_the_equation_of_a_learned_slope():
    """a = (2, −3·0.25): the gradient of the slope is the sum of what is negative, −3."""
    text = (
        "given: {z: [[2, -3]], alpha: 0.25}\n"
        "equations:\n  - a = maximum(z, 0) + alpha * minimum(z, 0)\n  - L = sum(a)\nloss: L\n"
    )
    spec = backtrace.loads(text)
    values = {
        step.id: np.asarray(step.value) for step in backtrace.trace(spec).update(1, 1).values()
    }
    assert values["a"].tolist() == [[2, -0.75]]
    assert values["dalpha"].item() == -3
    assert values["dz"].tolist() == [[1, 0.25]]
