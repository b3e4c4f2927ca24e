"""The generator itself: sheets repeat, the judge can fail, and its numbers are right by hand."""

import msgspec
import numpy as np
import pytest

from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.spec.model import Bias, Function, Layer, Loss, Matrix, Optimizer, Spec
from tests.check.allowance import Rounding, Seen, departures, reaches, stands_for_itself
from tests.check.generator import (
    CODES,
    HONEST,
    Truth,
    generate,
    is_honest_work,
    line_reaches,
    slack_of,
)
from tests.check.habits import Habit, numbers
from tests.check.handwork import Work
from tests.check.test_equations import WRONG as AT_BOARDS
from tests.check.test_learned_slope import WRONG as OF_SLOPES
from tests.check.wrong_rules import read_as, wrong_rules
from tests.sampling import share


def neuron(activation="sigmoid"):
    """One neuron: w = 0.4, b = 0.5, x = 1, y = 1."""

    def one(text):
        return Matrix(np.array([[float(text)]]), ((text,),))

    layer = Layer(1, 1, Function(activation), one("0.4"), Bias("added", one("0.5")))
    return Spec("", (layer,), one("1"), one("1"), loss=Loss("half_sse", mean=False))


def judged(sheet):
    """The worst departure of every line of a sheet: 0, 1 or 2 (see ``departures``)."""
    work, seen, found = Work(sheet.spec), {}, {}
    for id, cells in sheet.answers.items():
        rows = [[cells]] if isinstance(cells, str) else cells
        texts = work.page(work.lines[id].kind, np.array(rows, dtype=object))
        written, slack = numbers(texts), slack_of(sheet.habit, texts)
        reach = line_reaches(work, id, seen, slack, texts)
        found[id] = int(departures(work, id, reach, written, slack).max())
        seen[id] = Seen(written, np.where(stands_for_itself(reach, written), 0.0, slack))
    return found


def test_the_same_seed_gives_the_same_sheet():
    for code in (HONEST, "given-misread", "arithmetic-slip"):
        assert generate(3, code).answers == generate(3, code).answers
        assert generate(3, code).answers != generate(4, code).answers


def test_the_seed_alone_chooses_among_all_codes():
    assert {generate(seed).code for seed in range(len(CODES) + 1)} == {HONEST, *CODES}


def test_every_mistake_of_the_catalogue_is_made_by_somebody():
    """In layers, at boards, or where a slope is learned; a number that is cut off is a unit off,
    as honest rounding may be, and has its own test. So has who goes back to the first weights, or
    exchanges two lines: a student of the generator makes a mistake in one line, that is one of
    several."""
    apart = {"cut-off", "first-weights-kept", "lines-exchanged"}
    assert {*CODES, *AT_BOARDS, *OF_SLOPES, *apart} == {*CATALOGUE}


@pytest.mark.parametrize("code", CODES)
def test_a_mistake_shows_where_the_truth_says_and_not_before(code):
    for seed in range(share(4)):
        sheet = generate(seed, code)
        if any("@" in id for id in sheet.answers) or code == "batch-not-summed":
            continue  # a line per sample has no shape to be judged in
        found = judged(sheet)
        before = list(found)[: list(found).index(sheet.truth.id)]
        assert found[sheet.truth.id] == 2
        assert not any(found[id] for id in before)


def test_an_honest_sheet_never_departs():
    for seed in range(share(60)):
        assert set(judged(generate(seed, HONEST)).values()) == {0}


# By hand


def test_what_coarse_work_leaves_as_well_is_no_mistake_that_shows():
    """η·dW = 0.05·(−0.0594) = −0.00297: 0.403 for w, and 0.400 if it is noted as −0.00; likewise
    0.503 and 0.500 for b."""
    work = Work(msgspec.structs.replace(neuron(), optimizer=Optimizer("sgd", 0.05)))
    truth = Truth("W1_new", "update-omitted", "W1_new", ((1, 1),))

    def is_honest(w, b):
        texts = {"W1_new": np.array([[w]], object), "b1_new": np.array([[b]], object)}
        return is_honest_work(work, Habit(3), texts, truth)

    assert is_honest("0.400", "0.500")
    assert not is_honest("0.400", "0.503")


