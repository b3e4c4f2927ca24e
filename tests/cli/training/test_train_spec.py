"""``backtrace train --save FILE.yaml``: a spec that goes on from the trained numbers."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import backtrace
from backtrace.formats.trained_spec import Origin, trained_spec
from backtrace.tape.training import Measured, Record, State, starting_state
from tests.cli.running import piped, run
from tests.networks.kinds import EQUATIONS, LAYERED

__all__ = ["run"]

SMALL = [
    n for n in [*LAYERED, *EQUATIONS] if n != "mnist" and backtrace.load(n).optimizer is not None
]
LAST = """\
inputs: [[1, 2], [3, 4], [0.5, 1]]
targets: [[1], [2], [0]]
loss: mse
learning_rate: 0.01
"""
SPECS = {
    "on one line": (
        "layers: [{activation: tanh, weights: [[1, 0.5], [1, 0.5]], bias: [0, -0.5]}, "
        "{activation: linear, weights: [[1], [-1]], bias: 0}]\n" + LAST
    ),
    "rows on lines": (
        "layers:\n"
        "  - activation: tanh # how it bends\n"
        "    weights: # inputs x units\n"
        "      - [1, 0.5] # first\n"
        "      - [1, 0.5]\n"
        "      # below\n"
        "    bias:\n"
        "      - 0\n"
        "      - -0.5\n"
        "  - activation: linear\n"
        "    weights:\n"
        "    - - 1\n"
        "    - - -1\n"
        "    bias: [0] # the last\n" + LAST
    ),
    "brackets over lines": (
        "layers:\n"
        "- activation: tanh\n"
        "  weights: [\n"
        "    [1, 0.5], # a comment ] with a bracket\n"
        "    [1, 0.5],\n"
        "  ] # after\n"
        "  bias: [0,\n"
        "         -0.5]\n"
        "- {activation: linear, weights: [1, -1], bias: none}\n" + LAST
    ),
    "json": json.dumps(
        {
            "layers": [
                {"activation": "tanh", "weights": [[1, 0.5], [1, 0.5]], "bias": [0, -0.5]},
                {"activation": "linear", "weights": [[1], [-1]], "bias": "none"},
            ],
            "inputs": [[1, 2]],
            "targets": [[1]],
            "loss": "mse",
            "learning_rate": 0.1,
        },
        indent=1,
    ),
    "rules": (
        "layers:\n"
        "  - {units: 3, activation: tanh, weights: {init: xavier}, bias: {init: zeros}}\n"
        "  - units: 1\n"
        "    activation: linear\n"
        "    weights:\n"
        "      init: uniform\n"
        "      low: -0.5\n"
        "      high: 0.5\n"
        "    bias:\n"
        "      init: zeros\n"
        "seed: 4\n" + LAST
    ),
    "every bias": (
        "layers:\n"
        "  - {activation: tanh, weights: [[1, 2], [1, 2], [3, 4]], bias: {in_weights: first}}\n"
        "  - {activation: tanh, weights: [[1, 2], [1, 2]], bias: {shared: 0.35}}\n"
        "  - {activation: tanh, weights: [[1, 2], [1, 2]], bias: {threshold: [0.1, 0.2]}}\n"
        "  - {activation: tanh, weights: [[1, 2], [1, 2]], bias: {shared: [0.1]}}\n"
        "  - {activation: tanh, weights: [[1], [2], [3]], bias: {in_weights: last}}\n" + LAST
    ),
    "columns": (
        "conventions: {layout: columns}\n"
        "layers:\n"
        "  - {activation: tanh, weights: [[0.5, -1], [1.5, 1], [0, 2]], bias: [[0.1], [0], [-1]]}\n"
        "  - {activation: tanh, weights: [[1, -2, 1], [1, 0, 3]], bias: [0.5, 1]}\n"
        "  - {activation: sigmoid, weights: [1, -2], bias: 0}\n"
        "inputs: [[1, 0], [2, 1]]\ntargets: [[1, 0]]\nloss: half_sse\n"
        "optimizer: {name: adam, learning_rate: 0.1}\n"
    ),
    "a number": (
        "layers: [{activation: linear, weights: 1, bias: {threshold: 2}}]\n"
        "inputs: 2\ntargets: 3\nloss: mse\nlearning_rate: 0.1\n"
    ),
    "float32": (
        "arithmetic: float32\n"
        "layers: [{activation: tanh, weights: [[1, 0.1], [1e-7, 0.5]], bias: [0, -0.3]}, "
        "{activation: linear, weights: [[1], [-1]], bias: 0.1}]\n" + LAST
    ),
    "exact": (
        "arithmetic: exact\n"
        "layers: [{activation: linear, weights: [[1/3, 0], [1, 1/7]], bias: [0, 593]}, "
        "{activation: linear, weights: [[1], [0]], bias: 0}]\n" + LAST
    ),
    "rounded": (
        "arithmetic: {round_each_step: 3}\n"
        "layers: [{activation: linear, weights: [[1/3, 0], [1, 1/7]], bias: [0, 1]}]\n"
        "inputs: [[1, 2]]\ntargets: [[1, 2]]\nloss: mse\nlearning_rate: 0.01\n"
    ),
    "old line ends": (
        "layers:\r\n  - {activation: linear, weights: [[1], [2]], bias: 0} # one\r\n"
        + LAST.replace("\n", "\r\n")
    ),
    "ends": (
        "---\n# above\nlayers:\n  - {activation: linear, weights: [[1], [2]], bias: 0}\n"
        + LAST
        + "source: |\n  two\n  lines\n...\n"
    ),
}


def parameters(spec):
    return starting_state(msgspec.structs.replace(spec, optimizer=None)).values


def same_but_the_parameters(first, second):
    """Whether all else that the two say is the same; matrices by their numbers and texts."""
    for name in set(first.__struct_fields__) - {"expected"}:  # of the numbers it began with
        one, two = getattr(first, name), getattr(second, name)
        if name == "layers":
            one, two = (
                [(x.inputs, x.units, x.activation, x.bias.kind) for x in y] for y in (one, two)
            )
        if name == "equations":
            one, two = (y and known_of_equations(y) for y in (one, two))
        if name in ("inputs", "targets") and one is not None:
            assert np.array_equal(one.values, two.values)
            assert one.written == two.written
        elif name == "validation":
            assert (one is None) == (two is None)
            assert one is None or np.array_equal(one.inputs.values, two.inputs.values)
        else:
            assert one == two, name


def known_of_equations(equations):
    """All but the numbers of the parameters; the lines without where they stand."""
    found = {name: getattr(equations, name) for name in equations.__struct_fields__}
    found["lines"] = [(line.id, line.text) for line in equations.lines]
    found["given"] = {
        name: matrix.shape if name in equations.parameters else matrix.values.tolist()
        for name, matrix in equations.given.items()
    }
    return found


def check_goes_on(run, source, saved, *options, epochs=2):
    """Whether the saved spec begins where ``epochs`` epochs of the source end."""
    save = ("--save", str(saved), "--format", "json")
    done = run("train", source, "--epochs", str(epochs), *options, *save)
    assert (done.code, done.err) == (0, "")
    trained = json.loads(done.out)["parameters"]
    spec = backtrace.load(saved)
    for id, value in parameters(spec).items():
        if value.dtype == object:
            assert [[str(entry) for entry in row] for row in value.tolist()] == trained[id]
        else:
            assert value.tolist() == trained[id], id
    return spec


@pytest.mark.parametrize("name", SPECS)
def test_a_saved_spec_begins_with_the_trained_numbers(run, tmp_path, name):
    text = SPECS[name] if name == "ends" else f"title: {name}\n" + SPECS[name]
    if name == "json":
        text = SPECS[name].replace("{", '{"title": "json", ', 1)
    source, saved = tmp_path / "source.yaml", tmp_path / "saved.yaml"
    source.write_text(text, encoding="utf-8", newline="")
    epochs = 1 if name == "exact" else 2  # its fractions soon have too many digits for a spec
    spec = check_goes_on(run, str(source), saved, epochs=epochs)
    expected = backtrace.load(source)
    if name == "ends":
        expected = msgspec.structs.replace(expected, title="saved")
    same_but_the_parameters(spec, expected)
    # and once more, from there; what was said above is said anew, not twice
    if name == "exact":
        return
    again = tmp_path / "again.yaml"
    check_goes_on(run, str(saved), again)
    assert again.read_text().count("# Made by backtrace") == 1


@pytest.mark.parametrize("name", SMALL)
def test_every_bundled_network_goes_on(run, tmp_path, name):
    saved = tmp_path / "saved.yaml"
    same_but_the_parameters(check_goes_on(run, name, saved), backtrace.load(name))


def test_it_is_a_text_for_people(run, tmp_path):
    source, saved = tmp_path / "s.yaml", tmp_path / "t.yaml"
    text = SPECS["rows on lines"].replace("mse", "mse\ntitle: 'Δ: two'")
    source.write_text(text, encoding="utf-8")
    check_goes_on(run, str(source), saved, "--learning-rate", "1")
    lines = saved.read_text(encoding="utf-8").splitlines()
    assert "- activation: tanh" in lines
    assert "inputs: [[1, 2], [3, 4], [0.5, 1]]" in lines
    assert "title: 'Δ: two'" in lines
    assert "learning_rate: 1" in lines
    assert max(map(len, lines)) <= 100


def test_going_on_is_as_if_there_had_been_no_end_where_the_optimizer_has_no_state(run, tmp_path):
    saved = tmp_path / "t.yaml"
    whole = json.loads(run("train", "or-gate", "--epochs", "9", "--format", "json").out)
    check_goes_on(run, "or-gate", saved, epochs=4)
    rest = json.loads(run("train", str(saved), "--epochs", "5", "--format", "json").out)
    assert rest["losses"] == whole["losses"][4:]
    assert rest["parameters"] == whole["parameters"]


def test_published_values_are_not_those_of_the_trained_numbers(run, tmp_path):
    saved = tmp_path / "t.yaml"
    assert backtrace.load("small-mlp").expected
    assert not check_goes_on(run, "small-mlp", saved).expected
    assert "expect" not in saved.read_text()


@pytest.mark.parametrize("name", ["on one line", "rules", "json"])
def test_what_options_said_the_spec_says(run, tmp_path, name):
    source, saved = tmp_path / "s.yaml", tmp_path / "t.yaml"
    text = SPECS[name]
    if name == "json":
        three = {"inputs": [[1, 2], [3, 4], [0.5, 1]], "targets": [[1], [2], [0]]}
        text = json.dumps(json.loads(text) | three)
    source.write_text(text, encoding="utf-8")
    options = ("--batch-size", "1", "--shuffle", "--hold-out", "3", "--seed", "9")
    spec = check_goes_on(run, str(source), saved, *options, "--learning-rate", "1/8")
    assert (spec.batch_size, spec.shuffle, spec.seed) == (1, True, 9)
    assert spec.validation.inputs.values.tolist() == [[0.5, 1]]
    assert spec.optimizer.learning_rate.text == "1/8"


def test_a_rate_goes_into_the_optimizer_that_has_one(run, tmp_path):
    source, saved = tmp_path / "s.yaml", tmp_path / "t.yaml"
    source.write_text(SPECS["columns"], encoding="utf-8")
    spec = check_goes_on(run, str(source), saved, "--learning-rate", "0.125")
    assert float(spec.optimizer.learning_rate) == 0.125
    assert "optimizer: {name: adam, learning_rate: 0.125}" in saved.read_text()


def test_data_files_are_found_from_where_the_spec_lies(run, tmp_path, monkeypatch):
    here, data, there = tmp_path / "here", tmp_path / "here" / "my data", tmp_path / "there"
    for folder in (data, there):
        folder.mkdir(parents=True)
    np.save(data / "x.npy", np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.save(data / "y.npy", np.array([[1.0], [2.0]]))
    text = (
        "title: files\nlayers: [{activation: linear, weights: [[1], [2]], bias: 0}]\n"
        "inputs: {file: my data/x.npy, scale: 1/2} # here\n"
        "targets: {file: './my data/y.npy'}\n"
        "validation: {inputs: {file: my data/x.npy}, targets: {file: my data/y.npy}}\n"
        "loss: mse\nlearning_rate: 0.01\n"
    )
    (here / "s.yaml").write_text(text, encoding="utf-8")
    expected = backtrace.load(here / "s.yaml")
    monkeypatch.chdir(tmp_path)
    for target in ("here/t.yaml", "there/t.yaml", "t.yaml"):
        same_but_the_parameters(check_goes_on(run, "here/s.yaml", Path(target)), expected)
    assert "inputs: {file: my data/x.npy, scale: 1/2}" in Path("here/t.yaml").read_text()
    assert "inputs: {file: here/my data/x.npy, scale: 1/2}" in Path("t.yaml").read_text()
    # --data looks elsewhere, once; the saved spec finds its files by itself
    (here / "s.yaml").write_text(text.replace("my data/", "gone/"), encoding="utf-8")
    options = ("--data", str(data))
    same_but_the_parameters(check_goes_on(run, "here/s.yaml", there / "u.yaml", *options), expected)


def test_data_of_equations_are_found_from_where_the_spec_lies(run, tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    np.save(here / "x.npy", np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.savez(here / "w.npz", W=np.array([[1.0], [0.5]]))
    text = (
        "title: files\ngiven:\n  X: {file: x.npy}\n  W: {file: w.npz, array: W}\n  y: 1\n"
        "equations: [L = sum((X @ W - y)^2)]\nloss: L\nparameters: [W]\nlearning_rate: 0.01\n"
    )
    (here / "s.yaml").write_text(text, encoding="utf-8")
    expected = backtrace.load(here / "s.yaml")
    monkeypatch.chdir(tmp_path)
    for target in ("here/t.yaml", "there/t.yaml", "t.yaml"):
        same_but_the_parameters(check_goes_on(run, "here/s.yaml", Path(target)), expected)
    assert "X: {file: x.npy}" in Path("here/t.yaml").read_text()
    assert "X: {file: here/x.npy}" in Path("t.yaml").read_text()
    assert "w.npz" not in Path("t.yaml").read_text()


def test_a_spec_of_the_standard_input_is_saved_too(tmp_path):
    saved = tmp_path / "t.yaml"
    done = piped("train", "-", "--save", str(saved), stdin=SPECS["on one line"].encode())
    assert (done.code, done.err) == (0, "")
    assert parameters(backtrace.load(saved))["W1"].shape == (2, 2)


def test_only_small_networks_are_texts(run, tmp_path):
    saved = tmp_path / "t.yaml"
    done = run("train", "mnist", "--save", str(saved))
    assert (done.code, done.out) == (2, "")
    assert "7960 weights and biases, and a spec is for at most 2000; save them as .npz" in done.err
    assert not saved.exists()


def test_fractions_that_no_spec_can_hold_are_said_and_the_result_stands(run, tmp_path):
    source, saved = tmp_path / "s.yaml", tmp_path / "t.yaml"
    source.write_text(SPECS["exact"], encoding="utf-8")
    done = run("train", str(source), "--epochs", "4", "--save", str(saved), "--format", "json")
    assert done.code == 2
    assert "t.yaml: not written: W1[1,1] has" in done.err
    assert json.loads(done.out)["epochs"] == 4
    assert not saved.exists()


floats = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(floats, min_size=9, max_size=9), st.sampled_from(["float64", "float32"]))
def test_every_number_reads_back_as_it_was(numbers, kind):
    text = (
        f"arithmetic: {kind}\nlayers:\n"
        "  - {activation: tanh, weights: [[1, 2], [3, 4]], bias: [1, 2]}\n"
        "  - {activation: tanh, weights: [[1], [2]], bias: 1}\n"
        "inputs: [[1, 2]]\n"
    )
    spec = backtrace.loads(text)
    with np.errstate(over="ignore"):
        typed = np.array(numbers, dtype=kind)
    typed = np.where(np.isfinite(typed), typed, 0)
    split = np.split(typed, [4, 6, 8])
    shapes = {"W1": (2, 2), "b1": (1, 2), "W2": (2, 1), "b2": (1, 1)}
    values = {id: part.reshape(shapes[id]) for id, part in zip(shapes, split, strict=True)}
    state, record = State(3, values), Record(3, Measured(0.25))
    origin = Origin(text.encode(), lambda path: path)
    found = parameters(backtrace.loads(trained_spec(spec, state, record, origin)))
    for id, value in values.items():
        assert found[id].dtype == value.dtype
        assert found[id].tobytes() == value.tobytes()
