"""Saved trainings: taken up again to the same bits, killed, interrupted, damaged, of others."""

import gzip
import json
import random
import re
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import backtrace
from backtrace.cli import output
from backtrace.cli.training import checkpoints
from backtrace.formats.checkpoint import encode, header_of, progress_of
from backtrace.spec.data.request import DataError
from backtrace.spec.fingerprint import differences, fingerprint
from backtrace.tape.training import Engine, train
from tests.cli.running import HUNG, run, started, wait_until
from tests.sampling import share

__all__ = ["run"]

ROOT = Path(__file__).parents[3]
BASE = """\
layers:
  - {activation: tanh, weights: [[0.5, -1, 0.2], [1.5, 1, -0.3]], bias: [0.1, 0, -0.2]}
  - {activation: sigmoid, weights: [[1], [-2], [0.5]], bias: 0.1}
inputs: [[0, 0], [0, 1], [1, 0], [1, 1], [0.5, 0.2]]
targets: [[0], [1], [1], [1], [0]]
loss: binary_cross_entropy
"""
SGD = BASE + "learning_rate: 0.5\n"
MINI = "updates: {batch_size: 2, shuffle: true}\nseed: 3\n"
LINEAR = """\
layers:
  - {activation: linear, weights: [[1/3, 2]], bias: [0.5, -1]}
  - {activation: linear, weights: [[1], [1/7]], bias: {shared: 0}}
inputs: [[1], [2]]
targets: [[1], [3]]
loss: mse
"""
ADAM = "optimizer: {name: adam, learning_rate: 0.1}\n"
EQUATIONS = """\
given:
  x_1: [1, 2]
  x_2: [0, 1]
  h_0: [0, 0]
  W_hh: [[0.5, -1], [1, 0.2]]
  b: [0.1, 0]
  y: [1, 0]
equations:
  - {for: t = 1..2, do: ["h[t] = tanh(x[t] + h[t-1] @ W_hh + b)"]}
  - L = mse(h_2, y)
loss: L
constants: [y]
parameters: [W_hh, b]
"""
BOARD = """\
given: {x: 1/3, y: 2}
equations: [q = x * y, L = -(q - 1)^2 + y]
loss: L
parameters: [x, y]
"""
WORSE = "schedule: [0.5, 0.5, 0.5, 80, 80, 80]\n"  # better for three updates, then worse

# Every kind of state that a training has, each with what its command line adds.
TRAININGS = {
    "sgd": (SGD, []),
    "shuffled mini-batches": (SGD + MINI, []),
    "online": (SGD + "updates: online\n", []),
    "float32": (BASE + ADAM + MINI + "arithmetic: float32\n", []),
    "columns": (
        "layers: [{activation: sigmoid, weights: [[0.1, 0.2, 0.3]], bias: {in_weights: first}}]\n"
        "conventions: {layout: columns}\ninputs: [[1, 0, 2], [0, 1, 3]]\ntargets: [[1, 0, 1]]\n"
        "loss: half_sse\n" + ADAM,
        [],
    ),
    "exact": (LINEAR + "learning_rate: 1/10\narithmetic: exact\n", []),
    "exact momentum": (
        LINEAR + "optimizer: {name: momentum, learning_rate: 1/9}\narithmetic: exact\n",
        [],
    ),
    "rounded": (SGD + "arithmetic: {round_each_step: 3}\n", []),
    "schedule": (SGD + MINI + "schedule: {inverse_time: {decay: 0.3}}\n", []),
    "frozen": (BASE + ADAM + "freeze: [b1, W2]\n", []),
    "penalty": (BASE + ADAM + MINI + "regularization: {l2: 0.1}\n", []),
    "held out": (SGD + MINI + "validation: {every: 5}\n", []),
    "held out by option": (SGD, ["--hold-out", "2"]),
    "patience": (BASE + WORSE, ["--patience", "3"]),
    "equations": (EQUATIONS + ADAM, []),
    "equations in fractions": (BOARD + "learning_rate: 1/10\narithmetic: exact\n", []),
    "maximized, with patience": (
        BOARD.replace("loss: L", "maximize: L") + "learning_rate: 1/10\n",
        ["--patience", "3"],
    ),
    "a seed of equations": (
        EQUATIONS.replace("[[0.5, -1], [1, 0.2]]", "{init: normal, shape: [2, 2]}") + ADAM,
        ["--seed", "5"],
    ),
    "a seed": (BASE.replace("[[1], [-2], [0.5]]", "{init: he}, units: 1") + ADAM, ["--seed", "5"]),
} | {
    f"{name} {form}".strip(): (
        BASE + f"optimizer: {{name: {name}, learning_rate: 0.05{form and f', form: {form}'}}}\n",
        [],
    )
    for name, form in (
        *(("momentum", form) for form in ("accumulate", "step", "ema")),
        *(
            (name, "")
            for name in ("nesterov", "adagrad", "rmsprop", "adadelta", "adam", "nadam", "adamw")
        ),
    )
}


