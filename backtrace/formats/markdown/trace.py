r"""A trace as Markdown with formulas and diagrams, for every place where these are read.

GitHub, GitLab, VS Code, Obsidian, Jupyter, Quarto and pandoc agree on this much: ``$$`` alone on
its line between blank lines, ``$…$`` between spaces or punctuation, matrices with a row a line, and
no command whose backslash Markdown would eat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from backtrace.formats import escaping, file_signatures
from backtrace.formats.latex.formulas import Formulas, rows
from backtrace.formats.markdown.mermaid import flowchart, loss_chart
from backtrace.functions.formula import Sentence
from backtrace.page.derivation import Derivation, Section, Step, Update, View, derivation
from backtrace.tape.trace import Trace

WIDTH = 44.0  # em; GitHub has about 50


def markdown(trace: Trace, view: View) -> str:
    """The trace as a document; ``view.fragment`` makes no difference."""
    return "\n".join(_Writer(derivation(trace, view)).lines()) + "\n"


def notebook(trace: Trace) -> str:
    """A trace as a notebook shows it."""
    return markdown(trace, View())


class _Writer:
    def __init__(self, page: Derivation) -> None:
        self.page = page
        self.formulas = Formulas(page, WIDTH)

    def lines(self) -> Iterator[str]:
        yield file_signatures.TAGGED
        yield from self.opening()
        if self.page.losses:
            yield from self.losses()
        for update in self.page.updates:
            yield from self.update(update)
        yield from self.closing()

    def opening(self) -> Iterator[str]:
        yield from ("", f"# {escaped(self.page.title)}")
        network_said = self.page.architecture.replace("→", r"$\to$")
        yield from ("", f"Network: {network_said}.")
        if self.page.source:
            yield from ("", f"Source: {escaped(self.page.source)}")
        if self.page.notice:
            yield from ("", f"> {self.page.notice}")
        yield from ("", "```mermaid", *flowchart(self.page), "```")
        yield from ("", "## Conventions", "")
        for sentence in self.page.conventions:
            yield f"- {self.said(sentence)}"

    def said(self, sentence: Sentence) -> str:
        return "".join(
            escaped(part) if isinstance(part, str) else f"${self.formulas.inline(part)}$"
            for part in sentence
        )

    def losses(self) -> Iterator[str]:
        name = self.page.symbols.name("loss")
        yield from ("", "## Loss, update by update")
        chart = loss_chart(self.page.losses, name)
        if chart:
            yield from ("", "```mermaid", *chart, "```")
        head, *rows = self.page.loss_table()
        yield from ("", f"| {' | '.join(head)} |", "|" + "--:|" * len(head))
        for row in rows:
            yield f"| {' | '.join(row)} |"

    def update(self, update: Update) -> Iterator[str]:
        if update.skipped:
            count = "update is" if update.skipped == 1 else "updates are"
            yield from ("", f"> {update.skipped} {count} left out here.")
        if update.title:
            yield from ("", f"## {update.title}")
        for section in update.sections:
            yield from ("", f"{'###' if update.title else '##'} {section.heading}")
            yield from self.section(section)

    def section(self, section: Section) -> Iterator[str]:
        if section.phase == "given":
            yield from display([self.formulas.given(section.steps)])
        elif self.page.view.detail == "summary":
            yield from display([self.formulas.summary(section)])
        else:
            for step in section.steps:
                yield from self.step(step)

    def step(self, step: Step) -> Iterator[str]:
        why = f" {self.said(step.why)}" if step.why else ""
        yield from ("", f"**{step.number}. {step.title}.**{why}")
        yield from display([self.formulas.step(step)])
        for note in step.notes:
            yield from ("", f"> {self.said(note)}")
        if self.page.view.detail == "entries" and not step.brief:
            yield from self.entries(step)

    def entries(self, step: Step) -> Iterator[str]:
        symbol = self.formulas.symbol(step.id)
        unfolded = [self.formulas.entry(entry, symbol) for entry in self.page.entries(step)]
        count = "The entry" if len(unfolded) == 1 else f"The {len(unfolded)} entries"
        yield from ("", "<details>", f"<summary>{count}, worked</summary>")
        yield from display(unfolded)
        yield from ("", "</details>")

    def closing(self) -> Iterator[str]:
        if self.page.is_elided:
            dots = r"$\cdots$ and $\vdots$"
            yield from (
                "",
                f"> Large matrices are shown in part: {dots} stand for what is left out.",
            )


def escaped(text: str) -> str:
    """A text as it is; its ``$`` as an entity, for readers that look for formulas in the source."""
    return escaping.markdown(text).replace("$", "&#36;")


def display(formulas: Iterable[Sequence[str]]) -> Iterator[str]:
    """A display formula, blank lines around it."""
    yield from ("", "$$", r"\begin{aligned}", rows(formulas), r"\end{aligned}", "$$")
