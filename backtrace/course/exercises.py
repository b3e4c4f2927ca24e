"""Fresh exercises of a template: many are drawn, the most pleasant is kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from backtrace.check.mistakes.revealing import revealing
from backtrace.course.drawing import changed, drawn
from backtrace.course.pleasantness import Pleasantness, pleasantness
from backtrace.course.template import Template
from backtrace.spec.document.problems import SpecError
from backtrace.spec.model import Spec
from backtrace.tape.loading import loads
from backtrace.tape.run import trace

DRAWN, CHANGED = 24, 60  # drafts that are worked for one exercise: at first, and with one change
LOOKED_INTO = 3  # of the most pleasant of them mistakes are replayed
SPARE = 1.3  # times as many variants are made as are kept


class Draft(msgspec.Struct, frozen=True):
    """An exercise: its text, what that says, how pleasant it is."""

    text: str
    spec: Spec
    pleasantness: Pleasantness

    @property
    def cost(self) -> float:
        return self.pleasantness.cost

    def titled(self, title: str) -> Draft:
        """The same under another title."""
        _, _, rest = self.text.partition("\n")
        spec = msgspec.structs.replace(self.spec, title=title)
        return msgspec.structs.replace(self, text=f"title: {title}\n{rest}", spec=spec)


def fresh(template: Template, title: str, seed: Sequence[int], folder: Path = Path()) -> Draft:
    """The most pleasant of many drafts with the numbers of a seed: some are drawn, and the best is
    changed, one number at a time, as long as that makes it better.

    Raises SpecError, that of the first, where no draft is a spec.
    """
    desk = _Desk(template, title, folder, np.random.default_rng([*seed]))
    drafts = sorted(desk.drafts(), key=lambda each: each.cost)
    if not drafts:
        loads(template.written(desk.drawn(), title), "the exercise", folder=folder)
    return min(map(_looked_into, drafts[:LOOKED_INTO]), key=lambda each: each.cost)


def variants(
    template: Template, title: str, seed: int, count: int, folder: Path = Path()
) -> list[Draft]:
    """So many exercises, no two alike, about as difficult: each the most pleasant of its seed, and
    of some more than are needed those that lie closest to their median."""
    found: dict[str, Draft] = {}
    for number in range(math.ceil(SPARE * count)):
        draft = fresh(template, title, (seed, number), folder)
        found.setdefault(draft.text, draft)
    drafts = list(found.values())
    middle = float(np.median([each.cost for each in drafts]))
    nearest = sorted(range(len(drafts)), key=lambda at: abs(drafts[at].cost - middle))[:count]
    kept = (drafts[at] for at in sorted(nearest))
    return [draft.titled(f"{title}, variant {at}") for at, draft in enumerate(kept, 1)]


class _Desk(msgspec.Struct, frozen=True):
    """Where drafts of one template are made."""

    template: Template
    title: str
    folder: Path
    random: np.random.Generator

    def drafts(self) -> Iterator[Draft]:
        """Those that were the best so far, and all that were drawn at first."""
        best: tuple[float, list[list[str]]] | None = None
        for tried in range(DRAWN + CHANGED):
            numbers = self.drawn() if best is None or tried < DRAWN else self.changed(best[1])
            draft = self.worked(numbers)
            if draft is None:
                continue
            better = best is None or draft.cost < best[0]
            if better:
                best = draft.cost, numbers
            if better or tried < DRAWN:
                yield draft

    def drawn(self) -> list[list[str]]:
        return [drawn(field, self.random) for field in self.template.fields]

    def changed(self, numbers: list[list[str]]) -> list[list[str]]:
        at = int(self.random.integers(len(numbers)))
        other = changed(self.template.fields[at], numbers[at], self.random)
        return [*numbers[:at], other, *numbers[at + 1 :]]

    def worked(self, numbers: list[list[str]]) -> Draft | None:
        """The draft with these numbers; None where it is no spec."""
        text = self.template.written(numbers, self.title)
        try:
            spec = loads(text, folder=self.folder)
        except SpecError:
            return None
        with np.errstate(all="ignore"):
            return Draft(text, spec, pleasantness(trace(spec), _decimals(spec)))


def _decimals(spec: Spec) -> int:
    asked = spec.answer_digits.decimals
    return spec.decimals if asked is None else asked


def _looked_into(draft: Draft) -> Draft:
    """With the mistakes that its numbers would hide, or confuse."""
    found = revealing(draft.spec)
    confused = sum(len(codes) - 1 for _, codes in found.alike)
    counts = {"hidden mistakes": len(found.hidden), "confusable mistakes": confused}
    return msgspec.structs.replace(
        draft, pleasantness=draft.pleasantness.with_counts({k: float(v) for k, v in counts.items()})
    )