@pytest.fixture
def spec(tmp_path):
    def written(text=SGD, name="spec.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


def worked(run, *arguments):
    done = run("train", *arguments, "--format", "json")
    assert (done.code, done.err) == (0, ""), done
    return done.out


# To the same bits


@pytest.mark.parametrize("name", TRAININGS)
@pytest.mark.parametrize("first", [1, 4])
def test_a_resumed_training_is_an_unbroken_one(run, spec, tmp_path, name, first):
    text, options = TRAININGS[name]
    file, whole, parts = spec(text), str(tmp_path / "whole.npz"), str(tmp_path / "parts.npz")
    unbroken = worked(run, file, "--epochs", "6", *options, "--save", whole)
    before = worked(run, file, "--epochs", str(first), *options, "--save", parts)
    assert before != unbroken
    resumed = worked(run, file, "--epochs", "6", *options, "--save", parts, "--resume")
    assert resumed == unbroken
    assert Path(parts).read_bytes() == Path(whole).read_bytes()


def test_a_training_that_ended_by_patience_goes_on_with_more_of_it(run, spec, tmp_path):
    file, state = spec(BASE + WORSE), str(tmp_path / "s.npz")
    options = (file, "--epochs", "30")
    short = json.loads(worked(run, *options, "--patience", "2", "--save", state))
    assert short["ended"] == "patience"
    again = worked(run, *options, "--patience", "2", "--resume", state)
    assert json.loads(again) == short
    longer = worked(run, *options, "--patience", "6", "--resume", state)
    assert longer == worked(run, *options, "--patience", "6")


def test_without_patience_the_last_epoch_is_kept_also_where_the_best_was(run, spec, tmp_path):
    file, state = spec(BASE + WORSE), str(tmp_path / "s.npz")
    worked(run, file, "--epochs", "5", "--patience", "5", "--save", state)
    resumed = worked(run, file, "--epochs", "8", "--resume", state)
    assert resumed == worked(run, file, "--epochs", "8")


def test_the_same_command_gives_the_same_bytes(run, spec, tmp_path):
    files = [tmp_path / name for name in ("a.npz", "b.npz", "c.safetensors", "d.safetensors")]
    for file in files:
        worked(run, spec(SGD + MINI), "--epochs", "5", "--save", str(file))
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[2].read_bytes() == files[3].read_bytes()


# What is in the files


def test_the_parameters_are_arrays_by_id_for_any_reader(run, spec, tmp_path):
    state = tmp_path / "s.npz"
    found = json.loads(worked(run, spec(BASE + ADAM), "--epochs", "3", "--save", str(state)))
    with np.load(state) as arrays:
        for id, value in found["parameters"].items():
            assert arrays[id].tolist() == value
        assert {"mW1", "vW1", "mb2", "vb2"} <= set(arrays.files)
        said = json.loads(arrays["backtrace"].tobytes())
    assert (said["schema"], said["epoch"]) == ("backtrace/checkpoint/1", 3)


def test_the_best_parameters_stand_under_the_plain_names(run, spec, tmp_path):
    state = tmp_path / "s.npz"
    options = ("--epochs", "9", "--patience", "9", "--save", str(state))
    found = json.loads(worked(run, spec(BASE + WORSE), *options))
    assert 0 < found["best_epoch"] < 9
    with np.load(state) as arrays:
        assert arrays["W1"].tolist() == found["parameters"]["W1"]
        assert not np.array_equal(arrays["last_W1"], arrays["W1"])


def test_safetensors_hold_the_parameters(run, spec, tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    file = tmp_path / "p.safetensors"
    found = json.loads(worked(run, spec(BASE + ADAM), "--epochs", "3", "--save", str(file)))
    arrays = library.load_file(file)
    assert {id: value.tolist() for id, value in arrays.items()} == found["parameters"]


@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".yaml"])
def test_parameters_alone_begin_a_training_and_that_is_said(run, spec, tmp_path, ending):
    if ending == ".safetensors":
        pytest.importorskip("safetensors")
    file, given = spec(), tmp_path / f"given{ending}"
    trained = json.loads(worked(run, file, "--epochs", "3", "--save", str(given)))
    if ending == ".npz":  # as numpy writes it
        np.savez(given, **{id: np.array(v) for id, v in trained["parameters"].items()})
    done = run("train", file, "--epochs", "4", "--resume", str(given), "--format", "json")
    assert done.code == 0
    assert done.err == f"{given} has parameters and no more: begun at epoch 0 with them\n"
    found = json.loads(done.out)
    assert found["epochs"] == 4
    # plain descent has no state: so it goes on as if nothing had been left out
    whole = json.loads(worked(run, file, "--epochs", "7"))
    assert found["losses"] == whole["losses"][3:]
    assert found["parameters"] == whole["parameters"]


