r"""A document as LaTeX, or as a piece to ``\input``, that needs amsmath and nothing else.

The document loads geometry as well, which every TeX has. Both pdflatex and lualatex set it without
a warning: whatever text comes from the spec is written in ASCII, accents as commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from backtrace.formats import file_signatures
from backtrace.formats.latex.formulas import Formulas, rows
from backtrace.formats.latex.tex_text import escaped
from backtrace.notation.latex import latex
from backtrace.notation.text import EXACT
from backtrace.page.blocks import (
    Answer,
    Block,
    Bullets,
    Course,
    Document,
    DotsLegend,
    Drawn,
    Facts,
    Gallery,
    Labelled,
    Omission,
    Paragraph,
    Prose,
    Section,
    Shares,
    Summary,
    Table,
)
from backtrace.page.step_block import StepBlock

NEEDS = r"% Needs \usepackage{amsmath}."
WIDTH = 44.0  # em of the 48 that a line of the document has
WIDTH_OF_A_FRAGMENT = 32.0  # em; a line of an article has 34
HEADINGS = ("section", "subsection", "subsubsection", "paragraph")
PREAMBLE = (
    r"\documentclass[10pt,a4paper]{article}",
    r"\usepackage[margin=2cm]{geometry}",
    r"\usepackage{amsmath}",
    r"\allowdisplaybreaks[1]",
    r"\setlength{\jot}{5pt}",
    r"\raggedbottom",
    r"\setlength{\emergencystretch}{3em}",
    r"\setlength{\parindent}{0pt}",
    r"\setlength{\parskip}{0.6ex}",
)


def file(document: Document, *, fragment: bool = False) -> str:
    r"""The document; as a fragment what stands between ``\begin`` and ``\end``, its title a section
    and its sections below that."""
    return "\n".join(_Writer(document, fragment=fragment).lines()) + "\n"


class _Writer:
    def __init__(self, document: Document, *, fragment: bool) -> None:
        self.document, self.fragment = document, fragment
        self.width = WIDTH_OF_A_FRAGMENT if fragment else WIDTH

    def lines(self) -> Iterator[str]:
        yield file_signatures.TEX
        title = escaped(self.document.title)
        if self.fragment:
            yield from (NEEDS, rf"\section*{{\raggedright {title}}}")
            yield from self.body(level=1)
            return
        yield from PREAMBLE
        yield from (r"\begin{document}", r"\begin{center}")
        yield from (rf"{{\LARGE {title}\par}}", r"\end{center}")
        yield from self.body(level=0)
        yield r"\end{document}"

    def body(self, level: int) -> Iterator[str]:
        page = self.document
        if page.standing:
            yield from paragraph(rf"\textbf{{{escaped(page.standing)}}}")
        if page.architecture:
            yield from paragraph(f"Network: {escaped(page.architecture)}.")
        if page.source:
            yield from ("", rf"{{\raggedright\noindent Source: {escaped(page.source)}\par}}")
        if page.notice:
            yield from paragraph(rf"\emph{{{escaped(page.notice)}}}")
        if page.conventions:
            yield from self.section(Section("Conventions", (Bullets(page.conventions),)), level)
        yield from self.blocks(page.blocks, level)

    def blocks(self, blocks: Iterable[Block], level: int) -> Iterator[str]:
        for block in blocks:
            yield from self.block(block, level)

    def block(self, block: Block, level: int) -> Iterable[str]:  # noqa: PLR0912 - a case a block
        match block:
            case Paragraph():
                return paragraph(self.words(block.words))
            case Facts():
                return items(escaped(cell.text) for cell in block.phrases)
            case Bullets():
                return items(map(self.words, block.items))
            case Labelled():
                return items(f"{escaped(label.text)} {self.words(w)}" for label, w in block.rows)
            case Shares():
                return items(escaped(f"{label} {words}") for label, _, words in block.rows)
            case Answer():
                return self.table(block.entries)
            case Table():
                return self.table(block)
            case Drawn():
                return self.blocks(block.plainly, level)
            case Section():
                return self.section(block, level)
            case StepBlock():
                return self.step(block)
            case Gallery():
                return display([self.formulas(block.steps[0]).given(block.steps)])
            case Summary():
                return self.summary(block, level)
            case Omission():
                count = "update is" if block.updates == 1 else "updates are"
                return paragraph(rf"\emph{{{block.updates} {count} left out here.}}")
            case DotsLegend():
                dots = r"$\cdots$ and $\vdots$ stand for what is left out."
                return paragraph(f"Large matrices are shown in part: {dots}")
            case Course():  # its table says it
                return ()

    def words(self, words: Prose) -> str:
        if isinstance(words, str):
            return escaped(words)
        symbols, mark = self.document.symbols, self.document.decimal_mark
        assert symbols is not None
        return "".join(
            escaped(part)
            if isinstance(part, str)
            else f"${latex(part, symbols, EXACT, decimal_mark=mark)}$"
            for part in words
        )

    def section(self, section: Section, level: int) -> Iterator[str]:
        if section.title:
            yield from heading(section, level)
        yield from self.blocks(section.blocks, level + bool(section.title))

    def table(self, block: Table) -> Iterator[str]:
        sides = "".join("l" if column.left else "r" for column in block.columns)
        yield from ("", r"\begin{center}", rf"\begin{{tabular}}{{{sides}}}")
        yield from (_row(column.header for column in block.columns), r"\hline")
        yield from (_row(cell.text for cell in row) for row in block.rows)
        yield from (r"\end{tabular}", r"\end{center}")

    # The steps of a trace

    def formulas(self, step: StepBlock) -> Formulas:
        return Formulas(step.figures, self.width)

    def summary(self, block: Summary, level: int) -> Iterator[str]:
        for section in block.sections:
            if section.part == "given":
                yield from self.section(section, level)
                continue
            steps = [step for step in section.blocks if isinstance(step, StepBlock)]
            yield from heading(section, level)
            yield from display([self.formulas(steps[0]).summary(steps)])

    def step(self, step: StepBlock) -> Iterator[str]:
        why = f" {self.words(step.why)}" if step.why else ""
        yield from paragraph(rf"\textbf{{{step.number}. {escaped(step.title)}.}}{why}")
        yield from display([self.formulas(step).step(step)])
        for remark in step.remarks:
            yield from paragraph(rf"\emph{{{self.words(remark)}}}")
        if step.unfolded and not step.brief:
            yield from self.entries(step)

    def entries(self, step: StepBlock) -> Iterator[str]:
        formulas = self.formulas(step)
        unfolded = [formulas.entry(entry, formulas.symbol(step.id)) for entry in step.entries()]
        yield from paragraph("Entry by entry:" if len(unfolded) > 1 else "Its entry:")
        yield from display(unfolded)


def heading(section: Section, level: int) -> Iterator[str]:
    words = section.heading or section.title
    yield from ("", rf"\{HEADINGS[level]}*{{{escaped(words)}}}")


def paragraph(words: str) -> Iterator[str]:
    yield from ("", rf"\noindent {words}")


def display(formulas: Iterable[Sequence[str]]) -> Iterator[str]:
    """A display formula that belongs to the paragraph before it."""
    yield from (r"\begin{align*}", rows(formulas), r"\end{align*}")


def items(texts: Iterable[str]) -> Iterator[str]:
    yield r"\begin{itemize}"
    yield from (rf"\item {text}" for text in texts)
    yield r"\end{itemize}"


def _row(texts: Iterable[str]) -> str:
    return rf"{' & '.join(map(escaped, texts))} \\"
