"""A document as Markdown: a way to write each block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backtrace.formats.escaping import markdown
from backtrace.notation.latex import latex
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import EXACT
from backtrace.page.blocks import (
    Block,
    Bullets,
    Cell,
    Document,
    Facts,
    Labelled,
    Paragraph,
    Section,
    Table,
    Words,
)

SIGNS = {"right": "✓", "wrong": "✗", "note": "–"}
QUOTED = frozenset(["note", "doubt", "diverged"])  # set apart from the text, as a quotation


def text(document: Document) -> str:
    """The whole page, ending with its last line."""
    opening = [f"# {markdown(document.title)}"] if document.title else []
    if document.standing:
        opening += ["", f"**{markdown(document.standing)}**"]
    lines = [*opening, *_Writer(document.symbols).blocks(document.blocks, 2)]
    return "\n".join(lines if opening else lines[1:])


class _Writer:
    def __init__(self, symbols: Symbols | None) -> None:
        self.symbols = symbols

    def blocks(self, blocks: Iterable[Block], level: int) -> Iterator[str]:
        """Each block with a blank line before it; ``level`` is that of a heading among them."""
        for block in blocks:
            yield from self.block(block, level)

    def block(self, block: Block, level: int) -> Iterable[str]:
        match block:
            case Paragraph():
                return ("", f"{'> ' if block.tone in QUOTED else ''}{self.words(block.words)}")
            case Facts():
                return ("", *(f"- {markdown(phrase)}" for phrase in block.phrases))
            case Bullets():
                return ("", *(f"- {self.words(item)}" for item in block.items))
            case Labelled():
                return ("", *(self.labelled(label, words) for label, words in block.rows))
            case Table():
                return self.table(block)
            case Section():
                return self.section(block, level)

    def words(self, words: Words) -> str:
        if isinstance(words, str):
            return markdown(words)
        assert self.symbols is not None
        return "".join(
            markdown(part) if isinstance(part, str) else f"${latex(part, self.symbols, EXACT)}$"
            for part in words
        )

    def section(self, section: Section, level: int) -> Iterator[str]:
        if section.title:
            yield from ("", f"{'#' * level} {markdown(section.title)}")
            if section.aside:
                yield from ("", f"*{markdown(section.aside)}*")
        yield from self.blocks(section.blocks, level + bool(section.title))

    def labelled(self, label: Cell, words: Words) -> str:
        head = " ".join(filter(None, (SIGNS.get(label.tone, ""), markdown(label.text))))
        return f"- {head}: {self.words(words)}" if label.text else f"- {head} {self.words(words)}"

    def table(self, block: Table) -> Iterator[str]:
        yield ""
        yield _row(markdown(column.header) for column in block.columns)
        yield "|" + "".join("---|" if column.left else "--:|" for column in block.columns)
        for row in block.rows:
            yield _row(map(_cell, row))


def _cell(cell: Cell) -> str:
    shown = f"`{cell.text}`" if cell.tone == "code" else markdown(cell.text)
    return " ".join(filter(None, (SIGNS.get(cell.tone, ""), shown)))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
