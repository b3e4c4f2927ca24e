"""Numbers that are pleasant by hand: few digits, no two alike, in the manner of a template's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtrace.course.template import NumberField

FINEST = 2  # decimals of a number that is drawn
SMALL_WHOLE = (-3, -2, -1, 1, 2, 3)
OFTEN = 0.5  # of whole numbers 1 and 2 are likelier
BITS = frozenset(["0", "1"])
SIGNS = frozenset(["-1", "1"])
TARGETS = ("targets", "classes")


def drawn(field: NumberField, random: np.random.Generator) -> list[str]:
    """The numbers of a field anew.

    Classes and truth tables stay what they are in kind: targets of 0 and 1 (or ±1) are drawn as
    such, one alone only where it is a class, a sample of one class as that of one class, and given
    masks stay. All else is drawn with the decimals and the size of what stands there.
    """
    texts = field.texts
    kinds = {text.removesuffix(".0") for text in texts}
    if kinds <= BITS:
        if field.kind == "given" or (field.kind == "inputs" and len(texts) > field.width):
            return list(texts)
        if field.kind == "classes" or (field.kind == "targets" and len(kinds) > 1):
            return _classes(field, random)
    if kinds <= SIGNS and field.kind in TARGETS and (field.kind == "classes" or len(kinds) > 1):
        return _mixed(texts, ("-1", "1"), random)
    if any("e" in text.lower() or "/" in text for text in texts):
        return list(texts)  # a tolerance, a third
    return list(_numbers(texts, random, signed=field.kind != "inputs"))


def changed(field: NumberField, texts: list[str], random: np.random.Generator) -> list[str]:
    """The numbers of a field with one of them drawn anew, or all where they belong together."""
    other = drawn(field, random)
    if field.kind in TARGETS:
        return other
    at = int(random.integers(len(texts)))
    return [*texts[:at], other[at], *texts[at + 1 :]]


def _classes(field: NumberField, random: np.random.Generator) -> list[str]:
    """Targets of 0 and 1: a class a row where they are so, or a column."""
    table = np.array(field.texts).reshape(-1, field.width)
    if field.width > 1 and all((row == "1").sum() == 1 for row in table):
        return [str(each) for each in _one_hot(table, random).ravel()]
    if len(table) > 1 and all((column == "1").sum() == 1 for column in table.T):
        return [str(each) for each in _one_hot(table.T, random).T.ravel()]
    return _mixed(field.texts, ("0", "1"), random)


def _one_hot(table: NDArray[Any], random: np.random.Generator) -> NDArray[Any]:
    samples, classes = table.shape
    chosen = random.permutation(np.arange(samples) % classes)
    return np.where(np.arange(classes) == chosen[:, None], "1", "0")


def _mixed(texts: Sequence[str], of: tuple[str, str], random: np.random.Generator) -> list[str]:
    """Of two values both, where there is more than one number."""
    found = list(random.choice(of, len(texts)))
    if len(texts) > 1 and len(set(found)) == 1:
        found[int(random.integers(len(texts)))] = of[of[0] == found[0]]
    return [str(each) for each in found]


def _numbers(texts: Sequence[str], random: np.random.Generator, *, signed: bool) -> Iterator[str]:
    """Numbers of as many decimals and about the size of these, none 0, none twice if there is
    room."""
    values = [float(text) for text in texts]
    decimals = min(max(len(text.partition(".")[2].rstrip("0")) for text in texts), FINEST)
    signed = signed or min(values) < 0
    choice = _choices(decimals, max(map(abs, values)), signed=signed, halves=_in_halves(values))
    once = len(choice) >= 2 * len(texts)
    weights = np.array([OFTEN if abs(each) == SMALL_WHOLE[-1] else 1.0 for each in choice])
    picked = random.choice(choice, len(texts), replace=not once, p=weights / weights.sum())
    yield from (f"{each:g}" for each in picked)


def _choices(decimals: int, largest: float, *, signed: bool, halves: bool) -> list[float]:
    step = 0.5 if halves else 10.0**-decimals
    top = max(largest, 3 * step if decimals else 3.0)
    count = round(top / step)
    sizes = [round(k * step, decimals) for k in range(1, count + 1)]
    return [*sizes, *(-size for size in sizes)] if signed else sizes


def _in_halves(values: Sequence[float]) -> bool:
    """Whether all are multiples of a half, and not all of them whole."""
    doubled = [2 * value for value in values]
    return all(value.is_integer() for value in doubled) and not all(
        value.is_integer() for value in values
    )
