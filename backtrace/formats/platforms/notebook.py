"""A worksheet as a Jupyter notebook (nbformat 4): a cell to fill in a step, and one that checks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from backtrace.check.answers.names import Quantity
from backtrace.formats.markdown.writer import text
from backtrace.formats.platforms.assignment import Assignment
from backtrace.page import blocks
from backtrace.page.step_block import StepBlock

Cell: TypeAlias = dict[str, Any]
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CHECK = """import backtrace

print(backtrace.feedback(SPEC, answers))"""


def notebook(assignments: Sequence[Assignment]) -> dict[str, bytes]:
    """The notebook of the one assignment."""
    (assignment,) = assignments
    return {"sheet.ipynb": written(_cells(assignment))}


def _cells(assignment: Assignment) -> Iterator[Cell]:
    yield code("answers = {}")
    for said, quantity in parts(assignment):
        yield said
        if quantity is not None:
            yield code(blanks(quantity))
    yield code(f"SPEC = {assignment.handed_out!r}")
    yield code(CHECK)


def written(cells: Iterable[Cell]) -> bytes:
    """The file of a notebook."""
    whole = {
        "cells": [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)],
        "metadata": {"kernelspec": KERNEL, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def parts(assignment: Assignment) -> Iterator[tuple[Cell, Quantity | None]]:
    """A cell of words and formulas, and the quantity that is to be worked below it; None below the
    last of all."""
    document = assignment.document
    asked = {quantity.name: quantity for quantity in assignment.sheet.asked}
    above: list[blocks.Block] = []
    title = document.title
    for block in _steps(document.blocks):
        above.append(block)
        place = asked.get(str(block.traced.step.at)) if isinstance(block, StepBlock) else None
        if place is not None:
            yield _said(document, title, above), place
            above, title = [], ""
    if above:
        yield _said(document, title, above), None


def _steps(found: Iterable[blocks.Block]) -> Iterator[blocks.Block]:
    """The blocks one by one: a section is its heading, then what stands in it; no room to work."""
    for block in found:
        if isinstance(block, blocks.Section):
            yield msgspec.structs.replace(block, blocks=())
            yield from _steps(block.blocks)
        elif not isinstance(block, blocks.Room):
            yield block


def _said(document: blocks.Document, title: str, above: list[blocks.Block]) -> Cell:
    part = msgspec.structs.replace(document, title=title, blocks=tuple(above))
    return {"cell_type": "markdown", "metadata": {}, "source": text(part)}


def code(source: str) -> Cell:
    return {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def blanks(quantity: Quantity) -> str:
    """``answers["z1"] = [["_", "_"]]``: a place for each entry, a single one by itself."""
    rows, columns = quantity.shape
    return assigned(quantity, "_" if rows == columns == 1 else [["_"] * columns] * rows)


def assigned(quantity: Quantity, value: object) -> str:
    return f'answers["{quantity.name}"] = {json.dumps(value, default=str)}'
