"""What the formulas take and give."""

from __future__ import annotations

from typing import Any, TypeAlias

Array: TypeAlias = Any
"""An ndarray of floats or of Fractions, or what answers NumPy's protocol in its place: intervals,
marks of what rests on what, calls to be recorded, the text of a program. All go through the same
formulas, and NumPy's own types have no word for that."""
