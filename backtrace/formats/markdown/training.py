"""A training that has ended, as a Markdown page: epochs, curve, why it ended, confusions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backtrace.formats import file_signatures
from backtrace.formats.markdown.mermaid import training_chart
from backtrace.formats.markdown.writer import escaped
from backtrace.functions.array import Array
from backtrace.page.training.confusion import MOST_CLASSES, MOST_PAIRS, Confusion
from backtrace.page.training.outcome import Outcome, outcome
from backtrace.spec.model import Spec
from backtrace.tape.training import Training


def trained_markdown(
    spec: Spec, training: Training, outputs: Array | None = None, behind: int | None = None
) -> str:
    """The page. ``outputs`` and ``behind`` are as for ``outcome.outcome``."""
    return "\n".join(_lines(outcome(spec, training, outputs, behind), training)) + "\n"


def _lines(said: Outcome, training: Training) -> Iterator[str]:
    yield file_signatures.TAGGED
    yield from ("", f"# {escaped(said.title)}")
    yield from ("", f"Network: {escaped(said.architecture)}.")
    yield ""
    for fact in said.facts:
        yield f"- {escaped(fact)}"
    yield from ("", f"**{escaped(said.ended)}** {escaped(said.kept)}")
    if said.diverged:
        yield from ("", f"> {escaped(said.diverged)}")
    for doubt in said.doubts:
        yield from ("", f"> {escaped(doubt)}")
    if said.tries:
        yield from ("", "What to try:", "")
        yield from (f"- {_with_code(remedy)}" for remedy in said.tries)
    yield from _losses(said, training)
    if said.confusion is not None:
        yield from _confusion(said.confusion)


def _with_code(words: str) -> str:
    """A sentence of ours, whose `code` stays code."""
    parts = words.split("`")
    return "".join(f"`{part}`" if at % 2 else escaped(part) for at, part in enumerate(parts))


def _losses(said: Outcome, training: Training) -> Iterator[str]:
    yield from ("", "## Loss by epoch")
    records = training.records
    lines = [[record.training.loss for record in records]]
    held = [record.validation.loss for record in records if record.validation is not None]
    lines += [held] if held else []
    chart = training_chart(lines, len(records) - 1, "Loss")
    if chart:
        yield from ("", "```mermaid", *chart, "```")
        if held:
            yield from (
                "",
                "Blue is the loss of the training samples, magenta that of the held-out ones.",
            )
    yield from _table(said.table if said.marked is None else _with_mark(said))


def _with_mark(said: Outcome) -> list[list[str]]:
    """The table of epochs, with a column that says which one is kept."""
    marks = ["", *("kept" if at == said.marked else "" for at in range(len(said.table) - 1))]
    return [[*row, mark] for row, mark in zip(said.table, marks, strict=True)]


def _confusion(found: Confusion) -> Iterator[str]:
    yield from ("", "## Confusion", "", f"{found.heading}.")
    count = len(found.counts)
    if count > MOST_CLASSES:
        rows = [[str(true), str(taken), f"{times:,}"] for true, taken, times in found.pairs()]
        yield from _table([["class", "taken for", "times"], *rows[:MOST_PAIRS]])
        return
    yield from ("", "Rows are the true classes, columns what they were taken for.")
    yield from _table(
        [
            ["class", *map(str, range(count)), "right"],
            *(
                [f"**{at}**", *(str(times) if times else "" for times in row), found.share(at)]
                for at, row in enumerate(found.counts.tolist())
            ),
        ]
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    head, *others = rows
    yield ""
    yield f"| {' | '.join(head)} |"
    yield "|" + "--:|" * len(head)
    for row in others:
        yield f"| {' | '.join(row)} |"
