r"""Steps as display formulas in amsmath's LaTeX, the same for Markdown and for a TeX document.

A formula is a list of the lines of an ``aligned``. What is too wide for a line is folded before an
operator, a matrix too wide by itself is shown in groups of columns. Three rules come from the
places where Markdown with formulas is read: a row of a matrix ends its line, no line begins with
a sign, and no ``_`` follows a brace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, repeat

import msgspec
from msgspec.structs import replace

from backtrace.functions.formula import Ref
from backtrace.notation.latex import (
    LaTeX,
    Tex,
    joined,
    numeral_width,
    operators,
    ref_latex,
    symbol_width,
    width,
)
from backtrace.notation.numbers import latex as numeral
from backtrace.page.figures import EMPTY, EXACTLY, Figures, Printout, UnfoldedEntry
from backtrace.page.overview import is_written_out
from backtrace.page.step_block import StepBlock
from backtrace.tape.trace import TracedStep

SEPARATOR = 1.0  # between two columns, in em
BRACKETS = 1.0
START = 2.2  # = with the space around it
EQUALS = 1.3
GAP_WIDTH = 1.2
QUAD = 2.0
FACTOR = 3.0  # before a matrix, on its line: − 0.5 ·
PLACE = r"\underline{\rule{0pt}{1.5em}\phantom{00.0000}}"  # for a number to be written into
PLACE_WIDTH = 3.3
COLOURS = {"forward": "forward", "loss": "forward", "backward": "backward", "update": "updated"}
DOTS = {"across": r"\cdots", "down": r"\vdots", "both": r"\ddots"}


class Formulas(msgspec.Struct, frozen=True):
    """Writes the formulas of steps no wider than ``width`` em; where ``coloured``, quantities in
    the colour of their section."""

    figures: Figures
    width: float
    coloured: bool = False

    def symbol(self, id: str) -> str:
        return self.figures.symbols.latex(id)

    def step(self, step: StepBlock) -> list[str]:
        """Symbols, the numbers put in, the result: each from its own ``=`` on."""
        assert step.equation is not None
        left = self.switch(step.traced) + ref_latex(step.equation.left, self.figures.symbols)
        room = self.room(step)
        stated = self.stated(step)
        if step.blank:
            return self.aligned(left, self.to_be_found(step))
        if step.brief and step.tells_value and step.traced.operation == "given":
            return self.aligned(left, [folded(stated, room)])
        if step.brief:
            return self.aligned(left, _beside(stated, self.value(step), room))
        numbers = _NumbersPutIn(self, step).write(step.equation.right)
        result = [self.value(step).text]
        return self.aligned(left, [folded(stated, room), folded(numbers, room), result])

    def to_be_found(self, step: StepBlock) -> list[list[str]]:
        """The formula, and below it an empty place for each entry, if it isn't an earlier one."""
        stated = folded(self.stated(step), self.room(step))
        return [stated] if step.brief else [stated, [self.value(step).text]]

    def stated(self, step: StepBlock) -> list[Tex]:
        """The formula of a step in symbols, without its left side."""
        assert step.equation is not None
        right, rule = step.equation.right, step.equation.rule
        return self.writer().write(right if rule is None else rule)

    def writer(self, *, numbers: bool = False) -> LaTeX:
        return LaTeX(self.figures.symbols, self.figures.decimals, numbers, self.mark)

    @property
    def mark(self) -> str:
        return self.figures.decimal_mark

    def room(self, step: StepBlock) -> float:
        return self.width - START - symbol_width(step.id, self.figures.symbols)

    def value(self, step: StepBlock, *, sized: bool = False) -> Tex:
        value = self.matrix(step.result, self.room(step), sized=sized)
        return replace(value, text=self.switch(step.traced) + value.text)

    def switch(self, traced: TracedStep) -> str:
        """The command for the colour of a step, to the end of its cell or its braces."""
        colour = COLOURS.get(traced.phase, "") if self.coloured else ""
        return rf"\color{{{colour}}} " if colour else ""

    def summary(self, steps: Sequence[StepBlock]) -> list[str]:
        """A line a quantity: its symbol, its formula where it has one, its value."""
        lines: list[str] = []
        for step in steps:
            value = self.value(step)
            beside = [[value.text]]
            if step.equation is not None:
                beside = _beside(self.stated(step), value, self.room(step))
            lines += self.aligned(self.switch(step.traced) + self.symbol(step.id), beside)
        return lines

    def given(self, steps: Sequence[StepBlock]) -> list[str]:
        """What is given: what belongs to a layer stands beside each other, if there is room."""
        lines: list[str] = []
        for _, belonging in groupby(steps, key=lambda step: step.traced.layer):
            lines += self.side_by_side(list(belonging))
        return lines

    def side_by_side(self, steps: Sequence[StepBlock]) -> list[str]:
        values = [(step.id, self.value(step, sized=True)) for step in steps]
        symbols = self.figures.symbols
        widths = [symbol_width(id, symbols) + value.width + START + QUAD for id, value in values]
        written = [(self.symbol(id), value.text) for id, value in values]
        if sum(widths) > self.width:
            return [line for name, value in written for line in self.aligned(name, [[value]])]
        (first, found), *others = written
        beside = "".join(rf" \qquad {name} = {value}" for name, value in others)
        return [f"{first} &= {found}{beside}"]

    def entry(self, entry: UnfoldedEntry, id: str) -> list[str]:
        """One entry: in a line where there is room, else a stage a line."""
        name, value = self.symbol(id), entry.value
        if entry.place is not None:
            name += f"[{entry.place[0] + 1},{entry.place[1] + 1}]"
        number = numeral(entry.number, self.mark)
        told = list(entry.told(self.writer(numbers=True).write, joined, number))
        result = [Tex(numeral(value, self.mark), numeral_width(value))]
        stages = [*(stage for stage, _ in told), result]
        signs = [EXACTLY, *(sign for _, sign in told)]
        room = self.width - START - symbol_width(id, self.figures.symbols) - QUAD
        if sum(width(stage) + EQUALS for stage in stages) <= room:
            beside = zip(map(operators, signs[1:]), stages[1:], strict=True)
            more = "".join(f" {sign.strip()} {joined(stage)}" for sign, stage in beside)
            return self.aligned(name, [[joined(stages[0]) + more]])
        return self.aligned(name, [folded(stage, room) for stage in stages], signs)

    def aligned(
        self, left: str, lines: Iterable[Sequence[str]], signs: Iterable[str] = ()
    ) -> list[str]:
        r"""``left &= first \\ &= second``: the parts of a folded line stand on lines of their own.

        The last line has no ``\\`` yet: ``rows`` puts it between formulas. ``signs`` stand in
        place of =, where there are any.
        """
        written: list[str] = []
        for parts, sign in zip(lines, chain(signs, repeat(EXACTLY)), strict=False):
            for at, part in enumerate(parts):
                lead = f"&{operators(sign).strip()} " if at == 0 else r"&\quad "
                written.append((f"{left} " if not written else "") + lead + part)
        return written

    # Matrices

    def in_a_cell(self, step: StepBlock) -> str:
        r"""The value on one line of the source, or, of a large one, its size; Markdown eats
        ``\\\\`` inside a line, but not ``\\cr``."""
        made = step.result
        if not is_written_out(step):
            return r" \times ".join(map(str, step.value.shape))
        if step.value.size == 1:
            return self.cell(made.cells[0][0])
        columns = range(len(made.columns))
        lines = r" \cr ".join(self.matrix_row(made, i, columns) for i in range(len(made.rows)))
        return rf"\begin{{bmatrix}} {lines} \end{{bmatrix}}"

    def matrix(self, shown: Printout, room: float, *, sized: bool = False) -> Tex:
        """A matrix, with its dimensions under it where ``sized``; where it is too wide, its
        columns in groups below each other."""
        if shown.shape == ():
            return Tex(self.cell(shown.cells[0][0]), _cell_width(shown.cells[0][0]))
        whole, *others = groups = list(_groups(shown, room))
        if others:
            return self.stacked(shown, groups)
        size = rf"{shown.shape[0]} \times {shown.shape[1]}"
        body = self.body(shown, whole)
        return Tex(_under(body, size) if sized else body, _width(shown, whole), tall=True)

    def stacked(self, shown: Printout, groups: Sequence[range]) -> Tex:
        """Groups of columns below each other, as one block."""
        parts = [_under(self.body(shown, group), _which(shown, group)) for group in groups]
        lines = " \\\\\n".join(parts)
        text = f"\\begin{{gathered}}\n{lines}\n\\end{{gathered}}"
        return Tex(text, max(_width(shown, group) for group in groups), tall=True)

    def body(self, shown: Printout, columns: range) -> str:
        lines = [self.matrix_row(shown, i, columns) for i in range(len(shown.rows))]
        rows = " \\\\\n".join(lines)
        return f"\\begin{{bmatrix}}\n{rows}\n\\end{{bmatrix}}"

    def matrix_row(self, shown: Printout, i: int, columns: range) -> str:
        texts = []
        for j in columns:
            gap_down, gap_across = shown.rows[i] is None, shown.columns[j] is None
            if gap_down or gap_across:
                kind = "both" if gap_down and gap_across else "down" if gap_down else "across"
                texts.append(DOTS[kind])
            else:
                texts.append(self.cell(shown.cells[i][j]))
        if texts[0].startswith("-"):
            texts[0] = f"{{{texts[0]}}}"
        return " & ".join(texts)

    def cell(self, text: str) -> str:
        return PLACE if text == EMPTY else numeral(text, self.mark)


