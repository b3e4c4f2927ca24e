"""Published figures against a trace, by their written digits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec
import numpy as np

from backtrace.check.figures import figure
from backtrace.check.model import Figure
from backtrace.functions.array import Array
from backtrace.spec.model import Published, Spec
from backtrace.tape.compile import TapeError, compile_tape
from backtrace.tape.run import run, starting_values

Standing: TypeAlias = Literal["agrees", "differs", "slip", "stale"]
NOISE = 1e-12  # of a float, relative: a figure may lie on the very edge of what its digits allow


class Held(msgspec.Struct, frozen=True):
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


class Holding(msgspec.Struct, frozen=True):
    """All figures that one line of the source prints of one quantity."""

    published: Published
    figures: tuple[Held, ...]

    @property
    def agrees(self) -> bool:
        return all(each.stands for each in self.figures)

    def count(self, standing: Standing) -> int:
        return sum(each.standing == standing for each in self.figures)


def hold(spec: Spec) -> tuple[Holding, ...]:
    """Every figure of ``expect`` beside the trace of the spec, in its own arithmetic.

    Raises TapeError, in words, for an id that the spec's tape does not have.
    """
    if not spec.expected:
        return ()
    values = _traced(spec)
    found = []
    for published in spec.expected:
        value = values.get((published.epoch, published.batch, published.id))
        if value is None:
            raise TapeError(
                f"`expect`, line {published.line}: {published.id} is a step that this spec's trace "
                "does not have; `backtrace trace` shows those it has"
            )
        found.append(Holding(published, tuple(_held(published, value))))
    return tuple(found)


def _traced(spec: Spec) -> dict[tuple[int, int, str], Array]:
    """The values asked for, of the trace as far as it is needed."""
    wanted = {(each.epoch, each.batch, each.id) for each in spec.expected}
    last = max(wanted)[:2]
    found = {}
    tape = compile_tape(spec, range(1, last[0] + 1))
    for traced in run(tape, starting_values(spec)):
        place = (traced.epoch, traced.batch)
        if place > last:
            break
        key = (*place, traced.id)
        if key in wanted:
            found[key] = np.asarray(traced.value, dtype=np.float64)
    return found


def _held(published: Published, value: Array) -> Iterator[Held]:
    values = np.atleast_2d(value) * float(published.times)
    reasons = {(slip.row, slip.column): slip.reason for slip in published.slips}
    for i, row in enumerate(published.written, 1):
        for j, text in enumerate(row, 1):
            if text:
                traced = float(values[i - 1, j - 1])
                yield _one((i, j), text, traced, reasons.get((i, j)))


def _one(index: tuple[int, int], text: str, traced: float, slip: str | None) -> Held:
    right = stands_for(text, traced)
    if slip is None:
        return Held(index, text, traced, "agrees" if right else "differs")
    return Held(index, text, traced, "stale" if right else "slip", slip)


def stands_for(text: str, value: float) -> bool:
    """Whether ``value`` is within half a unit of the last digit of ``text``, a tie either way."""
    read = figure(text)
    assert isinstance(read, Figure)  # the spec's reader has refused all else
    slack = NOISE * max(abs(read.value), abs(value))
    return abs(read.value - value) <= read.half_unit + slack


def totals(held: Iterable[Holding]) -> dict[Standing, int]:
    """How many figures there are of each standing."""
    found: dict[Standing, int] = {"agrees": 0, "differs": 0, "slip": 0, "stale": 0}
    for holding in held:
        for each in holding.figures:
            found[each.standing] += 1
    return found
