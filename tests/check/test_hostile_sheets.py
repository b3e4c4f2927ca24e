"""Exercises at the edge of what a spec may say: honest sheets stand, wild ones break nothing."""

import numpy as np
import pytest

import backtrace
from backtrace.check.diagnosis.hints import worked_line
from backtrace.check.judge.checker import Checker
from backtrace.check.judge.judgement import UNFINISHED
from backtrace.check.sheets.sheet import MOST_WORK, Sheet
from backtrace.spec.ids import family
from backtrace.spec.model import AnswerDigits
from tests.check.typed import answers_of, listed, quantity, spec_of

HIDDEN_UNITS = "layers:\n- {activation: %s, weights: [[0.3, 2], [1, -1]], bias: %s}\n"
ONE_OUTPUT = "- {activation: %s, weights: [[1], [0.7]], bias: %s}\n"
TWO_SAMPLES = "inputs: [[1, 2], [2, 0]]\n"
BINARY_TARGETS = "targets: [[1], [0]]\n"
RATE = "learning_rate: 0.1\n"
ONE_LAYER = "layers:\n- {activation: %s, weights: [[0.3, 2, 1], [1, -1, 0]], bias: none}\n"
CLASSES = TWO_SAMPLES + "targets: [[1, 0, 0], [0, 0, 1]]\n" + RATE


def network(hidden, bias, output, last, rest):
    return HIDDEN_UNITS % (hidden, bias) + ONE_OUTPUT % (output, last) + TWO_SAMPLES + rest


SPECS = {
    "huge numbers": """
layers:
- {activation: linear, weights: [[1e150, -1e150]], bias: [1e200, 0]}
- {activation: linear, weights: [[1e100], [1e100]], bias: 0}
inputs: [[1e30]]
targets: 1
loss: mse
learning_rate: 0.1
""",
    "zeros everywhere": """
layers:
- {activation: relu, weights: [[0, 0], [0, 0]], bias: [0, 0]}
- {activation: relu, weights: [[0], [0]], bias: 0}
inputs: [[0, 0], [0, 0]]
targets: [[0], [0]]
loss: mse
learning_rate: 0.1
""",
    "one number": """
layers: [{activation: sigmoid, weights: 2, bias: 1}]
inputs: 1
targets: 1
loss: half_mse
learning_rate: 1
""",
    "saturated": """
layers:
- {activation: sigmoid, weights: [[500, -500]], bias: [0, 0]}
- {activation: softmax, weights: [[1000, -1000], [-1000, 1000]], bias: [0, 0]}
inputs: [[1], [-1]]
targets: [[1, 0], [0, 1]]
loss: cross_entropy
learning_rate: 0.5
""",
    "steps, forward only": network("step", "[-0.5, -1.5]", "step", -0.5, ""),
    "fractions": network("relu", "[1/3, 2/7]", "linear", 0, BINARY_TARGETS + RATE)
    + "loss: mse\narithmetic: exact\n",
    "each line rounded": network("sigmoid", "[0, 0.5]", "sigmoid", 0, BINARY_TARGETS + RATE)
    + "loss: mse\narithmetic: {round_each_step: 3}\n",
    "float32": network("sigmoid", "[0, 0.5]", "sigmoid", 0, BINARY_TARGETS + RATE)
    + "loss: mse\narithmetic: float32\n",
    "shared and threshold": network(
        "sigmoid", "{shared: 0.35}", "sigmoid", "{threshold: 0.3}", BINARY_TARGETS + RATE)
    + "loss: mse\n",
    "bias in the weights": """
layers:
- {activation: sigmoid, weights: [[0.1, 0.2], [0.3, 2], [1, -1]], bias: {in_weights: first}}
- {activation: tanh, weights: [[0.5], [1], [0.7]], bias: {in_weights: last}}
inputs: [[1, 2], [3, -1]]
targets: [[1], [0]]
loss: mse
learning_rate: 0.1
""",
    "hinge": ONE_LAYER % "linear" + CLASSES + "loss: hinge\n",
    "absolute error": ONE_LAYER % "tanh" + CLASSES + "loss: mae\n",
    "Huber": ONE_LAYER % "elu" + CLASSES + "loss: huber\n",
    "upstream through a softmax": ONE_LAYER % "softmax"
    + "inputs: [[1, 2]]\nloss: {upstream: [[1, 1, 1]]}\n" + RATE,
    "no targets": ONE_LAYER % "gelu" + "inputs: [[1, 2]]\nloss: output\n" + RATE,
    "minibatches, AdamW, penalties": network(
        "silu", "[0.1, 0.2]", "sigmoid", 0.1, BINARY_TARGETS)
    + "loss: binary_cross_entropy\noutput_delta: chain\nepochs: 2\nupdates: {batch_size: 1}\n"
    "optimizer: {name: adamw, learning_rate: 0.1}\nregularization: {l1: 0.1, l2: 0.1}\n",
    "descent, online, updated weights": network(
        "sigmoid", "[0.1, 0.2]", "sigmoid", 0.1, BINARY_TARGETS + RATE)
    + "loss: half_sse\nconventions: {sign: descent}\nupdates: online\n"
    "backpropagate_through: updated\n",
    "momentum over two epochs": "momentum",
    "Adam over two epochs": "adam",
}  # fmt: skip
ODD = ("0", "1", "-1", "0.5", "1e300", "-1e300", "1e-300", "1e-308", "123456789.123456", "_",
       "oops", "1/3", "0.0", "-0.00", "9e99", "1e9999", "nan", ".inf", "0.333", "7",
       "1e3")  # fmt: skip


