"""``backtrace train``: its options, what it prints, what it writes, and how it refuses."""

import csv
import json
import os
import re
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.cli.training import epoch_log
from backtrace.cli.training.command import filled
from backtrace.cli.training.epoch_log import EpochLog
from backtrace.formats.json.trace_validation import read
from backtrace.formats.registry import ENDINGS, FORMATS, is_ours
from tests.cli.running import on_a_terminal, piped, run

__all__ = ["run"]

ROOT = Path(__file__).parents[3]
FOUR = """\
title: Four samples
layers:
  - {activation: tanh, weights: [[0.5, -1, 0.2], [1.5, 1, -0.3]], bias: [0.1, 0, -0.2]}
  - {activation: sigmoid, weights: [[1], [-2], [0.5]], bias: 0.1}
inputs: [[0, 0], [0, 1], [1, 0], [1, 1]]
targets: [[0], [1], [1], [1]]
loss: binary_cross_entropy
learning_rate: 0.5
"""
FRACTIONS = """\
layers:
  - {activation: linear, weights: [[1/3, 2]], bias: [0.5, -1]}
  - {activation: linear, weights: [[1], [1/7]], bias: 0}
inputs: [[1], [2]]
targets: [[1], [3]]
loss: mse
learning_rate: 1/10
arithmetic: exact
"""
DIVERGING = """\
layers: [{activation: linear, weights: 1, bias: none}]
inputs: [[1], [2]]
targets: [[2], [4]]
loss: mse
learning_rate: 1e40
"""


@pytest.fixture
def spec(tmp_path):
    """``spec(text)`` is the name of a file with this text."""

    def written(text=FOUR, name="spec.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


@pytest.fixture
def trained(run):
    """``trained(spec, *options)`` is the JSON of a training that has ended well."""

    def called(*arguments):
        done = run("train", *arguments, "--format", "json")
        assert (done.code, done.err) == (0, "")
        return json.loads(done.out)

    return called


# The result


def test_the_losses_and_parameters_are_those_of_the_trace(spec, trained):
    found = trained(spec(), "--epochs", "3")
    traced = backtrace.trace(msgspec.structs.replace(backtrace.loads(FOUR), epochs=3))
    losses = [float(traced[f"loss@{epoch}"].value) for epoch in (1, 2, 3)]
    assert found["schema"] == "backtrace/training/1"
    assert found["epochs"] == 3
    assert found["losses"] == [*losses, float(traced["loss_after@3"].value)]
    for id in ("W1", "b1", "W2", "b2"):
        assert found["parameters"][id] == traced[f"{id}_new@3"].value.tolist()
    assert list(found["parameters"]) == ["W1", "b1", "W2", "b2"]
    assert found["ended"] == "epochs"
    assert found["validation"] is None
    assert found["divergence"] is None


def test_the_accuracy_is_that_of_the_kept_parameters(spec, trained):
    found = trained(spec(), "--epochs", "200")
    assert found["accuracy"] == found["accuracies"][-1] == 1.0
    assert len(found["accuracies"]) == len(found["losses"]) == 201
    assert (
        trained(spec(FOUR.replace("sigmoid", "linear").replace("binary_cross_entropy", "mse")))[
            "accuracy"
        ]
        is None
    )


def test_fractions_are_strings(spec, trained):
    found = trained(spec(FRACTIONS), "--epochs", "2")
    traced = backtrace.trace(msgspec.structs.replace(backtrace.loads(FRACTIONS), epochs=2))
    expected = [[str(entry) for entry in row] for row in traced["W1_new@2"].value.tolist()]
    assert found["parameters"]["W1"] == expected
    assert "/" in expected[0][0]


def test_fractions_grow_longer_than_python_likes_to_print(spec, trained):
    found = trained(spec(FRACTIONS), "--epochs", "7")
    assert max(len(text) for text in found["parameters"]["W1"][0]) > 4300


def test_the_epochs_are_those_of_the_option_else_of_the_training_else_of_the_trace(spec, trained):
    assert trained(spec())["epochs"] == 1
    assert trained(spec(FOUR + "epochs: 4\n"))["epochs"] == 4
    long = spec(FOUR + "epochs: 4\ntraining: {epochs: 7}\n")
    assert trained(long)["epochs"] == 7
    assert trained(long, "--epochs", "2")["epochs"] == 2


def test_a_pipe_gets_the_result_and_nothing_else():
    done = piped("train", "or-gate", "--epochs", "20")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("OR gate")
    assert "\x1b" not in done.out
    assert "Epoch 1 of" not in done.out


def test_a_terminal_sees_the_progress_unless_it_is_quiet():
    arguments = ("train", "or-gate", "--epochs", "1200")
    assert "of 1,200" in on_a_terminal(*arguments).out
    assert "of 1,200" not in on_a_terminal(*arguments, "--quiet").out


def test_the_spec_may_come_from_the_standard_input():
    done = piped("train", "-", "--epochs", "2", "--format", "json", stdin=FOUR.encode())
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["epochs"] == 2


def test_a_training_in_a_pipe_loads_neither_rich_nor_what_nobody_asked_for():
    program = (
        "import sys; from backtrace.cli import main; sys.argv = ['backtrace', 'train', 'or-gate', "
        "'--epochs', '1', '--format', 'json']\ntry: main()\nfinally: print(*sys.modules, "
        "file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert "backtrace.tape.training" in loaded
    unwanted = {"rich", "torch", "safetensors", "zipfile", "backtrace.formats.checkpoint"}
    unwanted |= {
        "backtrace.formats.terminal.training",
        "backtrace.formats.drawing.loss_curve",
        "backtrace.spec.fingerprint",
        "csv",
    }
    assert not unwanted & loaded


# Options that change the training


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--batch-size", "3"], FOUR + "updates: {batch_size: 3}\n"),
        (["--batch-size", "1"], FOUR + "updates: online\n"),
        (
            ["--batch-size", "2", "--shuffle"],
            FOUR + "updates: {batch_size: 2, shuffle: true}\n",
        ),
        (["--learning-rate", "1/3"], FOUR.replace("learning_rate: 0.5", "learning_rate: 1/3")),
        (["--hold-out", "4"], FOUR + "validation: {every: 4}\n"),
        (["--stop-at-loss", "0.4"], FOUR + "training: {stop_at_loss: 0.4, epochs: 5}\n"),
        (["--patience", "1"], FOUR + "training: {patience: 1, epochs: 5}\n"),
    ],
)
def test_an_option_is_as_if_the_spec_said_it(spec, trained, options, text):
    assert text != FOUR
    by_option = trained(spec(), "--epochs", "5", *options)
    by_spec = trained(spec(text, "said.yaml"), "--epochs", "5")
    assert by_option == by_spec
    assert by_option != trained(spec(), "--epochs", "5")


