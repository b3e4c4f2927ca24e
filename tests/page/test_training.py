"""What is said of a training that has ended: the table, the reason, the advice, the parameters."""

import math

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.formats.measure import text_width
from backtrace.formats.terminal.colours import STYLES, coloured, uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.writer import lines
from backtrace.page.training.document import document
from backtrace.page.training.outcome import MOST_ROWS, outcome
from backtrace.spec.model import Matrix, Schedule, Standardization, Stop
from backtrace.spec.numbers import Number
from backtrace.tape.training import Divergence, Progress, Training, starting_state, train
from tests.formats.trainings import XOR, at_rate, holding_out, made_up, outputs, spec_with

MLP = backtrace.load("mlp-math")


def text(spec, training, found=None, width=80, unicode=True):
    return uncoloured(lines(document(spec, training, found), Layout(width, unicode)))


def section(page, heading):
    """The lines under a heading, up to the next."""
    return page.partition(f"── {heading} ")[2].partition("\n── ")[0].split("\n")[1:]


def test_a_small_training_from_its_header_to_its_parameters():
    spec = at_rate(MLP, 0.01)
    training = train(spec_with(spec, epochs=1))
    page = text(spec, training)
    assert page.split("\n")[:8] == [
        "MLP Math, one hidden layer, one sample                 2 → 3 (ReLU) → 1 (linear)",
        "a sample is a row: Z = H·W + b   L = 1/n Σ(Ŷ − Y)²   δ = ∂L/∂Z",
        "gradient descent, η = 0.01   1 sample",
        "",
        "    epoch     loss",
        "        0   0.7225",  # (4.35 − 3.5)²
        f"        1   {0.7225 * _after_one_step():.4f}",
        "",
    ]
    # b2 goes from 0.1 by −η·2e = −0.01·1.7, W2[1] from 1 by −0.01·1.7·3.7
    assert "[ 0.083 ]" in page
    assert "0.9371" in page


def _after_one_step():
    """The loss of mlp-math after a step of 0.01, by hand, over that before."""
    e, h, w2 = 0.85, np.array([3.7, 0, 1.1]), np.array([1, -2, 0.5])
    delta2 = 2 * e
    delta1 = delta2 * w2 * (h > 0)
    w1 = np.array([[0.5, -1, 2], [1.5, 0, -0.5]]) - 0.01 * np.outer([1, 2], delta1)
    b1 = np.array([0.2, -0.3, 0.1]) - 0.01 * delta1
    h_new = np.maximum(np.array([1, 2]) @ w1 + b1, 0)
    y = h_new @ (w2 - 0.01 * delta2 * h) + 0.1 - 0.01 * delta2
    return ((y - 3.5) / 0.85) ** 2


# The table


def test_the_first_the_last_and_the_kept_epoch_are_in_the_table():
    held = [1.0 - 0.01 * min(epoch, 37) + 0.001 * max(0, epoch - 37) for epoch in range(101)]
    spec = spec_with(holding_out(XOR), stop=Stop(patience=63))
    said = outcome(spec, made_up(spec, held, held, kept=37, ended="patience"))
    epochs = [row[0] for row in said.table[1:]]
    assert (epochs[0], epochs[-1]) == ("0", "100")
    assert epochs[said.marked] == "37"
    assert len(epochs) <= MOST_ROWS + 1
    assert said.table[0] == ["epoch", "loss", "held-out loss"]


def test_a_short_training_has_every_epoch():
    said = outcome(XOR, made_up(XOR, [3.0, 2.0, 1.0, 0.5], right=[0.25, 0.5, 0.75, 1.0]))
    assert said.table == [
        ["epoch", "loss", "correct"],
        ["0", "3.0", "25.0 %"],
        ["1", "2.0", "50.0 %"],
        ["2", "1.0", "75.0 %"],
        ["3", "0.5", "100 %"],
    ]
    assert said.marked is None


def test_a_loss_that_is_nearly_zero_does_not_print_as_zero():
    said = outcome(XOR, made_up(XOR, [1.0, 1.25e-9]))
    assert said.table[-1][1] == "1.25e-9"


# Why it ended


WAITED = "the last 3 epochs brought nothing better."
BEST = "The parameters after epoch 1, the best one, are kept: loss 0.5."
LAST = "The parameters after the last epoch are kept."


