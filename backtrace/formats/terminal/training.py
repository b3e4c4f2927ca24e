"""A training that has ended, on a terminal: its epochs, its curve, its confusions, what is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.boxes import ASCII, UNICODE, Line, line_width
from backtrace.formats.terminal.columns import grouped
from backtrace.formats.terminal.confusion_table import confusion_lines
from backtrace.formats.terminal.curve import MARKS, curve, legend
from backtrace.formats.terminal.grid import gallery
from backtrace.formats.terminal.layout import APART, INDENT, STYLES_OF_A_PAGE, Layout
from backtrace.formats.terminal.matrices import whole_block
from backtrace.functions.array import Array
from backtrace.notation.symbols import Symbols
from backtrace.page.elision import is_large
from backtrace.page.long_fractions import readable
from backtrace.page.training.outcome import Outcome, outcome
from backtrace.spec.model import Spec
from backtrace.tape.training import Training

STYLES: dict[str, str] = {
    **STYLES_OF_A_PAGE,
    "dims": "dim",
    "bracket": "dim",
    "training": "cyan",
    "held out": "magenta",
    "best": "bold green",
    "right": "green",
    "wrong": "red",
    "diverged": "bold red",
    "doubt": "yellow",
    "updated": "green",
    "name": "bold",
}
GAP = "   "  # between two columns of the table
MOST_NUMBERS = 64  # of a network whose parameters are shown


def lines(
    spec: Spec,
    training: Training,
    outputs: Array | None,
    page: Layout,
    behind: int | None = None,
) -> list[Line]:
    """The whole page, in lines no wider than ``page``.

    ``outputs`` are the last activations with the kept parameters, a sample a row, of the held-out
    samples where there are any, else of all; None where nobody needs them (no classes).
    ``behind`` are the epochs that were behind a training which was taken up.
    """
    said = outcome(spec, training, outputs, behind)
    found = page.spread([(said.title, "title")], [(said.architecture, "")])
    found += page.flowed(said.facts, "fact")
    found += [[], *_table(said, page), []]
    found += list(_ending(said, page))
    found += _curve(said, page)
    found += _confusion(said, page)
    return found + _parameters(spec, training.state.parameters(spec), said.symbols, page)


def _table(said: Outcome, page: Layout) -> list[Line]:
    """The epochs, the kept one marked; columns that don't fit beside the others stand below."""
    columns = [[page.say(text) for text in column] for column in zip(*said.table, strict=True)]
    mark = "" if said.marked is None else f"  {MARKS[not page.unicode][2]} kept"
    room = page.breadth - INDENT - text_width(mark)
    found: list[Line] = []
    for group in grouped(columns, room, GAP):
        found += [[]] if found else []
        for at, row in enumerate(group):
            marked = said.marked is not None and at == said.marked + 1
            role = "label" if at == 0 else "best" if marked else ""
            found.append([(" " * INDENT + row + (mark if marked else ""), role)])
    return found


def _ending(said: Outcome, page: Layout) -> Iterator[Line]:
    yield from page.paragraph(said.ended, "heading", 0)
    if said.diverged:
        yield from page.paragraph(said.diverged, "diverged", 0)
    yield from page.paragraph(said.kept, "", 0)
    for doubt in said.doubts:
        yield from page.paragraph(doubt, "doubt", 0)
    if said.tries:
        yield []
        yield from page.paragraph("What to try:", "heading", 0)
    for remedy in said.tries:
        first, *more = page.paragraph(remedy, "", INDENT)
        sign = "·" if page.unicode else "-"
        yield [(f"  {sign} {first[0][0].lstrip()}", "")]
        yield from more


def _curve(said: Outcome, page: Layout) -> list[Line]:
    drawn = curve(said.chart, page)
    if not drawn:
        return []
    scale = "logarithmic scale" if said.chart.values.log else ""
    return [[], *page.rule("Loss by epoch", scale), *drawn, *_legend(said, page)]


def _legend(said: Outcome, page: Layout) -> list[Line]:
    """The marks beside each other, as many to a line as fit."""
    found: list[Line] = []
    for text, role in legend(said.chart, page):
        last: Line = found[-1] if found else []
        if not last or line_width(last) + len(APART) + text_width(text) > page.breadth:
            found.append([(" " * INDENT, ""), (text, role)])
        else:
            last += [(APART, ""), (text, role)]
    return found


def _confusion(said: Outcome, page: Layout) -> list[Line]:
    if said.confusion is None:
        return []
    found = page.rule("Confusion", said.confusion.heading)
    return [[], *found, *confusion_lines(said.confusion, page)]


def _parameters(
    spec: Spec, values: Mapping[str, Array], symbols: Symbols, page: Layout
) -> list[Line]:
    """The kept parameters as matrices, where there are few enough to look at."""
    numbers = sum(value.size for value in values.values())
    if numbers > MOST_NUMBERS or any(is_large(value.shape) for value in values.values()):
        return []
    shown, word = readable(values)
    blocks = [
        [whole_block(value, symbols.name(id), "updated", spec.decimals, page)]
        for id, value in shown.items()
    ]
    style = UNICODE if page.unicode else ASCII
    matrices = gallery(blocks, page.width, INDENT, style)
    said = page.paragraph(word, "fact") if word else []
    return [[], *page.rule("Kept parameters"), *matrices, *said]
