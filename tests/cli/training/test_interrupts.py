"""Ctrl-C, once and held down: what has been trained is saved, printed and said."""

import json
import os
import re
import shlex
import signal
import subprocess
from contextlib import suppress
from itertools import count, product
from pathlib import Path

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.cli.training import interrupts as module
from backtrace.cli.training.interrupts import Interrupts
from backtrace.tape.training import loop, train
from tests.cli.running import HUNG, piped, run, started, wait_until
from tests.sampling import some

__all__ = ["run"]

ROOT = Path(__file__).parents[3]
SMALL = """\
layers: [{activation: tanh, weights: [[0.5, -1], [1.5, 1]], bias: [[0.1, 0]]},
         {activation: sigmoid, weights: [[1], [-2]], bias: 0.1}]
inputs: [[0, 0], [0, 1], [1, 0], [1, 1]]
targets: [[0], [1], [1], [1]]
loss: binary_cross_entropy
learning_rate: 0.01
"""
LINEAR = re.sub("tanh|sigmoid", "linear", SMALL).replace("binary_cross_entropy", "mse")
SLOW_EPOCH = "Ctrl-C: finishing this epoch; press it again to stop at once"
XOR = msgspec.structs.replace(backtrace.load("xor"), epochs=20)


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def heeded():
    """Ctrl-C counts, also where the tests run in the background; afterwards all is as before."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def interrupts():
    with Interrupts() as entered:
        yield entered


def pressed(times=2):
    """Ctrl-C at this very place, so many times."""
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)  # its handler has run when this returns


def held_down(process, log, presses, gap=0.0):
    """What the process prints and says when Ctrl-C comes so often, after its first epochs."""
    wait_until(log.exists, process)
    for _ in presses:
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(gap)
    out, err = process.communicate(timeout=HUNG)
    return process.returncode, out, err


@pytest.mark.parametrize("name", ["small", "digits"])
@pytest.mark.parametrize(
    ("presses", "gap"), some([*product([range(2), range(6), count()], [0.001, 0.02])]), ids=str
)
def test_a_burst_of_ctrl_c_saves_and_says_so(spec, tmp_path, name, presses, gap):
    state, log = tmp_path / "s.npz", tmp_path / "l.csv"
    options = ("--epochs", "1000000", "--format", "json", "--log", str(log), "--save", str(state))
    process = started(spec if name == "small" else name, *options)
    code, out, err = held_down(process, log, presses, gap)
    assert code == 130, err
    found = json.loads(out)
    assert found["ended"] == "interrupted"
    said = err.splitlines()
    assert said[-2] == f"Interrupted after epoch {found['epochs']}: saved in {state}"
    assert said[-1].startswith("Goes on: ")
    assert said[:-2] in ([], [SLOW_EPOCH])  # on a machine so busy that an epoch takes a second
    with np.load(state) as arrays:
        assert json.loads(arrays["backtrace"].tobytes())["epoch"] == found["epochs"]
        assert arrays["W1"].tolist() == found["parameters"]["W1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["l.csv", "s.npz", "spec.yaml"]


def interrupted_training(spec, interrupts, tell=lambda record, progress: None):
    """The training as the command has it."""

    def watch(record, progress):
        tell(record, progress)
        return interrupts.asked

    return train(spec, None, watch, interrupts.epoch)


@pytest.mark.parametrize("place", ["Engine", "climbing"])
def test_ctrl_c_before_the_first_and_behind_the_last_epoch_loses_nothing(
    monkeypatch, interrupts, place
):
    whole, genuine = train(XOR), getattr(loop, place)

    def slow(*arguments):
        pressed(3)
        return genuine(*arguments)

    monkeypatch.setattr(loop, place, slow)
    done = interrupted_training(XOR, interrupts)
    assert not interrupts.given_up
    epochs = 20 if place == "climbing" else 0
    assert done.ended == ("epochs" if epochs else "interrupted")  # it had ended already
    assert done.records == whole.records[: epochs + 1]
    assert done.state.epoch == epochs
    for id, value in done.state.values.items():
        expected = whole if epochs else train(msgspec.structs.replace(XOR, epochs=0))
        assert np.array_equal(value, expected.state.values[id])


def test_ctrl_c_does_not_lose_what_was_finite_last(monkeypatch, interrupts):
    spec = backtrace.loads(LINEAR.replace("rate: 0.01", "rate: 1e100") + "epochs: 20\n")
    whole, genuine = train(spec), loop.first_not_finite
    assert whole.ended == "diverged"

    def slow(*arguments):
        pressed(3)
        return genuine(*arguments)

    monkeypatch.setattr(loop, "first_not_finite", slow)
    done = interrupted_training(spec, interrupts)
    assert (done.ended, done.state.epoch) == ("diverged", whole.state.epoch)
    assert done.divergence == whole.divergence
    assert np.isfinite(done.state.values["W1"]).all()


def test_who_is_told_of_an_epoch_is_not_interrupted(interrupts):
    finished = []

    def saving(record, progress):
        pressed(4)
        finished.append(record.epoch)

    done = interrupted_training(XOR, interrupts, saving)
    assert not interrupts.given_up
    assert (done.ended, finished) == ("interrupted", [0])
    pressed()  # nor what comes after it


def test_an_epoch_is_given_up_by_the_second_only(interrupts):
    with interrupts.epoch:
        pressed(1)
        with pytest.raises(KeyboardInterrupt):
            pressed(1)
        pressed(5)
    assert interrupts.asked


def test_without_ctrl_c_it_is_as_it_was_before():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize(("seconds", "said"), [(0.9, ""), (1.1, f"{SLOW_EPOCH}\n")])
def test_who_waits_for_a_slow_epoch_is_told_why(interrupts, monkeypatch, capsys, seconds, said):
    with interrupts.epoch:
        pass
    monkeypatch.setattr(module, "monotonic", lambda: interrupts.epoch.last + seconds)
    pressed(1)
    assert capsys.readouterr().err == said


def test_ctrl_c_while_modules_are_loaded_is_quiet(tmp_path):
    press = "import signal\nsignal.raise_signal(signal.SIGINT)\nraise AssertionError\n"
    (tmp_path / "numpy.py").write_text(press)
    done = piped("train", "xor", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert (done.code, done.out, done.err) == (130, "", "")


# What goes on


def test_the_command_that_is_said_works(run, spec, tmp_path):
    state, log, traced = tmp_path / "a b.npz", tmp_path / "l.csv", tmp_path / "{epoch}.md"
    options = ("--epochs", "1000000", "--log", str(log), "--save", str(state), "--batch-size", "3")
    traces = ("--trace-epoch", "1,1000000", "--trace-to", str(traced))
    _, out, err = held_down(started(spec, *options, *traces), log, range(1))
    assert "Interrupted after" in out
    command = shlex.split(re.search("^Goes on: backtrace (.*)$", err, re.MULTILINE)[1])
    assert command[:-2] == ["train", spec, *options, *traces]
    before = log.read_bytes()
    done = run(*command, "--stop-at-loss", "100")
    assert re.search("--trace-epoch (1,)?1000000: not written", done.err)
    assert "Nothing left to do." in done.out
    # all rows, and that of where it stands
    assert log.read_bytes().startswith(before[: before.rindex(b"\n", 0, -1)])


@pytest.mark.parametrize("ending", [".safetensors", ".yaml"])
def test_what_lacks_the_optimizer_s_state_says_so(spec, tmp_path, ending):
    if ending == ".safetensors":
        pytest.importorskip("safetensors")
    state, log = tmp_path / f"s{ending}", tmp_path / "l.csv"
    options = ("--epochs", "1000000", "--log", str(log), "--save", str(state))
    _, _, err = held_down(started(spec, *options), log, range(1))
    assert err.endswith(f"saved in {state}, without the optimizer's state (a .npz has it)\n")
