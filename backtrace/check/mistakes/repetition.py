"""The same misconception at another place of a sheet: one mistake, said once and charged once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.check.model import Explanation, Judged
from backtrace.spec import ids

Kind: TypeAlias = tuple[object, ...]

UNWORKED = {"update-omitted"}  # what takes no work is charged wherever it is
GRADIENTS = {"data_gradient": "gradient"}  # with a penalty or without, of weights or of biases


def repeating(
    explanations: Sequence[Explanation], earlier: Iterable[Judged]
) -> tuple[list[Explanation], str | None]:
    """The explanations, those first that are an earlier mistake in the same place of another layer
    or parameter; and the name of the quantity in which the likeliest was made before."""
    made = {
        kind_of(explanation): judged.name
        for judged in reversed(list(earlier))
        for explanation in judged.explanations[:1]
    }
    ordered = sorted(explanations, key=lambda each: kind_of(each) not in made)
    is_again = bool(ordered) and _can_repeat(ordered[0])
    return ordered, made.get(kind_of(ordered[0])) if is_again else None


def made_before(earlier: Iterable[Judged]) -> set[Kind]:
    """The mistakes that may have been made in the earlier quantities, and may be again."""
    explanations = (each for judged in earlier for each in judged.explanations)
    return {kind_of(each) for each in explanations if _can_repeat(each)}


def likelier_together(quantities: Sequence[Judged]) -> tuple[Judged, ...]:
    """The quantities, of whose tied explanations one that explains another line as well, further
    up or down, is the likelier and stands alone; each after the first says where that was made."""
    lines = Counter(kind for judged in quantities for kind in made_before((judged,)))
    made: dict[Kind, str] = {}
    found: list[Judged] = []
    for judged in quantities:
        shared = tuple(each for each in judged.explanations if lines[kind_of(each)] > 1)
        if len(judged.explanations) > 1 and shared:
            repeated = made.get(kind_of(shared[0]))
            found.append(msgspec.structs.replace(judged, explanations=shared, repeated=repeated))
        else:
            found.append(judged)
        for each in shared[:1]:
            made.setdefault(kind_of(each), judged.name)
    return tuple(found)


def _can_repeat(explanation: Explanation) -> bool:
    return all(CATALOGUE[code].has_rule and code not in UNWORKED for code in explanation.codes)


def kind_of(explanation: Explanation) -> Kind:
    """The rules with the roles of the steps where they were used, and what was taken for what
    where that is no other quantity."""
    said = tuple(part for part in explanation.detail if isinstance(part, str))
    return (tuple((code, _role(id)) for code, id in explanation.mistakes), said)


def _role(id: str) -> str:
    named = ids.parse(id)
    return id if named is None else GRADIENTS.get(named.role, named.role)
