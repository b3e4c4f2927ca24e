"""A document as one page of HTML that needs nothing else: MathML, its own style and script."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path

import msgspec

from backtrace.chain.model import EntryNode
from backtrace.chain.unfolding import sources
from backtrace.formats import file_signatures
from backtrace.formats.block_writer import BlockWriter
from backtrace.formats.drawing import palette
from backtrace.formats.drawing.graph import COLOURS, GraphDrawing
from backtrace.formats.drawing.hairpin import HairpinDrawing
from backtrace.formats.drawing.network import NetworkDrawing
from backtrace.formats.html import tables
from backtrace.formats.html.chains import ChainTable
from backtrace.formats.html.drawings import beside_text, drawn, legend, telling
from backtrace.formats.html.equations import HtmlEquations, entry_name
from backtrace.formats.html.tables import prose
from backtrace.functions.formula import Expr, Ref, Row, Symbol, Value
from backtrace.notation.mathml import MathML, ref_symbol
from backtrace.notation.mathml_tokens import joined, numeral, operator
from backtrace.notation.text import EXACT, whole
from backtrace.notation.workings import is_cut
from backtrace.page import blocks
from backtrace.page.figures import ABOUT, EXACTLY, UnfoldedEntry
from backtrace.page.graph import Graph
from backtrace.page.header import MORE_DIGITS
from backtrace.page.inert import inert
from backtrace.page.network.reader import network
from backtrace.page.overview import Overview
from backtrace.page.sections import WAYS
from backtrace.page.step_block import Gallery, StepBlock, Summary
from backtrace.page.why.blocks import Chain, Derivations, GivenEntries

MAKER = "Worked and written by backtrace."
HINT = (
    "Open an underlined number to see its sum, and lit up all it was worked from (solid lines) and "
    "all that uses it (dashed); point at it to see which numbers made it. "
    "Blue goes forward; orange, between double brackets, comes back."
)
TALL = 'displaystyle="true"'
DIGEST = 8  # hexadecimal digits, enough for the fragments of one page
MARKED = re.compile(r' data-e="[^"]*"')
COMMA = operator(",")
CLASSES = {"": "", "pass": "", "losses": ' class="course"'}


def file(document: blocks.Document, *, fragment: bool = False) -> str:
    """A page, or, as a fragment of one, a ``<div>``."""
    style, script = _beside("page.css"), _beside("page.js") + _beside("lighting.js")
    style += f"{palette.in_page()}\n"
    if document.handout is not None:
        script = ""  # nothing on it can be opened
        style += f"@page {{ size: {document.handout.paper}; margin: 2cm; }}\n"
    if fragment:
        styled = f"<style>{style}</style>\n{_fragment(document)}\n<script>{script}</script>"
        return f"{file_signatures.FRAGMENT}{styled}</div>\n"
    return _whole(document, "\n".join(_Writer(document).page()), style, script)


def _fragment(document: blocks.Document) -> str:
    """Its ids begin with a digest of all it says: those of another one on the page do not."""
    kept = msgspec.structs.replace(document, blocks=tuple(document.blocks))
    said = "\n".join(_Writer(kept).fragment())
    mark = sha256(said.encode()).hexdigest()[:DIGEST]
    return "\n".join(_Writer(kept, f"b{mark}-").fragment())


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _whole(document: blocks.Document, body: str, style: str, script: str) -> str:
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return f"""<!doctype html>
<html lang="{document.handout.language if document.handout else "en"}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="backtrace">
{file_signatures.TAGGED}
<title>{escape(inert(document.title))}</title>
<style>{style}</style>
</head>
<body class="backtrace">
{body}
<script>{script}</script>
</body>
</html>
"""


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


class _Writer(BlockWriter[str]):
    """Writes one page from top to bottom, and remembers which entries it has unfolded."""

    def __init__(self, document: blocks.Document, prefix: str = "") -> None:
        self.document, self.prefix = document, prefix
        self.contents = tuple(document.blocks)
        self.values_alone = False
        self.unfolded: set[str] = set()
        self.approximates = False  # a number whose printed digits do not add up
        self.same_as: dict[str, str] = {}  # a step that only repeats another, by their HTML ids

    # The page

    def page(self) -> Iterator[str]:
        if self.document.handout is not None:
            yield from self.handout(self.document.handout)
            return
        derivation = list(self.below(self.contents))  # before what the header says of it
        yield self.opening
        yield '<a class="skip" href="#derivation">Skip to the derivation</a>'
        yield from ("<header>", *self.header(), "</header>")
        yield from self.beside()
        yield from ('<main id="derivation">', *derivation, "</main>")
        yield f"<footer>{MAKER}</footer>"
        yield "</div>"

    def fragment(self) -> Iterator[str]:
        """The same without what a page has once: its landmarks and its first heading."""
        self.level = 2
        derivation = list(self.below(self.contents))
        yield self.opening
        yield from self.header()
        yield from self.beside()
        yield from derivation
        yield f'<p class="maker">{MAKER}</p>'
        yield "</div>"

    @property
    def opening(self) -> str:
        drawn = self.has_network or self.graph_beside is not None
        return f'<div class="page{" drawn" if drawn else ""}">'

    def handout(self, printed: blocks.Handout) -> Iterator[str]:
        """A page to be printed, all of its words its own."""
        yield f'<div class="page handout columns-{printed.columns}">'
        yield f'<header><h1 class="headline">{prose(self.document.title)}</h1></header>'
        yield '<main id="derivation">'
        yield from self.below(self.contents)
        yield "</main></div>"

    def header(self) -> Iterator[str]:
        page = self.document
        yield f'<h{self.level} class="headline">{prose(page.title)}</h{self.level}>'
        yield from _paragraphs({"standing": page.standing, "architecture": page.architecture})
        more = [whole(MORE_DIGITS)] if self.approximates else []
        told = (each for each in page.conventions if each not in more)
        yield from self.conventions([*told, *more])
        source = f"Source: {page.source}" if page.source else ""
        yield from _paragraphs({"source": source, "notice": page.notice})
        glance = any(isinstance(each, Summary | Overview) for each in _walked(self.contents))
        if page.trace is not None and not glance:
            yield f'<p class="hint">{HINT}</p>'
            yield '<button type="button" class="sums" aria-pressed="false" hidden>'
            yield "Every sum</button>"
        yield from self.links()

    def conventions(self, sentences: Sequence[blocks.Prose]) -> Iterator[str]:
        if not sentences:
            return
        level = self.level + 1
        yield f'<section class="conventions"><h{level}>Conventions</h{level}>'
        yield from (*_list(map(self.words, sentences)), "</section>")

    def links(self) -> Iterator[str]:
        """Links to the updates, or to the sections of the only one."""
        sections = [block for block in _flat(self.contents) if block.part != "losses"]
        if len(sections) > 1:
            named = {each.heading or each.title: each.anchor for each in reversed(sections)}
            links = (
                f'<a href="#{self.id(anchor)}">{prose(words)}</a>'  # to the first of a name
                for words, anchor in reversed(named.items())
            )
            tag = "div" if self.prefix else "nav"  # a landmark is a page's own
            yield from (f'<{tag} class="contents">', *_list(links), f"</{tag}>")

    def dotslegend(self, block: blocks.DotsLegend) -> Iterator[str]:
        told = f"⋯ and ⋮ stand for what is left out of large matrices. {block.where}"
        yield f'<p class="note">{told.rstrip()}</p>'

    def paragraph(self, block: blocks.Paragraph) -> Iterator[str]:
        kind = f' class="{block.tone}"' if block.tone else ""
        yield f"<p{kind}>{self.words(block.words)}</p>"

    def bullets(self, block: blocks.Bullets) -> Iterator[str]:
        return _list(map(self.words, block.items))

    def labelled(self, block: blocks.Labelled) -> Iterator[str]:
        return _list(f"<b>{prose(label.text)}</b> {self.words(w)}" for label, w in block.rows)

    def chain(self, block: Chain) -> Iterator[str]:
        return self.chains.chain(block)

    def derivations(self, block: Derivations) -> Iterator[str]:
        return self.chains.derivations(block)

    def givenentries(self, block: GivenEntries) -> Iterator[str]:
        yield self.chains.given(block)

    @property
    def chains(self) -> ChainTable:
        assert self.document.symbols is not None
        return ChainTable(self.document.symbols, self.document.decimal_mark)

    def omission(self, block: blocks.Omission) -> Iterator[str]:
        more = "update" if block.updates == 1 else "updates"
        yield f'<p class="skipped">⋮ {block.updates} {more} not shown</p>'

    def section(self, section: blocks.Section) -> Iterator[str]:
        if section.title:
            yield from self.framed(section, self.below(section.blocks))
        else:
            yield from self.blocks(section.blocks)

    def framed(self, section: blocks.Section, inner: Iterable[str]) -> Iterator[str]:
        """``inner`` under the heading of a section."""
        kind = CLASSES.get(section.part, f' class="phase {section.part}"')
        yield f"<section{kind}>"
        yield self.heading(section)
        yield from inner
        yield "</section>"

    def heading(self, section: blocks.Section) -> str:
        tag, kind, words = f"h{self.level}", "heading", prose(section.title)
        if section.part == "pass":
            kind, words = "update", prose(section.heading)
        if section.part in WAYS:
            words = f'<span class="way" aria-hidden="true">{WAYS[section.part]}</span> {words}'
        if section.aside and section.part != "pass":
            words += f' <span class="layer">{prose(section.aside)}</span>'
        anchor = f' id="{self.id(section.anchor)}"' if section.anchor else ""
        return f'<{tag} class="{kind}"{anchor}>{words}</{tag}>'

    def table(self, block: blocks.Table) -> Iterator[str]:
        return tables.table(block)

    def bars(self, block: blocks.Bars) -> Iterator[str]:
        return tables.bars(block)

    def shares(self, block: blocks.Shares) -> Iterator[str]:
        return tables.shares(block)

    def graph(self, block: Graph) -> Iterator[str]:
        """The drawing stands in the page, in its colours, unless it stands beside the text."""
        if block is self.graph_beside:
            return
        drawing, heading = GraphDrawing(block), self.id("graph")
        yield "<section>"
        yield f'<h{self.level} class="heading" id="{heading}">Graph</h{self.level}>'
        yield f'<p class="why">{prose(f"{block.legend} {COLOURS}")}</p>'
        yield from drawn(drawing, f'aria-labelledby="{heading}"')
        yield "</section>"

    def overview(self, block: Overview) -> Iterator[str]:
        drawing = HairpinDrawing(block)
        yield from drawn(drawing, telling(block.told))
        yield from legend(drawing)

    def beside(self) -> Iterator[str]:
        """The network of a trace, the graph of its equations, which stay in view where there is
        room for it."""
        page, graph = self.document, self.graph_beside
        if graph is not None:
            named = f'aria-labelledby="{self.id("graph")}"'
            about = f'<p class="legend">{prose(f"{graph.legend} {COLOURS}")}</p>'
            shown = [*beside_text(GraphDrawing(graph), named), about]
            yield from self.set_beside("graph", "Graph", "", shown)
        elif self.has_network and page.trace is not None:
            found = network(page.trace, page.selection, page.decimal_mark)
            drawing = NetworkDrawing(found)
            shown = [*beside_text(drawing, telling(found.told)), *legend(drawing)]
            yield from self.set_beside("network", "Network", found.about, shown)

    def set_beside(self, id: str, title: str, about: str, shown: Iterable[str]) -> Iterator[str]:
        tag, heading, level = "div" if self.prefix else "aside", self.id(id), self.level + 1
        aside = f' <span class="layer">{prose(about)}</span>' if about else ""
        yield f'<{tag} class="beside" aria-labelledby="{heading}">'
        yield f'<h{level} class="heading" id="{heading}">{title}{aside}</h{level}>'
        yield from shown
        yield f"</{tag}>"

    @property
    def graph_beside(self) -> Graph | None:
        """The graph of a page that has more than it."""
        graphs = (block for block in self.contents if isinstance(block, Graph))
        return next((graph for graph in graphs if not graph.alone), None)

    @property
    def has_network(self) -> bool:
        """Whether the page is of layers, and has not all of them in an overview."""
        page = self.document
        overviews = any(isinstance(block, Overview) for block in _walked(self.contents))
        return page.trace is not None and bool(page.architecture) and not overviews

    # Steps

    def gallery(self, block: Gallery) -> Iterator[str]:
        matrices = "".join(
            f'<div class="scroll">{self.equations(step).quantity(step, Ref(step.id))}</div>'
            for step in block.steps
        )
        yield f'<div class="gallery">{matrices}</div>'

    def summary(self, block: Summary) -> Iterator[str]:
        self.values_alone = True
        for section in block.sections:
            yield from self.framed(section, self.below(section.blocks))
        self.values_alone = False

    def stepblock(self, step: StepBlock) -> Iterator[str]:
        """A step's number and title, what is said of it, and its numbers."""
        yield f'<article class="step" id="{self.step_id(step, step.id)}">'
        number = f'<span class="number">{step.number}</span>'
        yield f'<h{self.level} class="title">{number} {prose(step.title)}</h{self.level}>'
        yield '<div class="body">'
        if step.why:
            yield f'<p class="why">{self.words(step.why)}</p>'
        yield from self.inner(step)
        for remark in step.remarks:
            yield f'<p class="note">{self.words(remark)}</p>'
        yield "</div></article>"

    def inner(self, step: StepBlock) -> Iterator[str]:
        if step.blank:
            return self.to_be_found(step)
        if self.values_alone:
            return self.stated(step, Symbol(step.id))
        return self.brief(step) if step.brief else self.worked(step)

    def to_be_found(self, step: StepBlock) -> Iterator[str]:
        """The formula, and an empty place for each entry, if it isn't an earlier one."""
        assert step.equation is not None
        yield self.displayed(step, step.equation.formula)
        if not step.brief:
            result = self.equations(step).value(step, Symbol(step.id))
            yield f'<div class="scroll">{result}</div>'

    def room(self, block: blocks.Room) -> Iterator[str]:
        yield f'<div class="room" aria-hidden="true">{"<br>" * block.lines}</div>'

    def brief(self, step: StepBlock) -> Iterator[str]:
        assert step.equation is not None
        formula = step.equation.formula
        if step.tells_value:
            self.note_same(step)
            return iter([self.displayed(step, formula)])
        return self.stated(step, formula)

    def stated(self, step: StepBlock, left: Expr) -> Iterator[str]:
        """``left`` = the value."""
        self.note_same(step)
        yield f'<div class="scroll brief">{self.equations(step).value(step, left)}</div>'
        yield '<div class="worked" aria-live="polite"></div>'

    def worked(self, step: StepBlock) -> Iterator[str]:
        assert step.equation is not None
        lines = list(self.lines(step))
        yield self.displayed(step, step.equation.formula)
        yield f'<div class="scroll">{self.equations(step).equation(step)}</div>'
        yield '<div class="worked" aria-live="polite"></div>'
        opened = " open" if step.unfolded else ""
        yield f'<details class="entries"{opened}><summary>Every entry worked out</summary><ul>'
        yield from lines
        yield "</ul></details>"

    def equations(self, step: StepBlock) -> HtmlEquations:
        return HtmlEquations(step.figures, self.target)

    def displayed(self, step: StepBlock, formula: Expr) -> str:
        written = self.equations(step).math(formula, numbers=False, attributes=f" {TALL}")
        return f'<div class="scroll formula">{written}</div>'

    # Entries

    def id(self, name: str) -> str:
        """An HTML id that is this page's own."""
        return self.prefix + name

    def step_id(self, step: StepBlock, id: str) -> str:
        return self.id(f"{id}-{step.traced.epoch}-{step.traced.batch}")

    def line_id(self, step: StepBlock, id: str, row: int, column: int) -> str:
        own = self.step_id(step, id)
        return f"{self.same_as.get(own, own)}-{row + 1}-{column + 1}"

    def target(self, step: StepBlock, id: str, row: int, column: int) -> str:
        line = self.line_id(step, id, row, column)
        return line if line in self.unfolded else ""

    def note_same(self, step: StepBlock) -> None:
        """A step that is an earlier one over again opens to the lines of that one."""
        assert step.equation is not None
        same = step.repeats or _only_quantity(step.equation.right)
        if same:
            earlier = self.step_id(step, same)
            self.same_as[self.step_id(step, step.id)] = self.same_as.get(earlier, earlier)

    def lines(self, step: StepBlock) -> Iterator[str]:
        """Every entry unfolded, a line each: z₁[1,2] = 1·(−1) + 2·0 = −1 + 0 = −1."""
        # a number has all the entries of its operands in it, of which a long sum shows a few
        of = "" if step.value.shape else f' data-of="{" ".join(step.traced.operands)}"'
        for entry in step.entries():
            line = self.line_id(step, step.id, *(entry.place or (0, 0)))
            self.unfolded.add(line)
            own = f'data-line="{entry_name(step.id, *(entry.place or (0, 0)))}"'
            yield f'<li id="{line}" {own}{of}{_spans(entry)}>{self.line(step, entry)}</li>'

    def line(self, step: StepBlock, entry: UnfoldedEntry) -> str:
        name = ref_symbol(Ref(step.id), step.figures.symbols)
        if entry.place is not None:
            i, j = entry.place
            name += joined([operator("["), numeral(f"{i + 1}"), COMMA, numeral(f"{j + 1}")])
            name += joined([operator("]")])
        value, number = _numeral(entry.value), _numeral(entry.number)
        style = (step.figures.symbols, step.figures.decimals, True, step.figures.decimal_mark)
        write = MathML(*style, _entry_of).formula
        told = entry.told(write, lambda each: MARKED.sub("", each), number)
        # each = in a formula of its own: a line may be folded there when it is printed
        # and, as elsewhere on a line of its own, with tall fractions
        line, sign = f"<math>{name}</math>", EXACTLY
        for part, following in (*told, (value, "")):
            line += f" <math {TALL}><mo>{sign}</mo><mrow>{part}</mrow></math>"
            self.approximates |= sign == ABOUT
            sign = following
        return line

    # Words

    def text(self, text: str) -> str:
        return prose(text)

    def formula(self, expr: Expr) -> str:
        symbols, mark = self.document.symbols, self.document.decimal_mark
        assert symbols is not None
        return f"<math>{MathML(symbols, EXACT, decimal_mark=mark).formula(expr)}</math>"


