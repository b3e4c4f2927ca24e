"""Who does no work earns no more than the entries that happen to be right as written."""

from pathlib import Path

import numpy as np
import pytest

import backtrace
from backtrace.check.answers.reading import read_answers, reader
from backtrace.check.judge.checker import Checker
from backtrace.check.sheets.workings import Working
from tests.check.random_exercises import random_spec
from tests.check.typed import listed, named, report
from tests.sampling import share, some

SHEETS = Path(__file__).parent / "sheets"
BUNDLED = ("mlp-math", "small-mlp", "or-gate")
RARER = ("1", "0.1", "9", "99", "1e1", "5e3", "-1", "1e-9", "0.0000")
CONSTANTS = ("0", "0.0", "0.00", "0.5", "0e9", *some(RARER))
TURNS = share(60)  # of the hill-climber
TRIED = ("0.00", "1.00", "0.1", "-0.25", "3.10", "9e3", "0.5", "2")
RANDOM_SPECS = some((2, 3, 4, 5))
GUESSES = some(range(12))


def half(text):
    """Half a unit of what is written; a whole number is read to two decimals."""
    decimals = len(text.partition(".")[2]) if "e" not in text else 0
    return 0.5 * 10.0 ** -(decimals or 2) + 1e-9


class Idler:
    """Writes texts into the entries of all quantities, and works nothing."""

    def __init__(self, spec):
        self.checker = Checker(spec)
        steps, values = self.checker.steps, self.checker.values
        self.givens = [place for place in steps if self.checker.is_given(place)]
        self.places = [place for place in steps if place not in self.givens]
        assert all(np.isfinite(values[place]).all() for place in self.places)

    def filled(self, place, text):
        return np.full(self.checker.values[place].shape, text, dtype=object)

    def gain(self, sheet):
        """What a sheet earns beyond what is right as written, of all marks."""
        return self.beyond(sheet, self.checker.check(self.read(sheet)).quantities)

    def quick_gain(self, sheet):
        """The same as it stands, before other ways to work it, and what went wrong, are looked
        for."""
        with np.errstate(all="ignore"):
            return self.beyond(sheet, self.checker.sheet(self.read(sheet), Working()).quantities)

    def beyond(self, sheet, quantities):
        right = sum(self.right(place, texts) for place, texts in sheet.items())
        earned, possible = (sum(getattr(q, x) for q in quantities) for x in ("earned", "possible"))
        return (earned - right) / possible

    def right(self, place, texts):
        away = np.abs(self.checker.values[place] - texts.astype(float))
        return int((away <= np.vectorize(half)(texts)).sum())

    def read(self, sheet):
        lines = (f'"{place[2]}@{place[0]}.{place[1]}": {listed(texts.tolist())}'
                 for place, texts in sheet.items())  # fmt: skip
        source = "\n".join(lines).encode()
        return read_answers(source, "idle.yaml", reader(self.checker.tape, self.checker.spec))

    def moved(self, sheet, random):
        """The sheet with one quantity, or one entry, filled or copied from elsewhere."""
        place, text = self.places[random.integers(len(self.places))], str(random.choice(TRIED))
        texts = sheet[place].copy()
        match random.integers(4):
            case 0:
                texts = self.filled(place, text)
            case 1:
                texts[tuple(random.integers(texts.shape))] = text
            case 2:
                texts = np.resize(
                    sheet[self.places[random.integers(len(self.places))]], texts.shape
                )
            case 3:
                given = self.checker.values[self.givens[random.integers(len(self.givens))]]
                texts = np.resize(np.vectorize("{:g}".format, otypes=[object])(given), texts.shape)
        return {**sheet, place: texts}


@pytest.mark.parametrize("name", BUNDLED)
def test_one_constant_everywhere_earns_what_is_right_as_written(name):
    idler = Idler(backtrace.load(name))
    gains = {
        text: idler.gain({place: idler.filled(place, text) for place in idler.places})
        for text in CONSTANTS
    }
    assert {text: gain for text, gain in gains.items() if gain > 0} == {}


