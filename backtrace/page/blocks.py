"""What every page is made of: a document of blocks, which each format writes in its own way.

A page is made by a function of data, in a module of ``backtrace.page``, and says what there is to
say, once, in the order in which it is read::

    def document(found: Verification) -> Document:
        return Document(
            title="XOR",
            standing="all 28 entries agree",
            standing_tone="right",
            blocks=(
                Paragraph("Every entry against central differences.", "fact"),
                Section("Gradients", (Table(columns, rows),), aside="the largest of each"),
            ),
        )

It knows no width, no colour, no markup: whether a matrix stands beside another, where a line is
folded and what becomes of a column that doesn't fit is the writer's. A writer is a module of
``backtrace.formats`` that has a method for each block it has a way to write, writes of the others
what they say ``plainly``, and so every page there is::

    formats/terminal/writer.py   lines(document, layout) → lines of toned spans
    formats/markdown/writer.py   text(document) → Markdown

Strings are plain text, a stranger's too: a writer makes them harmless for its format. What is more
than words is a ``Sentence``: texts and formulas, whose symbols are the document's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from backtrace.functions.array import Array
from backtrace.functions.formula import Sentence
from backtrace.notation.symbols import Symbols
from backtrace.page.selection import Selection
from backtrace.tape.steps import Phase
from backtrace.tape.trace import Trace

Prose: TypeAlias = str | Sentence

Tone: TypeAlias = str
"""What a thing is to its reader, from which a format takes its colour or its weight.

Of quantities: ``given``, ``computed``, ``gradient``, ``updated``. Of judgements: the verdicts
(``right``, ``rounded``, ``carried``, ``wrong``, …), ``best``, ``diverged``, ``doubt``. Of words:
``heading``, ``fact`` (said quietly), ``note`` (to be noticed), ``why``, ``mistake``, ``label``,
``advice`` (a list of it is ours, and what is in backquotes is code).
"""

Part: TypeAlias = Literal["", "pass", "losses"] | Phase
Inset: TypeAlias = Literal[0, 1, 2]
"""How far a block stands in: 0 by itself, 1 an item of a list, 2 what explains the one above."""


class Block(msgspec.Struct, frozen=True):
    """What a page is made of; ``plainly`` is what it says to who has no way to write it."""

    @property
    def plainly(self) -> tuple[Block, ...]:
        return ()


class Paragraph(Block, frozen=True):
    words: Prose
    tone: Tone = ""
    inset: Inset = 0


class Facts(Block, frozen=True):
    """Short phrases, as many beside each other as fit."""

    phrases: tuple[Cell, ...]
    tone: Tone = "fact"

    @property
    def plainly(self) -> tuple[Bullets]:
        return (Bullets(tuple(cell.text for cell in self.phrases)),)


class Bullets(Block, frozen=True):
    items: tuple[Prose, ...]
    tone: Tone = ""
    inset: Inset = 1


class Labelled(Block, frozen=True):
    """Words, or formulas, and before them their label (it may be empty), in one column."""

    rows: tuple[tuple[Cell, Prose], ...]
    inset: Inset = 2
    of: Literal["words", "formulas"] = "words"

    @property
    def plainly(self) -> tuple[Bullets]:
        return (Bullets(tuple(_labelled(label.text, words) for label, words in self.rows)),)


def _labelled(label: str, words: Prose) -> Prose:
    return f"{label} {words}" if isinstance(words, str) else (f"{label} ", *words)


class Shares(Block, frozen=True):
    """How large each is beside the others, from 0 to 1: its label, its size, what it is."""

    rows: tuple[tuple[str, float, str], ...]

    @property
    def plainly(self) -> tuple[Bullets]:
        return (Bullets(tuple(f"{label} {words}" for label, _, words in self.rows)),)


class Cell(msgspec.Struct, frozen=True):
    """A short text in its place; a ``tone`` that has a sign (``tones.SIGNS``) shows it."""

    text: str
    tone: Tone = ""


class Column(msgspec.Struct, frozen=True):
    """Its header, and whether its texts are flush left: numbers are flush right."""

    header: str
    left: bool = False


class Table(Block, frozen=True):
    """Rows under a header.

    ``narrow`` says what becomes of it where there is too little room: columns stand in groups, each
    with the first one; or each row is its first cell, and below it the others as a paragraph; or
    (of three columns) the second and the third are folded.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    narrow: Literal["paragraphs", "wraps", "groups"] = "paragraphs"


class Listing(Block, frozen=True):
    """Numbers in columns, the first row their headers; ``kept`` is the row below them that is kept,
    from 0."""

    rows: tuple[tuple[str, ...], ...]
    kept: int | None = None

    @property
    def plainly(self) -> tuple[Table]:
        """A table, in a column of its own which row is kept."""
        header, *rows = self.rows
        if self.kept is not None:
            header = (*header, "")
            rows = [(*row, "kept" if at == self.kept else "") for at, row in enumerate(rows)]
        found = (tuple(map(Cell, row)) for row in rows)
        return (Table(tuple(map(Column, header)), tuple(found)),)


class Bar(msgspec.Struct, frozen=True):
    """A number as a bar: ``share`` of the longest, from 0 to 1, or None where it can be none."""

    label: str
    number: str
    share: float | None
    remark: Cell = Cell("")


