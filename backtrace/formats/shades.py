"""Shades of small pictures as colours: from black to white, or from orange by white to blue."""

from __future__ import annotations

LEVELS = 24  # greys that a terminal of 256 colours has
LOW, MIDDLE, HIGH = (200, 90, 0), (245, 245, 245), (20, 90, 190)


def of_light(level: int) -> str:
    """``rgb(0,0,0)`` of level 0, white of the last."""
    return _rgb((255, 255, 255), (0, 0, 0), level / (LEVELS - 1))


def of_two_sides(level: int) -> str:
    """The low colour of level 0, the high one of the last."""
    share = 2 * level / (LEVELS - 1) - 1
    return _rgb(HIGH if share > 0 else LOW, MIDDLE, abs(share))


def _rgb(end: tuple[int, ...], start: tuple[int, ...], share: float) -> str:
    parts = (round(s + (e - s) * share) for e, s in zip(end, start, strict=True))
    return f"rgb({','.join(map(str, parts))})"
