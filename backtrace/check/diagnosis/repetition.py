"""The same misconception at another place of a sheet: one mistake, said once and charged once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.check.model import Explanation, Judged
from backtrace.spec import ids

Kind: TypeAlias = tuple[object, ...]

UNWORKED = {"update-omitted"}  # what takes no work is charged wherever it is, but of biases alone
OF_NO_FUNCTION = dict.fromkeys(
    ("activation-omitted", "activation-derivative-omitted", "relu-mask-ignored"), "linear"
)  # of whoever takes a layer for linear
OF_ONE_SAMPLE = "batch-not-summed"
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
        for kind in kinds_of(explanation)
    }
    ordered = sorted(explanations, key=lambda each: made.keys().isdisjoint(kinds_of(each)))
    is_again = bool(ordered) and _can_repeat(ordered[0])
    return ordered, _where(ordered[0], made) if is_again else None


def made_before(earlier: Iterable[Judged], works: bool = False) -> set[Kind]:
    """The mistakes that may have been made in the earlier quantities, and may be again; ``works``:
    by somebody who updates all weights."""
    explanations = (each for judged in earlier for each in judged.explanations)
    can_repeat = (each for each in explanations if _can_repeat(each, works))
    return {kind for each in can_repeat for kind in kinds_of(each)}


def likelier_together(quantities: Sequence[Judged]) -> tuple[Judged, ...]:
    """The quantities, each with those of its tied explanations that explain most of the lines that
    several have in common; each after the first says where the same mistake was made."""
    works = _updates_all_weights(quantities)
    lines = Counter(kind for judged in quantities for kind in made_before((judged,), works))
    made: dict[Kind, str] = {}
    found: list[Judged] = []
    for judged in quantities:
        most = max((lines[kind_of(each)] for each in judged.explanations), default=0)
        kept = tuple(
            each for each in judged.explanations if most < 2 or lines[kind_of(each)] == most
        )
        repeats = bool(kept) and _can_repeat(kept[0], works)
        same = _where(kept[0], made) if repeats else None
        for kind in kinds_of(kept[0]) if repeats else ():
            made.setdefault(kind, same or judged.name)
        found.append(msgspec.structs.replace(judged, explanations=kept, repeated=same))
    return tuple(found)


def _can_repeat(explanation: Explanation, works: bool = False) -> bool:
    kinds = explanation.codes
    return all(CATALOGUE[code].has_rule and (works or code not in UNWORKED) for code in kinds)


def _updates_all_weights(quantities: Sequence[Judged]) -> bool:
    """Whether some weights were updated, and none left as they were: who leaves the biases then
    does so everywhere by one mistake."""
    weights = [judged for judged in quantities if _is_new_weight(judged.id)]
    return bool(weights) and all(UNWORKED.isdisjoint(judged.mistakes) for judged in weights)


def _is_new_weight(id: str) -> bool:
    named = ids.parse(id)
    of = None if named is None or named.role != "updated" else ids.parse(named.of)
    return of is not None and of.role == "weight"


def _where(explanation: Explanation, made: Mapping[Kind, str]) -> str | None:
    """The quantity in which the same mistake was made before."""
    return next((made[kind] for kind in kinds_of(explanation) if kind in made), None)


def kinds_of(explanation: Explanation) -> Iterator[Kind]:
    """As what a mistake is known again: its kind, and the function that a layer was taken to have,
    going forward and back."""
    yield kind_of(explanation)
    if len(explanation.mistakes) == 1:
        code, id = explanation.mistakes[0]
        named = ids.parse(id)
        taken_for = explanation.detail if code == "wrong-activation" else OF_NO_FUNCTION.get(code)
        if named is not None and taken_for is not None:
            yield ("taken for", taken_for, named.layer)


def kind_of(explanation: Explanation) -> Kind:
    """The rules with the roles of the steps where they were used, and what was taken for what
    where that is no other quantity."""
    said = tuple(part for part in explanation.detail if isinstance(part, str))
    if explanation.codes == (OF_ONE_SAMPLE,):
        said = ()  # several samples may fit, and another one somewhere else
    rules = dict.fromkeys((code, _role(id)) for code, id in explanation.mistakes)
    return (tuple(rules), said)


def _role(id: str) -> str:
    """What a step is in its layer; on a board a rule is a rule in whichever line, and another time
    step's is another line."""
    named = ids.parse(id)
    return "" if named is None else GRADIENTS.get(named.role, named.role)
