r"""A document as Markdown: a way to write each block, for every place where it is read.

GitHub, GitLab, VS Code, Obsidian, Jupyter, Quarto and pandoc agree on this much: ``$$`` alone on
its line between blank lines, ``$…$`` between spaces or punctuation, matrices with a row a line, and
no command whose backslash Markdown would eat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from backtrace.formats import escaping
from backtrace.formats.file_signatures import TAGGED
from backtrace.formats.latex.formulas import rows
from backtrace.formats.latex.steps import FormulaPage
from backtrace.formats.markdown.mermaid import (
    flowchart,
    graph_chart,
    loss_chart,
    training_chart,
)
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.sketches import sketch_lines
from backtrace.notation.numbers import latex as numeral
from backtrace.page import blocks
from backtrace.page.elision import is_large
from backtrace.page.graph import Graph
from backtrace.page.step_block import StepBlock
from backtrace.page.tones import SIGNS
from backtrace.page.training.chart import Chart
from backtrace.page.training.sketches import Sketches

PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?(?:/[0-9]+)?|_")
RAISED = re.compile(r"(?<=[^\W\d])\^(\(\d+\)|\\\[\d+\\\])")  # a layer, as `z^(2)`, escaped
PAGE = 90  # columns of what stands in characters
WIDTH = 44.0  # em; GitHub has about 50
QUOTED = frozenset(["note", "doubt", "diverged"])  # set apart from the text, as a quotation


def text(document: blocks.Document) -> str:
    """The whole page, ending with its last line."""
    lines = list(_Writer(document, WIDTH).lines())
    return "\n".join(lines[1:])  # a blank line is above every block


def file(document: blocks.Document, *, fragment: bool = False) -> str:
    """The page with the mark of its maker."""
    return f"{TAGGED}\n\n{text(document)}\n"


class _Writer(FormulaPage):
    """Each block has a blank line before it."""

    def lines(self) -> Iterator[str]:
        page = self.document
        if page.title or page.trace is not None:
            yield from ("", f"# {escaped(page.title)}")
        if page.standing:
            yield from self.said(self.strong(escaped(page.standing)))
        if page.architecture:
            network = escaped(page.architecture).replace("→", r"$\to$")
            yield from self.said(f"Network: {network}.")
        if page.source:
            yield from self.said(f"Source: {escaped(page.source)}")
        if page.notice:
            yield from self.remark(page.notice)
        if page.trace is not None and page.architecture:
            yield from fenced(flowchart(page.trace, page.selection, page.decimal_mark))
        self.level = 2
        if page.conventions:
            conventions = blocks.Bullets(page.conventions)
            yield from self.section(blocks.Section("Conventions", (conventions,)))
        elif page.facts:
            yield from self.bullets(blocks.Bullets(page.facts))
        yield from self.blocks(page.blocks)

    def text(self, text: str) -> str:
        return escaped(text)

    def strong(self, words: str) -> str:
        return f"**{words}**"

    def said(self, words: str) -> Iterator[str]:
        yield from ("", words)

    def remark(self, words: str) -> Iterator[str]:
        return self.said(f"> {words}")

    def heading(self, section: blocks.Section) -> Iterator[str]:
        yield from ("", f"{'#' * self.level} {escaped(section.heading or section.title)}")
        if section.aside and not section.heading:
            yield from ("", f"*{escaped(section.aside)}*")

    def step_heading(self, step: StepBlock) -> Iterator[str]:
        yield from ("", f"{'#' * self.level} {step.number}. {escaped(step.title)}")

    def paragraph(self, block: blocks.Paragraph) -> Iterator[str]:
        words = self.words(block.words)
        if block.tone in QUOTED:
            return self.remark(words)
        return self.said(self.strong(words) if block.tone == "heading" else words)

    def facts(self, block: blocks.Facts) -> Iterator[str]:
        return self.said(" · ".join(map(_cell, block.phrases)))

    def bullets(self, block: blocks.Bullets) -> Iterator[str]:
        words = _with_code if block.tone == "advice" else self.words
        yield from ("", *(f"- {words(item)}" for item in block.items))

    def labelled(self, block: blocks.Labelled) -> Iterator[str]:
        yield ""
        for label, words in block.rows:
            yield f"- {_cell(label)}{':' if label.text else ''} {self.words(words)}"

    def table(self, block: blocks.Table) -> Iterator[str]:
        yield ""
        yield _row(escaped(column.header) for column in block.columns)
        yield "|" + "".join("---|" if column.left else "--:|" for column in block.columns)
        for row in block.rows:
            yield _row(map(_cell, row))

    def formula_table(self, rows: Sequence[Sequence[str]]) -> Iterator[str]:
        header, *others = rows
        yield from ("", _row(header), "|--:|---|---|---|", *map(_row, others))

    def course(self, block: blocks.Course) -> Iterator[str]:
        return fenced(loss_chart(block.values, block.name))

    def chart(self, chart: Chart) -> Iterator[str]:
        drawn = training_chart(chart)
        if not drawn:
            yield from ("", "> Not drawn: a loss is not finite, or too large for the others.")
            return
        yield from fenced(drawn)
        if len(chart.series) > 1:
            yield ""
            yield "Blue is the loss of the training samples, magenta that of the held-out ones."

    def sketches(self, block: Sketches) -> Iterator[str]:
        """In characters: a picture would be a file of its own."""
        drawn = uncoloured(list(sketch_lines(block, Layout(PAGE)))).strip("\n")
        yield from ("", "```text", *drawn.split("\n"), "```")

    def graph(self, block: Graph) -> Iterator[str]:
        yield from self.heading(blocks.Section("Graph", ()))
        yield from fenced(graph_chart(block))
        yield from self.said(escaped(block.legend))

    def answer(self, block: blocks.Answer) -> Iterator[str]:
        """Matrices, typeset where they are plain numbers, else a line an entry."""
        matrices = [_matrix(rows, block.wrong) for _, rows in block.rows]
        if not all(matrices):
            yield from self.blocks(block.plainly)
            return
        assert self.document.symbols is not None
        name = self.document.symbols.latex(block.id)
        for (label, _), matrix in zip(block.rows, matrices, strict=True):
            if label:
                yield from ("", f"{label[:1].upper()}{label[1:]}")
            yield from ("", "$$", f"{name} = {matrix}", "$$")

    def room(self, block: blocks.Room) -> Iterator[str]:
        yield from ("", "<br>" * block.lines)

    def dotslegend(self, block: blocks.DotsLegend) -> Iterator[str]:
        dots = r"$\cdots$ and $\vdots$ stand for what is left out."
        return self.remark(f"Large matrices are shown in part: {dots} {block.where}".rstrip())

    def display(self, formulas: Iterable[Sequence[str]]) -> Iterator[str]:
        """A display formula, blank lines around it."""
        yield from ("", "$$", r"\begin{aligned}", rows(formulas), r"\end{aligned}", "$$")

    def entries(self, unfolded: Sequence[Sequence[str]]) -> Iterator[str]:
        count = "The entry" if len(unfolded) == 1 else f"The {len(unfolded)} entries"
        yield from ("", "<details>", f"<summary>{count}, worked</summary>")
        yield from self.display(unfolded)
        yield from ("", "</details>")


def escaped(text: str) -> str:
    """A text as it is; its ``$`` as an entity, for readers that look for formulas in the source,
    and a symbol's layer raised where the course writes it so."""
    return RAISED.sub(r"<sup>\1</sup>", escaping.markdown(text).replace("$", "&#36;"))


