"""``backtrace verify``: the page, the JSON, the exit codes."""

import json
import re
import sys

import msgspec
import pytest

from backtrace.tape.operations import OPERATIONS
from tests.cli.running import ESCAPE, on_a_terminal, piped, run

__all__ = ["run"]

KINK = """
title: A unit at zero
layers:
  - {activation: relu, weights: [[0.5, -1, 2], [1.5, 0, -0.5]], bias: [0.2, 1, 0.1]}
  - {activation: linear, weights: [[1], [-2], [0.5]], bias: 0.1}
inputs: [[1, 2]]
targets: 3.5
loss: mse
"""


@pytest.fixture
def spec(tmp_path):
    def write(text):
        path = tmp_path / "network.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def broken(monkeypatch):
    """``broken("sum_samples", f)``: an operation whose results go through f."""

    def replace(operation, mistake):
        row = OPERATIONS[operation]
        worse = msgspec.structs.replace(
            row, evaluate=lambda s, p, *values: mistake(row.evaluate(s, p, *values))
        )
        monkeypatch.setitem(OPERATIONS, operation, worse)

    return replace


# JSON


def test_json_has_every_entry_of_every_gradient(run):
    outcome = run("verify", "mlp-math", "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    found = json.loads(outcome.out)
    assert found["schema"] == "backtrace/verification/1"
    assert found["agrees"] is True
    ids = [each["id"] for each in found["gradients"]]
    assert ids == ["da2", "delta2", "dW2", "db2", "da1", "delta1", "dW1", "db1"]
    dW1 = found["gradients"][6]
    assert dW1["largest_difference"] < 1e-9
    assert [each["index"] for each in dW1["entries"]] == [[i, j] for i in (1, 2) for j in (1, 2, 3)]
    # from the slides
    assert [each["tape"] for each in dW1["entries"]] == pytest.approx([1.7, 0, 0.85, 3.4, 0, 1.7])
    assert [each["numeric"] for each in dW1["entries"]] == pytest.approx(
        [1.7, 0, 0.85, 3.4, 0, 1.7], abs=1e-9
    )
    assert all(each["kink"] is None for each in dW1["entries"])
    assert found["cost"]["finite_differences"]["forward_passes"] == 14
    assert {each["id"] for each in found["expected"]} >= {"z1", "loss", "delta1", "dW2"}


def test_json_tells_a_disagreement_its_entry_and_what_follows(run, broken):
    broken("hadamard", lambda delta: 2 * delta if delta.shape == (1, 3) else delta)
    outcome = run("verify", "mlp-math", "--format", "json")
    assert outcome.code == 1
    found = json.loads(outcome.out)
    assert found["agrees"] is False
    astray = {each["id"]: each for each in found["gradients"] if not each["agrees"]}
    assert list(astray) == ["delta1", "dW1", "db1"]
    assert astray["delta1"]["follows_from"] is None
    assert astray["dW1"]["follows_from"] == astray["db1"]["follows_from"] == "delta1"
    assert astray["delta1"]["largest_difference"] == pytest.approx(1.7)
    assert [each["agrees"] for each in astray["delta1"]["entries"]] == [False, True, False]
    assert [each["id"] for each in found["expected"] if not each["agrees"]] == [
        "delta1", "db1", "dW1",
    ]  # fmt: skip


def test_json_of_a_kink_has_both_slopes(run, spec):
    outcome = run("verify", spec(KINK), "--format", "json")
    assert outcome.code == 0
    delta1 = json.loads(outcome.out)["gradients"][5]
    kink = delta1["entries"][1]["kink"]
    assert (kink["below"], kink["above"]) == (pytest.approx(0), pytest.approx(-3.4))
    assert kink["at"] == [{"id": "z1", "index": [1, 2], "away": 0}]


def test_json_has_nan_and_inf_as_strings(run, broken):
    broken("sum_samples", lambda db: db * float("inf"))
    found = json.loads(run("verify", "small-mlp", "--format", "json").out)
    db2 = next(each for each in found["gradients"] if each["id"] == "db2")
    assert db2["entries"][0]["tape"] == "inf"
    assert db2["largest_difference"] == "inf"
    assert db2["agrees"] is False


# The page


def test_the_page_says_what_agrees_and_what_each_way_costs(run):
    out = run("verify", "mlp-math").out
    assert "all 21 entries agree" in out
    assert " ✓ dH₁        3" in out
    assert "finite differences   14 forward" in out
    assert "26 forward" in out
    assert "13 parameters, 1 sample" in out


def test_the_page_names_the_step_that_is_wrong(run, broken):
    broken("hadamard", lambda delta: -delta if delta.shape == (1, 3) else delta)
    outcome = run("verify", "mlp-math")
    assert outcome.code == 1
    assert "entries disagree" in outcome.out
    assert "δ₁: 2 of 3 entries disagree." in outcome.out
    assert "δ₁[1,1] is -1.7 on the tape, 1.7 by differences" in outcome.out
    assert "dW₁ follows from δ₁" in outcome.out


def test_the_page_shows_kinks(run, spec):
    out = " ".join(run("verify", spec(KINK)).out.split())
    assert "δ₁[1,2] stands at a kink (z₁[1,2]): slope 0 below, -3.4 above; the tape has 0." in out


def test_the_page_says_how_far_away_a_kink_is(run, spec):
    """z₁[1,2] is −1·1 + 0·2 + 1 + 3·2⁻⁴⁵, which a double holds exactly: 8.5·10⁻¹⁴."""
    text = KINK.replace("[0.2, 1, 0.1]", "[0.2, 1.0000000000000852651, 0.1]")
    out = " ".join(run("verify", spec(text)).out.split())
    assert "δ₁[1,2] lies within reach of a kink (z₁[1,2] = 8.5e-14): slope" in out
    assert "stands at" not in out


SATURATED = """
layers: [{activation: sigmoid, weights: [[900, -900]], bias: [0, 0]}]
inputs: 1
targets: [[0, 1]]
loss: cross_entropy
output_delta: chain
"""


def test_what_is_no_number_is_undecided_and_says_why(run, spec):
    """1/σ(−900) is infinite in floats; δ is −1 all the same, on the tape and by differences."""
    outcome = run("verify", spec(SATURATED))
    out = " ".join(outcome.out.split())
    assert outcome.code == 0
    assert "6 of 8 entries agree · 2 undecided" in out
    assert "– da₁ 2 ✓ δ₁" in out
    assert "da₁ is not finite: an activation has come so close to 0 or 1" in out
    assert "Undecided for it: all of da₁." in out
    assert "inf" not in out.replace("is not finite", "").replace("finite differences", "")
    found = json.loads(run("verify", spec(SATURATED), "--format", "json").out)
    by_id = {each["id"]: each["entries"][1] for each in found["gradients"]}
    assert (by_id["da1"]["tape"], by_id["da1"]["numeric"]) == ("-inf", None)
    assert (by_id["delta1"]["tape"], by_id["delta1"]["numeric"]) == (-1, pytest.approx(-1))


def test_what_is_no_number_by_a_step_s_own_mistake_disagrees(run, broken):
    broken("sum_samples", lambda db: db * float("inf"))
    outcome = run("verify", "small-mlp")
    assert outcome.code == 1
    assert not re.search(r"db. +\d+ +inf", outcome.out)


def test_too_small_to_tell_is_counted_apart(run, spec):
    """tanh(16) is 1 − 2·e⁻³² = 1 − 2.5·10⁻¹⁴: of a − y a float has two digits left."""
    text = """
layers: [{activation: tanh, weights: [[15.7, 0.5]], bias: [0.3, 0.1]}]
inputs: 1
targets: [[0.99999999999999, 0.3]]
loss: mse
"""
    outcome = run("verify", spec(text))
    out = " ".join(outcome.out.split())
    assert outcome.code == 0
    assert "4 of 8 entries agree · 4 too small to tell" in out
    assert "δ₁[1,1], dW₁[1,1] and db₁[1,1]: too small to tell." in out
    found = json.loads(run("verify", spec(text), "--format", "json").out)
    assert found["agrees"] is True
    told = [entry["too_small_to_tell"] for entry in found["gradients"][1]["entries"]]
    assert told == [True, False]
    alone = text.replace(", 0.5]", "]").replace(", 0.1]", "]").replace(", 0.3]", "]")
    out = " ".join(run("verify", spec(alone)).out.split())
    assert "no entry can be told · 4 too small to tell" in out
    assert "– δ₁" in out


def test_on_a_terminal_a_long_verification_says_how_far_it_is(run, monkeypatch):
    monkeypatch.setattr("backtrace.cli.verifying.PATIENCE", 0)
    assert run("verify", "mlp-math").err == ""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    out = run("verify", "mlp-math").out
    assert re.search(r"\rVerifying: \d+ %", out)
    assert "\r\x1b[K" in out  # the line is gone before the page comes
    assert out.rindex("Verifying: ") < out.index("Gradients")


def test_a_short_verification_says_nothing_of_it(run, monkeypatch):
    monkeypatch.setattr("backtrace.cli.verifying.PATIENCE", float("inf"))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert "Verifying" not in run("verify", "mlp-math").out


def test_slips_are_shown_as_such(run):
    assert "54 known slips" in run("verify", "or-gate").out
    assert "0.752" not in run("verify", "or-gate").out
    out = " ".join(run("verify", "or-gate", "--slips").out.split())
    assert "127 agree, 54 known slips" in out
    assert "a⁽²⁾ 3 figures agree; [1,1] 0.752, a slip for 0.75087 (digit)" in out


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ("z1: [3.7, 0, 1.2]", "[1,3] 1.2 differs from 1.1"),
        ('z1: {value: [3.7, 0, 1.1], slips: {"1,3": digit}}', "is marked as a slip (digit)"),
    ],
)
def test_a_figure_that_does_not_stand_ends_with_1(run, spec, figures, told):
    outcome = run("verify", spec(f"{KINK}expect:\n  {figures}\n"))
    assert outcome.code == 1
    assert "1 published figure astray" in outcome.out
    assert told in " ".join(outcome.out.split())


