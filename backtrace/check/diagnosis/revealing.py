"""Which mistakes the numbers of an exercise could not reveal, so that a teacher can mend them."""

from __future__ import annotations

import msgspec
import numpy as np

from backtrace.check.diagnosis.hiding import Hiding, differs_at, hiding
from backtrace.check.diagnosis.rule_search import OF_MANY_KINDS
from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.check.mistakes.rewrites import Wrong
from backtrace.check.model import Answers
from backtrace.check.rules.intervals import Floats, hull
from backtrace.check.sheets.exercise import Exercise, Key
from backtrace.check.sheets.sheet import Page, Sheet
from backtrace.check.sheets.workings import Working
from backtrace.spec.model import Spec
from backtrace.tape.compile import compile_update
from backtrace.tape.writer import TapeError

SAME, TINY = 1e-9, 1e-12  # of two wrong values that are one
MOST_STEPS = 1_000  # of an update
OF_SEVERAL_SAMPLES = {"mean-omitted", "mean-twice", "batch-not-summed", "summed-wrong-axis"}


class Hidden(msgspec.Struct, frozen=True):
    """A mistake at one step that changes nothing of what answers show, and what hides it."""

    code: str
    id: str
    by: Hiding


class Revealing(msgspec.Struct, frozen=True):
    """What an exercise shows: ``revealed`` (code → ids where it makes a difference), ``hidden``
    (code and id where it makes none), ``absent`` (codes with no place in this exercise), of which
    ``of_several`` have one where there are several samples, and ``alike`` (id, codes that give the
    very same numbers there)."""

    revealed: dict[str, tuple[str, ...]]
    hidden: tuple[Hidden, ...]
    absent: tuple[str, ...]
    alike: tuple[tuple[str, tuple[str, ...]], ...]
    of_several: tuple[str, ...] = ()


def revealing(spec: Spec) -> Revealing:
    """Replays every mistake of the catalogue on the exact numbers of the spec's first update, and
    looks at what is asked for, or else at the step itself, to the digits that answers have.

    Raises TapeError where the spec has too many steps for that.
    """
    steps = len(compile_update(spec, spec.batch_samples(1)))
    if steps > MOST_STEPS:
        raise TapeError(
            f"an update has {steps:,} steps, at each of which every mistake would be tried: at "
            f"most {MOST_STEPS:,}. Take fewer layers; `backtrace check` goes on beyond.",
            "E225",
        )
    exercise = Exercise(spec)
    sheet = Sheet(exercise, Page(Answers("", "", ()), exercise), Working())
    revealed: dict[str, list[str]] = {}
    hidden: list[Hidden] = []
    alike: list[tuple[str, tuple[str, ...]]] = []
    for place in exercise.steps:
        shown = _shown(place, exercise)
        if place[:2] != (1, 1) or exercise.is_given(place) or not shown:
            continue
        differing = _at(place, shown, sheet, revealed, hidden)
        alike += [(place[2], codes) for codes in _groups(differing)]
    possible = {*revealed, *(each.code for each in hidden)}
    replayed = [code for code, row in CATALOGUE.items() if row.has_rule]
    absent = tuple(code for code in replayed if code not in possible)
    single = exercise.contexts[1, 1].samples == 1
    return Revealing(
        {k: tuple(v) for k, v in revealed.items()},
        tuple(hidden),
        absent,
        tuple(alike),
        tuple(code for code in absent if single and code in OF_SEVERAL_SAMPLES),
    )


def _shown(place: Key, exercise: Exercise) -> list[Key]:
    """Where a mistake at a step would have to show: there, or in what is asked for that rests on
    it."""
    if not exercise.spec.ask:
        return [place]
    asked = (at for at, step in exercise.steps.items() if str(step.at) in exercise.spec.ask)
    return [at for at in asked if place in exercise.lines_before(at, lambda source: False)]


def _at(
    place: Key,
    shown: list[Key],
    sheet: Sheet,
    revealed: dict[str, list[str]],
    hidden: list[Hidden],
) -> list[tuple[str, Floats]]:
    """Sorts the mistakes of one step; returns the values of those that make a difference."""
    exercise = sheet.exercise
    differing = []
    seen: dict[str, bool] = {}
    for wrong in exercise.wrongs(place):
        values = [replayed(at, place, wrong, sheet) for at in shown]
        pairs = [(at, value) for at, value in zip(shown, values, strict=True) if value is not None]
        if not any(value.shape == exercise.values[at].shape for at, value in pairs):
            continue
        differs = any(differs_at(value, exercise, at) for at, value in pairs)
        seen[wrong.code] = seen.get(wrong.code, False) or differs
        if differs and wrong.code not in OF_MANY_KINDS:
            differing.append((wrong.code, pairs[0][1]))
    for code, differs in seen.items():
        if differs:
            revealed.setdefault(code, []).append(place[2])
        else:
            hidden.append(Hidden(code, place[2], hiding(code, place, exercise)))
    return differing


def replayed(at: Key, place: Key, wrong: Wrong, sheet: Sheet) -> Floats | None:
    """What a quantity is with a wrong rule at one place."""
    try:
        with np.errstate(all="ignore"):
            box = hull(sheet.replay(0.0, {place: wrong}).of(at))
            middle: Floats = (box.lo[0] + box.hi[0]) / 2
    except (ValueError, KeyError):  # operands whose shapes do not meet
        return None
    return middle


def _same(one: Floats, other: Floats) -> bool:
    """As NumPy's allclose has it, which takes ten times as long for a few numbers."""
    if one.shape != other.shape:
        return False
    with np.errstate(invalid="ignore"):
        near = np.abs(one - other) <= SAME * np.abs(other) + TINY
    return bool((near | (one == other)).all())


def _groups(
    differing: list[tuple[str, Floats]],
) -> list[tuple[str, ...]]:
    """Codes whose wrong values coincide."""
    groups: list[tuple[Floats, dict[str, None]]] = []
    for code, value in differing:
        for known, codes in groups:
            if _same(known, value):
                codes[code] = None
                break
        else:
            groups.append((value, {code: None}))
    return [tuple(codes) for _, codes in groups if len(codes) > 1]
