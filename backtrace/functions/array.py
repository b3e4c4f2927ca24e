"""What the formulas take and give."""

from __future__ import annotations

from typing import Any, TypeAlias

Array: TypeAlias = Any  # an ndarray of floats or of Fractions: both go through the same formulas