@pytest.mark.parametrize("source", [*BUNDLED, *RANDOM_SPECS])
def test_who_climbs_by_chance_gets_nowhere(source):
    drawn = isinstance(source, int)
    spec = random_spec(np.random.default_rng([source, 5])) if drawn else backtrace.load(source)
    idler, random = Idler(spec), np.random.default_rng(7)
    sheet = {place: idler.filled(place, str(random.choice(TRIED))) for place in idler.places}
    best = idler.quick_gain(sheet)
    for _ in range(TURNS):
        moved = idler.moved(sheet, random)
        gain = idler.quick_gain(moved)
        if gain >= best:
            sheet, best = moved, gain
    assert max(best, idler.gain(sheet)) <= 0


@pytest.mark.parametrize("text", ["0.00", "0.5", "1.00"])
@pytest.mark.parametrize("source", [*BUNDLED, *RANDOM_SPECS])
def test_one_number_after_an_honest_forward_part_earns_nothing(source, text):
    drawn = isinstance(source, int)
    spec = random_spec(np.random.default_rng([source, 5])) if drawn else backtrace.load(source)
    idler = Idler(spec)
    values = idler.checker.values
    backward = [p for p in idler.places if idler.checker.steps[p].phase != "forward"]
    ahead = [p for p in idler.places if p not in backward]
    to_four = np.vectorize("{:.4f}".format, otypes=[object])
    honest = {place: to_four(values[place]) for place in ahead}
    sheet = honest | {place: idler.filled(place, text) for place in backward}
    assert idler.gain(sheet) <= 0


def drawn(seed, kind):
    """An idler, a source of chance, and an honest forward part to four decimals."""
    idler = Idler(random_spec(np.random.default_rng([seed, 55])))
    values = idler.checker.values
    ahead = [p for p in idler.places if idler.checker.steps[p].phase == "forward"]
    to_four = np.vectorize("{:.4f}".format, otypes=[object])
    honest = {place: to_four(values[place]) for place in ahead}
    return idler, np.random.default_rng([seed, kind]), honest


@pytest.mark.parametrize("seed", some(range(8)))
def test_given_numbers_copied_after_an_honest_forward_part_earn_nothing(seed):
    """By chance some follow from each other."""
    idler, random, sheet = drawn(seed, 1)
    values = idler.checker.values
    given = [f"{value:.1f}" for place in idler.givens for value in values[place].ravel()]
    sheet |= {
        place: random.choice(given, values[place].shape).astype(object)
        for place in idler.places
        if place not in sheet
    }
    assert idler.gain(sheet) <= 0.02


@pytest.mark.parametrize("seed", GUESSES)
def test_a_sheet_of_guesses_has_no_named_mistakes(seed):
    """Some rule or other gives a single number of a few digits; only slips of the hand are left out
    of account where nothing but one entry is wrong."""
    idler, random, _ = drawn(seed, 2)
    decimals = 2 + seed % 3
    sheet = {}
    for place in idler.places:
        size = np.abs(idler.checker.values[place]).max() or 1.0
        guesses = random.uniform(-1.5, 1.5, idler.checker.values[place].shape) * size
        sheet[place] = np.vectorize(f"{{:.{decimals}f}}".format, otypes=[object])(guesses)
    found = idler.checker.check(idler.read(sheet)).quantities
    assert [(q.name, q.mistakes) for q in found if q.mistakes] == []


@pytest.mark.parametrize("seed", some((0, 3, 7, 10, 13)))
def test_of_ones_and_zeros_no_mistake_is_known(seed):
    """−1, 0 and 1 in every entry: some of it is always the other's negative."""
    idler, random, _ = drawn(seed, 3)
    sheet = {
        place: random.integers(-1, 2, idler.checker.values[place].shape).astype(str).astype(object)
        for place in idler.places
    }
    found = idler.checker.check(idler.read(sheet)).quantities
    wrong = [q for q in found if q.verdict == "wrong"]
    assert len(wrong) > 3
    assert [(q.name, q.mistakes) for q in wrong if q.mistakes] == []


