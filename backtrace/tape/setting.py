"""What an operation is, and the conventions as operations need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from backtrace.functions.activations import Parameters
from backtrace.functions.array import AnyArray
from backtrace.spec.model import Conventions

Shape: TypeAlias = tuple[int, ...]


def transposed(x: AnyArray) -> AnyArray:
    """A matrix, or each of a stack, transposed."""
    return x.T if x.ndim == 2 else x.swapaxes(-1, -2)


class Setting(msgspec.Struct, frozen=True):
    """The conventions as the operations need them."""

    conventions: Conventions

    @property
    def sample_axis(self) -> int:
        return self.conventions.sample_axis

    @property
    def input_axis(self) -> int:
        """The axis of a weight matrix that meets the layer's inputs."""
        return 0 if self.conventions.weights == "in_out" else 1

    @property
    def descent(self) -> bool:
        return self.conventions.sign == "descent"

    def rows(self, x: AnyArray) -> AnyArray:
        """``x`` with a sample a row, whatever the layout (and back again)."""
        return x if self.sample_axis == 0 else transposed(x)

    def downhill(self, x: AnyArray) -> AnyArray:
        """What is added to go down: −x under ``sign: gradient``, x under ``sign: descent``."""
        return x if self.descent else -x

    def without_bias(self, w: AnyArray, omit: str) -> AnyArray:
        """An augmented weight matrix without its bias line; ``omit`` is "", "first" or "last"."""
        if not omit:
            return w
        kept = slice(1, None) if omit == "first" else slice(None, -1)
        return w[..., kept, :] if self.input_axis == 0 else w[..., kept]


Evaluate: TypeAlias = Callable[..., AnyArray]
ShapeRule: TypeAlias = Callable[..., Shape]


class Operation(msgspec.Struct, frozen=True):
    """One operation.

    ``evaluate(setting, parameters, *values)`` gives the value. ``shape(setting, parameters,
    *shapes)`` gives its shape and raises ValueError, in words, where the operands don't fit.
    ``rational(parameters)`` says whether fractions stay fractions.
    """

    evaluate: Evaluate
    shape: ShapeRule
    rational: Callable[[Parameters], bool] = lambda p: True