@pytest.mark.parametrize(
    ("stop", "ended", "kept", "words"),
    [
        (Stop(), "epochs", None, f"Finished all 4 epochs. {LAST}"),
        (
            Stop(loss=Number(0.3, "0.30")),
            "loss",
            None,
            f"Stopped after 4 epochs: the loss is 0.25, and 0.30 is enough. {LAST}",
        ),
        (Stop(patience=3), "patience", 1, f"Stopped after 4 epochs: {WAITED} {BEST}"),
        (Stop(), "interrupted", None, f"Interrupted after 4 epochs. {LAST}"),
    ],
)
def test_the_reason_is_said(stop, ended, kept, words):
    spec = spec_with(XOR, stop=stop)
    said = outcome(spec, made_up(spec, [1.0, 0.5, 0.6, 0.55, 0.25], kept=kept, ended=ended))
    assert f"{said.ended} {said.kept}" == words


def test_the_held_out_loss_is_named_as_such():
    spec = spec_with(holding_out(XOR), stop=Stop(loss=Number(0.5, "0.5")))
    said = outcome(spec, made_up(spec, [1.0, 0.1, 0.2], [1.0, 0.4, 0.45], kept=1, ended="loss"))
    assert "the held-out loss is 0.45" in said.ended
    assert "after epoch 1, the best one, are kept: held-out loss 0.4." in said.kept
    assert "2 samples held out" in said.facts


def test_interrupted_before_anything_was_measured():
    start = starting_state(XOR)
    page = text(XOR, Training((), start, "interrupted", Progress((), start)))
    assert "Interrupted after 0 epochs." in page
    assert "The parameters stay as the spec gives them." in page


# Divergence


def diverged(spec, epochs=400):
    spec = spec_with(spec, epochs=epochs)
    training = train(spec)
    assert training.ended == "diverged"
    return outcome(spec, training)


def test_a_divergence_names_its_step_by_its_symbol():
    spec = backtrace.loads(
        "{layers: [{activation: linear, weights: 0, bias: none}], inputs: 1e100, targets: 1, "
        "loss: half_mse, learning_rate: 1e60, notation: {loss: J}}"
    )
    # w = 0, so z = 0 and e = −1; dW = −1e100, w_new = 1e160; then z = 1e260 and its square is inf
    said = diverged(spec, 3)
    assert said.ended == "Diverged after 1 epoch."
    assert said.diverged.startswith("Epoch 1: Jⁿᵉʷ is the first value that is no longer finite")
    assert "after epoch 0, the last one that was finite, are kept: loss 0.5." in said.kept


@pytest.mark.parametrize("id", ["z2", "dW1", "W1_new"])
def test_the_formula_of_the_step_is_shown(id):
    spec = spec_with(XOR, batch_size=2)
    found = made_up(
        spec, [1.0, math.nan], kept=0, ended="diverged", divergence=Divergence(1, 2, id)
    )
    words = outcome(spec, found).diverged
    begun = {"z2": "z₂", "dW1": "dW₁", "W1_new": "W₁ⁿᵉʷ"}[id]
    assert words.startswith(
        f"Epoch 1, batch 2: {begun} is the first value that is no longer finite"
    )
    assert f": {begun} = " in words


def test_a_given_value_or_one_without_a_step_has_no_formula():
    found = made_up(
        XOR, [1.0, math.nan], kept=0, ended="diverged", divergence=Divergence(2, 1, "vW1_old")
    )
    assert outcome(XOR, found).diverged.endswith("is the first value that is no longer finite.")
    whole = msgspec.structs.replace(found, divergence=Divergence(2))
    assert outcome(XOR, whole).diverged == "The loss over all samples is not finite after epoch 1."


def test_since_when_the_loss_has_grown_is_said():
    found = made_up(
        XOR, [3.0, 2.0, 40.0, 1e200, math.inf], kept=3, ended="diverged", divergence=Divergence(4)
    )
    assert outcome(XOR, found).diverged.endswith(" The loss was smallest, 2, after epoch 1.")
    at_once = made_up(XOR, [3.0, math.nan], kept=0, ended="diverged", divergence=Divergence(1))
    assert "smallest" not in outcome(XOR, at_once).diverged


def test_a_loss_that_only_climbs_is_said_to():
    losses = [2.0, 1.0, *(1.5**k for k in range(1, 20))]
    found = made_up(XOR, losses, divergence=Divergence(2))
    said = outcome(XOR, found)
    assert said.diverged == (
        "The loss has been growing since epoch 2, from 1 to 2217, and does not turn."  # 1.5¹⁹
    )
    assert said.tries


def tries(spec):
    found = made_up(spec, [1.0, math.nan], kept=0, ended="diverged", divergence=Divergence(1))
    return outcome(spec, found).tries