def test_what_began_with_parameters_alone_is_taken_up_by_the_same_command(run, spec, tmp_path):
    file, given, state = spec(), tmp_path / "given.npz", str(tmp_path / "s.npz")
    trained = json.loads(worked(run, file, "--epochs", "3"))
    np.savez(given, **{id: np.array(v) for id, v in trained["parameters"].items()})
    assert run("train", file, "--epochs", "2", "--resume", str(given), "--save", state).code == 0
    resumed = json.loads(worked(run, file, "--epochs", "4", "--resume", state))
    whole = json.loads(worked(run, file, "--epochs", "7"))
    assert resumed["losses"] == whole["losses"][3:]


def test_a_spec_may_begin_with_a_saved_training(run, spec, tmp_path):
    trained = json.loads(
        worked(run, spec(BASE + ADAM), "--epochs", "3", "--save", str(tmp_path / "s.npz"))
    )
    text = re.sub(r"weights: \[\[.*?\]\]", "weights: {file: s.npz}", BASE)
    text = re.sub(r"bias: (\[.*?\]|0.1)", "bias: {file: s.npz}", text)
    assert text.count("s.npz") == 4
    begun = backtrace.load(spec(text, "begun.yaml"))
    assert begun.layers[0].weights.values.tolist() == trained["parameters"]["W1"]
    assert begun.layers[1].bias.values.values.tolist() == trained["parameters"]["b2"]


# From time to time


@pytest.mark.parametrize(
    ("options", "seconds", "saved"),
    [([], 1e9, 1), ([], 0, 5 + 1), (["--checkpoint-every", "2"], 0, 2 + 1)],
)
def test_how_often_a_training_is_saved(run, spec, tmp_path, monkeypatch, options, seconds, saved):
    written = []
    whole = output.Output.attempt

    def counted(self, content):
        written.append(header_of(content).epoch)
        return whole(self, content)

    monkeypatch.setattr(output.Output, "attempt", counted)
    monkeypatch.setattr(checkpoints, "SECONDS", seconds)
    worked(run, spec(), "--epochs", "4", "--save", str(tmp_path / "s.npz"), *options)
    assert len(written) == saved
    assert written == sorted(written)
    assert written[-1] == 4


# Of another training


