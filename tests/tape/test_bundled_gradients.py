"""Every gradient of every bundled network, against autograd and against central differences."""

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.spec.model import Matrix
from tests.networks.kinds import LAYERED
from tests.tape.oracle import Network, central_differences, disagreements, expected, values

MOST_SAMPLES = 20
MOST_ENTRIES = 400  # of one parameter that are moved one by one


def spec_of(name):
    """The network, on its first few samples where it has many."""
    spec = backtrace.load(name)
    rows = spec.conventions.layout == "rows"

    def first(matrix):
        few = matrix.values[:MOST_SAMPLES] if rows else matrix.values[:, :MOST_SAMPLES]
        return Matrix(few)

    if spec.samples <= MOST_SAMPLES:
        return spec
    few = {"inputs": first(spec.inputs), "targets": first(spec.targets)}
    return msgspec.structs.replace(spec, **few)


def test_there_are_bundled_networks():
    assert len(LAYERED) >= 13


@pytest.mark.parametrize("name", LAYERED)
def test_every_value_of_a_bundled_network_is_autograds(name):
    spec = spec_of(name)
    traced, wanted = values(backtrace.trace(spec).update()), expected(spec)
    assert {id for id in wanted if id.startswith(("dW", "db"))}
    assert disagreements(traced, wanted) == []


@pytest.mark.parametrize("name", LAYERED)
def test_every_gradient_of_a_bundled_network_is_a_difference_quotient(name):
    spec = spec_of(name)
    network, traced = Network(spec), backtrace.trace(spec)
    sign = -1 if spec.conventions.sign == "descent" else 1
    for id, parameter in network.parameters().items():
        if parameter.size > MOST_ENTRIES:
            assert_some_entries(network, traced, id)
            continue
        difference = central_differences(network.loss, network.parameters(), id)
        np.testing.assert_allclose(traced[f"d{id}"].value, sign * difference, rtol=1e-5, atol=1e-7)


def assert_some_entries(network, traced, id, step=1e-5):
    """A large matrix at a few entries spread over it, those with the steepest slope among them."""
    gradient, parameters = traced[f"d{id}"].value, network.parameters()
    steepest = np.argsort(-np.abs(gradient), axis=None)[:10]
    spread = np.linspace(0, gradient.size - 1, 10).astype(int)
    for place in (np.unravel_index(k, gradient.shape) for k in (*steepest, *spread)):
        sides = []
        for h in (step, -step):
            moved = np.array(parameters[id])
            moved[place] += h
            sides.append(network.loss(parameters | {id: moved}))
        np.testing.assert_allclose(
            gradient[place], (sides[0] - sides[1]) / (2 * step), rtol=1e-4, atol=1e-7
        )
