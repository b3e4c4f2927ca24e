"""What is said at sight is what is said when all is worked, in every field of the report."""

import numpy as np
import pytest

from backtrace.check.answers.reading import read_answers, reader
from backtrace.check.judge import judgement
from backtrace.check.judge.at_sight import is_right_at_sight, verdicts_at_sight
from backtrace.check.judge.checker import Checker
from backtrace.check.rules.noting import Noting
from backtrace.check.sheets.sheet import Page, Sheet
from backtrace.check.sheets.workings import Working
from tests.check.calculator import HABITS, person
from tests.check.generator import generate
from tests.check.typed import answers_of, listed, spec_of
from tests.sampling import share

SEEDS = range(1, 1 + share(30))


def quantities(seed, habit, working):
    """What is said of a person's sheet as it stands, if it was worked so."""
    found = person(seed, HABITS[habit])
    if found is None:
        return ()
    checker = Checker(found[0])
    answers = read_answers(found[1].encode(), "sheet.yaml", reader(checker.tape, checker.spec))
    with np.errstate(all="ignore"):
        return checker.sheet(answers, working).quantities


CUT = Working(cut=True)
NOTED = Working(scratch=Noting(0.5e-3), parts=frozenset(("matmul", "activate", "descend")))
COARSE = Working(scratch=Noting(0.5e-3), lines=True)


@pytest.mark.parametrize(
    ("habit", "working"),
    [
        ("full digits carried, 4 written", Working()),
        ("some lines left out", Working()),
        ("some lines left out", Working(again=True)),
        ("cut off instead of rounded", CUT),
        ("lines rounded to 3 decimals", CUT),  # half of which is no number cut off
        ("products to 3 decimals, 4 written", NOTED),
        ("scratch lines one decimal coarser", COARSE),
        ("everything to 4 significant digits", Working(scratch=Noting(0.0, 4), lines=True)),
    ],
)
def test_what_is_right_at_sight_is_right_when_worked(habit, working, monkeypatch):
    at_sight = [quantities(seed, habit, working) for seed in SEEDS]
    monkeypatch.setattr(judgement, "is_right_at_sight", lambda sheet, place: False)
    monkeypatch.setattr(judgement, "verdicts_at_sight", lambda sheet, place: None)
    assert [quantities(seed, habit, working) for seed in SEEDS] == at_sight


MISTAKEN = ("bias-omitted", "mean-omitted", "sign-flipped", "given-misread", "copied-wrong")


@pytest.mark.parametrize("code", MISTAKEN)
def test_what_follows_from_a_mistake_at_sight_does_so_when_worked(code, monkeypatch):
    sheets = [generate(seed, code) for seed in range(share(12))]

    def reports():
        for each in sheets:
            text = "\n".join(f"{id}: {listed(cells)}" for id, cells in each.answers.items())
            yield Checker(each.spec).check(answers_of(Checker(each.spec), text))

    at_sight = [*reports()]
    seen = []
    monkeypatch.setattr(judgement, "verdicts_at_sight", lambda sheet, place: seen.append(place))
    assert [*reports()] == at_sight
    assert len(seen) > len(sheets)


WRONG_Z1 = "z1: [3.7, -1.3, 1.2]\n"  # 1.1 with a slip


@pytest.mark.parametrize(
    ("line", "verdicts"),
    [
        ("a1: [3.7, 0, 1.2]", (("right", "right", "carried"),)),
        ("a1: [3.7, 0, 1.1]", None),  # the last does not follow from the 1.2
        ("a1: [3.7, 0, _]", None),
    ],
)
def test_entries_that_follow_from_a_slip(line, verdicts):
    checker = Checker(spec_of("mlp-math"))
    judged = checker.sheet(answers_of(checker, WRONG_Z1 + line), Working())
    judged.doubts[1, 1, "z1"] = np.array([[False, False, True]])
    assert verdicts_at_sight(judged, (1, 1, "a1")) == verdicts


@pytest.mark.parametrize(
    ("sheet", "place"),
    [
        ("z2: 4.53", "z2"),  # 4.35 with two digits exchanged
        ("a1: [3.7, _, 1.1]", "a1"),  # an entry is left out
        ("z2: 4", "z2"),  # too few digits
        ("z2: 4.53\na2: 4.35", "a2"),  # right, and not by the student's own work
    ],
)
def test_what_takes_a_closer_look(sheet, place):
    checker = Checker(spec_of("mlp-math"))
    judged = Sheet(checker, Page(answers_of(checker, sheet), checker), Working())
    assert not is_right_at_sight(judged, (1, 1, place))


@pytest.mark.parametrize(("most", "is_found"), [(1, False), (2, True)])
def test_a_working_that_leaves_more_wrong_than_may_be_is_given_up(most, is_found):
    checker = Checker(spec_of("mlp-math"))
    answers = answers_of(checker, "z1: [3.7, -1.3, 1.9]\nz2: 45.3\n")  # of 1.1, and of 4.35
    assert (checker.with_at_most(answers, Working(), most) is not None) == is_found