def test_as_many_digits_are_printed_as_set_a_figure_apart(run, spec):
    """0.2 + 0.0055001; 0.205 stands for up to 0.2055, so that 0.2055 would not tell why."""
    text = """
layers: [{activation: linear, weights: [[0.2]], bias: 0.0055001}]
inputs: 1
expect: {z1: 0.205}
"""
    assert "0.205 differs from 0.2055001" in run("verify", spec(text)).out
    assert (
        "0.204 differs from 0.2055\n" in run("verify", spec(text.replace("0.205}", "0.204}"))).out
    )


def test_the_arithmetic_of_the_figures_is_said(run, spec):
    rounded = f"{KINK}arithmetic: {{round_each_step: 1}}\nexpect: {{z1: [3.7, 0, 1.1]}}\n"
    out = " ".join(run("verify", spec(rounded)).out.split())
    assert "Held against the trace as it is worked with every line rounded to 1 decimal." in out
    assert "Held against" not in run("verify", "mlp-math").out


def test_a_figure_off_by_one_in_its_last_digit_hints_at_rounded_lines(run, spec):
    out = " ".join(run("verify", spec(f"{KINK}expect: {{z1: [3.7, 0.01, 1.1]}}\n")).out.split())
    assert "worked with rounded lines? Try `arithmetic: {round_each_step: 2}`." in out
    out = run("verify", spec(f"{KINK}expect: {{z1: [3.7, 0.5, 1.1]}}\n")).out
    assert "rounded lines" not in out


