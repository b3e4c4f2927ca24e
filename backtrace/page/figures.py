"""The numbers of a trace as a page prints them: transposed, of one sample, elided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any, TypeVar

import msgspec
import numpy as np

from backtrace.functions.amounts import amount
from backtrace.functions.formula import Expr, Ref
from backtrace.notation import steps as notation
from backtrace.notation.numbers import cells, number
from backtrace.notation.symbols import Symbols
from backtrace.page.board import objective
from backtrace.page.elision import Elision
from backtrace.page.lines.change import telling_decimals
from backtrace.page.selection import one_sample, sample_slice
from backtrace.tape.setting import Setting
from backtrace.tape.trace import Trace, TracedStep

EMPTY = "_"  # instead of a number: what a reader is to fill in
EXACTLY, ABOUT = "=", "≈"  # what printed digits do with the printed result: they give it, or about

Written = TypeVar("Written")


class Printout(msgspec.Struct, frozen=True):
    """A quantity as it stands in an equation: transposed, without its bias line, elided.

    ``cells`` holds the printed numbers; ``rows`` and ``columns`` say for each of its lines which
    one of the matrix (as it stands here, from 0) it is, and are None for a gap, where the cells
    are empty. ``shape`` is that of the whole, () for a scalar (one cell, no brackets).
    ``origin`` is how far its first entry lies from [0, 0] of the quantity ``ref.id``.
    """

    ref: Ref
    shape: tuple[int, ...]
    cells: tuple[tuple[str, ...], ...]
    rows: tuple[int | None, ...]
    columns: tuple[int | None, ...]
    origin: tuple[int, int] = (0, 0)

    def emptied(self) -> Printout:
        """The same without its numbers: an empty place for each."""
        cells = tuple(
            tuple("" if None in (i, j) else EMPTY for j in self.columns) for i in self.rows
        )
        return msgspec.structs.replace(self, cells=cells)

    def place(self, row: int, column: int) -> tuple[int, int]:
        """Where in the value of ``ref.id`` the entry [row, column] of this matrix comes from."""
        i, j = (column, row) if self.ref.transposed else (row, column)
        return i + self.origin[0], j + self.origin[1]


class UnfoldedEntry(msgspec.Struct, frozen=True):
    """One entry unfolded: row and column from 0 (None of a scalar), stages, printed value.

    ``signs`` has for each stage the sign between it and the value: ``=``, or ``≈`` where its
    printed digits don't come to the printed ones of the value. ``number`` is the value without
    the decimals that only others of its matrix need.
    """

    place: tuple[int, int] | None
    stages: tuple[Expr, ...]
    signs: tuple[str, ...]
    value: str
    number: str

    def told(
        self, written: Callable[[Expr], Written], plain: Callable[[Written], str], number: str
    ) -> Iterator[tuple[Written, str]]:
        """The stages that say something new, each with the sign behind it, as a format has them:
        ``plain`` is all that is seen of one, ``number`` what it makes of the entry's."""
        before = number
        for stage, sign in zip(self.stages, self.signs, strict=True):
            made = written(stage)
            said = plain(made)
            if said not in (number, before):
                yield made, sign
            before = said


