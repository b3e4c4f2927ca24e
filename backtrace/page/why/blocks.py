"""Blocks of a single entry: the paths of its chain, and the lines that numbers were worked in."""

from __future__ import annotations

import msgspec

from backtrace.functions.formula import EntrySymbol, Expr, Row, Text
from backtrace.page.blocks import Block, Cell, Facts, Labelled
from backtrace.page.figures import EXACTLY


class ShownPath(msgspec.Struct, frozen=True):
    """A path's factors, each as a formula in symbols and as a number, and their product.

    ``sign`` is ``=``, or ``≈`` where the printed factors don't come to the printed product.
    """

    factors: tuple[tuple[Expr, str], ...]
    product: str
    sign: str = EXACTLY


class Chain(Block, frozen=True):
    """``left`` is the ``total`` of its paths: of the largest, and of ``further`` ones, which is
    said in words, empty where all are shown; they add up to ``rest``. ``sign`` is ``≈`` where the
    printed addends don't come to the printed total."""

    left: EntrySymbol
    paths: tuple[ShownPath, ...]
    total: str
    further: str = ""
    rest: str = ""
    sign: str = EXACTLY

    @property
    def sums(self) -> tuple[str, ...]:
        """The addends, where there are several."""
        found = (*(path.product for path in self.paths), *([self.rest] if self.further else []))
        return found if len(found) > 1 else ()


class Derivation(msgspec.Struct, frozen=True):
    """An entry: its symbol, as text too, and the stages of its working, a sign before each."""

    symbol: EntrySymbol
    name: str
    stages: tuple[tuple[str, Expr], ...]


class Derivations(Block, frozen=True):
    """A line each."""

    lines: tuple[Derivation, ...]

    @property
    def plainly(self) -> tuple[Labelled]:
        rows = ((Cell(line.name), (_equated(line.stages),)) for line in self.lines)
        return (Labelled(tuple(rows), of="formulas"),)


class GivenEntries(Block, frozen=True):
    """Entries that are given: symbol, symbol as text, number; how many ``more`` there are."""

    entries: tuple[tuple[EntrySymbol, str, str], ...]
    more: int = 0

    @property
    def plainly(self) -> tuple[Facts]:
        cells = [Cell(f"{name} = {number}") for _, name, number in self.entries]
        return (Facts((*cells, *([Cell(self.left_out)] if self.more else [])), "given"),)

    @property
    def left_out(self) -> str:
        return f"and {self.more:,} more"


def _equated(stages: tuple[tuple[str, Expr], ...]) -> Row:
    items: list[Expr] = []
    for sign, stage in stages:
        items += [Text(f" {sign} " if items else f"{sign} "), stage]
    return Row(tuple(items))
