"""What a reader is told beside the numbers: kinks that were met, and nothing where none was."""

import numpy as np
import pytest

import backtrace
from backtrace.notation.notes import notes as notes_of
from backtrace.notation.symbols import IDS, Symbols
from backtrace.notation.text import sentence_text
from backtrace.spec.model import Arithmetic, Clip, Conventions, Number
from backtrace.tape.run import trace
from tests.tape.exercises import exercise, function


def notes(id, z, activation="relu", loss="half_mse", **fields):
    """The notes of one step of a single layer whose z are these, targets 0."""
    spec = exercise((1, len(z)), (activation,), biases="none", loss=loss, n=1, **fields)
    weights = spec.layers[0].weights.values
    weights[:] = np.reshape(z, weights.shape)
    spec.inputs.values[:] = 1
    spec.targets.values[:] = 0
    worked = trace(spec)
    return said_of(worked, id)


def said_of(trace, id, symbols=IDS):
    """What is said below a step, with ids in place of symbols."""
    return tuple(sentence_text(note.sentence, symbols) for note in notes_of(trace[id], trace))


@pytest.mark.parametrize("arithmetic", ["float64", "float32", "exact"])
def test_a_relu_at_exactly_0_is_noted(arithmetic):
    (note,) = notes("g1", [1, 0, -2], arithmetic=Arithmetic(arithmetic))
    assert note.startswith("z1[1,2] is exactly 0")
    assert note.endswith("ReLU′(0) is taken as 0")


def test_the_entry_is_named_in_the_layout_of_the_spec():
    (note,) = notes("g1", [1, 0, -2], conventions=Conventions("columns", "out_in"))
    assert note.startswith("z1[2,1] is exactly 0")


def test_every_kink_has_its_own_choice():
    (leaky,) = notes("g1", [0, 1], function("leaky_relu", slope=Number(0.2, "0.2")))
    assert leaky.endswith("is taken as 0.2")
    low, high = notes("g1", [3, -3, 0], "hard_sigmoid")
    assert low.startswith("z1[1,2] is exactly -3")
    assert high.startswith("z1[1,1] is exactly 3")


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "linear", "elu", "gelu", "softmax"])
def test_a_smooth_unit_has_nothing_to_tell(activation):
    assert notes("g1", [0, 0], activation) == ()


def test_next_to_a_kink_there_is_no_note():
    assert notes("g1", [1e-300, -1e-300, -1.0]) == ()


def test_an_absolute_error_of_0_is_noted():
    (note,) = notes("da1", [2, 0], "linear", loss="mae")
    assert "[1,2] is exactly 0" in note
    assert notes("da1", [2, 0], "linear", loss="half_mse") == ()


# Units that were off

# z = x·W + 0: with x = 1 simply the row of weights
ONE = """
title: "t"
layers:
  - {{activation: relu, weights: [{weights}], bias: none}}
  - {{activation: linear, weights: {below}, bias: none}}
inputs: {inputs}
targets: {targets}
loss: mse
"""


def said(weights, samples=1):
    units = len(weights)
    text = ONE.format(
        weights=weights,
        below=[[1]] * units,
        inputs=[[1]] * samples,
        targets=[[1]] * samples,
    )
    trace = backtrace.trace(backtrace.loads(text))
    return said_of(trace, "delta1", Symbols.of(trace))


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1, 2], ()),
        ([1, -2], ("unit 2 was off (z₁[1,2] = -2 ≤ 0), so no gradient passes through it",)),
        (
            [-1, 2, -0.5],
            (
                (
                    "units 1 and 3 were off (z₁[1,1] = -1 ≤ 0, z₁[1,3] = -0.5 ≤ 0), "
                    "so no gradient passes through them"
                ),
            ),
        ),
        (
            [-1, -2, -3, -4, 5],
            (
                (
                    "4 entries of 5 in ReLU′(z₁) are 0: where a unit was off, "
                    "no gradient passes through it"
                ),
            ),
        ),
    ],
)
def test_units_that_were_off_are_named(weights, expected):
    assert said(weights) == expected


def test_of_several_samples_the_entries_are_counted():
    assert said([1, -2], samples=3)[0].startswith("3 entries of 6 in ReLU′(z₁) are 0")


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(10, ("gradient_norm = 5 ≤ 10: dW1 stays as it is",)), (5, None), (4.99, ())],
)
def test_what_needs_no_clipping_is_said(limit, expected):
    """½e² of z = [3 4]: δ = z, dW = [3 4], and its norm is 5."""
    expected = ("gradient_norm = 5 ≤ 5: dW1 stays as it is",) if expected is None else expected
    assert notes("clipped_dW1", [3, 4], "linear", clip=Clip("norm", Number(limit))) == expected


@pytest.mark.parametrize(("limit", "expected"), [(4, ("no entry of dW1 is beyond ±4",)), (3.9, ())])
def test_entries_that_need_no_clipping_are_said(limit, expected):
    assert notes("clipped_dW1", [3, 4], "linear", clip=Clip("value", Number(limit))) == expected


def test_other_steps_have_no_remark():
    trace = backtrace.trace(backtrace.load("mlp-math"))
    assert [step.id for step in trace if notes_of(step, trace)] == ["delta1"]


def test_infinity_is_noted_where_it_is_worked_and_not_where_it_is_given():
    text = "given: {m: [-inf, 0], x: [1, 0]}\nequations: [a = softmax(m), b = 1 / x]\n"
    worked = trace(backtrace.loads(text))
    assert said_of(worked, "m") == said_of(worked, "a") == ()
    (note,) = said_of(worked, "b")
    assert "divided by 0" in note
