"""What is said of a single entry, in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

import msgspec
import numpy as np

from backtrace.chain.explanation import MOST_CHAINS, ChainOfEntry, Explanation
from backtrace.chain.model import EntryNode
from backtrace.chain.paths import Path, ZeroFactor
from backtrace.chain.unfolding import UnfoldedLine, entry_symbol, symbolic
from backtrace.functions.formula import Expr, Sentence, Text, Value, rebuilt
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import EXACT, sentence_text, text, whole
from backtrace.notation.workings import Workings
from backtrace.page.blocks import Block, Document, Paragraph, Section
from backtrace.page.conventions import conventions
from backtrace.page.figures import ABOUT, EXACTLY, Figures, printed_amount
from backtrace.page.header import MORE_DIGITS, facts
from backtrace.page.why.blocks import Chain, Derivation, Derivations, GivenEntries, ShownPath
from backtrace.page.why.meaning import meaning
from backtrace.spec.ids import At
from backtrace.spec.wording import count

MOST_LINES = 24  # of where numbers come from
MOST_GIVEN = 24
MOST_ZEROS = 3  # factors named


def document(found: Explanation) -> Document:
    """The whole page."""
    symbols = found.workings.symbols
    page = _Page(found, symbols, Figures(found.trace, symbols))
    blocks = tuple(page.blocks())
    more = [MORE_DIGITS] if ABOUT in _signs(blocks) else []
    return Document(
        title=f"Why {name_of(found)} is {page.number(found.value)}",
        blocks=blocks,
        standing=found.trace.title,
        standing_tone="fact",
        facts=(*facts(found.trace, symbols), *(sentence_text(each, symbols) for each in more)),
        conventions=(*conventions(found.trace), *map(whole, more)),
        symbols=symbols,
    )


def _signs(blocks: Iterable[Block]) -> Iterator[str]:
    """Before every number of the page that is worked."""
    for block in blocks:
        match block:
            case Section():
                yield from _signs(block.blocks)
            case Chain():
                yield from (block.sign, *(path.sign for path in block.paths))
            case Derivations():
                yield from (sign for line in block.lines for sign, _ in line.stages)


def name_of(found: Explanation) -> str:
    """As it may be asked for: ``dW1[2,1]``, ``loss``, ``delta1[1,1]@2.1``."""
    shape = found.traced.shape
    index = f"[{found.node.row + 1},{found.node.column + 1}]" if shape and shape != (1, 1) else ""
    update = str(At("", found.traced.epoch, found.traced.batch))
    return f"{found.traced.id}{index}{update}"


class _Page:
    def __init__(self, found: Explanation, symbols: Symbols, figures: Figures) -> None:
        self.found, self.symbols, self.figures = found, symbols, figures
        self.workings: Workings = found.workings

    def number(self, value: Any) -> str:
        return self.figures.number(np.asarray(value)[()])

    def blocks(self) -> Iterator[Block]:
        alone = [each for each in self.found.chains if each.node == self.found.node]
        for chain in alone:
            yield from self.chain(chain)
        if not alone:
            yield from self.lines("Worked from", "worked-from")
            for chain in self.found.chains:
                name = self.name(chain.node)
                yield Section(f"Why {name}", tuple(self.chain(chain)), anchor=f"chain-{name}")
            more = len(self.found.unfolded.gradients) - MOST_CHAINS
            if more > 0:
                told = f"{count(more, 'more gradient')}: ask for each by its name."
                yield Paragraph(told, "fact")
        else:
            yield from self.lines("Where these numbers come from", "numbers")
        yield from self.given()

    # The chain

    def chain(self, chain: ChainOfEntry) -> Iterator[Block]:
        shown = Chain(
            left=entry_symbol(self.workings, chain.node),
            paths=tuple(map(self.path, chain.paths)),
            total=self.number(chain.total),
            further=count(chain.further, "further path") if chain.further else "",
            rest=self.number(chain.rest),
        )
        addends = sum(map(printed_amount, shown.sums)) if shown.sums else chain.total
        sign = self.figures.sign_of(float(addends), shown.total)
        shown = msgspec.structs.replace(shown, sign=sign)
        counted = Paragraph(self.counted(chain))
        yield Section("", (counted, shown) if chain.paths else (counted,))
        remarks = tuple(self.remarks(chain))
        if remarks:
            yield Section("", remarks)

    def remarks(self, chain: ChainOfEntry) -> Iterator[Block]:
        if chain.zero_paths:
            yield Paragraph(self.zeros(chain), "note")
        if self.number(chain.total) != self.number(chain.value):
            told = f"Every line of the trace was rounded: there it is {self.number(chain.value)}."
            yield Paragraph(told, "note")
        said = meaning(chain, self.workings, self.number)
        if said:
            yield Paragraph(said)

    def counted(self, chain: ChainOfEntry) -> str:
        goal = self.symbols.unicode(self.symbols.objective)
        number = chain.number
        if number == 0:
            return f"No path leads from it to {goal}."
        if len(chain.paths) == 1 and not chain.further:
            return f"One path leads from it to {goal}: the product of what stands along it."
        return f"{number:,} paths lead from it to {goal}; what they bring is added up."

    def path(self, path: Path) -> ShownPath:
        factors = [
            (symbolic(factor.formula, self.workings), self.number(factor.value))
            for factor in path.factors
        ]
        product, found = self.number(path.value), prod(printed_amount(text) for _, text in factors)
        sign = self.figures.sign_of(found, product)
        return ShownPath(tuple(factors) or ((Text("1"), "1"),), product, sign)

    def zeros(self, chain: ChainOfEntry) -> Sentence:
        """Which factors are 0, those that end the most paths first."""
        number, verb = chain.zero_paths, "is" if chain.zero_paths == 1 else "are"
        which = f"{number:,} path{'s' * (number > 1)}"
        if number == chain.number:
            which = "It" if number == 1 else f"All {number:,}"
        told: list[str | Expr] = [f"{which} {verb} zero: "]
        for at, zero in enumerate(chain.zeros[:MOST_ZEROS]):
            told += ["; " if at else "", *self.zero(zero)]
        more = len(chain.zeros) - MOST_ZEROS
        told.append(f"; and {more:,} more such factors." if more > 0 else ".")
        return tuple(told)

    def zero(self, zero: ZeroFactor) -> Sentence:
        formula = zero.factor.formula
        why = ""
        if isinstance(formula, Value) and formula.id:
            traced = self.workings.steps[formula.id]
            if traced.role == "slope" and traced.parameters.get("activation") == "relu":
                unit = (formula.row, formula.column)[1 - self.workings.setting.sample_axis]
                why = f"unit {unit + 1} is off, "
        return (why, symbolic(formula, self.workings), " = 0")

    # Where numbers come from

    def lines(self, title: str, anchor: str) -> Iterator[Block]:
        found = self.found.unfolded.lines
        if not found:
            return
        written = tuple(map(self.line, found[:MOST_LINES]))
        blocks: list[Block] = [Derivations(written)]
        if len(found) > MOST_LINES:
            more = count(len(found) - MOST_LINES, "more line")
            blocks.append(Paragraph(f"and {more}: the whole trace has them all", "fact"))
        yield Section(title, tuple(blocks), anchor=anchor)

    def line(self, line: UnfoldedLine) -> Derivation:
        value, sign = self.number(self.workings.entry(*line.node).value), EXACTLY
        symbols = symbolic(line.stages[0], self.workings)
        shown = {text(symbols, self.symbols, EXACT): (sign, symbols)}
        for stage in line.stages:
            printed = self.printed(stage)
            said = text(printed, self.symbols, EXACT)
            if said != value and said not in shown:
                shown[said] = (sign, printed)
                sign = self.figures.sign(stage, value)
        shown[value] = (sign, Text(value))
        symbol = entry_symbol(self.workings, line.node)
        return Derivation(symbol, self.name(line.node), tuple(shown.values()))

    def given(self) -> Iterator[Block]:
        found, steps = self.found.unfolded.given, self.workings
        entries = tuple(
            (entry_symbol(steps, node), self.name(node), self.number(steps.entry(*node).value))
            for node in found[:MOST_GIVEN]
        )
        if entries:
            shown = GivenEntries(entries, len(found) - len(entries))
            yield Section("Given", (shown,), anchor="given")

    def name(self, node: EntryNode) -> str:
        symbol = entry_symbol(self.workings, node)
        return self.symbols.unicode(self.symbols.entry(symbol.id, symbol.index))

    def printed(self, expr: Expr) -> Expr:
        """A formula whose numbers have the digits of the page."""
        if isinstance(expr, Value):
            return Value(self.rounded(expr.value))
        return rebuilt(expr, self.printed)

    def rounded(self, value: Any) -> Any:
        text = self.number(value)
        return value if "/" in text else float(text)
