"""Layers that a sheet does not count from 1: from 0, as programs do, or the input as layer 1."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from backtrace.check.answers.names import Reader, Reference, taken_apart
from backtrace.spec.ids import Role
from backtrace.spec.names import ascii_of
from backtrace.spec.wording import cited

_NUMBERED = re.compile(r"(\D*)(\d{1,6})(\D*)")

SUMS: Final = frozenset[Role](("product", "preactivation", "slope", "delta"))
ACTIVATIONS: Final = frozenset[Role](("inputs", "activation", "activation_gradient"))
PARAMETERS: Final = frozenset[Role](
    (
        *("weight", "bias", "learned_slope", "data_gradient", "gradient", "clipped_gradient"),
        *("state_before", "state", "corrected_state", "step", "updated"),
    )
)


def counted_otherwise(reader: Reader, names: Collection[str]) -> tuple[str, dict[str, Reference]]:
    """What is said of a sheet whose first layer has the number 0 or 2, and what its names mean
    then; nothing where it is 1.

    Weighted sums, activations and parameters are each counted by themselves (Θ⁽¹⁾ leads to z⁽²⁾ in
    many courses): otherwise where there is a number that no layer has, and none that no layer would
    have.
    """
    if not all(map(reader.find, names)):
        for first in (0, 2):
            found = _counted_from(first, reader, names)
            if found:
                name, read = next(iter(found.items()))
                meant = f"{cited(name)} is read as {read.quantity.name}"
                return f"the first layer is counted as {first} here: {meant}", found
    return "", {}


def _counted_from(first: int, reader: Reader, names: Collection[str]) -> dict[str, Reference]:
    only_there, only_here = (0, reader.last) if first == 0 else (reader.last + 1, 1)
    there = {name: read for name in names if (read := _meant(reader, name, 1 - first))}
    here = {name: read for name in names if (read := _meant(reader, name, 0))}
    counted = [
        roles
        for roles in (SUMS, PARAMETERS, ACTIVATIONS)
        if _has(only_there, there, roles)
        and not _has(0 if roles is ACTIVATIONS and first == 2 else only_here, here, roles)
    ]
    if first == 0 and SUMS not in counted:  # a0 is x
        counted = [roles for roles in counted if roles is not ACTIVATIONS]
    return {
        name: found
        for name, (_, found) in there.items()
        if any(found.quantity.role in roles for roles in counted)
    }


def _has(number: int, names: dict[str, tuple[int, Reference]], roles: frozenset[Role]) -> bool:
    return any(n == number and found.quantity.role in roles for n, found in names.values())


def _meant(reader: Reader, name: str, further: int) -> tuple[int, Reference] | None:
    """The number of the layer in a name, and what the name means if that is so much further."""
    name = ascii_of(name)
    for base, *_ in taken_apart(name):
        parts = _NUMBERED.fullmatch(base)
        number = int(parts[2]) if parts else -1
        if parts is None or not 0 <= number + further <= reader.last:
            continue
        found = reader.find(f"{parts[1]}{number + further}{parts[3]}{name[len(base) :]}")
        if found is not None and (found.quantity.layer or 0) == number + further:
            return number, found
    return None
