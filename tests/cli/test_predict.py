"""``backtrace predict``: samples, parameters, pictures, JSON, and what is refused."""

import json

import numpy as np
import pytest

import backtrace
from backtrace.tape.training import train
from tests.cli.running import ESCAPE, on_a_terminal, piped, run
from tests.networks.kinds import LAYERED

__all__ = ["run"]

FRACTIONS = """
layers: [{activation: linear, weights: 1/3, bias: 1/2}]
inputs: [[2], [5]]
targets: [[1], [2]]
loss: half_mse
arithmetic: exact
"""


@pytest.fixture
def weights(tmp_path):
    """XOR by hand: h1 = tanh(9(x1 + x2) − 4.5) is OR, h2 = tanh(9(x1 + x2) − 13.5) is AND."""
    path = tmp_path / "parameters.npz"
    np.savez(
        path,
        W1=np.full((2, 2), 9.0),
        b1=np.array([[-4.5, -13.5]]),
        W2=np.array([[5.0], [-5.0]]),
        b2=np.array([[-5.0]]),
    )
    return path


def samples(run, *arguments):
    done = run("predict", *arguments, "--format", "json")
    assert done.code == 0
    assert done.err == ""
    document = json.loads(done.out)
    assert document["schema"] == "backtrace/prediction/1"
    return document["samples"]


def test_the_first_sample_is_that_of_the_trace(run):
    (found,) = samples(run, "or-gate")
    trace = backtrace.trace(backtrace.load("or-gate"))
    assert found["outputs"] == [trace["a2"].value[0, 0]]
    assert (found["sample"], found["target"]) == (1, 0)


@pytest.mark.parametrize("name", ["or-gate", "digits", "mnist", "softmax", "mlp-math", "xor"])
def test_every_sample_of_the_trace_has_its_outputs(run, name):
    spec = backtrace.load(name)
    last = min(spec.samples, 5)
    trace = backtrace.trace(spec)
    values = trace[f"a{len(spec.layers)}"].value
    values = values if spec.conventions.layout == "rows" else values.T
    found = samples(run, name, "--sample", f"1..{last}")
    order = list(range(last))
    if spec.shuffle:
        return  # the trace has them in another order
    assert [each["sample"] for each in found] == [at + 1 for at in order]
    for each, row in zip(found, values[:last], strict=True):
        assert each["outputs"] == pytest.approx(row.tolist(), rel=1e-12)


def test_parameters_of_a_file_take_the_place_of_the_spec_s(run, weights):
    found = samples(run, "xor", "--parameters", str(weights), "--sample", "1..4")
    assert [each["class"] for each in found] == [0, 1, 1, 0]
    assert [each["target"] for each in found] == [0, 1, 1, 0]
    # of (0, 1): tanh(4.5) and tanh(−4.5), so z2 = 10·tanh(4.5) − 5
    expected = 1 / (1 + np.exp(-(10 * np.tanh(4.5) - 5)))
    assert found[1]["outputs"] == pytest.approx([expected], rel=1e-12)


def test_held_out_samples_have_their_own_numbers(run):
    spec = backtrace.load("digits")
    (found,) = samples(run, "digits", "--held-out", "--sample", "2")
    assert found["target"] == int(np.argmax(spec.validation.targets.values[1]))


def test_some_samples_are_taken_in_the_order_they_are_named(run):
    found = samples(run, "xor", "--sample", "4, 1..2")
    assert [each["sample"] for each in found] == [4, 1, 2]
    assert [each["target"] for each in found] == [0, 0, 1]
    done = run("predict", "xor", "--sample", "1,5,2")
    assert done.err.strip() == "--sample 5: there are 4 samples [E505]"


def test_a_held_out_sample_is_called_so(run):
    held = run("predict", "digits", "--held-out", "--sample", "2").out
    assert "── Held-out sample 2 ─" in held
    assert "── Sample 2 ─" in run("predict", "digits", "--sample", "2").out


@pytest.mark.parametrize(("options", "said"), [([], "5"), (["--patience", "5"], "3 of 5")])
def test_the_epoch_of_a_saved_training_is_said(run, tmp_path, options, said):
    path, state = tmp_path / "s.yaml", str(tmp_path / "s.npz")
    path.write_text(
        # w goes from 0 to 1, then past it: the best epoch is the third
        "{layers: [{activation: linear, weights: 0, bias: none}], inputs: 1, targets: 1, "
        "loss: half_mse, schedule: [0.5, 0.5, 0.5, 3, 3], training: {epochs: 5}}"
    )
    assert run("train", str(path), "--save", state, *options).code == 0
    words = " ".join(run("predict", str(path), "--parameters", state).out.split())
    assert f"s.npz, after epoch {said} ──" in words


