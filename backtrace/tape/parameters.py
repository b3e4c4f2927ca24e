"""What a spec gives, by id: its data, its parameters, and those that an update changes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backtrace.functions.activations import ACTIVATIONS
from backtrace.spec import ids
from backtrace.spec.equations.names import reached
from backtrace.spec.ids import Id
from backtrace.spec.model import Equations, Layer, Matrix, Spec

INPUTS, TARGETS = str(Id("inputs")), str(Id("targets"))


def parameter_ids(spec: Spec) -> tuple[str, ...]:
    """``W1``, ``b1``, ``alpha1``, ``W2``, … as far as the network has them."""
    return tuple(id for id, _ in parameters(spec))


def parameters(spec: Spec) -> Iterator[tuple[str, Matrix]]:
    """The parameters by id, layer by layer, and the matrices that the spec gives them."""
    if spec.equations is not None:
        yield from ((id, spec.equations.given[id]) for id in spec.equations.parameters)
    for number, layer in enumerate(spec.layers, 1):
        yield ids.parameter("weight", number), layer.weights
        if layer.bias.values is not None:
            yield ids.parameter("bias", number), layer.bias.values
        if layer.slope is not None:
            yield ids.parameter("learned_slope", number), layer.slope


def trained_ids(spec: Spec) -> tuple[str, ...]:
    """The parameters that an update changes."""
    if spec.optimizer is None:
        return ()
    return tuple(id for id in parameter_ids(spec) if id not in spec.freeze)


def differentiable(layer: Layer) -> bool:
    """Whether an error can be sent back through the layer's units (not through steps)."""
    return ACTIVATIONS[layer.activation.name].differentiable


def given_matrices(spec: Spec) -> dict[str, Matrix]:
    """The matrices that a spec gives, by id, as written (without the augmenting ones)."""
    if spec.equations is not None:
        return given_of_equations(spec.equations)
    matrices = {INPUTS: spec.inputs}
    if spec.targets is not None:
        matrices[TARGETS] = spec.targets
    matrices |= parameters(spec)
    if spec.loss is not None and spec.loss.upstream is not None:
        matrices[upstream_id(spec)] = spec.loss.upstream
    return matrices


def given_of_equations(equations: Equations) -> dict[str, Matrix]:
    """The given names, and the gradients that the way back starts from: at a loss it is 1."""
    found = dict(equations.given)
    if equations.objective:
        found[ids.gradient(equations.objective)] = Matrix(np.ones((1, 1)), (("1",),))
    for name, matrix in equations.upstream.items():
        found[upstream_at(equations, name)] = matrix
    return found


def upstream_at(equations: Equations, name: str) -> str:
    """What a gradient that is given at ``name`` is called: a share of it, where others arrive."""
    others = [each for each in equations.upstream if each != name]
    is_share = name in reached(equations.lines, others)
    return ids.share(ids.gradient(name), "upstream") if is_share else ids.gradient(name)


def objective_id(spec: Spec) -> str:
    """The loss: whatever name it has on a board of equations."""
    return ids.id_of("loss") if spec.equations is None else spec.equations.objective


def upstream_id(spec: Spec) -> str:
    """Where a gradient that is given instead of a loss arrives: the da of the last layer."""
    return ids.id_of("activation_gradient", len(spec.layers))
