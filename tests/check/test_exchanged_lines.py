"""Two whole lines, each written under the other's name: read as they were meant, charged once."""

import pytest

import backtrace
from backtrace.check.judge.checker import Checker
from backtrace.page.report.content import Commentator
from tests.check.test_mistakes import SQUARE, said
from tests.check.typed import answers_of, report
from tests.sampling import some

# The numbers of SQUARE as they are worked in test_mistakes.
RIGHT = {
    "z1": "[[6.00, 7.00], [2.00, -5.00]]",
    "a1": "[[6.00, 7.00], [2.00, 0.00]]",
    "a2": "[[7.00, 28.00], [6.00, 3.00]]",
    "error": "[[2.00, 1.00], [-1.00, 3.00]]",
    "loss": "3.75",
    "delta2": "[[1.00, 0.50], [-0.50, 1.50]]",
    "dW2": "[[5.00, 6.00], [7.00, 3.50]]",
    "db2": "[0.50, 2.00]",
    "da1": "[[2.50, 0.50], [0.50, 5.00]]",
    "delta1": "[[2.50, 0.50], [0.50, 0.00]]",
    "W2_new": "[[1.50, 0.40], [-1.70, 2.65]]",
    "b2_new": "[1.95, 0.80]",
}
SQUARES = [id for id, text in RIGHT.items() if text.count(",") == 3]
# These differ in one entry, of three digits: too few to tell what happened.
NEAR = {("z1", "a1"), ("da1", "delta1")}
PAIRS = [(a, b) for at, a in enumerate(SQUARES) for b in SQUARES[at + 1 :] if (a, b) not in NEAR]


def sheet(lines):
    return "\n".join(f"{id}: {text}" for id, text in lines.items())


def swapped(*pairs, of=RIGHT):
    lines = dict(of)
    for one, other in pairs:
        lines[one], lines[other] = lines[other], lines[one]
    return lines


def wrong(found):
    return {q.name: q.mistakes for q in found.quantities if q.verdict not in ("right", "rounded")}


@pytest.mark.parametrize(("one", "other"), some(PAIRS))
def test_each_pair_is_found_and_costs_one_entry(one, other):
    found = report(SQUARE, sheet(swapped((one, other))))
    assert wrong(found) == {one: ("lines-exchanged",), other: ("lines-exchanged",)}
    assert (found.earned, found.possible) == (40, 41)
    assert found.score.points == 40
    first, second = (q for q in found.quantities if q.name in (one, other))
    assert said(first.explanations[0]) == f"{one} and {other}"
    assert (first.repeated, second.repeated) == (None, one)


def test_lines_of_other_shapes_and_several_pairs():
    """db2 is 1 × 2 and dW2 2 × 2: neither fits under the other's name."""
    found = report(SQUARE, sheet(swapped(("db2", "dW2"), ("delta2", "a2"))))
    assert {*wrong(found)} == {"db2", "dW2", "delta2", "a2"}
    assert {q.mistakes for q in found.quantities if q.verdict == "wrong"} == {("lines-exchanged",)}
    assert (found.earned, found.possible) == (39, 41)


def test_a_line_is_shown_as_it_was_written():
    found = report(SQUARE, sheet(swapped(("delta2", "dW2"))))
    assert found.first_mistake.written == (("5.00", "6.00"), ("7.00", "3.50"))


def test_what_follows_an_earlier_mistake_is_exchanged_as_well():
    """error[1,1] = 3 for 2, so delta2 = [1.5 0.5 / -0.5 1.5] and dW2 = [9-1 3+3 / 10.5 3.5]."""
    lines = {
        "error": "[[3.00, 1.00], [-1.00, 3.00]]",
        "delta2": "[[8.00, 6.00], [10.50, 3.50]]",
        "dW2": "[[1.50, 0.50], [-0.50, 1.50]]",
    }
    found = report(SQUARE, sheet(lines))
    assert found.quantities[0].places("wrong") == [(1, 1)]
    assert all(q.mistakes == ("lines-exchanged",) for q in found.quantities[1:])
    assert (found.earned, found.possible) == (10, 12)