class Bars(Block, frozen=True):
    """Numbers under each other; ``smaller`` ones are left out. ``heads`` say of what they are,
    where they stand in a table."""

    rows: tuple[Bar, ...]
    smaller: int = 0
    heads: tuple[str, str, str] = ("class", "output", "")

    @property
    def plainly(self) -> tuple[Table]:
        label, number, remark = self.heads
        columns = (Column(label), Column(number), Column(remark, left=True))
        rows = ((Cell(bar.label), Cell(bar.number), bar.remark) for bar in self.rows)
        if not any(bar.remark.text for bar in self.rows):
            return (Table(columns[:2], tuple(row[:2] for row in rows)),)
        return (Table(columns, tuple(rows)),)


class Picture(Block, frozen=True, eq=False):
    """A square of greys, from 0 (black) to 1, and the numbers that belong to it."""

    greys: Array
    beside: Bars | Listing

    @property
    def plainly(self) -> tuple[Block, ...]:
        return (self.beside,)


class Answer(Block, frozen=True):
    """The entries of a quantity as texts: what was written, or that beside what was expected.

    ``symbol`` is that of the quantity ``id``, of which update it may say. ``wrong`` are the
    entries (row, column, from 1) that are, where others are not.
    """

    id: str
    symbol: str
    rows: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    wrong: frozenset[tuple[int, int]] = frozenset()

    @property
    def plainly(self) -> tuple[Table]:
        """A line an entry, for who can set no matrix of texts."""
        height = max(len(lines) for _, lines in self.rows)
        width = max(len(line) for _, lines in self.rows for line in lines)
        columns = (Column(self.symbol), *(Column(label) for label, _ in self.rows))
        found = (
            (Cell(f"[{i + 1},{j + 1}]"), *(Cell(_entry(lines, i, j)) for _, lines in self.rows))
            for i in range(height)
            for j in range(width)
        )
        return (Table(columns, tuple(found)),)


class Matrices(Block, frozen=True):
    """The entries of quantities, in the tone of what they are, beside each other."""

    quantities: tuple[Answer, ...]
    tone: Tone = ""

    @property
    def plainly(self) -> tuple[Block, ...]:
        return self.quantities


def _entry(lines: tuple[tuple[str, ...], ...], i: int, j: int) -> str:
    return lines[i][j] if i < len(lines) and j < len(lines[i]) else ""


class Section(Block, frozen=True):
    """Blocks under a heading, or, without one, blocks that stand together and apart from others.

    ``aside`` is what stands at the other end of the heading's line; ``heading`` is both in one
    phrase, or says what blocks without a title are, where a page has an outline. ``part`` says what
    it is of a trace: a whole pass, its phases, the losses. ``anchor`` is a name for links to it.
    """

    title: str
    blocks: tuple[Block, ...]
    aside: str = ""
    heading: str = ""
    part: Part = ""
    anchor: str = ""


class Room(Block, frozen=True):
    """So many empty lines, to work in by hand."""

    lines: int


class Omission(Block, frozen=True):
    """Where updates are left out, and how many."""

    updates: int


class Course(Block, frozen=True):
    """A chart of a loss (``name``): before each update and, where it was worked, after the last."""

    name: str
    values: tuple[float, ...]


class DotsLegend(Block, frozen=True):
    """That ⋯ and ⋮ stand for what is left out of large matrices; of some lengths the lines shown
    are not the first and the last ones but these, from 0."""

    windows: tuple[tuple[int, range], ...] = ()

    @property
    def where(self) -> str:
        """``Of 784 lines 407 to 409 are shown, where the largest numbers are.``"""
        if not self.windows:
            return ""
        first, *more = (f"of {n:,} lines {w.start + 1:,} to {w.stop:,}" for n, w in self.windows)
        return ", ".join([f"O{first[1:]} are shown", *more, "where the largest numbers are."])


class Handout(msgspec.Struct, frozen=True):
    """How a page is printed that is handed out: its language, its paper, its columns."""

    language: str = "en"
    paper: Literal["a4", "letter"] = "a4"
    columns: Literal[1, 2] = 1


class Document(msgspec.Struct, frozen=True):
    """A whole page: its title, what there is to say at once (``standing``), and its blocks.

    Of a network: its ``architecture``, the conventions in force, as short ``facts`` and in full
    ``sentences``; of a trace the trace itself, and what was chosen of it, for who draws it, and a
    ``glance`` at all of it for who can't. ``notice`` is what a reader should know who sees only a
    part. A ``handout`` has nothing on it that is for a screen, and no words but its own. ``blocks``
    may be made while they are written: a page can be longer than is good to keep.
    """

    title: str
    blocks: Iterable[Block]
    standing: str = ""
    standing_tone: Tone = "heading"
    architecture: str = ""
    facts: tuple[str, ...] = ()
    conventions: tuple[Sentence, ...] = ()
    source: str = ""
    notice: str = ""
    symbols: Symbols | None = None
    decimal_mark: str = "."
    trace: Trace | None = None
    glance: Block | None = None
    selection: Selection = Selection()
    handout: Handout | None = None