def test_one_mistake_among_whole_numbers_of_one_digit_keeps_its_name():
    """z1 = 2·1 + 1 and −2 − 1, without the bias 1: [2 -2], and what follows from that."""
    small = """
layers:
  - {activation: relu, weights: [[2, -2]], bias: [1, -1]}
  - {activation: linear, weights: [[1], [2]], bias: 1}
inputs: [[1]]
targets: [[2]]
loss: half_sse
learning_rate: 1
"""
    sheet = "z1: [2, -2]\na1: [2, 0]\na2: 3\nerror: 1\ndelta2: 1\ndelta1: [1, 0]\ndW1: [1, 0]\n"
    assert named(small, sheet) == [("z1", {"bias-omitted"})]


# The class's sheet 4 (2 → 2 sigmoid → 2 softmax, two samples): z1 = [2.6 0.2 / 1.1 0.7],
# a1 = [0.9309 0.5498 / 0.7503 0.6682], z2 = [1.2058 0.2688 / 1.0844 0.6861],
# a2 = [0.7185 0.2815 / 0.5983 0.4017], loss = ½(0.3306 + 0.9121) = 0.6213;
# delta2 = ½[-0.2815 0.2815 / 0.5983 -0.5983]; W1_new is W1 to a decimal.
SHEET_4 = """
layers:
  - {activation: sigmoid, weights: [[0.5, -1], [1, 0.5]], bias: [0.1, 0.2]}
  - {activation: softmax, weights: [[1, -1], [0.5, 2]], bias: [0, 0.1]}
inputs: [[1, 2], [0, 1]]
targets: [[1, 0], [0, 1]]
loss: cross_entropy
learning_rate: 0.1
ask: [z1, a1, z2, a2, loss, delta2, dW2, db2, da1, delta1, dW1, db1, W1_new]
"""
AHEAD = """
z1: [[2.6, 0.2], [1.1, 0.7]]
a1: [[0.931, 0.550], [0.750, 0.668]]
z2: [[1.206, 0.269], [1.084, 0.686]]
a2: [[0.719, 0.281], [0.598, 0.402]]
loss: 0.621
W1_new: [[0.5, -1], [1, 0.5]]
"""
NOTHING_AHEAD = """
z1: [[0, 0], [0, 0]]
a1: [[0, 0], [0, 0]]
z2: [[0, 0], [0, 0]]
a2: [[0, 0], [0, 0]]
loss: 0
W1_new: [[0, 0], [0, 0]]
"""
NOTHING_BACK = """
delta2: [[0, 0], [0, 0]]
dW2: [[0, 0], [0, 0]]
db2: [[0, 0]]
da1: [[0, 0], [0, 0]]
delta1: [[0, 0], [0, 0]]
dW1: [[0, 0], [0, 0]]
db1: [[0, 0]]
"""
BACK = ("delta2", "dW2", "db2", "da1", "delta1", "dW1", "db1")


def test_a_backward_pass_of_zeros_earns_what_stands_before_it():
    """4 + 4 + 4 + 4 + 1 entries ahead and 4 of W1_new are right as written; 24 of zeros."""
    found = report(SHEET_4, AHEAD + NOTHING_BACK)
    assert (found.earned, found.possible) == (21, 45)
    verdicts = {q.name: q.verdict for q in found.quantities}
    assert {verdicts[id] for id in BACK} <= {"wrong", "imprecise", "carried"}
    assert verdicts["delta2"] in ("wrong", "imprecise")
    unpaid = {q.name for q in found.quantities if q.places("carried")}
    assert {q.name for q in found.quantities if q.withheld} == unpaid


def test_nothing_but_zeros_earns_nothing_and_says_why():
    found = report(SHEET_4, NOTHING_AHEAD + NOTHING_BACK)
    assert (found.earned, found.possible) == (0, 45)
    assert found.first_mistake.name == "z1"
    assert [(q.name, q.mistakes) for q in found.quantities if q.mistakes] == []
    assert "right" not in {q.verdict for q in found.quantities}
    carried = {q.name for q in found.quantities if q.places("carried")}
    assert carried
    assert {q.name for q in found.quantities if q.withheld} == carried