def test_what_was_worked_from_a_line_under_the_wrong_name_is_no_slip_of_the_pen():
    """dW2 = a1ᵀ·delta2 with z1 for a1, [6-1 3+3 / 7+2.5 3.5-7.5], stands wrong as before."""
    lines = {**swapped(("delta2", "da1")), "dW2": "[[5.00, 6.00], [9.50, -4.00]]"}
    assert "lines-exchanged" not in wrong(report(SQUARE, sheet(lines)))["dW2"]


@pytest.mark.parametrize(
    "lines",
    [
        {**RIGHT, "dW2": RIGHT["delta2"]},  # written twice
        {**RIGHT, "delta2": "[[5.00, 6.00], [7.00, 3.60]]", "dW2": RIGHT["delta2"]},
        {**RIGHT, "delta2": "[[5.00, 6.00], [7.00, 3.50]]", "dW2": "[[1.00, 0.50], [-0.50, 1.60]]"},
        {**RIGHT, "delta2": "[[5.00, 6.00], [7.00, _]]", "dW2": "[[1.00, 0.50], [-0.50, 1.50]]"},
    ],
)
def test_one_line_that_is_not_the_other_is_no_exchange(lines):
    assert not any(
        "lines-exchanged" in codes for codes in wrong(report(SQUARE, sheet(lines))).values()
    )


def test_single_numbers_of_few_digits_may_be_chance():
    """x = 3·2 = 6, y = 3 + 2 = 5 exchanged: two products and sums confused give as much."""
    spec = "given: {u: 3, v: 2}\nequations: [x = u * v, y = u + v, t = x * y]\nloss: t\n"
    assert "lines-exchanged" not in str(wrong(report(spec, "x: 5\ny: 6\nt: 30")))


def test_the_same_pair_of_every_parameter_and_update_is_one_mistake():
    """m = 0.1·1.234 and v = 0.001·1.234² = 0.001523, exchanged of the weight and of the bias."""
    spec = backtrace.loads(
        "layers: [{activation: linear, weights: 1, bias: 0.5}]\n"
        "inputs: 1\nloss: {upstream: 1.234}\noptimizer: {name: adam, learning_rate: 0.1}\n"
    )
    lines = "mW1: 0.001523\nvW1: 0.1234\nmb1: 0.001523\nvb1: 0.1234"
    found = report(spec, lines)
    assert [q.mistakes for q in found.quantities] == [("lines-exchanged",)] * 4
    assert [q.repeated for q in found.quantities] == [None, "mW1", "mW1", "mW1"]
    assert (found.earned, found.possible) == (3, 4)


def test_the_page_says_it_once_and_reveals_what_belongs_there():
    checker = Checker(backtrace.loads(SQUARE))
    answers = answers_of(checker, sheet(swapped(("delta2", "dW2"))))
    found = Commentator(checker, reveal=True).findings(answers, checker.check(answers))
    assert [each.causes[0].named for each in found.mistakes] == ["δ₂ and dW₂ are exchanged"] * 2
    expected = {each.name: each.as_written for each in found.expected}
    assert expected["delta2"] == (("1.00", "0.50"), ("-0.50", "1.50"))


def test_no_line_of_which_the_numbers_are_right_is_worked_again():
    checker = Checker(backtrace.loads(SQUARE))
    answers = answers_of(checker, sheet(swapped(("z1", "a2"))))
    found = Commentator(checker).findings(answers, checker.check(answers))
    assert [each.working for each in found.mistakes] == [None, None]
    slip = answers_of(checker, sheet({**RIGHT, "dW2": "[[5.00, 6.00], [7.00, 9.00]]"}))
    (one,) = Commentator(checker).findings(slip, checker.check(slip)).mistakes
    assert one.working is not None
