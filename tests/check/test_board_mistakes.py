"""Mistakes at the lines of the bundled boards: found where they were made, and named.

One sheet for each place; see ``board_mistakes``.
"""

import pytest

import backtrace
from backtrace.check.judge.checker import Checker
from backtrace.check.sheets.workings import ACCUSED
from tests.check.board_mistakes import mistakes, sheet
from tests.check.grading import names
from tests.check.typed import answers_of, report
from tests.sampling import is_taken

BOARDS = (
    *("attention", "autoencoder", "batch-norm", "convolution", "dropout", "graph", "gru"),
    *("layer-norm", "lstm", "recurrent", "residual", "skip-gram"),
)
EVERY = 7  # of the mistakes that a run takes as a whole
ALIKE = {  # that may give the very numbers of another
    "half-factor": {"mean-omitted"},
    "sign-flipped": {"entries-exchanged", "way-omitted", "sign-slip"},
    "way-omitted": {"one-step-only"},
    "one-step-only": {"way-omitted"},
    "entries-exchanged": {"another-factor"},
    "rate-misread": {"arithmetic-slip", "copied-wrong"},  # of a lone number
    "learning-rate-omitted": {"arithmetic-slip", "copied-wrong"},
}


def sheets(name):
    checker = Checker(backtrace.load(name))
    for place, mistake in enumerate(mistakes(checker.spec)):
        if place % EVERY == len(name) % EVERY and is_taken(place // EVERY):
            typed = sheet(checker.spec, mistake)
            if typed is not None:
                found = checker.check(answers_of(checker, typed))
                yield mistake, [q for q in found.quantities if q.verdict in ACCUSED]


@pytest.mark.parametrize("name", BOARDS)
def test_a_mistake_at_a_board_is_found_and_named(name):
    found = list(sheets(name))
    assert [(m.id, [q.name for q in wrong]) for m, wrong in found] == [
        (m.id, [m.id]) for m, _ in found
    ]
    for mistake, (wrong,) in found:
        own = names(mistake.code)
        assert own & set(wrong.mistakes), mistake
        assert set(wrong.mistakes) <= own | ALIKE.get(mistake.code, set()), mistake


def test_a_mistake_at_each_time_step_is_one():
    """Of the gradients that add up over three steps only the last one's share: do₃·h₃ᵀ has
    -0.9403·-0.5075 = 0.4772 and 0.9403·0.8711 = 0.8191, do₃ is the bias's own."""
    sheet = """
h_1: [[0.7616], [0.4621]]
h_2: [[-0.1186], [0.4378]]
h_3: [[-0.5075], [0.8711]]
do_3: [[-0.9403], [0.9403]]
do_2: [[0.2473], [-0.2473]]
do_1: [[0.6454], [-0.6454]]
dW_hy: [[0.4772, -0.8191], [-0.4772, 0.8191]]
db_y: [[-0.9403], [0.9403]]
"""
    found = report("recurrent", sheet)
    assert [(q.name, q.mistakes, q.repeated) for q in found.quantities if q.mistakes] == [
        ("dW_hy", ("one-step-only",), None),
        ("db_y", ("one-step-only",), "dW_hy"),
    ]
    assert found.possible - found.earned == 4


def test_two_wrong_states_leave_what_is_worked_from_them_unaccused():
    """The slopes are 1 − h² of the h on the page, each of them: the bias's gradient is
    1.2964·(1 − 0.35²) − 0.6102·(1 − 0.46²) − 1.9176·(1 − 0.6231²) = −0.5166."""
    sheet = """
h_1: [[0.3500], [-0.2100]]
h_2: [[-0.4600], [0.7600]]
h_3: [[-0.6231], [0.9508]]
dh_3: [[-1.9176], [1.9176]]
dh_2: [[-0.6102], [-0.0684]]
dh_1: [[1.2964], [-1.5224]]
db_h: [[-0.5166], [-1.3001]]
"""
    verdicts = {q.name: q.verdict for q in report("recurrent", sheet).quantities}
    assert verdicts["h_1"] == verdicts["h_2"] == "wrong"
    assert verdicts["db_h"] == "carried"
