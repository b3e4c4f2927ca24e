"""The steps of a trace as blocks of a page: what is said of one, and its numbers when asked for.

A step that is worked is a block by itself; those given stand together, those of a summary too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from backtrace.functions.amounts import functions_worked
from backtrace.functions.formula import Equation, Expr, Ref, Sentence, Value
from backtrace.notation.steps import short_title
from backtrace.notation.text import whole
from backtrace.page.blocks import Block, Section
from backtrace.page.figures import ABOUT, Figures, Printout, UnfoldedEntry
from backtrace.tape.trace import TracedStep


class StepBlock(Block, frozen=True):
    """One step that is worked, or, without an equation, one that is given.

    ``number`` counts the worked steps of its update, whether shown or not; a part of a line is 4.1,
    what is given has none. ``brief`` says that its formula is all there is to say: no numbers need
    be put in, since it only repeats ``repeats`` (an id) or has none. ``elided``: a matrix of the
    equation is large, and all long sides of it are cut alike. ``unfolded``: every entry is asked
    for. ``principal``: it belongs on a page that has little room. ``sized``: how the shapes meet is
    to be seen, as where a matrix is transposed. ``why`` is empty unless explanations are asked for.
    ``blank``: its value is to be found, an empty place stands for each entry and no number is put
    in.
    """

    number: str
    traced: TracedStep
    title: str
    figures: Figures
    equation: Equation | None = None
    repeats: str | None = None
    brief: bool = False
    elided: bool = False
    unfolded: bool = False
    principal: bool = True
    sized: bool = True
    notes: tuple[Sentence, ...] = ()
    why: Sentence = ()
    blank: bool = False

    @property
    def id(self) -> str:
        return self.traced.id

    @property
    def symbol(self) -> str:
        return self.figures.symbols.name(self.traced.id)

    @property
    def titles(self) -> tuple[str, ...]:
        """The title, and, where there is a shorter one, that."""
        return tuple(
            filter(None, (self.title, short_title(self.traced.step, self.figures.symbols)))
        )

    @property
    def tells_value(self) -> bool:
        """Whether the formula of a brief step has its value in it: id′(z) = 1, dL = 1."""
        if self.traced.operation == "given":
            return self.traced.role == "gradient" and self.value.size == 1
        return self.traced.operation == "activation_derivative"

    @property
    def is_single(self) -> bool:
        """Whether a step of equations is worked from numbers and gives one: a line says it all."""
        if not self.figures.symbols.single_numbers or self.brief or self.value.shape:
            return False
        operands = (self.figures.value(self.operand(id)) for id in self.traced.operands)
        return all(not value.shape for value in operands)

    @property
    def value(self) -> Any:
        """The value, or the part of it that belongs to the sample asked for."""
        return self.figures.value(self.traced)

    @property
    def result(self) -> Printout:
        return self.printout(Ref(self.id))

    def printout(self, ref: Ref) -> Printout:
        """The numbers of ``ref`` as they stand in the equation of this step."""
        made = self.figures.printout(self.traced, ref, elided=self.elided)
        return made.emptied() if self.blank else made

    def operand(self, id: str) -> TracedStep:
        return self.figures.operand(self.traced, id)

    def stages(self, row: int, column: int) -> tuple[Expr, ...]:
        return self.figures.stages(self.traced, row, column)

    def worked(self, row: int, column: int) -> tuple[Expr, ...]:
        """The stages, and if functions are left in the last one, these worked as well."""
        stages = self.stages(row, column)
        further = functions_worked(stages[-1])
        alone = isinstance(further, Value) or further == stages[-1]
        return stages if alone else (*stages, further)

    def entries(self) -> Iterator[UnfoldedEntry]:
        """Every entry that the matrix shows, unfolded, as many as the page has room for; none of
        what is brief or given."""
        return islice(self.shown_entries(), self.figures.elision.most_unfolded)

    def shown_entries(self) -> Iterator[UnfoldedEntry]:
        if self.equation is None or self.brief:
            return
        made = self.result
        for i, line in zip(made.rows, made.cells, strict=True):
            for j, text in zip(made.columns, line, strict=True):
                if i is not None and j is not None:
                    yield self.entry(made.place(i, j), text)

    def entry(self, place: tuple[int, int], value: str) -> UnfoldedEntry:
        """The entry at a place of the whole value, unfolded; ``value`` is how it is printed."""
        stages = self.worked(*place)
        signs = tuple(self.figures.sign(stage, value) for stage in stages)
        number = self.figures.number(self.traced.value[place if self.traced.shape else ()])
        return UnfoldedEntry(place if self.value.shape else None, stages, signs, value, number)

    @property
    def approximates(self) -> bool:
        """Whether printed digits of an entry don't add up to those of its value."""
        return any(ABOUT in entry.signs for entry in self.entries())

    @property
    def remarks(self) -> Iterator[Sentence]:
        """The notes as sentences: a capital, unless one begins with a symbol, and a full stop."""
        return map(whole, self.notes)


class Gallery(Block, frozen=True):
    """What is given, beside each other: what belongs to a layer together."""

    steps: tuple[StepBlock, ...]


class Results(Block, frozen=True):
    """The main quantities of the only update, for a table of them at the top of a page."""

    steps: tuple[StepBlock, ...]


class Summary(Block, frozen=True):
    """The sections of an update with the values of their steps alone, as little as can be."""

    sections: tuple[Section, ...]
