"""What a page says of a trace: updates, their sections and steps, the course of the loss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import compress, groupby
from typing import Literal

import msgspec

from backtrace.functions.formula import Ref, Sentence
from backtrace.notation import steps as notation
from backtrace.notation.notes import notes
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import sentence_text, tokens, whole
from backtrace.notation.titles import sample_words
from backtrace.page import board, header
from backtrace.page.blocks import (
    Block,
    Cell,
    Column,
    Course,
    Document,
    DotsLegend,
    Omission,
    Section,
    Table,
)
from backtrace.page.conventions import conventions
from backtrace.page.elision import Elision, windows
from backtrace.page.figures import Figures
from backtrace.page.graph import MOST_ALONE, MOST_NODES, graph
from backtrace.page.lines.change import IN_A_TABLE, telling_decimals
from backtrace.page.overview import Overview, is_written_out, overview
from backtrace.page.sections import SECTIONS
from backtrace.page.selection import Selection, is_principal, steps, updates
from backtrace.page.standardizing import standardizing
from backtrace.page.step_block import Gallery, Results, StepBlock, Summary
from backtrace.tape.steps import Phase
from backtrace.tape.trace import Trace, TracedStep

IN_PRINT = Elision(longest=10)  # a bmatrix of amsmath has no more columns
FEW, MOST_RESULTS = 2, 40  # quantities of a table of results: more than a few, less than a page
FIRST_LOSSES, LAST_LOSSES = 10, 5  # rows of a long table of losses


class View(msgspec.Struct, frozen=True):
    """How a page shows a trace. ``decimals`` is None for those of the trace.

    ``fragment`` asks for a piece to be put into a larger document. ``reached`` is how many steps of
    the trace an overview has, of one that is watched while it is worked; None for all of them.
    """

    detail: Literal["overview", "summary", "matrices", "entries"] = "matrices"
    explain: bool = False
    selection: Selection = Selection()
    decimals: int | None = None
    decimal_mark: str = "."
    fragment: bool = False
    reached: int | None = None


def document(trace: Trace, view: View, elision: Elision = IN_PRINT) -> Document:
    """The page of a trace; ``trace`` is a whole one, the view's selection chooses from it."""
    if view.decimals is not None:
        trace = msgspec.structs.replace(trace, decimals=view.decimals)
    symbols = Symbols.of(trace)
    values = (traced.value for traced in header.first_update(trace).values())
    elision = msgspec.structs.replace(elision, windows=windows(values))
    compares = view.detail in ("overview", "summary")
    selected = view.selection.sample, view.decimal_mark
    figures = Figures(trace, symbols, elision, *selected, compares)
    unfolds = view.detail == "entries"
    off = unfolds and _approximates(_Reader(figures, view).blocks())
    more = [header.MORE_DIGITS] if off else []
    return Document(
        title=trace.title,
        blocks=_Reader(figures, view).blocks(),
        architecture=header.architecture(trace),
        facts=(*header.facts(trace, symbols), *(sentence_text(each, symbols) for each in more)),
        conventions=(*conventions(trace), *map(whole, more)),
        source=trace.source,
        notice=_notice(view.selection),
        symbols=symbols,
        decimal_mark=view.decimal_mark,
        trace=trace,
        glance=_glance(figures, view),
        selection=view.selection,
    )


def first_overview(trace: Trace, view: View) -> Overview:
    """The overview of the first update to show, of a trace of layers."""
    selected = view.selection.sample, view.decimal_mark
    figures = Figures(trace, Symbols.of(trace), IN_PRINT, *selected, compares=True)
    place = updates(trace, view.selection)[0][0]
    return overview([traced for _, traced in steps(trace, place, view.selection)], figures)


def _glance(figures: Figures, view: View) -> Overview | None:
    """The overview, where all of a small network is worked step by step."""
    trace, worked = figures.trace, view.detail in ("matrices", "entries")
    if not worked or len(trace.updates) > 1 or view.selection.only or board.is_board(trace):
        return None
    found = overview(
        [traced for _, traced in steps(trace, trace.updates[0], view.selection)],
        msgspec.structs.replace(figures, compares=True),
    )
    whole = all(is_written_out(step) for column in found.every_column for step in column.steps)
    return found if whole else None


