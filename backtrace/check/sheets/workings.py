"""Other ways in which a whole sheet may have been worked, each as honest as the usual one.

Digits cut off instead of rounded, scratch work with fewer digits than are written. Each is worked
as strictly as the usual one: a single slip in a sheet of fine digits is not explained by coarse
ones, which would have left their mark on all other lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec
import numpy as np

from backtrace.check.model import Judged, Verdict, WrittenQuantity
from backtrace.check.rules.intervals import Floats
from backtrace.check.rules.noting import Noting
from backtrace.check.sheets.digits import PRINTED, figures
from backtrace.check.sheets.exercise import Key

ACCUSED: tuple[Verdict, ...] = ("wrong", "unsupported", "malformed")
COARSEST = 2  # decimals or significant digits of scratch work


class Working(msgspec.Struct, frozen=True):
    """How a student got from line to line.

    ``cut``: digits are cut off instead of rounded. ``float32``: worked by a program with no more
    than its digits. ``unwritten``: how the lines between those on the page are rounded.
    ``scratch``: how scratch work is noted, where it has fewer digits than the page: the partial
    results of these operations (``parts``), what is carried from line to line (``lines``), or any
    of it, more or less so (``loose``). ``again``: a line may have been rounded though it had no
    more decimals than it shows, as who is excused for other things is not held to it. ``only``:
    what may be noted coarsely is, in every line; ``known``: but for what gives no known numbers.
    """

    cut: bool = False
    float32: bool = False
    unwritten: Noting | None = None
    scratch: Noting | None = None
    parts: frozenset[str] = frozenset()
    lines: bool = False
    loose: bool = False
    again: bool = False
    only: bool = False
    known: bool = False

    def has_coarse_parts(self, operation: str) -> bool:
        return self.loose or operation in self.parts

    @property
    def has_coarse_lines(self) -> bool:
        return self.lines or self.loose

    @property
    def rounds_once(self) -> bool:
        """Whether what is added up of rounded parts is known not to be rounded again."""
        plain = Working(scratch=self.scratch, parts=self.parts)
        return self == msgspec.structs.replace(plain, only=self.only, known=self.known)

    @property
    def takes_numbers_as_they_stand(self) -> bool:
        """Whether what a line gives on numbers as they stand is among what it gives in the working,
        whatever may be rounded besides."""
        return not (self.float32 or self.lines or self.loose or self.only)

    @property
    def rounds_lines(self) -> bool:
        """Whether the next line takes numbers with the digits of scratch paper, and no others."""
        return self.lines and not (self.float32 or self.loose or self.only)

    @property
    def is_coarse(self) -> bool:
        """Whether something was kept with fewer digits than are written."""
        return self.scratch is not None or self.unwritten is not None

    @property
    def between(self) -> Noting | None:
        """How lines that were not written may have been rounded, if more coarsely than the next."""
        if self.scratch is None or self.scratch.digits is not None or not self.has_coarse_lines:
            return self.unwritten
        return self.scratch

    @property
    def said(self) -> dict[str, str] | None:
        """As a report's ``conventions`` have it."""
        if self.cut:
            return {"rounding": "cut off"}
        if self.float32:
            return {"rounding": f"worked to {PRINTED} significant digits"}
        if self.unwritten is not None:
            return worked_to(_decimals(self.unwritten))
        if self.scratch is None:
            return None
        if self.scratch.digits is not None:
            return {"rounding": f"worked to {self.scratch.digits} significant digits"}
        return worked_to(_decimals(self.scratch))


def worked_to(decimals: int) -> dict[str, str]:
    """That numbers were worked with so many decimals, as a report's ``conventions`` have it."""
    return {"rounding": f"worked to {decimals} decimals"}


def _decimals(noting: Noting) -> int:
    return round(-math.log10(2 * noting.half))


class Written(Protocol):
    """A sheet, as far as it is needed here: its lines, the decimals that each was kept to, and the
    significant digits, if it is written to so many throughout."""

    written: dict[Key, WrittenQuantity]
    decimals: dict[Key, int]
    digits: int | None


def between_lines(sheet: Written, values: Mapping[Key, Floats]) -> Iterator[Working]:
    """Unwritten lines rounded to the fewest decimals of the page, where its decimals vary.

    What shows all that it has (an exact 0.5) says nothing of how lines are rounded; nor do decimals
    that vary because numbers have so many significant digits.
    """
    kept = sheet.decimals
    if sheet.digits is not None or len({*kept.values()}) < 2:
        return
    shown = {
        kept[at]
        for at, each in sheet.written.items()
        if kept[at] >= COARSEST and any(cell.decimals == kept[at] for cell in figures(each))
        if not np.allclose(np.round(values[at], kept[at]), values[at], 0.0, 1e-9)
    }
    for decimals in sorted(shown, reverse=True)[1:]:
        yield Working(unwritten=Noting(0.5 * 10.0**-decimals))


def coarser(decimals: Mapping[Key, int], digits: int | None) -> list[Noting]:
    """Scratch work to fewer digits than are written, from the finest on; to significant ``digits``
    first where the page has so many throughout."""
    most = max(decimals.values(), default=0)
    some = sorted(
        {most - 1, most - 2, *range(COARSEST, 5)} & {*range(COARSEST, most)}, reverse=True
    )
    notings = [Noting(0.5 * 10.0**-decimals) for decimals in some]
    by_digits = [Noting(0.0, fewer) for fewer in (4, 3, COARSEST)]
    return notings + by_digits if digits is None else by_digits + notings


def loosest(decimals: Mapping[Key, int]) -> Working:
    """What holds whatever may be written in any other working."""
    fewest = min(decimals.values(), default=COARSEST)
    return Working(scratch=Noting(10.0 ** -min(COARSEST, fewest), COARSEST), loose=True)


def accused(quantities: tuple[Judged, ...]) -> bool:
    return any(each.verdict in ACCUSED for each in quantities)


def accused_places(quantities: tuple[Judged, ...]) -> set[Key]:
    return {(q.epoch, q.batch, q.id) for q in quantities if q.verdict in ACCUSED}


def accused_entries(quantities: tuple[Judged, ...]) -> int:
    return sum(each.count(*ACCUSED) for each in quantities)


def mistakes_made(quantities: tuple[Judged, ...]) -> int:
    """How many mistakes a sheet has, each counted where it was first made; what is wrong
    without an explanation may be of two, and what is the key's is none."""
    new = [each for each in quantities if each.verdict in ACCUSED and each.repeated is None]
    return sum(1 if each.explanations else 2 for each in new if each.verdict != "unsupported")


def is_far_less(before: tuple[Judged, ...], after: tuple[Judged, ...]) -> bool:
    """Whether a third or more of the entries that were accused no longer are, and marks rise."""
    rise = sum(each.earned for each in after) > sum(each.earned for each in before)
    return 3 * accused_entries(after) <= 2 * accused_entries(before) and rise


def explains_more(found: tuple[Judged, ...], than: tuple[Judged, ...], working: Working) -> bool:
    """Whether another working leaves fewer mistakes, and fewer entries wrong; cutting off, of which
    all lines tell, one of both with as many of the other."""
    entries, mistakes = (count(than) - count(found) for count in (_wrong_entries, mistakes_made))
    least = min(entries, mistakes)
    return least > 0 or (working.cut and least == 0 < max(entries, mistakes))


def _wrong_entries(quantities: tuple[Judged, ...]) -> int:
    """Without those that are right by the exercise alone: no rounding makes them follow."""
    return sum(each.count("wrong", "malformed") for each in quantities)
