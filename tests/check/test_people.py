"""Nobody who works honestly is accused, however they round on the way, and marks are kept.

The people are those of ``calculator``, which shares nothing with the program.
"""

import msgspec
import numpy as np
import pytest

from backtrace.check.answers.reading import read_answers, reader
from backtrace.check.judge.checker import Checker
from backtrace.check.sheets.workings import ACCUSED
from backtrace.spec.model import Number, Optimizer
from tests.check.calculator import HABITS, INSIDE, Digits, Habit, person
from tests.check.random_exercises import CONSTANTS, random_spec

SEEDS = (4, 6, 11, 30)  # softmax, tanh, softplus, sigmoid; with and without optimizers
KEPT = 0.97  # of the marks; two decimals may be too few to tell anything


def judged(seed, habit, spec=None):
    """The report on a person's sheet; None where the numbers of the seed explode."""
    found = person(seed, habit, spec)
    if found is None:
        return None
    spec, text = found
    checker = Checker(spec)
    return checker.check(read_answers(text.encode(), "sheet.yaml", reader(checker.tape, spec)))


def accusations(report):
    return [each.name for each in report.quantities if each.verdict in ACCUSED]


@pytest.mark.parametrize("name", HABITS)
def test_an_honest_person_is_not_accused_and_keeps_the_marks(name):
    reports = [report for seed in SEEDS if (report := judged(seed, HABITS[name]))]
    assert len(reports) > 1
    assert [accusations(report) for report in reports] == [[]] * len(reports)
    earned, possible = (sum(getattr(r, x) for r in reports) for x in ("earned", "possible"))
    assert earned >= KEPT * possible


@pytest.mark.parametrize(
    ("seed", "name"),
    [
        (13, "e^z to 2 decimals, 4 written"),  # softplus, its slope, softmax
        (14, "e^z to 2 decimals, 4 written"),  # SiLU and its slope
        (1, "everything to 3 significant digits"),  # 0.38² = 0.144 before it is halved
        (2, "cut off instead of rounded"),  # the first line that shows it is a softmax
        (7, "scratch lines one decimal coarser"),  # a loss after the update from coarse lines
        (
            60034,
            "scratch lines one decimal coarser",
        ),  # z + b alone, the digits of others bear it out
        (60021, "scratch lines coarser, small numbers kept"),  # a loss alone, of coarse addends
        (91015, "scratch lines one decimal coarser"),  # one z, and a loss worked again so
        (91015, "products to 3 decimals, 4 written"),
        (91046, "scratch lines coarser, small numbers kept"),  # 0.00998, shown as 0.0100
        (50012, "products to 3 decimals, 4 written"),  # α(e^z − 1) of a SELU, e^z as it is
        (60005, "products to 3 decimals, 4 written"),  # z·φ(z) in the slope of a GELU
        (60008, "products to 3 decimals, 4 written"),  # z·σ(z)(1 − σ(z)) in that of a SiLU
        (60014, "products to 3 decimals, 4 written"),  # e² in a Huber loss, before it is halved
        (400071, "e^z, products and updates to 3 decimals, 5 written"),  # a, a·aᵀ of a softmax
        (400072, "products to 3 decimals, 4 written"),  # what a margin is taken from
        (400089, "scratch lines one decimal coarser"),  # a loss worked again, the only trace of it
        (400133, "everything to 4 significant digits"),  # 0.09999 is 0.1000, written 0.10000
        (400276, "cut off inside a line too"),  # hundreds of numbers, as if rounded but for parts
        (400308, "e^z to 2 decimals, 4 written"),  # 1/(1 + e⁻ᶻ) throughout, also after the update
        (400433, "e^z to 2 decimals, 4 written"),  # the same of a SELU
        (400447, "products to 3 decimals, 4 written"),  # λz of a SELU, and its slope 1.051
        (401100, "products to 3 decimals, 4 written"),  # lines that seemed rounded twice over
        (400125, "scratch lines coarser, small numbers kept"),  # 0.0065, of which all is kept
        (400258, "scratch lines one decimal coarser"),  # -0.0725 is carried on as -0.073
        (401300, "cut off inside a line too"),  # products, and no shares of the mean
        (401336, "cut off instead of rounded"),  # slopes of the a that were cut off
        (406033, "products to 3 decimals, 4 written"),  # lines that end in 0, and dW2 that does not
        (402022, "cut off inside a line too"),  # four decimals, of which 1.0000 is not four digits
    ],
)
def test_what_was_once_taken_for_a_mistake(seed, name):
    assert accusations(judged(seed, HABITS[name])) == []


FOUR_CUT, THREE_CUT = Digits(4, cut=True), Digits(3, cut=True)
CUT_COARSELY = {
    "products": Habit(FOUR_CUT, notes=THREE_CUT, inside=("products",)),
    "e^z": Habit(FOUR_CUT, notes=Digits(2, cut=True), inside=("exponentials",)),
    "lines": Habit(FOUR_CUT, "scratch", scratch=THREE_CUT),
    "all parts": Habit(Digits(5, cut=True), notes=THREE_CUT, inside=INSIDE),
}


@pytest.mark.parametrize(
    ("name", "seed"),
    [("products", 7002), ("e^z", 7010), ("lines", 7014), ("all parts", 7002)],
)
def test_who_cuts_digits_off_may_do_so_more_coarsely_on_the_way(name, seed):
    report = judged(seed, CUT_COARSELY[name])
    assert accusations(report) == []
    assert report.conventions == {"rounding": "cut off"}


def test_coarse_powers_are_said():
    report = judged(13, HABITS["e^z to 2 decimals, 4 written"])
    assert report.conventions == {"rounding": "worked to 2 decimals"}


def test_a_wrong_digit_in_coarse_work_is_found():
    spec, text = person(13, HABITS["e^z to 2 decimals, 4 written"])
    checker = Checker(spec)
    slipped = text.replace("0.4574", "0.4754")  # two digits of a1 the wrong way round
    assert slipped != text
    read = read_answers(slipped.encode(), "sheet.yaml", reader(checker.tape, spec))
    assert "a1" in accusations(checker.check(read))


# Optimizers that divide by the root of squares, over several updates: v = 0.001·g² shows no digit
# on the page, and its root is taken from what the calculator still has.


def adaptive(seed):
    """A random spec with such an optimizer, two or three updates."""
    random = np.random.default_rng([seed, 77])
    name = ("adam", "adamw", "rmsprop", "adagrad")[seed % 4]
    rate = Number(0.1, "0.1")
    optimizer = Optimizer(name, rate, dict(CONSTANTS[name]), None)
    return msgspec.structs.replace(random_spec(random), optimizer=optimizer, epochs=2 + seed % 2)


KEEPING = [name for name, habit in HABITS.items() if habit.keeps or habit.carries == "full"]


@pytest.mark.parametrize("name", KEEPING)
def test_what_follows_from_a_square_that_shows_no_digit_keeps_its_marks(name):
    reports = [
        report for seed in range(4) if (report := judged(seed, HABITS[name], adaptive(seed)))
    ]
    assert len(reports) > 1
    assert [accusations(report) for report in reports] == [[]] * len(reports)
    lost = [q for r in reports for q in r.quantities if q.earned < q.possible and not is_blank(q)]
    possible = sum(r.possible for r in reports)
    assert sum(q.possible - q.earned for q in lost) <= (1 - KEPT) * possible


def is_blank(quantity):
    """Whether it shows no digit but 0."""
    return all(float(text) == 0 for line in quantity.written for text in line)