def test_rounding_reaches_as_far_as_the_derivative_says():
    """z = 0.9; a = σ(0.9) = 0.710950, σ′ = 0.205500, σ² = 0.505449. e⁻ᶻ is noted to two decimals,
    which moves a by 0.0025; z written 0.9 ± 0.05 moves it by 0.0103 more."""
    work = Work(neuron())
    wide = {"z1": Seen(np.array([[0.9]]), np.array([[0.05]]))}
    (reach,) = reaches(work, "a1", wide, Rounding(0.01, 0.005))
    assert reach.centre[0, 0] == pytest.approx(0.7109495, abs=1e-7)
    assert reach.radius[0, 0] == pytest.approx(0.0103 + 0.0025, abs=2e-4)
    (reach,) = reaches(work, "a1", {}, Rounding(0.01, 0.005))
    assert reach.radius[0, 0] == pytest.approx(0.0025, abs=1e-4)


def test_a_line_between_that_was_not_written_may_have_been_rounded():
    """error = a − 1 with a = 0.7109495 on scratch paper, to two decimals: ± 0.005, and ± 0.0025
    for the e⁻ᶻ that it was worked from."""
    (reach,) = reaches(Work(neuron()), "error", {}, Rounding(0.01, 0.005))
    assert reach.radius[0, 0] == pytest.approx(0.0075, abs=1e-4)
    assert reach.centre[0, 0] == pytest.approx(-0.2890505, abs=1e-7)


@pytest.mark.parametrize(("written", "verdict"), [("0.71", 0), ("0.70", 2), ("0.7109", 0)])
def test_a_written_activation_is_judged_by_its_digits(written, verdict):
    work = Work(neuron())
    texts = np.array([[written]], dtype=object)
    slack = slack_of(Habit(2), texts)
    reach = line_reaches(work, "a1", {}, slack, texts)
    assert departures(work, "a1", reach, numbers(texts), slack).max() == verdict


@pytest.mark.parametrize(
    ("id", "code", "value"),
    [
        ("z1", "bias-omitted", 0.4),
        ("a1", "activation-omitted", 0.9),
        ("g1", "derivative-at-activation", 0.220_892),  # σ(0.7109495) = 0.670610, · 0.329390
        ("error", "sign-flipped", 0.289_050_5),
        ("delta1", "activation-derivative-omitted", -0.289_050_5),
        ("loss_terms", "half-factor", 0.020_887_5),  # ½ · ½ · 0.2890505²
    ],
)
def test_wrong_rules_by_hand(id, code, value):
    work = Work(neuron())
    wrong = next(wrong_rules(work, work.lines[id], (code,)))
    result = wrong.rule.work(*((work.givens | work.exact)[read] for read in wrong.rule.reads))
    assert result[0, 0] == pytest.approx(value, abs=1e-6)


def test_how_a_number_is_misread():
    texts = np.array([["-0.25", "0.5"]], dtype=object)
    found = set(read_as(texts, (0, 0)))
    assert {"0.25", "-0.52", "-2.05", "0.5", "-2.5", "-0.025", "-0.75"} <= found


@pytest.mark.parametrize(
    ("habit", "value", "text"),
    [
        (Habit(3), 0.5, "0.500"),
        (Habit(3, trims=True), 0.5, "0.5"),
        (Habit(3, trims=True), 0.5001, "0.500"),
        (Habit(2, truncates=True), -0.299, "-0.29"),
        (Habit(1, truncates=True), 0.1 + 0.2, "0.3"),
        (Habit(2), -0.001, "0.00"),
        (Habit(3, significant=True), 0.0012345, "0.00123"),
        (Habit(3, significant=True), 1234.5, "1234"),
    ],
)
def test_how_a_number_is_written(habit, value, text):
    assert habit.text(value) == text
