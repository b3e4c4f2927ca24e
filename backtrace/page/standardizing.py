"""What a page says of standardized inputs, beside the numbers that they have become."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backtrace.functions.formula import Symbol
from backtrace.notation.numbers import number
from backtrace.page.blocks import Block, Paragraph
from backtrace.spec.wording import count
from backtrace.tape.trace import TracedStep

FEW = 6  # features whose numbers are said


def standardizing(given: Sequence[TracedStep], decimals: int) -> Iterator[Block]:
    """How the inputs among what is given were standardized, where they were."""
    for traced in given:
        found = traced.parameters.get("standardized")
        if found is None:
            continue
        over = count(found["samples"], "sample")
        said = f" is standardized: each feature less its mean, over its deviation, of {over}"
        numbers = "".join(
            f"; {name} {', '.join(number(each, decimals) for each in found[name])}"
            for name in ("mean", "deviation")
            if len(found.get(name, ())) in range(1, FEW + 1)
        )
        yield Paragraph((Symbol(traced.id), f"{said}{numbers}"), "note", 2)
