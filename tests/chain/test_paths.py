"""The paths of every gradient's entry add up to it; what is said of their number is so."""

from fractions import Fraction
from itertools import islice, pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtrace.chain.layer_links import is_gradient
from backtrace.chain.model import EntryNode
from backtrace.chain.paths import Paths, links_at
from backtrace.functions.losses import LOSSES
from backtrace.notation.workings import Workings
from backtrace.spec.bundled import names
from backtrace.spec.model import Matrix, Regularization
from backtrace.tape.loading import load, loads
from backtrace.tape.run import trace
from tests.notation.random_equations import loss_of_two, random_equations
from tests.tape.exercises import CONVENTIONS, exercise, networks

FEW = 300  # paths that are listed one by one
LARGE = ("digits", "mnist")
CONVENTION = st.sampled_from(CONVENTIONS)


def worked(name):
    return trace(msgspec.structs.replace(load(name), epochs=1))


def paths_of(traced, id, row=0, column=0):
    return Paths(Workings.of(traced[id], traced), EntryNode(id, row, column))


def gradients(traced):
    """Every entry of every gradient, with its value."""
    for step in traced:
        if is_gradient(step):
            workings = Workings.of(step, traced)
            for place in np.ndindex(*step.value.shape):
                yield workings, EntryNode(step.id, *(place or (0, 0))), step.value[place]


def close(found, value):
    return abs(float(found) - float(value)) <= 1e-9 * abs(float(value)) + 1e-12


def assert_paths_add_up(traced):
    """All of them, and each by itself where they are few."""
    for workings, node, value in gradients(traced):
        paths = Paths(workings, node)
        assert close(paths.total, value), node
        assert sum(zero.paths for zero in paths.zeros()) == paths.number_of_zeros
        if paths.number <= FEW:
            walked = [path.value for path in paths.walked()]
            assert close(sum(walked), value), node
            assert len(walked) == paths.number - paths.number_of_zeros
            sizes = [abs(each) for each in walked]
            assert all(one >= other * (1 - 1e-8) for one, other in pairwise(sizes))


@pytest.mark.parametrize("name", [name for name in names() if name not in LARGE])
def test_the_paths_of_every_entry_of_every_bundled_network_add_up_to_it(name):
    assert_paths_add_up(worked(name))


@pytest.mark.parametrize("name", LARGE)
def test_of_large_networks_every_entry_is_the_sum_of_its_links(name, request):
    """And so, entry after entry back from the loss, the sum of its paths."""
    every = 1 if request.config.getoption("--all") else 97
    for workings, node, value in islice(gradients(worked(name)), 0, None, every):
        total = 0
        for link in links_at(workings, node, {}):
            onward = 1 if link.onto is None else workings.entry(*link.onto).value
            total += link.coefficient * onward
        assert close(total, value), node


@settings(max_examples=30)
@given(networks([each for each in LOSSES if each != "hinge"], conventions=CONVENTION))
def test_of_any_network_of_layers(arguments):
    assert_paths_add_up(trace(exercise(**arguments)))


@pytest.mark.parametrize(
    ("loss", "activation"), [("binary_cross_entropy", "sigmoid"), ("cross_entropy", "softmax")]
)
def test_a_path_through_a_saturated_output_ends_at_its_delta(loss, activation):
    """Its factors are ∞ and 0, its δ has digits."""
    spec = exercise([2, 3, 2], ["relu", activation], loss=loss, n=3, output_delta="chain")
    inputs = Matrix(spec.inputs.values * 3000)
    traced = trace(msgspec.structs.replace(spec, inputs=inputs))
    assert np.isinf(traced["da2"].value).any()
    wrong = [
        node
        for workings, node, value in gradients(traced)
        if node.id != "da2"
        and not np.isclose(Paths(workings, node).total, value, rtol=1e-9, atol=1e-9)
    ]
    assert wrong == []


