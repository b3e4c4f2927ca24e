"""Tables on an HTML page: cells with their signs, and numbers with bars beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from backtrace.formats.drawing.marks import LAYER
from backtrace.formats.html.equations import printed
from backtrace.page import blocks
from backtrace.page.inert import inert
from backtrace.page.tones import SIGNS

NUMBER = re.compile(r"-?[\d.,]+(?:e-?\d+|/\d+)?")
BAR = 16  # em, of the longest


def table(block: blocks.Table) -> Iterator[str]:
    yield from _head([(column.header, column.left) for column in block.columns])
    for row in block.rows:
        cells = zip(row, block.columns, strict=False)
        yield f"<tr>{''.join(_cell(cell, column.left) for cell, column in cells)}</tr>"
    yield "</tbody></table>"


def bars(block: blocks.Bars) -> Iterator[str]:
    """A row a number; the bar says nothing that the number beside it doesn't."""
    label, number, remark = block.heads
    yield from _head([(label, False), (number, False), ("", True), (remark, True)])
    for bar in block.rows:
        cells = _cell(blocks.Cell(bar.label), False), _cell(blocks.Cell(bar.number), False)
        yield f"<tr>{''.join(cells)}{_drawn(bar.share)}{_cell(bar.remark, True)}</tr>"
    yield "</tbody></table>"
    if block.smaller:
        yield f'<p class="fact">and {block.smaller} smaller ones</p>'


def shares(block: blocks.Shares) -> Iterator[str]:
    yield '<table class="losses"><tbody>'
    for label, share, words in block.rows:
        told = f"{_cell(blocks.Cell(label), False)}{_drawn(share)}{_cell(blocks.Cell(words), True)}"
        yield f"<tr>{told}</tr>"
    yield "</tbody></table>"


def _head(columns: list[tuple[str, bool]]) -> Iterator[str]:
    heads = (f'<th scope="col"{_side(left)}>{prose(header)}</th>' for header, left in columns)
    yield f'<table class="losses"><thead><tr>{"".join(heads)}</tr></thead><tbody>'


def _side(left: bool) -> str:
    return ' class="left"' if left else ""


def _drawn(share: float | None) -> str:
    if share is None:
        return "<td></td>"
    size = f'width="{share * BAR:.2f}em" height=".8em"'  # the page allows no style but its own
    return f'<td class="bar"><svg {size} aria-hidden="true"></svg></td>'


def _cell(cell: blocks.Cell, left: bool) -> str:
    """A verdict's sign is read out as its word."""
    is_number = not cell.tone and NUMBER.fullmatch(cell.text)
    shown = printed(cell.text) if is_number else prose(cell.text)
    sign, _ = SIGNS.get(cell.tone, ("", ""))
    if sign:
        tone = escape(cell.tone)
        shown = f'<span class="sign {tone}" role="img" aria-label="{tone}">{sign}</span> {shown}'
    return f"<td{_side(left)}>{shown.rstrip()}</td>"


def prose(text: str) -> str:
    """Anybody's text, a symbol's layer raised where the course writes it so."""
    return LAYER.sub(r"<sup>\1</sup>", escape(inert(text)))
