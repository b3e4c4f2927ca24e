"""Every block in every format that writes documents: what is said, made harmless, fitted."""

from importlib import import_module

import numpy as np
import pytest
from markdown_it import MarkdownIt

import backtrace
from backtrace.formats.html import writer as html
from backtrace.formats.latex import writer as latex
from backtrace.formats.markdown import writer as markdown
from backtrace.formats.measure import text_width
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.writer import lines
from backtrace.functions.formula import Ref
from backtrace.notation.symbols import Symbols
from backtrace.page.blocks import (
    Answer,
    Bar,
    Bars,
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Facts,
    Labelled,
    Listing,
    Matrices,
    Paragraph,
    Picture,
    Section,
    Shares,
    Table,
)
from backtrace.page.training.chart import losses
from backtrace.page.training.confusion import Confusion
from backtrace.tape.training import Measured, Record

SYMBOLS = Symbols.of(backtrace.trace(backtrace.load("xor")))
COLUMNS = (Column("name", left=True), Column("size"), Column("remark", left=True))
ROWS = ((Cell("first", "right"), Cell("7"), Cell("a remark of some length that has to fold")),)
NARROW = ("paragraphs", "wraps")
SIGNS = (Column("student", left=True), *(Column(f"z{at}", left=True) for at in range(12)))
MARKS = (Cell("", "right"),) * 12
WRITTEN = (("1", "x"), ("3",))
BLOCKS = (
    Paragraph(("The slope of ", Ref("z2"), " is missing."), "note"),
    Facts((Cell("a fact"), Cell("another fact", "right"))),
    Bullets(("one thing", ("of ", Ref("z1")))),
    Labelled(((Cell("hint"), "look again"), (Cell("", "wrong"), "not so"))),
    Section(
        "Tables",
        tuple(Table(COLUMNS, ROWS, narrow) for narrow in NARROW),
        aside="three of them",
    ),
    Section(
        "",
        (Paragraph("set apart"), Table(SIGNS, ((Cell("a name that is long"), *MARKS),), "groups")),
    ),
    Shares((("14 of 30", 14 / 30, "left out a term"), ("1 of 30", 1 / 30, "rounded"))),
    Answer("z1", "z₁", (("You wrote", (("1", "2.5"),)),)),
    Answer(
        "z1", "z₁", (("you wrote", (("1", "x"), ("3",))), ("expected", (("1", "2"), ("3", "4"))))
    ),
    Bullets(("a rate, `learning_rate` 0.1",), "advice"),
    Listing((("epoch", "loss"), ("0", "0.50"), ("1", "0.25")), 1),
    Picture(np.eye(8), Bars((Bar("0", "0.75", 0.75, Cell("the largest", "right")),), 3)),
    losses([Record(at, Measured(1 / (1 + at))) for at in range(3)]),
    Confusion(np.array([[7, 1], [0, 2]])),
    Matrices((Answer("W1", "W₁", (("", (("1", "2"),)),)),), "updated"),
)
PAGE = Document("A title", BLOCKS, "all is well", "right", symbols=SYMBOLS)


def on_a_terminal(document, width=80, unicode=True):
    return uncoloured(lines(document, Layout(width, unicode)))


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_page_is_no_wider_than_the_terminal(width, unicode):
    said = on_a_terminal(PAGE, width, unicode)
    assert max(map(text_width, said.splitlines())) <= width
    assert unicode or said.isascii()
    assert all(word in said.replace("\n", " ") for word in ("A title", "another fact", "not so"))


def test_formulas_in_sentences_are_written_in_the_symbols_of_the_page():
    assert "The slope of z₂ is missing." in on_a_terminal(PAGE)
    assert "The slope of z2 is missing." in on_a_terminal(PAGE, unicode=False)
    assert "> The slope of $z_{2}$ is missing." in markdown.text(PAGE)


def test_a_table_that_does_not_fit_keeps_every_cell():
    for narrow in NARROW:
        said = on_a_terminal(Document("", (Table(COLUMNS, ROWS, narrow),)), 30)
        assert all(word in said for word in ["first", "7", *ROWS[0][2].text.split()]), narrow


def test_a_tone_with_a_sign_shows_it():
    assert "✓ first" in on_a_terminal(PAGE)
    assert "+ first" in on_a_terminal(PAGE, unicode=False)
    assert "| ✓ first | 7 |" in markdown.text(PAGE)


def test_markdown_reads_as_what_was_said():
    page = MarkdownIt("commonmark").enable("table").render(markdown.text(PAGE))
    assert page.count("<table>") == len(NARROW) + 5
    assert page.count("<h2>") == 1
    assert "<blockquote>" in page
    assert page.count("<li>") == 2 + 2 + 2 + 1  # bullets, labels, shares, advice


def test_what_a_terminal_draws_markdown_says():
    said = markdown.text(PAGE)
    assert "\n- a rate, `learning_rate` 0.1\n" in said
    assert "| epoch | loss |  |\n|--:|--:|--:|\n| 0 | 0.50 |  |\n| 1 | 0.25 | kept |" in said
    assert "| 0 | 0.75 | ✓ the largest |" in said
    assert "line [1, 0.5, 0.333333]" in said
    assert "| **0** | 7 | 1 | 87.5 % |" in said
    assert "W_{1} = \\begin{bmatrix}\n1 & 2\n\\end{bmatrix}" in said


def test_the_same_in_latex_and_html():
    tables = latex.file(PAGE), html.file(PAGE)
    assert all("87.5" in said and "0.75" in said and "kept" in said for said in tables)


SILENT = {  # their tables say it
    "html": {"Chart", "Course", "Results"},
    "latex": {"Chart", "Course", "Graph"},
    "terminal": {"Course", "Results", "Room"},
}


@pytest.mark.parametrize("format", ["html", "latex", "markdown", "terminal"])
def test_every_block_is_written_or_says_it_in_plainer_ones(format):
    writer = import_module(f"backtrace.formats.{format}.writer")._Writer
    left_out = {
        kind.__name__
        for kind in Block.__subclasses__()
        if not hasattr(writer, kind.__name__.lower()) and kind.plainly is Block.plainly
    }
    assert left_out == SILENT.get(format, set())


HOSTILE = "<b>*x*</b> $y$ \x1b[31m"


@pytest.mark.parametrize(
    "block",
    [
        Paragraph(HOSTILE),
        Facts((Cell(HOSTILE),)),
        Bullets((HOSTILE,)),
        Labelled(((Cell(HOSTILE), HOSTILE),)),
        Table((Column(HOSTILE), Column("x")), ((Cell(HOSTILE), Cell(HOSTILE)),)),
        Shares(((HOSTILE, 0.5, HOSTILE),)),
        Answer("z1", HOSTILE, (("You wrote", ((HOSTILE, "1"),)),)),
        Section(HOSTILE, (), HOSTILE),
        Listing(((HOSTILE,), (HOSTILE,))),
        Bars((Bar(HOSTILE, HOSTILE, 0.5, Cell(HOSTILE)),)),
        Matrices((Answer("W1", HOSTILE, (("", ((HOSTILE,),)),)),)),
    ],
    ids=lambda block: type(block).__name__,
)
def test_a_strangers_text_is_text_and_nothing_else(block):
    document = Document(HOSTILE, (block,), HOSTILE, symbols=SYMBOLS)
    assert "\x1b" not in on_a_terminal(document)
    page = MarkdownIt("commonmark").enable("table").render(markdown.text(document))
    assert "<b>" not in page
    assert "<em>x" not in page
    assert "\x1b" not in page
