"""What of a spec decides the numbers of a training, in words, so that two can be told apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from backtrace.spec.equations.written import written
from backtrace.spec.model import Equations, Function, Layer, Loss, Matrix, Optimizer, Spec
from backtrace.spec.numbers import Number
from backtrace.spec.wording import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

TraitWords: TypeAlias = dict[str, str]

LAYERS, EQUATIONS = "the layers", "the equations"
NONE = "none"
DIGEST = " #"  # what follows tells numbers apart, and says nothing to a reader
DIGEST_LENGTH = 32  # of its hexadecimal digits
BLOCK = 1 << 20  # bytes of a matrix that are taken at a time


def fingerprint(spec: Spec) -> TraitWords:
    """Each trait by its name; equal traits give equal numbers, whatever else a spec says.

    How long it trains is none of them, nor is what is only printed.
    """
    settings = {
        "the loss": _words(spec.loss and _loss(spec.loss)),
        "the optimizer": _words(spec.optimizer and _optimizer(spec.optimizer)),
        "the schedule": _words(spec.schedule),
        "`clip`": _words(spec.clip),
        "the regularization": _words(spec.regularization),
        "`freeze`": _words(sorted(spec.freeze) or None),
        "the conventions": _words(spec.conventions),
        "the arithmetic": _words(spec.arithmetic),
        "`updates`": _updates(spec),
        "`backpropagate_through`": spec.backpropagate_through,
        "`output_delta`": spec.output_delta,
    }
    layers = {
        name: trait
        for number, layer in enumerate(spec.layers, 1)
        for name, trait in _layer(layer, number, spec).items()
    }
    if spec.equations is not None:
        return {EQUATIONS: _lines(spec.equations)} | _given(spec, spec.equations) | settings
    return {LAYERS: _architecture(spec)} | layers | _data(spec) | settings


def differences(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """What is not the same, in words: ``the loss (there: mse; here: mae)``.

    Of other layers or equations it is enough to say that they are others.
    """
    for whole in (LAYERS, EQUATIONS):
        if there.get(whole) != here.get(whole):
            return [_difference(whole, there, here)]
    names = dict.fromkeys([*here, *there])
    return [_difference(name, there, here) for name in names if there.get(name) != here.get(name)]


def _difference(name: str, there: Mapping[str, str], here: Mapping[str, str]) -> str:
    first, second = (side.get(name, NONE).partition(DIGEST)[0] for side in (there, here))
    if first == second:
        return f"{name} (other numbers)"
    return f"{name} (there: {first}; here: {second})"


def _architecture(spec: Spec) -> str:
    layers = [f"{layer.units} ({_function(layer.activation)})" for layer in spec.layers]
    return " → ".join([str(spec.layers[0].inputs), *layers])


def _lines(equations: Equations) -> str:
    """The lines and what of them is differentiated: how many, and a digest of their texts."""
    lines = [f"{line.id} = {written(line.tree)}" for line in equations.lines]
    goal = "maximize" if equations.maximize else "loss"
    text = "\n".join([*lines, f"{goal}: {equations.objective}"])
    return f"{count(len(lines), 'line')}{DIGEST}{sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]}"


def _given(spec: Spec, equations: Equations) -> TraitWords:
    found = {f"the given {name}": _matrix(m, spec) for name, m in equations.given.items()}
    return {**found, "`parameters`": _words(equations.parameters)}


def _function(function: Function) -> str:
    return ", ".join(filter(None, (function.name, _words(function.parameters))))


def _layer(layer: Layer, number: int, spec: Spec) -> TraitWords:
    """What the layer starts from."""
    traits = {
        f"the bias of layer {number}": layer.bias.kind,
        f"the starting W{number}": _matrix(layer.weights, spec),
    }
    if layer.bias.values is not None:
        traits[f"the starting b{number}"] = _matrix(layer.bias.values, spec)
    if layer.slope is not None:
        traits[f"the starting alpha{number}"] = _matrix(layer.slope, spec)
    return traits


def _data(spec: Spec) -> TraitWords:
    held = spec.validation
    matrices = {
        "the inputs": spec.inputs,
        "the targets": spec.targets,
        "the held-out inputs": held and held.inputs,
        "the held-out targets": held and held.targets,
    }
    return {name: _matrix(m, spec) if m else NONE for name, m in matrices.items()}


def _loss(loss: Loss) -> tuple[Any, ...]:
    return loss.name, "averaged" if loss.mean else "summed", loss.parameters


def _optimizer(optimizer: Optimizer) -> tuple[Any, ...]:
    constants = {"learning rate": optimizer.learning_rate} | optimizer.constants
    return optimizer.name, optimizer.form, constants


def _updates(spec: Spec) -> str:
    if spec.batch_size is None:
        return "all samples at once"
    order = f"shuffled by the seed {spec.seed or 0}" if spec.shuffle else "in order"
    return f"batches of {spec.batch_size} {order}"


# --- words


def _words(value: Any) -> str:
    """A setting on one line; what is empty is left out."""
    if isinstance(value, Number):
        return value.text if "/" in value.text else repr(float(value))
    if isinstance(value, msgspec.Struct):
        return _words({name: getattr(value, name) for name in value.__struct_fields__})
    if isinstance(value, Mapping):
        said = {key: _words(each) for key, each in value.items() if each is not None}
        return ", ".join(f"{key} {words}" for key, words in said.items() if words)
    if isinstance(value, (tuple, list)):
        return ", ".join(filter(None, (_words(each) for each in value if each is not None)))
    return NONE if value is None else str(value)


def _matrix(matrix: Matrix, spec: Spec) -> str:
    """The shape, and a digest of the numbers; of the texts where fractions are worked from them."""
    rows, columns = matrix.shape
    digest = sha256()
    for block in _blocks(matrix.values):
        digest.update(block.data)
    if spec.arithmetic.has_fractions and matrix.written is not None:
        digest.update(repr(matrix.written).encode())
    return f"{rows} × {columns}{DIGEST}{digest.hexdigest()[:DIGEST_LENGTH]}"


def _blocks(values: NDArray[Any]) -> Iterable[NDArray[Any]]:
    """The rows, some at a time, so that no second copy of large data is made."""
    step = max(1, BLOCK // max(1, values.itemsize * values.shape[1]))
    for start in range(0, len(values), step):
        yield np.ascontiguousarray(values[start : start + step])
