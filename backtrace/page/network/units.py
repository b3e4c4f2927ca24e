"""One sample's way through a network as units with their numbers, and edges with theirs."""

from __future__ import annotations

import msgspec


class LabelledNumber(msgspec.Struct, frozen=True):
    """A number and the symbol of what it is: δ₂, 1.7."""

    symbol: str
    number: str


class Unit(msgspec.Struct, frozen=True):
    """A unit: ``place`` is its number in its layer, from 1; what it does not have is None.

    ``parameters`` are its bias and what its activation learns, each with its gradient. ``off``:
    nothing goes back through it, its activation is level there. ``weights`` are those of all that
    lead to it, ``gradients`` theirs, each beside the largest of its layer, from −1 to 1.
    """

    place: int
    value: str
    z: LabelledNumber | None = None
    delta: LabelledNumber | None = None
    parameters: tuple[tuple[LabelledNumber | None, LabelledNumber | None], ...] = ()
    off: bool = False
    weights: tuple[float, ...] = ()
    gradients: tuple[float, ...] = ()


class Edge(msgspec.Struct, frozen=True):
    """From a unit to one of the next column; places among those shown, from 0.

    ``forward`` and ``backward`` are what goes along it each way, ``weight`` is the weight beside
    the largest of its layer, from −1 to 1.
    """

    source: int
    target: int
    forward: str
    backward: str
    weight: float


class LayerColumn(msgspec.Struct, frozen=True):
    """The units of a layer that are shown, and the edges that lead to them.

    ``layer`` is 0 of the inputs, None of the loss.
    """

    layer: int | None
    heading: str
    symbol: str
    size: int
    units: tuple[Unit, ...]
    edges: tuple[Edge, ...] = ()


class Network(msgspec.Struct, frozen=True):
    """``about`` says which sample and update; ``forward`` and ``backward`` what stands where;
    ``told`` is the result in words, for who can't see it."""

    columns: tuple[LayerColumn, ...]
    about: str
    forward: str
    backward: str
    told: str
