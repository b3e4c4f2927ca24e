"""What every drawing is: so large, and so many lines of SVG from (0, 0) on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Drawing(Protocol):
    """The inside of an SVG."""

    @property
    def width(self) -> float: ...

    @property
    def height(self) -> float: ...

    @property
    def legend(self) -> list[tuple[str, str]]:
        """What stands where, each line with the role that its colour is of."""

    def body(self) -> Iterator[str]:
        """The lines."""