def test_no_shuffle_puts_the_samples_in_order(spec, trained):
    shuffled = spec(FOUR + "updates: {batch_size: 1, shuffle: true}\n", "shuffled.yaml")
    in_order = spec(FOUR + "updates: online\n", "order.yaml")
    assert trained(shuffled) != trained(in_order)
    assert trained(shuffled, "--no-shuffle") == trained(in_order)


def test_a_seed_draws_the_weights_and_orders_the_samples(spec, trained):
    drawn = FOUR.replace("[[0.5, -1, 0.2], [1.5, 1, -0.3]]", "{init: xavier}, units: 3")
    both = drawn + "updates: {batch_size: 1, shuffle: true}\n"
    for text in (drawn, both, FOUR + "updates: {batch_size: 1, shuffle: true}\n"):
        seeded = trained(spec(text), "--seed", "7")
        assert seeded == trained(spec(text + "seed: 7\n", "seeded.yaml"))
        assert seeded == trained(spec(text + "seed: 1\n", "seeded.yaml"), "--seed", "7")
        assert seeded != trained(spec(text))


RULED = FOUR.replace("[[0.5, -1, 0.2], [1.5, 1, -0.3]]", "{}, units: 3")
BIASED = FOUR.replace("bias: 0.1", "bias: {}")


@pytest.mark.parametrize(
    "text",
    [
        *(RULED.replace("{}", rule) for rule in ("xavier", "he", "{init: uniform}")),
        *(BIASED.replace("{}", bias) for bias in ("{init: normal}", "{threshold: {init: normal}}")),
        FOUR + "validation: {share: 1/2}\n",
        FOUR + "updates: {batch_size: 1, shuffle: true}\n",
    ],
)
def test_a_seed_is_taken_where_it_decides_anything(spec, trained, text):
    one, other = (trained(spec(text), "--seed", seed) for seed in ("7", "8"))
    assert one != other


