"""A worksheet as a Jupyter notebook (nbformat 4): a cell to fill in a step, and one that checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from backtrace.check.answers.names import Quantity
from backtrace.formats.markdown.writer import text
from backtrace.formats.platforms.assignment import Assignment
from backtrace.page import blocks
from backtrace.page.step_block import StepBlock

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CHECK = """import backtrace

print(backtrace.feedback(SPEC, answers))"""


def notebook(assignments: Sequence[Assignment]) -> dict[str, bytes]:
    """The notebook of the one assignment."""
    (assignment,) = assignments
    cells = list(_cells(assignment))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    whole = {
        "cells": cells,
        "metadata": {"kernelspec": KERNEL, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return {"sheet.ipynb": msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"}


def _cells(assignment: Assignment) -> Iterator[dict[str, Any]]:
    document = assignment.document
    asked = {quantity.name: quantity for quantity in assignment.sheet.asked}
    yield _code("answers = {}")
    above: list[blocks.Block] = []
    title = document.title
    for block in _steps(document.blocks):
        above.append(block)
        place = asked.get(str(block.traced.step.at)) if isinstance(block, StepBlock) else None
        if place is not None:
            yield _said(document, title, above)
            yield _code(f'answers["{place.name}"] = {_blanks(place)}')
            above, title = [], ""
    if above:
        yield _said(document, title, above)
    yield _code(f"SPEC = {assignment.handed_out!r}")
    yield _code(CHECK)


def _steps(found: Iterable[blocks.Block]) -> Iterator[blocks.Block]:
    """The blocks one by one: a section is its heading, then what stands in it; no room to work."""
    for block in found:
        if isinstance(block, blocks.Section):
            yield msgspec.structs.replace(block, blocks=())
            yield from _steps(block.blocks)
        elif not isinstance(block, blocks.Room):
            yield block


def _said(document: blocks.Document, title: str, above: list[blocks.Block]) -> dict[str, Any]:
    part = msgspec.structs.replace(document, title=title, blocks=tuple(above))
    return {"cell_type": "markdown", "metadata": {}, "source": text(part)}


def _code(source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def _blanks(quantity: Quantity) -> str:
    """``[["_", "_"]]``: a matrix of places, a single one by itself."""
    rows, columns = quantity.shape
    if rows == columns == 1:
        return '"_"'
    row = ", ".join(['"_"'] * columns)
    return f"[{', '.join([f'[{row}]'] * rows)}]"
