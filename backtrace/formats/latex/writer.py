r"""A document as LaTeX, or as a piece to ``\input``, that needs amsmath and nothing else.

The document loads geometry, color and graphicx as well, which every TeX has. Both pdflatex and
lualatex set it without a warning: text from the spec is written in ASCII, accents as commands.
Other scripts than Latin are for lualatex, which takes their fonts from the system.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from backtrace.formats import file_signatures
from backtrace.formats.drawing.palette import LIGHT
from backtrace.formats.latex.formulas import COLOURS, rows
from backtrace.formats.latex.network import OPERATORS, about, picture, symbol_text
from backtrace.formats.latex.scripts import definitions, split
from backtrace.formats.latex.steps import FormulaPage
from backtrace.formats.latex.tex_text import escaped
from backtrace.page import blocks
from backtrace.page.network.reader import network
from backtrace.page.sections import WAYS
from backtrace.page.step_block import StepBlock

NEEDS = r"% Needs \usepackage{amsmath}."
WIDTH = 44.0  # em of the 48 that a line of the document has
WIDTH_OF_A_FRAGMENT = 32.0  # em; a line of an article has 34
WIDTH_OF_A_COLUMN = 21.0  # em, of two
HEADINGS = ("section", "subsection", "subsubsection", "paragraph")
PREAMBLE = (
    r"\usepackage[margin=2cm]{geometry}",
    r"\usepackage{amsmath}",
    r"\setlength{\jot}{5pt}",
    r"\raggedbottom",
    r"\setlength{\emergencystretch}{3em}",
    r"\setlength{\parindent}{0pt}",
    r"\setlength{\parskip}{0.6ex}",
)


def file(document: blocks.Document, *, fragment: bool = False) -> str:
    r"""The document; as a fragment what stands between ``\begin`` and ``\end``, its title a section
    and its sections below that."""
    narrow = document.handout is not None and document.handout.columns == 2
    width = WIDTH_OF_A_COLUMN if narrow else WIDTH_OF_A_FRAGMENT if fragment else WIDTH
    writer = _Writer(document, width, coloured=not fragment and document.handout is None)
    return "\n".join(writer.lines(fragment=fragment)) + "\n"


class _Writer(FormulaPage):
    def __init__(self, document: blocks.Document, width: float, *, coloured: bool) -> None:
        super().__init__(document, width, coloured=coloured)
        self.letters: dict[str, str] = {}  # of each other script than Latin, one

    def lines(self, *, fragment: bool) -> Iterator[str]:
        title = self.text(self.document.title)
        self.level = int(fragment)
        body = list(self.body())  # which says what scripts there are
        scripts = definitions(self.letters, fragment=fragment)
        yield file_signatures.TEX
        if fragment:
            yield from (NEEDS, *scripts, rf"\section*{{\raggedright {title}}}", *body)
            return
        yield self.document_class()
        yield from (*PREAMBLE, *scripts)
        if self.document.handout is None:  # a place stays with its formula
            yield from (r"\usepackage{color}", *_colours(), r"\allowdisplaybreaks[1]")
        if self.draws:
            yield from (r"\usepackage{graphicx}", *OPERATORS)
        yield from (r"\begin{document}", r"\begin{center}")
        yield from (rf"{{\LARGE {title}\par}}", r"\end{center}")
        yield from body
        yield r"\end{document}"

    def document_class(self) -> str:
        handout = self.document.handout or blocks.Handout()
        columns = ",twocolumn" if handout.columns == 2 else ""
        return rf"\documentclass[10pt,{handout.paper}paper{columns}]{{article}}"

    def body(self) -> Iterator[str]:
        page = self.document
        if page.standing:
            yield from self.said(self.strong(self.text(page.standing)))
        if page.architecture:
            yield from self.said(f"Network: {self.text(page.architecture)}.")
        if page.source:
            yield from ("", rf"{{\raggedright\noindent Source: {self.text(page.source)}\par}}")
        if page.notice:
            yield from self.remark(self.text(page.notice))
        if page.conventions:
            conventions = blocks.Bullets(page.conventions)
            yield from self.section(blocks.Section("Conventions", (conventions,)))
        if self.draws:
            yield from self.network()
        if page.glance is not None:
            yield from self.section(blocks.Section("At a glance", (page.glance,)))
        yield from self.blocks(page.blocks)

    @property
    def draws(self) -> bool:
        """Whether the network is drawn: on a page of its own, in colours."""
        return (
            self.coloured and self.document.trace is not None and bool(self.document.architecture)
        )

    def network(self) -> Iterator[str]:
        """The drawing of one sample, and what stands where."""
        page = self.document
        assert page.trace is not None
        found = network(page.trace, page.selection, page.decimal_mark)
        yield from self.heading(blocks.Section("Network", ()))
        yield from self.said(self.text(found.about)) if found.about else ()
        yield from picture(found)
        for words, colour in ((found.forward, "forward"), (found.backward, "backward")):
            if words:
                yield from self.said(rf"{{\color{{{colour}}}{symbol_text(words)}.\par}}")
        yield from self.said(" ".join(about(found)))

    def text(self, text: str) -> str:
        self.letters.update((script, run[0]) for script, run in split(text) if script)
        return escaped(text)

    def strong(self, words: str) -> str:
        return rf"\textbf{{{words}}}"

    def said(self, words: str) -> Iterator[str]:
        yield from ("", rf"\noindent {words}")

    def remark(self, words: str) -> Iterator[str]:
        return self.said(rf"\emph{{{words}}}")

    def heading(self, section: blocks.Section) -> Iterator[str]:
        words = self.text(section.heading or section.title)
        if self.coloured and section.part in WAYS:
            words = rf"{{\color{{{COLOURS[section.part]}}}{self.text(WAYS[section.part])}}} {words}"
        yield from ("", rf"\{HEADINGS[self.level]}*{{{words}}}")

    def step_heading(self, step: StepBlock) -> Iterator[str]:
        r"""At the beginning of its paragraph, which is one, though a formula may be all of it."""
        yield from ("", rf"\paragraph*{{{step.number}. {self.text(step.title)}.}}")
        yield r"\leavevmode"

    def paragraph(self, block: blocks.Paragraph) -> Iterator[str]:
        return self.said(self.words(block.words))

    def bullets(self, block: blocks.Bullets) -> Iterator[str]:
        yield r"\begin{itemize}"
        yield from (rf"\item {self.words(item)}" for item in block.items)
        yield r"\end{itemize}"

    def table(self, block: blocks.Table) -> Iterator[str]:
        sides = "".join("l" if column.left else "r" for column in block.columns)
        yield from ("", r"\begin{center}", rf"\begin{{tabular}}{{{sides}}}")
        yield from (self.row(column.header for column in block.columns), r"\hline")
        yield from (self.row(cell.text for cell in row) for row in block.rows)
        yield from (r"\end{tabular}", r"\end{center}")

    def row(self, texts: Iterable[str]) -> str:
        return rf"{' & '.join(map(self.text, texts))} \\"

    def formula_table(self, rows: Sequence[Sequence[str]]) -> Iterator[str]:
        r"""A display, which is broken between pages where a ``tabular`` is not; without the second
        text, what the quantity is: a line has no room for it."""
        lines = (_table_row(row) for row in rows)
        yield from (r"{\allowdisplaybreaks", r"\begin{alignat*}{3}", " \\\\\n".join(lines))
        yield r"\end{alignat*}}"

    def room(self, block: blocks.Room) -> Iterator[str]:
        yield rf"\par\vspace{{{block.lines}\baselineskip}}"

    def dotslegend(self, block: blocks.DotsLegend) -> Iterator[str]:
        dots = r"$\cdots$ and $\vdots$ stand for what is left out."
        return self.said(f"Large matrices are shown in part: {dots} {block.where}".rstrip())

    def display(self, formulas: Iterable[Sequence[str]]) -> Iterator[str]:
        """A display formula that belongs to the paragraph before it."""
        yield from (r"\begin{align*}", rows(formulas), r"\end{align*}")

    def entries(self, unfolded: Sequence[Sequence[str]]) -> Iterator[str]:
        yield from self.said("Entry by entry:" if len(unfolded) > 1 else "Its entry:")
        yield from self.display(unfolded)


def _colours() -> Iterator[str]:
    """Those of the drawings on paper, as shares of red, green and blue."""
    for name in dict.fromkeys(COLOURS.values()):
        shares = (int(LIGHT[name][at : at + 2], 16) / 255 for at in (1, 3, 5))
        yield rf"\definecolor{{{name}}}{{rgb}}{{{','.join(f'{share:.3f}' for share in shares)}}}"


def _table_row(row: Sequence[str]) -> str:
    number, _, formula, value = row
    return rf"&\text{{{number}}}\quad &&\text{{{formula}}}\quad &&\text{{{value}}}"
