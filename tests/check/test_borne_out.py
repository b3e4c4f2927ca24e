"""What coarse scratch work would excuse is excused only where it has left its mark."""

import numpy as np
import pytest

import backtrace
from tests.check.generator import write_sheet
from tests.check.grading import grade
from tests.check.habits import Habit
from tests.check.handwork import Work
from tests.check.typed import listed, report
from tests.check.wrong_rules import wrong_rules

SPEC = """
layers:
  - {activation: sigmoid, weights: [[0.31, 0.26, -0.42]], bias: {threshold: [0.55, 0.42, 0.03]}}
  - activation: sigmoid
    weights: [[0.88, -0.92], [0.37, -0.21], [0.5, -0.05]]
    bias: [0.12, -0.55]
  - {activation: sigmoid, weights: [[-0.56, -0.56], [0.65, 0.9]], bias: [-0.91, -0.15]}
inputs: [[1.46], [-0.87], [-1.07], [1.02], [0.3]]
targets: [[0, 1], [0, 1], [1, 0], [0, 0], [0, 1]]
loss: binary_cross_entropy
learning_rate: 0.1
"""
FINAL = ("W1_new", "b1_new", "W2_new", "b2_new", "W3_new", "b3_new")


def work_and_mistakes(code, line):
    work = Work(backtrace.loads(SPEC))
    return work, [*wrong_rules(work, work.lines[line], (code,))]


def mistakes_of(work, wrong, digits):
    """What is wrong in the final numbers, of one who makes a mistake and rounds to so many
    decimals; nothing is said of coarse work."""
    texts, _ = write_sheet(np.random.default_rng(0), work, Habit(digits), FINAL, wrong)
    sheet = "\n".join(f"{id}: {listed(cells.tolist())}" for id, cells in texts.items())
    found = report(SPEC, sheet)
    assert found.conventions is None
    return {q.name: q.mistakes for q in found.quantities if q.verdict == "wrong"}


def test_a_mistake_among_final_numbers_that_are_fine_is_no_coarse_rounding():
    """b1 with the gradient of one sample, out by 0.0003, which two decimals on the way could be;
    but 18 other numbers are right to six."""
    work, wrongs = work_and_mistakes("batch-not-summed", "db1")
    (wrong,) = wrongs[4:5]
    assert mistakes_of(work, wrong, 6) == {"b1_new": ("batch-not-summed",)}


def test_who_does_not_update_a_bias_has_not_noted_its_step_as_nothing():
    """0.1 · db1 is less than 0.005, which is 0.00 to two decimals; but so would other steps be."""
    work, (wrong,) = work_and_mistakes("update-omitted", "b1_new")
    assert mistakes_of(work, wrong, 5) == {"b1_new": ("update-omitted",)}


@pytest.mark.parametrize(
    ("seed", "code"),
    [
        (91010, "penalty-on-bias"),  # -1.638 is written -1.64, by nobody who cuts digits off
        (90038, "preactivation-in-derivative"),
        (91001, "update-omitted"),  # 0.00 to two decimals, but no other update is noted so
        (92004, "update-omitted"),
        (93002, "correction-of-another-step"),  # 0.50025 for 1, in no arithmetic
    ],
)
def test_other_ways_of_working_excuse_no_mistake_that_other_lines_speak_for(seed, code):
    assert grade(seed, code).located