# Every a is from 0 to 1, and so is much else: 0.0 is that cut off.
SIGMOIDS = """
layers:
  - {activation: sigmoid, weights: [[-1.5, -1.0, 0.6], [0.2, 0.76, 0.5]], bias: [0.9, -1.5]}
  - {activation: sigmoid, weights: [[-0.3, -2.0], [0.3, -0.9]], bias: [1.0, -0.2]}
inputs: [[0.8, -0.5], [1.9, 1.5], [-1.0, -0.1]]
targets: [[1.0, 0.99], [0.0, 0.01]]
loss: half_mse
conventions: {layout: columns, mean_in: gradient}
"""


def test_zeros_show_no_digits_that_were_cut_off():
    idler = Idler(backtrace.loads(SIGMOIDS))
    ids = ("z1", "a1", "z2", "a2", "loss", "delta2", "dW2", "db2", "delta1", "dW1", "db1")
    sheet = {(1, 1, id): idler.filled((1, 1, id), "0.0") for id in ids}
    assert idler.checker.check(idler.read(sheet)).conventions is None


# Zeros that nobody chose: z1[1,1] lost its sign, and db1 = -1 + 1 = 0

CAME_ABOUT = SHEETS / "adam-zero-that-came-about.yaml"


def test_zeros_that_came_about_keep_the_marks_of_a_few_lines():
    """m, v, both corrected, the step and the new bias of a sheet of 56 rest on db1."""
    found = report("adam", CAME_ABOUT.read_text())
    assert (found.earned, found.possible) == (55, 56)


def test_an_average_of_zeros_and_the_next_gradient_is_work():
    """0.9·0 + 0.1·(-1.3) and 0.999·0 + 0.001·1.69, also where most of a sheet rests on zeros."""
    ids = ("z1:", "error", "da1:", "db1", "mb1", "vb1")
    lines = [line for line in CAME_ABOUT.read_text().splitlines() if line.strip().startswith(ids)]
    found = report("adam", "\n".join(line.strip() for line in lines))
    unpaid = {q.name for q in found.quantities if q.withheld}
    assert unpaid == {"mb1", "vb1"}
    assert {"mb1@2.1", "vb1@2.1"} <= {q.name for q in found.quantities if q.earned}


def test_a_mistake_made_again_does_not_make_most_of_a_sheet_wrong():
    """An OR gate's δ₂ sums to 0.0181 and δ₁ to 0.0029 and 0.0056; dW are four times those of the
    key as well: 1/n is left out each time, once it costs its entries, and b₁ − 0.5·db₁ follows."""
    sheet = """
z2: [[1.1033, 1.2059, 1.1630, 1.2559]]
a2: [[0.7509, 0.7696, 0.7619, 0.7783]]
delta2: [[0.1405, -0.0409, -0.0432, -0.0382]]
db1: [[0.0029], [0.0056]]
W1_new: [[0.2036, 0.4034], [0.3047, 0.5043]]
b1_new: [[0.2985], [0.4972]]
W2_new: [[0.4004, 0.6012]]
b2_new: 0.4909
"""
    found = report("or-gate", sheet)
    assert {q.name: q.mistakes for q in found.quantities if q.mistakes} == dict.fromkeys(
        ("db1", "W1_new", "W2_new", "b2_new"), ("mean-omitted",)
    )
    assert found.possible - found.earned == 2  # db₁'s two entries


# ŷ = z, n = 1, v = 0.9·0 + dW and η = 1: most lines of this exercise copy the one before

COPIES = """
conventions: {layout: columns}
layers:
  - {activation: relu, weights: [[-1, 0.4], [0.7, -0.6]], bias: [-0.7, 1]}
  - {activation: linear, weights: [[-1.1, 0.4]], bias: [0.6]}
inputs: [[-0.8], [-1.6]]
targets: [[-0.9]]
loss: half_mse
optimizer: {name: momentum, learning_rate: 1, momentum: 0.9}
"""


