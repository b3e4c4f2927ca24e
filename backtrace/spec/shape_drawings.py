"""Two matrices whose shapes don't go together: what to say of them, and a drawing."""

from __future__ import annotations

import msgspec

from backtrace.spec.wording import count


class NamedShape(msgspec.Struct, frozen=True):
    """A matrix in a drawing; ``rows`` or ``columns`` is a letter where the number is not known."""

    name: str
    rows: int | str
    columns: int | str

    @property
    def shape(self) -> str:
        return f"{self.rows} × {self.columns}"

    def __str__(self) -> str:
        return f"{self.name} ({self.shape})"

    def transposed(self) -> NamedShape:
        return NamedShape(f"{self.name}ᵀ", self.columns, self.rows)


def product_misfit(left: NamedShape, right: NamedShape, sign: str = "·") -> tuple[str, str]:
    """What doesn't fit in ``left · right``: a sentence, and a drawing of three lines."""
    said = (
        f"{left} {sign} {right}: the {_count(left.columns, 'column')} of {left.name} "
        f"{'meets' if left.columns == 1 else 'meet'} the {_count(right.rows, 'row')} "
        f"of {right.name}"
    )
    names, shapes, end = _beside(left, right, sign)
    return said, f"{names}\n{shapes}\n{' ' * end}╰─≠─╯"


def entrywise_misfit(left: NamedShape, right: NamedShape, sign: str) -> tuple[str, str]:
    """The same for two matrices that are added or compared entry by entry."""
    names, shapes, _ = _beside(left, right, sign)
    return f"{left} {sign} {right}", f"{names}\n{shapes}"


def _beside(left: NamedShape, right: NamedShape, sign: str) -> tuple[str, str, int]:
    """Names over shapes, and the column in which the left shape ends.

    The shapes stand close together, as the numbers that are compared do.
    """
    widths = [max(len(operand.name), len(operand.shape)) for operand in (left, right)]
    gap = " " * (len(sign) + 2)
    names = f"{left.name:^{widths[0]}}{gap}{right.name:^{widths[1]}}"
    shapes = f"{left.shape:>{widths[0]}} {sign} {right.shape:<{widths[1]}}"
    return names.rstrip(), shapes.rstrip(), widths[0] - 1


def _count(number: int | str, word: str) -> str:
    return count(number, word) if isinstance(number, int) else f"{number} {word}s"
