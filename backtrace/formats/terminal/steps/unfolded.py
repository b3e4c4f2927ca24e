"""Every entry of a step unfolded into its sum, the = signs in line, folded where it is too wide."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from backtrace.formats.measure import text_width, wrapped
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import formula_lines
from backtrace.functions.formula import Expr
from backtrace.notation.numbers import aligned
from backtrace.notation.text import tokens
from backtrace.page.figures import EXACTLY, UnfoldedEntry
from backtrace.page.step_block import StepBlock

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
    rows = _with_values([_entry(step, entry, say) for entry in step.entries()])
    lines = _in_columns(rows, room) or _stage_by_stage(rows, room)
    left_out = max(1, step.value.size) - len(rows)
    if left_out:
        more = "entry" if left_out == 1 else "entries"
        told = say(f"… and {left_out} more {more}; --full shows them")
        lines += [[(line, "fact")] for line in wrapped(told, room)]
    return lines


def _with_values(rows: list[Unfolded]) -> list[Unfolded]:
    """The rows, the points of their values in line."""
    return [
        msgspec.structs.replace(row, value=value)
        for row, value in zip(rows, aligned([row.value for row in rows]), strict=True)
    ]


def _entry(step: StepBlock, entry: UnfoldedEntry, say: Say) -> Unfolded:
    figures, name = step.figures, step.symbol
    if entry.place is not None:
        name += f"[{entry.place[0] + 1},{entry.place[1] + 1}]"

    def written(stage: Expr) -> str:
        return say("".join(map(str, tokens(stage, figures.symbols, True, figures.decimals))))

    told = list(entry.told(written, str, say(entry.number)))
    signs = [EXACTLY, *(say(sign) for _, sign in told)]
    return Unfolded(say(name), [text for text, _ in told], signs, entry.value)


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
