"""``backtrace trace``: what goes in, what comes out and where, and with which exit code."""

import json
import re
import shutil
import subprocess
import sys

import pytest

import backtrace
from backtrace.formats.json.trace import decode
from backtrace.spec import bundled
from tests.cli.running import ESCAPE, on_a_terminal, piped, run

__all__ = ["run"]

BROKEN = """\
title: Broken
layers:
  - {activation: reluu, weights: [[1], [2]]}
inputs: [[1, 0,5]]
learning_rate: -1
"""


@pytest.fixture
def spec_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(bundled.path("mlp-math").read_bytes())
    return path


def test_a_bundled_network_by_its_name(run):
    done = run("trace", "mlp-math")
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith("MLP Math")
    assert "[ 1.70  0.00  0.85 ]" in done.out  # δ₁ = 2·0.85·[1 -2 0.5] ⊙ [1 0 1]


def test_a_file_and_the_standard_input_give_the_same(run, spec_file):
    from_name = run("trace", "mlp-math").out
    assert run("trace", str(spec_file)).out == from_name
    assert piped("trace", "-", stdin=spec_file.read_bytes()).out == from_name


def test_the_output_ends_with_one_newline(run):
    for arguments in (["mlp-math"], ["mnist"], ["mlp-math", "--format", "json"]):
        out = run("trace", *arguments).out
        assert out.endswith("\n")
        assert not out.endswith("\n\n")


def test_json_is_the_trace(run):
    done = run("trace", "or-gate", "--format", "json")
    assert json.loads(done.out)["schema"] == "backtrace/trace/1"
    assert decode(done.out) == backtrace.trace(backtrace.load("or-gate"))


def test_json_of_some_quantities(run):
    steps = json.loads(run("trace", "or-gate", "--format", "json", "--only", "delta").out)["steps"]
    assert [step["id"] for step in steps] == ["delta2", "delta1"]
    steps = json.loads(run("trace", "or-gate", "--format", "json", "--layer", "2").out)["steps"]
    assert {step["layer"] for step in steps} == {2}


@pytest.mark.parametrize(
    "option",
    ["--detail=summary", "--explain", "--pause", "--watch", "--width=60", "--sample=1", "--full"],
)
def test_json_refuses_what_would_change_nothing_in_it(run, option):
    done = run("trace", "or-gate", "--format", "json", option)
    assert done.code == 2
    assert done.out == ""
    assert option.split("=", 1)[0] in done.err


def test_detail_from_a_screen_to_every_entry(run):
    lines = {
        detail: run("trace", "or-gate", "--detail", detail).out.count("\n")
        for detail in ("summary", "matrices", "entries")
    }
    assert lines["summary"] <= 24
    assert lines["summary"] < lines["matrices"] < lines["entries"]
    assert run("trace", "or-gate").out == run("trace", "or-gate", "--detail", "matrices").out


def test_watching_a_pipe_prints_the_overview_at_once(run):
    overview = run("trace", "small-mlp", "--detail", "overview").out
    assert "L 0.0128 ╮" in overview
    assert run("trace", "small-mlp", "--watch").out == overview
    graph = run("trace", "circuit", "--watch").out
    assert "└─ n = e + 1" in graph


def test_only_layer_and_sample_choose(run):
    assert "db₂" not in run("trace", "mlp-math", "--only", "delta,dW").out
    assert "layer 1, ReLU" not in run("trace", "mlp-math", "--layer", "2").out
    # sample 2 is (0, 1): z = 0.4 + 0.3 = 0.7 and 0.5 + 0.5 = 1.0
    out = run("trace", "or-gate", "--sample", "2", "--only", "z1").out
    assert "⎡ 0.7 ⎤" in out
    assert "⎣ 1.0 ⎦" in out


def test_epochs_works_more_and_shows_them(run):
    out = run("trace", "or-gate", "--epochs", "3", "--detail", "summary").out
    assert re.findall(r"══ (Epoch \d)", out) == ["Epoch 1", "Epoch 2", "Epoch 3"]
    steps = json.loads(run("trace", "or-gate", "--epochs", "3", "--format", "json").out)["steps"]
    after, before = (
        {step["epoch"]: step["value"] for step in steps if step["id"] == id}
        for id in ("W1_new", "W1")
    )
    assert before[2] == after[1]
    assert before[3] == after[2]


def test_epochs_without_an_update_are_refused(run):
    done = run("trace", "mlp-math", "--epochs", "2")
    assert done.code == 2
    assert "learning_rate" in done.err
    assert run("trace", "mlp-math", "--epochs", "1").code == 0


def test_explain_says_why(run):
    plain, explained = (run("trace", "mlp-math", *option).out for option in ([], ["--explain"]))
    assert "Chain rule" not in plain
    assert "Chain rule" in explained


def test_full_shows_every_entry(run):
    cut, whole = (run("trace", "mnist", "--only", "dW", *o).out for o in ([], ["--full"]))
    assert "⋯" in cut
    assert "⋯" not in whole


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_width_is_kept(run, width):
    for name in ("mlp-math", "mnist"):
        lines = run("trace", name, "--width", str(width)).out.splitlines()
        # every character of these two takes one column, but for what is stacked on another
        assert max(len(re.sub("[\u0300-\u036f]", "", line)) for line in lines) <= width


