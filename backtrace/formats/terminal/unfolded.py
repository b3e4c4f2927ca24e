"""Every entry of a step unfolded into its sum, the = signs in line, folded where it is too wide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

import msgspec

from backtrace.formats.measure import folded, text_width, wrapped
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.matrices import Format
from backtrace.notation.numbers import aligned, cells, number
from backtrace.notation.steps import entry
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import tokens
from backtrace.tape.trace import Trace, TracedStep

MOST = 12  # entries unfolded unless all are asked for
TERMS = re.compile(r" (?=[-+−⋯] )")  # where a sum may be folded: before its signs

Unfolded = tuple[str, list[str], str]  # the entry's name, its stages, its value


class Unfolder(msgspec.Struct, frozen=True):
    """Whose entries are unfolded, and how: ``say`` puts a text in the terminal's characters."""

    trace: Trace
    symbols: Symbols
    form: Format
    say: Callable[[str], str]

    def lines(self, traced: TracedStep, room: int, sample: slice | None = None) -> list[Line]:
        """The lines ``z₁[1,2] = 1·(-1) + 2·0 = -1 + 0 = -1`` of a step, ``room`` columns wide.

        ``sample`` takes only these lines of the sample axis, for one sample of several.
        """
        places = _places(self.trace, traced, sample)
        shown = list(places if self.form.full else islice(places, MOST))
        rows = self.with_values(traced, shown, [self.entry(traced, i, j) for i, j in shown])
        lines = _in_columns(rows, room) or _stage_by_stage(rows, room)
        left_out = sum(1 for _ in places)
        if left_out:
            more = "entry" if left_out == 1 else "entries"
            told = self.say(f"… and {left_out} more {more}; --full shows them")
            lines += [[(line, "fact")] for line in wrapped(told, room)]
        return lines

    def with_values(
        self, traced: TracedStep, shown: list[tuple[int, int]], rows: list[Unfolded]
    ) -> list[Unfolded]:
        """The rows, their values with the decimals that the matrix shows, the points in line."""
        if not traced.shape:
            return rows
        at = [list(axis) for axis in zip(*shown, strict=True)]
        (values,) = cells(traced.value[at[0], at[1]][None], self.form.decimals)
        return [
            (name, stages, value.rstrip())
            for (name, stages, _), value in zip(rows, aligned(values), strict=True)
        ]

    def entry(self, traced: TracedStep, i: int, j: int) -> Unfolded:
        name = self.symbols.name(traced.id) + (f"[{i + 1},{j + 1}]" if traced.shape else "")
        worth = traced.value[i, j] if traced.shape else traced.value
        value = number(worth, self.form.decimals)
        stages: list[str] = []
        for stage in entry(traced, self.trace, i, j, self.symbols):
            text = "".join(map(str, tokens(stage, self.symbols, True, self.form.decimals)))
            if text not in (value, *stages[-1:]):
                stages.append(self.say(text))
        return self.say(name), stages, value


def _places(trace: Trace, traced: TracedStep, sample: slice | None) -> Iterator[tuple[int, int]]:
    rows, columns = traced.shape or (1, 1)
    by_rows = trace.conventions.layout == "rows"
    kept_rows = range(rows)[sample] if sample and by_rows else range(rows)
    kept_columns = range(columns)[sample] if sample and not by_rows else range(columns)
    return ((i, j) for i in kept_rows for j in kept_columns)


def _in_columns(rows: list[Unfolded], room: int) -> list[Line]:
    """A line an entry, each stage in its own column; none if that is too wide."""
    count = max((len(stages) for _, stages, _ in rows), default=0)
    table = [[name, *stages, *[""] * (count - len(stages)), value] for name, stages, value in rows]
    widths = [max(map(text_width, column)) for column in zip(*table, strict=True)]
    if sum(widths) + 3 * (len(widths) - 1) > room:
        return []
    return [_columns(cells, widths) for cells in table]


def _columns(cells: list[str], widths: list[int]) -> Line:
    """The cells padded to their columns, a = before each that is not empty."""
    text = ""
    for cell, width in zip(cells, widths, strict=True):
        sign = " = " if cell else "   "
        text += (sign if text else "") + cell + " " * (width - text_width(cell))
    return [(text.rstrip(), "entry")]


def _stage_by_stage(rows: list[Unfolded], room: int) -> list[Line]:
    """Each stage on a line of its own under the first =, long sums over several."""
    lines: list[Line] = []
    for name, stages, value in rows:
        label = name
        for stage in [*stages, value.strip()]:
            head = f"{label} = "
            for part in folded(stage, max(room - text_width(head), 8), TERMS):
                lines.append([(head + part, "entry")])
                head = " " * (text_width(name) + 3)
            label = " " * text_width(name)
    return lines
