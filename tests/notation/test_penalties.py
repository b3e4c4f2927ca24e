"""How a penalty and its gradient are written: the λ of each form, and what it leaves alone."""

import pytest

from backtrace.functions.number import Number
from backtrace.notation import steps as notation
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import text
from backtrace.spec.model import Conventions, Regularization
from backtrace.tape.run import trace
from tests.tape.exercises import exercise

SOME, NONE = Number(0.1, "0.1"), Number(0.0, "0")


def penalised(l1, l2, form, **fields):
    part = Regularization(l1, l2, form, biases=False)
    return trace(exercise((2, 1), ("linear",), n=3, regularization=part, **fields))


def formula(traced, id):
    symbols = Symbols.of(traced)
    return text(notation.equation(traced[id], traced, symbols).formula, symbols)


@pytest.mark.parametrize(
    ("l1", "l2", "form", "loss", "gradient"),
    [
        (NONE, SOME, "half_lambda", "½·λ·Σ(W₁²)", "λ·W₁"),
        (NONE, SOME, "lambda", "λ·Σ(W₁²)", "2·λ·W₁"),
        (NONE, SOME, "lambda_over_2n", "λ/(2·n)·Σ(W₁²)", "λ/n·W₁"),
        (SOME, NONE, "half_lambda", "λ·Σ|W₁|", "λ·sign(W₁)"),
        (SOME, NONE, "lambda_over_2n", "λ/n·Σ|W₁|", "λ/n·sign(W₁)"),
        (SOME, SOME, "lambda", "λ·Σ(W₁²) + λ₁·Σ|W₁|", "2·λ·W₁ + λ₁·sign(W₁)"),
    ],
)
def test_the_lambda_of_every_form(l1, l2, form, loss, gradient):
    traced = penalised(l1, l2, form)
    assert formula(traced, "penalty") == f"Ω = {loss}"
    assert formula(traced, "dW1") == f"dW₁ = dW₁ᵈᵃᵗᵃ + {gradient}"


def test_under_descent_it_is_subtracted():
    traced = penalised(SOME, SOME, "half_lambda", conventions=Conventions(sign="descent"))
    assert formula(traced, "dW1").endswith(" − λ·W₁ − λ₁·sign(W₁)")


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize(("bias", "lines"), [("first", [0]), ("last", [2])])
def test_the_line_of_a_bias_has_no_penalty(bias, lines, layout):
    conventions = Conventions(layout=layout, weights="in_out" if layout == "rows" else "out_in")
    traced = penalised(NONE, SOME, "lambda", biases=bias, conventions=conventions)
    for line in range(3):
        i, j = (line, 0) if layout == "rows" else (0, line)
        (stage,) = notation.entry(traced["dW1"], traced, i, j)
        added = " + 2·0.1·" in text(stage, Symbols.of(traced))
        assert added == (line not in lines)
