"""Sheets that people asked about, and what was found to be wrong with each."""

from pathlib import Path

import pytest

import backtrace
from tests.check.typed import report

FOLDER = Path(__file__).parent / "asked"
CASES = [
    # a2 for δ2 in da1 = δ2·W2ᵀ
    ("activation-taken-for-error", "", {"delta1": "value-for-error"}),
    ("activation-taken-for-error", "-noinput", {"W1_new": "value-for-error"}),
    # dW2 twice, db1 four times too large, and nothing before them
    ("factor-in-two-gradients", "", {"dW2": "half-factor", "db1": "half-factor"}),
    ("factor-in-two-gradients", "-onlydW2", {"dW2": "half-factor"}),
    # the entries of dW2 added up for δ2·W2ᵀ
    ("gradient-for-delta-times-weights", "", {"dW1": "value-for-error"}),
    ("weights-left-out-going-back", "", {"dW1": "weights-omitted-going-back"}),
    # z1·g1 for g1; worked to more decimals than dW2 shows
    ("z-times-slope", "", {"dW1": "z-times-slope", "db1": "z-times-slope"}),
    (
        "weights-left-out-going-back",
        "-steps",
        {"da2": "weights-omitted-going-back", "da1": "weights-omitted-going-back"},
    ),
]


def found(spec, answers):
    sheet = (FOLDER / answers).read_bytes()
    quantities = report(backtrace.load(str(FOLDER / spec)), sheet).quantities
    return {q.name: q.mistakes for q in quantities if q.verdict == "wrong"}


@pytest.mark.parametrize(("name", "sheet", "mistakes"), CASES)
def test_what_was_settled_in_discussion_is_named(name, sheet, mistakes):
    said = found(f"{name}.spec.yaml", f"{name}.answers{sheet}.yaml")
    assert said == {id: (code,) for id, code in mistakes.items()}


def test_a_sign_lost_in_two_entries():
    said = found("tanh-sigmoid.spec.yaml", "sign-lost-in-two-entries.answers.yaml")
    assert said == {"dW1": ("sign-slip",)}


def test_one_digit_of_one_new_weight():
    said = found("tanh-sigmoid.spec.yaml", "one-digit-b1-new.answers.yaml")
    assert said == {"b1_new": ("copied-wrong",)}


def test_sums_along_the_wrong_axis_and_the_targets_of_a_unit_exchanged():
    said = found("tanh-sigmoid.spec.yaml", "summed-along-the-wrong-axis.answers.yaml")
    assert said == {
        "loss": ("entries-exchanged",),
        "db2": ("summed-wrong-axis",),
        "db1": ("summed-wrong-axis",),
    }
