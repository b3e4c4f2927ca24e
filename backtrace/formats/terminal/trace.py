"""A trace as coloured text for a terminal: header, sections, steps as equations, entries, notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from backtrace.formats.measure import plain
from backtrace.formats.terminal.boxes import ASCII, MORE_COLUMNS, UNICODE, Block, Line, Mark, Piece
from backtrace.formats.terminal.colours import coloured, uncoloured
from backtrace.formats.terminal.grid import equation, gallery, marks
from backtrace.formats.terminal.layout import INDENT, Layout
from backtrace.formats.terminal.matrices import Format, block
from backtrace.formats.terminal.summary import inline, summary
from backtrace.functions.formula import Equation, Ref
from backtrace.notation import steps as notation
from backtrace.notation.notes import notes
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import ref_text, sentence_text, text, tokens
from backtrace.notation.titles import sample_words
from backtrace.page import header
from backtrace.page.elision import any_large, is_large
from backtrace.page.inert import inert
from backtrace.page.sections import ROLES, SECTIONS
from backtrace.page.selection import (
    Selection,
    is_principal,
    one_sample,
    sample_slice,
    steps,
    updates,
)
from backtrace.tape.operations import Setting
from backtrace.tape.trace import Trace, TracedStep

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

NARROWEST = 40  # columns; a narrower terminal wraps the lines itself
STYLES = {
    "computed": "cyan",
    "gradient": "magenta",
    "updated": "green",
    "given.name": "bold",
    "computed.name": "bold cyan",
    "gradient.name": "bold magenta",
    "updated.name": "bold green",
    "title": "bold",
    "heading": "bold",
    "number": "dim",
    "bracket": "dim",
    "dims": "dim",
    "rule": "dim",
    "fact": "dim",
    "why": "italic",
    "note": "yellow",
}


class View(msgspec.Struct, frozen=True):
    """How a trace is shown: which part of it, how far unfolded, how wide, in which characters."""

    detail: Literal["summary", "matrices", "entries"] = "matrices"
    explain: bool = False
    selection: Selection = Selection()
    width: int = 80
    unicode: bool = True


def print_trace(trace: Trace, view: View, console: Console) -> None:
    """Prints a trace. The console decides on colour; nothing is wrapped or cut by it."""
    for passage in passages(trace, view):
        console.print(passage, soft_wrap=True)


def passages(trace: Trace, view: View) -> Iterator[Text]:
    """The trace in pieces to read one after another: the header, then a step at a time."""
    for lines in _Writer(trace, view).passages():
        yield coloured(lines, STYLES)


def plain_passages(trace: Trace, view: View) -> Iterator[str]:
    """The same without colour, for pipes and dumb terminals; rich is not loaded for it."""
    for lines in _Writer(trace, view).passages():
        yield uncoloured(lines)


class _Writer:
    """One trace as one view shows it; every method gives lines no wider than the page."""

    def __init__(self, trace: Trace, view: View) -> None:
        self.trace = trace
        self.view = view
        self.width = max(view.width, NARROWEST)
        self.page = Layout(self.width, view.unicode)
        self.say = self.page.say
        self.symbols = Symbols.of(trace)
        self.setting = Setting(trace.conventions)
        self.form = Format(trace.decimals, self.width, view.selection.full)
        self.style = UNICODE if view.unicode else ASCII
        self.summary_elided = False
        self.elided: tuple[str, str] | None = None  # symbol and id of a matrix shown in part
        self.heading: tuple[str, str] = ("", "")
        self.after_one_line = False

    def passages(self) -> Iterator[list[Line]]:
        yield self.header()
        places, left_out = updates(self.trace, self.view.selection)
        for number, place in enumerate(places):
            self.heading = ("", "")
            skipped = self.skipped(left_out) if left_out and place == places[-1] and number else []
            yield from self.update(place, skipped)
        closing = self.closing()
        if closing:
            yield closing

    # Header and closing lines

    def header(self) -> list[Line]:
        title = [(inert(self.trace.title), "title")]
        lines = self.page.spread(title, [(header.architecture(self.trace), "")])
        lines += self.page.flowed(header.facts(self.trace, self.symbols), "fact")
        if self.view.selection.sample is not None:
            lines += self.page.paragraph(self.one_sample(), "note", 0)
        if self.trace.source and self.view.detail != "summary":  # which is to fit a screen
            lines += self.page.paragraph(f"Source: {inert(self.trace.source)}", "fact", 0)
        return lines

    def one_sample(self) -> str:
        sample = f"Sample {self.view.selection.sample} by itself"
        return f"{sample}: what adds up the samples (loss, gradients, updates) is left out."

    def closing(self) -> list[Line]:
        lines: list[Line] = []
        if self.elided:
            name, id = self.elided
            told = f"⋯ and ⋮ stand for entries left out. --full shows every one, --only {id}"
            lines += self.page.paragraph(f"{told} the whole of {name}.", "fact")
        if self.summary_elided:
            told = "⋯ and ⋮ stand for entries left out. --full shows every one."
            lines += self.page.paragraph(told, "fact", 0)
        return [[], *lines] if lines else []

    def skipped(self, count: int) -> list[Line]:
        told = f"⋮  {count} update{'s' if count > 1 else ''} not shown; --full shows them"
        return [[], *self.page.paragraph(told, "fact", 0)]

    # An update

    def update(self, place: tuple[int, int], first: list[Line]) -> Iterator[list[Line]]:
        chosen = list(steps(self.trace, place, self.view.selection))
        opening = first + self.update_heading(place)
        if self.view.detail == "summary":
            yield [*opening, [], *self.summary([traced for _, traced in chosen])]
            return
        given = [traced for _, traced in chosen if traced.phase == "given"]
        if given:
            yield [*opening, *self.given(given)]
            opening = []
        for number, traced in chosen:
            if traced.phase != "given":
                lines = self.step(number, traced)
                apart = self.section(traced, one_line=len(lines) == 1)
                yield [*opening, *apart, *lines]
                opening = []

    def summary(self, chosen: list[TracedStep]) -> list[Line]:
        if not self.view.selection.only:
            chosen = [traced for traced in chosen if is_principal(traced)]
        values = [(traced, self.part(traced)) for traced in chosen]
        lines = summary(self.trace, values, self.symbols, self.form, self.say)
        gap = self.say(MORE_COLUMNS)
        self.summary_elided |= any(gap in words for line in lines for words, _ in line)
        return lines

    def update_heading(self, place: tuple[int, int]) -> list[Line]:
        if len(self.trace.updates) == 1:
            return []
        samples = sample_words(self.trace.update(*place)["a0"].sample_numbers)
        batches = max(batch for _, batch in self.trace.updates)
        where = f"Epoch {place[0]}" + (f", batch {place[1]}" if batches > 1 else "")
        return [[], *self.page.rule(where, samples, "═")]

    def section(self, traced: TracedStep, *, one_line: bool) -> list[Line]:
        """What stands above a step: a rule where a section begins, else a blank line.

        Steps said in one line follow each other closely.
        """
        heading = (SECTIONS[traced.phase], self.place_of(traced))
        close = one_line and self.after_one_line
        self.after_one_line = one_line
        if heading == self.heading:
            return [] if close else [[]]
        self.heading = heading
        return [[], *self.page.rule(*heading), []]

    def place_of(self, traced: TracedStep) -> str:
        if traced.layer is None or traced.phase in ("loss", "update"):
            return ""
        update = self.trace.update(traced.epoch, traced.batch)
        activation = update.get(f"a{traced.layer}")
        name = f", {header.activation_name(activation)}" if activation is not None else ""
        return f"layer {traced.layer}{name}"

    def given(self, given: list[TracedStep]) -> list[Line]:
        elide = any_large(traced.shape for traced in given)
        groups: dict[int | None, list[Block]] = {}
        for traced in given:
            made = self.block(traced, Ref(traced.id), elide=elide)
            groups.setdefault(traced.layer, []).append(made)
        rows = gallery(list(groups.values()), self.width, INDENT, self.style)
        return [[], *self.page.rule(SECTIONS["given"], ""), [], *rows]

    # A step

    def step(self, number: int, traced: TracedStep) -> list[Line]:
        worked = notation.equation(traced, self.trace, self.symbols)
        brief = self.is_brief(traced, worked)
        title, formula = self.headline(number, traced, worked)
        value = self.value_inline(traced) if brief else []
        beside = self.page.fits(title, formula + value) or traced.operation == "forward_again"
        lines = self.page.spread(title, formula + value if beside else formula)
        if self.view.explain:
            why = notation.why(traced, self.trace, self.symbols)
            lines += self.page.paragraph(sentence_text(why, self.symbols), "why")
        if brief and not beside:
            lines += self.equation_of([], traced, elide=is_large(self.part(traced).shape))
        elif not brief:
            lines += self.equation(traced, worked)
            if self.view.detail == "entries":
                lines += self.entries(traced)
        for note in self.notes(traced):
            lines += self.page.paragraph(note, "note")
        return lines

    def headline(self, number: int, traced: TracedStep, worked: Equation) -> tuple[Line, Line]:
        """Number and title; the formula."""
        title = [(f"{number:>2}  ", "number"), (notation.title(traced.step), "title")]
        return title, [(text(worked.formula, self.symbols), "")]

    def notes(self, traced: TracedStep) -> Iterator[str]:
        for note in notes(traced, self.trace):
            if note.kind != "units_off" or self.view.selection.sample is None:
                yield sentence_text(note.sentence, self.symbols)

    def is_brief(self, traced: TracedStep, worked: Equation) -> bool:
        """Whether the formula says it all: no bias, one sample, a linear unit, the loss again."""
        if traced.operation == "forward_again":
            return True
        if traced.operation == "activation_derivative":
            linear = traced.parameters["activation"] == "linear"
            return linear and float(traced.parameters.get("slope", 1)) == 1
        right = tokens(worked.right, self.symbols, True)
        same = len(right) == 1 and isinstance(right[0], Ref) and not right[0].transposed
        return same or notation.repeats(traced, self.trace) is not None

    def value_inline(self, traced: TracedStep) -> Line:
        """= and the value, unless the formula has it: id′(z) = 1."""
        if traced.operation == "activation_derivative":
            return []
        shown = inline(self.part(traced), self.trace.decimals)
        return [(" = ", ""), (self.say(shown), ROLES[traced.phase])]

    def equation(self, traced: TracedStep, worked: Equation) -> list[Line]:
        """The equation with the matrices put in, and the result."""
        found = tokens(worked.right, self.symbols, True, self.trace.decimals)
        refs = [token for token in found if isinstance(token, Ref)]
        parts = [self.traced(traced, ref.id) for ref in refs]
        elide = any_large([self.part(part).shape for part in [*parts, traced]])
        pieces: list[Piece] = []
        for token in _joined(_plain_sums(found)):
            if isinstance(token, str):
                pieces += marks(self.say(token))
            else:
                pieces.append(self.block(self.traced(traced, token.id), token, elide=elide))
        return self.equation_of(pieces, traced, elide=elide)

    def equation_of(self, pieces: list[Piece], traced: TracedStep, *, elide: bool) -> list[Line]:
        """``pieces`` = the result."""
        result = self.block(traced, Ref(traced.id), elide=elide)
        return equation([*pieces, Mark("="), result], self.width, INDENT, self.style)

    def traced(self, beside: TracedStep, id: str) -> TracedStep:
        return self.trace.update(beside.epoch, beside.batch)[id]

    def part(self, traced: TracedStep) -> Any:
        """The value, or the part of it that belongs to the sample asked for."""
        sample = self.view.selection.sample
        return traced.value if sample is None else one_sample(self.trace, traced, sample)

    def block(self, traced: TracedStep, ref: Ref, *, elide: bool) -> Block:
        value = self.part(traced)
        if ref.omit:
            value = self.setting.without_bias(value, ref.omit)
        if ref.transposed:
            value = value.T
        name = ref_text(ref, self.symbols)
        elide = elide and traced.id not in self.view.selection.only and not self.form.full
        made = block(value, self.say(name), ROLES[traced.phase], self.form, elide=elide)
        if elide and is_large(value.shape) and self.elided is None:
            self.elided = (self.symbols.name(traced.id), traced.id)
        return self.block_said(made)

    def block_said(self, made: Block) -> Block:
        if self.view.unicode:
            return made
        cells = [[plain(cell) for cell in row] for row in made.cells]
        return msgspec.structs.replace(made, cells=cells, dims=plain(made.dims))

    def entries(self, traced: TracedStep) -> list[Line]:
        from backtrace.formats.terminal.unfolded import Unfolder

        sample = self.view.selection.sample
        part = None if sample is None else sample_slice(self.trace, traced, sample)
        unfolder = Unfolder(self.trace, self.symbols, self.form, self.say)
        lines = unfolder.lines(traced, self.width - INDENT, part)
        return [[], *([(" " * INDENT, ""), *line] for line in lines)]


def _plain_sums(found: list[str | Ref]) -> list[str | Ref]:
    """The same tokens, without the brackets in Σ(M²): around one matrix they only crowd it."""
    kept: list[str | Ref] = []
    at = 0
    while at < len(found):
        bracketed = found[at : at + 5]
        matrix, *signs = bracketed.pop(2) if len(bracketed) == 5 else "", *bracketed
        if isinstance(matrix, Ref) and signs == ["Σ", "(", "²", ")"]:
            kept += ["Σ ", matrix, "²"]
            at += 5
        else:
            kept.append(found[at])
            at += 1
    return kept


def _joined(found: Iterable[str | Ref]) -> Iterator[str | Ref]:
    """Tokens with neighbouring texts made one."""
    pending = ""
    for token in found:
        if isinstance(token, str):
            pending += token
            continue
        if pending:
            yield pending
        pending = ""
        yield token
    if pending:
        yield pending
