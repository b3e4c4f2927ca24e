"""A trace on one screen: each quantity with its size and as much of its value as a line holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from backtrace.notation.numbers import cells, number
from backtrace.notation.steps import repeats
from backtrace.notation.symbols import Symbols
from backtrace.render.boxes import MORE_COLUMNS, MORE_ROWS, Line
from backtrace.render.grid import shown, with_gaps
from backtrace.render.matrices import ROLES, SECTIONS, is_large
from backtrace.render.measure import text_width
from backtrace.render.selection import family
from backtrace.tape.trace import Trace, TracedStep

PRINCIPAL = frozenset(["y", "z", "a", "loss", "delta", "dW", "db", "W_new", "b_new", "loss_after"])
GAP = "  "


def summary(
    trace: Trace,
    chosen: Sequence[tuple[TracedStep, Any]],
    symbols: Symbols,
    width: int,
    say: Callable[[str], str],
) -> list[Line]:
    """A line for each of the steps and values ``chosen``; what only repeats one joins its line.

    ``say`` puts a text in the terminal's characters.
    """
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
    table = [(traced, say(" = ".join(names[traced.id])), value) for traced, value in rows]
    return list(_lines(table, trace.decimals, width, say))


def is_principal(traced: TracedStep) -> bool:
    """Whether a quantity belongs on the screen when nothing in particular is asked for."""
    return family(traced.id) in PRINCIPAL


def _lines(
    table: list[tuple[TracedStep, str, Any]], decimals: int, width: int, say: Callable[[str], str]
) -> Iterator[Line]:
    sections = [SECTIONS[traced.phase] for traced, _, _ in table]
    sizes = [say(" × ".join(map(str, value.shape))) for _, _, value in table]
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
            (inline(value, decimals, room, say), role),
        ]
        before = section


def inline(value: Any, decimals: int, room: int, say: Callable[[str], str]) -> str:
    """The fullest form of a value that fits: all of it, its corners, its first and last entry."""
    if value.shape == ():
        return number(value, decimals)
    large = is_large(value.shape)
    for rows, columns in [(2, 2), (1, 2)] if large else [value.shape, (2, 2), (1, 2)]:
        text = say(_brief(value, decimals, rows, columns))
        if text_width(text) <= room:
            return text
    return say(MORE_COLUMNS)


def _brief(value: Any, decimals: int, most_rows: int, most_columns: int) -> str:
    """``[ 1  2 ; 3  4 ]``, with ⋯ for what is more than so many rows and columns."""
    rows, columns = shown(value.shape[0], most_rows), shown(value.shape[1], most_columns)
    texts = with_gaps(cells(value[rows][:, columns], decimals), rows, columns)
    lines = [MORE_ROWS if row[0] == MORE_ROWS else GAP.join(row) for row in texts]
    left_out = f" ; {MORE_ROWS}" if len(rows) == 1 < value.shape[0] else ""
    return f"[ {' ; '.join(lines)}{left_out} ]"