def _with_code(words: blocks.Prose) -> str:
    """A sentence of ours, whose `code` stays code."""
    assert isinstance(words, str)
    parts = words.split("`")
    return "".join(f"`{part}`" if at % 2 else escaped(part) for at, part in enumerate(parts))


def fenced(diagram: Sequence[str]) -> Iterator[str]:
    if diagram:
        # in ASCII: pandoc makes a listing of it, for which TeX's fonts have no subscripts
        yield from ("", "```mermaid", *map(_with_codes, diagram), "```")


def _with_codes(line: str) -> str:
    """Letters and signs beyond ASCII by their numbers, as Mermaid reads them."""
    return "".join(c if c.isascii() else f"#{ord(c)};" for c in line)


def _cell(cell: blocks.Cell) -> str:
    shown = f"`{cell.text}`" if cell.tone == "code" else escaped(cell.text)
    shown = f"**{shown}**" if cell.tone == "label" else shown
    sign, _ = SIGNS.get(cell.tone, ("", ""))
    return " ".join(filter(None, (sign, shown)))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _matrix(rows: Sequence[Sequence[str]], boxed: frozenset[tuple[int, int]]) -> str:
    """A matrix in LaTeX; empty where an entry is anything but a plain number, or it is large."""
    even = len({len(line) for line in rows}) == 1
    if not even or is_large((len(rows), len(rows[0]))):
        return ""
    if not all(PLAIN.fullmatch(text) for line in rows for text in line):
        return ""
    cells = [[r"\_" if text == "_" else numeral(text) for text in line] for line in rows]
    for i, j in boxed:
        cells[i - 1][j - 1] = rf"\boxed{{{cells[i - 1][j - 1]}}}"
    lines = map(" & ".join, cells)
    body = " \\\\\n".join(lines)
    if len(rows) == len(rows[0]) == 1:
        return body
    return f"\\begin{{bmatrix}}\n{body}\n\\end{{bmatrix}}"
