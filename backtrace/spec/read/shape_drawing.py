"""Draws two operands whose shapes don't fit, and says which of them has what."""

from __future__ import annotations

import msgspec

from backtrace.spec.document.problems import count


class Operand(msgspec.Struct, frozen=True):
    """A matrix in a drawing; ``rows`` or ``columns`` is a letter where the number is not known."""

    name: str
    rows: int | str
    columns: int | str

    @property
    def shape(self) -> str:
        return f"{self.rows} × {self.columns}"

    def __str__(self) -> str:
        return f"{self.name} ({self.shape})"

    def transposed(self) -> Operand:
        return Operand(f"{self.name}ᵀ", self.columns, self.rows)


def product(left: Operand, right: Operand) -> tuple[str, str]:
    """What doesn't fit in ``left · right``: a sentence, and a drawing of three lines."""
    said = (
        f"{left} · {right}: the {_count(left.columns, 'column')} of {left.name} "
        f"{'meets' if left.columns == 1 else 'meet'} the {_count(right.rows, 'row')} "
        f"of {right.name}"
    )
    names, shapes, end = _beside(left, right, "·")
    return said, f"{names}\n{shapes}\n{' ' * end}╰─≠─╯"


def entrywise(left: Operand, right: Operand, sign: str) -> tuple[str, str]:
    """The same for two matrices that are added or compared entry by entry."""
    names, shapes, _ = _beside(left, right, sign)
    return f"{left} {sign} {right}", f"{names}\n{shapes}"


def _beside(left: Operand, right: Operand, sign: str) -> tuple[str, str, int]:
    """Names over shapes, and the column in which the left shape ends.

    The shapes stand close together, as the numbers that are compared do.
    """
    widths = [max(len(operand.name), len(operand.shape)) for operand in (left, right)]
    names = f"{left.name:^{widths[0]}}   {right.name:^{widths[1]}}"
    shapes = f"{left.shape:>{widths[0]}} {sign} {right.shape:<{widths[1]}}"
    return names.rstrip(), shapes.rstrip(), widths[0] - 1


def _count(number: int | str, word: str) -> str:
    return count(number, word) if isinstance(number, int) else f"{number} {word}s"
