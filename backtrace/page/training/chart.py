"""A chart: lines over the epochs of a training, and the scales and ticks of its axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, floor, isclose, isfinite, log10
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from backtrace.notation.numbers import number, scientific, significant
from backtrace.page.blocks import Block

if TYPE_CHECKING:  # writers know charts, and most of what they write is of no training
    from backtrace.tape.training import Record

ROUND = (1, 2, 5, 10)  # times a power of ten: what a tick may stand at
LARGEST = 1e300  # of a value; round ones beyond the largest of all can't be written
SMALLEST = 1e-300  # of a span; round values inside a smaller one have no place among floats
LOG_FROM = 10  # largest loss over smallest, above which the scale is logarithmic
MOST_POWERS = 6  # of ten as ticks
FEW_DECADES = 2  # with fewer decades on a logarithmic scale 2 and 5 are ticks too

Point: TypeAlias = tuple[float, float]


class Series(msgspec.Struct, frozen=True):
    """A line of a chart: its name, its role, and (epoch, value) where the value is finite."""

    name: str
    role: str
    points: tuple[Point, ...]


class Scale(msgspec.Struct, frozen=True):
    """Values from ``low`` to ``high`` along an axis, with the values at which it has labels."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value stands, from 0 at ``low`` to 1 at ``high``."""
        low, high, at = (log10(v) if self.log else v for v in (self.low, self.high, value))
        return (at - low) / (high - low)


class Chart(Block, frozen=True):
    """Lines over the epochs, and the epoch whose parameters are kept where that is marked.

    ``of`` is what they show: the loss, or by its name what is maximized.
    """

    series: tuple[Series, ...]
    epochs: Scale
    values: Scale
    kept: Point | None = None
    of: str = "Loss"

    @property
    def empty(self) -> bool:
        """Whether there is no line to draw: no finite value, or only one epoch."""
        return self.epochs.low == self.epochs.high or not any(s.points for s in self.series)


def losses(records: Sequence[Record], kept: int | None = None) -> Chart:
    """The loss, and that of held-out samples; ``kept`` is the epoch to mark.

    Epochs with a loss that is not finite (or beyond ``LARGEST``) have no point.
    """
    held = [(r.epoch, r.validation.loss) for r in records if r.validation is not None]
    lines = [
        _series("training", "training", ((r.epoch, r.training.loss) for r in records)),
        *([_series("held out", "held out", held)] if held else []),
    ]
    marked = next((r for r in records if r.epoch == kept), None)
    at = None if marked is None else (float(marked.epoch), marked.judged.loss)
    at = at if at is not None and _is_drawn(at[1]) else None
    values = [value for line in lines for _, value in line.points]
    return Chart(tuple(lines), _epochs(records), value_scale(values), at)


def accuracies(records: Sequence[Record]) -> Chart:
    """The share classified right, in percent; without points where there are no classes."""
    training = [(r.epoch, 100 * a) for r in records if (a := r.training.accuracy) is not None]
    held = [(r.epoch, v.accuracy) for r in records if (v := r.validation) is not None]
    lines = [_series("training", "training", training)]
    shares = [(epoch, 100 * a) for epoch, a in held if a is not None]
    lines += [_series("held out", "held out", shares)] if shares else []
    return Chart(tuple(lines), _epochs(records), Scale(0, 100, (0, 20, 40, 60, 80, 100)))


def _series(name: str, role: str, points: Iterable[Point]) -> Series:
    return Series(name, role, tuple((e, v) for e, v in points if _is_drawn(v)))


def _is_drawn(value: float) -> bool:
    return isfinite(value) and abs(value) < LARGEST


def _epochs(records: Sequence[Record]) -> Scale:
    first, last = (records[0].epoch, records[-1].epoch) if records else (0, 0)
    ticks = [tick for tick in _round_values(first, last, 6) if tick == int(tick)]
    return Scale(first, last, tuple(ticks))


def value_scale(values: Sequence[float]) -> Scale:
    """From the smallest value to the largest, or further to a round one; 0 to 1 without values.

    It is logarithmic where they are positive and span more than a decade, and 0 to 1 where they
    differ, from each other and from 0, by less than ``SMALLEST``.
    """
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low > 0 and high / low > LOG_FROM:
        return _logarithmic(low, high)
    if isclose(low, high):  # as floats they may have nothing round between them
        low, high = min(low, 0.0), max(high, 0.0) or 1.0
    elif 0 < low < high / 2:
        low = 0.0
    if high - low < SMALLEST:
        low, high = 0.0, 1.0
    ticks = _round_values(low, high, 5)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
    bottom, top = floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step
    return Scale(bottom, top, tuple(_multiples(bottom, top, step)))


def _logarithmic(low: float, high: float) -> Scale:
    """Powers of ten as ticks; where these are few their doubles and fives as well."""
    first, last = floor(log10(low)), ceil(log10(high))
    every = round(_round_step((last - first) / MOST_POWERS)) if last - first > MOST_POWERS else 1
    powers = range(-(-first // every) * every, last + 1, every)
    factors = ROUND[:3] if last - first <= FEW_DECADES + 1 else ROUND[:1]
    ticks = [factor * 10.0**power for power in powers for factor in factors]
    return Scale(low, high, tuple(tick for tick in ticks if low <= tick <= high), log=True)


def _round_values(low: float, high: float, most: int) -> list[float]:
    """At most ``most`` + 1 round values from low to high, evenly spaced."""
    if not high > low:
        return [low]
    step = _round_step((high - low) / most)
    return _multiples(ceil(low / step - 1e-9) * step, high, step)


def _round_step(rough: float) -> float:
    """The next round number that is not smaller."""
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in ROUND if factor * power >= rough * (1 - 1e-9))


def _multiples(first: float, last: float, step: float) -> list[float]:
    count = floor((last - first) / step + 1e-6) + 1
    return [round(first / step) * step + at * step for at in range(count)]


def tick_labels(scale: Scale) -> list[str]:
    """The ticks as texts, with as many decimals as tell them apart."""
    if scale.log:
        return [_power(tick) for tick in scale.ticks]
    step = scale.ticks[1] - scale.ticks[0] if len(scale.ticks) > 1 else scale.ticks[0] or 1.0
    decimals = max(0, -floor(log10(abs(step)) + 1e-9))
    if decimals > 6 or max(map(abs, scale.ticks)) >= 1e6:
        return [significant(tick, 3) for tick in scale.ticks]
    return [f"{tick:.{decimals}f}" for tick in scale.ticks]


def _power(tick: float) -> str:
    if 1e-4 < tick < 1e6:
        return number(tick, 4)
    return scientific(tick, 1)
