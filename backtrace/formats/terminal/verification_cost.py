"""What gradients cost by each way, on a terminal: passes, multiplications, times."""

from __future__ import annotations

from collections.abc import Iterator

from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.columns import Row, table
from backtrace.formats.terminal.layout import Page
from backtrace.notation.numbers import duration
from backtrace.spec.document.problems import count
from backtrace.verify.cost import Cost, Way


def lines(cost: Cost, samples: int, page: Page) -> Iterator[Line]:
    """A row a way, and what its numbers count."""
    yield []
    number = count(cost.parameters, "parameter")
    yield from page.rule("What each way costs", f"{number}, {count(samples, 'sample')}")
    ways = {
        "backpropagation": cost.backpropagation,
        "finite differences": cost.finite_differences,
        "central differences": cost.central_differences,
    }
    header = ("", "passes", "multiplications", "time", "")
    rows = [Row(header, "label")]
    rows += [_way(name, way, cost.backpropagation, page) for name, way in ways.items()]
    yield from table(rows, page, left=(0, 1))
    yield from page.paragraph(
        "(J(w + h) − J(w))/h takes a forward pass for each parameter w and one for J(w); central "
        "differences take two for each. Multiplications are those of products; the times are those "
        "of one pass, measured here.",
        "fact",
        1,
    )


def _way(name: str, way: Way, cheapest: Way, page: Page) -> Row:
    forward = f"{way.forward_passes:,} forward"
    passes = f"{forward}, {way.backward_passes} backward" if way.backward_passes else forward
    ratio = way.seconds / cheapest.seconds if cheapest.seconds > 0 else 1.0
    times = "" if way == cheapest else f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.1f} ×"
    time = duration(way.seconds)
    time = time if page.unicode else time.replace("µ", "u")
    return Row((f" {name}", passes, f"{way.multiplications:,}", time, times))
