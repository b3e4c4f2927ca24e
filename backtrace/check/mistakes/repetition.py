"""The same misconception at another place of a sheet: one mistake, said once and charged once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.check.model import Explanation, Judged
from backtrace.spec import ids

UNWORKED = {"update-omitted"}  # what takes no work is charged wherever it is
GRADIENTS = {"data_gradient": "gradient"}  # with a penalty or without, of weights or of biases


def repeating(
    explanations: Sequence[Explanation], earlier: Iterable[Judged]
) -> tuple[list[Explanation], str | None]:
    """The explanations, those first that are an earlier mistake in the same place of another layer
    or parameter; and the name of the quantity in which the likeliest was made before."""
    made = {
        kind: judged.name
        for judged in reversed(list(earlier))
        for explanation in judged.explanations[:1]
        for kind in [_kind(explanation)]
    }
    ordered = sorted(explanations, key=lambda each: _kind(each) not in made)
    return ordered, made.get(_kind(ordered[0])) if ordered and _can_repeat(ordered[0]) else None


def _can_repeat(explanation: Explanation) -> bool:
    return all(CATALOGUE[code].has_rule and code not in UNWORKED for code in explanation.codes)


def _kind(explanation: Explanation) -> tuple[object, ...]:
    """The rules with the roles of the steps where they were used, and what was taken for what
    where that is no other quantity."""
    said = tuple(part for part in explanation.detail if isinstance(part, str))
    return (tuple((code, _role(id)) for code, id in explanation.mistakes), said)


def _role(id: str) -> str:
    named = ids.parse(id)
    return id if named is None else GRADIENTS.get(named.role, named.role)
