"""What a spec says of its quantities: which are asked for, what they are worth, what is printed."""

from __future__ import annotations

from msgspec.structs import replace

from backtrace.spec.document.fields import Fields
from backtrace.spec.model import Spec
from backtrace.spec.read.quantities.quantity_ids import QuantityIds, read_ask


def with_named(top: Fields, spec: Spec | None, quantities: QuantityIds) -> Spec | None:
    """The spec with the quantities that ``ask``, ``marks`` and ``expect`` name.

    Whatever is wrong with them becomes a problem, also where there is no spec to be had.
    """
    asked = read_ask(top.get("ask"), quantities)
    spec = spec and replace(spec, ask=asked)
    if "marks" in top:
        from backtrace.spec.read.quantities.marks import read_marks

        marks = read_marks(quantities.problems, top.get("marks"), quantities)
        spec = spec and replace(spec, marks=marks)
    if "expect" in top:
        from backtrace.spec.read.quantities.expected import read_expected

        expected = read_expected(top.get("expect"), quantities)
        spec = spec and replace(spec, expected=expected)
    return spec
