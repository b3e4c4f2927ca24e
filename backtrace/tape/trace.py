"""A trace: the tape's steps with their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.spec.ids import At, Role
from backtrace.spec.model import Arithmetic, Conventions, Notation
from backtrace.tape.steps import Phase, Step


class TracedStep(msgspec.Struct, frozen=True, eq=False):
    """A step and its value.

    ``value`` is a 2-D array in the spec's layout, or a 0-d array for a scalar (shape ``()``):
    float64 or float32, or, in exact arithmetic, an object array of Fractions.
    """

    step: Step
    value: Array

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TracedStep):
            return NotImplemented
        return self.step == other.step and same_values(self.value, other.value)

    __hash__ = None  # type: ignore[assignment]

    @property
    def id(self) -> str:
        return self.step.id

    @property
    def at(self) -> At:
        return self.step.at

    @property
    def role(self) -> Role:
        return self.step.role

    @property
    def of(self) -> str:
        return self.step.of

    @property
    def operation(self) -> str:
        return self.step.operation

    @property
    def operands(self) -> tuple[str, ...]:
        return self.step.operands

    @property
    def parameters(self) -> dict[str, Any]:
        return self.step.parameters

    @property
    def phase(self) -> Phase:
        return self.step.phase

    @property
    def layer(self) -> int | None:
        return self.step.layer

    @property
    def epoch(self) -> int:
        return self.step.epoch

    @property
    def batch(self) -> int:
        return self.step.batch

    @property
    def shape(self) -> tuple[int, ...]:
        return self.step.shape

    @property
    def sample_numbers(self) -> Sequence[int]:
        return self.step.sample_numbers


def same_values(one: Array, other: Array) -> bool:
    """Whether two values agree in type, shape and every entry, a nan being equal to a nan."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return bool(np.array_equal(one, other, equal_nan=one.dtype != object))


class Trace(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Every intermediate value of an exercise, in the order it is worked.

    ``trace["delta2"]`` is the step of the first update; ``trace["delta2@2.3"]`` that of epoch 2,
    batch 3 (``@2`` is its first batch). Iterating gives the traced steps.
    """

    title: str
    source: str
    conventions: Conventions
    notation: Notation
    arithmetic: Arithmetic
    decimals: int
    steps: tuple[TracedStep, ...]

    def __eq__(self, other: object) -> bool:
        """Whether every step has the same value (a nan is equal to a nan) and all else agrees."""
        if not isinstance(other, Trace):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__struct_fields__)

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def _by_update(self) -> dict[tuple[int, int], dict[str, TracedStep]]:
        updates: dict[tuple[int, int], dict[str, TracedStep]] = {}
        for traced in self.steps:
            updates.setdefault((traced.epoch, traced.batch), {})[traced.id] = traced
        return updates

    @property
    def updates(self) -> tuple[tuple[int, int], ...]:
        """The (epoch, batch) of each update traced, in order."""
        return tuple(self._by_update)

    def update(self, epoch: int = 1, batch: int = 1) -> Mapping[str, TracedStep]:
        """The steps of one update by id; KeyError where it was not traced."""
        return self._by_update[(epoch, batch)]

    def __getitem__(self, id: str) -> TracedStep:
        """The step ``id``, or ``id@epoch.batch``; KeyError where there is none."""
        at = At.parse(id)
        steps = {} if at is None else self._by_update.get((at.epoch, at.batch), {})
        if at is None or at.id not in steps:
            raise KeyError(id)
        return steps[at.id]

    def __contains__(self, id: object) -> bool:
        try:
            self[str(id)]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[TracedStep]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def _repr_html_(self) -> str | None:
        return DISPLAYS["html"](self) if "html" in DISPLAYS else None

    def _repr_markdown_(self) -> str | None:
        return DISPLAYS["markdown"](self) if "markdown" in DISPLAYS else None


DISPLAYS: dict[str, Callable[[Trace], str]] = {}
"""How a notebook shows a trace; what writes pages lies above the tape, and adds itself here."""
