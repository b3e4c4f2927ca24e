"""Numbers that remember how they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction


class Number(float):
    """A float that keeps the text it was read from, so that 1/3 and 0.10 stay what was written.

    Arithmetic gives plain floats; only the number itself remembers.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, value: float, text: str | None = None) -> Number:
        number = super().__new__(cls, value)
        number.text = repr(float(value)) if text is None else text
        return number

    @property
    def fraction(self) -> Fraction:
        """The exact rational number that was written (``0.1`` is 1/10, ``1/3`` is 1/3)."""
        from fractions import Fraction

        return Fraction(self.text.replace(" ", "").replace("_", ""))

    def __reduce__(self) -> tuple[type[Number], tuple[float, str]]:
        return (Number, (float(self), self.text))
