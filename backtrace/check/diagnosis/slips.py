"""Slips of the hand: what a written number was meant to be, by what may befall a single number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.diagnosis.misreading import Misreading
from backtrace.check.diagnosis.wrong_quantity import Cause, WrongQuantity
from backtrace.check.model import Figure
from backtrace.check.rules.intervals import Interval, between, hull
from backtrace.check.sheets.replay import StandIns

SHIFTS = (1, -1, 2, -2, 3, -3)
CUT = 0.999  # of a unit: a digit further is no number cut off
TELLING = 100.0  # half units of a number that has digits enough to be known by them
MOST_DIGITS = 12  # of a number; one that long is copied by a machine
FEW_UNITS = 4  # of the last digit, within which a number is known well enough to compare digits
TELLING_DIGITS = 3  # of a number, that the exact one is held against


class Slips(WrongQuantity):
    """What befell single numbers of one wrong quantity of a sheet."""

    def of(self, wrong: NDArray[np.bool_], *, of_few_digits: bool = False) -> list[Cause]:
        """The slips that explain all entries that are wrong, where others are not; also such
        ``of_few_digits`` as tell nothing by themselves."""
        box = hull(self.replayed({}))
        entries = [tuple(at) for at in np.argwhere(wrong).tolist()]
        exchanged = Misreading(self.sheet, self.place).in_place() if len(entries) > 1 else []
        if exchanged:
            return exchanged
        if len(entries) > 1 and len(entries) == int((self.numbers.values != 0).sum()):
            return []  # every entry: that is no slip
        ways = meant if len(entries) == 1 else with_the_other_sign  # which alone befalls several
        slips = [self.slips_of(at, box, ways, of_few_digits) for at in entries]
        shared = [code for code in slips[0] if all(code in each for each in slips)] if slips else []
        return [
            msgspec.structs.replace(
                self.cause(code),
                stand_ins=self.repaired(entries, [each[code] for each in slips]),
            )
            for code in shared[:1]
        ]

    def repaired(self, entries: list[tuple[int, ...]], slips: list[Meant]) -> StandIns:
        """What was meant, in the place of what was written: who slipped in the fair copy went on
        from that."""
        low, high = self.numbers.low.copy(), self.numbers.high.copy()
        for at, slip in zip(entries, slips, strict=True):
            low[at], high[at] = slip.low, slip.high
        return {self.place: between(low, high)}

    def slips_of(
        self,
        at: tuple[int, ...],
        box: Interval,
        ways: Callable[[Figure], Iterator[Meant]],
        of_few_digits: bool,
    ) -> dict[str, Meant]:
        """What may have befallen one number, the likeliest first, and what was meant."""
        cell = self.sheet.written[self.place].cells[at[0]][at[1]]
        low, high = float(box.lo[0][at]), float(box.hi[0][at])
        if not isinstance(cell, Figure) or cell.half_unit == 0 or bool(box.unbounded[at]):
            return {}
        if cell.value == 0 and cell.decimals == 0:
            return {}  # nothing that stands there has slipped
        exact = float(self.exercise.values[self.place][at])
        is_known = low <= exact <= high and not self.rests_on_wrong
        found: dict[str, Meant] = {}
        for m in ways(cell):
            if m.code == "cut-off" and not self.is_cut_off(at, m):
                continue
            reach = FEW_UNITS * max(cell.half_unit, (m.high - m.low) / 2)
            is_fine, least, most = high - low <= 2 * reach, low, high
            is_told = cell.digits >= TELLING_DIGITS or m.code == "digits-swapped"
            if not is_fine and is_told and is_known:
                least, most, is_fine = max(low, exact - reach), min(high, exact + reach), True
            tells = is_fine or of_few_digits or not m.fine
            if m.low <= most and least <= m.high and tells:
                both = max(m.low, least), min(m.high, most)
                is_whole = m.code == "sign-slip"  # which is all that the number stands for
                found.setdefault(m.code, m if is_whole else Meant(m.code, *both))
        return found

    def is_cut_off(self, at: tuple[int, ...], cut: Meant) -> bool:
        """Whether a number is cut off what the lines before give if none of them was rounded that
        was not written: for the one digit of a slip those leave too much room."""
        box = hull(self.unrounded({}))
        return bool(cut.low <= box.hi[0][at] and box.lo[0][at] <= cut.high)

    @cached_property
    def rests_on_wrong(self) -> bool:
        step = self.exercise.steps[self.place]
        return bool(self.sheet.doubt_of_operands(self.place, step).any())


class Meant(msgspec.Struct, frozen=True):
    """What a number may have been meant as: it stands for what lies from ``low`` to ``high``.

    ``fine``: only numbers that are known to a few units tell anything by this slip.
    """

    code: str
    low: float
    high: float
    fine: bool = False


def meant(cell: Figure) -> Iterator[Meant]:
    """What a number may have been meant as, the likeliest slip first."""
    yield from with_the_other_sign(cell)
    if cell.value != 0:
        yield from _with_the_point_moved(cell)
    yield from _with_digits_swapped(cell)
    if cell.value != 0:
        unit = CUT * 2 * cell.half_unit
        low, high = (0.0, unit) if cell.value > 0 else (-unit, 0.0)
        yield Meant("cut-off", cell.value + low, cell.value + high, fine=True)
    yield from _with_another_digit(cell)


def with_the_other_sign(cell: Figure) -> Iterator[Meant]:
    if cell.value != 0:
        yield _around("sign-slip", -cell.value, cell.half_unit)


def _around(code: str, value: float, half: float, *, fine: bool = False) -> Meant:
    return Meant(code, value - half, value + half, fine)


def _with_the_point_moved(cell: Figure) -> Iterator[Meant]:
    if cell.digits > 1:
        for shift in SHIFTS:
            scale = 10.0**shift
            value, half = cell.value * scale, cell.half_unit * scale
            if abs(value) > TELLING * cell.half_unit:  # it was rounded before its point was moved
                half = max(half, cell.half_unit)
            yield _around("point-moved", value, half)


def _with_digits_swapped(cell: Figure) -> Iterator[Meant]:
    plain = cell.plain
    for one, two in pairwise(_places(plain, cell)):
        digits = list(plain)
        digits[one], digits[two] = digits[two], digits[one]
        if digits[one] != digits[two]:
            yield _read("digits-swapped", cell, "".join(digits))


def _with_another_digit(cell: Figure) -> Iterator[Meant]:
    plain = cell.plain
    for place in _places(plain, cell):
        for digit in "0123456789":
            other = f"{plain[:place]}{digit}{plain[place + 1 :]}"
            if digit != plain[place] and float(other) != 0:
                yield _read("copied-wrong", cell, other)


def _read(code: str, cell: Figure, text: str) -> Meant:
    return _around(code, float(text), cell.half_unit, fine=True)


def _places(plain: str, cell: Figure) -> list[int]:
    """Where the digits of a plain decimal stand; of any other number, nowhere."""
    digits = "" if "/" in cell.text else plain.lstrip("+-").replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > MOST_DIGITS:
        return []
    return [k for k, character in enumerate(plain) if character.isdigit()]
