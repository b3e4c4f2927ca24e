"""A document as coloured lines for a terminal: a way to write each block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.columns import table
from backtrace.formats.terminal.layout import INDENT, Layout
from backtrace.formats.terminal.steps import StepWriter
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import sentence_text
from backtrace.page.blocks import (
    Block,
    Bullets,
    Cell,
    Document,
    Facts,
    Gallery,
    Inset,
    Labelled,
    Omission,
    Paragraph,
    Section,
    Summary,
    Table,
    Words,
)
from backtrace.page.step_block import StepBlock

INSETS: dict[Inset, int] = {0: 0, 1: 1, 2: INDENT}
NARROW = 24  # columns; words with less room beside their label stand below it


def lines(document: Document, layout: Layout) -> list[Line]:
    """The whole page, in lines no wider than ``layout``."""
    return [line for passage in passages_of(document, layout) for line in passage]


def passages_of(document: Document, layout: Layout) -> Iterator[list[Line]]:
    """The page in pieces to read one after another: what stands above it, then block by block."""
    writer = _Writer(layout, document.symbols)
    opening = writer.opening(document)
    if opening:
        yield opening
    yield from writer.passages(document.blocks)
    closing = [*writer.above, *writer.steps.closing()]
    if closing:
        yield closing


class _Writer:
    def __init__(self, layout: Layout, symbols: Symbols | None) -> None:
        self.layout, self.symbols = layout, symbols
        self.steps = StepWriter(layout, self.words)
        self.above: list[Line] = []  # headings that wait for what stands below them

    def opening(self, document: Document) -> list[Line]:
        title: Line = [(document.title, "title")] if document.title else []
        beside: Line = [(document.architecture, "")] if document.architecture else []
        beside += [(document.standing, document.standing_tone)] if document.standing else []
        lines = self.layout.spread(title, beside) if title or beside else []
        lines += self.layout.flowed(document.facts, "fact")
        if document.notice:
            lines += self.layout.paragraph(document.notice, "note", 0)
        if document.source:
            lines += self.layout.paragraph(f"Source: {document.source}", "fact", 0)
        return lines

    def passages(self, blocks: Iterable[Block]) -> Iterator[list[Line]]:
        for block in blocks:
            if isinstance(block, Section):
                yield from self.section(block)
            elif isinstance(block, Omission):
                self.above += self.omission(block)
            else:
                lines = [*self.above, *self.block(block)]
                self.above = []
                if lines:
                    yield lines

    def section(self, section: Section) -> Iterator[list[Line]]:
        if section.part == "losses":  # they stand with the updates
            return
        self.above.append([])
        self.steps.after_one_line = False
        if section.title:
            dash = "═" if section.part == "pass" else "─"
            self.above += self.layout.rule(section.title, section.aside, dash)
        yield from self.passages(section.blocks)

    def omission(self, block: Omission) -> list[Line]:
        more = "update" if block.updates == 1 else "updates"
        told = f"⋮  {block.updates} {more} not shown; --full shows them"
        return [[], *self.layout.paragraph(told, "fact", 0)]

    def block(self, block: Block) -> Iterable[Line]:
        match block:
            case StepBlock():
                return self.steps.step(block)
            case Gallery():
                return self.steps.gallery(block)
            case Summary():
                return self.steps.summary(block)
            case Paragraph():
                words = self.words(block.words)
                return self.layout.paragraph(words, block.tone, INSETS[block.inset])
            case Facts():
                return self.layout.flowed(block.phrases, block.tone)
            case Bullets():
                return self.bullets(block)
            case Labelled():
                return self.labelled(block)
            case Table():
                return table(block, self.layout)
        return ()

    def words(self, words: Words) -> str:
        if isinstance(words, str):
            return words
        assert self.symbols is not None
        return sentence_text(words, self.symbols)

    def bullets(self, block: Bullets) -> Iterator[Line]:
        for item in block.items:
            first, *more = self.layout.paragraph(self.words(item), block.tone, INDENT)
            sign = "·" if self.layout.unicode else "-"
            yield [(f"  {sign} {first[0][0].lstrip()}", block.tone)]
            yield from more

    def labelled(self, block: Labelled) -> Iterator[Line]:
        margin = " " * INSETS[block.inset]
        heads = [margin + self.head(label) for label, _ in block.rows]
        width = max(map(text_width, heads))
        for head, (label, words) in zip(heads, block.rows, strict=True):
            padded = head + " " * (width - text_width(head))
            yield from self.beside((padded, label.tone or "label"), self.words(words))

    def head(self, label: Cell) -> str:
        """The sign of a label, if its tone has one, and the label."""
        signed = self.layout.signed(label.text, label.tone)
        return f"{signed}  " if label.text else f"{signed} "

    def beside(self, head: tuple[str, str], words: str) -> Iterator[Line]:
        """A head in its colour and words beside it, folded, their lines under each other."""
        label, tone = head
        margin = text_width(label)
        if self.layout.breadth - margin < NARROW:
            yield [(label.rstrip(), tone)]
            yield from self.layout.paragraph(words, "")
            return
        first, *more = self.layout.paragraph(words, "", margin)
        yield [head, (first[0][0][margin:], "")]
        yield from more