CHANGES = [
    ("tanh", "relu", "the layers"),
    ("[[0.5, -1, 0.2]", "[[0.25, -1, 0.2]", "the starting W1 (other numbers)"),
    ("bias: 0.1", "bias: 0.2", "the starting b2"),
    ("bias: 0.1}", "bias: {shared: 0.1}}", "the bias of layer 2"),
    ("[0.5, 0.2]]", "[0.5, 0.25]]", "the inputs (other numbers)"),
    ("[1], [0]]", "[0], [0]]", "the targets"),
    ("loss: binary_cross_entropy", "loss: mse", "the loss (there: binary_cross_entropy"),
    ("learning_rate: 0.5", "learning_rate: 0.4", "the optimizer (there: sgd, learning rate 0.5;"),
    ("learning_rate: 0.5", ADAM, "here: adam, learning rate 0.1"),
    ("loss:", "schedule: {exponential: {factor: 0.9}}\nloss:", "the schedule"),
    ("loss:", "regularization: {l2: 0.1}\nloss:", "the regularization"),
    ("loss:", "freeze: [b1]\nloss:", "`freeze`"),
    ("loss:", "conventions: {mean_in: gradient}\nloss:", "the conventions"),
    ("loss:", "arithmetic: float32\nloss:", "the arithmetic"),
    ("loss:", "updates: online\nloss:", "`updates` (there: all samples at once"),
    ("loss:", "backpropagate_through: updated\nloss:", "`backpropagate_through`"),
    ("loss:", "output_delta: chain\nloss:", "`output_delta`"),
    ("loss:", "validation: {every: 5}\nloss:", "the inputs (there: 5 × 2; here: 4 × 2)"),
    (
        "loss:",
        "validation: {inputs: [[2, 2]], targets: [[1]]}\nloss:",
        "the held-out inputs (there: none; here: 1 × 2)",
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), CHANGES, ids=lambda text: text[:30])
def test_what_differs_from_the_saved_training_is_said(run, spec, tmp_path, old, new, said):
    state = tmp_path / "s.npz"
    worked(run, spec(), "--epochs", "2", "--save", str(state))
    content = state.read_bytes()
    changed = spec(SGD.replace(old, new, 1), "changed.yaml")
    done = run("train", changed, "--epochs", "4", "--save", str(state), "--resume")
    assert (done.code, done.out) == (2, "")
    assert "saved by another training" in done.err
    assert said in done.err
    assert state.read_bytes() == content


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tanh(x[t] +", "tanh(x[t] -", "the equations (other numbers)"),
        ("loss: L\n", "maximize: L\n", "the equations"),
        ("[0, 1]", "[0, 3]", "the given x_2 (other numbers)"),
        ("[W_hh, b]", "[b]", "`parameters` (there: W_hh, b; here: b)"),
        ("learning_rate: 0.1", "learning_rate: 0.2", "the optimizer (there: adam"),
    ],
)
def test_what_differs_from_saved_equations_is_said(run, spec, tmp_path, old, new, said):
    state, text = str(tmp_path / "s.npz"), EQUATIONS + ADAM
    worked(run, spec(text), "--epochs", "2", "--save", state)
    done = run("train", spec(text.replace(old, new, 1)), "--epochs", "4", "--resume", state)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "array: " in done.err.splitlines()[-1]


def test_layers_are_not_equations(run, spec, tmp_path):
    state = str(tmp_path / "s.npz")
    worked(run, spec(EQUATIONS + ADAM), "--epochs", "2", "--save", state)
    done = run("train", spec(), "--resume", state)
    assert done.code == 2
    assert "the layers (there: none; here: 2 → 3 (tanh) → 1 (sigmoid))" in done.err


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("loss:", "title: Another\nnotation: {delta: dz}\ndisplay: {decimals: 2}\nloss:"),
        ("loss:", "epochs: 3\ntraining: {stop_at_loss: 0.001}\nseed: 4\nloss:"),
        ("learning_rate: 0.5", "optimizer: {name: sgd, learning_rate: 0.50}"),
    ],
)
def test_what_changes_no_number_may_change(run, spec, tmp_path, old, new):
    state = str(tmp_path / "s.npz")
    worked(run, spec(), "--epochs", "2", "--save", state)
    worked(run, spec(SGD.replace(old, new, 1), "changed.yaml"), "--epochs", "4", "--resume", state)


def test_fewer_epochs_than_are_behind_it(run, spec, tmp_path):
    state = str(tmp_path / "s.npz")
    worked(run, spec(), "--epochs", "5", "--save", state)
    done = run("train", spec(), "--epochs", "4", "--resume", state)
    assert (done.code, done.out) == (2, "")
    assert "has 5 epochs behind it; --epochs 4 is fewer" in done.err


