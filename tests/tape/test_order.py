"""The order of work: which ids a trace has, in which order, and what each may be worked from."""

import numpy as np
import pytest

from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.notation.notes import notes
from backtrace.notation.symbols import IDS
from backtrace.notation.text import sentence_text
from backtrace.spec.model import Conventions, Number, Optimizer, Regularization
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.run import trace
from tests.tape.exercises import BIASES, CONVENTIONS, SGD, exercise
from tests.tape.oracle import Network

GIVEN = ["a0", "y", "W1", "b1", "W2", "b2"]
FORWARD = ["product1", "z1", "a1", "product2", "z2", "a2"]
OUTPUT = ["da2", "g2", "delta2", "dW2", "db2", "da1"]
BACKWARD = [*OUTPUT, "g1", "delta1", "dW1", "db1"]


def optimizer(name, form=None):
    return Optimizer(name, Number(0.1, "0.1"), dict(OPTIMIZERS[name].constants), form)


def ids(widths=(2, 3, 2), activations=("tanh", "linear"), **fields):
    return [step.id for step in trace(exercise(widths, activations, **fields))]


def test_the_order_of_work():
    assert ids(inputs_gradient=False) == [
        *GIVEN, *FORWARD, "error", "loss_terms", "loss", *BACKWARD,
        "W1_new", "b1_new", "W2_new", "b2_new", "loss_after",
    ]  # fmt: skip


def test_without_an_optimizer_a_trace_ends_at_the_gradients():
    assert ids(optimizer=None)[-3:] == ["dW1", "db1", "da0"]


def test_a_shortcut_leaves_out_the_outputs_da_and_g():
    case = {"activations": ("tanh", "softmax"), "loss": "cross_entropy", "optimizer": None}
    short, chain = ids(**case), ids(**case, output_delta="chain")
    assert [id for id in chain if id not in short] == ["da2", "g2"]
    assert [id for id in chain if id not in ("da2", "g2")] == short


def test_biases_inside_the_weights_have_no_ids_of_their_own():
    for form in ("none", "first", "last"):
        found = ids(biases=form, optimizer=None)
        assert not [id for id in found if id.lstrip("d").startswith("b")]


def test_a_penalty_parts_the_loss_and_the_gradients():
    weights = Regularization(l2=Number(0.1))
    assert ids(optimizer=None, inputs_gradient=False, regularization=weights) == [
        *GIVEN, *FORWARD, "error", "loss_terms", "data_loss", "penalty", "loss",
        "da2", "g2", "delta2", "data_dW2", "dW2", "db2", "da1",
        "g1", "delta1", "data_dW1", "dW1", "db1",
    ]  # fmt: skip
    both = ids(optimizer=None, regularization=Regularization(l2=Number(0.1), biases=True))
    assert both.index("data_db2") + 1 == both.index("db2")


def test_an_upstream_gradient_is_given_and_nothing_is_lost():
    found = ids(loss="upstream", optimizer=None, inputs_gradient=False)
    assert found == ["a0", "W1", "b1", "W2", "b2", "da2", *FORWARD, *BACKWARD[1:]]


def test_without_targets_there_is_no_error():
    found = ids(loss="output", optimizer=None)
    assert "error" not in found
    assert "y" not in found


@pytest.mark.parametrize(
    ("name", "states", "lines"),
    [
        ("sgd", [], ["{}_new"]),
        ("momentum", ["v"], ["v{}", "step_{}", "{}_new"]),
        ("nesterov", ["v"], ["v{}", "step_{}", "{}_new"]),
        ("adagrad", ["s"], ["s{}", "step_{}", "{}_new"]),
        ("rmsprop", ["s"], ["s{}", "step_{}", "{}_new"]),
        ("adam", ["m", "v"], ["m{}", "v{}", "mhat{}", "vhat{}", "step_{}", "{}_new"]),
        ("nadam", ["m", "v"], ["m{}", "v{}", "mhat{}", "vhat{}", "step_{}", "{}_new"]),
        ("adadelta", ["s", "u"], ["s{}", "r{}", "u{}", "step_{}", "{}_new"]),
        ("adamw", ["m", "v"], ["m{}", "v{}", "mhat{}", "vhat{}", "step_{}", "{}_new"]),
    ],
)
def test_the_lines_of_every_optimizer(name, states, lines):
    steps = trace(exercise((2, 3), ("tanh",), optimizer=optimizer(name), freeze=frozenset(["b1"])))
    assert [s.id for s in steps if s.phase == "given"] == [
        "a0", "y", "W1", "b1", *(f"{state}W1_old" for state in states)
    ]  # fmt: skip
    updates = [s.id for s in steps if s.phase == "update"]
    assert updates == [*(line.format("W1") for line in lines), "loss_after"]


