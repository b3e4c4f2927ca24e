"""Every honest way of writing a sheet goes unpunished; a wrong last digit anywhere is found.

The numbers are worked by ``handwork``, which shares nothing with the program.
"""

from decimal import Decimal

import numpy as np
import pytest

from backtrace.check.judge.checker import Checker
from tests.check.generator import write_sheet
from tests.check.habits import Habit
from tests.check.handwork import Work
from tests.check.typed import answers_of, exercise, listed, marks, report
from tests.sampling import some

DOCUMENTED = ("mlp-math", "small-mlp", "or-gate")
GOOD = ("right", "rounded")
RESULTS = ("loss", "dW", "db", "W_new", "b_new")
HABITS = {
    "three decimals, each line worked from the last": Habit(3, "written"),
    "three decimals, every line rounded, also on scratch paper": Habit(3, "rounded"),
    "three decimals, full precision carried": Habit(3, "full"),
    "two decimals, every line rounded": Habit(2, "rounded"),
    "four decimals, trailing zeros left out": Habit(4, "written", trims=True),
    "six decimals": Habit(6, "full"),
    "three significant digits": Habit(3, "written", significant=True),
    "five significant digits, full precision carried": Habit(5, "full", significant=True),
    "three decimals, the slope worked from a": Habit(3, "written", second_way=True),
}
TRUNCATING = {
    "three decimals, cut off": Habit(3, "written", truncates=True),
    "four decimals, cut off, full precision carried": Habit(4, "full", truncates=True),
}


def lines(work):
    return [line for line in work.lines.values() if not line.hidden]


def everything(work):
    return [line.id for line in lines(work)]


def final_results(work):
    return [line.id for line in lines(work) if line.kind in RESULTS]


def every_other_line(work):
    return everything(work)[::2]


def first_and_last(work):
    return [everything(work)[0], everything(work)[-1]]


def typed(work, texts):
    """A sheet in the layout of the spec."""
    page = {id: work.page(work.lines[id].kind, cells).tolist() for id, cells in texts.items()}
    return "\n".join(f"{id}: {listed(cells)}" for id, cells in page.items())


def sheet(name, habit, chosen):
    work = Work(exercise(name))
    texts, _ = write_sheet(np.random.default_rng(0), work, habit, chosen(work))
    return typed(work, texts)


CHOICES = (everything, final_results, every_other_line, first_and_last)


@pytest.mark.parametrize("chosen", CHOICES, ids=lambda c: c.__name__)
@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize("name", DOCUMENTED)
def test_an_honest_sheet_earns_every_mark(name, habit, chosen):
    found = report(name, sheet(name, HABITS[habit], chosen))
    vague = [q for q in found.quantities if q.verdict == "imprecise"]
    assert all(says_nothing(q) for q in vague)
    good = [q for q in found.quantities if q not in vague]
    assert [(q.name, q.verdict) for q in good if q.verdict not in GOOD] == []
    assert all(q.earned == q.possible for q in good)


def says_nothing(quantity):
    """Whether a quantity shows no digit but 0, as 0.0017 does in two decimals."""
    return all(float(text) == 0 for line in quantity.written for text in line)


@pytest.mark.parametrize("habit", TRUNCATING)
@pytest.mark.parametrize("name", DOCUMENTED)
def test_cut_off_digits_earn_every_mark_and_are_said_to_be_cut_off(name, habit):
    written = sheet(name, TRUNCATING[habit], everything)
    found = report(name, written)
    good = [q for q in found.quantities if not says_nothing(q)]
    assert [(q.name, q.verdict) for q in good if q.verdict not in GOOD] == []


def test_digits_cut_off_in_a_line_that_is_not_written_make_what_follows_look_rounded():
    """a is cut off, and not written: σ(-0.6133) = 0.35131 is 0.3513, and the error -0.6487 is the
    right one rounded, too. -ln(1 - 0.5994) = 0.91479 and -ln(1 - 0.3358) = 0.40917 are cut off."""
    spec = """
layers: [{activation: sigmoid, weights: [[0.99, 0.6]], bias: [[0.32]]}]
inputs: [[-0.51, -0.47, -1.2, 0.82], [0.98, -0.78, 0.31, 0.55]]
targets: [[0, 1, 0, 1]]
loss: binary_cross_entropy
conventions: {layout: columns, weights: out_in, mean_in: gradient}
"""
    written = """
z1: [0.4031, -0.6133, -0.6820, 1.4618]
error: [0.5994, -0.6487, 0.3358, -0.1882]
loss_terms: [0.9147, 1.0461, 0.4091, 0.2085]
loss: 0.6446
delta1: [0.5994, -0.6487, 0.3358, -0.1882]
db1: 0.0245
"""
    found = report(spec, written)
    assert [q.verdict for q in found.quantities if q.verdict not in GOOD] == []
    assert found.conventions == {"rounding": "cut off"}
    found = report(spec, written, strict=True)
    assert [q.name for q in found.quantities if q.verdict == "wrong"] == ["loss_terms"]