def test_figures_alone_are_held_where_there_is_no_loss(run, spec):
    text = KINK.replace("targets: 3.5\nloss: mse\n", "expect: {z1: [3.7, 0, 1.1]}\n")
    outcome = run("verify", spec(text))
    assert outcome.code == 0
    assert "Gradients" not in outcome.out
    found = json.loads(run("verify", spec(text), "--format", "json").out)
    assert (found["agrees"], found["gradients"]) == (True, [])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--update", "5.7"], "--update"),
        (["--update", "1"], "--update"),
        (["--all"], "--all"),
        (["--all", "--update", "1", "--format", "json"], "--update, --all"),
    ],
)
def test_without_a_loss_there_is_no_update_to_choose(run, spec, options, told):
    text = KINK.replace("targets: 3.5\nloss: mse\n", "expect: {z1: [3.7, 0, 1.1]}\n")
    outcome = run("verify", spec(text), *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"{told}: of no use without a loss")


@pytest.mark.parametrize("name", ["mlp-math", "or-gate", "softmax", "mnist"])
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_asked(run, name, width):
    out = run("verify", name, "--width", str(width)).out
    assert max(map(len, out.splitlines())) <= width


def test_a_terminal_without_unicode_gets_ascii():
    outcome = piped("verify", "or-gate", PYTHONIOENCODING="ascii")
    assert outcome.code == 0
    assert outcome.out.isascii()
    assert "?" not in outcome.out
    assert " + delta^(2)" in outcome.out


