"""What a page says of standardized inputs, beside the numbers that they have become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backtrace.functions.formula import Symbol
from backtrace.notation.numbers import number
from backtrace.page.blocks import Block, Paragraph
from backtrace.spec.model import Spec
from backtrace.spec.wording import count
from backtrace.tape.trace import TracedStep

FEW = 6  # features whose numbers are said


def standardizing(given: Sequence[TracedStep], decimals: int) -> Iterator[Block]:
    """How the inputs among what is given were standardized, where they were."""
    for traced in given:
        found = traced.parameters.get("standardized")
        if found is None:
            continue
        yield Paragraph((Symbol(traced.id), f" is {_words(found, decimals)}"), "note", 2)


def standardized_inputs(spec: Spec) -> str:
    """``inputs standardized: each feature less its mean, …``, nothing where they are not."""
    numbers = spec.standardization
    if numbers is None:
        return ""
    found = {"samples": numbers.samples, "mean": numbers.mean, "deviation": numbers.deviation}
    return f"inputs {_words(found, spec.decimals)}"


def _words(found: Mapping[str, Any], decimals: int) -> str:
    over = count(found["samples"], "sample")
    numbers = "".join(
        f"; {name} {', '.join(number(each, decimals) for each in found[name])}"
        for name in ("mean", "deviation")
        if len(found.get(name, ())) in range(1, FEW + 1)
    )
    return f"standardized: each feature less its mean, over its deviation, of {over}{numbers}"
