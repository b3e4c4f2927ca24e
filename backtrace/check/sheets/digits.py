"""How written numbers are read: what each may stand for, and whether its digits are enough.

A number with fewer decimals than its neighbours is first read to theirs: calculators and
spreadsheets drop zeros, and 0.55 beside 0.498 is 0.550. Where it fits nothing so, it is read by its
own digits: 12 beside 0.031 has two significant ones, and 1230 may have three.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.answers.figures import EXACT
from backtrace.check.model import AnswerCell, Figure, WrittenQuantity
from backtrace.check.rules.intervals import Floats, Interval, between, hull, single, some
from backtrace.check.sheets.exercise import Key
from backtrace.spec.model import AnswerDigits

Mask: TypeAlias = NDArray[np.bool_]
Cells: TypeAlias = tuple[tuple[AnswerCell, ...], ...]
WHOLE = 0.5  # half a unit of a whole number
NO_DECIMALS = 2  # to how many a sheet of whole numbers is read
ALIKE = 0.9  # of the numbers: what a sheet does throughout
MANY = 0.75  # of them, that still have their zeros
PRINTED = 7  # significant digits that no hand writes; programs have as many in float32
REMEMBERED = 100  # entries; larger matrices are rare, and too large to be kept
FINE = 2  # decimals from which on one significant digit says enough
CHANCE = 0.1  # that the last digit of a number is a zero
CERTAIN = 10.0  # times as likely: then the zeros of a line fill it up
NOISE = 4 * 2.0**-52
SLACK = 1e-12  # relative float noise that a comparison forgives
SAME = 1e-9  # relative difference within which a number is the spec's own
ITSELF = 1e-14  # and that a number may be off by and still be taken for all that there is of it


class Finest(NamedTuple):
    """The most that any number of a sheet shows, but for digits that only a program prints."""

    decimals: int
    digits: int

    def half_unit(self, values: Floats) -> Floats:
        """Half a unit of numbers that show as much: of so many decimals, or of the significant
        digits where those are coarser."""
        with np.errstate(divide="ignore"):
            place = np.floor(np.log10(np.abs(values)))
        return np.asarray(0.5 * 10.0 ** np.maximum(-self.decimals, place + 1 - self.digits))

    def decimals_of(self, value: float) -> int:
        """How many decimals such a number shows."""
        return round(-math.log10(2 * float(self.half_unit(np.array(value)))))


class DigitReading(NamedTuple):
    """One way to read the numbers of a quantity.

    Each stands for what lies between ``low`` and ``high``; ``half`` is half a unit of its last
    digit, ``enough`` says whether its digits tell anything.
    """

    low: Floats
    high: Floats
    half: Floats
    enough: Mask


class Numbers(msgspec.Struct, frozen=True, eq=False):
    """What was written for one quantity: the values, which of them are there, and their readings,
    the likeliest first (``lows``, ``highs``, ``halves``, ``enoughs``: readings × rows × columns).
    ``low``, ``high``, ``half`` and ``enough`` are those of the readings that were taken, entry by
    entry. ``unit`` is half a unit of the decimals that were kept; ``own`` is the index of the
    reading of each number by its own digits; ``slack`` is float noise that comparisons forgive.
    """

    values: Floats
    there: Mask
    lows: Floats
    highs: Floats
    halves: Floats
    enoughs: Mask
    own: int
    unit: float
    slack: Floats
    low: Floats
    high: Floats
    half: Floats
    enough: Mask

    def meets(self, box: Interval) -> Mask:
        """Which written entries overlap the box (left-out ones count as doing so)."""
        overlap = (box.lo - self.slack <= self.high) & (self.low <= box.hi + self.slack)
        return np.asarray((overlap[0] if len(overlap) == 1 else overlap.any(axis=0)) | ~self.there)

    def meets_as_read(self, box: Interval) -> Mask:
        """The same in each reading."""
        lows, highs = self.lows[:, None], self.highs[:, None]
        overlap = (box.lo - self.slack <= highs) & (lows <= box.hi + self.slack)
        found = overlap[:, 0] if len(box.lo) == 1 else overlap.any(axis=1)
        return np.asarray(found | ~self.there)

    def may_be(self, exact: Floats, slack: Floats | float = 0.0) -> Mask:
        """Which entries stand for these numbers, in each reading."""
        return np.asarray((self.lows - slack <= exact) & (exact <= self.highs + slack))

    def alone_in(self, box: Interval, noise: float = 0.0) -> Mask:
        """Which numbers equal a box that holds nothing else, but for the ``noise`` of the lines:
        they stand for themselves."""
        lo, hi = hull(box).lo[0], hull(box).hi[0]
        low, high = lo - ITSELF * np.abs(lo), hi + ITSELF * np.abs(hi)
        is_one = single(box) | (hi - lo <= noise * (1 + np.abs(lo)))
        return np.asarray(is_one & (low <= self.values) & (self.values <= high))

    def settled(self, box: Interval, alone: Mask) -> Interval:
        """What later steps take: all that each number may stand for, or itself alone."""
        if not some(alone):
            return between(self.low, self.high)
        lo, hi = hull(box).lo[0], hull(box).hi[0]
        fine = hi - lo <= ITSELF * np.abs(self.values)
        least = np.where(fine, self.values, np.maximum(lo, self.low))
        most = np.where(fine, self.values, np.minimum(hi, self.high))
        return between(np.where(alone, least, self.low), np.where(alone, most, self.high))

    def taken(self, which: NDArray[np.intp]) -> Numbers:
        """The same numbers, each read as the reading of that index has it."""
        if not some(which):
            return self
        return msgspec.structs.replace(
            self,
            low=which.choose(self.lows),
            high=which.choose(self.highs),
            half=which.choose(self.halves),
            enough=which.choose(self.enoughs),
        )

    def told_by(self, largest: float, asked: AnswerDigits) -> Numbers:
        """The same where the largest entry of the quantity is ``largest``, what was written for it
        being something else: of 0.3 and 10 for 0.3 and 0.9 neither has digits enough."""
        enoughs = self.enoughs.copy()
        for reading in range(len(enoughs)):
            half = float(self.halves[reading].max())
            if reading == self.own or half == 0:
                continue  # by the digits of each number
            if not says_enough(largest, round(-math.log10(2 * half)), asked):
                enoughs[reading] &= self.halves[reading] == 0
        return msgspec.structs.replace(self, enoughs=enoughs, enough=enoughs[0])

    def with_zeros(self, where: Mask) -> Numbers:
        """The same, some of them read with the zeros that they have lost."""
        return msgspec.structs.replace(
            self,
            low=np.where(where, self.lows[0], self.low),
            high=np.where(where, self.highs[0], self.high),
            half=np.where(where, self.halves[0], self.half),
            enough=np.where(where, self.enoughs[0], self.enough),
        )

    def open_to_own(self, where: Mask) -> Numbers:
        """The same, some of them by their own digits as well: what follows from a mistake does so
        in more than one reading, and tells nothing of how it was meant."""
        low = np.where(where, np.minimum(self.low, self.lows[self.own]), self.low)
        high = np.where(where, np.maximum(self.high, self.highs[self.own]), self.high)
        return msgspec.structs.replace(self, low=low, high=high)


def kept_decimals(written: Mapping[Key, WrittenQuantity]) -> dict[Key, int]:
    """The decimals of each quantity: the most that an entry of it shows.

    Where none shows any, they are the fewest that any number of the sheet with decimals has.
    Fractions show nothing: who writes 17/4 has rounded nothing.
    """
    shown = {
        place: [min(cell.decimals, EXACT) for cell in figures(each) if shows_decimals(cell)]
        for place, each in written.items()
    }
    usual = min((d for found in shown.values() for d in found), default=NO_DECIMALS)
    return {place: max(found, default=usual) for place, found in shown.items()}


def showing(written: Mapping[Key, WrittenQuantity]) -> list[Figure]:
    """The numbers that say to how many decimals and digits a sheet is written."""
    cells = (cell for each in written.values() for cell in figures(each))
    return [cell for cell in cells if cell.value != 0 and shows_decimals(cell)]


def finest_digits(found: Sequence[Figure]) -> Finest:
    """What the number with the most decimals shows, and that with the most digits."""
    decimals = max((cell.decimals for cell in found), default=0)
    return Finest(decimals, max((min(cell.digits, PRINTED) for cell in found), default=0))


class DecimalsWorked(NamedTuple):
    """How many decimals the numbers of a line need, and how many are written; of how many
    ``numbers`` that is told."""

    worked: int
    written: int
    numbers: int

    @property
    def is_filled_up(self) -> bool:
        """Whether all numbers end in a zero."""
        return self.worked < self.written


def decimals_worked(written: WrittenQuantity) -> DecimalsWorked:
    """What a line needs without the zeros that all its numbers end in."""
    cells = [c for c in figures(written) if c.value != 0 and 0 < c.decimals < EXACT]
    needed = (f"{c.value:.{c.decimals}f}".rstrip("0").partition(".")[2] for c in cells)
    most = max((c.decimals for c in cells), default=0)
    return DecimalsWorked(max(map(len, needed), default=0), most, len(cells))


def fewest_filled_up(lines: Sequence[DecimalsWorked]) -> int | None:
    """From how many numbers on a line whose numbers all end in 0 was filled up with zeros; None
    where no more lines are so than by chance, and one besides."""
    telling = [line for line in lines if line.numbers]
    by_chance = 1 + sum(CHANCE**line.numbers for line in telling)
    share = (sum(line.is_filled_up for line in telling) - by_chance) / max(len(telling), 1)
    if share <= 0:
        return None
    return max(1, math.ceil(math.log(CERTAIN * (1 - share) / share, 1 / CHANCE)))


def usual_decimals(kept: Mapping[Key, int]) -> int:
    """How many decimals most quantities show; of a tie the more."""
    found = Counter(kept.values())
    return max(found, key=lambda decimals: (found[decimals], decimals), default=NO_DECIMALS)


def kept_digits(found: Sequence[Figure]) -> int | None:
    """To how many significant digits a sheet is written throughout; None where it is not, or to a
    single one: who worked so would be told nothing by any line.

    Zeros may have been dropped: then it is those that have as many digits whose decimals vary.
    """
    if not found:
        return None
    usual = Counter(cell.digits for cell in found).most_common(1)[0][0]
    if usual == 1:
        return None
    of_usual = [cell for cell in found if _has_digits(cell, usual)]
    alike, most = len(of_usual), ALIKE * len(found)
    if alike >= most:
        return usual if len({cell.decimals for cell in of_usual}) > 1 else None
    decimals = Counter(cell.decimals for cell in found if cell.digits == usual)
    varied = max(decimals.values()) <= ALIKE * alike
    fewer = sum(cell.digits < usual for cell in found)
    return usual if varied and alike >= MANY * len(found) and alike + fewer >= most else None


def _has_digits(cell: Figure, count: int) -> bool:
    """Whether a number shows so many digits; 0.099998 that was rounded up may have one more, as its
    decimals were counted before. (1.0000 has the four decimals of 0.2345.)"""
    size = abs(cell.value)
    up = cell.digits == count + 1 and size < 1 and math.log10(size).is_integer()
    return up or cell.digits == count


def shows_decimals(cell: Figure) -> bool:
    """Whether a number says how many decimals its neighbours may have: a fraction does not, nor
    does 3e-20, which is only small."""
    return 0 < cell.decimals < EXACT or (cell.half_unit > 0 and cell.digits >= PRINTED)


def figures(written: WrittenQuantity) -> Iterable[Figure]:
    return (cell for line in written.cells for cell in line if isinstance(cell, Figure))


class PageDigits(NamedTuple):
    """How the numbers of a sheet are written as a whole.

    ``usual``: how many decimals most lines have, for a line may have lost all its zeros; None where
    the sheet is written to significant digits, each number to its own decimals. ``finest``: what
    its longest numbers have, for what was printed lost its zeros one by one. ``cut``: the digits
    were cut off rather than rounded.
    """

    usual: int | None
    finest: Finest
    cut: bool = False


@lru_cache(maxsize=8)  # of a sheet that is held against one convention after another
def kept(written: tuple[WrittenQuantity, ...]) -> tuple[dict[Key, int], int | None, PageDigits]:
    """The decimals of each quantity, the significant digits of all, and how the page is written."""
    by_place = {(each.epoch, each.batch, each.id): each for each in written}
    decimals, found = kept_decimals(by_place), showing(by_place)
    digits = kept_digits(found)
    usual = usual_decimals(decimals) if digits is None else None
    return decimals, digits, PageDigits(usual, finest_digits(found))


class _Shown(NamedTuple):
    """What a cell shows; ``own``: half a unit of the last digit; ``coarse``: the same where the
    last zeros of a whole number only keep its place."""

    there: bool
    value: float
    own: float
    decimals: int
    digits: int
    coarse: float
    coarse_digits: int


NOTHING = _Shown(False, 0.0, 0.0, 0, 0, 0.0, 0)


def _shown(cell: Figure) -> _Shown:
    own = own_half_unit(cell)
    return _Shown(True, cell.value, own, cell.decimals, cell.digits, *_with_idle_zeros(cell))


def _read_zeros(shown: list[_Shown]) -> None:
    """A 0 has no digit of its own: beside others it shows what the least exact of them does, and
    nobody rounds 0.3 to 0 beside -19.511."""
    shows = [each for each in shown if each.value != 0 and each.own > 0]
    if not shows:
        return
    own, coarse = max(each.own for each in shows), max(each.coarse for each in shows)
    for at, each in enumerate(shown):
        if each.there and each.value == 0:
            shown[at] = each._replace(own=min(each.own, own), coarse=min(each.coarse, coarse))


class _Cells:
    """What the cells of a quantity show, in matrices."""

    def __init__(self, rows: Cells, shape: tuple[int, int]) -> None:
        blank = ((None,) * shape[1],) * shape[0]
        cells = [cell for line in rows or blank for cell in line]
        shown = [_shown(cell) if isinstance(cell, Figure) else NOTHING for cell in cells]
        _read_zeros(shown)
        there, values, own, decimals, digits, coarse, coarse_digits = zip(*shown, strict=True)
        self.there = np.array(there).reshape(shape)
        floats = np.array((values, own, coarse), dtype=np.float64)
        self.values, self.own, self.coarse = floats.reshape(3, *shape)
        integers = np.array((decimals, digits, coarse_digits), dtype=np.int64)
        self.decimals, self.digits, self.coarse_digits = integers.reshape(3, *shape)
        self.exact = self.there & (self.own == 0)
        self.largest = max(map(abs, values))

    def read_bare_zeros(self, half: float) -> None:
        """Nothing but zeros: beside three decimals on most lines of the page a 0 is 0.00 at
        least."""
        if self.largest == 0:
            bare = self.there & (self.decimals == 0)
            for own in (self.own, self.coarse):
                own[bare] = np.minimum(own[bare], half)

    def to(
        self, half: Floats | float, decimals: int, asked: AnswerDigits, cut: bool
    ) -> DigitReading:
        """Read more finely than by their own digits, to so many decimals for the largest; 1e2 has
        no zeros that were dropped."""
        powers = self.own > WHOLE
        enough = self.there & (self.exact | says_enough(self.largest, decimals, asked)) & ~powers
        fine = np.where(self.exact, 0.0, np.where(powers, self.own, np.minimum(self.own, half)))
        return _reading(self.values, fine, enough, cut=cut)


def numbers(
    written: WrittenQuantity,
    shape: tuple[int, int],
    decimals: int,
    asked: AnswerDigits,
    page: PageDigits,
) -> Numbers:
    """The numbers of a quantity whose lines were worked with so many ``decimals``."""
    remembered = shape[0] * shape[1] <= REMEMBERED
    make = _remembered_numbers if remembered else _numbers
    return make(written.cells, shape, decimals, asked, page)


def _numbers(
    rows: Cells, shape: tuple[int, int], decimals: int, asked: AnswerDigits, page: PageDigits
) -> Numbers:
    cells = _Cells(rows, shape)
    if page.finest.decimals > 0:
        cells.read_bare_zeros(0.5 * 10.0 ** -max(decimals, (page.usual or 0) - 1))
    readings = [*_readings(cells, decimals, asked, page)]
    lows, highs, halves, enoughs = map(np.array, zip(*readings, strict=True))
    return Numbers(
        cells.values,
        cells.there,
        lows,
        highs,
        halves,
        enoughs,
        0 if page.usual is None else 1,
        0.5 * 10.0 ** -max(decimals, min(page.finest.decimals, FINE)),
        SLACK * (1.0 + np.abs(cells.values)),
        lows[0],
        highs[0],
        halves[0],
        enoughs[0],
    )


# A class writes the same right numbers again and again, and one sheet is read in several ways.
_remembered_numbers = lru_cache(maxsize=2048)(_numbers)


def _readings(
    cells: _Cells, decimals: int, asked: AnswerDigits, page: PageDigits
) -> Iterator[DigitReading]:
    usual, finest, cut = page
    if usual is not None:
        yield cells.to(0.5 * 10.0**-decimals, decimals, asked, cut)
    by_digits = _enough_digits(cells.digits, cells.decimals, asked) & (cells.values != 0)
    yield _reading(cells.values, cells.own, cells.exact | by_digits, cut=cut)
    if usual is None and (cells.values == 0).any():  # which has no significant digit
        yield cells.to(0.5 * 10.0**-decimals, decimals, asked, cut)
    if (cells.coarse > cells.own).any():
        enough = cells.exact | _enough_digits(cells.coarse_digits, cells.decimals, asked)
        yield _reading(cells.values, cells.coarse, enough, cut=cut)
    if usual is not None and usual > decimals:
        yield cells.to(0.5 * 10.0**-usual, usual, asked, cut)
    if finest.decimals > max(decimals, usual or 0):
        half = finest.half_unit(cells.values)
        yield cells.to(half, finest.decimals_of(cells.largest), asked, cut)


def own_half_unit(cell: Figure) -> float:
    """Half a unit of the last digit, and of a zero no more than a whole number's."""
    return min(cell.half_unit, WHOLE) if cell.value == 0 else cell.half_unit


