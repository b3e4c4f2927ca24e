"""A trace as a page sees it: sections of steps, sentences, matrices and unfolded entries.

Markdown, LaTeX and HTML are written from this structure and from nothing else::

    page = derivation(trace, View(detail="entries"))
    page.title, page.architecture, page.source        # plain text: to be escaped
    page.conventions                                  # sentences: words and formulas
    for update in page.updates:                       # update.title is "" where there is only one
        for section in update.sections:               # Given, Forward layer 1, …, Update
            for step in section.steps:
                step.equation                         # None for what is given
                page.shown(step, ref)                 # a quantity's numbers, elided alike
                page.entries(step)                    # every entry unfolded

Nothing of a matrix is formatted before it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import compress
from typing import Any, Literal

import msgspec

from backtrace.functions.formula import Equation, Expr, Ref, Sentence
from backtrace.notation import steps as notation
from backtrace.notation.context import Context
from backtrace.notation.notes import notes
from backtrace.notation.numbers import cells, number
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import whole
from backtrace.notation.titles import sample_words
from backtrace.page import header
from backtrace.page.conventions import conventions
from backtrace.page.elision import SIDE, is_large, shown
from backtrace.page.sections import SECTIONS
from backtrace.page.selection import Selection, is_principal, sample_slice, steps, updates
from backtrace.tape.operations import Setting
from backtrace.tape.steps import Phase
from backtrace.tape.trace import Trace, TracedStep

MOST_COLUMNS = 10  # a bmatrix of amsmath has no more
FIRST_LOSSES, LAST_LOSSES = 10, 5  # rows of a long table of losses
KEPT = 3  # rows and columns shown of a large matrix


class View(msgspec.Struct, frozen=True):
    """How a page shows a trace. ``decimals`` is None for those of the trace.

    ``fragment`` asks for a piece to be put into a larger document.
    """

    detail: Literal["summary", "matrices", "entries"] = "matrices"
    explain: bool = False
    selection: Selection = Selection()
    decimals: int | None = None
    decimal_mark: str = "."
    fragment: bool = False


class Step(msgspec.Struct, frozen=True):
    """One step of the derivation.

    ``number`` counts the worked steps of its update, whether shown or not. ``equation`` is None
    for what is given. ``brief`` says that its formula is all there is to say: no numbers need be
    put in, since it only repeats ``repeats`` (an id) or has none. ``elided``: an operand or the
    result is large, and all long sides of the equation are cut alike. ``why`` is empty unless
    explanations were asked for.
    """

    number: int
    traced: TracedStep
    title: str
    equation: Equation | None = None
    repeats: str | None = None
    brief: bool = False
    elided: bool = False
    notes: tuple[Sentence, ...] = ()
    why: Sentence = ()

    @property
    def id(self) -> str:
        return self.traced.id


class Section(msgspec.Struct, frozen=True):
    """Steps under one heading: ``Forward``, of layer 1, whose ``activation`` is ``ReLU``.

    ``layer`` is None, and ``activation`` empty, where the heading is of no layer (Given, Loss,
    Update); the steps of such a section may still belong to layers.
    """

    phase: Phase
    title: str
    layer: int | None
    activation: str
    steps: tuple[Step, ...]

    @property
    def heading(self) -> str:
        """``Forward, layer 1 (ReLU)``."""
        if self.layer is None:
            return self.title
        return f"{self.title}, layer {self.layer} ({self.activation})"


class Update(msgspec.Struct, frozen=True):
    """One update. ``title`` (``Epoch 2, batch 1: samples 1–2``) is empty where it is the only one.

    ``skipped`` is how many updates are left out just before it.
    """

    epoch: int
    batch: int
    title: str
    skipped: int
    sections: tuple[Section, ...]


class LossPoint(msgspec.Struct, frozen=True):
    """The loss of an update's own samples, before it and, where it was worked, after it."""

    epoch: int
    batch: int
    before: float
    after: float | None


