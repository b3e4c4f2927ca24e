"""The chain of an entry in HTML: a table of its paths, factors over their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import msgspec

from backtrace.formats.html.equations import printed
from backtrace.functions.formula import Expr
from backtrace.notation.mathml import MathML
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import EXACT
from backtrace.page.why.blocks import Chain, Derivations, GivenEntries, ShownPath


class ChainTable(msgspec.Struct, frozen=True):
    """Writes the rows of a chain, and the lines of its numbers."""

    symbols: Symbols
    decimal_mark: str = "."

    def chain(self, block: Chain) -> Iterator[str]:
        """``left =`` before the first path; each is a row of symbols, a row of numbers and, at its
        end, what they come to."""
        across = 2 * max(len(path.factors) for path in block.paths) - 1
        yield '<div class="scroll"><table class="chain"><tbody>'
        for at, path in enumerate(block.paths):
            head = "+" if at else f"{self.math(block.left)} ="
            yield from self.path(path, head, across)
        if block.further:
            yield from (f'<tr><th scope="row">+</th><td colspan="{across}">', escape(block.further))
            yield f'</td><td class="product">= {self.number(block.rest)}</td></tr>'
        if block.sums:
            yield f'<tr class="sum"><th scope="row">sum</th><td colspan="{across}"></td>'
            yield f'<td class="product">{block.sign} {self.number(block.total)}</td></tr>'
        yield "</tbody></table></div>"

    def path(self, path: ShownPath, head: str, across: int) -> Iterator[str]:
        rest = across - 2 * len(path.factors) + 1
        filler = f'<td colspan="{rest}"></td>' if rest else ""
        symbols = "<td>·</td>".join(f"<td>{self.math(each)}</td>" for each, _ in path.factors)
        numbers = "<td>·</td>".join(f"<td>{self.number(text)}</td>" for _, text in path.factors)
        yield f'<tr><th scope="row" rowspan="2">{head}</th>{symbols}{filler}'
        yield f'<td class="product" rowspan="2">{path.sign} {self.number(path.product)}</td></tr>'
        yield f'<tr class="numbers">{numbers}{filler}</tr>'

    def derivations(self, block: Derivations) -> Iterator[str]:
        """Each = in a formula of its own: a line may be folded there."""
        yield '<ul class="derived">'
        for line in block.lines:
            worked = (f"<span>{sign} {self.math(stage)}</span>" for sign, stage in line.stages)
            yield f"<li>{' '.join([self.math(line.symbol), *worked])}</li>"
        yield "</ul>"

    def given(self, block: GivenEntries) -> str:
        told = [
            f"<span>{self.math(symbol)} = {self.number(number)}</span>"
            for symbol, _, number in block.entries
        ]
        more = [block.left_out] if block.more else []
        return f'<p class="phrases">{" ".join([*told, *more])}</p>'

    def math(self, expr: Expr) -> str:
        written = MathML(self.symbols, EXACT, decimal_mark=self.decimal_mark).formula(expr)
        return f"<math>{written}</math>"

    def number(self, text: str) -> str:
        return printed(text.replace(".", self.decimal_mark))
