"""How pleasant an exercise is by hand: what is counted, what each costs, and the words for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.array import Array
from backtrace.tape.trace import Trace, TracedStep

NOISE = 1e-9
SATURATED = 0.05  # of the largest slope there is
LARGE, SMALL = 100.0, 2  # values above the one, or with fewer significant digits than the other
FEWEST_OFF, MOST_OFF = 1 / 8, 5 / 8  # share of ReLUs that are off
SHOWN = frozenset(["preactivation", "activation", "delta", "gradient", "named"])

COSTS: dict[str, float] = {
    "decimals": 0.5,
    "large": 5.0,
    "small": 6.0,
    "saturated": 6.0,
    "off": 3.0,
    "dead": 3.0,
    "zero gradients": 8.0,
    "kinks": 10.0,
    "alike": 4.0,
    "last digit 0": 30.0,
    "uphill": 3.0,
    "hidden mistakes": 1.5,
    "confusable mistakes": 0.3,
}
"""What is counted, and what it costs: a share of all values costs as much when it is all of them, a
number of things each time."""

WORDS: dict[str, str] = {
    "decimals": "decimals a value has, on average",
    "large": "values above 100",
    "small": "values with one digit only",
    "saturated": "units that are saturated",
    "off": "whether a fair share of the ReLUs is off",
    "dead": "ReLUs that are off for every sample",
    "zero gradients": "gradients that are 0",
    "kinks": "values exactly at a kink",
    "alike": "values that stand twice in a matrix",
    "last digit 0": "values whose last digit is a 0",
    "uphill": "whether the update makes the loss larger",
    "hidden mistakes": "mistakes that would not show",
    "confusable mistakes": "mistakes that give the same numbers as another",
}


class Pleasantness(msgspec.Struct, frozen=True):
    """The counts of one exercise; ``cost`` is 0 where nothing is unpleasant."""

    counts: dict[str, float]

    @property
    def cost(self) -> float:
        return sum(COSTS[name] * count for name, count in self.counts.items())

    def with_counts(self, counts: Mapping[str, float]) -> Pleasantness:
        return Pleasantness({**self.counts, **counts})


def pleasantness(trace: Trace, decimals: int) -> Pleasantness:
    """What the numbers of a trace are like to who works them to so many decimals."""
    worked = [traced for traced in trace if traced.phase != "given"]
    values = [_floats(traced) for traced in worked if traced.role in SHOWN]
    if not values:
        values = [_floats(traced) for traced in worked]
    everything = np.concatenate([value.ravel() for value in values])
    if not np.isfinite(everything).all():
        return Pleasantness({"large": 1e6})
    written = np.round(everything, decimals)
    plain = _decimals(everything, decimals)
    nonzero = written != 0
    steps = {(traced.epoch, traced.batch, traced.id): traced for traced in trace}
    return Pleasantness(
        {
            "decimals": float(plain.mean()),
            "large": _share(np.abs(everything) >= LARGE),
            "small": _share(nonzero & (np.abs(everything) < 10.0 ** (SMALL - 1 - decimals))),
            "alike": _alike(values, decimals),
            "last digit 0": _share(_ends_in_zero(everything, plain, decimals)),
            **_of_activations(worked, steps),
            "zero gradients": _zero_gradients(worked),
            "uphill": float(_climbs(trace)),
        }
    )


def _floats(traced: TracedStep) -> Array:
    return np.atleast_2d(np.asarray(traced.value, dtype=float))


def _share(found: Array) -> float:
    return float(found.mean()) if found.size else 0.0


def _decimals(values: Array, most: int) -> Array:
    """How many decimals each value has, at most so many."""
    found = np.full(values.shape, most, dtype=float)
    for decimals in range(most - 1, -1, -1):
        found[np.abs(values - np.round(values, decimals)) < NOISE] = decimals
    return found


def _ends_in_zero(values: Array, plain: Array, decimals: int) -> Array:
    """Values that go on beyond the digits asked for, and whose last digit is a 0, which people
    leave out."""
    endless = np.abs(values - np.round(values, decimals)) >= NOISE
    last = np.round(np.abs(values) * 10.0**decimals) % 10 == 0
    return np.asarray(endless & last & (np.round(values, decimals) != 0))


def _alike(values: list[Array], decimals: int) -> float:
    """The share of values that stand twice, with either sign, in their matrix."""
    twice = total = 0
    for value in values:
        if value.size > 1:
            sizes = np.round(np.abs(value[value != 0]), decimals)
            twice += sizes.size - len(np.unique(sizes))
            total += value.size
    return twice / total if total else 0.0


def _of_activations(
    worked: list[TracedStep], steps: Mapping[tuple[int, int, str], TracedStep]
) -> dict[str, float]:
    """Units that are saturated, off, or exactly at a kink."""
    found = {"saturated": 0.0, "off": 0.0, "dead": 0.0, "kinks": 0.0}
    off: list[Array] = []
    for traced in worked:
        name = traced.parameters.get("activation", traced.operation)
        row = ACTIVATIONS.get(name)
        if traced.phase not in ("forward", "loss") or row is None:
            continue
        if not row.elementwise:
            found["saturated"] = max(found["saturated"], _certain(_floats(traced)))
            continue
        z = _floats(steps[traced.epoch, traced.batch, traced.operands[0]])
        settings = {key: float(value) for key, value in row.parameters.items()}
        kinks = tuple(row.kinks(settings))
        found["kinks"] += sum(int((np.abs(z - kink) < NOISE).sum()) for kink in kinks)
        if kinks and name != "step":
            off.append(z < min(kinks))
        elif not kinks and np.isfinite(row.range).all():
            slopes = np.abs(np.asarray(row.derivative(z, settings), dtype=float))
            top = max(map(abs, row.derivative_range))
            found["saturated"] = max(found["saturated"], _share(slopes < SATURATED * top))
    if off:
        share = float(np.concatenate([each.ravel() for each in off]).mean())
        found["off"] = float(not FEWEST_OFF <= share <= MOST_OFF)
        found["dead"] = float(sum(_dead(each) for each in off))
    return found


def _certain(shares: Array) -> float:
    """How many of a softmax's shares hardly change with what they are of; a mask's 0 is none."""
    left = shares[shares > 0]
    return _share(left * (1 - left) < SATURATED / 4)


def _dead(off: Array) -> int:
    """Units that no sample turns on, whichever way samples lie; of one sample there is none."""
    if min(off.shape) == 1:
        return 0
    return int(min(off.all(axis=0).sum(), off.all(axis=1).sum()))


def _zero_gradients(worked: list[TracedStep]) -> float:
    """The share of zeros among the gradients; a matrix of zeros alone counts as a whole."""
    gradients = [_floats(traced) for traced in worked if traced.role == "gradient"]
    if not gradients:
        return 0.0
    entries = np.concatenate([each.ravel() for each in gradients])
    empty = sum(not each.any() for each in gradients)
    return _share(np.abs(entries) < NOISE) + empty


def _climbs(trace: Trace) -> bool:
    """Whether an update makes the loss larger where it should make it smaller."""
    pairs = list(_losses(trace))
    return any(after > before for before, after in pairs)


def _losses(trace: Trace) -> Iterator[tuple[float, float]]:
    for place in trace.updates:
        steps = trace.update(*place)
        after = steps.get("loss_after")
        before = [each for each in steps.values() if each.phase == "loss"]
        if after is not None and before and before[-1].value.size == 1:
            yield float(before[-1].value.item()), float(after.value.item())