def test_a_path_of_zero_times_infinity_is_no_number():
    """It is no path that is zero: it is walked, and the sum has no number either."""
    paths = paths_of(trace(loads(f"given: {{z: 800, y: 0}}\nequations:\n{BCE}loss: L\n")), "dz")
    assert (paths.number, paths.number_of_zeros, paths.zeros()) == (1, 0, [])
    assert [np.isnan(path.value) for path in paths.walked()] == [True]
    assert np.isnan(paths.total)


BCE = "  - a = sigmoid(z)\n  - L = binary_cross_entropy(a, y)\n"


@pytest.mark.parametrize("loss", ["hinge", "cross_entropy"])
@pytest.mark.parametrize("output_delta", ["chain", "shortcut"])
def test_of_losses_of_several_classes(loss, output_delta):
    spec = exercise([2, 3, 3], ["relu", "softmax"], loss=loss, n=3, output_delta=output_delta)
    assert_paths_add_up(trace(spec))


@pytest.mark.parametrize("seed", range(40))
def test_of_any_board_of_equations(seed):
    assert_paths_add_up(trace(random_equations(seed)))


@pytest.mark.parametrize("loss", ["cross_entropy", "kl", "binary_cross_entropy", "hinge", "mse"])
def test_of_losses_of_two_quantities(loss):
    assert_paths_add_up(trace(loss_of_two(loss, targets=loss in ("kl", "mse"))))


@pytest.mark.parametrize("conventions", CONVENTIONS)
def test_a_penalty_is_a_path_by_itself(conventions):
    spec = exercise([2, 2, 1], ["tanh", "linear"], conventions=conventions)
    traced = trace(msgspec.structs.replace(spec, regularization=Regularization(l1=0.1, l2=0.3)))
    assert_paths_add_up(traced)
    found = list(paths_of(traced, "dW2").walked())
    w = float(traced["W2"].value[0, 0])
    added = 0.3 * w + 0.1 * np.sign(w)  # of ½λw² and λ|w|
    sign = -1 if conventions.sign == "descent" else 1
    assert any(close(path.value, sign * added) for path in found)


# One network by hand


def test_the_example_of_the_manual():
    """∂L/∂W₁[2,1] = x₂ · ReLU′(z₁[1]) · W₂[1] · (ŷ − y) = 2 · 1 · 0.5 · 0.16."""
    (path,) = paths_of(worked("small-mlp"), "dW1", 1, 0).walked()
    assert [round(float(factor.value), 12) for factor in path.factors] == [2, 1, 0.5, 0.16]
    assert [node.id for node in path.nodes] == ["dW1", "delta1", "da1", "delta2", "da2"]


def test_a_unit_that_is_off_ends_its_paths():
    paths = paths_of(worked("mlp-math"), "dW1", 0, 1)
    assert (paths.number, paths.number_of_zeros, list(paths.walked())) == (1, 1, [])
    (zero,) = paths.zeros()
    assert (zero.paths, zero.factor.value, zero.factor.formula.id) == (1, 0, "g1")


def test_paths_are_counted_without_being_walked():
    """Thirty lines that use the one before twice: 2³⁰ paths, each 1."""
    lines = "".join(f"  - n_{k} = n_{k - 1} + n_{k - 1}\n" for k in range(1, 31))
    traced = trace(loads(f"given: {{n_0: 1}}\nequations:\n{lines}  - L = n_30\nloss: L\n"))
    paths = paths_of(traced, "dn_0")
    assert (paths.number, paths.total, paths.number_of_zeros) == (2**30, 2**30, 0)
    assert [path.value for path in islice(paths.walked(), 3)] == [1, 1, 1]


def test_fractions_stay_fractions():
    text = "arithmetic: exact\ngiven: {a: 1/3}\nequations:\n  - L = mean(a * a)\nloss: L\n"
    assert paths_of(trace(loads(text)), "da").total == Fraction(2, 3)
