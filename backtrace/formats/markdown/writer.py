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
from backtrace.formats.latex.formulas import Formulas, rows
from backtrace.formats.markdown.mermaid import flowchart, loss_chart, training_chart
from backtrace.notation.latex import latex
from backtrace.notation.numbers import latex as numeral
from backtrace.notation.text import EXACT
from backtrace.page.blocks import (
    Answer,
    Block,
    Bullets,
    Cell,
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
from backtrace.page.elision import is_large
from backtrace.page.step_block import StepBlock
from backtrace.page.tones import SIGNS
from backtrace.page.training.chart import Chart

PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?(?:/[0-9]+)?|_")
WIDTH = 44.0  # em; GitHub has about 50
QUOTED = frozenset(["note", "doubt", "diverged"])  # set apart from the text, as a quotation


def text(document: Document) -> str:
    """The whole page, ending with its last line."""
    lines = list(_Writer(document).lines())
    return "\n".join(lines[1:])  # a blank line is above every block


def file(document: Document, *, fragment: bool = False) -> str:
    """The page with the mark of its maker."""
    return f"{TAGGED}\n\n{text(document)}\n"


class _Writer:
    def __init__(self, document: Document) -> None:
        self.document = document

    def lines(self) -> Iterator[str]:
        page = self.document
        if page.title or page.trace is not None:
            yield from ("", f"# {escaped(page.title)}")
        if page.standing:
            yield from ("", f"**{escaped(page.standing)}**")
        if page.architecture:
            network = escaped(page.architecture).replace("→", r"$\to$")
            yield from ("", f"Network: {network}.")
        if page.source:
            yield from ("", f"Source: {escaped(page.source)}")
        if page.notice:
            yield from ("", f"> {page.notice}")
        if page.trace is not None:
            yield from fenced(flowchart(page.trace, page.decimal_mark))
        if page.conventions:
            yield from self.section(Section("Conventions", (Bullets(page.conventions),)), 2)
        elif page.facts:
            yield from ("", *(f"- {escaped(fact)}" for fact in page.facts))
        yield from self.blocks(page.blocks, 2)

    def blocks(self, blocks: Iterable[Block], level: int) -> Iterator[str]:
        """Each block with a blank line before it; ``level`` is that of a heading among them."""
        for block in blocks:
            yield from self.block(block, level)

    def block(self, block: Block, level: int) -> Iterable[str]:  # noqa: PLR0912 - a case a block
        match block:
            case Paragraph():
                return ("", self.paragraph(block))
            case Facts():
                return ("", " · ".join(map(_cell, block.phrases)))
            case Bullets():
                words = _with_code if block.tone == "advice" else self.words
                return ("", *(f"- {words(item)}" for item in block.items))
            case Labelled():
                return ("", *(self.labelled(label, words) for label, words in block.rows))
            case Shares():
                return ("", *(f"- {escaped(label)} {escaped(w)}" for label, _, w in block.rows))
            case Answer():
                return self.answer(block)
            case Table():
                return self.table(block)
            case Chart():
                return self.chart(block)
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
                return ("", f"> {block.updates} {count} left out here.")
            case Course():
                return fenced(loss_chart(block.values, block.name))
            case DotsLegend():
                dots = r"$\cdots$ and $\vdots$ stand for what is left out."
                return ("", f"> Large matrices are shown in part: {dots}")

    def paragraph(self, block: Paragraph) -> str:
        words = self.words(block.words)
        if block.tone == "heading":
            return f"**{words}**"
        return f"> {words}" if block.tone in QUOTED else words

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
        heading = section.heading or section.title
        if heading:
            yield from ("", f"{'#' * level} {escaped(heading)}")
            if section.aside and not section.heading:
                yield from ("", f"*{escaped(section.aside)}*")
        yield from self.blocks(section.blocks, level + bool(heading))

    def labelled(self, label: Cell, words: Prose) -> str:
        return f"- {_cell(label)}{':' if label.text else ''} {self.words(words)}"

    def table(self, block: Table) -> Iterator[str]:
        yield ""
        yield _row(escaped(column.header) for column in block.columns)
        yield "|" + "".join("---|" if column.left else "--:|" for column in block.columns)
        for row in block.rows:
            yield _row(map(_cell, row))

    def chart(self, chart: Chart) -> Iterator[str]:
        drawn = training_chart(chart)
        if not drawn:
            yield from ("", "> Not drawn: a loss is not finite, or too large for the others.")
            return
        yield from fenced(drawn)
        if len(chart.series) > 1:
            yield ""
            yield "Blue is the loss of the training samples, magenta that of the held-out ones."

    def answer(self, block: Answer) -> Iterator[str]:
        """Matrices, typeset where they are plain numbers, else a line an entry."""
        matrices = [_matrix(rows) for _, rows in block.rows]
        if all(matrices):
            assert self.document.symbols is not None
            name = self.document.symbols.latex(block.id)
            for (label, _), matrix in zip(block.rows, matrices, strict=True):
                if label:
                    yield from ("", f"{label[:1].upper()}{label[1:]}")
                yield from ("", "$$", f"{name} = {matrix}", "$$")
            return
        yield from self.table(block.entries)

    # The steps of a trace

    def formulas(self, step: StepBlock) -> Formulas:
        return Formulas(step.figures, WIDTH)

    def summary(self, block: Summary, level: int) -> Iterator[str]:
        for section in block.sections:
            if section.part == "given":
                yield from self.section(section, level)
                continue
            steps = [step for step in section.blocks if isinstance(step, StepBlock)]
            yield from ("", f"{'#' * level} {escaped(section.heading or section.title)}")
            yield from display([self.formulas(steps[0]).summary(steps)])

    def step(self, step: StepBlock) -> Iterator[str]:
        why = f" {self.words(step.why)}" if step.why else ""
        yield from ("", f"**{step.number}. {step.title}.**{why}")
        yield from display([self.formulas(step).step(step)])
        for remark in step.remarks:
            yield from ("", f"> {self.words(remark)}")
        if step.unfolded and not step.brief:
            yield from self.entries(step)

    def entries(self, step: StepBlock) -> Iterator[str]:
        formulas = self.formulas(step)
        unfolded = [formulas.entry(entry, formulas.symbol(step.id)) for entry in step.entries()]
        count = "The entry" if len(unfolded) == 1 else f"The {len(unfolded)} entries"
        yield from ("", "<details>", f"<summary>{count}, worked</summary>")
        yield from display(unfolded)
        yield from ("", "</details>")


def escaped(text: str) -> str:
    """A text as it is; its ``$`` as an entity, for readers that look for formulas in the source."""
    return escaping.markdown(text).replace("$", "&#36;")


def _with_code(words: Prose) -> str:
    """A sentence of ours, whose `code` stays code."""
    assert isinstance(words, str)
    parts = words.split("`")
    return "".join(f"`{part}`" if at % 2 else escaped(part) for at, part in enumerate(parts))


def display(formulas: Iterable[Sequence[str]]) -> Iterator[str]:
    """A display formula, blank lines around it."""
    yield from ("", "$$", r"\begin{aligned}", rows(formulas), r"\end{aligned}", "$$")


def fenced(diagram: Sequence[str]) -> Iterator[str]:
    if diagram:
        yield from ("", "```mermaid", *diagram, "```")


def _cell(cell: Cell) -> str:
    shown = f"`{cell.text}`" if cell.tone == "code" else escaped(cell.text)
    shown = f"**{shown}**" if cell.tone == "label" else shown
    sign, _ = SIGNS.get(cell.tone, ("", ""))
    return " ".join(filter(None, (sign, shown)))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _matrix(rows: Sequence[Sequence[str]]) -> str:
    """A matrix in LaTeX; empty where an entry is anything but a plain number, or it is large."""
    even = len({len(line) for line in rows}) == 1
    if not even or is_large((len(rows), len(rows[0]))):
        return ""
    if not all(PLAIN.fullmatch(text) for line in rows for text in line):
        return ""
    lines = [" & ".join(r"\_" if text == "_" else numeral(text) for text in line) for line in rows]
    body = " \\\\\n".join(lines)
    if len(rows) == len(rows[0]) == 1:
        return body
    return f"\\begin{{bmatrix}}\n{body}\n\\end{{bmatrix}}"