def test_another_training_is_refused_with_how_to_begin_anew(run, spec, tmp_path):
    state = str(tmp_path / "s.npz")
    worked(run, spec(), "--epochs", "5", "--save", state)
    done = run("train", spec(), "--resume", state, "--learning-rate", "0.1")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-2:] == [
        "To start a new training from its parameters, write",
        f"`weights: {{file: {state}}}` and `bias: {{file: {state}}}` in each layer.",
    ]


def test_a_saved_training_is_not_replaced_by_accident(run, spec, tmp_path):
    state = tmp_path / "s.npz"
    options = (spec(), "--save", str(state))
    worked(run, *options, "--epochs", "5")
    before = state.read_bytes()
    done = run("train", *options, "--epochs", "3")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"--save {state}: a training with 5 epochs behind it; "
        "--resume takes it up, --force begins anew and replaces it [E509]\n"
    )
    assert state.read_bytes() == before
    worked(run, *options, "--epochs", "3", "--force")
    assert header_of(state.read_bytes()).epoch == 3
    worked(run, *options, "--epochs", "4", "--resume")
    assert header_of(state.read_bytes()).epoch == 4


def test_what_has_no_epochs_behind_it_is_replaced(run, spec, tmp_path):
    state, start = tmp_path / "s.npz", backtrace.loads(SGD)
    progress = train(start, watch=lambda record, progress: True).progress
    state.write_bytes(encode(progress, fingerprint(start)))
    assert header_of(state.read_bytes()).epoch == 0
    worked(run, spec(), "--epochs", "2", "--save", str(state))
    assert header_of(state.read_bytes()).epoch == 2
    state.write_bytes(state.read_bytes()[:-100])
    done = run("train", spec(), "--save", str(state))
    assert done.code == 2
    assert "--force replaces it" in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--epochs", "4"], "Finished all 4 epochs; a larger --epochs goes on."),
        (["--patience", "2"], "brought nothing better; a larger --patience goes on."),
        (["--stop-at-loss", "0.7"], "and 0.7 is enough; a lower --stop-at-loss goes on."),
    ],
)
def test_a_finished_training_has_nothing_left_to_do(run, spec, tmp_path, options, said):
    command = ("train", spec(BASE + WORSE + "training: {epochs: 50}\n"), *options)
    state = str(tmp_path / "s.npz")
    first = run(*command, "--save", state)
    assert "Nothing left to do." not in first.out
    done = run(*command, "--resume", state, "--plot", str(tmp_path / "p.md"))
    words = " ".join(done.out.split())
    assert done.code == 0
    assert "Nothing left to do." in words
    assert said in words
    assert "Nothing left to do" in (tmp_path / "p.md").read_text()


def test_patience_needs_a_best_epoch_that_is_known(run, spec, tmp_path):
    state = str(tmp_path / "s.npz")
    worked(run, spec(), "--epochs", "5", "--save", state)
    done = run("train", spec(), "--epochs", "9", "--patience", "2", "--resume", state)
    assert (done.code, done.out) == (2, "")
    assert "its best epoch is not known" in done.err


def test_large_matrices_are_told_apart_wherever_they_differ():
    inputs = np.arange(400_000, dtype=float).reshape(-1, 4)  # several blocks
    text = "layers: [{activation: linear, weights: [[1], [1], [1], [1]], bias: 0}]\ninputs: 1\n"
    spec = backtrace.loads(text.replace("inputs: 1", "inputs: [[1, 2, 3, 4]]"))

    def traits(values):
        return fingerprint(msgspec.structs.replace(spec, inputs=type(spec.inputs)(values)))

    whole = traits(inputs)
    assert differences(whole, traits(inputs.copy())) == []
    assert differences(whole, traits(np.asfortranarray(inputs))) == []
    for place in (0, 200_001, 399_999):
        changed = inputs.copy()
        changed.ravel()[place] += 1e-9 * (1 + place)
        assert differences(whole, traits(changed)) == ["the inputs (other numbers)"]


# Damage


@pytest.fixture(scope="module")
def checkpoint():
    spec = msgspec.structs.replace(backtrace.loads(BASE + ADAM + MINI), epochs=4)
    return spec, encode(train(spec).progress, fingerprint(spec))


