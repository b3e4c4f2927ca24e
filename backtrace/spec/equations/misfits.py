"""Lines of equations whose shapes don't go together: what the tape found, to be told by line."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from backtrace.spec.model import EquationLine


class Misfit(msgspec.Struct, frozen=True):
    """What is wrong at ``at`` (characters from 0 of the line's right side), ``length`` of them."""

    line: EquationLine
    at: int
    length: int
    found: str
    expected: str
    mend: str = ""
    drawing: str = ""


class MisfitError(Exception):
    """The misfits of all lines."""

    def __init__(self, misfits: Sequence[Misfit]) -> None:
        super().__init__("; ".join(f"{each.line.id}: {each.found}" for each in misfits))
        self.misfits = tuple(misfits)
