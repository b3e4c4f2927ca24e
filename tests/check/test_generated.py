"""Synthetic students against the checker: no honest one accused, mistakes found where made.

A sheet that fails can be looked at again: ``generate(seed, code)`` gives the same one.
"""

import pytest

from tests.check.generator import CODES, HONEST, generate
from tests.check.grading import Outcome, grade, table, written
from tests.sampling import share

HONEST_SHEETS = share(100)
SHEETS_A_CODE = share(8)


@pytest.fixture(scope="module")
def honest():
    return [grade(seed, HONEST) for seed in range(HONEST_SHEETS)]


@pytest.fixture(scope="module")
def mistaken():
    return [grade(seed, code) for code in CODES for seed in range(SHEETS_A_CODE)]


def share(outcomes, field):
    return sum(getattr(outcome, field) for outcome in outcomes) / len(outcomes)


def failing(outcomes, field):
    """What a failing assertion says: the table, and the sheets to look at."""
    lines = table(outcomes, lambda outcome: outcome.code, "mistake")
    sheets = [(o.seed, o.code, o.found) for o in outcomes if not getattr(o, field)]
    return "\n".join([*lines, *map(str, sheets)])


def test_no_honest_student_is_accused(honest):
    assert [(o.seed, o.accused) for o in honest if o.accused] == []


def test_a_rule_that_gives_the_right_numbers_explains_none_that_were_cut_off():
    """Every unit that matters is on, so that z for a changes nothing; results alone, cut off."""
    assert grade(401034, HONEST).accused == ()


def test_a_step_of_an_optimizer_tells_that_digits_were_cut_off():
    """AdaGrad, of whose lines the new weights alone are written: g = -0.07177, g² cut off 0.00515,
    0.5·g/√g² = -0.50004, where the exact one is -0.5. The loss was divided once too often."""
    assert grade(400422, "mean-over-outputs").accused == ()


@pytest.mark.parametrize(
    ("seed", "code"),
    [
        (400118, "jacobian-diagonal-only"),  # what the usual working was asked left no search
        (400136, "bias-in-backward"),  # few lines, each of which is off either way
        (400312, "z-times-slope"),  # all lines rest on the mistake, whose name tells
    ],
)
def test_a_mistake_that_has_a_name_if_digits_were_cut_off_tells_that_they_were(seed, code):
    outcome = grade(seed, code)
    assert (outcome.named, outcome.accused) == (True, ())


def test_the_first_wrong_step_is_located(mistaken):
    assert share(mistaken, "located") >= 0.99, failing(mistaken, "located")


def test_every_entry_that_rounding_cannot_explain_is_found(mistaken):
    """Not quite all: the judge is of first order, and has a ReLU that is exactly at 0 off."""
    assert share(mistaken, "covered") >= 0.98, failing(mistaken, "covered")


def test_the_mistake_is_named(mistaken):
    assert share(mistaken, "named") >= 0.98, failing(mistaken, "named")


@pytest.mark.parametrize("code", CODES)
def test_no_mistake_is_missed_as_a_whole(mistaken, code):
    """One sheet may hide its mistake among too few digits; most of a code must not."""
    of_code = [outcome for outcome in mistaken if outcome.code == code]
    assert share(of_code, "located") >= 0.8, failing(of_code, "located")
    assert share(of_code, "named") >= 0.8, failing(of_code, "named")


def test_later_steps_that_follow_are_not_wrong(mistaken):
    """All but three in two hundred: a mistake among digits that are cut off, and carried so, can
    hide that they are."""
    accused = [(o.seed, o.code, o.found, o.accused) for o in mistaken if o.accused]
    assert len(accused) <= 3 * len(mistaken) / 200, accused


# The measure itself


def test_the_answers_are_typed_as_the_student_wrote_them():
    sheet = generate(0, HONEST)
    assert b"loss: 0" in written(sheet)
    first = sheet.answers["product1"][0][0]
    assert f"product1: [[{first}".encode() in written(sheet)


def test_a_checker_that_finds_nothing_is_noticed(monkeypatch):
    class Silent:
        quantities = ()

    monkeypatch.setattr("tests.check.grading.check", lambda sheet: Silent)
    outcome = grade(0, "bias-omitted")
    assert [outcome.located, outcome.covered, outcome.named, outcome.alone] == [False] * 4
    assert "0.0%" in "\n".join(table([outcome], lambda o: o.code, "mistake"))


def test_a_checker_that_accuses_a_later_step_is_noticed():
    outcome = Outcome(0, HONEST, 3, accused=("z1",))
    *_, row = table([outcome], lambda o: o.code, "mistake")
    assert row.split()[-1] == "1"


@pytest.mark.parametrize(
    ("seed", "code"),
    [
        (90008, "weights-not-transposed"),
        (90039, "given-misread"),
        (91001, "mean-over-outputs"),
        (91012, "entries-exchanged"),
    ],
)
def test_along_many_unwritten_lines_all_is_tried_in_the_time_there_is(seed, code):
    """Some end in ten unwritten lines, of which each has a dozen wrong rules, and 40 numbers."""
    outcome = grade(seed, code)
    assert outcome.named, outcome.found
    assert not outcome.accused