class Figures(msgspec.Struct, frozen=True):
    """Prints the quantities of a trace, each when it is asked for: all of a page alike."""

    trace: Trace
    symbols: Symbols
    elision: Elision = Elision()
    sample: int | None = None
    decimal_mark: str = "."
    compares: bool = False  # the loss and what became of it stand by themselves, to be compared

    @property
    def decimals(self) -> int:
        return self.trace.decimals

    def decimals_of(self, traced: TracedStep) -> int:
        """Of a number: of the loss, where it is compared, those in which it has changed."""
        if not self.compares:
            return self.decimals
        update, goal = self.trace.update(traced.epoch, traced.batch), objective(self.trace)
        after = next((each for each in update.values() if each.role == "loss_after"), None)
        if goal is None or after is None or traced.id not in (goal.id, after.id):
            return self.decimals
        return telling_decimals([update[goal.id].value.item(), after.value.item()], self.decimals)

    @property
    def line_decimals(self) -> int:
        """The decimals that a line has at most, its zeros at the end printed or not."""
        worked = self.trace.arithmetic.decimals
        return self.decimals if worked is None else min(self.decimals, worked)

    def number(self, value: Any) -> str:
        """One number."""
        return number(value, self.decimals, self.decimal_mark)

    def column(self, values: list[float], decimals: int) -> list[str]:
        """Numbers with the same decimals each."""
        stood = np.array(values, dtype=float)[:, None]
        return [text for (text,) in cells(stood, decimals, self.decimal_mark)]

    def telling(self, values: Sequence[float]) -> list[str]:
        """A loss before and after: with the digits that show where it changes."""
        told = telling_decimals(values, self.decimals)
        texts = (number(value, told, self.decimal_mark) for value in values)
        return list(texts)

    def operand(self, beside: TracedStep, id: str) -> TracedStep:
        """The step ``id`` of the same update."""
        return self.trace.update(beside.epoch, beside.batch)[id]

    def value(self, traced: TracedStep) -> Any:
        """The value, or the part of it that belongs to the sample asked for; among equations a
        1 × 1 matrix is a number."""
        if self.symbols.single_numbers and traced.value.size == 1:
            return traced.value.reshape(())
        return traced.value if self.sample is None else one_sample(self.trace, traced, self.sample)

    def places(self, traced: TracedStep) -> Iterator[tuple[int, int]]:
        """Where the entries of a value, or of its part, stand in the whole; [0, 0] of a scalar."""
        first, second = self.origin(traced)
        rows, columns = self.value(traced).shape or (1, 1)
        return ((i + first, j + second) for i in range(rows) for j in range(columns))

    def origin(self, traced: TracedStep) -> tuple[int, int]:
        """Where in the whole value the part of the sample begins."""
        part = None if self.sample is None else sample_slice(self.trace, traced, self.sample)
        if part is None:
            return 0, 0
        return (part.start, 0) if self.trace.conventions.layout == "rows" else (0, part.start)

    def printout(self, beside: TracedStep, ref: Ref, *, elided: bool) -> Printout:
        """A quantity as ``ref`` names it in the equation of the step ``beside``."""
        traced = self.operand(beside, ref.id)
        value, origin = self.value(traced), self.origin(traced)
        if ref.omit:
            value, origin = self._without_bias(ref, value, origin)
        value = value.T if ref.transposed else value
        if value.shape == ():
            text = number(value, self.decimals_of(traced), self.decimal_mark)
            return Printout(ref, (), ((text,),), (0,), (0,))
        rows, columns = (self.elision.lines(count, ref.id, elided=elided) for count in value.shape)
        texts = cells(value[rows][:, columns], self.decimals, self.decimal_mark)
        across = _with_gaps(columns, value.shape[1])
        filled = dict(zip(rows, (_spaced(line, across) for line in texts), strict=True))
        lines = _with_gaps(rows, value.shape[0])
        empty = ("",) * len(across)
        printed = tuple(empty if i is None else filled[i] for i in lines)
        return Printout(ref, value.shape, printed, lines, across, origin)

    def _without_bias(
        self, ref: Ref, value: Any, origin: tuple[int, int]
    ) -> tuple[Any, tuple[int, int]]:
        setting = Setting(self.trace.conventions)
        shift = ref.omit == "first"
        moved = (shift, 0) if setting.input_axis == 0 else (0, shift)
        return setting.without_bias(value, ref.omit), (origin[0] + moved[0], origin[1] + moved[1])

    def stages(self, traced: TracedStep, row: int, column: int) -> tuple[Expr, ...]:
        """One entry worked, a stage after the other."""
        return tuple(notation.entry(traced, self.trace, row, column, self.symbols))

    def sign(self, stage: Expr, value: str) -> str:
        """``=`` where the digits that are printed of a stage come to the printed value, else ``≈``.

        Where a stage can't be worked from them, it is not said to be off.
        """
        found = amount(stage, self.as_printed)
        return EXACTLY if found is None else self.sign_of(found, value)

    def sign_of(self, found: float, value: str) -> str:
        """The same of what the printed digits come to."""
        if not isfinite(found):
            return EXACTLY
        value = value.replace(self.decimal_mark, ".")
        unit = 10.0 ** min(_last_place(value), -self.line_decimals)
        return EXACTLY if abs(found - printed_amount(value)) < unit * HALF_A_UNIT else ABOUT

    def as_printed(self, value: Any) -> float:
        """A number with the digits of it that are printed."""
        return printed_amount(number(value, self.decimals))


HALF_A_UNIT = 0.5 + 1e-6  # of the last digit, and a float's own noise


def printed_amount(text: str) -> float:
    """The number that a text with a decimal point stands for; a fraction is exact."""
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


def _last_place(text: str) -> int:
    """The power of ten of the last digit of a printed number."""
    mantissa, _, exponent = text.partition("e")
    return int(exponent or 0) - len(mantissa.partition(".")[2])


def _spaced(line: list[str], columns: tuple[int | None, ...]) -> tuple[str, ...]:
    texts = iter(line)
    return tuple("" if column is None else next(texts) for column in columns)


def _with_gaps(numbers: list[int], count: int) -> tuple[int | None, ...]:
    """With None where lines are left out, also before the first and behind the last."""
    filled: list[int | None] = []
    for before, line in pairwise([-1, *numbers, count]):
        filled += [line] if line == before + 1 else [None, line]
    return tuple(filled[:-1])