def test_a_checkpoint_reads_back(checkpoint):
    spec, content = checkpoint
    progress = progress_of(content, header_of(content), spec)
    expected = train(spec).progress
    assert progress.records == expected.records
    assert progress.last.epoch == expected.last.epoch == 4
    for id, value in expected.last.values.items():
        assert progress.last.values[id].dtype == value.dtype
        assert np.array_equal(progress.last.values[id], value)


def test_a_checkpoint_reads_back_from_a_gzip_file(run, spec, tmp_path):
    file, state = spec(BASE + ADAM + MINI), tmp_path / "s.npz"
    worked(run, file, "--epochs", "3", "--save", str(state))
    packed = tmp_path / "s.npz.gz"
    packed.write_bytes(gzip.compress(state.read_bytes()))
    resumed = worked(run, file, "--epochs", "5", "--resume", str(packed))
    assert resumed == worked(run, file, "--epochs", "5")
    packed.write_bytes(packed.read_bytes()[:-9])
    done = run("train", file, "--epochs", "5", "--resume", str(packed))
    assert (done.code, done.out) == (2, "")
    assert "a damaged or truncated gzip file" in done.err


@settings(max_examples=share(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_checkpoint_is_refused_or_as_it_was(checkpoint, data):
    spec, whole = checkpoint
    content = bytearray(whole)
    place = data.draw(st.integers(0, len(content) - 1))
    kind = data.draw(st.sampled_from(["cut", "flip", "insert"]))
    if kind == "cut":
        del content[place:]
    elif kind == "flip":
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        content[place:place] = data.draw(st.binary(min_size=1, max_size=8))
    try:
        header = header_of(bytes(content))
        if header is None or header.fingerprint != fingerprint(spec):
            return
        progress = progress_of(bytes(content), header, spec)
    except DataError:
        return
    expected = progress_of(whole, header_of(whole), spec)
    assert progress.records == expected.records
    for id, value in expected.last.values.items():
        assert np.array_equal(progress.last.values[id], value)


@pytest.mark.parametrize(
    ("arithmetic", "entry", "value", "said"),
    [
        ("float64", "records", np.full((2, 2), np.nan), "records that are no finite numbers"),
        ("float64", "records", np.full((2, 2), "x"), "records that are no finite numbers"),
        (
            "float64",
            "records",
            np.ones((2, 2), dtype=complex),
            "records that are no finite numbers",
        ),
        ("exact", "W1", np.array([["1e9999999"]]), "'1e9999999' where a fraction belongs"),
        ("exact", "W1", np.array([["1/0"]]), "'1/0' where a fraction belongs"),
        ("exact", "W1", np.array([["²"]]), "'²' where a fraction belongs"),
    ],
    ids=range(6),
)
def test_a_crafted_checkpoint_is_refused_at_once(run, tmp_path, arithmetic, entry, value, said):
    name, state = tmp_path / "spec.yaml", tmp_path / "state.npz"
    layer = "{activation: linear, weights: 1, bias: none}"
    given = f"inputs: 1\ntargets: 0\nloss: mse\nlearning_rate: 0.1\narithmetic: {arithmetic}\n"
    name.write_text(f"layers: [{layer}]\n{given}")
    assert run("train", str(name), "--epochs", "2", "--save", str(state)).code == 0
    with np.load(state) as saved:
        arrays = dict(saved)
    shape = arrays[entry].shape
    np.savez(state, **arrays | {entry: value[: shape[0], : shape[1]]})
    done = run("train", str(name), "--epochs", "4", "--resume", str(state))
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "entry"])
def test_a_damaged_file_is_said_in_words_and_left_as_it_is(run, spec, tmp_path, damage):
    state = tmp_path / "s.npz"
    worked(run, spec(), "--epochs", "2", "--save", str(state))
    content = state.read_bytes()
    at = content.index(b"backtrace/checkpoint/1")
    damaged = {
        "cut": content[:-100],
        "empty": b"",
        "text": b"W1: nothing",
        "entry": content[:at] + b"x" + content[at + 1 :],
    }[damage]
    state.write_bytes(damaged)
    done = run("train", spec(), "--epochs", "4", "--save", str(state), "--resume", "--force")
    assert (done.code, done.out) == (2, "")
    assert str(state) in done.err
    assert "Traceback" not in done.err
    assert state.read_bytes() == damaged


# Killed and interrupted


