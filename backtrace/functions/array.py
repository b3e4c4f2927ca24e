"""What the formulas take and give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"
"""The values of a quantity: floats, or Fractions under exact arithmetic."""

AnyArray: TypeAlias = Any
"""An Array, or what answers NumPy's protocols in its place: intervals, marks of what rests on
what, calls to be recorded, the text of a program. All go through the same formulas, and the types
of NumPy's functions have no word for that."""
