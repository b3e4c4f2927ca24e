"""Nobody who works a board of equations honestly is accused, however they round on the way.

The people are those of ``board_work``, which shares nothing with the program; the boards have
every function and every loss in turn.
"""

import numpy as np
import pytest

import backtrace
from backtrace.check.sheets.workings import ACCUSED
from tests.check.board_work import BoardPerson
from tests.check.calculator import HABITS, Digits, plain
from tests.check.typed import report
from tests.tape.boards import board

BOARDS = 104
STEPS = ("steps", "products")
AT_BOARDS = (
    {  # where nothing is divided by the root of squares
        name: habit
        for name, habit in HABITS.items()
        if "updates" not in habit.inside[:1] and not habit.keeps
        if not (habit.writes.cut and habit.notes)  # each of the others keeps its boards
    }
    | {
        "every step of a line noted to 4 decimals": plain(4, notes=Digits(4), inside=STEPS),
        "every step of a line noted to 3 decimals": plain(3, notes=Digits(3), inside=STEPS),
    }
)
KEPT = 0.99  # of the marks for what has enough digits to tell


def judged(seed, habit):
    """The report on a person's sheet; None where the numbers of the board explode."""
    drawn = board(seed, depth=2)
    person = BoardPerson(drawn, habit, np.random.default_rng([seed, 3]))
    sheet = person.work_all() and person.typed()
    return sheet and report(backtrace.loads(drawn.text), sheet)


def told(reports):
    """The entries that can be told, and how many of them stand."""
    entries = [
        verdict
        for each in reports
        for quantity in each.quantities
        for row in quantity.entries
        for verdict in row
        if verdict != "imprecise"
    ]
    return len(entries), sum(verdict in ("right", "rounded") for verdict in entries)


@pytest.mark.parametrize("name", AT_BOARDS)
def test_an_honest_person_is_not_accused_and_keeps_the_marks(name):
    first = list(AT_BOARDS).index(name)
    seeds = range(first, BOARDS, len(AT_BOARDS))
    reports = [found for seed in seeds if (found := judged(seed, AT_BOARDS[name]))]
    assert len(reports) > 2
    accused = [q.name for each in reports for q in each.quantities if q.verdict in ACCUSED]
    assert accused == []
    possible, kept = told(reports)
    assert kept >= KEPT * possible > 100


@pytest.mark.parametrize(
    ("seed", "name"),
    [
        (15, "e^z to 2 decimals, 4 written"),  # softmax of equations, in each direction
        (19, "e^z to 2 decimals, 4 written"),  # exp, and tanh in a compound line
        (151, "e^z to 2 decimals, 4 written"),  # ln cosh
        (123, "e^z to 2 decimals, 4 written"),  # mish
        (92, "e^z to 2 decimals, 4 written"),  # a SiLU that is rounded past its lowest value
        (59, "everything to 4 significant digits"),  # 1/√x, the root noted
        (129, "all of it, 3 decimals"),  # α(e^z − 1) of a SELU, noted before it is scaled
        (131, "everything to 4 significant digits"),  # a part of a line keeps digits of its own
        (9, "products to 3 decimals, 4 written"),  # every number ends in 0
        (18, "e^z, products and updates to 3 decimals, 5 written"),  # most end in 00, v1 does not
        (149, "products to 3 decimals, 4 written"),  # 1/√(1 + σ), σ to the decimals of the others
    ],
)
def test_what_was_once_taken_for_a_mistake(seed, name):
    accused = [q.name for q in judged(seed, AT_BOARDS[name]).quantities if q.verdict in ACCUSED]
    assert accused == []


ROOTS = (
    "Q: [[1, 0], [1, 1], [2, 1]]\nK: [[0, 1], [1, 0], [1, 1]]\n"  # attention's Q·Kᵀ is 0, 1, 2, 3
)


@pytest.mark.parametrize(
    ("S", "verdict"),
    [
        # √2 as 1.414: 1/1.414 = 0.70721, 2/1.414 = 1.41443, 3/1.414 = 2.12164
        ("[[0, 0.7072, 0.7072], [0.7072, 0.7072, 1.4144], [0.7072, 1.4144, 2.1216]]", "rounded"),
        # 1/√2 as 0.71: 0.71, 1.42, 2.13
        ("[[0, 0.71, 0.71], [0.71, 0.71, 1.42], [0.71, 1.42, 2.13]]", "rounded"),
        # √2 as 1.43 is no rounding of it: 0.6993, 1.3986, 2.0979
        ("[[0, 0.6993, 0.6993], [0.6993, 0.6993, 1.3986], [0.6993, 1.3986, 2.0979]]", "wrong"),
    ],
)
def test_a_constant_in_a_line_is_rounded_too(S, verdict):
    sheet = report("attention", f"{ROOTS}S: {S}")
    assert sheet.quantities[2].verdict == verdict
