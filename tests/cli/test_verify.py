"""``backtrace verify``: the page, the JSON, the exit codes."""

import json

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
    assert kink["at"] == [{"id": "z1", "index": [1, 2]}]


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


def test_slips_are_shown_as_such(run):
    out = " ".join(run("verify", "or-gate").out.split())
    assert "96 agree, 50 slips marked" in out
    assert "a^(2) 3 figures agree; [1,1] 0.752, a slip for 0.75087 (digit)" in out


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
    assert ESCAPE not in on_a_terminal("verify", "small-mlp", NO_COLOR="1").out
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
        (KINK + "expect: {penalty: 1}\n", "penalty is a step that this spec's trace does not have"),
    ],
)
def test_specs_that_can_not_be_verified_end_with_2(run, spec, text, told):
    outcome = run("verify", spec(text))
    assert outcome.code == 2
    assert outcome.out == ""
    assert told in outcome.err