def _notice(selection: Selection) -> str:
    if selection.sample is None:
        return ""
    return (
        f"Sample {selection.sample} by itself: what adds up the samples (loss, gradients, "
        "updates) is left out."
    )


class _Reader(msgspec.Struct, frozen=True):
    figures: Figures
    view: View
    said: set[Sentence] = msgspec.field(default_factory=set)  # why a step is there, each once

    @property
    def trace(self) -> Trace:
        return self.figures.trace

    def blocks(self) -> Iterator[Block]:
        if len(self.trace.updates) > 1:
            yield from _losses(self.figures, self.view.selection)
        places, left_out = updates(self.trace, self.view.selection)
        elided = False
        for at, place in enumerate(places):
            if left_out and 0 < at == len(places) - 1:
                yield Omission(left_out)
            blocks = tuple(self.contents(place))
            yield from self.results(blocks)
            elided |= any(map(_is_elided, blocks))
            yield from self.update(place, blocks)
        if elided:
            yield DotsLegend(tuple(self.figures.elision.windows.items()))
        if self.has_graph:
            drawn = graph(self.trace, places[0], self.figures.decimal_mark)
            yield from [drawn] if len(drawn.nodes) <= MOST_NODES else []

    def results(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """The main quantities of the only update, where there are more of them than a few."""
        sections = [block for block in blocks if isinstance(block, Section)]
        worked = [step for each in sections for step in each.blocks if isinstance(step, StepBlock)]
        if len(self.trace.updates) == 1:
            found = tuple(step for step in worked if is_principal(step.traced))
            if FEW < len(found) <= MOST_RESULTS:
                figures = msgspec.structs.replace(self.figures, compares=True)
                yield Results(tuple(msgspec.structs.replace(s, figures=figures) for s in found))

    @property
    def has_graph(self) -> bool:
        """Whether all of one update of equations is shown, which can be drawn."""
        alone = len(self.trace.updates) == 1 and not self.view.selection.only
        worked = self.view.detail in ("matrices", "entries")
        return alone and worked and board.is_board(self.trace)

    def contents(self, place: tuple[int, int]) -> Iterator[Block]:
        """The sections of an update, or what stands for all of them."""
        if self.view.detail == "overview":
            yield self.overview(place)
        elif self.view.detail == "summary":
            yield Summary(tuple(self.sections(place)))
        else:
            yield from self.sections(place)

    def overview(self, place: tuple[int, int]) -> Block:
        """What an update is on one screen: the hairpin of layers, the graph of equations."""
        chosen = steps(self.trace, place, self.view.selection)
        if not board.is_board(self.trace):
            found = [traced for _, traced in chosen]
            hairpin = overview(found, self.figures, self.reached(place))
            return hairpin if hairpin.every_column else Summary(tuple(self.sections(place)))
        drawn = graph(self.trace, place, self.figures.decimal_mark)
        if len(drawn.nodes) > MOST_ALONE or self.view.selection.only:
            return Summary(tuple(self.sections(place)))
        return msgspec.structs.replace(drawn, alone=True)

    def reached(self, place: tuple[int, int]) -> frozenset[str] | None:
        if self.view.reached is None:
            return None
        worked = self.trace.steps[: self.view.reached]
        return frozenset(each.id for each in worked if (each.epoch, each.batch) == place)

    def update(self, place: tuple[int, int], blocks: tuple[Block, ...]) -> Iterator[Block]:
        if len(self.trace.updates) == 1:
            yield from blocks
            return
        epoch, batch = place
        title = f"Epoch {epoch}"
        if max(each for _, each in self.trace.updates) > 1:
            title += f", batch {batch}"
        anchor = f"update-{epoch}-{batch}"
        if board.is_board(self.trace):
            yield Section(title, blocks, "", title, "pass", anchor)
            return
        samples = sample_words(self.trace.update(*place)["a0"].sample_numbers)
        yield Section(title, blocks, samples, f"{title}: {samples}", "pass", anchor)

    def sections(self, place: tuple[int, int]) -> Iterator[Section]:
        chosen = steps(self.trace, place, self.view.selection)
        if self.view.detail in ("overview", "summary") and not self.view.selection.only:
            chosen = (each for each in chosen if _is_in_summary(each[1]))
        gathered = groupby(chosen, key=lambda each: self.place_of(each[1]))
        for at, ((phase, aside, beside), found) in enumerate(gathered, 1):
            anchor = f"section-{place[0]}-{place[1]}-{at}"
            heading = f"{SECTIONS[phase]}, {beside}" if beside else ""
            yield self.section(phase, aside, heading, list(found), anchor)

    def place_of(self, traced: TracedStep) -> tuple[Phase, str, str]:
        """The section of a step: its phase and its layer or the round of its loop, in two forms."""
        if traced.phase not in ("forward", "loss", "backward"):
            return traced.phase, "", ""
        if board.is_board(self.trace):
            turn = board.round_of(traced, self.trace)
            return traced.phase, turn, turn
        if traced.layer is None or traced.phase == "loss":
            return traced.phase, "", ""
        update = self.trace.update(traced.epoch, traced.batch)
        name = header.activation_name(update[f"a{traced.layer}"])
        layer = f"layer {traced.layer}"
        return traced.phase, f"{layer}, {name}", f"{layer} ({name})"

    def section(
        self,
        phase: Phase,
        aside: str,
        heading: str,
        found: list[tuple[str, TracedStep]],
        anchor: str,
    ) -> Section:
        title = SECTIONS[phase]
        blocks: tuple[Block, ...]
        if phase == "given":
            given = [traced for _, traced in found]
            blocks = (self.gallery(given), *standardizing(given, self.trace.decimals))
        else:
            blocks = tuple(self.step(number, traced) for number, traced in found)
        return Section(title, blocks, aside, heading, phase, anchor)

    def gallery(self, given: list[TracedStep]) -> Gallery:
        """What is given is elided alike: all of it, where one of them is large."""
        elided = self.figures.elision.cuts(*(traced.shape for traced in given))
        return Gallery(
            tuple(
                StepBlock(
                    number="",
                    traced=each,
                    title=notation.title(each.step, self.figures.symbols),
                    figures=self.figures,
                    elided=elided,
                    principal=bool(self.view.selection.only) or is_principal(each),
                )
                for each in given
            )
        )

    def step(self, number: str, traced: TracedStep) -> StepBlock:
        equation = notation.equation(traced, self.trace, self.figures.symbols)
        found = tokens(equation.right, self.figures.symbols, True)
        refs = [token for token in found if isinstance(token, Ref)]
        same = len(found) == len(refs) == 1 and not refs[0].transposed
        repeats = notation.repeats(traced, self.trace)
        parts = [self.figures.operand(traced, ref.id) for ref in refs]
        shapes = [self.figures.value(part).shape for part in [*parts, traced]]
        return StepBlock(
            number=number,
            traced=traced,
            title=notation.title(traced.step, self.figures.symbols),
            figures=self.figures,
            equation=equation,
            repeats=repeats,
            brief=repeats is not None or same or _is_brief(traced),
            elided=self.figures.elision.cuts(*shapes),
            unfolded=self.view.detail == "entries",
            sized=self.view.explain or any(ref.transposed for ref in refs),
            notes=tuple(self.notes(traced)),
            why=self.why(traced),
        )

    def notes(self, traced: TracedStep) -> Iterator[Sentence]:
        for note in notes(traced, self.trace):
            if note.kind != "units_off" or self.view.selection.sample is None:
                yield note.sentence

    def why(self, traced: TracedStep) -> Sentence:
        """Why a step is there, unless the page has said so of another one."""
        if not self.view.explain:
            return ()
        sentence = notation.why(traced, self.trace, self.figures.symbols)
        of_board = board.is_board(self.trace)  # whose sentences name the line that is gone through
        words = tuple(part for part in sentence if of_board or isinstance(part, str))
        if words in self.said:
            return ()
        self.said.add(words)
        return sentence


def _is_in_summary(traced: TracedStep) -> bool:
    return traced.phase == "given" or is_principal(traced)


def _is_brief(traced: TracedStep) -> bool:
    """Whether the formula says it all: a linear unit, the loss once more."""
    if traced.operation in ("forward_again", "given"):
        return True
    if traced.operation == "activation_derivative":
        linear = traced.parameters["activation"] == "linear"
        return bool(linear and float(traced.parameters.get("slope", 1)) == 1)
    return False


def _approximates(blocks: Iterable[Block]) -> bool:
    """Whether an entry is unfolded whose printed digits don't add up."""
    for block in blocks:
        inner = block.blocks if isinstance(block, Section) else ()
        if (isinstance(block, StepBlock) and block.approximates) or _approximates(inner):
            return True
    return False


def _is_elided(block: Block) -> bool:
    """Whether a matrix is shown in part."""
    if isinstance(block, StepBlock):
        return block.elided
    inner: tuple[Block, ...] = ()
    if isinstance(block, Gallery):
        inner = block.steps
    elif isinstance(block, Section):
        inner = block.blocks
    elif isinstance(block, Summary):
        inner = block.sections
    return any(map(_is_elided, inner))


# The loss, update by update


def _losses(figures: Figures, selection: Selection) -> Iterator[Section]:
    points = list(_points(figures.trace, selection))
    if points:
        symbols = figures.symbols
        name = symbols.unicode(symbols.objective)
        values = [before for _, before, _ in points]
        last = points[-1][2]
        values += [] if last is None else [last]
        course = Course(name, tuple(map(float, values)))  # of fractions, too
        table = _table(points, figures)
        yield Section("Loss, update by update", (course, table), part="losses", anchor="course")


LossPoint = tuple[tuple[int, int], float, "float | None"]  # of an update: where, before, after


def _points(trace: Trace, selection: Selection) -> Iterator[LossPoint]:
    """The loss of each update's own samples, before it and, where it was worked, after it."""
    goal = board.objective(trace)
    if goal is None:
        return
    for epoch, batch in trace.updates:
        steps = trace.update(epoch, batch)
        if selection.epochs is None or epoch <= selection.epochs:
            after = steps.get("loss_after")
            before = steps[goal.id].value.item()
            yield (epoch, batch), before, None if after is None else after.value.item()


def _table(points: list[LossPoint], figures: Figures) -> Table:
    """Epoch, batch (if there are several), loss before, loss after (if it was worked).

    Of many updates the first and the last ones stand there, with a row of ⋮ between them.
    """
    after = any(later is not None for _, _, later in points)
    picked = (True, any(batch > 1 for (_, batch), _, _ in points), True, after)
    kept = points
    if len(points) > FIRST_LOSSES + LAST_LOSSES:
        kept = [*points[:FIRST_LOSSES], *points[-LAST_LOSSES:]]
    pairs = [(early, early if late is None else late) for _, early, late in kept]
    told = telling_decimals([each for pair in pairs for each in pair], figures.decimals, IN_A_TABLE)
    before, later = (figures.column(list(each), told) for each in zip(*pairs, strict=True))
    rows = [
        [str(epoch), str(batch), *texts]
        for ((epoch, batch), _, _), *texts in zip(kept, before, later, strict=True)
    ]
    if len(kept) < len(points):
        rows.insert(FIRST_LOSSES, ["⋮"] * 4)
    columns = compress(("epoch", "batch", "loss before", "loss after"), picked)
    return Table(
        tuple(map(Column, columns)),
        tuple(tuple(map(Cell, compress(row, picked))) for row in rows),
    )
