"""A trace as coloured text for a terminal: header, sections, steps as equations, entries, notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from backtrace.notation import steps as notation
from backtrace.notation.expr import Equation, Ref
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import ref_text, text, tokens
from backtrace.render import header
from backtrace.render.grid import (
    ASCII,
    UNICODE,
    Block,
    Line,
    Mark,
    Piece,
    broken,
    equation,
    gallery,
    line_width,
    marks,
)
from backtrace.render.matrices import ROLES, SECTIONS, Format, any_large, block, is_large
from backtrace.render.measure import inert, plain, text_width, wrapped
from backtrace.render.selection import (
    Selection,
    one_sample,
    sample_slice,
    steps,
    updates,
)
from backtrace.render.summary import is_principal, summary
from backtrace.render.unfolded import unfolded
from backtrace.tape.operations import Setting
from backtrace.tape.trace import Trace, TracedStep

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

INDENT = 4
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
    for lines in _Page(trace, view).passages():
        yield _coloured(lines)


def _coloured(lines: Iterable[Line]) -> Text:
    from rich.text import Text

    whole = Text(no_wrap=True, overflow="ignore")
    for number, line in enumerate(lines):
        whole.append("\n" if number else "")
        for part, role in line:
            whole.append(part, STYLES.get(role))
    return whole


class _Page:
    """One trace as one view shows it; every method gives lines no wider than the view."""

    def __init__(self, trace: Trace, view: View) -> None:
        self.trace = trace
        self.view = view
        self.width = max(view.width, 20)
        self.symbols = Symbols.of(trace)
        self.setting = Setting(trace.conventions)
        self.form = Format(trace.decimals, self.width, view.selection.full)
        self.style = UNICODE if view.unicode else ASCII
        self.elided: list[str] = []
        self.heading: tuple[str, str] = ("", "")

    def passages(self) -> Iterator[list[Line]]:
        yield self.header()
        places, left_out = updates(self.trace, self.view.selection)
        before: tuple[int, int] | None = None
        for place in places:
            self.heading = ("", "")
            gap = before is not None and self.between(before, place)
            yield from self.update(place, self.skipped(gap) if gap else [])
            before = place
        closing = self.closing(left_out)
        if closing:
            yield closing

    def between(self, before: tuple[int, int], place: tuple[int, int]) -> int:
        """How many updates of the trace lie between two that are shown."""
        every = self.trace.updates
        return every.index(place) - every.index(before) - 1

    # Header and closing lines

    def header(self) -> list[Line]:
        title = [(inert(self.trace.title), "title")]
        lines = self.spread(title, [(header.architecture(self.trace), "")])
        for line in _flowed(header.facts(self.trace, self.symbols), self.width, self.say):
            lines.append([(line, "fact")])
        if self.trace.source:
            lines += self.paragraph(f"Source: {inert(self.trace.source)}", "fact", 0)
        return lines

    def closing(self, left_out: int) -> list[Line]:
        lines: list[Line] = []
        if self.elided and not self.view.selection.full:
            names = ", ".join(dict.fromkeys(self.elided))
            told = f"⋯ stands for entries left out, here of {names}."
            lines += self.paragraph(f"{told} --full shows them all, --only W1 one matrix.", "fact")
        if left_out:
            lines += self.paragraph(self.rest(left_out), "fact")
        return [[], *lines] if lines else []

    def rest(self, left_out: int) -> str:
        total = len(self.trace.updates)
        return f"{total - left_out} of {total} updates are shown; --full shows them all."

    def skipped(self, count: int) -> list[Line]:
        return [[], [(self.say(f"⋮  {count} update{'s' if count > 1 else ''} not shown"), "fact")]]

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
                yield [*opening, *self.section(traced), *self.step(number, traced)]
                opening = []

    def summary(self, chosen: list[TracedStep]) -> list[Line]:
        if not self.view.selection.only:
            chosen = [traced for traced in chosen if is_principal(traced)]
        values = [(traced, self.part(traced)) for traced in chosen]
        lines = summary(self.trace, values, self.symbols, self.width)
        return [self.spoken(line) for line in lines]

    def update_heading(self, place: tuple[int, int]) -> list[Line]:
        if len(self.trace.updates) == 1:
            return []
        first, last = self.trace.update(*place)["a0"].parameters["samples"]
        samples = f"sample {first}" if first == last else f"samples {first}–{last}"
        batches = max(batch for _, batch in self.trace.updates)
        where = f"Epoch {place[0]}" + (f", batch {place[1]}" if batches > 1 else "")
        return [[], *self.rule(where, samples, "═")]

    def section(self, traced: TracedStep) -> list[Line]:
        """The rule above a section, where a step begins a new one."""
        heading = (SECTIONS[traced.phase], self.place_of(traced))
        if heading == self.heading:
            return [[]]
        self.heading = heading
        return [[], *self.rule(*heading), []]

    def place_of(self, traced: TracedStep) -> str:
        if traced.layer is None or traced.phase in ("loss", "update"):
            return ""
        update = self.trace.update(traced.epoch, traced.batch)
        activation = update.get(f"a{traced.layer}")
        name = f", {header.activation_name(activation)}" if activation is not None else ""
        return f"layer {traced.layer}{name}"

    def given(self, given: list[TracedStep]) -> list[Line]:
        elide = any_large(traced.shape for traced in given)
        blocks = [self.block(traced, Ref(traced.id), elide) for traced in given]
        rows = gallery(blocks, self.width, INDENT, self.style)
        return [[], *self.rule(SECTIONS["given"], ""), [], *rows]

    # A step

    def step(self, number: int, traced: TracedStep) -> list[Line]:
        worked = notation.equation(traced, self.trace, self.symbols)
        title = [(f"{number:>2}  ", "number"), (notation.title(traced.step), "title")]
        lines = self.spread(title, [(text(worked.formula, self.symbols), "")])
        if self.view.explain:
            lines += self.paragraph(notation.why(traced, self.trace, self.symbols), "why")
        if not self.is_trivial(traced):
            lines += self.equation(traced, worked)
            if self.view.detail == "entries":
                lines += self.entries(traced)
        for note in traced.notes:
            lines += self.paragraph(note, "note")
        return lines

    def is_trivial(self, traced: TracedStep) -> bool:
        """Whether a step only says again what was said: no bias, a linear unit and its slope 1."""
        linear = traced.operation == "activation_derivative" and (
            traced.parameters["activation"] == "linear"
        )
        slope = float(traced.parameters.get("slope", 1))
        return (linear and slope == 1) or notation.repeats(traced, self.trace) is not None

    def equation(self, traced: TracedStep, worked: Equation) -> list[Line]:
        """The equation with the matrices put in, and the result."""
        found = tokens(worked.right, self.symbols, True, self.trace.decimals)
        refs = [token for token in found if isinstance(token, Ref)]
        parts = [self.traced(traced, ref.id) for ref in refs]
        elide = any_large([self.part(part).shape for part in [*parts, traced]])
        pieces: list[Piece] = []
        for token in _joined(found):
            if isinstance(token, str):
                pieces += marks(self.say(token))
            else:
                pieces.append(self.block(self.traced(traced, token.id), token, elide))
        result = self.block(traced, Ref(traced.id), elide)
        return equation([*pieces, Mark("="), result], self.width, INDENT, self.style)

    def traced(self, beside: TracedStep, id: str) -> TracedStep:
        return self.trace.update(beside.epoch, beside.batch)[id]

    def part(self, traced: TracedStep) -> Any:
        """The value, or the part of it that belongs to the sample asked for."""
        sample = self.view.selection.sample
        return traced.value if sample is None else one_sample(self.trace, traced, sample)

    def block(self, traced: TracedStep, ref: Ref, elide: bool) -> Block:
        value = self.part(traced)
        if ref.omit:
            value = self.setting.without_bias(value, ref.omit)
        if ref.transposed:
            value = value.T
        name = ref_text(ref, self.symbols)
        made = block(value, self.say(name), ROLES[traced.phase], self.form, elide)
        if elide and not self.form.full and is_large(value.shape):
            self.elided.append(self.symbols.name(traced.id))
        return self.block_said(made)

    def block_said(self, made: Block) -> Block:
        if self.view.unicode:
            return made
        cells = [[plain(cell) for cell in row] for row in made.cells]
        return msgspec.structs.replace(made, cells=cells, dims=plain(made.dims))

    def entries(self, traced: TracedStep) -> list[Line]:
        sample = self.view.selection.sample
        part = None if sample is None else sample_slice(self.trace, traced, sample)
        lines = unfolded(self.trace, traced, self.symbols, self.form, INDENT, part)
        return [self.spoken(line) for line in lines]

    # Lines

    def say(self, words: str) -> str:
        return words if self.view.unicode else plain(words)

    def spoken(self, line: Line) -> Line:
        return [(self.say(part), role) for part, role in line]

    def rule(self, left: str, right: str, dash: str = "─") -> list[Line]:
        """``── Forward ───────── layer 1, ReLU ──``, exactly as wide as the page."""
        dash = dash if self.view.unicode else {"─": "-", "═": "="}[dash]
        left, right = self.say(left), self.say(right)
        end = f" {right} {dash * 2}" if right else ""
        filled = self.width - 4 - text_width(left) - text_width(end)
        if filled < 1:
            return [*self.rule(left, "", dash if self.view.unicode else "─"), [(right, "fact")]]
        middle = dash * filled
        return [
            [(dash * 2 + " ", "rule"), (left, "heading"), (" " + middle, "rule"), (end, "rule")]
        ]

    def paragraph(self, words: str, role: str, indent: int = INDENT) -> list[Line]:
        lines = wrapped(self.say(words), self.width - indent)
        return [[(" " * indent + line, role)] for line in lines]

    def spread(self, left: Line, right: Line) -> list[Line]:
        """``left``, with ``right`` at the right margin, on a line of its own where both don't fit."""
        left, right = self.spoken(left), self.spoken(right)
        space = self.width - line_width(left) - line_width(right)
        if space >= 2:
            return [[*left, (" " * space, ""), *right]]
        lines = list(broken(left, self.width))
        indent = max(min(INDENT, self.width - line_width(right)), 0)
        shift = max(self.width - line_width(right), indent)
        return [*lines, *broken([(" " * shift, ""), *right], self.width)]


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


def _flowed(phrases: Iterable[str], width: int, say: Callable[[str], str]) -> list[str]:
    """Phrases beside each other, three spaces apart, as many on a line as fit."""
    lines: list[str] = []
    for phrase in map(say, phrases):
        if lines and text_width(lines[-1]) + 3 + text_width(phrase) <= width:
            lines[-1] += "   " + phrase
        else:
            lines += wrapped(phrase, width)
    return lines