def test_a_tenth_of_the_rate_is_advised():
    assert tries(at_rate(XOR, 0.5)) == ["a smaller rate, `learning_rate` 0.05 in place of 0.5"]
    with_list = spec_with(XOR, schedule=Schedule("list", rates=(Number(3.0, "3"),)))
    assert tries(with_list) == ["a smaller rate, the rates of `schedule` 0.3 in place of 3"]


def test_a_momentum_is_said_to_make_steps_larger():
    words = tries(at_rate(XOR, 1.0, "momentum", momentum=0.9))
    assert words[0].endswith("with momentum 0.9 steps grow to 10 times the rate")  # 1/(1 − 0.9)


def test_large_inputs_and_targets_are_named_with_their_size():
    spec = spec_with(
        MLP, inputs=Matrix(np.array([[-255.0, 3.0]])), targets=Matrix(np.array([[900.0]]))
    )
    words = tries(at_rate(spec, 0.1))
    assert words[1] == (
        "inputs of the size of 1: the largest is 255 now; divide them by 255, "
        "or write `scale: 1/255` beside their `file`"
    )
    assert words[2] == "targets of the size of 1; the largest is 900 now"


def test_a_scale_beside_a_file_is_no_advice_for_inputs_in_the_spec():
    spec = backtrace.loads(
        "{layers: [{activation: linear, weights: 1, bias: 0}], inputs: 45, targets: 1, "
        "loss: mse, learning_rate: 1}"
    )
    assert tries(spec)[1] == ("inputs of the size of 1: the largest is 45 now; divide them by 45")


def test_a_sum_over_many_samples_is_named():
    spec = backtrace.loads(
        "{layers: [{activation: linear, weights: 1, bias: 0}], inputs: [[1], [2], [3]], "
        "targets: [[1], [2], [3]], loss: sse, learning_rate: 1}"
    )
    assert "`loss: {name: sse, reduce: mean}`: now the loss adds up the 3" in tries(spec)[-1]
    assert len(tries(spec_with(spec, batch_size=1))) == 1


def test_a_training_that_goes_well_has_no_advice():
    said = outcome(XOR, made_up(XOR, [1.0, 0.5]))
    assert (said.diverged, said.doubts, said.tries) == ("", [], [])


# Nothing learnt


def test_a_loss_that_ends_above_its_start_is_said_with_advice():
    said = outcome(at_rate(XOR, 50), made_up(XOR, [1.19, 0.9, 30.0, 7.25]))
    assert said.doubts == ["The loss has ended above where it began: 7.25 after 1.19."]
    assert said.tries == ["a smaller rate, `learning_rate` 5 in place of 50"]
    assert said.diverged == ""
    page = text(XOR, made_up(XOR, [1.19, 7.25]))
    assert "above where it began: 7.25 after 1.19" in page
    assert "What to try:" in page


@pytest.mark.parametrize("last", [1.0, 1.0 + 1e-12, 0.99])
def test_a_loss_that_stands_still_has_not_ended_above_its_start(last):
    assert outcome(XOR, made_up(XOR, [1.0, last])).doubts == []


def test_a_best_epoch_that_is_the_start_is_said():
    spec = spec_with(holding_out(XOR), stop=Stop(patience=3))
    kept = made_up(spec, [3.0, 2.0, 1.0], [1.0, 1.5, 2.0], kept=0)
    best = msgspec.structs.replace(kept.progress, best=kept.state)
    said = outcome(spec, msgspec.structs.replace(kept, progress=best))
    assert said.doubts == ["No epoch was better than the start."]
    assert said.tries
    start = made_up(spec, [3.0], [1.0], kept=0)
    assert outcome(spec, msgspec.structs.replace(start, progress=best)).doubts == []


@pytest.mark.parametrize("taken", [0, 1])
def test_one_class_for_all_samples_is_said(taken):
    found, ones = (
        made_up(XOR, [1.0 - 0.01 * k for k in range(11)]),
        np.full((4, 1), 0.2 + 0.6 * taken),
    )
    assert outcome(XOR, found, ones).doubts == [f"All 4 samples are predicted as class {taken}."]
    ones[0] = 0.8 - 0.6 * taken
    assert outcome(XOR, found, ones).doubts == []
    begun = made_up(XOR, [1.0, 0.9])
    assert outcome(XOR, begun, np.full((4, 1), 0.2)).doubts == []