@pytest.mark.parametrize(
    "text",
    [
        FOUR,
        FOUR + "seed: 3\nvalidation: {every: 2}\nupdates: online\n",
        *(RULED.replace("{}", rule) for rule in ("zeros", "{init: constant, value: 0.5}")),
        BIASED.replace("{}", "{init: zeros}"),
    ],
)
def test_a_seed_that_decides_nothing_is_refused(spec, run, trained, text):
    name = spec(text)
    assert trained(name, "--epochs", "2")  # else it is as good as any
    done = run("train", name, "--seed", "5")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("--seed 5: nothing is drawn; a seed decides weights by rule")
    done = run("train", name, "--seed", "5", "--batch-size", "9")
    assert "--batch-size 9" in done.err
    assert "--seed 5" in done.err


def test_the_seed_of_a_shuffle_by_option_is_taken(spec, run):
    options = ("--batch-size", "1", "--seed", "5")
    assert run("train", spec(), *options).code == 2
    assert run("train", spec(), *options, "--shuffle").code == 0


def test_a_rate_alone_is_plain_descent(spec, trained):
    without = spec(FOUR.replace("learning_rate: 0.5\n", ""), "without.yaml")
    assert trained(without, "--learning-rate", "0.5") == trained(spec())


def test_a_training_ends_at_a_loss(spec, trained):
    found = trained(spec(), "--epochs", "500", "--stop-at-loss", "0.3")
    assert found["ended"] == "loss"
    assert found["losses"][-1] <= 0.3 < min(found["losses"][:-1])
    assert found["epochs"] == len(found["losses"]) - 1 < 500


def test_patience_keeps_the_best_epoch(spec, trained):
    # a rate that goes up with the updates: first better, then worse
    text = FOUR.replace("learning_rate: 0.5", "schedule: [0.5, 0.5, 0.5, 80, 80, 80]")
    found = trained(spec(text), "--epochs", "100", "--patience", "4")
    best = found["best_epoch"]
    assert found["ended"] == "patience"
    assert found["losses"][best] == min(found["losses"])
    assert found["epochs"] == best + 4
    shorter = trained(spec(text), "--epochs", str(best))
    assert found["parameters"] == shorter["parameters"]


# The log


def rows(path):
    with Path(path).open(encoding="ascii", newline="") as file:
        return list(csv.DictReader(file))


