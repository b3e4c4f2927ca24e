"""What the numbers of an exercise hide, and what in them hides it."""

import pytest

from backtrace.check.diagnosis.revealing import revealing
from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.notation.symbols import IDS
from backtrace.notation.text import sentence_text
from tests.check.test_mistakes import SQUARE
from tests.check.typed import exercise, spec_of


def hidden(spec):
    return {
        (h.code, h.id): sentence_text(h.by.reason, IDS) for h in revealing(spec_of(spec)).hidden
    }


def test_a_symmetric_matrix_hides_a_missing_transpose():
    symmetric = SQUARE.replace("[[2, 1], [-1, 3]]", "[[2, 1], [1, 3]]")
    assert hidden(symmetric)["weights-not-transposed", "da1"] == "W2 is symmetric"
    assert "da1" in revealing(spec_of(SQUARE)).revealed["weights-not-transposed"]


def test_units_that_are_all_on_hide_the_relu():
    # small-mlp: z1 = [0.8 1.1]
    reason = "every entry of z1 is positive: no unit is off"
    found = hidden("small-mlp")
    assert found["relu-mask-ignored", "delta1"] == reason
    assert found["activation-omitted", "a1"] == reason


def test_a_unit_that_is_off_reveals_the_relu():
    # mlp-math: z1[1,2] = -1.3
    found = revealing(exercise("mlp-math")).revealed
    assert "delta1" in found["relu-mask-ignored"]
    assert "a1" in found["activation-omitted"]


def test_a_rate_of_1_hides_that_it_is_missing():
    rated = SQUARE.replace("learning_rate: 0.1", "learning_rate: 1")
    assert hidden(rated)["learning-rate-omitted", "W1_new"] == "the learning rate is 1"
    assert "W1_new" in revealing(spec_of(SQUARE)).revealed["learning-rate-omitted"]


def test_one_sample_leaves_no_room_for_1_over_n():
    assert {"mean-omitted", "mean-twice", "batch-not-summed"} <= set(
        revealing(exercise("mlp-math")).absent
    )
    revealed = revealing(exercise("or-gate")).revealed
    assert {"mean-omitted", "mean-twice", "batch-not-summed"} <= set(revealed)


def test_a_bias_of_0_hides_that_it_is_missing():
    bare = SQUARE.replace("bias: [1, -1]", "bias: [0, 0]")
    assert hidden(bare)["bias-omitted", "z1"] == "b1 is all 0"


def test_a_symmetric_result_hides_that_it_is_transposed():
    # X·W1 with X = [1 2 / 3 -1] and W1 = [1 3 / 2 -1]: [5 1 / 1 10]
    turned = SQUARE.replace("weights: [[1, 0], [2, 4]]", "weights: [[1, 3], [2, -1]]")
    assert hidden(turned)["transposed", "product1"] == "product1 is the same when transposed"


def mends(spec):
    found = revealing(spec_of(spec))
    return {(h.code, h.id): sentence_text(h.by.mend, IDS) for h in found.hidden}


def test_an_update_too_small_for_the_digits_that_answers_have():
    """dW2 = [5 6 / 7 3.5]: with η = 0.0001 the largest change is 0.0007, too small for 2 decimals,
    where half a unit is 0.005; 7·0.01 is more than ten of them."""
    slow = SQUARE.replace("learning_rate: 0.1", "learning_rate: 0.0001")
    seen = ("ascent-for-descent", "W2_new")
    assert seen not in hidden(slow)
    coarse = slow + "answers: {decimals: 2}\n"
    assert hidden(coarse)[seen] == "the update changes W2 too little to show"
    assert mends(coarse)[seen] == "take η = 0.01"
    assert seen in hidden(slow + "answers: {digits: 2}\n")


def test_what_is_asked_for_is_what_shows():
    asked = SQUARE + "ask: [db2]\n"
    found = revealing(spec_of(asked))
    assert "dW2" not in {id for ids in found.revealed.values() for id in ids}
    # db2 = δ2 added up is the same whatever is done to dW2; z1 without its bias shows in it.
    assert "z1" in found.revealed["bias-omitted"]
    # X·W1 = [5 8 / 1 -4]: its negative changes a1, and so error and db2.
    assert "product1" in found.revealed["sign-flipped"]


def test_more_samples_would_show_more():
    assert set(revealing(exercise("mlp-math")).of_several) == {
        "mean-omitted", "mean-twice", "batch-not-summed", "summed-wrong-axis"
    }  # fmt: skip
    assert revealing(exercise("or-gate")).of_several == ()


def test_mistakes_that_give_the_same_numbers_are_said_to():
    """n = 2: a mean left out is a factor of 2 too many."""
    groups = [set(codes) for id, codes in revealing(spec_of(SQUARE)).alike if id == "da2"]
    assert any({"mean-omitted", "half-factor"} <= codes for codes in groups)
    assert not any("sign-flipped" in codes for codes in groups)


@pytest.mark.parametrize("name", ["mlp-math", "or-gate", "softmax", "adam", "multi-neuron"])
def test_every_code_is_revealed_hidden_or_has_no_place(name):
    found = revealing(exercise(name))
    codes = {*found.revealed, *(h.code for h in found.hidden), *found.absent}
    assert codes == {code for code, row in CATALOGUE.items() if row.has_rule}
    assert not set(found.absent) & set(found.revealed)
