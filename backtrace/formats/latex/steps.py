"""The steps of a trace as display formulas, and what Markdown and LaTeX write alike around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from backtrace.formats.block_writer import BlockWriter
from backtrace.formats.latex.chains import ChainFormulas
from backtrace.formats.latex.formulas import Formulas
from backtrace.formats.latex.hairpin import hairpin
from backtrace.functions.formula import Expr
from backtrace.notation.latex import joined, latex, width
from backtrace.notation.text import EXACT
from backtrace.page.blocks import Document, Omission, Section
from backtrace.page.overview import Overview
from backtrace.page.step_block import Gallery, Results, StepBlock, Summary
from backtrace.page.why.blocks import Chain, Derivations, GivenEntries

WIDEST_FORMULA = 0.5  # of the width of a page, in a table


class FormulaPage(BlockWriter[str]):
    """A page whose formulas are LaTeX, no wider than ``width`` em."""

    display: Callable[[Iterable[Sequence[str]]], Iterator[str]]
    said: Callable[[str], Iterator[str]]  # a paragraph
    remark: Callable[[str], Iterator[str]]  # a paragraph set apart
    strong: Callable[[str], str]
    heading: Callable[[Section], Iterator[str]]
    step_heading: Callable[[StepBlock], Iterator[str]]
    entries: Callable[[Sequence[Sequence[str]]], Iterator[str]]
    formula_table: Callable[[Sequence[Sequence[str]]], Iterator[str]]  # its first row the headers

    def __init__(self, document: Document, width: float, *, coloured: bool = False) -> None:
        self.document, self.width, self.coloured = document, width, coloured

    def formula(self, expr: Expr) -> str:
        symbols, mark = self.document.symbols, self.document.decimal_mark
        assert symbols is not None
        return f"${latex(expr, symbols, EXACT, decimal_mark=mark)}$"

    def section(self, section: Section) -> Iterator[str]:
        headed = bool(section.heading or section.title)
        if headed:
            yield from self.heading(section)
        yield from self.below(section.blocks, int(headed))

    def chain(self, block: Chain) -> Iterator[str]:
        return self.display([self.chains.chain(block)])

    def derivations(self, block: Derivations) -> Iterator[str]:
        return self.display([self.chains.derivations(block)])

    def givenentries(self, block: GivenEntries) -> Iterator[str]:
        more = [block.left_out] if block.more else []
        return self.said(", ".join([*self.chains.given(block), *more]) + ".")

    @property
    def chains(self) -> ChainFormulas:
        assert self.document.symbols is not None
        return ChainFormulas(self.document.symbols, self.width, self.document.decimal_mark)

    def omission(self, block: Omission) -> Iterator[str]:
        count = "update is" if block.updates == 1 else "updates are"
        return self.remark(f"{block.updates} {count} left out here.")

    def formulas(self, step: StepBlock) -> Formulas:
        return Formulas(step.figures, self.width, self.coloured)

    def gallery(self, block: Gallery) -> Iterator[str]:
        return self.display([self.formulas(block.steps[0]).given(block.steps)])

    def results(self, block: Results) -> Iterator[str]:
        """A row a quantity: what it is, its formula, its value."""
        yield from self.heading(Section("Results", ()))
        rows = [self.result(step) for step in block.steps]
        yield from self.formula_table([("Step", "Quantity", "Formula", "Value"), *rows])

    def result(self, step: StepBlock) -> tuple[str, str, str, str]:
        formulas = self.formulas(step)
        formula, stated = formulas.symbol(step.id), formulas.stated(step)
        if width(stated) < self.width * WIDEST_FORMULA:
            formula += f" = {joined(stated)}"
        value = formulas.in_a_cell(step)
        return str(step.number), self.text(step.title), f"${formula}$", f"${value}$"

    def summary(self, block: Summary) -> Iterator[str]:
        for section in block.sections:
            if section.part == "given":
                yield from self.section(section)
                continue
            steps = [step for step in section.blocks if isinstance(step, StepBlock)]
            yield from self.heading(section)
            yield from self.display([self.formulas(steps[0]).summary(steps)])

    def overview(self, block: Overview) -> Iterator[str]:
        for array in hairpin(block, self.width):
            yield from self.display([[f"&{array}"]])

    def stepblock(self, step: StepBlock) -> Iterator[str]:
        formulas = self.formulas(step)
        yield from self.step_heading(step)
        if step.why:
            yield from self.said(self.words(step.why))
        yield from self.display([formulas.step(step)])
        for remark in step.remarks:
            yield from self.remark(self.words(remark))
        if step.unfolded and not step.brief:
            yield from self.entries([formulas.entry(entry, step.id) for entry in step.entries()])
