"""Every entry of a step unfolded into its sum, the = signs in line, folded where it is too wide."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import msgspec

from backtrace.formats.measure import text_width, wrapped
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import formula_lines
from backtrace.notation.numbers import aligned, cells
from backtrace.notation.text import tokens
from backtrace.page.step_block import StepBlock

MOST = 12  # entries unfolded unless all are asked for

APART = 3  # columns of a sign of equality between two stages

Say = Callable[[str], str]  # puts a text in the terminal's characters


class Unfolded(msgspec.Struct, frozen=True):
    """An entry: its name, its stages and its value, and the sign before each of them."""

    name: str
    stages: list[str]
    signs: list[str]
    value: str


def unfolded(step: StepBlock, room: int, say: Say) -> list[Line]:
    """The lines ``z₁[1,2] = 1·(-1) + 2·0 = -1 + 0 = -1`` of a step, ``room`` columns wide."""
    places = step.figures.places(step.traced)
    shown = list(places if step.figures.elision.full else islice(places, MOST))
    rows = _with_values(step, shown, [_entry(step, i, j, say) for i, j in shown])
    lines = _in_columns(rows, room) or _stage_by_stage(rows, room)
    left_out = sum(1 for _ in places)
    if left_out:
        more = "entry" if left_out == 1 else "entries"
        told = say(f"… and {left_out} more {more}; --full shows them")
        lines += [[(line, "fact")] for line in wrapped(told, room)]
    return lines


def _with_values(
    step: StepBlock, shown: list[tuple[int, int]], rows: list[Unfolded]
) -> list[Unfolded]:
    """The rows, their values with the decimals that the matrix shows, the points in line."""
    traced = step.traced
    if not step.value.shape:
        return rows
    at = [list(axis) for axis in zip(*shown, strict=True)]
    (values,) = cells(traced.value[at[0], at[1]][None], step.figures.decimals)
    return [
        msgspec.structs.replace(row, value=value.rstrip())
        for row, value in zip(rows, aligned(values), strict=True)
    ]


def _entry(step: StepBlock, i: int, j: int, say: Say) -> Unfolded:
    traced, figures = step.traced, step.figures
    is_matrix = bool(step.value.shape)
    name = step.symbol + (f"[{i + 1},{j + 1}]" if is_matrix else "")
    value = figures.number(traced.value[i, j] if is_matrix else step.value)
    stages: list[str] = []
    signs = ["="]
    for stage in step.worked(i, j):
        text = "".join(map(str, tokens(stage, figures.symbols, True, figures.decimals)))
        if text not in (value, *stages[-1:]):
            stages.append(say(text))
            signs.append(say("=" if figures.adds_up(stage, value) else "≈"))
    return Unfolded(say(name), stages, signs, value)


def _in_columns(rows: list[Unfolded], room: int) -> list[Line]:
    """A line an entry, each stage in its own column; none if that is too wide."""
    count = max((len(row.stages) for row in rows), default=0)
    table = [[row.name, *row.stages, *[""] * (count - len(row.stages)), row.value] for row in rows]
    widths = [max(map(text_width, column)) for column in zip(*table, strict=True)]
    if sum(widths) + APART * (len(widths) - 1) > room:
        return []
    return [_columns(cells, row.signs, widths) for cells, row in zip(table, rows, strict=True)]


def _columns(cells: list[str], signs: list[str], widths: list[int]) -> Line:
    """The cells padded to their columns, a sign before each that is not empty."""
    following = iter(signs)
    text = ""
    for cell, width in zip(cells, widths, strict=True):
        sign = f" {next(following)} " if cell and text else " " * APART if text else ""
        text += sign + cell + " " * (width - text_width(cell))
    return [(text.rstrip(), "entry")]


def _stage_by_stage(rows: list[Unfolded], room: int) -> list[Line]:
    """Each stage on a line of its own under the first sign, long sums over several."""
    lines: list[Line] = []
    for row in rows:
        label, margin = row.name, " " * text_width(row.name)
        for sign, stage in zip(row.signs, [*row.stages, row.value.strip()], strict=True):
            head = f"{label} {sign} "
            for part in formula_lines(stage, max(room - text_width(head), 8)):
                lines.append([(head + part, "entry")])
                head = margin + " " * APART
            label = margin
    return lines
