"""Small pictures beside each other on a terminal, each above its caption, as many as fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np
from msgspec.structs import replace

from backtrace.formats.measure import wrapped
from backtrace.formats.terminal.boxes import Line, line_width
from backtrace.formats.terminal.layout import INDENT, Layout
from backtrace.formats.terminal.picture import ROLE, SIGNED, picture
from backtrace.page.overview import in_rows
from backtrace.page.training.sketches import Mark, Sketch, Sketches

KEY = 20  # columns of the shades that are explained
CAPTION = 22  # columns that a caption has at least, of one line mostly
WIDEST = 24  # columns of a picture, as many as a surface has; a larger one is shrunk
APART = 3  # columns between two pictures
SIGNS = {True: "●", False: "○"}
ASCII_SIGNS = {True: "@", False: "o"}


def sketch_lines(block: Sketches, layout: Layout) -> Iterator[Line]:
    """The pictures in rows, then what their shades say."""
    kind = ROLE if block.ends is None else SIGNED
    drawn = [_drawn(each, kind, layout) for each in block.sketches]
    widths = [max(map(line_width, lines)) + APART for lines in drawn]
    for row in in_rows(widths, layout.width - INDENT + APART):
        yield []
        for parts in zip_longest(*(drawn[at] for at in row)):
            yield _beside(parts, [widths[at] for at in row])
    if block.ends is not None:
        low, high = block.ends
        shades = picture(np.linspace(0, 1, KEY)[None].repeat(2, axis=0), layout, kind)
        yield []
        yield [(" " * INDENT + f"{low} ", "fact"), *_unframed(shades), (f" {high}", "fact")]
    if block.legend:
        yield from layout.paragraph(block.legend, "fact")


def _unframed(lines: list[Line]) -> Line:
    return lines[0] if len(lines) == 1 else lines[1]  # of a picture with a frame


def _drawn(sketch: Sketch, kind: str, layout: Layout) -> list[Line]:
    lines = picture(sketch.shades, replace(layout, width=WIDEST), kind)
    framed = not (layout.colour and layout.unicode)
    for mark in sketch.marks:
        _set(lines, mark, 1 if framed else 0, layout)
    width = line_width(lines[0])
    caption = wrapped(layout.say(sketch.caption), max(width, CAPTION))
    return [*lines, *([(words, "")] for words in caption)]


def _set(lines: list[Line], mark: Mark, frame: int, layout: Layout) -> None:
    """Puts a sample's sign over the cell that it lies in."""
    sign = (SIGNS if layout.unicode else ASCII_SIGNS)[mark.high]
    row, column = mark.row // 2 + frame, mark.column + frame
    line: Line = []
    at = 0
    for words, role in lines[row]:
        inside = at <= column < at + len(words)
        if inside:
            before, after = words[: column - at], words[column - at + 1 :]
            line += [(before, role), (sign, "mark"), (after, role)]
        else:
            line.append((words, role))
        at += len(words)
    lines[row] = [span for span in line if span[0]]


def _beside(parts: Sequence[Line | None], widths: Sequence[int]) -> Line:
    line: Line = [(" " * INDENT, "")]
    for part, width in zip(parts, widths, strict=True):
        own = part or []
        line += [*own, (" " * (width - line_width(own)), "")]
    return line