def test_who_copies_as_the_exercise_does_keeps_the_marks():
    """z₁ = W₁x + b₁ is -0.54 and 1.4; with what is written z₂ = -1.1·0.16 + 0.6 = 0.424, the error
    0.424 + 0.9 = 1.324, dW₂ = 1.324·0.16, δ₁ = -1.1·1.324, dW₁ = -1.456·(-0.8, -1.6)."""
    sheet = """
z1: [[0.16], [-0.4]]
a1: [[0.16], [0]]
z2: 0.424
a2: 0.424
error: 1.324
loss: 0.876
delta2: 1.324
dW2: [[0.212, 0]]
db2: 1.324
delta1: [[-1.456], [0]]
dW1: [[1.165, 2.33], [0, 0]]
db1: [[-1.456], [0]]
vW1: [[1.165, 2.33], [0, 0]]
vb1: [[-1.456], [0]]
vW2: [[0.212, 0]]
vb2: 1.324
step_W2: [[-0.212, 0]]
step_b2: -1.324
"""
    found = report(COPIES, sheet)
    assert found.possible - found.earned == 2  # z₁'s two entries
    assert not any(q.withheld for q in found.quantities)


def test_zeros_are_said_where_they_began():
    """Without b₁ both units are off: a₁ = 0, so z₂ = b₂, dW₂ = 0 and v = 0; W₂'s step does not move
    it. The error 0.6 + 0.9 = 1.5, and what follows from it alone, is work."""
    sheet = """
z1: [[-0.04], [-0.2]]
a1: [[0], [0]]
z2: 0.6
error: 1.5
loss: 1.125
delta2: 1.5
dW2: [[0, 0]]
vW2: [[0, 0]]
W2_new: [[-1.1, 0.4]]
db2: 1.5
b2_new: -0.9
"""
    spec = COPIES.replace("[[-1, 0.4], [0.7, -0.6]]", "[[0.45, -0.2], [0.45, -0.1]]")
    found = report(spec.replace("[-0.7, 1]", "[0.7, 1]"), sheet)
    withheld = {q.name: q.withheld for q in found.quantities if q.withheld}
    assert set(withheld) == {"z2", "dW2", "vW2", "W2_new"}
    assert {(why.id, why.holds) for why in withheld.values()} == {("a1", "zeros")}


HUNDREDTHS = """
product1: [[-0.01, -0.01]]
z1: [[0.01, -0.01]]
a1: [[0.01, -0.01]]
product2: 0.01
z2: 0.01
a2: 0.01
error: -0.01
loss_terms: 0.01
loss: 0.01
da2: -0.01
g2: 0.01
delta2: -0.01
dW2: [[-0.01], [0.01]]
db2: -0.01
da1: [[-0.01, 0.01]]
g1: [[0.01, 0.01]]
delta1: [[-0.01, 0.01]]
dW1: [[0.01, -0.01], [-0.01, 0.01]]
db1: [[-0.01, 0.01]]
vW1: [[0.01, -0.01], [-0.01, 0.01]]
step_W1: [[-0.01, 0.01], [0.01, -0.01]]
W1_new: [[0.01, 0.01], [0.01, 0.01]]
vb1: [[-0.01, 0.01]]
step_b1: [[0.01, -0.01]]
b1_new: [[0.01, -0.01]]
vW2: [[-0.01], [0.01]]
step_W2: [[0.01], [-0.01]]
W2_new: [[0.01], [-0.01]]
vb2: -0.01
step_b2: 0.01
b2_new: 0.01
"""


def test_one_number_of_either_sign_earns_nothing():
    """v = dW, and 0.5·0.01 to two decimals, are 0.01 here whatever it stands for. z₁ is (0.52,
    -1.36), ŷ - 1.9 = 0.1·0.52 + 0.9·0.0136 + 1.2 - 1.9 = -0.6358, dW₂ (-0.33, 0.009), δ₁ (-0.064,
    0.006), dW₁ ((0.12, -0.011), (-0.06, 0.005)): with each v and step two, one and one entries are
    the key's, and a slope of 0.01."""
    spec = """
layers:
  - {activation: leaky_relu, weights: [[0.3, 0.6], [0.1, 0.2]], bias: [1, -0.4]}
  - {activation: linear, weights: [[0.1], [-0.9]], bias: 1.2}
inputs: [[-1.9, 0.9]]
targets: 1.9
loss: half_mse
optimizer: {name: momentum, learning_rate: 0.5, momentum: 0.9}
"""
    assert report(spec, HUNDREDTHS).earned == 12


