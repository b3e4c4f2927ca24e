"""``backtrace train`` on equations: results, files, and the options that have no meaning there."""

import json

import numpy as np
import pytest

import backtrace
from tests.cli.running import run

__all__ = ["run"]


def trained(run, *arguments):
    done = run("train", *arguments, "--format", "json")
    assert (done.code, done.err) == (0, ""), done
    return json.loads(done.out)


def test_the_losses_and_parameters_are_those_of_the_trace(run):
    found = trained(run, "attention", "--epochs", "3")
    traced = backtrace.trace(backtrace.load("attention"), epochs=range(1, 4))
    losses = [traced[f"L@{epoch}"].value.item() for epoch in (1, 2, 3)]
    assert found["losses"] == [*losses, traced["loss_after@3"].value.item()]
    for name in ("W_Q", "W_K", "W_V"):
        assert found["parameters"][name] == traced[f"{name}_new@3"].value.tolist()
    assert (found["accuracy"], found["validation"], found["ended"]) == (None, None, "epochs")


def test_it_ends_where_the_spec_says(run, tmp_path):
    # L = x²; x halves: L is 4, 1, 0.25.
    spec = tmp_path / "s.yaml"
    spec.write_text(
        "{given: {x: 2}, equations: [L = x^2], loss: L, parameters: [x], learning_rate: 0.25,\n"
        " training: {epochs: 50, stop_at_loss: 0.25}}"
    )
    found = trained(run, str(spec))
    assert (found["losses"], found["ended"]) == ([4, 1, 0.25], "loss")


def test_logs_traces_and_saved_parameters(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = ("--log", "l.csv", "--save", "p.npz", "--trace-epoch", "2", "--trace-to", "t.json")
    found = trained(run, "recurrent", "--epochs", "2", *files)
    rows = (tmp_path / "l.csv").read_text().splitlines()
    assert [float(row.split(",")[1]) for row in rows[1:]] == found["losses"]
    with np.load("p.npz") as arrays:
        assert arrays["W_hh"].tolist() == found["parameters"]["W_hh"]
    steps = {
        step["id"]: step["value"] for step in json.loads((tmp_path / "t.json").read_text())["steps"]
    }
    assert steps["L"] == [[found["losses"][1]]]
    assert steps["W_hh_new"] == found["parameters"]["W_hh"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--hold-out", "2"], "--hold-out: equations have no samples"),
        (["--batch-size", "2"], "--batch-size: equations have no samples"),
        (["--no-shuffle"], "--shuffle: equations have no samples"),
        (["--seed", "2"], "--seed 2: nothing is drawn"),
    ],
)
def test_options_of_samples_are_refused(run, options, said):
    done = run("train", "attention", *options)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(said)


def test_update_lines_of_one_s_own_are_not_trained(run):
    done = run("train", "perceptron")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("perceptron: training needs a loss: `loss: L`")
    assert "backtrace trace" in done.err


def test_equations_have_no_samples_to_predict(run):
    done = run("predict", "attention")
    assert (done.code, done.out) == (2, "")
    assert "backtrace trace" in done.err


@pytest.mark.parametrize("name", ["records", "backtrace", "last_W"])
def test_parameters_called_as_what_the_file_has_are_refused(run, tmp_path, name):
    spec, saved = tmp_path / "s.yaml", tmp_path / "p.npz"
    spec.write_text(
        f"{{given: {{W: 1, {name}: 2}}, equations: [L = W * {name}], loss: L, "
        f"parameters: [W, {name}], learning_rate: 0.1}}"
    )
    done = run("train", str(spec), "--save", str(saved))
    assert (done.code, saved.exists()) == (2, False)
    assert f"the file calls something else {name}" in done.err


CLIMBING = """
given: {x: 4, g: 2}
equations: ["J = -(x - 1)^2 * g"]
maximize: J
parameters: [x]
learning_rate: 0.125
"""


def test_the_page_says_what_is_maximized_by_its_name(run, tmp_path):
    # J = −2(x − 1)²; with η = 1/8 the distance to 1 halves: −18, −4.5, −1.125.
    spec, plot, page_file = (tmp_path / name for name in ("s.yaml", "p.svg", "p.md"))
    spec.write_text(CLIMBING)
    done = run(
        "train",
        str(spec),
        "--epochs",
        "9",
        "--stop-at-loss",
        "-2",
        "--plot",
        str(plot),
        "--plot",
        str(page_file),
    )
    assert (done.code, done.err) == (0, "")
    page = [" ".join(line.split()) for line in done.out.splitlines()]
    assert page[1].startswith("x changes so that J grows")
    assert page[3] == "epoch J"
    assert [float(row.split()[1]) for row in page[4:7]] == [-18, -4.5, -1.125]
    assert "J is -1.125, and -2 is enough." in done.out
    assert "J by epoch" in plot.read_text()
    assert 'y-axis "J"' in page_file.read_text()


def test_a_climb_that_turns_into_a_fall_is_said(run, tmp_path):
    # η = 2: the distance to 1 grows 7 times an epoch.
    spec = tmp_path / "s.yaml"
    spec.write_text(CLIMBING.replace("0.125", "2"))
    done = run("train", str(spec), "--epochs", "20")
    assert "J has been falling since epoch 1, from -18 to" in done.out
    assert "a smaller rate" in done.out


def test_the_page_of_a_loss(run):
    done = run("train", "lstm", "--epochs", "2")
    assert (done.code, done.err) == (0, "")
    assert "so that L falls" in done.out
    assert "samples" not in done.out