class _NumbersPutIn(LaTeX):
    """Writes a right-hand side with every matrix in its place."""

    def __init__(self, formulas: Formulas, step: StepBlock) -> None:
        figures = formulas.figures
        super().__init__(figures.symbols, figures.decimals, True, figures.decimal_mark)
        self.formulas, self.step = formulas, step

    def ref(self, ref: Ref) -> list[Tex]:
        room = self.formulas.room(self.step) - FACTOR
        found = self.formulas.matrix(self.step.printout(ref), room)
        switch = self.formulas.switch(self.step.operand(ref.id))
        coloured = f"{{{switch}{found.text}}}" if switch and found.tall else found.text
        return [replace(found, text=coloured)]


def rows(formulas: Iterable[Sequence[str]]) -> str:
    r"""The lines of several formulas as the inside of an ``aligned``, with ``\\`` between them."""
    return " \\\\\n".join(line for formula in formulas for line in formula)


def _under(body: str, told: str) -> str:
    return rf"\underset{{{told}}}{{\underbrace{{{body}}}}}"


def _which(shown: Printout, columns: range) -> str:
    """What stands under a group of columns: which ones these are."""
    size = rf"{shown.shape[0]} \times {shown.shape[1]}"
    if len(columns) == 1:
        return rf"\text{{column {columns.stop} of }} {size}"
    return rf"\text{{columns {columns.start + 1} to {columns.stop} of }} {size}"


