"""Equations through the training loop, against the trace and against arithmetic."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

import backtrace
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec.model import Arithmetic, Clip, Number, Optimizer, Schedule
from backtrace.tape.arithmetic import as_floats
from backtrace.tape.run import trace
from backtrace.tape.training import Engine, check_trainable, starting_state, traced_epoch, train
from backtrace.tape.writer import TapeError
from tests.networks.kinds import EQUATIONS
from tests.tape.boards import board

RATE = Number(0.1, "0.1")
FORMS = [(name, form) for name, row in OPTIMIZERS.items() for form in row.forms or (None,)]
WITH_A_LOSS = [name for name in EQUATIONS if backtrace.load(name).equations.objective]
ARITHMETICS = [
    Arithmetic("float64"),
    Arithmetic("float32"),
    Arithmetic("exact"),
    Arithmetic("rounded", 3),
]


@pytest.fixture(autouse=True)
def nothing_cleared(monkeypatch):
    """Sums that cancel are cleared by the trace alone."""
    monkeypatch.setattr("backtrace.tape.run.cleared", lambda value, terms: value)


def learning(spec, optimizer=None):
    """The board with a rate, and all parameters that have a gradient where it names none."""
    optimizer = optimizer or spec.optimizer or Optimizer("sgd", RATE)
    if not spec.equations.parameters:
        reached = {step.of for step in trace(spec) if step.role == "gradient"}
        chosen = tuple(name for name in spec.equations.given if name in reached)
        spec = replace(spec, equations=replace(spec.equations, parameters=chosen))
    return replace(spec, optimizer=optimizer)


def assert_trained_as_traced(spec):
    worked = Engine(spec, starting_state(spec))
    with np.errstate(all="ignore"):
        losses = [worked.epoch().loss for _ in range(spec.epochs)]
    worked.keep()
    traced = trace(spec)
    last = traced.update(*traced.updates[-1])
    for id, value in worked.kept().values.items():
        expected = last[f"{id}_new" if f"{id}_new" in last else id].value
        assert as_floats(value).tobytes() == as_floats(expected).tobytes(), id
    loss = spec.equations.objective
    expected = [as_floats(traced[f"{loss}@{n}"].value).item() for n in range(1, spec.epochs + 1)]
    assert np.array_equal(losses, expected, equal_nan=True)


@pytest.mark.parametrize("kind", ARITHMETICS, ids=lambda each: each.kind)
@pytest.mark.parametrize("name", WITH_A_LOSS)
def test_every_bundled_board_is_trained_as_it_is_traced(name, kind):
    spec = replace(backtrace.load(name), arithmetic=kind, epochs=3)
    try:
        spec = learning(spec)
        trace(spec)
    except TapeError:
        pytest.skip("it leaves the fractions")
    assert_trained_as_traced(spec)


@pytest.mark.parametrize("seed", range(60))
def test_any_board_is_trained_as_it_is_traced(seed):
    name, form = FORMS[seed % len(FORMS)]
    optimizer = Optimizer(name, RATE, OPTIMIZERS[name].constants, form)
    schedule = Schedule("list", {}, (RATE, Number(0.01, "0.01"))) if seed % 3 else Schedule()
    spec = learning(backtrace.loads(board(seed, 3).text), optimizer)
    clip = (None, Clip("norm", RATE), Clip("value", RATE))[seed % 3]
    kind = Arithmetic("float32" if seed % 5 == 0 else "float64")
    spec = replace(spec, arithmetic=kind, schedule=schedule, clip=clip, epochs=3)
    assert_trained_as_traced(spec)


CLIMBING = """
given: {x: 4}
equations: [J = -(x - 1)^2]
maximize: J
parameters: [x]
learning_rate: 0.25
epochs: 3
"""


def test_what_is_maximized_grows():
    # dJ/dx = −2(x − 1); x + 0.25·dJ/dx halves the distance to 1: 4, 2.5, 1.75, 1.375.
    training = train(backtrace.loads(CLIMBING))
    assert [record.training.loss for record in training.records] == [-9, -2.25, -0.5625, -0.140625]
    assert training.state.values["x"].tolist() == [[1.375]]
    assert training.divergence is None


@pytest.mark.parametrize(("enough", "epochs"), [(-3, 1), (-0.5625, 2), (0, 3)])
def test_what_is_maximized_ends_when_it_is_large_enough(enough, epochs):
    spec = backtrace.loads(f"{CLIMBING}training: {{stop_at_loss: {enough}}}")
    training = train(spec)
    assert training.records[-1].epoch == epochs
    assert training.ended == ("loss" if epochs < 3 else "epochs")


def test_the_best_of_what_is_maximized_is_the_largest():
    # With η = 1 the x jumps from 4 to −2 and back: J stays; η = 1.25 goes farther away each time.
    spec = backtrace.loads(f"{CLIMBING}training: {{patience: 2}}".replace("0.25", "1.25"))
    training = train(replace(spec, epochs=10))
    assert (training.ended, training.records[-1].epoch, training.state.epoch) == ("patience", 2, 0)


def test_a_loss_below_zero_that_falls_does_not_climb():
    spec = backtrace.loads(
        CLIMBING.replace("J = -", "J = x * 0 - 5 + ").replace("maximize", "loss")
    )
    training = train(replace(spec, epochs=20))
    assert training.records[-1].training.loss == pytest.approx(-5)
    assert training.divergence is None


def test_a_state_of_any_name_is_taken_up():
    spec = replace(
        learning(
            backtrace.load("attention"), Optimizer("adam", RATE, OPTIMIZERS["adam"].constants)
        ),
        epochs=6,
    )
    half = train(replace(spec, epochs=3))
    whole, later = train(spec), train(spec, half.progress)
    for id, value in whole.state.values.items():
        assert value.tobytes() == later.state.values[id].tobytes()
    traced = traced_epoch(spec, half.state)
    fourth = train(replace(spec, epochs=4)).state.values
    assert np.array_equal(traced["W_Q_new@4"].value, fourth["W_Q"])
    assert np.array_equal(traced["mW_Q@4"].value, fourth["mW_Q"])


def test_where_a_board_leaves_the_numbers_is_found():
    # x ← x − 0.1·eˣ·…: e^800 is beyond the floats, in the first epoch.
    spec = backtrace.loads(
        "{given: {x: 800}, equations: [q = exp(x), L = q * 2], loss: L, parameters: [x], "
        "learning_rate: 0.1}"
    )
    assert math.isinf(train(spec).records[0].training.loss)
    assert train(spec).divergence.id == "q"


GIVEN = "{given: {W: 1, x: 2}, equations: [y = W * x, L = y^2], %s}"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("learning_rate: 0.1, parameters: [W], upstream: {y: 1}", "training needs a loss"),
        ("display: {decimals: 3}", "training needs a loss"),
        ("loss: L", "parameters"),
        ("loss: L, parameters: [W]", "training needs a rate"),
    ],
)
def test_what_can_not_be_trained_is_said_in_words(said, words):
    with pytest.raises(TapeError, match=words):
        check_trainable(backtrace.loads(GIVEN % said))


def test_a_line_called_as_the_updated_parameter_is_said():
    text = GIVEN.replace("y =", "W_new = W - x, y = W_new + ") % "loss: L, parameters: [W]"
    with pytest.raises(TapeError, match="W_new is a line"):
        check_trainable(backtrace.loads(text))
