"""A training that has ended as a page: epochs, why it ended, curve, confusions, what is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from backtrace.functions.array import Array
from backtrace.notation.numbers import cells
from backtrace.notation.symbols import Symbols
from backtrace.page.blocks import (
    Answer,
    Block,
    Bullets,
    Document,
    Listing,
    Matrices,
    Paragraph,
    Section,
)
from backtrace.page.elision import is_large
from backtrace.page.long_fractions import readable
from backtrace.page.training.learned import learned
from backtrace.page.training.outcome import Outcome, outcome
from backtrace.spec.model import Spec
from backtrace.tape.training import State, Training

MOST_NUMBERS = 64  # of a network whose parameters are shown


def document(
    spec: Spec,
    training: Training,
    outputs: Array | None = None,
    behind: int | None = None,
    states: Mapping[int, State] = MappingProxyType({}),
) -> Document:
    """The whole page. ``outputs`` and ``behind`` are as for ``outcome.outcome``, ``states`` those
    of some epochs, by their numbers."""
    said = outcome(spec, training, outputs, behind)
    pictures = learned(spec, training, outputs, states)
    return Document(
        said.title,
        (*_blocks(said), *pictures, *_parameters(spec, training, said.symbols)),
        architecture=said.architecture,
        facts=tuple(said.facts),
        symbols=said.symbols,
    )


def _blocks(said: Outcome) -> Iterator[Block]:
    yield Section("", (Listing(tuple(map(tuple, said.table)), said.marked),))
    yield Section("", tuple(_ending(said)))
    if said.tries:
        tries = Bullets(tuple(said.tries), "advice")
        yield Section("", (Paragraph("What to try:", "heading"), tries))
    if not said.chart.empty:
        title = f"{said.chart.of} by epoch"
        scale = "logarithmic scale" if said.chart.values.log else ""
        yield Section(title, (said.chart,), scale, heading=title)
    if said.confusion is not None:
        yield Section("Confusion", (said.confusion,), said.confusion.heading)


def _ending(said: Outcome) -> Iterator[Paragraph]:
    yield Paragraph(said.ended, "heading")
    if said.diverged:
        yield Paragraph(said.diverged, "diverged")
    yield Paragraph(said.kept)
    yield from (Paragraph(doubt, "doubt") for doubt in said.doubts)


def _parameters(spec: Spec, training: Training, symbols: Symbols) -> Iterator[Section]:
    """The kept parameters as matrices, where there are few enough to look at."""
    values = training.state.parameters(spec)
    numbers = sum(value.size for value in values.values())
    if numbers > MOST_NUMBERS or any(is_large(value.shape) for value in values.values()):
        return
    shown, word = readable(values)
    matrices = (
        Answer(id, symbols.name(id), (("", tuple(map(tuple, cells(value, spec.decimals)))),))
        for id, value in shown.items()
    )
    said = (Paragraph(word, "fact", 2),) if word else ()
    tone = "updated" if training.divergence is None else ""
    yield Section("Kept parameters", (Matrices(tuple(matrices), tone), *said))