def _cell_width(text: str) -> float:
    return PLACE_WIDTH if text == EMPTY else numeral_width(text)


def _width(shown: Printout, columns: range) -> float:
    """Of a matrix, or of some of its columns."""
    widths = [max(_cell_width(line[at]) for line in shown.cells) or GAP_WIDTH for at in columns]
    return sum(widths) + SEPARATOR * (len(widths) - 1) + BRACKETS


def _groups(shown: Printout, room: float) -> Iterator[range]:
    """Consecutive columns that fit into a line; an elided matrix stays as it is."""
    start, stop = 0, len(shown.columns)
    if None not in shown.columns:
        for at in range(1, stop):
            if _width(shown, range(start, at + 1)) > room:
                yield range(start, at)
                start = at
    yield range(start, stop)


# Folding


def folded(pieces: Sequence[Tex], room: float) -> list[str]:
    """A formula in lines of at most ``room`` em, as far as it has operators to begin them."""
    lines: list[list[Tex]] = [[]]
    for run in _with_factors(_runs(pieces, room), room):
        if lines[-1] and width(lines[-1]) + width(run) > room:
            lines.append([])
        lines[-1] += run
    return [joined(line) for line in lines]


def _runs(pieces: Sequence[Tex], room: float) -> Iterator[list[Tex]]:
    """What stays together: from an operator on to the next; brackets that are too wide for a line
    are opened."""
    for run in _before_operators(pieces):
        if width(run) > room and any(piece.inner for piece in run):
            yield from _runs([each for piece in run for each in piece.opened], room)
        else:
            yield run


def _before_operators(pieces: Sequence[Tex]) -> Iterator[list[Tex]]:
    run: list[Tex] = []
    for piece in pieces:
        if piece.operator and run:
            yield run
            run = []
        run.append(piece)
    yield run


def _with_factors(runs: Iterable[list[Tex]], room: float) -> Iterator[list[Tex]]:
    """A number in front of a matrix (− 0.5 ·) stays with it."""
    before: list[Tex] = []
    for run in runs:
        if before and width(before) + width(run) > room:
            yield before
            before = []
        before = before + run
        if any(piece.tall for piece in run):
            yield before
            before = []
    if before:
        yield before


def _beside(stated: list[Tex], value: Tex, room: float) -> list[list[str]]:
    """A formula and its value on one line, or, where there is no room, each from its own ``=``."""
    if width(stated) + value.width + START <= room:
        return [[f"{joined(stated)} = {value.text}"]]
    return [folded(stated, room), [value.text]]