@pytest.mark.parametrize("through", ["old", "updated"])
@pytest.mark.parametrize("conventions", CONVENTIONS[::3])
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
@pytest.mark.parametrize("bias", BIASES)
def test_every_operand_is_worked_before_it_is_used(name, conventions, bias, through):
    spec = exercise(
        (2, 3, 4), ("softmax", "tanh"), biases=bias, n=5, conventions=conventions, batch_size=2,
        optimizer=optimizer(name), backpropagate_through=through, epochs=2,
        regularization=Regularization(l2=Number(0.1)),
    )  # fmt: skip
    steps = trace(spec)
    assert steps.updates == ((1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3))
    for place in steps.updates:
        bound = set()
        for step in (s for s in steps if (s.epoch, s.batch) == place):
            assert set(step.operands) <= bound
            assert step.id not in bound
            assert step.operation in OPERATIONS
            assert step.shape == step.value.shape
            bound.add(step.id)
    phases = [s.phase for s in steps.update().values()]
    assert "given" not in phases[phases.index("forward") :]


def test_the_layers_of_steps():
    steps = trace(exercise((2, 3, 2), ("tanh", "linear")))
    assert {s.id: s.layer for s in steps if s.layer is None} == dict.fromkeys(
        ["a0", "y", "error", "loss_terms", "loss", "da0", "loss_after"]
    )
    for step in steps:
        assert step.layer is None or str(step.layer) in step.id


# Through the updated weights


def test_through_updated_weights_each_update_comes_before_the_lower_layer():
    found = ids(backpropagate_through="updated", inputs_gradient=True)
    assert found[found.index("da2") :] == [
        "da2", "g2", "delta2", "dW2", "db2", "W2_new", "b2_new",
        "da1", "g1", "delta1", "dW1", "db1", "W1_new", "b1_new", "da0", "loss_after",
    ]  # fmt: skip


@pytest.mark.parametrize("sign", ["gradient", "descent"])
@pytest.mark.parametrize("bias", BIASES)
def test_through_updated_weights_by_hand(sign, bias):
    """Three layers, tanh, ½Σe², each layer's weights moved before the error passes them."""
    spec = exercise(
        (2, 3, 4, 2), ("tanh",) * 3, biases=("added", bias, bias), loss="half_sse", n=5,
        conventions=Conventions(sign=sign), backpropagate_through="updated",
    )  # fmt: skip
    network = Network(spec)
    values, weights = network.forward(network.parameters()), network.parameters()
    turn = -1 if sign == "descent" else 1
    upper = values["a3"] - spec.targets.values
    steps = trace(spec)
    for layer in (3, 2, 1):
        delta = upper * (1 - values[f"a{layer}"] ** 2)
        inputs = network.with_ones(values[f"a{layer - 1}"], spec.layers[layer - 1].bias.kind)
        gradient = inputs.T @ delta
        new = weights[f"W{layer}"] - 0.1 * gradient
        kept = {"first": new[1:], "last": new[:-1]}.get(spec.layers[layer - 1].bias.kind, new)
        upper = delta @ kept.T
        for id, value in ((f"delta{layer}", delta), (f"dW{layer}", gradient)):
            np.testing.assert_allclose(turn * steps[id].value, value, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(steps[f"W{layer}_new"].value, new, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(
            turn * steps[f"da{layer - 1}"].value, upper, rtol=1e-10, atol=1e-13
        )


def test_through_updated_weights_the_reader_is_told():
    case = {"widths": (2, 3, 2), "activations": ("tanh", "linear"), "optimizer": SGD}
    assert any("W2_new" in note for note in _notes(case, "updated"))
    assert _notes(case, "old") == ()


def _notes(case, through):
    worked = trace(exercise(**case, backpropagate_through=through))
    return tuple(sentence_text(note.sentence, IDS) for note in notes(worked["da1"], worked))


def test_frozen_weights_carry_the_error_as_they_are():
    case = {"widths": (2, 3, 2), "activations": ("tanh", "linear"), "n": 5}
    old = trace(exercise(**case))
    frozen = trace(
        exercise(**case, backpropagate_through="updated", freeze=frozenset(["W1", "W2"]))
    )
    np.testing.assert_array_equal(frozen["da1"].value, old["da1"].value)
    assert "W2_new" not in frozen
