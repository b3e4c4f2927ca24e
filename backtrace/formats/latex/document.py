r"""A trace as a LaTeX document, or as a piece to ``\input``, that needs amsmath and nothing else.

The document loads geometry as well, which every TeX has. Both pdflatex and lualatex set it without
a warning: whatever text comes from the spec is written in ASCII, accents as commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from backtrace.formats import file_signatures
from backtrace.formats.latex.formulas import Formulas, rows
from backtrace.formats.latex.tex_text import escaped
from backtrace.functions.formula import Sentence
from backtrace.page.derivation import Derivation, Section, Step, Update, View, derivation
from backtrace.tape.trace import Trace

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


def latex_document(trace: Trace, view: View) -> str:
    r"""The document; with ``view.fragment`` what stands between ``\begin`` and ``\end``, its title
    a section and its sections below that."""
    return "\n".join(_Writer(derivation(trace, view)).lines()) + "\n"


class _Writer:
    def __init__(self, page: Derivation) -> None:
        self.page = page
        self.fragment = page.view.fragment
        self.formulas = Formulas(page, WIDTH_OF_A_FRAGMENT if self.fragment else WIDTH)

    def lines(self) -> Iterator[str]:
        yield file_signatures.TEX
        title = escaped(self.page.title)
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
        yield from self.opening(level)
        if self.page.losses:
            yield from self.losses(level)
        for update in self.page.updates:
            yield from self.update(update, level)
        if self.page.is_elided:
            dots = r"$\cdots$ and $\vdots$"
            yield from paragraph(
                rf"Large matrices are shown in part: {dots} stand for what is left out."
            )

    def opening(self, level: int) -> Iterator[str]:
        yield from paragraph(f"Network: {escaped(self.page.architecture)}.")
        if self.page.source:
            yield from ("", rf"{{\raggedright\noindent Source: {escaped(self.page.source)}\par}}")
        if self.page.notice:
            yield from paragraph(rf"\emph{{{escaped(self.page.notice)}}}")
        yield from self.heading("Conventions", level)
        yield r"\begin{itemize}"
        for sentence in self.page.conventions:
            yield rf"\item {self.said(sentence)}"
        yield r"\end{itemize}"

    def heading(self, words: str, level: int) -> Iterator[str]:
        yield from ("", rf"\{HEADINGS[level]}*{{{escaped(words)}}}")

    def said(self, sentence: Sentence) -> str:
        return "".join(
            escaped(part) if isinstance(part, str) else f"${self.formulas.inline(part)}$"
            for part in sentence
        )

    def losses(self, level: int) -> Iterator[str]:
        head, *lines = self.page.loss_table()
        yield from self.heading("Loss, update by update", level)
        yield from ("", r"\begin{center}", rf"\begin{{tabular}}{{{'r' * len(head)}}}")
        yield from (rf"{' & '.join(head)} \\", r"\hline")
        for line in lines:
            yield rf"{' & '.join(map(escaped, line))} \\"
        yield from (r"\end{tabular}", r"\end{center}")

    def update(self, update: Update, level: int) -> Iterator[str]:
        if update.skipped:
            count = "update is" if update.skipped == 1 else "updates are"
            yield from paragraph(rf"\emph{{{update.skipped} {count} left out here.}}")
        if update.title:
            yield from self.heading(update.title, level)
        for section in update.sections:
            yield from self.heading(section.heading, level + bool(update.title))
            yield from self.section(section)

    def section(self, section: Section) -> Iterator[str]:
        if section.phase == "given":
            yield from display([self.formulas.given(section.steps)])
        elif self.page.view.detail == "summary":
            yield from display([self.formulas.summary(section)])
        else:
            for step in section.steps:
                yield from self.step(step)

    def step(self, step: Step) -> Iterator[str]:
        why = f" {self.said(step.why)}" if step.why else ""
        yield from paragraph(rf"\textbf{{{step.number}. {escaped(step.title)}.}}{why}")
        yield from display([self.formulas.step(step)])
        for note in step.notes:
            yield from paragraph(rf"\emph{{{self.said(note)}}}")
        if self.page.view.detail == "entries" and not step.brief:
            yield from self.entries(step)

    def entries(self, step: Step) -> Iterator[str]:
        symbol = self.formulas.symbol(step.id)
        unfolded = [self.formulas.entry(entry, symbol) for entry in self.page.entries(step)]
        yield from paragraph("Entry by entry:" if len(unfolded) > 1 else "Its entry:")
        yield from display(unfolded)


def paragraph(words: str) -> Iterator[str]:
    yield from ("", rf"\noindent {words}")


def display(formulas: Iterable[Sequence[str]]) -> Iterator[str]:
    """A display formula that belongs to the paragraph before it."""
    yield from (r"\begin{align*}", rows(formulas), r"\end{align*}")