def test_all_samples_of_one_class_may_be_taken_for_it():
    spec = spec_with(XOR, targets=Matrix(np.ones((4, 1))))
    found = made_up(spec, [1.0 - 0.01 * k for k in range(11)])
    assert outcome(spec, found, np.full((4, 1), 0.9)).doubts == []


# The page


def test_confusions_are_those_of_the_kept_parameters():
    spec = spec_with(XOR, epochs=300)
    training = train(spec)
    found = section(text(spec, training, outputs(spec, training)), "Confusion")
    assert found[:4] == [
        "           predicted",
        "    class  0  1   correct",
        "        0  2  ·     100 %",  # XOR: two samples of each class, all right
        "        1  ·  2     100 %",
    ]


def test_large_networks_have_no_matrices():
    digits = spec_with(backtrace.load("digits"), validation=None, epochs=1)
    small = text(XOR, made_up(XOR, [1.0, 0.5]))
    assert "Kept parameters" in small
    assert "Kept parameters" not in text(digits, made_up(digits, [2.3, 2.0]))


def test_parameters_stand_in_the_layout_and_the_symbols_of_the_course():
    spec = backtrace.load("or-gate")  # columns; W^(1) is 2 × 2, W^(2) 1 × 2
    page = text(spec, made_up(spec, [1.0, 0.5]))
    assert "W⁽²⁾" in page
    assert "1 × 2" in page


def test_fractions_stay_fractions():
    spec = backtrace.loads(
        "{layers: [{activation: linear, weights: 1/3, bias: none}], inputs: 1, targets: 1, "
        "loss: half_mse, learning_rate: 1/2, arithmetic: exact, epochs: 1}"
    )
    assert "[ 2/3 ]" in text(spec, train(spec))  # 1/3 − 1/2·(1/3 − 1)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("name", ["xor", "or-gate", "mlp-math", "digits"])
def test_no_line_is_wider_than_the_page(width, unicode, name):
    spec = at_rate(spec_with(backtrace.load(name), validation=None, batch_size=None), 0.5)
    losses = [2.0 * 0.9**epoch for epoch in range(60)]
    found = made_up(
        spec, losses, losses[::-1], kept=20, divergence=Divergence(3, 1, "z1"), ended="diverged"
    )
    page = text(spec, found, outputs(spec, found), width, unicode)
    assert max(map(text_width, page.split("\n"))) <= width
    assert page.isascii() or unicode


def test_colours_are_those_of_the_roles():
    found = lines(document(XOR, made_up(XOR, [1.0, 0.5, 0.7], kept=1)), Layout(80))
    roles = {role for line in found for _, role in line if role}
    assert roles <= set(STYLES) | {
        "mark",
        "bracket",
        "dims",
        "fact",
        "label",
        "updated",
        "updated.name",
    }
    assert STYLES["best"] in {str(span.style) for span in coloured(found, STYLES).spans}


def test_a_title_cannot_steer_the_terminal():
    page = text(spec_with(XOR, title="\x1b[31mred [bold]"), made_up(XOR, [1.0, 0.5]))
    assert "\x1b" not in page
    assert "[bold]" in page


def test_inputs_of_unequal_size_are_to_be_centred():
    spec = backtrace.loads(
        "{layers: [{activation: linear, weights: [[1], [1]], bias: 0}], "
        "inputs: [[1, 184.3], [2, 90]], targets: [[1], [2]], loss: mse, learning_rate: 1}"
    )
    assert tries(spec)[1].startswith("`standardize: true`, which centres the inputs")
    done = spec_with(spec, standardization=Standardization((1.5, 137.15), (0.5, 47.15), 2))
    assert not any("standardize" in each for each in tries(done))


def test_the_scale_that_is_advised_is_one_that_a_spec_takes():
    """Grey values of a picture of 4 by 4, the largest 200.5 and so no fraction of whole numbers."""
    spec = spec_with(MLP, inputs=Matrix(np.array([[200.5, 3.0]])))
    assert tries(at_rate(spec, 0.1))[1].endswith("write `scale: 1/201` beside their `file`")


def test_standardized_inputs_train_where_they_diverged_as_they_are():
    text = (
        "{layers: [{activation: linear, weights: [[0.5], [-0.5]], bias: 0}], inputs: [[255, 128], "
        "[64, 32]], targets: [[1], [2]], loss: mse, optimizer: {name: momentum, "
        "learning_rate: 0.01}, epochs: 300%s}"
    )
    assert train(backtrace.loads(text % "")).ended == "diverged"
    mended = train(backtrace.loads(text % ", standardize: true"))
    assert mended.records[-1].training.loss < 1e-9 < mended.records[0].training.loss
