"""Shapes that don't fit as the conventions have it: the conventions under which they all do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

from backtrace.spec.model import Conventions, Layout
from backtrace.spec.wording import listed

Way: TypeAlias = tuple[Layout, Literal["in_out", "out_in"]]

WAYS: dict[Way, str] = {
    ("columns", "out_in"): "Z = W·A + b",
    ("rows", "in_out"): "Z = A·W + b",
    ("rows", "out_in"): "Z = A·Wᵀ + b",
    ("columns", "in_out"): "Z = Wᵀ·A + b",
}
"""The layouts and orientations, the usual ones first, and what a layer works in each."""


def fitting(conventions: Conventions, fits: Callable[[Way], bool]) -> list[Way]:
    """The other ways in which everything ``fits``."""
    return [way for way in WAYS if way != (conventions.layout, conventions.weights) and fits(way)]


def one_layout(ways: Iterable[Way]) -> list[Way]:
    """Of each orientation the usual layout: a list is the same sample as a row and as a column."""
    by_orientation: dict[str, Way] = {}
    for way in ways:
        by_orientation.setdefault(way[1], way)
    return list(by_orientation.values())


def advice(ways: Iterable[Way]) -> str:
    """Which conventions to write; which of them, where there are several, the formula tells."""
    return f"Everything fits with {listed(list(map(_said, ways)))}."


def _said(way: Way) -> str:
    layout, weights = way
    sample = f"a sample is a {'row' if layout == 'rows' else 'column'}, {WAYS[way]}"
    return f"`conventions: {{layout: {layout}, weights: {weights}}}` ({sample})"
