"""A document as coloured lines for a terminal: a way to write each block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.columns import table
from backtrace.formats.terminal.layout import INDENT, Layout
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import EXACT, text
from backtrace.page.blocks import (
    Block,
    Bullets,
    Cell,
    Document,
    Facts,
    Inset,
    Labelled,
    Paragraph,
    Section,
    Table,
    Words,
)

INSETS: dict[Inset, int] = {0: 0, 1: 1, 2: INDENT}
NARROW = 24  # columns; words with less room beside their label stand below it


def lines(document: Document, layout: Layout) -> list[Line]:
    """The whole page, in lines no wider than ``layout``."""
    title: Line = [(document.title, "title")] if document.title else []
    standing: Line = [(document.standing, document.standing_tone)] if document.standing else []
    opening = layout.spread(title, standing) if title or standing else []
    return [*opening, *_Writer(layout, document.symbols).blocks(document.blocks)]


class _Writer:
    def __init__(self, layout: Layout, symbols: Symbols | None) -> None:
        self.layout, self.symbols = layout, symbols

    def blocks(self, blocks: Iterable[Block]) -> Iterator[Line]:
        for block in blocks:
            yield from self.block(block)

    def block(self, block: Block) -> Iterable[Line]:
        match block:
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
            case Section():
                return self.section(block)

    def words(self, words: Words) -> str:
        if isinstance(words, str):
            return words
        assert self.symbols is not None
        return "".join(
            part if isinstance(part, str) else text(part, self.symbols, EXACT) for part in words
        )

    def section(self, section: Section) -> Iterator[Line]:
        yield []
        if section.title:
            yield from self.layout.rule(section.title, section.aside)
        yield from self.blocks(section.blocks)

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
