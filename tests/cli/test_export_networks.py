"""``backtrace export`` of the network itself: a program, and weights that a spec reads again."""

import numpy as np
import pytest

import backtrace
from backtrace.formats import registry, weights
from tests.cli.running import piped, run

__all__ = ["run"]


def test_the_table_names_what_exists():
    for name, row in registry.NETWORK_FORMATS.items():
        module, _, function = row.renderer.partition(":")
        imported = __import__(f"backtrace.formats.{module}", fromlist=[function])
        assert callable(getattr(imported, function))
        assert registry.ENDINGS[row.ending] == name


def test_help_names_every_format(run):
    told = run("export", "--help").out
    assert all(name in told for name in registry.NETWORK_FORMATS)


def test_a_program_goes_to_standard_output(run):
    done = run("export", "or-gate", "--to", "torch", "-o", "-")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("# Made by backtrace. ")
    assert piped("export", "or-gate", "--to", "torch", "-o", "-").out == done.out


def test_large_numbers_lie_beside_the_program(run, tmp_path):
    file = tmp_path / "net.py"
    done = run("export", "mnist", "-o", str(file))
    assert (done.code, done.out) == (0, "")
    beside = tmp_path / "net.npz"
    assert done.err == f"{beside}: the data and parameters that {file} reads\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.npz", "net.py"]
    spec, trace = backtrace.load("mnist"), backtrace.trace(backtrace.load("mnist"))
    with np.load(beside) as found:
        np.testing.assert_array_equal(found["x"], trace["a0"].value.T)  # a sample a row
        np.testing.assert_array_equal(found["W1"], spec.layers[0].weights.values)
        np.testing.assert_array_equal(found["dW1"], trace["dW1"].value)
    assert run("export", "mnist", "-o", str(file)).code == 0  # both are ours


@pytest.mark.parametrize("which", ["net.py", "net.npz"])
def test_somebody_elses_file_is_left_alone_without_force(run, tmp_path, which):
    file, theirs = tmp_path / "net.py", tmp_path / which
    theirs.write_bytes(b"mine")
    done = run("export", "mnist", "-o", str(file))
    assert done.code == 2
    assert f"{theirs}: " in done.err
    assert "--force replaces it" in done.err
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(which, b"mine")]
    assert run("export", "mnist", "-o", str(file), "--force").code == 0


def test_a_file_that_is_not_needed_is_not_looked_at(run, tmp_path):
    (tmp_path / "net.npz").write_bytes(b"mine")
    assert run("export", "or-gate", "-o", str(tmp_path / "net.py")).code == 0
    assert (tmp_path / "net.npz").read_bytes() == b"mine"


def test_a_program_that_somebody_changed_is_theirs(run, tmp_path):
    file = tmp_path / "net.py"
    assert run("export", "or-gate", "-o", str(file)).code == 0
    assert run("export", "xor", "-o", str(file)).code == 0  # unchanged: replaced
    changed = file.read_text(encoding="utf-8").replace("lr=1", "lr=0.1")
    file.write_text(changed, encoding="utf-8")
    done = run("export", "xor", "-o", str(file))
    assert (done.code, done.err) == (
        2, f"{file}: changed since backtrace made it; --force replaces it [E509]\n"
    )  # fmt: skip
    assert file.read_text(encoding="utf-8") == changed
    assert run("export", "xor", "-o", str(file), "--force").code == 0
    assert "lr=1)" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["mnist", "--to", "torch", "-o", "-"], "numbers are too many to stand in a program"),
        (["xor", "--to", "torch", "-o", "a.npz"], "a.npz: the name of the file that may stand"),
        (["xor", "-o", "a.py", "--detail", "entries"], "--detail: of no use with --to torch"),
        (["xor", "-o", "a.py", "--only", "W1"], "--only: of no use with --to torch"),
        (["xor", "-o", "a.py", "--sample", "1"], "--sample: of no use with --to torch"),
        (["xor", "-o", "a.npz", "--epochs", "2"], "--epochs: of no use with --to npz"),
        (["mlp-math", "-o", "a.py", "--epochs", "2"], "no learning_rate and no optimizer"),
        (["xor", "-o", "nowhere/a.py"], "nowhere/a.py: there is no folder nowhere"),
        (["no-such-network", "-o", "a.py"], "no-such-network"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_written(
    run, tmp_path, monkeypatch, arguments, told
):
    monkeypatch.chdir(tmp_path)
    done = run("export", *arguments)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_saved_trace_is_no_network(run, tmp_path):
    saved = tmp_path / "saved.json"
    run("export", "xor", "-o", str(saved))
    for name, row in registry.NETWORK_FORMATS.items():
        done = run("export", str(saved), "-o", str(tmp_path / f"a{row.ending}"))
        assert done.code == 2
        assert f"--to {name}: {saved} is a saved trace" in done.err


def test_epochs_are_those_of_the_command_line(run):
    told = run("export", "xor", "--to", "torch", "-o", "-", "--epochs", "7").out
    assert "EPOCHS = 7\n" in told


def test_exact_arithmetic_that_leaves_the_fractions_has_a_program(run, tmp_path):
    text = run("show", "or-gate").out + "arithmetic: exact\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    done = run("export", str(tmp_path / "a.yaml"), "--to", "torch", "-o", "-")
    assert (done.code, done.err) == (0, "")
    assert "float64" in done.out


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_weights_go_and_come_back(run, tmp_path, ending, layout):
    if ending == ".safetensors":
        pytest.importorskip("safetensors")
    spec = """
layers:
  - {{units: 3, activation: tanh, weights: {}, bias: {}}}
  - {{units: 2, activation: linear, weights: {}, bias: {}}}
inputs: [[1, 2], [3, 4]]
seed: 4
conventions: {{layout: {}}}
"""
    rule, file = "{init: xavier}", f"{{file: weights{ending}}}"
    bias = "{init: uniform, low: -1, high: 1}"
    (tmp_path / "rule.yaml").write_text(spec.format(rule, bias, rule, bias, layout))
    (tmp_path / "file.yaml").write_text(spec.format(file, file, file, file, layout))
    done = run("export", str(tmp_path / "rule.yaml"), "-o", str(tmp_path / f"weights{ending}"))
    assert (done.code, done.out, done.err) == (0, "", "")
    drawn, read = (
        weights.starting_parameters(backtrace.load(tmp_path / f"{name}.yaml"))
        for name in ("rule", "file")
    )
    assert list(drawn) == list(read) == ["W1", "b1", "W2", "b2"]
    for id, value in drawn.items():
        np.testing.assert_array_equal(read[id], value)


def test_without_safetensors_it_is_said_what_to_install(run, tmp_path, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(weights, "import_module", missing)
    done = run("export", "xor", "-o", str(tmp_path / "a.safetensors"))
    assert done.code == 2
    assert "pip install 'backtrace-nn[safetensors]'" in done.err
    assert list(tmp_path.iterdir()) == []
