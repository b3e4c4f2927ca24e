"""The other conventions that a whole sheet may have been worked in: where the 1/n enters, the sign.

What differs in another convention comes back to the same numbers further on: the 1/n in the
gradients, the sign in the step. A sheet of that convention has both, the others and the same; who
only left out the 1/n or lost a sign has nothing that comes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from backtrace.check.model import STANDING, Explanation, Judged, Report, Verdict
from backtrace.check.policy import score
from backtrace.check.rules.intervals import Floats, negated
from backtrace.check.sheets.exercise import Key
from backtrace.check.sheets.sheet import Sheet
from backtrace.check.sheets.workings import accused_places, is_far_less
from backtrace.spec.model import Marks, Spec


def other_conventions(spec: Spec) -> Iterator[tuple[dict[str, str], Spec]]:
    """What is said of each, and the exercise in it; a line of equations says it all itself."""
    if spec.equations is not None:
        return
    own = spec.conventions
    mean_in = {"mean_in": "delta" if own.mean_in == "gradient" else "gradient"}
    sign = {"sign": "descent" if own.sign == "gradient" else "gradient"}
    for said in (mean_in, sign, {**mean_in, **sign}):
        conventions = msgspec.structs.replace(own, **said)
        yield said, msgspec.structs.replace(spec, conventions=conventions)


def differing(values: Mapping[Key, Floats], other: Mapping[Key, Floats]) -> set[Key]:
    """Which quantities have another value in the other convention."""
    return {at for at, value in values.items() if not np.allclose(value, other[at], 1e-9, 1e-12)}


def is_worked_so(usual: tuple[Judged, ...], found: Sheet, differing: set[Key]) -> bool:
    """Whether a sheet, judged in both conventions, was worked in the other one, in which nothing
    else is wrong, or nothing but the sign of a line."""
    left = accused_places(found.quantities)
    cleared = accused_places(usual) - left
    fitting = cleared | {
        at for at in left & differing & found.boxes.keys() if _is_negative(found, at)
    }
    changed = fitting & differing
    return bool(changed) and changed < fitting and is_far_less(usual, found.quantities)


def as_mistake(report: Report, policy: Marks | None, codes: list[str], places: set[Key]) -> Report:
    """A report on a sheet of another convention, for a course that insists on its own: what that
    changes in these ``places`` is wrong, one mistake, charged where it first shows."""
    first: str | None = None
    quantities: list[Judged] = []
    for each in report.quantities:
        changed = (each.epoch, each.batch, each.id) in places and each.verdict in STANDING
        quantities.append(_refused(each, codes, first) if changed else each)
        first = first or (each.name if changed else None)
    judged = tuple(quantities)
    return msgspec.structs.replace(report, quantities=judged, score=score(judged, policy))


def codes_of(said: Mapping[str, str], own: Spec) -> list[str]:
    """The mistakes that another convention is where a course insists on its ``own``."""
    mean = "mean-omitted" if own.conventions.mean_in == "delta" else "mean-twice"
    return [{"mean_in": mean, "sign": "sign-flipped"}[name] for name in said]


def _refused(judged: Judged, codes: list[str], first: str | None) -> Judged:
    names: dict[Verdict, Verdict] = dict.fromkeys(STANDING, "wrong")
    return msgspec.structs.replace(
        judged,
        verdict="wrong",
        entries=tuple(tuple(names.get(v, v) for v in line) for line in judged.entries),
        explanations=(Explanation(tuple((code, judged.id) for code in codes)),),
        root=None,
        earned=0.0 if first is None else judged.earned,
        spared=0.0 if first is None else judged.earned,
        repeated=first,
    )


def _is_negative(sheet: Sheet, place: Key) -> bool:
    return bool(sheet.numbers[place].meets(negated(sheet.box(place))).all())