def test_the_slope_of_units_that_are_on_is_no_giveaway():
    """z₁ = 0.5 - 0.7 and 0.3 - 0.4 with their signs lost: both on. z₂ = 0.12 + 0.07 + 0.1, the
    error 0.29 - 0.07, and δ₁ = 0.22·(0.6, 0.7)."""
    spec = """
layers:
  - {activation: relu, weights: [[0.5, 0.3]], bias: [-0.7, -0.4]}
  - {activation: linear, weights: [[0.6], [0.7]], bias: 0.1}
inputs: 1
targets: 0.07
loss: half_sse
"""
    sheet = "z1: [[0.2, 0.1]]\na1: [[0.2, 0.1]]\nz2: 0.29\nerror: 0.22\ndelta2: 0.22\n"
    slopes = "da1: [[0.132, 0.154]]\ng1: [[1, 1]]\ndelta1: [[0.132, 0.154]]\n"
    found = report(spec, sheet + slopes)
    assert {q.name: q.earned for q in found.quantities}["delta1"] == 2


def test_a_single_number_that_comes_to_1_is_work():
    """z₁ = 0.5·1.2 + 0.3 is 0.9; from 1.000 follow 0.8 − 0.2 = 0.6, σ(0.6) = 0.6457."""
    spec = """
layers:
  - {activation: linear, weights: [[0.5]], bias: 0.3}
  - {activation: sigmoid, weights: [[0.8]], bias: -0.2}
inputs: [[1.2]]
targets: [[1]]
loss: half_mse
"""
    sheet = "z1: 1.000\na1: 1.000\nproduct2: 0.800\nz2: 0.600\na2: 0.646\nerror: -0.354\n"
    assert [q.earned for q in report(spec, sheet).quantities] == [0, 1, 1, 1, 1, 1]


def test_what_is_filled_with_one_number_has_no_name():
    """W_new of zeros could be a step alone, of a velocity that was worked otherwise: nobody did."""
    zeros = "dW1: [[0], [0]]\ndb1: 0\nvW1: [[0], [0]]\nW1_new: [[0], [0]]\nb1_new: 0\n"
    spec = """
layers: [{activation: tanh, weights: [[0.5], [-0.3]], bias: 0.1}]
inputs: [[1, 2]]
targets: [[1]]
loss: half_sse
optimizer: {name: momentum, form: ema, momentum: 0.9, learning_rate: 0.5}
"""
    # z = 0.5 - 0.6 + 0.1 = 0, so a = 0 and delta = -1 stand for themselves: dW = [-1, -2]
    found = report(spec, f"z1: 0.00\na1: 0.00\ndelta1: -1.00\n{zeros}")
    assert {q.name for q in found.quantities if q.verdict == "wrong"} >= {"dW1", "W1_new"}
    assert not any(q.mistakes for q in found.quantities)


@pytest.mark.parametrize("text", ["1e1", "1e5"])
def test_a_power_of_ten_carries_nothing(text):
    """z = 0.5 - 2 + 3 = 1.5, L = (2 - 1.5)^2/2 = 0.125; then one number for δ, dW and the new w:
    from 5…15 a dW of 5…15 would follow."""
    sheet = f"z1: 1.500\na1: 1.500\nloss: 0.125\ndelta1: {text}\n"
    found = report("delta-rule", sheet + f"dW1: [{text}, {text}, {text}]\n")
    assert (found.score.points, found.score.of) == (3, 7)
    assert [q.count("carried") for q in found.quantities] == [0, 0, 0, 0, 0]