class Shown(msgspec.Struct, frozen=True):
    """A quantity as it stands in an equation: transposed, without its bias line, elided.

    ``cells`` holds the printed numbers; ``rows`` and ``columns`` say for each of its lines which
    one of the matrix (as it stands here, from 0) it is, and are None for a gap, where the cells
    are empty. ``shape`` is that of the whole, () for a scalar (one cell, no brackets).
    ``origin`` is how far its first entry lies from [0, 0] of the quantity ``ref.id``.
    """

    ref: Ref
    shape: tuple[int, ...]
    cells: tuple[tuple[str, ...], ...]
    rows: tuple[int | None, ...]
    columns: tuple[int | None, ...]
    origin: tuple[int, int] = (0, 0)

    def place(self, row: int, column: int) -> tuple[int, int]:
        """Where in the value of ``ref.id`` the entry [row, column] of this matrix comes from."""
        i, j = (column, row) if self.ref.transposed else (row, column)
        return i + self.origin[0], j + self.origin[1]


class Entry(msgspec.Struct, frozen=True):
    """One entry unfolded: row and column from 0 (None of a scalar), stages, printed value."""

    place: tuple[int, int] | None
    stages: tuple[Expr, ...]
    value: str


class Derivation(msgspec.Struct, frozen=True):
    """A whole page. ``losses`` has a point for each update where there are several.

    ``notice`` is what a reader should know who sees only a part (empty otherwise); ``left_out``
    counts the updates that are not shown. Numbers are printed with ``decimals`` decimals and
    ``decimal_mark``, those inside sentences with ``notation.text.EXACT``.
    """

    title: str
    architecture: str
    source: str
    conventions: tuple[Sentence, ...]
    notice: str
    updates: tuple[Update, ...]
    left_out: int
    losses: tuple[LossPoint, ...]
    trace: Trace
    symbols: Symbols
    view: View

    @property
    def decimals(self) -> int:
        return self.trace.decimals

    @property
    def decimal_mark(self) -> str:
        return self.view.decimal_mark

    def result(self, step: Step) -> Shown:
        """The value of a step."""
        return self.shown(step, Ref(step.id))

    def shown(self, step: Step, ref: Ref) -> Shown:
        """The numbers of ``ref`` as they stand in the equation of ``step``."""
        traced = self.operand(step, ref.id)
        value, origin = _part(self.trace, traced, self.view.selection.sample)
        if ref.omit:
            value, origin = _without_bias(self.trace, ref, value, origin)
        value = value.T if ref.transposed else value
        return self._printed(ref, value, origin, elided=step.elided)

    def _printed(self, ref: Ref, value: Any, origin: tuple[int, int], *, elided: bool) -> Shown:
        if value.shape == ():
            text = number(value, self.decimals, self.decimal_mark)
            return Shown(ref, (), ((text,),), (0,), (0,))
        rows, columns = (_kept(count, elided=elided) for count in value.shape)
        texts = cells(value[rows][:, columns], self.decimals, self.decimal_mark)
        lines, across = _with_gaps(rows), _with_gaps(columns)
        numbers = {
            (i, j): text
            for i, line in zip(rows, texts, strict=True)
            for j, text in zip(columns, line, strict=True)
        }
        filled = tuple(
            tuple("" if i is None or j is None else numbers[i, j] for j in across) for i in lines
        )
        return Shown(ref, value.shape, filled, lines, across, origin)

    def operand(self, step: Step, id: str) -> TracedStep:
        """The traced step ``id`` of the same update."""
        return self.trace.update(step.traced.epoch, step.traced.batch)[id]

    def entries(self, step: Step) -> Iterator[Entry]:
        """Every entry of a step that its matrix shows, unfolded; none of what is brief or given."""
        if step.equation is None or step.brief:
            return
        made = self.result(step)
        page = Context.of(step.traced, self.trace, self.symbols)
        for i, line in zip(made.rows, made.cells, strict=True):
            for j, text in zip(made.columns, line, strict=True):
                if i is not None and j is not None:
                    row, column = made.place(i, j)
                    stages = tuple(notation.entry_stages(step.traced, page, row, column))
                    place = (row, column) if made.shape else None
                    yield Entry(place, stages, text)

    def loss_table(self) -> list[list[str]]:
        """The losses as printed: a header, then epoch, batch (if there are several), before, after.

        Of many updates the first and the last ones stand there, with a row of ⋮ between them.
        """
        several = any(point.batch > 1 for point in self.losses)
        after = any(point.after is not None for point in self.losses)
        picked = (True, several, True, after)
        kept = self.losses
        if len(kept) > FIRST_LOSSES + LAST_LOSSES:
            kept = (*kept[:FIRST_LOSSES], *kept[-LAST_LOSSES:])
        before = self._column([point.before for point in kept])
        later = self._column(
            [point.before if point.after is None else point.after for point in kept]
        )
        rows = [
            [str(point.epoch), str(point.batch), *texts]
            for point, *texts in zip(kept, before, later, strict=True)
        ]
        if len(kept) < len(self.losses):
            rows.insert(FIRST_LOSSES, ["⋮"] * 4)
        rows.insert(0, ["epoch", "batch", "loss before", "loss after"])
        return [list(compress(line, picked)) for line in rows]

    def _column(self, values: list[float]) -> list[str]:
        import numpy as np

        column = np.array(values, dtype=float)[:, None]
        return [text for (text,) in cells(column, self.decimals, self.decimal_mark)]

    @property
    def is_elided(self) -> bool:
        """Whether some matrix is shown in part."""
        return any(
            step.elided
            for update in self.updates
            for section in update.sections
            for step in section.steps
        )

    def number(self, value: Any) -> str:
        """One number as this page prints it."""
        return number(value, self.decimals, self.decimal_mark)


