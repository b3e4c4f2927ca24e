"""The steps of a trace on a terminal: each a line, and below it why, its entries and notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from backtrace.formats.block_writer import BlockWriter
from backtrace.formats.terminal.boxes import MORE_COLUMNS, Box, Line, Mark, NamedMatrix, Piece
from backtrace.formats.terminal.grid import gallery, stated
from backtrace.formats.terminal.layout import INDENT, Layout
from backtrace.formats.terminal.matrices import printed_block
from backtrace.formats.terminal.steps.put_in import RESULT, PutIn
from backtrace.formats.terminal.steps.step_lines import Columns, StepLine, formula_of
from backtrace.formats.terminal.steps.unfolded import unfolded
from backtrace.formats.terminal.steps.updates import packed, update_box
from backtrace.formats.terminal.summary import summary
from backtrace.functions.formula import Ref
from backtrace.notation.text import text
from backtrace.page.blocks import Block, DotsLegend, Section
from backtrace.page.lines.joined import Joined, LossAgain, Updates, joined
from backtrace.page.sections import ROLES
from backtrace.page.step_block import Gallery, StepBlock, Summary

TALL = 2  # lines; what takes more has a blank line around it


class StepWriter(BlockWriter[Line]):
    """Writes steps, and remembers what of them it has shown in part."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.summary_elided = False
        self.put_in = PutIn(layout)
        self.columns = Columns()
        self.height = 0  # of the step above in the same section
        self.where = ""  # large matrices are shown, if not at their corners

    def gallery(self, given: Gallery) -> list[Line]:
        groups: dict[int | None, list[Box]] = {}
        for step in given.steps:
            made = self.put_in.printed(step, Ref(step.id))
            block = printed_block(made, step.symbol, "given", self.layout)
            box = stated(block, self.layout.breadth - INDENT, self.layout.style)
            groups.setdefault(step.traced.layer, []).append(box)
        return gallery(list(groups.values()), self.layout.breadth, INDENT)

    def summary(self, block: Summary) -> list[Line]:
        chosen = [step for step in _steps(block.sections) if step.principal]
        lines = summary(chosen, self.layout)
        gap = self.layout.say(MORE_COLUMNS)
        self.summary_elided |= any(gap in words for line in lines for words, _ in line)
        return [[], *lines]

    def dotslegend(self, block: DotsLegend) -> list[Line]:
        self.where = block.where
        return []

    def closing(self) -> list[Line]:
        """What the dots stand for, and how to see it."""
        lines: list[Line] = []
        told = "⋯ and ⋮ stand for entries left out. --full shows every one"
        elided = self.put_in.elided
        if elided is not None:
            whole = f"--only {elided.id} the whole of {elided.symbol}"
            lines += self.layout.paragraph(f"{told}, {whole}. {self.where}", "fact")
        if self.summary_elided:
            lines += self.layout.paragraph(f"{told}. {self.where}", "fact", 0)
        return [[], *lines] if lines else []

    def aligned(self, section: Section) -> list[Block]:
        """The blocks of a section, its steps in lines, whose columns are as wide as they need."""
        found = list(joined(section.blocks))
        self.columns = Columns.of([b for b in found if isinstance(b, Joined)], self.layout)
        self.height = 0
        return found

    def joined(self, block: Joined) -> list[Line]:
        formula = formula_of(block, self.layout, self.columns.symbols)
        line = StepLine(
            self.number(block.numbers, block.worked),
            formula,
            self.put_in.pieces(block.worked),
            self.asides(block),
        )
        lines = line.lines(self.layout, self.columns.formulas)
        return self.apart(lines + self.said_below(block.steps))

    def stepblock(self, step: StepBlock) -> list[Line]:
        return self.joined(Joined((step,)))

    def asides(self, block: Joined) -> tuple[str, ...]:
        """What may stand at the margin: what the step does, or the slopes that change nothing."""
        slopes = [step.equation.formula for step in block.beside if step.equation is not None]
        symbols = block.worked.figures.symbols
        told = ", ".join(text(slope, symbols) for slope in slopes)
        return (told,) if told else block.worked.titles

    def number(self, numbers: str, step: StepBlock) -> Line:
        label = self.layout.say(numbers).rjust(self.columns.numbers)
        return [(label, f"{ROLES[step.traced.phase]}.number"), ("  ", "")]

    def apart(self, lines: list[Line]) -> list[Line]:
        """A blank line above, where this or what is above it takes several."""
        above, self.height = self.height, len(lines)
        return [[], *lines] if above and max(above, self.height) > TALL else lines

    def said_below(self, steps: Iterable[StepBlock]) -> list[Line]:
        """Why the steps are there, their entries, what else there is to say."""
        lines: list[Line] = []
        for step in steps:
            lines += self.layout.paragraph(self.words(step.why), "why") if step.why else []
            lines += self.entries(step) if step.unfolded and not step.brief else []
            for note in step.notes:
                lines += self.layout.paragraph(self.words(note), "note")
        return lines

    def entries(self, step: StepBlock) -> Iterator[Line]:
        room = self.layout.breadth - INDENT
        return ([(" " * INDENT, ""), *line] for line in unfolded(step, room, self.layout.say))

    # Updates

    def updates(self, block: Updates) -> list[Line]:
        """As many parameters on a line as fit; one that is too wide is worked as any step."""
        lines: list[Line] = []
        row: list[Box] = []
        for step in block.steps:
            box, below = self.update_box(step), self.said_below([step])
            if box is None:
                lines += [*self.packed(row), *self.joined(Joined((step,)))]
                row = []
                continue
            row.append(box)
            if below:
                lines += [*self.packed(row), *self.apart(below)]
                row = []
        return lines + self.packed(row)

    def packed(self, boxes: Sequence[Box]) -> list[Line]:
        rows = packed(boxes, self.layout)
        return [line for lines in rows for line in self.apart(lines)]

    def update_box(self, step: StepBlock) -> Box | None:
        old = self.put_in.matrix(step, Ref(step.traced.of), "given")
        name = self.layout.say(step.figures.symbols.name(step.traced.of))
        number = self.number(str(step.number), step)
        return update_box(number, name, old, self.put_in.result(step), self.layout)

    def lossagain(self, block: LossAgain) -> list[Line]:
        before, after = map(self.layout.say, block.numbers)
        arrow, change = self.layout.say("→"), self.layout.say(f" {block.change}")
        result = NamedMatrix("", [[after]], role=RESULT, bare=True)
        pieces: list[Piece] = [Mark(before), Mark(arrow), result, Mark(change)]
        number = self.number(str(block.step.number), block.step)
        line = StepLine(number, self.layout.say(block.symbol), pieces, block.step.titles)
        return self.apart([*line.lines(self.layout, 0), *self.said_below([block.step])])


def _steps(sections: Iterable[Section]) -> Iterator[StepBlock]:
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Gallery):
                yield from block.steps
            elif isinstance(block, StepBlock):
                yield block
