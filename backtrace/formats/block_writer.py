"""The walk over the blocks of a document, which every writer shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from backtrace.functions.formula import Expr
from backtrace.page.blocks import Block, Prose

Line = TypeVar("Line")


class BlockWriter(Generic[Line]):
    """Writes blocks in lines: each by the method that is called as it is (``paragraph`` writes a
    Paragraph), or, where a writer has none, in the plainer blocks that say the same.
    """

    text: Callable[[str], str]
    formula: Callable[[Expr], str]
    level = 1  # of a heading among the blocks that are written now

    def blocks(self, blocks: Iterable[Block]) -> Iterator[Line]:
        for block in blocks:
            yield from self.block(block)

    def block(self, block: Block) -> Iterable[Line]:
        write = getattr(self, type(block).__name__.lower(), None)
        lines: Iterable[Line] = self.blocks(block.plainly) if write is None else write(block)
        return lines

    def below(self, blocks: Iterable[Block], levels: int = 1) -> Iterator[Line]:
        """The blocks under a heading."""
        self.level += levels
        yield from self.blocks(blocks)
        self.level -= levels

    def words(self, words: Prose) -> str:
        """Words, and what formulas are among them."""
        parts = (words,) if isinstance(words, str) else words
        return "".join(
            self.text(part) if isinstance(part, str) else self.formula(part) for part in parts
        )
