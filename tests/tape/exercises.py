"""Seeded networks as specs: the same numbers laid out in whichever conventions a test asks for."""

from itertools import product

import numpy as np
from hypothesis import strategies as st

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.spec.model import (
    Bias,
    Conventions,
    Function,
    Layer,
    Loss,
    Matrix,
    Number,
    Optimizer,
    Spec,
)

BIASES = ("none", "added", "shared", "threshold", "first", "last")
DIFFERENTIABLE = tuple(name for name, row in ACTIVATIONS.items() if row.differentiable)
PROBABILITIES = ("sigmoid", "softmax", "hard_sigmoid")
CONVENTIONS = tuple(
    Conventions(layout, weights, sign, mean_in)
    for layout, weights, sign, mean_in in product(
        ("rows", "columns"), ("in_out", "out_in"), ("gradient", "descent"), ("delta", "gradient")
    )
)
SGD = Optimizer("sgd", Number(0.1, "0.1"))


def pairs():
    """Every output activation with every loss that goes with it."""
    return [
        (activation, loss)
        for activation in DIFFERENTIABLE
        for loss, row in LOSSES.items()
        if row.outputs == "any" or activation in PROBABILITIES
    ]


def function(name, **parameters):
    """An activation with its own parameters, or those of the table."""
    return Function(name, {**ACTIVATIONS[name].constants, **parameters})


def exercise(
    widths,
    activations,
    *,
    biases="added",
    loss="mse",
    mean=None,
    n=2,
    seed=0,
    conventions=Conventions(),  # noqa: B008
    optimizer=SGD,
    inputs_gradient=True,
    **fields,
):
    """A network of ``len(widths) - 1`` layers with random numbers that the seed decides.

    ``biases`` is one form or one for each layer. The numbers don't depend on the conventions.
    """
    random = np.random.default_rng([seed, n, *widths])
    forms = [biases] * (len(widths) - 1) if isinstance(biases, str) else biases
    layers = [
        _layer(random, conventions, *sizes, activation, form)
        for *sizes, activation, form in zip(
            widths[:-1], widths[1:], activations, forms, strict=True
        )
    ]
    inputs = _samples(conventions, random.normal(size=(n, widths[0])))
    targets, objective = _objective(random, conventions, loss, mean, n, widths[-1])
    return Spec(
        title="",
        layers=tuple(layers),
        inputs=inputs,
        targets=targets,
        loss=objective,
        optimizer=optimizer,
        conventions=conventions,
        inputs_gradient=inputs_gradient,
        **fields,
    )


def networks(losses, **fields):
    """Random arguments of ``exercise``: up to three layers, and ``fields`` by their strategies."""
    return st.integers(1, 3).flatmap(lambda depth: _networks(depth, losses, fields))


def _networks(depth, losses, fields):
    drawn = {
        "widths": st.lists(st.integers(1, 4), min_size=depth + 1, max_size=depth + 1),
        "activations": st.lists(st.sampled_from(DIFFERENTIABLE), min_size=depth, max_size=depth),
        "biases": st.lists(st.sampled_from(BIASES), min_size=depth, max_size=depth),
        "loss": st.sampled_from(losses),
        "n": st.sampled_from([1, 2, 3, 5]),
        "seed": st.integers(0, 1000),
    }
    return st.fixed_dictionaries(drawn | fields)


def _layer(random, conventions, inputs, units, activation, form):
    inside = form in ("first", "last")
    weights = random.normal(size=(inputs + 1, units))[: inputs + inside] / np.sqrt(inputs + 1)
    bias = random.normal(size=(1, units)) / 2
    if not isinstance(activation, Function):
        activation = function(activation)
    oriented = weights if conventions.weights == "in_out" else weights.T
    bias, slope = _bias(conventions, form, bias), None
    if ACTIVATIONS[activation.name].learned:  # one for the layer, or one a unit
        slope = _samples(conventions, random.normal(size=(1, random.choice([1, units]))))
    return Layer(inputs, units, activation, _matrix(oriented), bias, slope)


def _bias(conventions, form, values):
    if form in ("none", "first", "last"):
        return Bias(form)
    return Bias(form, _samples(conventions, values[:, :1] if form == "shared" else values))


def _objective(random, conventions, loss, mean, n, k):
    if loss == "upstream":
        upstream = _samples(conventions, random.normal(size=(n, k)))
        return None, Loss("upstream", mean=False, upstream=upstream)
    row = LOSSES[loss]
    mean = row.mean if mean is None else mean
    targets = {
        "any": random.normal(scale=2, size=(n, k)),
        "unit_interval": random.choice([0, 0.3, 0.9, 1], size=(n, k)),
        "distribution": random.dirichlet(np.ones(k), size=n),
        "one_hot": np.eye(k)[random.integers(k, size=n)],
        "signs": np.where(random.normal(size=(n, k)) < 0, -1, 1),
        "none": None,
    }[row.targets]
    given = None if targets is None else _samples(conventions, targets)
    return given, Loss(loss, mean, dict(row.parameters))


def _samples(conventions, values):
    """A matrix in the layout of the conventions, from one with a sample a row."""
    return _matrix(values if conventions.layout == "rows" else values.T)


def _matrix(values):
    return Matrix(np.array(values, dtype=float, order="C"))