def coarsest_half_unit(cell: Figure) -> float:
    """Half a unit of the last digit that must tell something."""
    return _with_idle_zeros(cell)[0]


def _with_idle_zeros(cell: Figure) -> tuple[float, int]:
    """Half a unit, and the digits, of a whole number whose last zeros only keep its place."""
    whole = cell.decimals == 0 and cell.value != 0 and float(cell.value).is_integer()
    text = str(abs(int(cell.value))) if whole and abs(cell.value) < 1e15 else ""
    idle = min(len(text) - len(text.rstrip("0")), max(len(text) - 2, 0))
    if not idle:
        return own_half_unit(cell), cell.digits
    return cell.half_unit * 10.0**idle, cell.digits - idle


def says_enough(largest: float, decimals: int, asked: AnswerDigits) -> bool:
    """Whether a quantity shows enough at so many decimals, by its largest entry."""
    if asked.decimals is not None:
        return decimals >= asked.decimals
    if asked.digits is not None:
        return largest >= 10.0 ** (asked.digits - 1 - decimals)
    return round(largest * 10.0**decimals, 6) >= (1 if decimals >= FINE else 10)


def _enough_digits(
    digits: NDArray[np.int64], places: NDArray[np.int64], asked: AnswerDigits
) -> Mask:
    """Whether each number shows enough by its own digits."""
    if asked.decimals is not None:
        return np.asarray(places >= asked.decimals)
    if asked.digits is not None:
        return np.asarray(digits >= asked.digits)
    return np.asarray((digits >= 2) | (places >= FINE))


def _reading(values: Floats, half: Floats, enough: Mask, *, cut: bool) -> DigitReading:
    noise = np.abs(values) * NOISE
    low, high = values - half - noise, values + half + noise
    if cut:  # a whole unit away from zero, and none towards it
        high = np.where(values >= 0, values + 2 * half + noise, values + noise)
        low = np.where(values <= 0, values - 2 * half - noise, values - noise)
    return DigitReading(low, high, half, enough)
