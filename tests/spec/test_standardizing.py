"""Standardized inputs: by whose mean and deviation, in both layouts, and where it is said."""

import numpy as np
import pytest

from backtrace.formats.json.trace import encode
from backtrace.formats.json.trace_validation import read
from backtrace.spec.read.holdout import held_out
from backtrace.tape.loading import loads
from backtrace.tape.run import trace
from tests.spec.specs import only_problem

X = np.array([[1, 100, 7], [2, 140, 7], [3, 90, 7], [6, 110, 7], [3, 10, 8]], dtype=float)
Y = [[1], [2], [3], [4], [2]]
W = "[[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]]"


def spec(more="", layout="rows"):
    rows = layout == "rows"
    return (
        f"layers:\n  - {{activation: tanh, weights: {W}, bias: [0, 0]}}\n"
        "  - {activation: linear, weights: [[1], [2]], bias: 0}\n"
        f"inputs: {(X if rows else X.T).tolist()}\n"
        f"targets: {Y if rows else [[line[0] for line in Y]]}\n"
        f"loss: mse\nconventions: {{layout: {layout}, weights: in_out}}\n"
        f"standardize: true\nlearning_rate: 0.1\n{more}"
    )


def by_hand(of, by):
    """(x − mean)/deviation, a feature at a time; what never changes becomes 0."""
    lines = []
    for feature in range(by.shape[1]):
        mean = sum(by[:, feature]) / len(by)
        deviation = (sum((x - mean) ** 2 for x in by[:, feature]) / len(by)) ** 0.5
        lines.append([(x - mean) / (deviation or 1) for x in of[:, feature]])
    return np.array(lines).T


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_each_feature_by_all_samples(layout):
    found = loads(spec(layout=layout)).inputs.values
    np.testing.assert_allclose(found if layout == "rows" else found.T, by_hand(X, X), rtol=1e-14)


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_held_out_samples_by_the_numbers_of_the_others(layout):
    found = loads(spec("validation: {rows: 5}\n", layout))
    inputs, held = found.inputs.values, found.validation.inputs.values
    if layout == "columns":
        inputs, held = inputs.T, held.T
    np.testing.assert_allclose(inputs, by_hand(X[:4], X[:4]), atol=1e-14)
    np.testing.assert_allclose(held, by_hand(X[4:], X[:4]), rtol=1e-14)


def test_samples_that_the_command_line_holds_out_take_no_part():
    found = held_out(loads(spec()), 5)
    np.testing.assert_allclose(found.inputs.values, by_hand(X[:4], X[:4]), atol=1e-14)
    assert found.standardization.samples == 4
    np.testing.assert_allclose(found.standardization.mean[:2], [3, 110])  # (1+2+3+6)/4, 440/4
    held = found.validation.inputs.values[:, :2]
    np.testing.assert_allclose(held, by_hand(X[4:], X[:4])[:, :2], rtol=1e-13, atol=1e-15)


def test_the_given_inputs_say_how():
    first = trace(loads(spec("validation: {rows: 5}\n")))
    said = first["a0"].parameters["standardized"]
    assert said["samples"] == 4
    np.testing.assert_allclose(said["mean"], [3, 110, 7])
    # the squares of the deviations: (4 + 1 + 0 + 9)/4, (100 + 900 + 400 + 0)/4
    np.testing.assert_allclose(np.square(said["deviation"]), [3.5, 350, 0])
    assert read(encode(first).encode()) == first


def test_a_feature_that_never_changes_becomes_0():
    """Also 0.1, three times which is not exactly 0.3."""
    text = spec().replace(str(X.tolist()), str([[0.1, 1, k] for k in range(5)]))
    assert loads(text).inputs.values[:, :2].tolist() == [[0, 0]] * 5


def test_one_sample_has_no_deviation():
    problem = only_problem(spec("validation: {rows: 2..5}\n"))
    assert "with one sample" in problem.found


def test_a_deviation_is_no_fraction():
    assert "exact" in only_problem(spec("arithmetic: exact\n")).found
