"""Equations that can't be worked: what is said of a line, and what is not held against others."""

import pytest

from backtrace.spec.equations.answer_names import EquationNames
from backtrace.tape.loading import loads
from tests.spec.specs import only_problem, problems_of

GIVEN = "given: {W: [[1, 2], [3, 4]], x: [[1, 2, 3]]}\n"


def board(*lines, after=""):
    return GIVEN + "equations:\n  - u = sum(W) * sum(x)\n" + "".join(lines) + after


@pytest.mark.parametrize(
    ("line", "column", "found", "expected"),
    [
        ("a = W[3,1]", 9, "row 3 of a 2 × 2 matrix", "rows and columns that it has"),
        ("a = x @ W[:,2..3]", 13, "column 3 of a 2 × 2 matrix", "rows and columns that it has"),
        (
            "a = x @ W",
            9,
            "x (1 × 3) @ W (2 × 2): the 3 columns of x meet the 2 rows of W",
            "as many",
        ),
        ("a = W @", 11, "nothing behind the `@`", "a formula"),
        ("a = W =", 11, "nothing behind the `=`", "a formula"),
        ("a = W * * W", 13, '"*" where it does not fit', "a formula"),
    ],
)
def test_what_is_said_of_a_line(line, column, found, expected):
    problem = only_problem(board(f"  - {line}\n"))
    assert (problem.line, problem.column, problem.found) == (4, column, found)
    assert problem.expected.startswith(expected)


def test_who_uses_a_line_that_cannot_be_read_is_not_to_blame():
    problem = only_problem(board("  - z = W @\n", "  - L = sum(z)\n", after="loss: z\n"))
    assert problem.line == 4


def test_lines_that_are_no_list_are_one_problem():
    problem = only_problem(GIVEN + "equations: L = sum(W) + sum(x)\nloss: L\n")
    assert problem.expected == "a list of lines"


def test_a_name_in_a_loop_is_one_of_its_round():
    loop = "  - for: t = 1..2\n    do:\n      - s = t * W\n"
    problem = only_problem(board(loop))
    assert problem.found == "`s`, which is worked already"
    assert "`s[t]`" in problem.mend


def test_the_name_of_a_loss_is_no_name_of_a_line():
    problem = only_problem(board(after="loss: mse\n"))
    assert "`L = mse(prediction, target)`" in problem.mend


def test_clipping_without_an_update():
    problem = only_problem(board("  - L = u\n", after="loss: L\nclip: {norm: 1}\n"))
    assert problem.found == "`clip` without an update"


def test_given_alone_asks_for_equations():
    assert [each.found for each in problems_of(GIVEN)] == ["a spec without `equations`"]


@pytest.mark.parametrize("name", ["loss", "cost", "J", "j"])
def test_a_loss_has_the_usual_names_too(name):
    equations = loads(board("  - J = u + 1\n", after="loss: J\n")).equations
    assert EquationNames(equations, {"J": "J", "u": "u"}).id(name) == "J"
