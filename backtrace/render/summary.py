"""A trace on one screen: each quantity with its size and, as far as it fits, its value on a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from backtrace.notation.numbers import number
from backtrace.notation.steps import repeats
from backtrace.notation.symbols import Symbols
from backtrace.render.grid import Line
from backtrace.render.matrices import ROLES, SECTIONS, is_large
from backtrace.render.measure import text_width
from backtrace.render.selection import family
from backtrace.tape.trace import Trace, TracedStep

PRINCIPAL = frozenset(["z", "a", "loss", "delta", "dW", "db", "W_new", "b_new", "loss_after"])
GAP = "  "


def summary(
    trace: Trace, chosen: Sequence[tuple[TracedStep, Any]], symbols: Symbols, width: int
) -> list[Line]:
    """A line for each of the steps and values ``chosen``; what only repeats one joins its line."""
    names: dict[str, list[str]] = {}
    rows: list[tuple[TracedStep, Any]] = []
    for traced, value in chosen:
        same = repeats(traced, trace)
        if same in names:
            names[traced.id] = names[same]
            names[traced.id].append(symbols.name(traced.id))
            continue
        names[traced.id] = [symbols.name(traced.id)]
        rows.append((traced, value))
    table = [(traced, " = ".join(names[traced.id]), value) for traced, value in rows]
    return list(_lines(table, trace.decimals, width))


def is_principal(traced: TracedStep) -> bool:
    """Whether a quantity belongs on the screen when nothing in particular is asked for."""
    return family(traced.id) in PRINCIPAL


def _lines(table: list[tuple[TracedStep, str, Any]], decimals: int, width: int) -> Iterator[Line]:
    sections = [SECTIONS[traced.phase] for traced, _, _ in table]
    sizes = [" × ".join(map(str, value.shape)) for _, _, value in table]
    first, second, third = (
        max(map(text_width, texts), default=0)
        for texts in (sections, [name for _, name, _ in table], sizes)
    )
    room = width - first - second - third - 3 * len(GAP)
    before = ""
    for section, size, (traced, name, value) in zip(sections, sizes, table, strict=True):
        role = ROLES[traced.phase]
        yield [
            (("" if section == before else section).ljust(first) + GAP, "heading"),
            (name + " " * (second - text_width(name)) + GAP, role + ".name"),
            (size.rjust(third) + GAP, "dims"),
            (_inline(value, decimals, room), role),
        ]
        before = section


def _inline(value: Any, decimals: int, room: int) -> str:
    """The fullest form of a value that fits: all of it, its corners, its first and last entry."""
    if value.shape == ():
        return number(value, decimals)
    forms = [_corners, _ends] if is_large(value.shape) else [_whole, _corners, _ends]
    for form in forms:
        text = form(value, decimals)
        if text_width(text) <= room:
            return text
    return "⋯"


def _whole(value: Any, decimals: int) -> str:
    return _bracketed([_row(row, decimals) for row in value])


def _corners(value: Any, decimals: int) -> str:
    ends = [0, -1] if len(value) > 1 else [0]
    rows = [_row(value[at], decimals, 2) for at in ends]
    return _bracketed(rows if len(value) <= 2 else [rows[0], "⋮", rows[1]])


def _ends(value: Any, decimals: int) -> str:
    return _bracketed([f"{number(value[0, 0], decimals)} ⋯ {number(value[-1, -1], decimals)}"])


def _row(row: Any, decimals: int, most: int = 0) -> str:
    if most and len(row) > most:
        return f"{number(row[0], decimals)} ⋯ {number(row[-1], decimals)}"
    return GAP.join(number(entry, decimals) for entry in row)


def _bracketed(rows: list[str]) -> str:
    return f"[ {' ; '.join(rows)} ]"
