"""What gradients cost by each way: passes, multiplications, times."""

from __future__ import annotations

from backtrace.notation.numbers import duration
from backtrace.page.blocks import Cell, Column, Paragraph, Section, Table
from backtrace.spec.wording import count
from backtrace.verify.cost import Cost, MethodCost

COLUMNS = (
    Column("", left=True),
    Column("passes", left=True),
    Column("multiplications"),
    Column("time"),
    Column(""),
)
WAYS = (
    "(J(w + h) − J(w))/h takes a forward pass for each parameter w and one for J(w); central "
    "differences take two for each. Multiplications are those of products; the times are those "
    "of one pass, measured here."
)


def section(cost: Cost, samples: int) -> Section:
    """A row a way, and what its numbers count."""
    ways = {
        "backpropagation": cost.backpropagation,
        "finite differences": cost.finite_differences,
        "central differences": cost.central_differences,
    }
    rows = tuple(_row(name, way, cost.backpropagation) for name, way in ways.items())
    counts = [count(cost.parameters, "parameter"), *([count(samples, "sample")] if samples else [])]
    aside = ", ".join(counts)
    return Section("What each way costs", (Table(COLUMNS, rows), Paragraph(WAYS, "fact", 1)), aside)


def _row(name: str, way: MethodCost, cheapest: MethodCost) -> tuple[Cell, ...]:
    forward = f"{way.forward_passes:,} forward"
    passes = f"{forward}, {way.backward_passes} backward" if way.backward_passes else forward
    ratio = way.seconds / cheapest.seconds if cheapest.seconds > 0 else 1.0
    times = "" if way == cheapest else f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.1f} ×"
    texts = (name, passes, f"{way.multiplications:,}", duration(way.seconds), times)
    return tuple(map(Cell, texts))