def test_the_log_has_a_row_an_epoch_in_full_precision(spec, trained, tmp_path):
    text = FOUR + "validation: {every: 4}\nschedule: {step: {every: 4, factor: 0.5}}\n"
    text += "updates: online\n"
    log = tmp_path / "log.csv"
    found = trained(spec(text), "--epochs", "4", "--log", str(log))
    logged = rows(log)
    assert list(logged[0]) == [
        *("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate")
    ]
    assert [row["epoch"] for row in logged] == ["0", "1", "2", "3", "4"]
    assert [float(row["loss"]) for row in logged] == found["losses"]
    assert [float(row["accuracy"]) for row in logged] == found["accuracies"]
    assert [float(row["validation_loss"]) for row in logged] == found["validation"]["losses"]
    # three samples an epoch: its last updates are those with t = 2, 5, 8, 11, counted from 0
    rates = [0.5 * 0.5 ** (t // 4) for t in (2, 5, 8, 11)]
    assert [row["learning_rate"] for row in logged] == ["", *map(repr, rates)]


def test_a_log_without_classes_and_held_out_samples_leaves_their_cells_empty(spec, run, tmp_path):
    log = tmp_path / "log.csv"
    assert run("train", spec(FRACTIONS), "--log", str(log)).code == 0
    (_, last) = rows(log)
    assert (last["accuracy"], last["validation_loss"], last["validation_accuracy"]) == ("",) * 3


def test_the_log_is_written_as_it_goes(spec, tmp_path):
    log = tmp_path / "log.csv"
    command = [sys.executable, "-m", "backtrace", "train", spec(), "--epochs", "1000000"]
    process = subprocess.Popen(
        [*command, "--log", str(log)], stdout=subprocess.DEVNULL, env=os.environ, cwd=ROOT
    )
    try:
        while process.poll() is None and (not log.exists() or len(log.read_bytes()) < 10_000):
            pass
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    assert len(log.read_text().splitlines()) > 50


@pytest.mark.parametrize("meddled", ["replaced", "appended"])
def test_two_trainings_with_one_log_do_not_mix_their_rows(
    spec, run, tmp_path, monkeypatch, meddled
):
    """Another program replaces the log after the second epoch, or writes a row into it."""
    log, seen = tmp_path / "log.csv", EpochLog.seen
    monkeypatch.setattr(epoch_log, "FLUSHED", -1.0)

    def meddling(self, record):
        seen(self, record)
        if record.epoch == 2 and meddled == "replaced":
            (tmp_path / "new").write_text("theirs\n")
            (tmp_path / "new").replace(log)
        elif record.epoch == 2:
            with log.open("a") as file:
                file.write("theirs\n")

    monkeypatch.setattr(EpochLog, "seen", meddling)
    done = run("train", spec(), "--epochs", "9", "--log", str(log))
    assert done.code == 2
    assert "the log ends early (another program writes into it as well)" in done.err
    lines = log.read_text().splitlines()
    assert lines == ["theirs"] if meddled == "replaced" else lines[4] == "theirs"
    assert len(lines) <= 6  # no more of ours than the row that found it


def test_a_log_of_a_resumed_training_is_that_of_an_unbroken_one(spec, run, tmp_path):
    whole, parts, state = (str(tmp_path / name) for name in ("a.csv", "b.csv", "s.npz"))
    name = spec(FOUR + "validation: {every: 4}\n")
    assert run("train", name, "--epochs", "9", "--log", whole).code == 0
    assert run("train", name, "--epochs", "4", "--log", parts, "--save", state).code == 0
    # as if the program had been killed some epochs after its last checkpoint
    with Path(parts).open("a") as file:
        file.write("5,0.1,,,\n6,0.")
    assert run("train", name, "--epochs", "9", "--log", parts, "--resume", state).code == 0
    assert Path(parts).read_bytes() == Path(whole).read_bytes()


# Traces of some epochs


def test_the_traces_of_some_epochs_are_those_of_the_whole_trace(spec, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    adam = FOUR.replace("learning_rate: 0.5", "optimizer: {name: adam, learning_rate: 0.1}")
    name = spec(adam + "updates: {batch_size: 3, shuffle: true}\n")
    done = run("train", name, "--epochs", "12", "--trace-epoch", "10, 1,3")
    assert (done.code, done.err) == (0, "")
    whole = backtrace.trace(msgspec.structs.replace(backtrace.load(name), epochs=12))
    found = sorted(path.name for path in tmp_path.glob("*.json"))
    assert found == ["spec-epoch-1.json", "spec-epoch-10.json", "spec-epoch-3.json"]
    for epoch in (1, 3, 10):
        traced = read((tmp_path / f"spec-epoch-{epoch}.json").read_bytes())
        expected = [step for step in whole if step.step.epoch == epoch]
        values = {(s.step.batch, s.id): s.value for s in traced}
        for step in expected:
            assert np.array_equal(values[step.step.batch, step.id], step.value), step.id


def test_a_trace_is_written_in_the_format_of_its_name(spec, run, tmp_path):
    pattern = str(tmp_path / "e{epoch}.md")
    done = run("train", spec(), "--epochs", "2", "--trace-epoch", "2", "--trace-to", pattern)
    assert done.code == 0
    assert (tmp_path / "e2.md").read_text().startswith("<!-- Made by backtrace. -->")


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_ending_of_an_export_is_a_trace_or_refused_in_words(spec, run, tmp_path, ending):
    if ending == ".png":
        pytest.importorskip("resvg_py")
    file = tmp_path / f"e{ending}"
    done = run("train", spec(), "--trace-epoch", "1", "--trace-to", str(file))
    if ENDINGS[ending] in FORMATS:
        assert (done.code, done.err) == (0, "")
        assert is_ours(file.read_bytes())
    else:
        assert (done.code, done.out) == (2, "")
        assert f"--trace-to {file}: {ENDINGS[ending]} has a network, not its trace." in done.err
        assert not file.exists()


def test_an_epoch_that_is_not_reached_is_said(spec, run, tmp_path):
    pattern = str(tmp_path / "e{epoch}.json")
    options = ("--stop-at-loss", "0.4", "--trace-epoch", "1,400", "--trace-to", pattern)
    done = run("train", spec(), "--epochs", "400", *options)
    assert done.code == 2
    assert "--trace-epoch 400: not written; the training ended after epoch" in done.err
    assert "Four samples" in done.out
    assert [path.name for path in tmp_path.glob("*.json")] == ["e1.json"]


# Plots


@pytest.mark.parametrize("ending", [".svg", ".md"])
def test_a_plot_is_a_file_of_ours_and_is_replaced(spec, run, tmp_path, ending):
    file = tmp_path / f"plot{ending}"
    for epochs in ("3", "4"):
        assert run("train", spec(), "--epochs", epochs, "--plot", str(file)).code == 0
        assert b"Made by backtrace." in file.read_bytes()[:200]


def test_several_plots_are_all_drawn(spec, run, tmp_path):
    files = [tmp_path / name for name in ("a.md", "b.svg", "c.svg")]
    options = [part for file in files for part in ("--plot", str(file))]
    assert run("train", spec(), *options).code == 0
    assert files[0].read_text().startswith("<!-- Made by backtrace. -->")
    assert files[1].read_bytes() == files[2].read_bytes()
    done = run("train", spec(), *options, "--plot", str(files[0]), "--plot", "x.pdf", "--plot", "-")
    assert done.code == 2
    assert "--plot x.pdf: no format" in done.err
    assert "--plot -: name a file" in done.err
    assert run("train", spec(), *options, "--plot", str(files[0])).code == 2


# An option that may stand alone


@pytest.mark.parametrize(
    ("given", "filled_in"),
    [
        (["x", "--resume"], ["x", "--resume="]),
        (["--resume", "--quiet", "x"], ["--resume=", "--quiet", "x"]),
        (["x", "--resume", "f", "--quiet"], ["x", "--resume", "f", "--quiet"]),
        (["x", "--resume=f", "y"], ["x", "--resume=f", "y"]),
        (["x", "y"], ["x", "y"]),
    ],
)
def test_resume_with_and_without_a_file(given, filled_in):
    assert filled(given, "--resume") == filled_in


# Divergence


def test_a_training_that_diverges_ends_with_1_and_says_where(spec, run, tmp_path):
    save = tmp_path / "p.npz"
    done = run("train", spec(DIVERGING), "--epochs", "50", "--save", str(save))
    assert done.code == 1
    assert "epoch" in done.out
    done = run("train", spec(DIVERGING), "--epochs", "50", "--format", "json")
    found = json.loads(done.out)
    assert done.code == 1
    assert found["ended"] == "diverged"
    assert found["losses"][-1] in ("inf", "nan")
    assert found["divergence"]["epoch"] == len(found["losses"]) - 1 or found["divergence"]["id"]
    assert np.isfinite(found["parameters"]["W1"]).all()
    assert np.array_equal(np.load(save)["W1"], found["parameters"]["W1"])
    again = run("train", spec(DIVERGING), "--epochs", "50", "--resume", str(save))
    assert again.code == 1


# What is refused


def test_a_network_that_can_t_be_trained_is_refused_in_words(spec, run):
    done = run("train", spec(FOUR.replace("learning_rate: 0.5\n", "")))
    assert (done.code, done.out) == (2, "")
    assert "training needs a rate" in done.err


def test_fractions_that_can_t_be_kept_are_refused_before_anything_is_written(spec, run, tmp_path):
    log = tmp_path / "l.csv"
    log.write_bytes(b"epoch,loss,accuracy,validation_loss,validation_accuracy,learning_rate\n")
    done = run("train", spec(FOUR + "arithmetic: exact\n"), "--log", str(log))
    assert (done.code, done.out) == (2, "")
    assert "tanh" in done.err
    assert len(log.read_text().splitlines()) == 1


WRONG = [
    (["--epochs", "0"], "--epochs"),
    (["--patience", "0"], "--patience"),
    (["--stop-at-loss", "small"], "--stop-at-loss small: not a number"),
    (["--stop-at-loss", "0,1"], "not a number"),
    (["--stop-at-loss", "-1"], "no loss gets below 0"),
    (["--learning-rate", "-1"], "above 0"),
    (["--learning-rate", "nan"], "not a number"),
    (["--hold-out", "5"], "--hold-out 5:"),
    (["--batch-size", "5"], "there are 4 samples"),
    (["--shuffle"], "same in any order"),
    (["--batch-size", "4", "--shuffle"], "same in any order"),
    (["--seed", "-1"], "--seed"),
    (["--save", "-"], "--save -: name a file"),
    (["--save", "p.pkl"], "There are .npz, .safetensors, .yaml."),
    (["--log", "-"], "--log -"),
    (["--plot", "plot.pdf"], "There are .svg, .md."),
    (["--checkpoint-every", "3"], "no --save"),
    (["--resume"], "--resume: name its file"),
    (["--resume", "nothing.npz"], "can't be read (No such file or directory)"),
    (["--trace-epoch", "0"], "'0' is no epoch"),
    (["--trace-epoch", "1,x"], "'x' is no epoch"),
    (["--trace-epoch", "2"], "--trace-epoch 2: the training has 1"),
    (["--trace-to", "e{epoch}.md"], "say with --trace-epoch"),
    (["--epochs", "3", "--trace-epoch", "1,2", "--trace-to", "e.md"], "write {epoch} where"),
    (["--trace-epoch", "1", "--trace-to", "e.docx"], "no format by its ending"),
    (["--force"], "no file to write"),
    (["--format", "json", "--width", "90"], "--width"),
]


@pytest.mark.parametrize(("options", "said"), WRONG, ids=lambda part: str(part)[:40])
def test_what_is_wrong_is_said_and_nothing_is_worked(
    spec, run, tmp_path, monkeypatch, options, said
):
    monkeypatch.chdir(tmp_path)
    name = spec()
    before = sorted(tmp_path.iterdir())
    done = run("train", name, *options)
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert sorted(tmp_path.iterdir()) == before


def test_all_wrong_options_are_said_at_once(spec, run):
    options = ("--batch-size", "9", "--learning-rate", "x", "--stop-at-loss", "-1")
    done = run("train", spec(), *options)
    for option in ("--batch-size", "--learning-rate", "--stop-at-loss"):
        assert option in done.err


def test_a_saved_trace_is_no_spec(spec, run, tmp_path):
    saved = tmp_path / "trace.json"
    assert run("export", spec(), "-o", str(saved)).code == 0
    done = run("train", str(saved))
    assert done.code == 2
    assert "a saved trace" in done.err


@pytest.mark.parametrize("option", ["--save", "--log", "--plot", "--trace-to"])
def test_a_file_of_somebody_else_s_is_left_alone_unless_forced(spec, run, tmp_path, option):
    names = {"--save": "p.npz", "--log": "l.csv", "--plot": "p.svg", "--trace-to": "t.json"}
    file = tmp_path / names[option]
    file.write_bytes(b"mine\n")
    options = [option, str(file), *(["--trace-epoch", "1"] if option == "--trace-to" else [])]
    done = run("train", spec(), *options)
    assert (done.code, done.out) == (2, "")
    assert "--force replaces it" in done.err
    assert file.read_bytes() == b"mine\n"
    assert run("train", spec(), *options, "--force").code == 0
    assert file.read_bytes() != b"mine\n"
    if option != "--save":  # now it is ours; one that can be taken up is not replaced either
        assert run("train", spec(), *options).code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--plot", "a.md", "--log", "a.md"], ["--plot a.md: the same file as --log a.md"]),
        (
            ["--plot", "a.md", "--log", "./a.md", "--trace-epoch", "1", "--trace-to", "b/../a.md"],
            [
                "--plot a.md: the same file as --log ./a.md",
                "the trace of epoch 1, b/../a.md: the same file as --log ./a.md",
            ],
        ),
        (
            ["--save", "link.npz", "--log", "a.csv"],
            ["--log a.csv: the same file as --save link.npz"],
        ),
        (
            ["--log", "spec-epoch-2.json", "--trace-epoch", "1,2"],
            ["the trace of epoch 2, spec-epoch-2.json: the same file as --log spec-epoch-2.json"],
        ),
        (
            ["--trace-epoch", "1,2", "--trace-to", "{epoch}/../a.md"],
            ["the trace of epoch 2, 2/../a.md: the same file as the trace of epoch 1, 1/../a.md"],
        ),
    ],
)
def test_two_outputs_on_one_path_are_refused(spec, run, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    for folder in ("1", "2", "b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "link.npz").symlink_to("a.csv")
    name = spec()
    before = sorted(tmp_path.iterdir())
    done = run("train", name, "--epochs", "2", *options)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [f"{each}; name another [E522]" for each in said]
    assert sorted(tmp_path.iterdir()) == before


def test_a_spec_is_not_written_over_by_its_own_training(spec, run):
    name = spec()
    assert run("train", name, "--save", name).code == 2
    assert Path(name).read_text() == FOUR


@pytest.mark.parametrize("option", ["--save", "--log", "--plot", "--trace-to"])
def test_what_can_t_be_written_is_said_before_anything_is_worked(
    spec, run, tmp_path, monkeypatch, option
):
    def read_only(*arguments):
        raise OSError(30, "Read-only file system")

    names = {"--save": "p.npz", "--log": "l.csv", "--plot": "p.svg", "--trace-to": "t.json"}
    file = str(tmp_path / names[option])
    options = [option, file, *(["--trace-epoch", "1"] if option == "--trace-to" else [])]
    name = spec()
    monkeypatch.setattr(os, "open", read_only)
    done = run("train", name, "--epochs", "1000000", *options)
    assert (done.code, done.out) == (2, "")
    why = "not written (Read-only file system); there is no such file now [E508]"
    assert done.err == f"{file}: {why}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spec.yaml"]


def test_a_name_that_is_too_long_is_said(spec, run, tmp_path):
    done = run("train", spec(), "--save", str(tmp_path / ("long" * 90 + ".npz")))
    assert (done.code, done.out) == (2, "")
    assert "not written (File name too long)" in done.err


def test_what_a_killed_program_left_is_removed_after_an_hour(spec, run, tmp_path):
    left = {
        ".p.npz.0123abcd.part": 4000,
        ".p.npz.0123abce.part": 60,
        ".q.npz.0123abcd.part": 4000,
        ".p.npz.mine.part": 4000,
    }
    for file, age in left.items():
        (tmp_path / file).write_bytes(b"half")
        os.utime(tmp_path / file, (time.time() - age,) * 2)
    assert run("train", spec(), "--save", str(tmp_path / "p.npz")).code == 0
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {*left, "p.npz", "spec.yaml"} - {".p.npz.0123abcd.part"}


@pytest.mark.skipif(os.name != "posix", reason="descriptors are closed by a POSIX shell")
@pytest.mark.parametrize("closed", [">&-", "<&- >&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_as_if_nobody_read_them(spec, tmp_path, closed):
    command = f"{sys.executable} -m backtrace train {spec()} --save {tmp_path}/p.npz {closed}"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Four samples" in done.stdout or ">&-" in closed.replace("2>&-", "")
    assert np.load(tmp_path / "p.npz")["W1"].shape == (2, 3)


def test_long_fractions_are_decimals_on_a_page(spec, run, trained):
    name = spec(FRACTIONS)
    short, long = (run("train", name, "--epochs", epochs).out for epochs in ("1", "5"))
    whole = trained(name, "--epochs", "5")["parameters"]
    first = Fraction(whole["W1"][0][0])
    digits = max(len(t) - 1 for rows in whole.values() for row in rows for t in row)
    assert f"{float(first):.4f}" in long
    said = int(re.search(r"fractions of up to ([\d,]+) digits", long)[1].replace(",", ""))
    assert abs(said - digits) <= 3
    assert "--format json has them whole" in " ".join(long.split())
    assert max(map(len, long.split())) <= 80
    assert "/" in short.partition("Kept parameters")[2]
    assert "digits" not in short


def test_what_can_t_be_written_at_the_end_costs_no_result(spec, run, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    save, plot = str(tmp_path / "p.npz"), str(tmp_path / "p.svg")
    options = ("--save", save, "--plot", plot, "--checkpoint-every", "2", "--format", "json")
    done = run("train", spec(), "--epochs", "8", *options)
    assert done.code == 2
    assert len(json.loads(done.out)["losses"]) == 9
    for file in (save, plot):
        assert f"{file}: not written (No space left on device); there is no such" in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spec.yaml"]
