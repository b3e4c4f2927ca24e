"""Formulas and sentences as lines of text."""

import pytest

from backtrace.functions.formula import (
    Hole,
    Letter,
    Ref,
    Sum,
    Symbol,
    Terms,
    Value,
    call,
    cases,
    exp,
    filled,
    row,
)
from backtrace.notation.latex import latex
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import sentence_text, text, whole
from backtrace.notation.workings import signed_sum, sum_of
from backtrace.spec.model import Notation

SYMBOLS = Symbols(Notation(), activations={1: "relu", 2: "relu"})
A, B, C = Letter("a"), Letter("b"), Letter("c")


@pytest.mark.parametrize(
    ("formula", "unicode", "in_latex"),
    [
        (A + B - C, "a + b − c", "a + b - c"),
        (A - (B - C), "a − (b − c)", "a - (b - c)"),
        (A * (B + C), "a·(b + c)", r"a\cdot (b + c)"),
        (-(A * B), "−a·b", r"-a\cdot b"),
        (-(A + B), "−(a + b)", "-(a + b)"),
        (A * -B, "a·(−b)", r"a\cdot (-b)"),
        (A - -B, "a − (−b)", "a - (-b)"),
        (1 / (1 + exp(-A)), "1/(1 + e^(−a))", r"\frac{1}{1 + e^{-a}}"),
        ((A - B) / (A * B), "(a − b)/(a·b)", r"\frac{a - b}{a\cdot b}"),
        ((A + B) ** 2, "(a + b)²", "(a + b)^{2}"),
        ((A * B) ** 2, "(a·b)²", r"(a\cdot b)^{2}"),
        ((A / B) ** 2, "(a/b)²", r"(\frac{a}{b})^{2}"),
        (exp(A) ** 2, "(e^a)²", "(e^{a})^{2}"),
        (A**2, "a²", "{a}^{2}"),
        (call("tanh", A) ** 2, "tanh²(a)", r"\tanh^{2}(a)"),
        (abs(A), "|a|", r"\lvert a \rvert"),
        (call("max", 0, A), "max(0, a)", r"\max(0, a)"),
        (2 * cases(A, A > 0, B), "2·(a if a > 0 else b)",
         r"2\cdot (a\text{ if }a > 0\text{ else }b)"),
        (Sum((A - B) ** 2), "Σ(a − b)²", r"\sum (a - b)^{2}"),
        (Sum(abs(A)), "Σ|a|", r"\sum \lvert a \rvert"),
        (Sum(A * B), "Σ(a·b)", r"\sum (a\cdot b)"),
    ],
)  # fmt: skip
def test_brackets_stand_where_a_formula_would_fall_apart(formula, unicode, in_latex):
    assert text(formula, SYMBOLS) == unicode
    assert latex(formula, SYMBOLS) == in_latex


@pytest.mark.parametrize(
    ("formula", "printed"),
    [
        (Hole("z") * Hole("z"), "(-2)·(-2)"),
        (2 * (Hole("z") / Hole("z")), "2·(-2)/(-2)"),
        (1 - Hole("z"), "1 − (-2)"),
        (Hole("z") + 1, "-2 + 1"),
        (1 + Hole("z"), "1 − 2"),
        (Hole("z") ** 2, "(-2)²"),
        (exp(Hole("z")), "e^(-2)"),
        (abs(Hole("z") - 1), "|-2 − 1|"),
        (cases(1, Hole("z") > 0, 0), "1 if -2 > 0 else 0"),
        (call("max", 0, Hole("z")), "max(0, -2)"),
    ],
)
def test_a_negative_number_has_brackets_where_it_needs_them(formula, printed):
    assert text(filled(formula, {"z": Value(-2.0)}), SYMBOLS) == printed


def numbered(count):
    return [Value(float(at)) for at in range(1, count + 1)]


def test_of_a_long_sum_the_first_four_and_the_last_two_stand_there():
    assert text(row(*sum_of(numbered(12))), SYMBOLS) == " + ".join(map(str, range(1, 13)))
    assert text(row(*sum_of(numbered(13))), SYMBOLS) == "1 + 2 + 3 + 4 + ⋯ + 12 + 13"
    assert text(row(*signed_sum(numbered(20))), SYMBOLS) == "1 + 2 + 3 + 4 + ⋯ + 19 + 20"


def test_worked_terms_that_are_negative_are_subtracted():
    assert text(Terms((Value(1.0), Value(-2.0))), SYMBOLS) == "1 − 2"


def test_a_number_of_a_sentence_is_printed_as_it_was_written():
    said = (row(Letter("η"), " = ", Value(0.123456789012)), " is a rate")
    assert sentence_text(said, SYMBOLS) == "η = 0.123456789012 is a rate"
    longer = (row(Letter("η"), " = ", Value(0.1234567890126)),)
    assert sentence_text(longer, SYMBOLS) == "η = 0.123456789013"


def test_a_sentence_is_made_whole():
    assert whole(("unit 2 was off",)) == ("Unit 2 was off", ".")
    assert whole((Symbol("z1"), " is 0")) == (Symbol("z1"), " is 0", ".")


def test_a_transposed_quantity_and_one_without_its_bias_line():
    assert text(Ref("W2", transposed=True), SYMBOLS) == "W₂ᵀ"
    assert text(Ref("W2", transposed=True, omit="first"), SYMBOLS) == "W̃₂ᵀ"