def _spans(entry: UnfoldedEntry) -> str:
    """Where the terms of a long sum lie, of which the line shows a few: ``a0:1-9:2-2``."""
    if not any(map(is_cut, entry.stages)):
        return ""
    places: dict[str, list[EntryNode]] = {}
    for node in sources(entry.stages[0]):
        places.setdefault(node.id, []).append(node)
    spans = " ".join(
        f"{id}:{_range([n.row for n in found])}:{_range([n.column for n in found])}"
        for id, found in places.items()
    )
    return f' data-span="{spans}"'


def _range(numbers: list[int]) -> str:
    return f"{min(numbers) + 1}-{max(numbers) + 1}"


def _only_quantity(expr: Expr) -> str:
    """The id of the quantity that is the whole of a right-hand side, or nothing."""
    while isinstance(expr, Row) and len(expr.items) == 1:
        expr = expr.items[0]
    return expr.id if isinstance(expr, Ref) and not expr.transposed else ""


def _flat(contents: Iterable[blocks.Block]) -> Iterator[blocks.Section]:
    """The sections of a page, also those of a summary."""
    for block in contents:
        if isinstance(block, blocks.Section):
            yield block
        elif isinstance(block, Summary):
            yield from block.sections


def _walked(contents: Iterable[blocks.Block]) -> Iterator[blocks.Block]:
    """Blocks, and below each those that it has in it."""
    for block in contents:
        yield block
        if isinstance(block, blocks.Section):
            yield from _walked(block.blocks)


def _paragraphs(texts: Mapping[str, str]) -> Iterator[str]:
    return (f'<p class="{kind}">{prose(text)}</p>' for kind, text in texts.items() if text)


def _list(items: Iterable[str]) -> Iterator[str]:
    yield from ("<ul>", *(f"<li>{item}</li>" for item in items), "</ul>")


def _entry_of(value: Value) -> str:
    if not value.id:
        return ""
    return f' data-e="{entry_name(value.id, max(value.row, 0), max(value.column, 0))}"'


def _numeral(text: str) -> str:
    return joined([numeral(text)])
