"""Which mistakes the numbers of an exercise could not reveal, so that a teacher can mend them."""

from __future__ import annotations

import msgspec
import numpy as np

from backtrace.check.judge.exercise import Exercise, Key
from backtrace.check.judge.sheet import Sheet
from backtrace.check.judge.workings import Working
from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.check.mistakes.rewrites import Wrong
from backtrace.check.model import Answers
from backtrace.check.rules.intervals import Floats, hull
from backtrace.functions.formula import Sentence, Symbol
from backtrace.spec.ids import id_of
from backtrace.spec.model import Spec


class Hidden(msgspec.Struct, frozen=True):
    """A mistake that changes nothing at one step: ``reason`` is what in the numbers hides it."""

    code: str
    id: str
    reason: Sentence


class Revealing(msgspec.Struct, frozen=True):
    """What an exercise shows: ``revealed`` (code → ids where it makes a difference), ``hidden``
    (code and id where it makes none), ``absent`` (codes with no place in this exercise), and
    ``alike`` (id, codes that give the very same numbers there)."""

    revealed: dict[str, tuple[str, ...]]
    hidden: tuple[Hidden, ...]
    absent: tuple[str, ...]
    alike: tuple[tuple[str, tuple[str, ...]], ...]


def revealing(spec: Spec) -> Revealing:
    """Replays every mistake of the catalogue on the exact numbers of the spec's first update."""
    exercise = Exercise(spec)
    sheet = Sheet(exercise, Answers("", "", ()), Working())
    revealed: dict[str, list[str]] = {}
    hidden: list[Hidden] = []
    alike: list[tuple[str, tuple[str, ...]]] = []
    for place in exercise.steps:
        if place[:2] != (1, 1) or exercise.is_given(place):
            continue
        differing = _at(place, exercise, sheet, revealed, hidden)
        alike += [(place[2], codes) for codes in _groups(differing)]
    possible = {*revealed, *(each.code for each in hidden)}
    replayed = [code for code, row in CATALOGUE.items() if row.has_rule]
    absent = tuple(code for code in replayed if code not in possible)
    return Revealing(
        {k: tuple(v) for k, v in revealed.items()}, tuple(hidden), absent, tuple(alike)
    )


def _at(
    place: Key,
    exercise: Exercise,
    sheet: Sheet,
    revealed: dict[str, list[str]],
    hidden: list[Hidden],
) -> list[tuple[str, Floats]]:
    """Sorts the mistakes of one step; returns the values of those that make a difference."""
    right = exercise.values[place]
    tolerance = 0.5 * 10.0**-exercise.spec.decimals
    differing = []
    seen: dict[str, bool] = {}
    for wrong in exercise.wrongs(place):
        value = _replayed(place, wrong, sheet)
        if value is None or value.shape != right.shape:
            continue
        differs = not bool((np.abs(value - right) < tolerance).all())
        seen[wrong.code] = seen.get(wrong.code, False) or differs
        if differs:
            differing.append((wrong.code, value))
    for code, differs in seen.items():
        if differs:
            revealed.setdefault(code, []).append(place[2])
        else:
            hidden.append(Hidden(code, place[2], _reason(code, place, exercise)))
    return differing


def _replayed(place: Key, wrong: Wrong, sheet: Sheet) -> Floats | None:
    try:
        with np.errstate(all="ignore"):
            box = hull(sheet.replay(0.0, {place: wrong}).of(place))
    except (ValueError, KeyError):  # operands whose shapes do not meet
        return None
    middle: Floats = (box.lo[0] + box.hi[0]) / 2
    return middle


def _groups(
    differing: list[tuple[str, Floats]],
) -> list[tuple[str, ...]]:
    """Codes whose wrong values coincide."""
    groups: list[tuple[Floats, dict[str, None]]] = []
    for code, value in differing:
        for known, codes in groups:
            if np.allclose(known, value, rtol=1e-9, atol=1e-12):
                codes[code] = None
                break
        else:
            groups.append((value, {code: None}))
    return [tuple(codes) for _, codes in groups if len(codes) > 1]


def _reason(code: str, place: Key, exercise: Exercise) -> Sentence:
    """What in the numbers of a step hides a mistake."""
    epoch, batch, _ = place
    step, context = exercise.steps[place], exercise.contexts[epoch, batch]
    operands = {id: exercise.values[epoch, batch, id] for id in step.operands}
    weights = next((id for id in operands if context.is_weight(id)), "")
    if code == "weights-not-transposed" and weights:
        w = operands[weights]
        if w.shape[0] == w.shape[1] and np.allclose(w, w.T):
            return (Symbol(weights), " is symmetric")
    if code == "transposed":
        return (Symbol(step.id), " is the same when transposed")
    if code in ("relu-mask-ignored", "activation-omitted") and step.layer:
        z = id_of("preactivation", step.layer)
        if (exercise.values[epoch, batch, z] > 0).all():
            return ("every entry of ", Symbol(z), " is positive: no unit is off")
    if code in ("updated-weights-used", "old-weights-used"):
        whose = Symbol(context.steps[weights].of or weights)
        return ("the update changes ", whose, " too little to show")
    if not exercise.values[place].any():
        return (Symbol(step.id), " is all 0")
    for id, value in operands.items():
        if not value.any():
            return (Symbol(id), " is all 0")
        if (value == 1).all():
            return ("every entry of ", Symbol(id), " is 1")
    if code in ("learning-rate-omitted",) and float(step.parameters["rate"]) == 1:
        return ("the learning rate is 1",)
    return ("the wrong rule gives the same numbers here",)
