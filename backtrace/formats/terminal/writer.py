"""A document as coloured lines for a terminal: a way to write each block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from backtrace.formats.measure import text_width, wrapped
from backtrace.formats.terminal.bars import bars
from backtrace.formats.terminal.boxes import Line, line_width
from backtrace.formats.terminal.chain import chain, derivations
from backtrace.formats.terminal.columns import even, listing, table
from backtrace.formats.terminal.confusion_table import confusion_lines
from backtrace.formats.terminal.curve import curve_and_legend
from backtrace.formats.terminal.graph_tree import graph_lines
from backtrace.formats.terminal.hairpin import hairpin
from backtrace.formats.terminal.layout import INDENT, Layout, formula_lines, indented
from backtrace.formats.terminal.matrices import answer, matrices
from backtrace.formats.terminal.picture import pictured
from backtrace.formats.terminal.sketches import sketch_lines
from backtrace.formats.terminal.steps.step_writer import StepWriter
from backtrace.functions.formula import Expr
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import EXACT, tokens
from backtrace.notation.text import text as formula_text
from backtrace.page import blocks
from backtrace.page.graph import Graph
from backtrace.page.lines.joined import Updates
from backtrace.page.overview import Overview
from backtrace.page.sections import ROLES
from backtrace.page.training.chart import Chart
from backtrace.page.training.confusion import Confusion
from backtrace.page.training.sketches import Sketches
from backtrace.page.why.blocks import Chain, Derivations

INSETS: dict[blocks.Inset, int] = {0: 0, 1: 1, 2: INDENT}
BULLETS: dict[blocks.Inset, int] = {0: 0, 1: 2, 2: INDENT}
MOST_LISTED = 20  # of a long list
LONGEST_BAR = 20
ARROWS = {"forward": "→", "backward": "←"}  # the signs of the two directions beside their colours
NARROW = 24  # columns; words with less room beside their label stand below it
Fold: TypeAlias = Callable[[str, int], list[str]]
FOLDS: dict[str, Fold] = {"words": wrapped, "formulas": formula_lines}


def lines(document: blocks.Document, layout: Layout) -> list[Line]:
    """The whole page, in lines no wider than ``layout``."""
    return [line for passage in passages_of(document, layout) for line in passage]


def passages_of(document: blocks.Document, layout: Layout) -> Iterator[list[Line]]:
    """The page in pieces to read one after another: what stands above it, then block by block."""
    writer = _Writer(layout, document.symbols)
    opening = writer.opening(document)
    if opening:
        yield opening
    yield from writer.passages(document.blocks)
    closing = [*writer.above, *writer.closing()]
    if closing:
        yield closing


class _Writer(StepWriter):
    def __init__(self, layout: Layout, symbols: Symbols | None) -> None:
        super().__init__(layout)
        self.symbols = symbols
        self.above: list[Line] = []  # headings that wait for what stands below them
        self.part: blocks.Part = ""  # of the section above

    def opening(self, document: blocks.Document) -> list[Line]:
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

    def passages(self, found: Iterable[blocks.Block]) -> Iterator[list[Line]]:
        for block in found:
            if isinstance(block, blocks.Section):
                yield from self.section(block)
            elif isinstance(block, blocks.Omission):
                self.above += self.omission(block)
            else:
                lines = [*self.above, *self.block(block)]
                self.above = []
                if lines:
                    yield lines

    def section(self, section: blocks.Section) -> Iterator[list[Line]]:
        if section.part == "losses":  # they stand with the updates
            return
        if section.part != self.part or section.part in ("", "pass"):
            self.above.append([])
        self.part = section.part
        found = self.aligned(section)
        if section.title:
            dash = "═" if section.part == "pass" else "─"
            title, aside = self.headed(section, found)
            tone = f"{ROLES[section.part]}.heading" if section.part in ROLES else "heading"
            self.above += self.layout.rule(title, aside, dash, tone)
        yield from self.passages(found)

    def headed(self, section: blocks.Section, found: Sequence[blocks.Block]) -> tuple[str, str]:
        """What stands at both ends of a section's rule: its direction, its layer, its rule."""
        arrow = ARROWS.get(section.part, "")
        updates = next((block for block in found if isinstance(block, Updates)), None)
        title = f"{section.title} {arrow}" if arrow else section.title
        if updates is None or section.aside:
            return title, section.aside
        assert self.symbols is not None
        words = tokens(updates.rule, self.symbols, True, EXACT)
        return title, "".join(map(str, words))

    def omission(self, block: blocks.Omission) -> list[Line]:
        more = "update" if block.updates == 1 else "updates"
        told = f"⋮  {block.updates} {more} not shown; --full shows them"
        return [[], *self.layout.paragraph(told, "fact", 0)]

    def paragraph(self, block: blocks.Paragraph) -> list[Line]:
        words = self.words(block.words)
        return self.layout.paragraph(words, block.tone, INSETS[block.inset])

    def facts(self, block: blocks.Facts) -> list[Line]:
        phrases = (self.layout.signed(cell.text, cell.tone) for cell in block.phrases)
        return self.layout.flowed(phrases, block.tone)

    def answer(self, block: blocks.Answer) -> Iterator[Line]:
        return answer(block, self.layout)

    def matrices(self, block: blocks.Matrices) -> Iterator[Line]:
        return matrices(block, self.layout)

    def table(self, block: blocks.Table) -> Iterator[Line]:
        return table(block, self.layout)

    def bars(self, block: blocks.Bars) -> Iterator[Line]:
        return indented(bars(block, self.layout.width - INDENT, self.layout))

    def listing(self, block: blocks.Listing) -> Iterator[Line]:
        return indented(listing(block, self.layout.width - INDENT, self.layout))

    def picture(self, block: blocks.Picture) -> Iterator[Line]:
        def beside(room: int) -> list[Line]:
            if isinstance(block.beside, blocks.Bars):
                return list(bars(block.beside, room, self.layout))
            return list(listing(block.beside, room, self.layout))

        return pictured(block.greys, beside, self.layout)

    def chart(self, block: Chart) -> list[Line]:
        return curve_and_legend(block, self.layout)

    def overview(self, block: Overview) -> Iterator[Line]:
        return hairpin(block, self.layout)

    def chain(self, block: Chain) -> Iterator[Line]:
        return chain(block, self.layout, self.said)

    def derivations(self, block: Derivations) -> Iterator[Line]:
        return derivations(block, self.layout, self.said)

    def said(self, expr: Expr) -> str:
        return self.layout.say(self.formula(expr))

    def sketches(self, block: Sketches) -> Iterator[Line]:
        return sketch_lines(block, self.layout)

    def graph(self, block: Graph) -> list[Line]:
        return graph_lines(block, self.layout)

    def confusion(self, block: Confusion) -> list[Line]:
        return confusion_lines(block, self.layout)

    def text(self, text: str) -> str:
        return text

    def formula(self, expr: Expr) -> str:
        assert self.symbols is not None
        return formula_text(expr, self.symbols, EXACT)

    def bullets(self, block: blocks.Bullets) -> Iterator[Line]:
        head = " " * BULLETS[block.inset] + ("· " if self.layout.unicode else "- ")
        for item in block.items[:MOST_LISTED]:
            yield from self.hanging([(head, block.tone)], self.words(item), wrapped)
        yield from self.more(len(block.items))

    def labelled(self, block: blocks.Labelled) -> Iterator[Line]:
        margin, fold = " " * INSETS[block.inset], FOLDS[block.of]
        rows = block.rows[:MOST_LISTED]
        heads = even([margin + self.head(label) for label, _ in rows], left=True)
        for head, (label, words) in zip(heads, rows, strict=True):
            tone = label.tone or "label"
            if self.layout.breadth - text_width(head) >= NARROW:
                yield from self.hanging([(head, tone)], self.words(words), fold)
            else:
                yield from self.layout.paragraph(head, tone, INSETS[block.inset])
                yield from self.hanging([(" " * (INDENT + 2), "")], self.words(words), fold)
        yield from self.more(len(block.rows))

    def shares(self, block: blocks.Shares) -> Iterator[Line]:
        """``14 of 30  ██████  left out σ′ in δ₂``."""
        rows = block.rows[:MOST_LISTED]
        labels = even([self.layout.say(label) for label, _, _ in rows])
        stroke = "█" if self.layout.unicode else "#"
        longest = min(LONGEST_BAR, self.layout.width // 4)
        for label, (_, share, words) in zip(labels, rows, strict=True):
            bar = (stroke * max(1, round(longest * share))).ljust(longest)
            yield from self.hanging([(f" {label}  ", ""), (f"{bar}  ", "share")], words, wrapped)
        yield from self.more(len(block.rows))

    def hanging(self, head: Line, words: str, fold: Fold) -> Iterator[Line]:
        """A head in its colours and words beside it, folded, their lines under each other."""
        margin = line_width(head)
        first, *more = fold(self.layout.say(words), self.layout.breadth - margin) or [""]
        yield [*head, (first, "")]
        yield from ([(" " * margin + part, "")] for part in more)

    def more(self, total: int) -> list[Line]:
        """What is said of a list that is too long for a screen."""
        rest = total - MOST_LISTED
        return self.layout.paragraph(f"and {rest} more", "fact", 1) if rest > 0 else []

    def head(self, label: blocks.Cell) -> str:
        """The sign of a label, if its tone has one, and the label."""
        signed = self.layout.signed(label.text, label.tone)
        return f"{signed}  " if label.text else f"{signed} "