def sheet_of(checker, text, skip=1):
    """Every ``skip``-th worked quantity, its entries written by ``text``; what has overflowed to
    infinity is no number that a student could write."""
    places = [
        place
        for place, values in checker.values.items()
        if not checker.is_given(place) and np.isfinite(values).all()
    ]
    lines = []
    for epoch, batch, id in places[::skip]:
        cells = [[text(x) for x in line] for line in checker.values[epoch, batch, id]]
        lines.append(f"{id}@{epoch}.{batch}: {listed(cells)}")
    return "\n".join(lines)


@pytest.mark.parametrize("decimals", [2, 4, 9])
@pytest.mark.parametrize("name", SPECS)
def test_an_honest_sheet_stands(name, decimals):
    checker = Checker(spec_of(SPECS[name]), asked=AnswerDigits(digits=1))

    def text(x):
        return f"{x:.{decimals}f}" if abs(x) < 1e15 else repr(float(x))

    for skip in (1, 2, 3):
        found = checker.check(answers_of(checker, sheet_of(checker, text, skip)))
        accused = [(q.name, q.verdict) for q in found.quantities
                   if q.verdict in ("wrong", "unsupported", "malformed")]  # fmt: skip
        assert accused == [], skip


@pytest.mark.parametrize("name", SPECS)
def test_a_wild_sheet_is_judged(name):
    checker = Checker(spec_of(SPECS[name]))
    for seed in range(2):
        random = np.random.default_rng(seed)

        def text(x, random=random):
            return str(random.choice(ODD)) if random.random() < 0.5 else f"{x:.3f}"

        answers = answers_of(checker, sheet_of(checker, text, 1 + seed))
        found = checker.check(answers)
        assert 0 <= found.earned <= found.possible
        for judged in found.quantities:
            if judged.verdict == "wrong":
                worked_line(checker, answers, judged)


# Much left out between what is written


EPOCHS = """
layers: [{activation: sigmoid, weights: 0.4, bias: 0.1}]
inputs: 1
targets: 1
loss: half_mse
learning_rate: 0.5
epochs: %d
"""


@pytest.fixture
def sheets(monkeypatch):
    """The sheets that are judged, to look at the work that was done for each."""
    found = []
    begin = Sheet.__init__

    def begun(self, *arguments, **options):
        begin(self, *arguments, **options)
        found.append(self)

    monkeypatch.setattr(Sheet, "__init__", begun)
    return found


def test_every_line_is_worked_once_however_many_ways_lead_back_to_it(sheets):
    # Each of the 12 lines an epoch is reached by two or three ways, so twice as often an epoch.
    found = quantity(EPOCHS % 40, "loss@40: 0.0087", "loss@40.1")
    assert found.verdict == "right", found
    assert MOST_WORK - sheets[0].work.left < 40 * 20


