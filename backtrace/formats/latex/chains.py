"""The chain of an entry in LaTeX: its paths in symbols, in numbers, their products and the sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from backtrace.formats.latex.formulas import EQUALS
from backtrace.functions.formula import Expr
from backtrace.notation.latex import LaTeX, Tex, joined, numeral_width, operators, width
from backtrace.notation.numbers import latex as numeral
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import EXACT
from backtrace.page.why.blocks import Chain, Derivation, Derivations, GivenEntries

TIMES, PLUS = Tex(r" \cdot ", 0.8), Tex(" + ", 1.2)
START = 3.0  # em of = or + before a line
LETTER = 0.5  # em of a word's

Term = Sequence[Tex]  # its factors


class ChainFormulas(msgspec.Struct, frozen=True):
    """Writes the lines of an ``aligned`` no wider than ``room`` em."""

    symbols: Symbols
    room: float
    decimal_mark: str = "."

    def chain(self, block: Chain) -> list[str]:
        """Every path in symbols; every path in numbers; what they come to."""
        left = self.formula(block.left)
        more = [[_words(block.further)]] if block.further else []
        symbols = [[self.formula(each) for each, _ in path.factors] for path in block.paths]
        numbers = [[self.factor(text) for _, text in path.factors] for path in block.paths]
        sums = [[self.factor(text)] for text in block.sums]
        stages = [[*symbols, *more], [*numbers, *more], *([sums] if sums else [])]
        lines = [line for stage in stages for line in self.added(stage, left)]
        sums_up = block.sign if sums else block.paths[0].sign
        lines.append(f"&{operators(sums_up).strip()} {self.number(block.total)}")
        return [f"{left} {lines[0]}", *lines[1:]]

    def added(self, terms: Sequence[Term], left: Tex) -> Iterator[str]:
        """Terms added up, those beside each other that fit; a product too long goes on below."""
        room = self.room - START - left.width
        lead, line = "&= ", list[Tex]()
        for number, term in enumerate(terms):
            for at, factor in enumerate(term):
                ahead = [factor] if at else _product(term)
                if line and width([*line, PLUS, *ahead]) > room:
                    yield lead + joined(line)
                    lead, line = r"&\quad ", []
                line += [*_mark(number, at), factor]
        yield lead + joined(line)

    def derivations(self, block: Derivations) -> list[str]:
        """A line an entry, its later stages below where they don't fit."""
        return [line for each in block.lines for line in self.derived(each)]

    def derived(self, line: Derivation) -> Iterator[str]:
        left = self.formula(line.symbol)
        room, start, beside = self.room - left.width, f"{left} ", list[Tex]()
        for sign, stage in line.stages:
            worked = self.formula(stage)
            if beside and width([*beside, worked]) + EQUALS > room:
                yield f"{start}&{joined(beside)}"
                start, beside = "", []
            beside += [Tex(f" {operators(sign).strip()} ", EQUALS), worked]
        yield f"{start}&{joined(beside)}"

    def given(self, block: GivenEntries) -> Iterator[str]:
        for symbol, _, number in block.entries:
            yield f"${self.formula(symbol)} = {self.number(number)}$"

    def formula(self, expr: Expr) -> Tex:
        """In one piece: the formulas of a chain are short."""
        pieces = LaTeX(self.symbols, EXACT, decimal_mark=self.decimal_mark).write(expr)
        return Tex(joined(pieces), width(pieces))

    def number(self, text: str) -> Tex:
        return Tex(numeral(text, self.decimal_mark), numeral_width(text))

    def factor(self, text: str) -> Tex:
        number = self.number(text)
        return Tex(f"({number})", number.width) if text.startswith("-") else number


def _mark(number: int, at: int) -> list[Tex]:
    """What stands before a factor."""
    return [TIMES] if at else [PLUS] if number else []


def _product(term: Term) -> list[Tex]:
    return [piece for factor in term for piece in (factor, TIMES)][:-1]


def _words(text: str) -> Tex:
    return Tex(rf"\text{{{text}}}", LETTER * len(text))
