"""What a student wrote, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from math import nan
from typing import Literal, TypeAlias

import msgspec

from backtrace.functions.formula import Sentence
from backtrace.spec.ids import At

NOISE = 1e-9  # of adding marks up
Verdict: TypeAlias = Literal[
    "right", "rounded", "carried", "missing", "imprecise", "unsupported", "malformed", "wrong"
]

STANDING: frozenset[Verdict] = frozenset({"right", "rounded", "carried"})
# From worst to best: a quantity's verdict is its worst entry's.
WORST_FIRST: tuple[Verdict, ...] = (
    "wrong",
    "malformed",
    "unsupported",
    "imprecise",
    "missing",
    "carried",
    "rounded",
    "right",
)
MARK: dict[Verdict, str] = {
    "right": "✓",
    "rounded": "≈",
    "carried": "→",
    "unsupported": "?",
    "imprecise": "~",
    "missing": "·",
    "malformed": "!",
    "wrong": "✗",
}


class Figure(msgspec.Struct, frozen=True):
    """One written number: its text, its value, and half a unit of its last written digit.

    A fraction (17/4) stands for itself: its ``half_unit`` is 0, and it has the 17 digits and
    decimals of a float. ``digits`` are the significant digits written (one of a zero),
    ``decimals`` the decimal places (negative where the last written digit stands left of the
    point: 1.2e3).
    """

    text: str
    value: float
    half_unit: float
    decimals: int
    digits: int

    @property
    def plain(self) -> str:
        """Its digits as ``float`` reads them, whatever comma, minus or sign it was written with."""
        mended = self.text.replace(",", ".").lstrip("=≈≅~ ")
        with suppress(ValueError):
            if float(mended) == self.value:
                return mended
        shown = self.half_unit > 0 and self.decimals >= 0
        return f"{self.value:.{self.decimals}f}" if shown else f"{self.value:.12g}"


class Malformed(msgspec.Struct, frozen=True):
    """An entry that is no number: its text (as written) and what is the matter with it.

    ``value`` is that of an infinity, which is right where the key has it, as a mask does.
    """

    text: str
    reason: str
    value: float = nan


AnswerCell: TypeAlias = "Figure | Malformed | None"  # None: left out (`_`, `~`, `?`, an empty cell)


def texts(cells: Iterable[Iterable[AnswerCell]]) -> tuple[tuple[str, ...], ...]:
    """What stands on the page."""
    return tuple(tuple("" if cell is None else cell.text for cell in line) for line in cells)


class WrittenQuantity(msgspec.Struct, frozen=True):
    """What a student wrote for one quantity, turned to the shape of the spec.

    ``id`` is the canonical id, ``epoch`` and ``batch`` of ``z1@2.3``. ``cells`` has the shape that
    the tape says; () for a shape that fits no way round, and then ``problem`` says so and
    ``raw`` keeps the cells as they were given (a row per sample in a bias, say). ``notes`` say
    what was understood (a transposed matrix, a decimal comma); ``turned`` is the one of them that
    says that it was transposed, as no other shape fitted.
    """

    id: str
    epoch: int
    batch: int
    cells: tuple[tuple[AnswerCell, ...], ...]
    notes: tuple[str, ...] = ()
    problem: str = ""
    raw: tuple[tuple[AnswerCell, ...], ...] = ()
    turned: str = ""


class Answers(msgspec.Struct, frozen=True):
    """One student's sheet. ``notes`` concern the sheet as a whole (an unknown id). ``keys`` are
    what a table has beside the name (``id``, ``email``), ``sent`` when it was handed in, as it says
    so."""

    student: str
    file: str
    written: tuple[WrittenQuantity, ...]
    notes: tuple[str, ...] = ()
    keys: dict[str, str] = {}
    sent: str = ""

    @property
    def identity(self) -> tuple[str, ...]:
        """Who it is of: by the keys, or without them by the name."""
        return tuple(self.keys.values()) or (self.student,)


class Explanation(msgspec.Struct, frozen=True):
    """One way a wrong value comes about: the mistakes made, each (code, id of the step) in order.

    ``detail`` is what a single mistake adds (which given number was read as what). The same mistake
    may explain as much ``or_in`` other lines, ``or_else`` with another detail.
    """

    mistakes: tuple[tuple[str, str], ...]
    detail: Sentence = ()
    or_in: tuple[str, ...] = ()
    or_else: bool = False

    def beside(self, first: Explanation) -> Explanation:
        """``first``, an explanation of the same kind, with the word that this is another."""
        if len(self.mistakes) > 1:
            return first
        told = {*first.or_in, first.mistakes[0][1]}
        others = tuple(id for _, id in self.mistakes if id not in told)
        or_else = first.or_else or self.detail != first.detail
        return msgspec.structs.replace(first, or_in=(*first.or_in, *others), or_else=or_else)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(code for code, _ in self.mistakes)


class Trivial(msgspec.Struct, frozen=True):
    """Why carried entries earn nothing: the quantity that they rest on, and what that holds;
    ``filled``: the one number of others that are wrong; ``chance``: most of the sheet is wrong, or
    only copies what is; ``unmoved``: no parameter of an update is another than before, and these
    are not right so."""

    id: str
    holds: Literal["zeros", "ones", "copy", "filled", "chance", "unmoved"]


class Judged(msgspec.Struct, frozen=True):
    """One quantity's verdict.

    ``entries`` has the quantity's shape (1 × 1 for a scalar). ``mistakes`` are the codes of all
    explanations, without repeats; several ``explanations`` are a tie. ``alike`` counts those of
    which there are too many to tell them apart, and then none is kept. ``root`` is the id of the
    quantity (``id`` or ``id@epoch.batch``) whose mistake a carried value rests on. ``earned`` and
    ``possible`` are the marks; ``withheld`` is why carried entries earn none. ``repeated`` is the
    name of the quantity in which the same mistake was made before, ``slip`` that in which a pen
    slipped, where entries are the key's and follow from what was meant there; ``spared`` are the
    marks of ``earned`` that either would cost again. ``notes`` are the reader's.
    """

    id: str
    epoch: int
    batch: int
    verdict: Verdict
    entries: tuple[tuple[Verdict, ...], ...]
    written: tuple[tuple[str, ...], ...]
    explanations: tuple[Explanation, ...] = ()
    root: str | None = None
    earned: float = 0.0
    possible: float = 0.0
    notes: tuple[str, ...] = ()
    withheld: Trivial | None = None
    alike: int = 0
    repeated: str | None = None
    slip: str | None = None
    spared: float = 0.0

    @property
    def mistakes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(code for e in self.explanations for code in e.codes))

    @property
    def name(self) -> str:
        """``z1``, or ``z1@2.3`` outside the first update."""
        return str(At(self.id, self.epoch, self.batch))

    def places(self, *verdicts: Verdict) -> list[tuple[int, int]]:
        """The entries (row, column, from 1) that have one of these verdicts."""
        return [
            (i, j)
            for i, line in enumerate(self.entries, 1)
            for j, verdict in enumerate(line, 1)
            if verdict in verdicts
        ]

    def count(self, *verdicts: Verdict) -> int:
        """How many entries have one of these verdicts."""
        if self.verdict == "right":  # then all are
            return sum(map(len, self.entries)) if "right" in verdicts else 0
        found = 0
        for line in self.entries:
            for verdict in verdicts:
                found += line.count(verdict)
        return found


class Score(msgspec.Struct, frozen=True):
    """Points, and out of how many."""

    points: float = 0.0
    of: float = 0.0

    @property
    def is_full(self) -> bool:
        return self.of > 0 and self.points >= self.of - NOISE


class Report(msgspec.Struct, frozen=True):
    """All that is said of one sheet, in the tape's order.

    ``conventions`` says in which other way the whole sheet was worked, where it was: ``mean_in``,
    ``sign``, ``rounding``; ``refused`` the same where the course insists on its own. ``read`` is
    the sheet as it was understood as a whole, where that is not as it stands. ``score`` are the
    points by the course's policy; ``keys`` are the sheet's.
    """

    student: str
    file: str
    quantities: tuple[Judged, ...]
    notes: tuple[str, ...] = ()
    conventions: dict[str, str] | None = None
    refused: dict[str, str] | None = None
    read: Answers | None = None
    score: Score = Score()
    keys: dict[str, str] = {}

    @property
    def identity(self) -> tuple[str, ...]:
        """Whose it is: by the keys, or without them by the name."""
        return tuple(self.keys.values()) or (self.student,)

    @property
    def earned(self) -> float:
        return sum(quantity.earned for quantity in self.quantities)

    @property
    def possible(self) -> float:
        return sum(quantity.possible for quantity in self.quantities)

    @property
    def first_mistake(self) -> Judged | None:
        """The first wrong (or malformed) quantity in the order of work."""
        return next((q for q in self.quantities if q.verdict == "wrong"), None)


class Unreadable(msgspec.Struct, frozen=True):
    """A file of a class that could not be read, and why."""

    file: str
    reason: str


class ClassReport(msgspec.Struct, frozen=True):
    reports: tuple[Report, ...]
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def mistakes(self) -> dict[str, int]:
        """How many students made each mistake, the most frequent first."""
        counts: dict[str, int] = {}
        for report in self.reports:
            for code in {c for quantity in report.quantities for c in quantity.mistakes}:
                counts[code] = counts.get(code, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