def test_a_search_that_would_not_end_is_cut_and_it_is_said(sheets, monkeypatch):
    monkeypatch.setattr("backtrace.check.judge.checker.MOST_SEARCHES", 1_000)
    found = quantity(EPOCHS % 10, "loss@10: 0.777", "loss@10.1")
    assert found.verdict == "wrong"
    assert UNFINISHED in found.notes
    assert sheets[-1].search.left > -1_000


def test_a_short_search_is_finished(sheets):
    found = quantity(EPOCHS % 2, "loss@2: 0.777", "loss@2.1")
    assert (found.verdict, found.notes) == ("wrong", ())


NEW_WEIGHTS = "{W1_new: [[-5, 3.11], [7.3, 0.02]], b1_new: [0.7, -3.1], W2_new: [9.1, -2.3]}"


def test_all_ways_of_working_share_what_may_be_tried_of_a_sheet_and_it_is_said(monkeypatch):
    monkeypatch.setattr("backtrace.check.sheets.exercise.LEAST_TRIALS", 100)
    monkeypatch.setattr("backtrace.check.sheets.exercise.TRIALS_OF_A_LINE", 0)
    checker = Checker(spec_of("or-gate"))
    found = checker.check(answers_of(checker, NEW_WEIGHTS)).quantities
    assert checker.trials.is_spent
    assert all(UNFINISHED in each.notes for each in found)
    assert checker.trials.left > -250  # 450 lines are worked where there is no bound
    checker.check(answers_of(checker, "b2_new: 0.5"))
    assert not checker.trials.is_spent  # each student has as much


def test_all_ways_of_working_share_the_search_for_mistakes_too(sheets, monkeypatch):
    monkeypatch.setattr("backtrace.check.judge.checker.MOST_SEARCHES", 300)
    checker = Checker(spec_of("or-gate"))
    found = checker.check(answers_of(checker, NEW_WEIGHTS)).quantities
    assert all(UNFINISHED in each.notes for each in found)
    of_each = [sheet.search.left for sheet in sheets if sheet.explains]
    assert len(of_each) > 1  # each with half of what was left
    assert all(-100 < left <= 0 for left in of_each)
    assert -100 < checker.searches.left < 100


def test_other_conventions_have_no_trials_of_their_own():
    checker = Checker(spec_of("or-gate"))
    found = [(other.trials, other.searches) for _, other, _ in checker.in_other_conventions]
    assert found == [(checker.trials, checker.searches)] * 3


FROZEN = """
layers:
- {activation: tanh, weights: [[-0.9], [-0.7]], bias: -0.4}
- {activation: sigmoid, weights: [[-1, -0.2, -0.8]], bias: [0.1, -0.4, 0.4]}
inputs: [[-1, 1], [0, 2]]
targets: [[1, 0, 0], [0, 1, 0]]
loss: mse
learning_rate: 0.1
epochs: 3
freeze: [W1, b1, W2, b2]
"""


def test_what_the_next_update_only_copies_is_misread_in_no_line_of_its_own():
    sheet = "z2@3: [[0.30, -0.06, 0.56], [1.05, 0.09, 1.16]]"
    assert quantity(FROZEN, sheet, "z2@3.1").verdict == "wrong"


def test_a_board_of_many_time_steps_takes_no_time_for_each_pair_of_its_lines(monkeypatch):
    names = []

    def counted(name):
        names.append(name)
        return family(name)

    monkeypatch.setattr("backtrace.check.diagnosis.rule_search.ids.family", counted)
    checker = Checker(backtrace.loads(BOARD_OF_STEPS))
    report = checker.check(answers_of(checker, "{u_new: 7.31}"))
    assert report.quantities[0].verdict == "wrong"
    # Of each wrong step in which one operand is another: three names, and not all of the board.
    assert len(names) < 30 * len(checker.steps)


BOARD_OF_STEPS = """
given: {h_0: 0.5, x: 0.3, u: 0.7, w: -0.4}
equations:
  - for: t = 1..12
    do: ["h[t] = tanh(u * h[t-1] + w * x)"]
  - L = half_sse(h_12, x)
loss: L
constants: [h_0, x]
parameters: [u, w]
learning_rate: 0.1
"""