def test_digits_cut_off_are_seen_where_most_lines_look_rounded():
    """a = σ(0.15), σ(0.31), σ(-0.26) = 0.5374, 0.5768, 0.4353 is cut off, not written: δ = 0.537 −
    1 and so on; b = 0.3 + 0.05·0.463 = 0.32315, −0.1 + 0.05·0.424 = −0.0788, −0.2 + 0.05·0.565 =
    −0.17175. Exactly δ is −0.4626, −0.4231, −0.5646: two of them are rounded as well."""
    spec = "layers: [{activation: sigmoid, weights: [[0.4, 0.5], [-0.9, -0.4], [0.1, -0.1]],"
    spec += " bias: [0.3, -0.1, -0.2]}]\ninputs: [[-0.5], [0.1]]\ntargets: [[1], [1], [1]]\n"
    spec += "conventions: {layout: columns, weights: out_in}\nlearning_rate: 0.05\n"
    spec += "loss: binary_cross_entropy\n"
    found = report(spec, "z1: [0.150, 0.310, -0.260]\ndelta1: [-0.463, -0.424, -0.565]\n"
                   "b1_new: [0.323, -0.078, -0.171]")  # fmt: skip
    assert found.conventions == {"rounding": "cut off"}
    assert found.earned == found.possible == 9


def test_cut_off_digits_are_a_mistake_where_the_course_says_so():
    # 0.66818777 is 0.668 either way, 0.57444252 is 0.5744, cut off as well as rounded, but
    # 0.71094950 is 0.7109, and 0.78583498 is 0.7858; 0.62245933 is 0.6224 cut off, 0.6225 rounded.
    written = "a1: [[0.5744, 0.6681, 0.6224, 0.7109], [0.6224, 0.7310, 0.6899, 0.7858]]"
    usual = report("or-gate", written)
    assert usual.earned == 8
    assert usual.conventions == {"rounding": "cut off"}
    found = report("or-gate", written, strict=True)
    assert found.conventions is None
    assert found.quantities[0].verdict == "wrong"


def test_a_slip_among_cut_off_digits_is_all_that_is_accused():
    work = Work(exercise("or-gate"))
    ids = everything(work)
    cutting = Habit(4, "full", truncates=True)
    texts, _ = write_sheet(np.random.default_rng(0), work, cutting, ids)
    *_, last = ids  # nothing is worked from it
    texts[last] = np.vectorize(lambda text: str(Decimal(text) + 1), otypes=[object])(texts[last])
    found = report("or-gate", typed(work, texts))
    assert [q.name for q in found.quantities if q.verdict in ("wrong", "unsupported")] == [last]
    assert found.conventions == {"rounding": "cut off"}


# A wrong last digit


def exact_to_four_decimals(name):
    work = Work(exercise(name))
    ids = everything(work)
    texts, _ = write_sheet(np.random.default_rng(0), work, Habit(4, "full"), ids)
    return work, texts


@pytest.mark.parametrize("units", [-8, 8])
@pytest.mark.parametrize("name", ["or-gate", "mlp-math"])
def test_eight_units_of_the_last_place_are_wrong_at_exactly_that_entry(name, units):
    """Half a unit is the most that rounding one line costs. What is right all the same in the
    next line does not follow from the slip: ``unsupported``, never ``wrong``."""
    work, texts = exact_to_four_decimals(name)
    checker = Checker(exercise(name))
    entries = [(id, place) for id, cells in texts.items() for place in np.ndindex(cells.shape)]
    for id, place in some(entries):
        slipped = texts[id].copy()
        slipped[place] = str(Decimal(slipped[place]) + units * Decimal("0.0001"))
        written = typed(work, texts | {id: slipped})
        wrong = [
            (q.name, q.places("wrong"))
            for q in checker.check(answers_of(checker, written)).quantities
            if q.verdict == "wrong"
        ]
        mark = np.full(slipped.shape, False)
        mark[place] = True
        (at,) = np.argwhere(work.page(work.lines[id].kind, mark)) + 1
        assert wrong == [(id, [tuple(at)])], (id, place)


def test_the_divisor_of_a_derivative_is_rounded_before_it_divides():
    """Binary cross-entropy by the chain: a(1 − a) = 0.66·0.34 = 0.22, and 0.34/0.22 = 1.55."""
    spec = """
conventions: {sign: descent}
layers: [{activation: sigmoid, weights: [[0.3], [0.5], [0.7]], bias: [-0.3]}]
inputs: [[2, 2, -0.9]]
targets: [[1]]
loss: binary_cross_entropy
output_delta: chain
learning_rate: 0.5
"""
    sheet = "z1: 0.67\na1: 0.66\nerror: 0.34\nda1: 1.55\ng1: 0.22\ndelta1: 0.34\n"
    found = marks(spec, sheet)
    assert set(found.values()) <= {"right", "rounded"}
    assert marks(spec, sheet.replace("1.55", "1.65"))["da1"] == "wrong"
