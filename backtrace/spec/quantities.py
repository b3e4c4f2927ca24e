"""Which quantities a trace of a spec can have: their ids and their shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec.model import Optimizer, Spec
from backtrace.spec.read.parameters import parameters
from backtrace.spec.read.shape_errors import oriented

Shape: TypeAlias = tuple[int, int]
Kind: TypeAlias = Literal["units", "activation", "slopes", "parameter", "number"]


class Network(msgspec.Struct, frozen=True):
    """What of a spec decides which quantities there are, known before the shapes are settled.

    ``parameters`` are the ids of those that stand for themselves: W1, b1, ….
    """

    layers: int
    parameters: tuple[str, ...]
    targets: bool
    loss: bool
    optimizer: Optimizer | None


class Quantity(msgspec.Struct, frozen=True):
    """An id, and of what kind its shape is: that of a ``layer`` (0: the inputs) or a parameter."""

    id: str
    kind: Kind
    layer: int = 0
    parameter: str = ""


def quantities(network: Network) -> Iterator[Quantity]:
    """Every quantity that a trace can have, in the order of the work."""
    numbers = range(1, network.layers + 1)
    yield Quantity("a0", "activation")
    for number in numbers:
        yield from (Quantity(f"{id}{number}", "units", number) for id in ("product", "z"))
        yield Quantity(f"a{number}", "activation", number)
    yield from _like_parameters(("{}",), network.parameters)
    if network.targets:
        yield Quantity("y", "units", network.layers)
    if not network.loss:
        return
    yield from (Quantity(id, "units", network.layers) for id in ("error", "loss_terms"))
    yield from (Quantity(id, "number") for id in ("loss", "data_loss", "penalty"))
    yield Quantity("da0", "units")
    for number in numbers:
        yield from (Quantity(f"{id}{number}", "units", number) for id in ("da", "delta"))
        yield Quantity(f"g{number}", "slopes", number)
    yield from _like_parameters(("d{}", "data_d{}"), network.parameters)
    if network.optimizer is not None:
        yield Quantity("loss_after", "number")
        yield from _like_parameters(_update_ids(network.optimizer), network.parameters)


def shapes(spec: Spec, batch: int) -> Iterator[tuple[str, Shape]]:
    """Every id that a trace of the spec can have, and its shape in that batch (1 × 1: a scalar)."""
    samples = spec.batch_samples(batch)
    matrices = parameters(spec)
    for quantity in quantities(_network(spec, tuple(matrices))):
        if quantity.kind == "parameter":
            yield quantity.id, matrices[quantity.parameter].shape
        else:
            yield quantity.id, _SHAPES[quantity.kind](spec, samples, quantity.layer)


def _network(spec: Spec, ids: tuple[str, ...]) -> Network:
    targets, loss = spec.targets is not None, spec.loss is not None
    return Network(len(spec.layers), ids, targets, loss, spec.optimizer)


def _like_parameters(patterns: Iterable[str], ids: tuple[str, ...]) -> Iterator[Quantity]:
    """Quantities of a parameter's own shape; ``{}`` stands for its id."""
    for pattern in patterns:
        yield from (Quantity(pattern.format(id), "parameter", parameter=id) for id in ids)


def _update_ids(optimizer: Optimizer) -> Iterator[str]:
    """The states that an update starts from, and its lines."""
    row = OPTIMIZERS[optimizer.name]
    yield from (f"{state}{{}}_old" for state in row.states)
    yield from (line.id for line in row.lines[optimizer.form or next(iter(row.lines))])


# --- shapes


def _of_units(spec: Spec, samples: int, layer: int) -> Shape:
    return oriented(spec.conventions, (samples, _width(spec, layer)))


def _of_activation(spec: Spec, samples: int, layer: int) -> Shape:
    """With the 1 that it carries for a bias inside the next weights."""
    inside = layer < len(spec.layers) and spec.layers[layer].bias.kind in ("first", "last")
    return oriented(spec.conventions, (samples, _width(spec, layer) + inside))


def _of_slopes(spec: Spec, samples: int, layer: int) -> Shape:
    """A softmax has a square of them a sample."""
    width = _width(spec, layer)
    stacked = width if spec.layers[layer - 1].activation.name == "softmax" else 1
    return oriented(spec.conventions, (samples * stacked, width))


def _width(spec: Spec, layer: int) -> int:
    return spec.layers[layer - 1].units if layer else spec.layers[0].inputs


_SHAPES: dict[Kind, Callable[[Spec, int, int], Shape]] = {
    "units": _of_units,
    "activation": _of_activation,
    "slopes": _of_slopes,
    "number": lambda spec, samples, layer: (1, 1),
}
