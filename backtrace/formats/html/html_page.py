"""A trace as one page of HTML that needs nothing else: MathML, its own style and script."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from pathlib import Path

from backtrace.formats import file_signatures
from backtrace.formats.html.equations import Equations, entry_name, printed
from backtrace.functions.formula import Expr, Ref, Row, Sentence, Symbol, Value
from backtrace.notation.mathml import MathML, ref_symbol
from backtrace.notation.mathml_tokens import joined, numeral, operator
from backtrace.notation.text import EXACT
from backtrace.page.derivation import Derivation, Entry, Section, Step, Update, View, derivation
from backtrace.page.inert import inert
from backtrace.tape.trace import Trace

HINT = "Open a number that was worked out to see its sum; point at it to see which numbers made it."
MARKED = re.compile(r' data-e="[^"]*"')
COMMA = operator(",")
MORE = "⋮"


def html(trace: Trace, view: View) -> str:
    """The trace as a document, or, where the view asks for a fragment, as one ``<div>``."""
    page = derivation(trace, view)
    body = "\n".join(_Writer(page).body())
    style, script = (_beside(name) for name in ("html_page.css", "html_page.js"))
    if view.fragment:
        styled = f"<style>{style}</style>\n{body}\n<script>{script}</script>"
        return f"{file_signatures.FRAGMENT}{styled}</div>\n"
    return _document(page, body, style, script)


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _document(page: Derivation, body: str, style: str, script: str) -> str:
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="backtrace">
{file_signatures.TAGGED}
<title>{_text(page.title)}</title>
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


class _Writer:
    """Writes one page from top to bottom, and remembers which entries it has unfolded."""

    def __init__(self, page: Derivation) -> None:
        self.page = page
        self.equations = Equations(page, self.target)
        self.unfolded: set[str] = set()
        self.same_as: dict[str, str] = {}  # a step that only repeats another, by their HTML ids
        page_style = (page.symbols, page.decimals, True, page.decimal_mark)
        self.unfolding = MathML(*page_style, _entry_of)
        self.in_words = MathML(page.symbols, EXACT, decimal_mark=page.decimal_mark)
        self.level = 3 if any(update.title for update in page.updates) else 2

    # The page

    def body(self) -> Iterator[str]:
        yield '<div class="page">'
        yield '<a class="skip" href="#derivation">Skip to the derivation</a>'
        yield from self.header()
        yield '<main id="derivation">'
        for update in self.page.updates:
            yield from self.update(update)
        yield from self.losses()
        yield "</main>"
        yield "<footer>Worked and written by backtrace.</footer>"
        yield "</div>"

    def header(self) -> Iterator[str]:
        page = self.page
        yield "<header>"
        yield f"<h1>{_text(page.title)}</h1>"
        yield f'<p class="architecture">{_text(page.architecture)}</p>'
        yield '<section class="conventions" aria-labelledby="conventions">'
        yield '<h2 id="conventions">Conventions</h2>'
        yield "<ul>"
        for sentence in page.conventions:
            yield f"<li>{self.sentence(sentence)}</li>"
        yield "</ul></section>"
        if page.source:
            yield f'<p class="source">Source: {_text(page.source)}</p>'
        if page.notice:
            yield f'<p class="notice">{_text(page.notice)}</p>'
        if page.view.detail != "summary":
            yield f'<p class="hint">{HINT}</p>'
        yield from self.contents()
        yield "</header>"

    def contents(self) -> Iterator[str]:
        """Links to the updates, or to the sections of the only one."""
        links = [(f"update-{each.epoch}-{each.batch}", each.title) for each in self.page.updates]
        if self.level == 2:
            update = self.page.updates[0]
            links = [
                (_section_id(update, at), section.heading)
                for at, section in enumerate(update.sections)
            ]
        if len(links) > 1:
            listed = "".join(f'<li><a href="#{id}">{_text(name)}</a></li>' for id, name in links)
            yield f'<nav aria-label="Contents"><ul>{listed}</ul></nav>'

    def losses(self) -> Iterator[str]:
        if not self.page.losses:
            return
        head, *rows = self.page.loss_table()
        yield '<section class="course" aria-labelledby="course">'
        yield '<h2 class="heading" id="course">The loss, update by update</h2>'
        yield '<table class="losses"><thead><tr>'
        yield "".join(f'<th scope="col">{_text(name)}</th>' for name in head)
        yield "</tr></thead><tbody>"
        for line in rows:
            cells = "".join(f"<td>{text if text == MORE else printed(text)}</td>" for text in line)
            yield f"<tr>{cells}</tr>"
        yield "</tbody></table></section>"

    # Updates, sections, steps

    def heading_tag(self, below: int = 0) -> str:
        return f"h{self.level + below}"

    def update(self, update: Update) -> Iterator[str]:
        if update.skipped:
            more = "update" if update.skipped == 1 else "updates"
            yield f'<p class="skipped">⋮ {update.skipped} {more} not shown</p>'
        id = f"update-{update.epoch}-{update.batch}"
        if update.title:
            yield f'<section aria-labelledby="{id}">'
            yield f'<h2 class="update" id="{id}">{_text(update.title)}</h2>'
        for at, section in enumerate(update.sections):
            yield from self.section(_section_id(update, at), section)
        if update.title:
            yield "</section>"

    def section(self, id: str, section: Section) -> Iterator[str]:
        tag = self.heading_tag()
        layer = "" if section.layer is None else f"layer {section.layer}, {section.activation}"
        yield f'<section class="phase {section.phase}" aria-labelledby="{id}">'
        yield (
            f'<{tag} class="heading" id="{id}">{_text(section.title)} '
            f'<span class="layer">{_text(layer)}</span></{tag}>'
        )
        if section.phase == "given":
            yield from self.given(section)
        else:
            for step in section.steps:
                yield from self.step(step)
        yield "</section>"

    def given(self, section: Section) -> Iterator[str]:
        matrices = "".join(
            f'<div class="scroll">{self.equations.quantity(step, Ref(step.id))}</div>'
            for step in section.steps
        )
        yield f'<div class="gallery">{matrices}</div>'

    def step(self, step: Step) -> Iterator[str]:
        assert step.equation is not None
        tag = self.heading_tag(1)
        yield f'<article class="step" id="{self.step_id(step, step.id)}">'
        yield (
            f'<{tag} class="title"><span class="number">{step.number}</span> '
            f"{_text(step.title)}</{tag}>"
        )
        yield '<div class="body">'
        if step.why:
            yield f'<p class="why">{self.sentence(step.why)}</p>'
        yield from self.worked(step)
        for note in step.notes:
            yield f'<p class="note">{self.sentence(note)}</p>'
        yield "</div></article>"

    def worked(self, step: Step) -> Iterator[str]:
        assert step.equation is not None
        summary = self.page.view.detail == "summary"
        if step.brief or summary:
            self.note_same(step)
            left: Expr = Symbol(step.id) if summary else step.equation.formula
            if summary or self.shows_value(step):
                yield f'<div class="scroll brief">{self.equations.value(step, left)}</div>'
                yield '<div class="worked" aria-live="polite"></div>'
            else:
                yield self.formula(left)
            return
        lines = list(self.lines(step))
        yield self.formula(step.equation.formula)
        yield f'<div class="scroll">{self.equations.equation(step)}</div>'
        yield '<div class="worked" aria-live="polite"></div>'
        opened = " open" if self.page.view.detail == "entries" else ""
        yield f'<details class="entries"{opened}><summary>Every entry worked out</summary><ul>'
        yield from lines
        yield "</ul></details>"

    def formula(self, formula: Expr) -> str:
        written = self.equations.math(formula, numbers=False, attributes=' displaystyle="true"')
        return f'<div class="scroll formula">{written}</div>'

    def shows_value(self, step: Step) -> bool:
        """Not the ones that are the slope of a linear unit."""
        return step.traced.operation != "activation_derivative"

    # Entries

    def step_id(self, step: Step, id: str) -> str:
        return f"{id}-{step.traced.epoch}-{step.traced.batch}"

    def line_id(self, step: Step, id: str, row: int, column: int) -> str:
        own = self.step_id(step, id)
        return f"{self.same_as.get(own, own)}-{row + 1}-{column + 1}"

    def target(self, step: Step, id: str, row: int, column: int) -> str:
        line = self.line_id(step, id, row, column)
        return line if line in self.unfolded else ""

    def note_same(self, step: Step) -> None:
        """A step that is an earlier one over again opens to the lines of that one."""
        assert step.equation is not None
        same = step.repeats or _only_quantity(step.equation.right)
        if same:
            earlier = self.step_id(step, same)
            self.same_as[self.step_id(step, step.id)] = self.same_as.get(earlier, earlier)

    def lines(self, step: Step) -> Iterator[str]:
        """Every entry unfolded, a line each: z₁[1,2] = 1·(−1) + 2·0 = −1 + 0 = −1."""
        # a number has all the entries of its operands in it, of which a long sum shows a few
        of = "" if step.traced.shape else f' data-of="{" ".join(step.traced.operands)}"'
        for entry in self.page.entries(step):
            line = self.line_id(step, step.id, *(entry.place or (0, 0)))
            self.unfolded.add(line)
            yield f'<li id="{line}"{of}>{self.line(step, entry)}</li>'

    def line(self, step: Step, entry: Entry) -> str:
        name = ref_symbol(Ref(step.id), self.page.symbols)
        if entry.place is not None:
            i, j = entry.place
            name += joined([operator("["), numeral(f"{i + 1}"), COMMA, numeral(f"{j + 1}")])
            name += joined([operator("]")])
        worked = [*self.stages(entry), _numeral(entry.value)]
        # each = in a formula of its own: a line may be folded there when it is printed
        equals = (f"<math><mo>=</mo><mrow>{part}</mrow></math>" for part in worked)
        return " ".join([f"<math>{name}</math>", *equals])

    def stages(self, entry: Entry) -> Iterator[str]:
        """The stages that say something new."""
        before = _numeral(entry.value)
        for stage in entry.stages:
            written = self.unfolding.formula(stage)
            said = MARKED.sub("", written)
            if said != before:
                yield written
            before = said

    # Words

    def sentence(self, sentence: Sentence) -> str:
        return "".join(
            _text(part) if isinstance(part, str) else f"<math>{self.in_words.formula(part)}</math>"
            for part in sentence
        )


def _only_quantity(expr: Expr) -> str:
    """The id of the quantity that is the whole of a right-hand side, or nothing."""
    while isinstance(expr, Row) and len(expr.items) == 1:
        expr = expr.items[0]
    return expr.id if isinstance(expr, Ref) and not expr.transposed else ""


def _section_id(update: Update, at: int) -> str:
    return f"section-{update.epoch}-{update.batch}-{at + 1}"


def _entry_of(value: Value) -> str:
    if not value.id:
        return ""
    return f' data-e="{entry_name(value.id, max(value.row, 0), max(value.column, 0))}"'


def _numeral(text: str) -> str:
    return joined([numeral(text)])


def _text(text: str) -> str:
    return escape(inert(text))