def test_colour_marks_a_terminal_and_nothing_else():
    assert ESCAPE in on_a_terminal("verify", "small-mlp").out
    plain = on_a_terminal("verify", "small-mlp", NO_COLOR="1").out
    assert ESCAPE not in plain.rpartition("\r\x1b[K")[2]  # behind how far it is, on a slow machine
    assert ESCAPE not in piped("verify", "small-mlp").out


# Requests


def test_another_update_may_be_asked_for(run):
    outcome = run("verify", "momentum", "--update", "2")
    assert outcome.code == 0
    assert "epoch 2, batch 1" in outcome.out
    found = json.loads(run("verify", "momentum", "--update", "2.1", "--format", "json").out)
    assert (found["epoch"], found["batch"]) == (2, 1)
    # by hand: W = (0.9, −0.5), b = 0.6, e = (−1, 0.3); dW = e1·x1 + e2·x2
    dW1 = next(each for each in found["gradients"] if each["id"] == "dW1")
    assert [each["tape"] for each in dW1["entries"]] == pytest.approx([-0.1, -2.3])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--update", "0"], "'0' is no update"),
        (["--update", "1.x"], "'1.x' is no update"),
        (["--update", "1.2"], "no batch 2 in epoch 1"),
        (["--update", "2"], "no epoch 2: the spec works 1 epoch"),
        (["--update", "2.4"], "no epoch 2: the spec works 1 epoch"),
        (["--format", "json", "--width", "80"], "--width: of no use with --format json"),
    ],
)
def test_requests_that_can_not_be_met_end_with_2(run, arguments, told):
    outcome = run("verify", "mlp-math", *arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert told in " ".join(outcome.err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (KINK.replace("targets: 3.5\nloss: mse\n", ""), "nothing to verify without a loss"),
        (KINK.replace("relu", "step"), "step units have no slope"),
        (KINK + "expect: {zz: 1}\n", 'found "zz"'),
        (KINK + "expect: {penalty: 1}\n", 'network.yaml:9:10: found "penalty" in `expect`'),
    ],
)
def test_specs_that_can_not_be_verified_end_with_2(run, spec, text, told):
    outcome = run("verify", spec(text))
    assert outcome.code == 2
    assert outcome.out == ""
    assert told in outcome.err
