"""The spec to begin from: asked for or told, traced at once, never over another file."""

import itertools

import numpy as np
import pytest
import yaml

import backtrace
from backtrace.course.blueprint import Blueprint
from backtrace.course.starter import UNITS, starter
from backtrace.functions.losses import LOSSES
from tests.cli.running import run  # noqa: F401

SHAPES = [((3,), 1), ((), 2), ((2, 3), 3)]
WAYS = list(itertools.product(("rows", "columns"), SHAPES, (1, 2), ("0.1", "none"), (False, True)))
# Each activation with each loss, in all the other ways by turns.
NETWORKS = [
    (activation, loss, *WAYS[(7 * at) % len(WAYS)])
    for at, (activation, loss) in enumerate(itertools.product(UNITS, LOSSES))
]


@pytest.fixture
def few_drafts(monkeypatch):
    for name, number in (("DRAWN", 1), ("CHANGED", 0), ("LOOKED_INTO", 1)):
        monkeypatch.setattr(f"backtrace.course.exercises.{name}", number)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_whatever_is_chosen_is_a_spec_that_traces(network, few_drafts):
    activation, loss, layout, (hidden, outputs), samples, rate, equations = network
    if LOSSES[loss].shortcut == "softmax":
        outputs = max(outputs, 2)  # a single one is refused
    shape = Blueprint(
        hidden=hidden,
        outputs=outputs,
        samples=samples,
        activation=activation,
        loss=loss,
        layout=layout,
        rate=rate,
    )
    spec = backtrace.loads(starter(shape, equations=equations))
    assert (spec.equations is not None) == equations
    assert spec.conventions.layout == layout
    steps = {step.id: step for step in backtrace.trace(spec)}
    assert all(np.isfinite(step.value).all() for step in steps.values())
    assert {"dW1", "db1"} <= set(steps)
    assert ("loss_after" in steps) == (rate != "none")
    axis = layout == "columns"
    assert steps["X" if equations else "a0"].shape[axis] == samples


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy", "kl"])
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_outputs_may_be_told(loss, output, few_drafts):
    shape = Blueprint(hidden=(2,), outputs=2, loss=loss, output=output)
    assert backtrace.loads(starter(shape, equations=False)).layers[-1].activation.name == output


def test_both_forms_say_the_same(few_drafts):
    """Their numbers are drawn from other seeds of fields; put into one another they agree."""
    shape = Blueprint(hidden=(3,), samples=2, loss="mse", activation="tanh")
    board = yaml.safe_load(starter(shape, equations=True))
    network = yaml.safe_load(starter(shape, equations=False))
    given = board["given"]
    for number, layer in enumerate(network["layers"], 1):
        layer |= {"weights": given[f"W{number}"], "bias": given[f"b{number}"]}
    network |= {"inputs": given["X"], "targets": given["Y"]}
    one = backtrace.trace(backtrace.loads(yaml.safe_dump(network)))
    other = backtrace.trace(backtrace.loads(yaml.safe_dump(board)))
    for id, name in (("loss", "L"), ("dW1", "dW1"), ("W2_new", "W2_new"), ("delta1", "dZ1")):
        np.testing.assert_allclose(np.squeeze(one[id].value), np.squeeze(other[name].value))


def test_options_write_a_commented_file_once(run, tmp_path):  # noqa: F811
    file = tmp_path / "my.yaml"
    told = ("--inputs", "2", "--layers", "3,1", "--activation", "relu", "--loss", "mse")
    done = run("init", *told, "--layout", "rows", "-o", str(file))
    assert done.code == 0, done.err
    assert f"backtrace trace {file}" in done.out
    written = file.read_text(encoding="utf-8")
    assert max(map(len, written.splitlines())) <= 80
    for key in ("layers:", "inputs:", "targets:", "loss:", "learning_rate:", "conventions:"):
        above = written.splitlines()[written.splitlines().index(_line(written, key)) - 1]
        assert above.startswith("#")
    assert run("trace", str(file)).code == 0
    again = run("init", *told, "-o", str(file))
    assert again.code == 2
    assert "is there already" in again.err
    assert file.read_text(encoding="utf-8") == written


def _line(text, start):
    return next(line for line in text.splitlines() if line.startswith(start))


def test_questions_are_answered_over_a_pipe(run, tmp_path, monkeypatch):  # noqa: F811
    typed = iter(["3", "0", "2, 1", "sigmoidd", "sigmoid", "kl", "binary_cross_entropy"])
    monkeypatch.setattr("builtins.input", lambda: _next(typed))
    file = tmp_path / "asked.yaml"
    done = run("init", "-o", str(file))
    assert done.code == 0, done.err
    assert "did you mean sigmoid?" in done.err
    assert "expected a number from 1 to 12" in done.err
    assert "a single softmax unit" in done.err
    spec = backtrace.load(file)
    assert [layer.activation.name for layer in spec.layers] == ["sigmoid", "sigmoid"]
    assert spec.layers[0].inputs == 3
    assert spec.optimizer is not None


def _next(typed):
    line = next(typed, None)
    if line is None:
        raise EOFError
    return line


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (("--inputs", "0"), "--inputs 0: expected a number from 1 to 12"),
        (("--layers", "3,x"), "--layers 3,x"),
        (("--activation", "step"), "--activation step: there are"),
        (("--activation", "Swish"), "did you mean silu?"),
        (("--loss", "crossentropy"), "did you mean cross_entropy?"),
        (("--layout", "row"), "did you mean rows?"),
        (("--learning-rate", "-1"), "--learning-rate -1: expected a number above 0, or none"),
        (("--loss", "cross_entropy", "--layers", "1"), "a single softmax unit is always 1"),
        (("--loss", "kl", "--output-activation", "tanh"), "outputs from 0 to 1"),
    ],
)
def test_what_can_not_be_is_refused(run, tmp_path, told, expected):  # noqa: F811
    file = tmp_path / "no.yaml"
    done = run("init", *told, "-o", str(file))
    assert done.code == 2
    assert expected in done.err
    assert not file.exists()


def test_a_spec_to_standard_output_is_nothing_but_that(run):  # noqa: F811
    done = run("init", "--equations", "-o", "-")
    assert done.code == 0
    backtrace.loads(done.out)
