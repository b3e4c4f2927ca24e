"""The steps of a trace on a terminal: formula, numbers put in, result; entries and notes below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from backtrace.formats.block_writer import BlockWriter
from backtrace.formats.terminal.boxes import (
    MORE_COLUMNS,
    Line,
    Mark,
    NamedMatrix,
    Piece,
)
from backtrace.formats.terminal.grid import equation, gallery, marks
from backtrace.formats.terminal.layout import INDENT, Layout
from backtrace.formats.terminal.matrices import printed_block
from backtrace.formats.terminal.summary import inline, summary
from backtrace.formats.terminal.unfolded import unfolded
from backtrace.functions.formula import Ref
from backtrace.notation.text import ref_text, text, tokens
from backtrace.page.blocks import Section
from backtrace.page.elision import is_large
from backtrace.page.sections import ROLES
from backtrace.page.step_block import Gallery, StepBlock, Summary


class StepWriter(BlockWriter[Line]):
    """Writes steps, and remembers what of them it has shown in part."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.summary_elided = False
        self.elided: StepBlock | None = None
        self.after_one_line = False

    def gallery(self, given: Gallery) -> list[Line]:
        groups: dict[int | None, list[NamedMatrix]] = {}
        for step in given.steps:
            made = self.named_matrix(step, Ref(step.id))
            groups.setdefault(step.traced.layer, []).append(made)
        return [[], *gallery(list(groups.values()), self.layout.width, INDENT, self.layout.style)]

    def summary(self, block: Summary) -> list[Line]:
        chosen = [step for step in _steps(block.sections) if step.principal]
        lines = summary(chosen, self.layout)
        gap = self.layout.say(MORE_COLUMNS)
        self.summary_elided |= any(gap in words for line in lines for words, _ in line)
        return [[], *lines]

    def closing(self) -> list[Line]:
        """What the dots stand for, and how to see it."""
        lines: list[Line] = []
        told = "⋯ and ⋮ stand for entries left out. --full shows every one"
        if self.elided is not None:
            whole = f"--only {self.elided.id} the whole of {self.elided.symbol}"
            lines += self.layout.paragraph(f"{told}, {whole}.", "fact")
        if self.summary_elided:
            lines += self.layout.paragraph(f"{told}.", "fact", 0)
        return [[], *lines] if lines else []

    def stepblock(self, step: StepBlock) -> list[Line]:
        """A blank line above, unless it and the step before are said in one line."""
        lines = self.lines(step)
        close = self.after_one_line and len(lines) == 1
        self.after_one_line = len(lines) == 1
        return lines if close else [[], *lines]

    def lines(self, step: StepBlock) -> list[Line]:
        assert step.equation is not None
        title: Line = [(f"{step.number:>2}  ", "number"), (step.title, "title")]
        formula: Line = [(text(step.equation.formula, step.figures.symbols), "")]
        value = self.value_inline(step) if step.brief or step.is_single else []
        again = step.traced.operation == "forward_again"
        beside = again or self.layout.fits(title, formula + value)
        lines = self.layout.spread(title, formula + value if beside else formula)
        if step.why:
            lines += self.layout.paragraph(self.words(step.why), "why")
        if step.brief and not beside:
            lines += self.equation_of([], step)
        elif not step.brief and not (beside and step.is_single):
            lines += self.equation(step)
            lines += self.entries(step) if step.unfolded else []
        for note in step.notes:
            lines += self.layout.paragraph(self.words(note), "note")
        return lines

    def value_inline(self, step: StepBlock) -> Line:
        """= and the value, unless the formula has it: id′(z) = 1."""
        if step.tells_value:
            return []
        shown = self.layout.say(inline(step.value, step.figures.decimals))
        worked = [self.layout.say(stage) for stage in self.stages(step)] if step.is_single else []
        told = "".join(f" = {stage}" for stage in worked if stage.replace("−", "-") != shown)
        return [(f"{told} = ", ""), (shown, ROLES[step.traced.phase])]

    def stages(self, step: StepBlock) -> list[str]:
        """The numbers put in, a stage after the other."""
        figures = step.figures
        return [
            "".join(map(str, tokens(stage, figures.symbols, True, figures.decimals)))
            for stage in step.stages(0, 0)
        ]

    def equation(self, step: StepBlock) -> list[Line]:
        """The equation with the matrices put in, and the result."""
        assert step.equation is not None
        figures = step.figures
        found = tokens(step.equation.right, figures.symbols, True, figures.decimals)
        pieces: list[Piece] = []
        for token in _joined(_plain_sums(found)):
            if isinstance(token, str):
                pieces += marks(self.layout.say(token))
            else:
                pieces.append(self.named_matrix(step, token))
        return self.equation_of(pieces, step)

    def equation_of(self, pieces: list[Piece], step: StepBlock) -> list[Line]:
        """``pieces`` = the result."""
        whole = [*pieces, Mark("="), self.named_matrix(step, Ref(step.id))]
        return equation(whole, self.layout.width, INDENT, self.layout.style)

    def named_matrix(self, step: StepBlock, ref: Ref) -> NamedMatrix:
        made, traced = step.printout(ref), step.operand(ref.id)
        if self.elided is None and is_large(made.shape) and None in (*made.rows, *made.columns):
            self.elided = msgspec.structs.replace(step, traced=traced)
        name = ref_text(ref, step.figures.symbols)
        return printed_block(made, name, ROLES[traced.phase], self.layout)

    def entries(self, step: StepBlock) -> list[Line]:
        lines = unfolded(step, self.layout.width - INDENT, self.layout.say)
        return [[], *([(" " * INDENT, ""), *line] for line in lines)]


def _steps(sections: Iterable[Section]) -> Iterator[StepBlock]:
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Gallery):
                yield from block.steps
            elif isinstance(block, StepBlock):
                yield block


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
