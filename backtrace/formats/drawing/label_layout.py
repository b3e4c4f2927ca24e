"""Where the labels of a drawing go: along their edges, clear of units and of each other."""

from __future__ import annotations

from math import atan2, cos, hypot, pi, sin

import msgspec

STEPS = 40  # places tried on each side of an edge's middle
FIRST, LAST = 0.06, 0.94  # of an edge
CLEAR = 3.0  # pixels kept free around a label


class Rectangle(msgspec.Struct, frozen=True):
    """A rectangle turned about its middle by ``angle`` (in radians)."""

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0

    @property
    def radius(self) -> float:
        return hypot(self.width, self.height) / 2

    def corners(self) -> list[tuple[float, float]]:
        along, across = (cos(self.angle), sin(self.angle)), (-sin(self.angle), cos(self.angle))
        return [
            (
                self.x + u * self.width / 2 * along[0] + v * self.height / 2 * across[0],
                self.y + u * self.width / 2 * along[1] + v * self.height / 2 * across[1],
            )
            for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]


def overlap(one: Rectangle, other: Rectangle) -> bool:
    """Whether two rectangles share a point (separating axes)."""
    if hypot(one.x - other.x, one.y - other.y) > one.radius + other.radius:
        return False
    corners = one.corners(), other.corners()
    for angle in (one.angle, one.angle + pi / 2, other.angle, other.angle + pi / 2):
        axis = cos(angle), sin(angle)
        (low, high), (least, most) = (
            (min(reach), max(reach))
            for reach in ([x * axis[0] + y * axis[1] for x, y in each] for each in corners)
        )
        if high < least or most < low:
            return False
    return True


class Stroke(msgspec.Struct, frozen=True):
    """An edge from the left to the right, and the size of its label."""

    x1: float
    y1: float
    x2: float
    y2: float
    width: float
    height: float

    def point(self, t: float) -> tuple[float, float]:
        return self.x1 + t * (self.x2 - self.x1), self.y1 + t * (self.y2 - self.y1)

    @property
    def drawn(self) -> Rectangle:
        """The line itself, as thin as it is."""
        x, y = self.point(0.5)
        along, down = self.x2 - self.x1, self.y2 - self.y1
        return Rectangle(x, y, hypot(along, down), 1.0, atan2(down, along))

    def label(self, t: float) -> Rectangle:
        """The label's place at the share ``t`` of the way, with room around it."""
        return Rectangle(
            *self.point(t),
            self.width + 2 * CLEAR,
            self.height + 2 * CLEAR,
            atan2(self.y2 - self.y1, self.x2 - self.x1),
        )


def placed(lines: list[Stroke], units: list[Rectangle]) -> list[Rectangle] | None:
    """A place for each line's label, as near to its middle as is free; None if one has none.

    None lies where lines cross; where a line has a place clear of all others, it is that.
    """
    taken: list[Rectangle] = []
    for line in lines:
        crossings = _crossings(line, lines)
        free = [box for box in _tried(line) if _is_free(box, [*units, *taken, *crossings])]
        if not free:
            return None
        others = [other.drawn for other in lines if other is not line]
        taken.append(next((box for box in free if _is_free(box, others)), free[0]))
    return taken


def _crossings(line: Stroke, others: list[Stroke]) -> list[Rectangle]:
    """Where others between the same two columns cross the line, with some room around."""
    found = []
    for other in others:
        left, right = other.y1 - line.y1, other.y2 - line.y2
        if left * right < 0:
            x, y = line.point(left / (left - right))
            found.append(Rectangle(x, y, line.height / 2, line.height / 2))
    return found


def _tried(line: Stroke) -> list[Rectangle]:
    middle, reach = (FIRST + LAST) / 2, (LAST - FIRST) / 2
    sides = [middle + reach * side * k / STEPS for k in range(STEPS + 1) for side in (-1, 1)]
    return [line.label(t) for t in sides[1:]]


def _is_free(box: Rectangle, taken: list[Rectangle]) -> bool:
    return not any(overlap(box, other) for other in taken)
