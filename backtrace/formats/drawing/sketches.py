"""Small pictures beside each other as the inside of a drawing, each above its caption."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby

import numpy as np

from backtrace.formats.shades import LEVELS, of_light, of_two_sides
from backtrace.page.inert import inert
from backtrace.page.training.sketches import Mark, Sketch, Sketches

SIDE = 132.0  # of a picture
APART = 24.0
CAPTION = 22.0
LINE = 20.0
KEY = 120.0


class SketchesDrawing:
    """Pictures in rows of at most ``width``, and what their shades say."""

    def __init__(self, block: Sketches, width: float) -> None:
        self.block = block
        self.columns = max(1, int((width + APART) // (SIDE + APART)))
        self.rows = -(-len(block.sketches) // self.columns)
        self.key = LINE if block.ends is not None else 0.0

    @property
    def height(self) -> float:
        told = LINE if self.block.legend else 0.0
        return self.rows * (SIDE + CAPTION + 10) + self.key + told

    def body(self, x: float, y: float) -> Iterator[str]:
        for at, sketch in enumerate(self.block.sketches):
            row, column = divmod(at, self.columns)
            yield from self.sketch(
                sketch, x + column * (SIDE + APART), y + row * (SIDE + CAPTION + 10)
            )
        foot = y + self.height - 4
        if self.block.legend:
            yield f'<text class="tick" x="{x:.0f}" y="{foot:.0f}">{_text(self.block.legend)}</text>'
        if self.block.ends is not None:
            low, high = self.block.ends
            foot -= LINE if self.block.legend else 0
            yield f'<text class="tick value" x="{x + 150:.0f}" y="{foot:.0f}">{_text(low)}</text>'
            shades = np.linspace(0, 1, LEVELS)[None]
            yield from self.cells(shades, x + 158, foot - 10, KEY, 12.0)
            yield f'<text class="tick" x="{x + 166 + KEY:.0f}" y="{foot:.0f}">{_text(high)}</text>'

    def sketch(self, sketch: Sketch, x: float, y: float) -> Iterator[str]:
        yield from self.cells(sketch.shades, x, y, SIDE, SIDE)
        for mark in sketch.marks:
            yield _mark(mark, x, y, SIDE / len(sketch.shades))
        caption = _text(sketch.caption)
        yield f'<text x="{x:.1f}" y="{y + SIDE + CAPTION - 6:.1f}">{caption}</text>'

    def cells(
        self, shades: np.ndarray, x: float, y: float, width: float, height: float
    ) -> Iterator[str]:
        """A path a shade; what is the same side by side is one rectangle."""
        wide, high = width / shades.shape[1], height / shades.shape[0]
        paths: dict[int, str] = {}
        for row, line in enumerate(np.rint(shades * (LEVELS - 1)).astype(int).tolist()):
            start = 0
            for level, alike in groupby(line):
                count = len(list(alike))
                part = f"M{x + start * wide:.1f} {y + row * high:.1f}h{count * wide:.1f}v{high:.1f}"
                paths[level] = paths.get(level, "") + f"{part}h{-count * wide:.1f}z"
                start += count
        colour = of_light if self.block.ends is None else of_two_sides
        for level, path in sorted(paths.items()):
            yield f'<path fill="{colour(level)}" shape-rendering="crispEdges" d="{path}"/>'


def _mark(mark: Mark, x: float, y: float, cell: float) -> str:
    """A sample: filled where its target is the high one."""
    middle = f'cx="{x + (mark.column + 0.5) * cell:.1f}" cy="{y + (mark.row + 0.5) * cell:.1f}"'
    fill = "#24292f" if mark.high else "#ffffff"
    return f'<circle {middle} r="4" fill="{fill}" stroke="#24292f" stroke-width="1.5"/>'


def _text(text: str) -> str:
    return escape(inert(text))
