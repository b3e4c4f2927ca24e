"""Layers that a sheet counts from 0, as programs do: its z0 is z1."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from backtrace.check.answers.names import Reader, Reference, taken_apart
from backtrace.spec.ids import Role
from backtrace.spec.names import ascii_of

_NUMBERED = re.compile(r"(\D*)(\d{1,6})(\D*)")

SUMS: Final = frozenset[Role](("product", "preactivation", "slope", "delta"))
ACTIVATIONS: Final = frozenset[Role](("activation", "activation_gradient"))
PARAMETERS: Final = frozenset[Role](
    (
        *("weight", "bias", "learned_slope", "data_gradient", "gradient", "clipped_gradient"),
        *("state_before", "state", "corrected_state", "step", "updated"),
    )
)


def counted_from_zero(reader: Reader, names: Collection[str]) -> dict[str, Reference]:
    """What the names mean that count a layer from 0; empty where a sheet counts them from 1.

    Weighted sums and parameters are each counted by themselves (z1 = W0·x is seen, too): from 0
    where the sheet has a number 0, and not the last layer's. Activations, whose a0 is x where they
    are counted from 1, are only with the sums.
    """
    if all(map(reader.find, names)):
        return {}
    later = {name: found for name in names if (found := _a_layer_later(reader, name))}
    counted = {
        roles
        for roles in (SUMS, PARAMETERS, ACTIVATIONS)
        if any(number == 0 and found.quantity.role in roles for number, found in later.values())
        and not any(_is_last(reader, name, roles) for name in names)
    }
    if SUMS not in counted:
        counted -= {ACTIVATIONS}
    return {
        name: found
        for name, (_, found) in later.items()
        if any(found.quantity.role in roles for roles in counted)
    }


def _a_layer_later(reader: Reader, name: str) -> tuple[int, Reference] | None:
    """The number of the layer in a name, and what the name would mean of the layer after it."""
    name = ascii_of(name)
    for base, *_ in taken_apart(name):
        parts = _NUMBERED.fullmatch(base)
        number = int(parts[2]) if parts else reader.last
        if parts is None or number >= reader.last:
            continue
        found = reader.find(f"{parts[1]}{number + 1}{parts[3]}{name[len(base) :]}")
        if found is not None and found.quantity.layer == number + 1:
            return number, found
    return None


def _is_last(reader: Reader, name: str, roles: frozenset[Role]) -> bool:
    found = reader.find(name)
    quantity = found.quantity if found is not None else None
    return quantity is not None and quantity.role in roles and quantity.layer == reader.last
