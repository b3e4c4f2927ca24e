"""What is told of a mistake fits the exercise's loss and activation."""

import pytest

from backtrace.check.model import Explanation
from backtrace.page.report.phrases import Words
from tests.check.test_mistakes import BINARY, SQUARE
from tests.check.typed import spec_of

TANH = BINARY.replace("sigmoid", "tanh").replace("binary_cross_entropy", "half_mse")
OF_SQUARES = "does the 2 of the square cancel"


def told(spec, code, id):
    (said,) = Words(spec_of(spec)).advice(Explanation(((code, id),)))
    return said


@pytest.mark.parametrize(
    ("spec", "code", "id", "words"),
    [
        (SQUARE, "half-factor", "loss_terms", OF_SQUARES),
        (SQUARE, "half-factor", "dW2", "look for it in this line"),
        (TANH, "derivative-incomplete", "g1", "1 − a²"),
        (BINARY, "derivative-incomplete", "g1", "a and 1 − a"),
        (TANH, "derivative-at-activation", "g1", "tanh′(z) is 1 − a²"),
        (BINARY, "derivative-at-activation", "g1", "σ′(z) is a(1 − a)"),
    ],
)
def test_what_is_told(spec, code, id, words):
    assert words in told(spec, code, id)


def test_a_cross_entropy_has_no_square():
    assert "square" not in told(BINARY, "half-factor", "loss_terms")


def test_of_tanh_it_is_the_square_that_is_missing():
    named = Explanation((("derivative-incomplete", "g1"),), detail=("the square",))
    assert Words(spec_of(TANH)).cause(named, "g1") == "the square is missing in the derivative"
    named = Explanation((("derivative-incomplete", "g1"),), detail=("the factor a",))
    assert Words(spec_of(BINARY)).cause(named, "g1") == "the factor a is missing in the derivative"