@contextmanager
def interrupts_as_before():
    """After a training that was interrupted, Ctrl-C ends the tests again."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_kill_9_in_the_middle_of_a_checkpoint_loses_nothing(run, spec, tmp_path):
    file, state = spec(BASE + ADAM + MINI), tmp_path / "s.npz"
    moments = random.Random(1)
    reached = [0]
    for _ in range(share(16)):
        again = ["--resume"] if state.exists() else []
        options = ("--epochs", "1000000", "--checkpoint-every", "1", "--save", str(state))
        before = state.read_bytes() if state.exists() else None
        process = started(file, *options, *again)
        wait_until(lambda: state.exists() and state.read_bytes() != before, process)  # noqa: B023
        time.sleep(moments.uniform(0, 0.02))  # any moment will do
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, process.communicate()
        process.communicate()
        reached.append(header_of(state.read_bytes()).epoch)
        assert reached[-1] > reached[-2]
    last = str(reached[-1] + 3)
    resumed = worked(run, file, "--epochs", last, "--resume", str(state))
    assert resumed == worked(run, file, "--epochs", last)


@pytest.mark.parametrize("ending", [".npz", ".yaml"])
def test_ctrl_c_saves_and_says_what_goes_on(run, spec, tmp_path, ending):
    file, state = spec(BASE + ADAM + MINI), tmp_path / f"s{ending}"
    options = ("--epochs", "1000000", "--save", str(state), "--checkpoint-every", "1")
    process = started(file, *options, "--format", "json")
    wait_until(state.exists, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=HUNG)
    assert process.returncode == 130
    found = json.loads(out)
    assert found["ended"] == "interrupted"
    epoch = int(re.search(r"^Interrupted after epoch (\d+): saved in ", err, re.M)[1])
    assert found["epochs"] == epoch
    assert "Traceback" not in err
    if ending == ".yaml":
        assert backtrace.load(state)
        return
    command = err.splitlines()[-1]
    assert command.startswith("Goes on: backtrace train ")
    assert command.endswith(f"--resume {state}")
    last = str(epoch + 5)
    resumed = worked(run, file, "--epochs", last, "--resume", str(state))
    assert resumed == worked(run, file, "--epochs", last)


def test_where_it_is_saved_is_said_also_where_nobody_reads_the_result(spec, tmp_path):
    state = tmp_path / "s.npz"
    process = started(
        spec(), "--epochs", "1000000", "--save", str(state), "--checkpoint-every", "9"
    )
    process.stdout.close()
    wait_until(state.exists, process)
    process.send_signal(signal.SIGINT)
    with process.stderr as said:
        assert re.search(r"^Interrupted after epoch \d+: saved in ", said.read(), re.M)
    process.wait()


def test_ctrl_c_without_a_file_prints_what_there_is(spec):
    process = started(spec(), "--epochs", "1000000", "--log", f"{spec()}.csv")
    wait_until(Path(f"{spec()}.csv").exists, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=HUNG)
    assert process.returncode == 130
    nothing = r"^Interrupted after epoch \d+: nothing is saved; --save FILE.npz saves it"
    assert re.search(nothing, err, re.M)
    assert "interrupted" in out.lower()


def test_a_second_ctrl_c_gives_the_epoch_at_hand_up(run, spec, tmp_path, monkeypatch):
    text = LINEAR + "learning_rate: 1/10\narithmetic: exact\n"
    file, state, whole = spec(text), tmp_path / "s.npz", Engine.epoch

    def pressing(engine):
        if engine.number == 2:
            signal.raise_signal(signal.SIGINT)  # noted: the epoch goes on
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("it is given up")
        return whole(engine)

    with monkeypatch.context() as patch, interrupts_as_before():
        patch.setattr(Engine, "epoch", pressing)
        done = run("train", file, "--epochs", "9", "--save", str(state), "--format", "json")
    assert done.code == 130
    assert done.err.splitlines()[-2] == f"Interrupted after epoch 2: saved in {state}"
    found = json.loads(done.out)
    assert (found["epochs"], len(found["losses"])) == (2, 3)
    resumed = json.loads(worked(run, file, "--epochs", "2", "--resume", str(state)))
    assert resumed | {"ended": "interrupted"} == found