def derivation(trace: Trace, view: View) -> Derivation:
    """The page of a trace; ``trace`` is a whole one, the view's selection chooses from it."""
    if view.decimals is not None:
        trace = msgspec.structs.replace(trace, decimals=view.decimals)
    symbols = Symbols.of(trace)
    places, left_out = updates(trace, view.selection)
    reader = _Reader(trace, view, symbols)
    return Derivation(
        title=trace.title,
        architecture=header.architecture(trace),
        source=trace.source,
        conventions=conventions(trace),
        notice=_notice(view.selection),
        updates=tuple(reader.updates(places, left_out)),
        left_out=left_out,
        losses=tuple(_losses(trace, view.selection)),
        trace=trace,
        symbols=symbols,
        view=view,
    )


def _notice(selection: Selection) -> str:
    if selection.sample is None:
        return ""
    return (
        f"Sample {selection.sample} by itself: what adds up the samples (loss, gradients, "
        "updates) is left out."
    )


def _losses(trace: Trace, selection: Selection) -> Iterator[LossPoint]:
    if len(trace.updates) < 2:
        return
    for epoch, batch in trace.updates:
        steps = trace.update(epoch, batch)
        if "loss" in steps and (selection.epochs is None or epoch <= selection.epochs):
            after = steps.get("loss_after")
            before = float(steps["loss"].value)
            yield LossPoint(epoch, batch, before, None if after is None else float(after.value))


