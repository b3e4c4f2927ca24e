"""The worked line of a wrong step: the student's own numbers, and nothing that gives it away."""

import re

import numpy as np
import pytest

from backtrace.check.diagnosis.hints import worked_line
from backtrace.check.judge.checker import Checker
from tests.check.test_mistakes import ALONE
from tests.check.typed import answers_of, exercise, listed, spec_of
from tests.sampling import share

NUMBER = re.compile(r"(?<![\w₀-₉⁰-⁹])\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def line_of(source, sheet, name):
    checker = Checker(spec_of(source))
    answers = answers_of(checker, sheet)
    judged = next(q for q in checker.check(answers).quantities if q.name == name)
    return checker, answers, worked_line(checker, answers, judged)


def numbers_in(text):
    """The sizes of all numbers of a line, its update and indices in brackets left aside."""
    bare = re.sub(r"@\d+\.\d+|\[[\d,]+\]", "", text)
    return {abs(float(number)) for number in NUMBER.findall(bare)}


def givens(checker):
    return {
        abs(float(x))
        for place, values in checker.values.items()
        if checker.is_given(place)
        for x in values.ravel()
    }


def parameters(checker):
    """What the rules themselves say: rates, factors, numbers of samples and of outputs."""
    found = {0.0, 1.0, 2.0, 0.5, 10.0}
    for step in checker.steps.values():
        values = [v for v in step.parameters.values() if isinstance(v, (int, float))]
        found |= {abs(float(v)) for v in values} | {1 - float(v) for v in values}
        found |= {float(size) for size in step.shape}
    return found


def typed_numbers(answers):
    return {
        abs(cell.value)
        for written in answers.written
        for line in written.cells
        for cell in line
        if hasattr(cell, "value")
    }


def hidden(checker, answers, line):
    """Numbers of a line that are neither given, nor written, nor of the rule itself."""
    allowed = givens(checker) | typed_numbers(answers) | parameters(checker)
    return {
        number
        for number in numbers_in(f"{line.left} = {line.right}")
        if not any(abs(number - known) <= 1e-9 * (1 + known) for known in allowed)
    }


@pytest.mark.parametrize("code", ALONE)
def test_no_number_is_given_away(code):
    spec, sheet, name = ALONE[code]
    checker, answers, line = line_of(spec, sheet, name)
    assert hidden(checker, answers, line) == set(), line


@pytest.mark.parametrize("seed", range(share(4)))
@pytest.mark.parametrize("name", ["or-gate", "mlp-math", "softmax", "adam"])
def test_no_number_is_given_away_by_any_line_of_a_wild_sheet(name, seed):
    """Some quantities written, with numbers of nobody's, all others left out."""
    random = np.random.default_rng(seed)
    checker = Checker(exercise(name))
    cells = {}
    for (epoch, batch, id), values in checker.values.items():
        if random.random() < 0.4 and not checker.is_given((epoch, batch, id)):
            texts = [[f"{x:.5f}" for x in line] for line in random.uniform(3, 4, values.shape)]
            cells[f"{id}@{epoch}.{batch}"] = listed(texts)
    sheet = "\n".join(f"{id}: {text}" for id, text in cells.items())
    answers = answers_of(checker, sheet)
    for judged in checker.check(answers).quantities:
        line = worked_line(checker, answers, judged)
        if line is not None:
            assert hidden(checker, answers, line) == set(), (judged.name, line)


def test_the_measure_finds_a_number_that_is_given_away():
    spec, sheet, name = ALONE["relu-mask-ignored"]
    checker, answers, line = line_of(spec, sheet, name)
    leaky = type(line)(line.rule, line.left, f"{line.right} = 0.7225")
    assert hidden(checker, answers, leaky) == {0.7225}


def test_the_line_stops_before_the_result():
    # delta1[1,2] = da1[1,2] · ReLU′(z1[1,2]), with the student's -3.4 and -1.3.
    spec, sheet, name = ALONE["relu-mask-ignored"]
    _, _, line = line_of(spec, sheet, name)
    assert line.left == "δ₁[1,2]"
    assert {3.4, 1.3} & numbers_in(line.right)
    assert "ReLU′" in line.rule


def test_the_first_wrong_entry_is_worked():
    _, _, line = line_of("mlp-math", "z1: [3.7, -1.3, 1.2]", "z1")
    assert line.left.endswith("[1,3]")
    # 1·2 + 2·(-0.5) + 0.1
    assert {2.0, 0.5, 0.1} <= numbers_in(line.right)


def test_what_an_earlier_update_left_is_the_students_own():
    """v ← βv + dW, with the 1.1 written for the v of the update before; its key has 1."""
    spec = """
layers: [{activation: linear, weights: [[2]], bias: none}]
inputs: [[1], [3]]
targets: [[1], [2]]
loss: half_sse
optimizer: {name: momentum, learning_rate: 0.1, momentum: 0.5}
updates: online
"""
    _, _, line = line_of(spec, "answers: {vW1: 1.1, dW1@1.2: 11.1, vW1@1.2: 12.7}", "vW1@1.2")
    assert line.right == "0.5·1.1 + 11.1"


def test_no_brackets_stand_around_a_whole_line():
    _, _, line = line_of("mlp-math", "answers: {z2: 4.3, loss: 3.3}", "loss")
    assert line.right == "(4.3 − 3.5)²"


def test_a_given_number_has_no_line():
    _, _, line = line_of("mlp-math", "b1: [0.2, 0.3, 0.1]", "b1")
    assert line is None


def test_equations_are_worked_in_their_own_symbols():
    spec = "given: {x: 2, W1: 3}\nequations: [s = (x * W1 + 1) * 4]\n"
    _, _, line = line_of(spec, "answers:\n  s: 27\n", "s")
    assert line.rule == "s = (x·W₁ + 1)·4"  # W1 is a name here, and s a number without indices
    assert line.left == "s"
    assert line.right == "((2·3) + 1)·4"