# dW = 0.42 · (0.3, 0.2) = (0.126, 0.084), and RMSProp's first step is 0.01/√(1 − 0.9) = 0.0316
# long: W − step = (0.4684, −0.4316). With 0.01 · 0.126 noted as 0.00 nothing moves.
SMALL_STEPS = """
layers: [{activation: linear, weights: [[0.5], [-0.4]], bias: none}]
inputs: [[0.3, 0.2]]
targets: -0.35
loss: half_mse
optimizer: {name: rmsprop, decay: 0.9, learning_rate: 0.01}
"""


@pytest.mark.parametrize(
    ("new", "earned"), [("[0.47], [-0.43]", 2), ("[0.50], [-0.40]", 0), ("[0.47], [-0.40]", 2)]
)
def test_an_update_that_moves_nothing_earns_nothing(new, earned):
    found = report(SMALL_STEPS, f"dW1: [[0.13], [0.08]]\nW1_new: [{new}]").quantities[-1]
    assert (found.verdict in ("right", "rounded"), found.earned) == (True, earned)
    assert (found.withheld is not None) == (earned == 0)


def test_who_shows_the_step_that_rounds_to_nothing_keeps_the_marks():
    """δ = 0.42, dW = 0.0042 and 0.0021, of whose tenth nothing is left at three decimals."""
    spec = "layers: [{activation: linear, weights: [[5], [4]], bias: none}]\n"
    spec += "inputs: [[0.010, 0.005]]\ntargets: -0.35\nloss: half_mse\nlearning_rate: 0.1\n"
    sheet = "delta1: 0.420\ndW1: [[0.0042], [0.0021]]\nW1_new: [[5.0000], [4.0000]]"
    assert report(spec, sheet).quantities[-1].withheld is None


DYING = """
layers:
- {activation: relu, weights: [[0.52, -0.22], [-0.6, -0.93], [-0.64, 0.87]], bias: [0.01, -0.37]}
- {activation: tanh, weights: [[-1.01], [-0.8]], bias: none}
inputs: [[1.1, -0.2, 1.2]]
targets: 0.1
loss: half_mse
optimizer: {name: rmsprop, learning_rate: 0.1}
conventions: {sign: descent}
epochs: 2
"""


def test_an_update_that_moves_nothing_where_nothing_should_move_keeps_its_marks():
    """s = 0.01·0.35268² = 0.00124, 0.1·0.35268/√0.00124 = 1.00154: b = -0.37 - 1.00154, where all
    digits give -1.37000. Then z = (-1.22·1.1 - …) - 1.37 < 0: the unit is off, and b stays."""
    sheet = "db1: [0.00000, -0.35268]\nsb1: [0.00000, 0.00124]\nstep_b1: [0.00000, -1.00154]\n"
    sheet += "b1_new: [0.01000, -1.37154]\nb1_new@2: [0.01000, -1.37154]"
    last = report(DYING, sheet).quantities[-1]
    assert (last.verdict, last.earned, last.withheld) == ("rounded", 2, None)


def test_zeros_beside_one_vague_number_are_not_worked_to_one_digit():
    """No entry of p = (x ⊙ w)·y is nearer to 0 than 0.54 · 1.2 - 0.32 · 0.9 = 0.36, but for
    0.42 · 0.6 - 0.04 · 0.5 = 0.23 and 0.42 · 0.8 - 0.04 · 1.7 = 0.27."""
    spec = """
given:
  x: [[1.5, -0.5], [0.7, 0.2], [-1.3, 0.9], [0.9, -1.6]]
  y: [[1.2, -0.8, 0.6, -1.4], [0.9, 1.7, -0.5, 1.1]]
  w: [[0.6, 0.2]]
equations: [q = x * w, p = q @ y, L = sum(p)]
loss: L
constants: [x, y]
"""
    zeros = "[0, 0, 0, 0], " * 3
    sheet = f"p: [{zeros}[0, 0, 0, 1e1]]\ndw: [[0.05, 0.9]]\n"
    verdicts = {v for q in report(spec, sheet).quantities for row in q.entries for v in row}
    assert not verdicts & {"right", "rounded", "carried"}