def test_fractions_stay_fractions(run, tmp_path):
    path = tmp_path / "third.yaml"
    path.write_text(FRACTIONS)
    (found,) = samples(run, str(path), "--sample", "2")
    assert found["outputs"] == ["13/6"]  # 5/3 + 1/2
    assert "13/6" in run("predict", str(path), "--sample", "2").out


def test_specs_of_every_kind_have_predictions(run):
    for name in LAYERED:
        assert run("predict", name).code == 0


def test_a_spec_without_loss_or_targets_will_do():
    spec = b"{layers: [{activation: step, weights: [[1], [1]], bias: -1.5}], inputs: [[1, 1]]}"
    done = piped("predict", "-", stdin=spec)
    assert (done.code, done.err) == (0, "")
    assert done.out.split()[-1] == "1"


def test_a_gradient_that_is_given_in_place_of_a_loss_will_do_too():
    layer = b"{activation: linear, weights: 2, bias: none}"
    spec = b"{layers: [" + layer + b"], inputs: 3, loss: {upstream: 1}}"
    done = piped("predict", "-", stdin=spec)
    assert (done.code, done.err) == (0, "")
    assert done.out.split()[-1] == "6"


# What is shown


def test_an_image_in_a_pipe_is_drawn_in_shades():
    out = piped("predict", "mnist", "--sample", "3").out
    assert ESCAPE not in out
    assert "▓" in out
    assert max(map(len, out.splitlines())) <= 80


def test_without_the_symbols_it_is_ascii():
    out = piped("predict", "mnist", PYTHONIOENCODING="ascii").out
    assert out.isascii()
    assert "#" in out


def test_a_terminal_gets_half_blocks_in_grey():
    out = on_a_terminal("predict", "mnist", COLORTERM="truecolor").out
    assert "▀" in out
    assert f"{ESCAPE}[38;2;" in out
    dull = on_a_terminal("predict", "mnist", NO_COLOR="1").out
    assert ESCAPE not in dull
    assert "▓" in dull


def test_a_terminal_of_256_colours_gets_them():
    out = on_a_terminal("predict", "mnist", COLORTERM="", TERM="xterm-256color").out
    assert f"{ESCAPE}[38;5;" in out


# What is refused


@pytest.mark.parametrize("sample", ["0", "x", "3..1", "1,", "1,,2", "1;2", "-1", "1...3", ""])
def test_a_sample_that_is_none_is_refused(run, sample):
    done = run("predict", "xor", f"--sample={sample}")
    assert (done.code, done.out) == (2, "")
    assert "--sample" in done.err


def test_a_sample_that_is_not_there_is_refused(run):
    done = run("predict", "xor", "--sample", "3..5")
    assert (done.code, done.out) == (2, "")
    assert done.err.strip() == "--sample 5: there are 4 samples [E505]"


def test_held_out_samples_that_are_not_there_are_refused(run):
    done = run("predict", "xor", "--held-out")
    assert (done.code, done.out) == (2, "")
    assert "validation" in done.err


def test_parameters_that_do_not_fit_are_refused(run, weights):
    done = run("predict", "mlp-math", "--parameters", str(weights))
    assert (done.code, done.out) == (2, "")
    assert "W1 of 2 × 2; expected 2 × 3" in done.err
    assert "parameters.npz" in done.err


def test_a_file_that_is_not_there_is_refused(run, tmp_path):
    done = run("predict", "xor", "--parameters", str(tmp_path / "none.npz"))
    assert (done.code, done.out) == (2, "")
    assert "no such file" in done.err


def test_json_has_no_width(run):
    done = run("predict", "xor", "--format", "json", "--width", "80")
    assert (done.code, done.out) == (2, "")


def test_what_training_keeps_is_what_is_predicted_with(run, tmp_path):
    import msgspec

    spec = msgspec.structs.replace(backtrace.load("xor"), epochs=300)
    kept = train(spec).state.parameters(spec)
    path = tmp_path / "kept.npz"
    np.savez(path, **kept)
    found = samples(run, "xor", "--parameters", str(path), "--sample", "1..4")
    assert [each["class"] for each in found] == [0, 1, 1, 0]
