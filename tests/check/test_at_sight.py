"""What is right at sight is right when it is worked, in every field of the report."""

import numpy as np
import pytest

from backtrace.check.answers.reading import read_answers, reader
from backtrace.check.judge.at_sight import right_at_sight
from backtrace.check.judge.checker import Checker
from backtrace.check.judge.sheet import Sheet
from backtrace.check.judge.workings import Working
from tests.check.calculator import HABITS, person
from tests.check.typed import answers_of, spec_of

SEEDS = range(1, 31)


def both(seed, habit):
    """A person's sheet at sight (None where it takes a closer look), and worked."""
    found = person(seed, HABITS[habit])
    if found is None:
        return None, None
    checker = Checker(found[0])
    answers = read_answers(found[1].encode(), "sheet.yaml", reader(checker.tape, checker.spec))
    with np.errstate(all="ignore"):
        sight = right_at_sight(Sheet(checker, answers, Working()))
        return sight, checker.sheet(answers, Working()).quantities


@pytest.mark.parametrize(
    "habit", ["full digits carried, 4 written", "full digits carried, 2 written"]
)
def test_what_is_right_at_sight_is_right_when_worked(habit):
    found = [both(seed, habit) for seed in SEEDS]
    at_sight = [pair for pair in found if pair[0] is not None]
    assert len(at_sight) > 3
    assert [sight == worked for sight, worked in at_sight] == [True] * len(at_sight)


@pytest.mark.parametrize(
    "sheet",
    [
        "z2: 4.53",  # 4.35 with two digits exchanged
        "a1: [3.7, _, 1.1]",  # an entry is left out
        "z2: 4",  # too few digits
        "W1: [[0.5, -1, 2], [1.5, 0, -0.5]]\nz2: 4.35",  # givens earn nothing
    ],
)
def test_what_takes_a_closer_look(sheet):
    checker = Checker(spec_of("mlp-math"))
    assert right_at_sight(Sheet(checker, answers_of(checker, sheet), Working())) is None
