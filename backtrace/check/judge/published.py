"""Published figures against a trace, by their written digits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec
import numpy as np

from backtrace.check.answers.figures import figure
from backtrace.check.model import Figure
from backtrace.functions.array import Array
from backtrace.spec.model import Published, Spec
from backtrace.tape.compile import compile_tape
from backtrace.tape.run import run, starting_values
from backtrace.tape.steps import Tape

Standing: TypeAlias = Literal["agrees", "differs", "slip", "stale"]
NOISE = 1e-12  # of a float, relative: a figure may lie on the very edge of what its digits allow


class ComparedFigure(msgspec.Struct, frozen=True):
    """One published figure beside the trace's value.

    ``agrees``: the value lies within half a unit of the last written digit; ``differs``: it does
    not. A figure that is marked as wrong is a ``slip`` where it differs, as it should, and
    ``stale`` where it agrees after all.
    """

    index: tuple[int, int]
    written: str
    traced: float
    standing: Standing
    reason: str = ""

    @property
    def stands(self) -> bool:
        return self.standing in ("agrees", "slip")

    @property
    def decimals(self) -> int:
        """The decimal places written; negative where the last digit stands left of the point."""
        return _read(self.written).decimals

    @property
    def is_close(self) -> bool:
        """Whether the last written digit is off by one, as rounding on the way leaves it."""
        read = _read(self.written)
        return read.half_unit > 0 and abs(read.value - self.traced) <= 3 * read.half_unit


class ComparedLine(msgspec.Struct, frozen=True):
    """All figures that one line of the source prints of one quantity."""

    published: Published
    figures: tuple[ComparedFigure, ...]

    @property
    def agrees(self) -> bool:
        return all(each.stands for each in self.figures)

    def count(self, standing: Standing) -> int:
        return sum(each.standing == standing for each in self.figures)


def compare(spec: Spec) -> tuple[ComparedLine, ...]:
    """Every figure of ``expect`` beside the trace of the spec, in its own arithmetic."""
    if not spec.expected:
        return ()
    last = max((each.epoch, each.batch) for each in spec.expected)
    tape = compile_tape(spec, range(1, last[0] + 1))
    values = _traced(spec, tape, last)
    return tuple(
        ComparedLine(each, tuple(_compared(each, values[each.epoch, each.batch, each.id])))
        for each in spec.expected
    )


def _traced(spec: Spec, tape: Tape, last: tuple[int, int]) -> dict[tuple[int, int, str], Array]:
    """The values asked for, of the trace up to the update that is wanted ``last``."""
    wanted = {(each.epoch, each.batch, each.id) for each in spec.expected}
    found = {}
    for traced in run(tape, starting_values(spec)):
        place = (traced.epoch, traced.batch)
        if place > last:
            break
        key = (*place, traced.id)
        if key in wanted:
            found[key] = np.asarray(traced.value, dtype=np.float64)
    return found


def _compared(published: Published, value: Array) -> Iterator[ComparedFigure]:
    values = np.atleast_2d(value) * float(published.times)
    reasons = {(slip.row, slip.column): slip.reason for slip in published.slips}
    for i, row in enumerate(published.written, 1):
        for j, text in enumerate(row, 1):
            if text:
                traced = float(values[i - 1, j - 1])
                yield _one((i, j), text, traced, reasons.get((i, j)))


def _one(index: tuple[int, int], text: str, traced: float, slip: str | None) -> ComparedFigure:
    right = stands_for(text, traced)
    if slip is None:
        return ComparedFigure(index, text, traced, "agrees" if right else "differs")
    return ComparedFigure(index, text, traced, "stale" if right else "slip", slip)


def stands_for(text: str, value: float) -> bool:
    """Whether ``value`` is within half a unit of the last digit of ``text``, a tie either way."""
    read = _read(text)
    slack = NOISE * max(abs(read.value), abs(value))
    return abs(read.value - value) <= read.half_unit + slack


def _read(text: str) -> Figure:
    read = figure(text)
    assert isinstance(read, Figure)  # the spec's reader has refused all else
    return read


def totals(held: Iterable[ComparedLine]) -> dict[Standing, int]:
    """How many figures there are of each standing."""
    found: dict[Standing, int] = {"agrees": 0, "differs": 0, "slip": 0, "stale": 0}
    for holding in held:
        for each in holding.figures:
            found[each.standing] += 1
    return found