class _Reader(msgspec.Struct, frozen=True):
    trace: Trace
    view: View
    symbols: Symbols

    def updates(self, places: Iterable[tuple[int, int]], left_out: int) -> Iterator[Update]:
        places = list(places)
        for at, (epoch, batch) in enumerate(places):
            skipped = left_out if at and at == len(places) - 1 else 0
            sections = tuple(self.sections((epoch, batch)))
            yield Update(epoch, batch, self.update_title(epoch, batch), skipped, sections)

    def update_title(self, epoch: int, batch: int) -> str:
        if len(self.trace.updates) == 1:
            return ""
        samples = sample_words(self.trace.update(epoch, batch)["a0"].sample_numbers)
        batches = max(each for _, each in self.trace.updates)
        return f"Epoch {epoch}{f', batch {batch}' if batches > 1 else ''}: {samples}"

    def sections(self, place: tuple[int, int]) -> Iterator[Section]:
        gathered: list[Step] = []
        heading: tuple[Phase, int | None] | None = None
        for count, traced in steps(self.trace, place, self.view.selection):
            if self.view.detail == "summary" and not self.is_in_summary(traced):
                continue
            belongs = _heading(traced)
            if heading is not None and belongs != heading:
                yield self.section(heading, gathered)
                gathered = []
            heading = belongs
            gathered.append(self.step(count, traced))
        if heading is not None:
            yield self.section(heading, gathered)

    def is_in_summary(self, traced: TracedStep) -> bool:
        given = traced.phase == "given"
        return bool(self.view.selection.only) or given or is_principal(traced)

    def section(self, heading: tuple[Phase, int | None], gathered: list[Step]) -> Section:
        phase, layer = heading
        steps = tuple(_alike(gathered) if phase == "given" else gathered)
        update = self.trace.update(steps[0].traced.epoch, steps[0].traced.batch)
        activation = update.get(f"a{layer}")
        name = "" if activation is None or layer is None else header.activation_name(activation)
        return Section(phase, SECTIONS[phase], layer, name, steps)

    def step(self, number: int, traced: TracedStep) -> Step:
        title = notation.title(traced.step)
        if traced.operation == "given":
            return Step(number, traced, title, elided=is_large_on_a_page(traced.shape))
        equation = notation.equation(traced, self.trace, self.symbols)
        repeats = notation.repeats(traced, self.trace)
        return Step(
            number=number,
            traced=traced,
            title=title,
            equation=equation,
            repeats=repeats,
            brief=repeats is not None or _is_brief(traced, equation),
            elided=self.is_elided(traced),
            notes=tuple(self.notes(traced)),
            why=self.why(traced),
        )

    def is_elided(self, traced: TracedStep) -> bool:
        update = self.trace.update(traced.epoch, traced.batch)
        return any(is_large_on_a_page(update[id].shape) for id in (*traced.operands, traced.id))

    def notes(self, traced: TracedStep) -> Iterator[Sentence]:
        for note in notes(traced, self.trace):
            if note.kind != "units_off" or self.view.selection.sample is None:
                yield whole(note.sentence)

    def why(self, traced: TracedStep) -> Sentence:
        return notation.why(traced, self.trace, self.symbols) if self.view.explain else ()


def _heading(traced: TracedStep) -> tuple[Phase, int | None]:
    return traced.phase, traced.layer if traced.phase in ("forward", "backward") else None


def _alike(given: list[Step]) -> list[Step]:
    """What is given is elided alike: all of it, where one of them is large."""
    elided = any(step.elided for step in given)
    return [msgspec.structs.replace(step, elided=elided) for step in given]


def _is_brief(traced: TracedStep, equation: Equation) -> bool:
    """Whether the formula says it all: one sample, a linear unit, the loss once more."""
    if traced.operation == "forward_again":
        return True
    if traced.operation == "activation_derivative":
        linear = traced.parameters["activation"] == "linear"
        return bool(linear and float(traced.parameters.get("slope", 1)) == 1)
    right = equation.right
    while hasattr(right, "items") and len(right.items) == 1:
        right = right.items[0]
    return isinstance(right, Ref) and not right.transposed


def is_large_on_a_page(shape: tuple[int, ...]) -> bool:
    """Whether a matrix is cut on a page, which has less room sideways than a terminal scrolls."""
    return is_large(shape) or any(size > MOST_COLUMNS for size in shape)


def _kept(count: int, *, elided: bool) -> list[int]:
    return shown(count, KEPT if elided and count > SIDE else count)


def _with_gaps(numbers: list[int]) -> tuple[int | None, ...]:
    filled: list[int | None] = []
    for at, line in enumerate(numbers):
        if at and line != numbers[at - 1] + 1:
            filled.append(None)
        filled.append(line)
    return tuple(filled)


def _part(trace: Trace, traced: TracedStep, sample: int | None) -> tuple[Any, tuple[int, int]]:
    """The value, or the part that belongs to a sample, and where in the value it begins."""
    part = None if sample is None else sample_slice(trace, traced, sample)
    if part is None:
        return traced.value, (0, 0)
    if trace.conventions.layout == "rows":
        return traced.value[part], (part.start, 0)
    return traced.value[:, part], (0, part.start)


def _without_bias(
    trace: Trace, ref: Ref, value: Any, origin: tuple[int, int]
) -> tuple[Any, tuple[int, int]]:
    setting = Setting(trace.conventions)
    shift = ref.omit == "first"
    moved = (shift, 0) if setting.input_axis == 0 else (0, shift)
    return setting.without_bias(value, ref.omit), (origin[0] + moved[0], origin[1] + moved[1])