def test_data_is_looked_for_elsewhere(run, tmp_path):
    images, labels = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
    folder = bundled.folder() / "mnist"
    header, pixels = (folder / images).read_bytes()[:16], (folder / images).read_bytes()[16:]
    (tmp_path / images).write_bytes(header + bytes(len(pixels)))  # ten black images
    shutil.copy(folder / labels, tmp_path / labels)
    done = run("trace", "mnist", "--data", str(tmp_path), "--format", "json", "--only", "product1")
    assert done.code == 0
    (step,) = json.loads(done.out)["steps"]
    assert step["value"] == [[0.0] * 10] * 10


# What is refused


def test_a_wrong_spec_lists_every_problem_with_its_place(run, tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN, encoding="utf-8")
    done = run("trace", str(path))
    assert done.code == 2
    assert done.out == ""
    problems = done.err.split(f"{path}:")[1:]
    for place, word in (("3:18", "Did you mean `relu`"), ("4:9", "[1, 0.5]"), ("5:16", "found -1")):
        assert any(problem.startswith(f"{place}:") and word in problem for problem in problems)
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mlp-mth"], "mlp-math"),
        (["no/such/file.yaml"], "no/such/file.yaml"),
        (["."], "folder"),
        (["mlp-math", "--only", "delta3"], "--only delta3"),
        (["mlp-math", "--only", "dleta"], "did you mean delta"),
        (["mlp-math", "--layer", "3"], "1 to 2"),
        (["or-gate", "--sample", "5"], "1 to 4"),
        (["mlp-math", "--epochs", "0"], "--epochs"),
        (["mlp-math", "--width", "39"], "--width"),
        (["mlp-math", "--detail", "much"], "--detail"),
        (
            ["mlp-math", "--watch", "--detail", "entries"],
            "--watch: of no use with --detail entries",
        ),
        (["mlp-math", "--watch", "--pause"], "--pause: of no use with --watch"),
        (["mnist", "--data", "nowhere"], "nowhere"),
        (["mlp-math", "--color"], "--color"),
        ([], "SPEC"),
    ],
)
def test_what_is_wrong_goes_to_stderr_with_code_2(run, arguments, said):
    done = run("trace", *arguments)
    assert done.code == 2
    assert done.out == ""
    assert said in done.err
    assert "Traceback" not in done.err


def test_fractions_through_a_sigmoid_are_refused_in_words(run, tmp_path):
    path = tmp_path / "exact.yaml"
    text = bundled.path("or-gate").read_text(encoding="utf-8")
    path.write_text(text + "\narithmetic: exact\n", encoding="utf-8")
    done = run("trace", str(path))
    assert done.code == 2
    assert "sigmoid leaves the fractions" in " ".join(done.err.split())


# Terminals, pipes and characters


def test_a_pipe_gets_no_escapes_and_80_columns():
    done = piped("trace", "or-gate", TERM="xterm-256color")
    assert done.code == 0
    assert ESCAPE not in done.out
    assert max(map(len, done.out.splitlines())) == 80


def test_columns_sets_the_width_of_a_pipe():
    assert max(map(len, piped("trace", "or-gate", COLUMNS="60").out.splitlines())) == 60


def test_a_terminal_gets_colour_and_the_same_text():
    shown = on_a_terminal("trace", "or-gate", COLUMNS="80").out
    assert re.search(rf"{ESCAPE}\[1;[0-9;]+mForward →", shown)  # bold, on a ground
    assert re.sub(f"{ESCAPE}\\[[0-9;]*m", "", shown).split("\n") == [
        line.rstrip() for line in piped("trace", "or-gate").out.split("\n")
    ]


@pytest.mark.parametrize("settings", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colour_loses_nothing(settings):
    shown = on_a_terminal("trace", "or-gate", COLUMNS="80", **settings).out
    assert shown == piped("trace", "or-gate").out


@pytest.mark.parametrize("settings", [{"PYTHONIOENCODING": "ascii"}, {"TERM": "linux"}])
def test_symbols_degrade_where_they_can_not_be_shown(settings):
    done = piped("trace", "adam", **settings)
    assert done.code == 0
    assert done.out.isascii()
    assert "mhat_W1 = m_W1/(1 - beta1^t)" in done.out


def test_pause_waits_after_each_step_and_q_ends():
    shown = on_a_terminal("trace", "mlp-math", "--pause", typed=b"\n\nq\n", NO_COLOR="1")
    assert shown.code == 0
    assert " 2  Z₁  = XW₁ + b₁" in shown.out
    assert " 3  H₁" not in shown.out
    header, first, second, third = re.split("  (?:Enter: the next step, q: the end|…) ", shown.out)
    assert "── Given" in header  # no stop before it
    assert " 1  XW₁" in first
    # the prompt is wiped out: one line up, and the line cleared
    assert all("\x1b[A\x1b[2K" in part for part in (first, second, third))


def test_pause_on_a_dumb_terminal_sends_no_codes():
    shown = on_a_terminal("trace", "mlp-math", "--pause", typed=b"q\n", TERM="dumb")
    assert "\x1b" not in shown.out


def test_pause_without_a_terminal_goes_through():
    done = piped("trace", "mlp-math", "--pause")
    assert done.code == 0
    assert done.out == piped("trace", "mlp-math").out
    assert "--pause needs a terminal" in done.err


def test_a_reader_that_stops_early_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "backtrace", "trace", "digits", "--full", "--only", "a0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


def test_nobody_reading_a_short_output_is_no_error_either():
    process = subprocess.Popen(
        [sys.executable, "-m", "backtrace", "trace", "mlp-math", "--detail", "summary"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0
