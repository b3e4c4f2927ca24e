"""Draws the ten bundled images of digits: strokes with soft edges on 28 x 28 pixels."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Points = list[tuple[float, float]]

SIZE = 28
HALF_STROKE = 1.25  # pixels


def images() -> NDArray[np.uint8]:
    """The digits 0 to 9 in order, 10 × 28 × 28, dark background 0, stroke 255."""
    return np.stack([image(DIGITS[digit]) for digit in range(10)])


def image(strokes: list[Points]) -> NDArray[np.uint8]:
    """One image: a pixel's brightness falls off over one pixel at the edge of a stroke."""
    row, column = np.mgrid[0:SIZE, 0:SIZE].astype(float)
    nearest = np.full((SIZE, SIZE), np.inf)
    for points in strokes:
        for start, end in pairwise(points):
            nearest = np.minimum(nearest, _distance(column, row, start, end))
    coverage = np.clip(HALF_STROKE + 0.5 - nearest, 0, 1)
    return np.rint(255 * coverage).astype(np.uint8)


def _distance(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    start: tuple[float, float],
    end: tuple[float, float],
) -> NDArray[np.float64]:
    """How far each pixel is from the line between two points."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
    distance: NDArray[np.float64] = np.hypot(x - x0 - along * dx, y - y0 - along * dy)
    return distance


def arc(x: float, y: float, width: float, height: float, start: float, end: float) -> Points:
    """Points along an ellipse around (x, y), in degrees: 0 is right, 90 is down, as rows grow."""
    turns = [math.radians(start + (end - start) * step / 24) for step in range(25)]
    return [(x + width * math.cos(turn), y + height * math.sin(turn)) for turn in turns]


# Drawn within the middle 20 x 20 pixels (4 to 23), a little slanted, as a hand would.
DIGITS: dict[int, list[Points]] = {
    0: [arc(13.7, 13.5, 5.6, 8.6, 0, 360)],
    1: [[(10.5, 8.4), (14.8, 5.0), (13.2, 22.2)]],
    2: [[*arc(13.6, 9.6, 5.2, 4.6, 190, 390), (8.0, 21.8), (19.8, 21.4)]],
    3: [arc(12.6, 9.2, 5.4, 4.2, 205, 440) + arc(12.4, 17.6, 6.0, 4.6, 280, 510)],
    4: [[(11.0, 5.2), (7.2, 15.6), (20.4, 15.2)], [(16.8, 9.6), (15.6, 22.6)]],
    5: [[(19.2, 5.4), (10.2, 5.6), (9.2, 12.4), *arc(12.6, 16.4, 6.0, 5.4, 235, 505)]],
    6: [[(17.0, 5.0), (11.2, 10.4), (8.6, 16.4)], arc(13.6, 17.2, 5.0, 5.0, 0, 360)],
    7: [[(7.6, 6.0), (19.8, 5.6), (12.2, 22.4)]],
    8: [arc(14.2, 9.2, 4.4, 4.2, 0, 360), arc(13.6, 18.0, 5.2, 4.6, 0, 360)],
    9: [arc(13.8, 10.0, 4.8, 4.8, 0, 360), [(18.6, 9.6), (17.8, 16.0), (14.4, 22.6)]],
}
