"""Numbers taken for others: one that was given or written read as another, or two exchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from backtrace.check.diagnosis.entry_reading import Bounds, Reading, root_of
from backtrace.check.diagnosis.wrong_quantity import Cause, WrongQuantity
from backtrace.check.mistakes.given_texts import GivenTexts
from backtrace.check.model import Explanation, Figure
from backtrace.check.rules.intervals import Floats, Interval, between, every, hull, point
from backtrace.check.sheets.exercise import Key
from backtrace.check.sheets.sheet import Sheet
from backtrace.functions.formula import Sentence, Symbol, row

MOST_READ = 60  # numbers that are tried as misread for one wrong step
FEWEST_DIGITS = 2  # of one number, or twice as many of several, that one of many may explain
MANY_DIGITS = 8  # of two numbers, that one digit of another explains
CLOSE = 0.1  # of half a unit of what was written: as near as it must be brought to that
MOST_BETWEEN = 2  # lines that were not written, between a given number and one that shows it
MOST_LINES = 8  # rows, columns or entries of a matrix that are tried as exchanged


class Misreading(WrongQuantity):
    """What was taken for something else on the way to one wrong quantity."""

    def __init__(self, sheet: Sheet, place: Key, unit: float | None = None) -> None:
        super().__init__(sheet, place, unit)
        self.own_texts: dict[Key, GivenTexts] = {}

    def of_exchanged(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """Numbers, or whole lines of a matrix, each taken for the other."""
        return [*self.exchanged_givens, *self.of_exchanged_lines(wrong)]

    def of_one_given(self, wrong: NDArray[np.bool_], *, several: bool = False) -> list[Cause]:
        """A given number that was read as another: throughout, or in one of several lines; as any
        other if it explains ``several`` numbers."""
        found: list[Cause] = []
        if not several and self.is_one_digit(wrong):
            return found
        several = several or int(wrong.sum()) > 1
        givens = [source for source in self.sources() if source not in self.sheet.intervals]
        for source, i, j in self.entries(givens):
            lines = self.lines_reading(source)
            anywhere = self.as_misread(Reading(self, source, i, j), wrong, several)
            found += anywhere
            if anywhere or len(lines) > 1:  # one line alone gives the same here, and less later
                for once in lines if self.is_used_elsewhere(source, lines) else ():
                    found += self.as_misread(Reading(self, source, i, j, once), wrong, several)
            if self.sheet.search.is_spent:
                break
        return found

    def is_one_digit(self, wrong: NDArray[np.bool_]) -> bool:
        """Whether one digit is all that is wrong, where the key has more: a 9 for 0.298 comes of
        any of many numbers."""
        key = self.exercise.values[self.place]
        return self.digits_of(wrong) < FEWEST_DIGITS and bool((np.round(key) != key).any())

    def digits_of(self, wrong: NDArray[np.bool_]) -> int:
        """How many significant digits were written of these entries."""
        cells = self.sheet.written[self.place].cells
        found = (cells[i][j] for i, j in np.argwhere(wrong).tolist())
        return sum(cell.digits for cell in found if isinstance(cell, Figure))

    def as_misread(self, reading: Reading, wrong: NDArray[np.bool_], several: bool) -> list[Cause]:
        """The explanation by one reading, if it is one."""
        read = None if self.sheet.search.is_spent else self.misread(reading, wrong, several)
        if read is None:
            return []
        text, low, high = read
        at = reading.source, reading.row, reading.column
        instead = reading.of(low, high)
        instead.pop(self.place, None)  # what was written there is known
        explanation = self.read_as("given-misread", *at, text, low == high)
        again = [] if reading.once else self.again(reading.source)
        ways = [{**instead, **dict.fromkeys(again, instead[reading.source])}] if again else []
        return [Cause(explanation, each) for each in (*ways, instead)]

    def again(self, source: Key) -> list[Key]:
        """Where other updates take the same given numbers."""
        values, givens = self.exercise.values, self.exercise.givens
        others = [at for at in givens if at[2] == source[2] and at != source]
        return [at for at in others if np.array_equal(values[at], values[source])]

    def lines_reading(self, source: Key) -> list[Key]:
        """The lines on the way here that read a given matrix; the next update only copies it."""
        operands, steps = self.exercise.operands, self.exercise.steps
        reading = (place for place in self.path() if source in operands[place])
        return [place for place in reading if steps[place].operation != "given"]

    def is_used_elsewhere(self, source: Key, lines: Sequence[Key]) -> bool:
        """Whether more lines read a given matrix than one of these, so that it may be misread in
        one of several alone."""
        users = (place for place, used in self.exercise.operands.items() if source in used)
        return len(lines) > 1 or any(place not in lines for place in users)

    def of_one_operand(self, earlier: Misreading) -> Iterator[Cause]:
        """A given number of which the line itself is worked, or one or two before that were not
        written, read as another throughout, if that reaches all that is off in an ``earlier`` one.

        What two lines bear out may be any plain number.
        """
        sources, near = dict.fromkeys(self.exercise.operands[self.place]), [self.place]
        for _ in range(MOST_BETWEEN):
            operands = [x for at in near for x in self.exercise.operands[at]]
            near = [at for at in operands if at not in self.sheet.intervals]
            sources |= dict.fromkeys(x for at in near for x in self.exercise.operands[at])
        givens = [
            at for at in sources if self.exercise.is_given(at) and at not in self.sheet.written
        ]
        for source, i, j in self.entries(givens):
            if self.sheet.search.is_spent or not self.off.any():
                return
            if Reading(earlier, source, i, j).reaches_all:
                yield from self.as_misread(Reading(self, source, i, j), self.off, several=True)

    def read_as(
        self, code: str, source: Key, i: int, j: int, text: str, or_else: bool = False
    ) -> Explanation:
        """An entry read as a number, ``or_else`` as another."""
        detail = (row(Symbol(source[2]), f"[{i + 1},{j + 1}]"), f" read as {text}")
        return Explanation(((code, source[2]),), detail, or_else=or_else)

    def own(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """A number of the student's own that was miscopied into this line; where it explains only
        an entry or two, by a slip that few numbers fit."""
        entries, digits = int(wrong.sum()), self.digits_of(wrong)
        if digits < FEWEST_DIGITS * min(entries, 2):
            return []
        own = [source for source in self.sources() if not self.exercise.is_given(source)]
        several = entries > 2 or (entries == 2 and digits >= MANY_DIGITS)
        for source, i, j in self.entries(own):
            if self.sheet.search.is_spent:
                break
            reading = Reading(self, source, i, j)
            if not reading.reaches_all:
                continue
            texts = self.texts(source)
            read = [*(texts.candidates(i, j) if several else texts.likely(i, j))]
            bounds = self.solved(reading, wrong) if self.may_be_read(reading, read) else None
            if bounds is None or not bounds.is_finite:
                continue
            for text in read:
                if bounds.hold(text) and self.is_read(reading, text):
                    return [Cause(self.read_as("copied-wrong", source, i, j, text))]
        return []

    @cached_property
    def exchanged_givens(self) -> list[Cause]:
        """Two rows, columns or entries of a given matrix, each taken for the other."""
        found: list[Cause] = []
        for source in self.sources():
            if source in self.sheet.intervals:
                continue
            values = self.exercise.values[source]
            for order, which in exchanges(values.shape):
                instead = values.ravel()[order]
                if self.sheet.search.is_spent or (instead == values).all():
                    continue
                if self.fits({source: point(instead)}):
                    found.append(Cause(self.exchanged(source, which), {source: point(instead)}))
        return found

    def of_exchanged_lines(self, wrong: NDArray[np.bool_]) -> Iterator[Cause]:
        """Two rows or columns of a line that was not written, each in the other's place."""
        for place in self.path()[1:] if int(wrong.sum()) > 1 else []:
            box = self.sheet.replay(self.unit).operand(place)
            for order, which in exchanges(box.shape, entries=False):
                if self.sheet.search.is_spent:
                    return
                instead = _reordered(box, order)
                if self.fits({place: instead}):
                    yield Cause(self.exchanged(place, which), {place: instead})

    def in_place(self) -> list[Cause]:
        """Two rows, columns or entries of the result itself, each in the other's place."""
        box, numbers = self.replayed({}), self.numbers
        for order, which in exchanges(numbers.values.shape):
            if numbers.meets(_reordered(box, order)).all():
                repaired = between(numbers.low.ravel()[order], numbers.high.ravel()[order])
                return [Cause(self.exchanged(self.place, which), {self.place: repaired})]
        return []

    def exchanged(self, source: Key, which: str) -> Explanation:
        detail: Sentence = (f"{which} of ", Symbol(source[2]))
        return Explanation((("entries-exchanged", source[2]),), detail)

    # One number

    def entries(self, sources: list[Key]) -> Iterator[tuple[Key, int, int]]:
        """The entries of matrices, not too many."""
        count = 0
        for source in sources:
            for i, j in np.ndindex(*self.exercise.values[source].shape):
                count += 1
                if count > MOST_READ:
                    return
                yield source, i, j

    def texts(self, source: Key) -> GivenTexts:
        if self.exercise.is_given(source) and source not in self.sheet.intervals:
            return self.exercise.given_texts(source)
        if source not in self.own_texts:
            cells = self.sheet.written[source].cells
            texts = [
                [cell.plain if isinstance(cell, Figure) else "" for cell in line] for line in cells
            ]
            self.own_texts[source] = GivenTexts(self.sheet.numbers[source].values, texts)
        return self.own_texts[source]

    def misread(
        self, reading: Reading, wrong: NDArray[np.bool_], several: bool
    ) -> tuple[str, float, float] | None:
        """What the entry must have been read as to explain everything, with the bounds that the
        written digits leave; or None. It explains ``several`` numbers, or one."""
        if not reading.reaches_all:
            return None
        texts, i, j = self.texts(reading.source), reading.row, reading.column
        candidates = [*texts.candidates(i, j)]
        may_be = several or self.may_be_read(reading, candidates)
        bounds = self.solved(reading, wrong) if may_be else None
        if bounds is None:
            return None
        likely = [text for text in candidates if bounds.hold(text)] if bounds.is_finite else []
        if bounds.is_finite and several:  # one number explains several entries:
            likely += texts.plainest(bounds.low, bounds.high)  # any plain number will do
        text = next((t for t in dict.fromkeys(likely) if self.is_read(reading, t)), None)
        if text is None and not bounds.alone:  # a function that turns back comes to it twice
            among = candidates if several or not bounds.is_finite else [*texts.likely(i, j)]
            text = self.read_among(among, reading)
        if text is None or not (bounds.is_finite and bounds.hold(text)):
            return None if text is None else (text, float(text), float(text))
        return text, bounds.low, bounds.high

    def is_read(self, reading: Reading, text: str) -> bool:
        """Whether reading the entry as ``text`` explains every written entry."""
        return self.fits(reading.of(float(text), float(text)))

    def read_among(self, texts: Sequence[str], reading: Reading) -> str | None:
        """The likeliest of these texts that explains every written entry; in halves, of which
        those that do not reach what was written are left out."""
        read: set[str] = set()
        waiting = [sorted(dict.fromkeys(texts), key=float)]
        while waiting:
            some = waiting.pop()
            if len(some) == 1:
                read |= {text for text in some if self.is_read(reading, text)}
            elif some and self.may_be_read(reading, some):
                waiting += [some[: len(some) // 2], some[len(some) // 2 :]]
        return next((text for text in texts if text in read), None)

    def may_be_read(self, reading: Reading, texts: Sequence[str]) -> bool:
        """Whether the entry read as anything from the least of these texts to the largest reaches
        every written entry: one attempt for all of them."""
        numbers = [float(text) for text in texts]
        box = self.replayed(reading.of(min(numbers), max(numbers)))
        return every(self.numbers.meets(box))

    def solved(self, reading: Reading, wrong: NDArray[np.bool_]) -> Bounds | None:
        """The bounds of the number that brings a wrong entry to what was written; None where no
        number does, since it does not reach it, or not all that is wrong. A unit that is off, or
        was, has no slope to go by.
        """
        on = wrong & (self.numbers.values != 0) & (self.middle != 0)
        at = tuple(np.argwhere(on if on.any() else wrong)[0].tolist())
        if not (reading.reached[at] and reading.reaches_all):
            return None
        target, half = float(self.numbers.values[at]), float(self.numbers.half[at])
        near = CLOSE * half + 1e-9 * (1 + abs(target))
        start = float(self.texts(reading.source).values[reading.row, reading.column])

        def ends(x: float) -> tuple[float, float]:
            box = hull(self.replayed(reading.of(x, x)))
            return float(box.lo[0][at]), float(box.hi[0][at])

        def in_floats(x: float) -> float:
            found = reading.in_floats(x)
            return np.nan if found is None else float(found[at])

        is_plain = np.isfinite(in_floats(start))
        root = root_of(in_floats if is_plain else lambda x: sum(ends(x)) / 2, start, target, near)
        if root is None:
            return None
        found = reading.in_floats(root.x) if is_plain and root.is_found else None
        if found is not None and self.is_far(found):
            return None if root.alone else Bounds(-np.inf, np.inf)
        if not root.is_found:
            return Bounds(-np.inf, np.inf)
        low, high = ends(root.x)
        if abs((low + high) / 2 - target) >= near:  # the middle of a box is not what floats give
            again = root_of(lambda x: sum(ends(x)) / 2, root.x, target, near)
            if again is None or not again.is_found:
                return Bounds(-np.inf, np.inf)
            root = again._replace(alone=root.alone)
            low, high = ends(root.x)
        reach = ((high - low) / 2 + half + self.numbers.unit) / abs(root.slope)
        return Bounds(root.x - reach, root.x + reach, alone=root.alone)


def exchanges(
    shape: tuple[int, ...], *, entries: bool = True
) -> Iterator[tuple[NDArray[np.intp], str]]:
    """The order of a matrix's entries with two of its rows, columns or ``entries`` exchanged, and
    which."""
    places = np.arange(int(np.prod(shape))).reshape(shape)
    for axis, lines in enumerate(("rows", "columns")):
        for one, two in combinations(range(min(shape[axis], MOST_LINES)), 2):
            order = np.arange(shape[axis])
            order[[one, two]] = two, one
            yield np.take(places, order, axis), f"{lines} {one + 1} and {two + 1}"
    if entries and 1 not in shape:
        for one, two in combinations(range(min(places.size, MOST_LINES)), 2):
            order = places.ravel().copy()
            order[[one, two]] = two, one
            (i, j), (k, m) = (divmod(at, shape[1]) for at in (one, two))
            if shape == (2, 2) and (i, j) == (m, k):
                continue  # that is the matrix transposed
            yield order.reshape(shape), f"entries [{i + 1},{j + 1}] and [{k + 1},{m + 1}]"


def _reordered(box: Interval, order: NDArray[np.intp]) -> Interval:
    def taken(ends: Floats) -> Floats:
        return ends.reshape(len(ends), -1)[:, order]

    return Interval(taken(box.lo), taken(box.hi))
