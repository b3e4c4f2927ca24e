"""Fresh exercises of a template: many are drawn, the most pleasant is kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np

from backtrace.check.diagnosis.revealing import revealing
from backtrace.course.drawing import changed, drawn
from backtrace.course.pleasantness import Pleasantness, pleasantness
from backtrace.course.rerun import Rerun
from backtrace.course.template import Template, title_line
from backtrace.spec.document.problems import SpecError
from backtrace.spec.model import Spec
from backtrace.tape.loading import loads

DRAWN, CHANGED = 24, 60  # drafts that are worked for one exercise: at first, and with one change
LOOKED_INTO = 10  # of the most pleasant mistakes are replayed, until one hides none
SPARE = 1.3  # times as many variants are made as are kept


class Draft(msgspec.Struct, frozen=True):
    """An exercise: its text, what that says, how pleasant it is."""

    text: str
    spec: Spec
    pleasantness: Pleasantness

    @property
    def cost(self) -> float:
        return self.pleasantness.cost

    @property
    def hidden(self) -> int:
        """Mistakes that its numbers would hide, once it was looked into."""
        return int(self.pleasantness.counts.get("hidden mistakes", 0))

    def titled(self, title: str) -> Draft:
        """The same under another title."""
        _, _, rest = self.text.partition("\n")
        spec = msgspec.structs.replace(self.spec, title=title)
        return msgspec.structs.replace(self, text=f"{title_line(title)}\n{rest}", spec=spec)


def fresh(template: Template, title: str, seed: Sequence[int], folder: Path = Path()) -> Draft:
    """The most pleasant of many drafts with the numbers of a seed: some are drawn, and the best is
    changed, one number at a time, as long as that makes it better. One that hides mistakes is taken
    only where those that are nearly as pleasant hide as many.

    Raises SpecError where the template is no spec, or no draft is one.
    """
    return _Desk(template, title, folder).fresh(seed)


def variants(
    template: Template, title: str, seed: int, count: int, folder: Path = Path()
) -> list[Draft]:
    """So many exercises, no two alike, about as difficult: each the most pleasant of its seed, and
    of some more than are needed those that lie closest to their median."""
    desk = _Desk(template, title, folder)
    found: dict[str, Draft] = {}
    for number in range(math.ceil(SPARE * count)):
        draft = desk.fresh((seed, number))
        found.setdefault(draft.text, draft)
    drafts = list(found.values())
    middle = float(np.median([each.cost for each in drafts]))
    nearest = sorted(range(len(drafts)), key=lambda at: abs(drafts[at].cost - middle))[:count]
    kept = (drafts[at] for at in sorted(nearest))
    return [draft.titled(f"{title} · {at}") for at, draft in enumerate(kept, 1)]


class _Sketch(msgspec.Struct, frozen=True):
    """Numbers, a list of texts for each field of a template, and what they are like."""

    numbers: list[list[str]]
    pleasantness: Pleasantness

    @property
    def cost(self) -> float:
        return self.pleasantness.cost


class _Desk:
    """Where exercises of one template are made.

    ``unavoidable`` is how many mistakes all that were looked into so far hide, whatever their
    numbers: a rate of 1 hides that it was left out.
    """

    def __init__(self, template: Template, title: str, folder: Path) -> None:
        self.template, self.title, self.folder = template, title, folder
        self.rerun = Rerun(template, folder)
        self.decimals = _decimals(self.rerun.spec)
        self.unavoidable = 0

    def fresh(self, seed: Sequence[int]) -> Draft:
        random = np.random.default_rng([*seed])
        sketches = sorted(self.sketches(random), key=lambda each: each.cost)
        found: list[Draft] = []
        for draft in islice(filter(None, map(self.draft, sketches)), LOOKED_INTO):
            found.append(_looked_into(draft))
            if found[-1].hidden <= self.unavoidable:
                break
        if not found:
            text = self.template.written(self.drawn(random), self.title)
            loads(text, "the exercise", folder=self.folder)
        best = min(found, key=lambda each: (each.hidden, each.cost))
        self.unavoidable = max(self.unavoidable, best.hidden)
        return best

    def sketches(self, random: np.random.Generator) -> Iterator[_Sketch]:
        """Those that were the best so far, and all that were drawn at first."""
        best: _Sketch | None = None
        for tried in range(DRAWN + CHANGED):
            if best is None or tried < DRAWN:
                numbers = self.drawn(random)
            else:
                numbers = self.changed(best.numbers, random)
            sketch = self.sketch(numbers)
            if sketch is None:
                continue
            better = best is None or sketch.cost < best.cost
            if better:
                best = sketch
            if better or tried < DRAWN:
                yield sketch

    def drawn(self, random: np.random.Generator) -> list[list[str]]:
        return [drawn(field, random) for field in self.template.fields]

    def changed(self, numbers: list[list[str]], random: np.random.Generator) -> list[list[str]]:
        at = int(random.integers(len(numbers)))
        other = changed(self.template.fields[at], numbers[at], random)
        return [*numbers[:at], other, *numbers[at + 1 :]]

    def sketch(self, numbers: list[list[str]]) -> _Sketch | None:
        """None where a spec with these numbers can't be worked."""
        try:
            worked = self.rerun.trace(numbers)
        except SpecError:
            return None
        with np.errstate(all="ignore"):
            return _Sketch(numbers, pleasantness(worked, self.decimals))

    def draft(self, sketch: _Sketch) -> Draft | None:
        """The exercise with these numbers; None where they make no spec."""
        text = self.template.written(sketch.numbers, self.title)
        try:
            return Draft(text, loads(text, folder=self.folder), sketch.pleasantness)
        except SpecError:
            return None


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
