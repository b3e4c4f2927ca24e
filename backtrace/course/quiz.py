"""An exercise asked step by step: what has been answered, how it stands, what comes next."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backtrace.check.answers.names import Quantity, Reader, reader
from backtrace.check.answers.reading import read_answers
from backtrace.check.judge.checker import Checker
from backtrace.check.model import Answers, Judged, Report, texts
from backtrace.course.template import quoted
from backtrace.course.worksheet import Worksheet
from backtrace.notation.numbers import cells
from backtrace.tape.trace import TracedStep

BLANK = "_"
GIVEN_DECIMALS = 12  # as they are written
Rows = list[list[str]]


class Quiz:
    """The quantities of a worksheet, in the order of work, and the numbers given for them so far.

    What is judged is everything that has been answered: a value that follows from one's own slip
    is right to go on with.
    """

    def __init__(self, sheet: Worksheet) -> None:
        self.sheet = sheet
        self.checker = Checker(sheet.spec)
        self.reader: Reader = reader(self.checker.tape, sheet.spec)
        self.quantities = sheet.asked
        self.answers: dict[str, Rows] = {}

    def take_up(self, content: bytes, file: str) -> None:
        """Goes on from answers that were written down. Raises AnswersError."""
        asked = {quantity.name for quantity in self.quantities}
        for written in read_answers(content, file, self.reader).written:
            name = self.reader.quantities[written.epoch, written.batch, written.id].name
            if name in asked and written.cells:
                rows = texts(written.cells)
                self.answers[name] = [[text or BLANK for text in row] for row in rows]

    def waiting(self) -> Iterator[Quantity]:
        """What has no answer yet, or only a part of one."""
        return (each for each in self.quantities if not self.is_whole(each.name))

    def is_whole(self, name: str) -> bool:
        return name in self.answers and all(BLANK not in row for row in self.answers[name])

    def begun(self, quantity: Quantity) -> Rows:
        """The entries of a quantity as far as they are there, where some are and some are not; else
        as many blanks."""
        rows, columns = quantity.shape
        kept = self.answers.get(quantity.name)
        if kept is None or self.is_whole(quantity.name):
            return [[BLANK] * columns for _ in range(rows)]
        return [list(row) for row in kept]

    def operands(self, quantity: Quantity) -> dict[str, Rows]:
        """What a step is worked from, by id: the student's own numbers, or what is given; of an
        operand that nobody was asked for what that is worked from."""
        update = self.sheet.trace.update(quantity.epoch, quantity.batch)
        found: dict[str, Rows] = {}
        waiting = [*update[quantity.id].operands]
        while waiting:
            traced = update[waiting.pop(0)]
            rows = self._known(traced)
            if rows is not None:
                found[traced.id] = rows
            elif str(traced.at) in self.sheet.on_the_way:
                waiting = [*traced.operands, *waiting]
        return found

    def _known(self, traced: TracedStep) -> Rows | None:
        """The numbers of a step that a student can know; None where there are none yet."""
        origin = self.sheet.origin(traced)
        name = str((origin or traced).at)
        if self.is_whole(name):
            return self.answers[name]
        if traced.phase == "given":
            return cells(np.atleast_2d(traced.value), GIVEN_DECIMALS)
        if name in self.sheet.shown:
            return cells(np.atleast_2d(traced.value), self.sheet.trace.decimals)
        return None

    def way_to(self, quantity: Quantity) -> Iterator[TracedStep]:
        """The steps that nobody is asked for and that come between it and what was asked before."""
        names = [each.name for each in self.quantities]
        before = names[: names.index(quantity.name)]
        found: list[TracedStep] = []
        for traced in self.sheet.trace:
            name = str(traced.at)
            if name == quantity.name:
                break
            if name in before:
                found.clear()
            elif name in self.sheet.on_the_way and traced.phase != "given":
                found.append(traced)
        yield from found

    def put(self, quantity: Quantity, rows: Rows) -> Judged | None:
        """Takes an answer; how it stands. None where all of it is left out."""
        self.answers[quantity.name] = rows
        return next((q for q in self.report().quantities if q.name == quantity.name), None)

    def report(self) -> Report:
        return self.checker.check(self.written())

    def written(self) -> Answers:
        return read_answers(self.text.encode(), "quiz", self.reader)

    @property
    def text(self) -> str:
        """The answers as a file that ``backtrace check`` reads."""
        scalars = {quantity.name for quantity in self.quantities if quantity.scalar}
        lines = [
            f"  {name}: " + (quoted(rows[0][0]) if name in scalars else _listed(rows))
            for name, rows in self.answers.items()
        ]
        return "\n".join(["answers:", *lines]) + "\n" if lines else "answers: {}\n"


def _listed(rows: Rows) -> str:
    """Every text in quotes: a fraction, a decimal comma and a _ stay what was typed."""
    lines = (", ".join(map(quoted, row)) for row in rows)
    return f"[{', '.join(f'[{line}]' for line in lines)}]"
