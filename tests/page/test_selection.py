"""Which updates, steps and samples a selection takes from a trace."""

import numpy as np
import pytest

import backtrace
from backtrace.page.selection import Selection, chosen, problems, resolved, updates
from backtrace.spec.ids import family

THREE_SAMPLES = """
title: "Three samples"
layers:
  - {activation: softmax, weights: [[1, 0], [0, 1]], bias: none}
inputs: [[1, 0], [0, 1], [1, 1]]
targets: [[1, 0], [0, 1], [1, 0]]
loss: mse
learning_rate: 0.1
"""


@pytest.fixture(scope="module")
def trace():
    return backtrace.trace(backtrace.loads(THREE_SAMPLES))


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        *(("delta2", "delta"), ("W1_new", "W_new"), ("step_W2", "step_W"), ("loss", "loss")),
        *(("h_1", "h"), ("dh_12", "dh"), ("h_1_2", "h"), ("W_Q", "W_Q")),
    ],
)
def test_a_family_is_the_id_without_its_layer(id, expected):
    assert family(id) == expected


def test_what_is_not_there_is_said(trace):
    wrong = Selection(only=("dlta", "z1"), layer=2, sample=4)
    assert problems(trace, wrong) == [
        "--only dlta: there is no such quantity; did you mean delta?",
        "--layer 2: the layers are 1 to 1",
        "--sample 4: the samples are 1 to 3",
    ]
    assert problems(trace, Selection(only=("delta", "z1"), layer=1, sample=3)) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("delta_1", "delta1"),
        ("Z1", "z1"),
        ("δ₁", "delta1"),
        ("w1_NEW", "W1_new"),
        ("DELTA", "delta"),
        ("δ^(1)", "delta1"),
        ("δ⁽¹⁾", "delta1"),
        ("zz1", "zz1"),
    ],
)
def test_names_are_taken_as_they_are_meant(trace, name, expected):
    assert resolved(trace, Selection(only=(name,))).only == (expected,)


def test_whole_quantities_are_chosen_not_entries(trace):
    wrong = resolved(trace, Selection(only=("W1_new[1,1]", "z1")))
    assert problems(trace, wrong) == [
        "--only W1_new[1,1]: --only takes whole quantities, such as W1_new"
    ]


def test_a_selection_of_nothing_is_said():
    two = backtrace.trace(backtrace.load("mlp-math"))
    assert problems(two, Selection(only=("z1", "W1"), layer=2)) == [
        "--only z1,W1: nothing of that is in layer 2"
    ]
    assert problems(two, Selection(only=("dW1",), sample=1)) == [
        "--only dW1: nothing of that belongs to a single sample"
    ]
    assert problems(two, Selection(only=("z",), layer=2)) == []


def test_a_trace_of_the_chosen_steps():
    every = backtrace.trace(backtrace.loads(THREE_SAMPLES + "updates: online\nepochs: 4\n"))
    found = chosen(every, Selection(only=("delta",), epochs=2))
    assert [step.id for step in found] == ["delta1"] * 6
    assert found["delta1@2.3"].value is every["delta1@2.3"].value


def test_a_sample_takes_its_row_and_its_jacobian(trace):
    found = chosen(trace, Selection(sample=2))
    np.testing.assert_array_equal(found["a0"].value, [[0, 1]])
    assert found["a0"].shape == (1, 2)
    np.testing.assert_array_equal(found["g1"].value, trace["g1"].value[2:4])
    np.testing.assert_array_equal(found["W1"].value, np.eye(2))
    assert "dW1" not in found
    assert "loss" not in found


def test_a_sample_is_found_in_its_batch():
    spec = backtrace.loads(THREE_SAMPLES + "updates: {batch_size: 2}\n")
    found = chosen(backtrace.trace(spec), Selection(sample=3))
    assert found.updates == ((1, 2),)
    np.testing.assert_array_equal(found["a0@1.2"].value, [[1, 1]])


def test_a_sample_is_a_column_in_columns_layout():
    trace = backtrace.trace(backtrace.load("or-gate"))
    found = chosen(trace, Selection(sample=4))
    np.testing.assert_array_equal(found["a0"].value, [[1], [1]])
    np.testing.assert_array_equal(found["delta2"].value, trace["delta2"].value[:, 3:])


def test_few_updates_are_all_shown_and_many_are_not():
    few = backtrace.trace(backtrace.loads(THREE_SAMPLES + "epochs: 4\n"))
    many = backtrace.trace(backtrace.loads(THREE_SAMPLES + "epochs: 5\n"))
    assert updates(few, Selection()) == ([(1, 1), (2, 1), (3, 1), (4, 1)], 0)
    assert updates(many, Selection()) == ([(1, 1), (2, 1), (5, 1)], 2)
    assert updates(many, Selection(full=True))[1] == 0
    assert updates(many, Selection(epochs=3)) == ([(1, 1), (2, 1), (3, 1)], 0)
