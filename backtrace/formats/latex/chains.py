"""The chain of an entry in LaTeX: its paths in symbols, in numbers, their products and the sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from backtrace.formats.latex.formulas import text_width
from backtrace.functions.formula import Expr
from backtrace.notation.latex import latex
from backtrace.notation.numbers import latex as numeral
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import EXACT
from backtrace.page.why.blocks import Chain, Derivations, GivenEntries

TIMES = r" \cdot "
START = 3.0  # em of = or + before a line


class ChainFormulas(msgspec.Struct, frozen=True):
    """Writes the lines of an ``aligned`` no wider than ``width`` em."""

    symbols: Symbols
    width: float
    decimal_mark: str = "."

    def chain(self, block: Chain) -> list[str]:
        """Every path in symbols; every path in numbers; what they come to."""
        left = self.formula(block.left)
        symbols = [[self.formula(each) for each, _ in path.factors] for path in block.paths]
        numbers = [[self.factor(text) for _, text in path.factors] for path in block.paths]
        more = [rf"\text{{{block.further}}}"] if block.further else []
        lines = [line for each in (symbols, numbers) for line in self.added([*each, more], left)]
        if block.sums:
            lines += self.added([[self.factor(text)] for text in block.sums], left)
        lines.append(f"&= {self.number(block.total)}")
        return [f"{left} {lines[0]}", *lines[1:]]

    def added(self, terms: Sequence[Sequence[str]], left: str) -> Iterator[str]:
        """Terms added up, those beside each other that fit; a product too long goes on below."""
        room = self.width - START - text_width(left)
        line = "&= "
        for number, term in enumerate(filter(None, terms)):
            for at, factor in enumerate(term):
                mark = TIMES if at else " + " if number else ""
                ahead = factor if at else TIMES.join(term)
                if mark and text_width(line + mark + ahead) > room and not line.endswith("quad"):
                    yield line
                    line = r"&\quad"
                line += mark + factor
        yield line

    def derivations(self, block: Derivations) -> list[str]:
        """A line an entry, its later stages below where they don't fit."""
        lines: list[str] = []
        for name, _, stages in block.lines:
            left = self.formula(name)
            room = self.width - START - text_width(left)
            line = f"{left} &="
            for stage in map(self.formula, stages):
                if not line.endswith("&=") and text_width(f"{line} = {stage}") > room:
                    lines.append(line)
                    line = "&="
                line += (" " if line.endswith("&=") else " = ") + stage
            lines.append(line)
        return lines

    def given(self, block: GivenEntries) -> Iterator[str]:
        for symbol, _, number in block.entries:
            yield f"${self.formula(symbol)} = {self.number(number)}$"

    def formula(self, expr: Expr) -> str:
        return latex(expr, self.symbols, EXACT, decimal_mark=self.decimal_mark)

    def number(self, text: str) -> str:
        return numeral(text, self.decimal_mark)

    def factor(self, text: str) -> str:
        return f"({self.number(text)})" if text.startswith("-") else self.number(text)
