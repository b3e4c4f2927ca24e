"""The header's phrases: network, conventions, loss, optimizer."""

import pytest

import backtrace
from backtrace.notation.symbols import Symbols
from backtrace.page.header import architecture, facts

PLAIN = """
title: "t"
layers:
  - {activation: tanh, weights: [[1, 2], [3, 4], [5, 6]], bias: [0, 1]}
  - {activation: {name: linear, slope: 0.6}, weights: [[1], [2]], bias: none}
inputs: [[1, 2, 3]]
targets: 1
loss: mse
"""


def header(text):
    trace = backtrace.trace(backtrace.loads(text))
    return architecture(trace), facts(trace, Symbols.of(trace))


def test_the_network_in_a_line():
    assert header(PLAIN)[0] == "3 → 2 (tanh) → 1 (linear, slope 0.6)"


@pytest.mark.parametrize(
    ("weights", "layout", "expected"),
    [
        ("in_out", "rows", "a sample is a row: z = a·W + b"),
        ("out_in", "rows", "a sample is a row: z = a·Wᵀ + b"),
        ("out_in", "columns", "a sample is a column: z = W·a + b"),
        ("in_out", "columns", "a sample is a column: z = Wᵀ·a + b"),
    ],
)
def test_each_convention_shows_its_form(weights, layout, expected):
    spec = f"""
title: "t"
layers: [{{activation: linear, weights: [[1, 2], [3, 4]], bias: [5, 6]}}]
inputs: [[1, 2], [3, 5]]
targets: [[1, 2], [3, 4]]
loss: mse
conventions: {{layout: {layout}, weights: {weights}}}
"""
    assert header(spec)[1][0] == expected


@pytest.mark.parametrize(
    ("addition", "expected"),
    [
        ("", "no update"),
        ("learning_rate: 0.00001\n", "gradient descent, η = 0.00001"),
        ("optimizer: {name: momentum, learning_rate: 1/4}\n", "gradient descent with momentum"),
        ("optimizer: {name: adam, learning_rate: 0.1}\n", "Adam, η = 0.1"),
        ("learning_rate: 1\nclip: {norm: 5}\n", "gradients clipped by their norm, c = 5"),
        ("learning_rate: 1\nclip: {value: 1/2}\n", "gradients clipped entry by entry, c = 0.5"),
        ("optimizer: {name: adam, learning_rate: 0.1}\nclip: {norm: 5}\n", "Adam, η = 0.1"),
        ("conventions: {sign: descent}\n", "δ = −∂L/∂z"),
        ("arithmetic: float32\n", "single precision"),
        ("arithmetic: {round_each_step: 3}\n", "every line rounded to 3 decimals"),
        ("notation: {loss: J, prediction: y_hat}\n", "J = 1/n Σ(ŷ − y)²"),
        ("learning_rate: 1\nregularization: {l2: 0.1}\n", "L = 1/n Σ(a₂ − y)² + Ω"),
    ],
)
def test_what_is_in_force_is_said(addition, expected):
    assert any(fact.startswith(expected) for fact in header(PLAIN + addition)[1])


def test_where_the_mean_enters_is_said_if_it_is_late():
    many = PLAIN.replace("[[1, 2, 3]]", "[[1, 2, 3], [4, 5, 6]]").replace(
        "targets: 1", "targets: [[1], [2]]"
    )
    said = "1/n enters in the gradients, not in δ"
    assert said not in header(many)[1]
    assert said in header(many + "conventions: {mean_in: gradient}\n")[1]


def test_a_loss_that_compares_with_the_true_class_says_so():
    one_hot = PLAIN.replace("targets: 1", "targets: [[1, 0]]").replace(
        "[[1], [2]]", "[[1, 2], [2, 1]]"
    )
    _, told = header(one_hot.replace("loss: mse", "loss: hinge"))
    assert "L = 1/n Σ max(0, 1 + a₂[j] − a₂[true class]), j ≠ true" in told


def test_a_gradient_that_is_written_in_full_is_not_explained():
    text = "notation: {gradient: partial}\ngiven: {x: 1}\nequations: [L = x^2]\nloss: L\n"
    trace = backtrace.trace(backtrace.loads(text))
    assert not any("∂L/∂x" in fact for fact in facts(trace, Symbols.of(trace)))
