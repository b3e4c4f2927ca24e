"""Two whole lines of a fair copy, each written under the other's name: z where p belongs, m for v.

Where each is what belongs under the other's name, and neither under its own, they are read as they
were meant. It is one mistake of the pen, and costs one entry: the work of both lines is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, islice
from typing import TypeAlias

import msgspec
import numpy as np

from backtrace.check.model import (
    STANDING,
    AnswerCell,
    Answers,
    Explanation,
    Figure,
    Judged,
    Report,
    Verdict,
    WrittenQuantity,
    texts,
)
from backtrace.check.policy import score
from backtrace.check.sheets.exercise import Exercise, Key
from backtrace.check.sheets.sheet import Sheet
from backtrace.check.sheets.workings import ACCUSED, accused_entries
from backtrace.functions.formula import Sentence, Symbol
from backtrace.spec.ids import At
from backtrace.tape.steps import Step

LINES_EXCHANGED = "lines-exchanged"
MOST_PAIRS = 8  # on one sheet: the moments of four parameters, twice
MOST_TRIED = 2  # pairs that are judged in search of the next
NEAR = 0.02  # of a number, that it may be off by its student's rounding of the lines before
FEW_UNITS = 4.0  # of the last digit, likewise
DIGITS_OF_ONE, DIGITS_OF_BOTH = 2, 5  # significant ones that agree, too many for chance

Cells: TypeAlias = "tuple[tuple[AnswerCell, ...], ...]"
Pair: TypeAlias = "tuple[Key, Key]"


class Exchanged(msgspec.Struct, frozen=True, eq=False):
    """A sheet with pairs of lines put back in their places: what it says then, and how that
    stands."""

    pairs: tuple[Pair, ...]
    answers: Answers
    sheet: Sheet

    def charged(self, report: Report, answers: Answers) -> Report:
        """The report on it with the mistakes, the lines shown as they stand in ``answers``; the
        same pair of another layer, parameter or update is the same mistake."""
        judged = {(each.epoch, each.batch, each.id): each for each in report.quantities}
        written, exercise = _by_place(answers), self.sheet.exercise
        made: dict[tuple[object, ...], str] = {}
        for pair in self.pairs:
            kind = tuple(_kind(exercise.steps[at]) for at in pair)
            for at in pair:
                shown = texts(_as_laid(written[at]))
                judged[at] = _charged(judged[at], _said(pair), shown, made.get(kind))
                if judged[at].possible:
                    made.setdefault(kind, judged[at].name)
        quantities = tuple(judged.values())
        marks = score(quantities, exercise.spec.marks)
        return msgspec.structs.replace(report, quantities=quantities, score=marks)


def exchanged(
    answers: Answers, usual: Sheet, judge: Callable[[Answers], Sheet]
) -> Exchanged | None:
    """The sheet with the lines put back that stand under each other's names, if any do."""
    found: Exchanged | None = Exchanged((), answers, usual)
    last = None
    while found is not None and len(found.pairs) < MOST_PAIRS:
        last, found = found, _next(found, judge)
    found = found or last
    return found if found is not None and found.pairs else None


def _next(found: Exchanged, judge: Callable[[Answers], Sheet]) -> Exchanged | None:
    """With one more pair put back; None where that leaves nothing more right."""
    for pair, answers in islice(_likely(found), MOST_TRIED):
        sheet = judge(answers)
        less = accused_entries(sheet.quantities) < accused_entries(found.sheet.quantities)
        if less and all(_stands(sheet.judged[at]) for at in pair):
            return Exchanged((*found.pairs, pair), answers, sheet)
    return None


def _likely(found: Exchanged) -> Iterator[tuple[Pair, Answers]]:
    """Pairs of wrong lines of which the earlier should be about what the later has, and the sheet
    with them put back. A line may follow from the wrong one in the place of its own."""
    exercise, written = found.sheet.exercise, _by_place(found.answers)
    done = {at for pair in found.pairs for at in pair}
    astray = [
        (at, judged)
        for at, judged in found.sheet.judged.items()
        if judged.verdict in (*ACCUSED, "carried") and not exercise.is_given(at) and at not in done
    ]
    for (one, first), (other, later) in combinations(astray, 2):
        if first.verdict == "carried" or (later.verdict == "carried" and later.root != first.name):
            continue
        back = {
            one: _moved(written[other], written[one], exercise),
            other: _moved(written[one], written[other], exercise),
        }
        read = {at: each for at, each in back.items() if each is not None}
        if len(read) == 2 and _is_told(*read.values()) and _is_about(found.sheet, one, read[one]):
            lines = tuple(read.get(at, each) for at, each in written.items())
            yield (one, other), msgspec.structs.replace(found.answers, written=lines)


def _moved(
    line: WrittenQuantity, to: WrittenQuantity, exercise: Exercise
) -> WrittenQuantity | None:
    """A line under another name; None where it has another shape, or is no line of numbers."""
    cells = _as_laid(line)
    whole = all(isinstance(cell, Figure) for row in cells for cell in row)
    shape = (len(cells), len(cells[0]) if cells else 0)
    if not whole or shape != exercise.values[to.epoch, to.batch, to.id].shape:
        return None
    notes = tuple(note for note in line.notes if note != line.turned)
    return WrittenQuantity(to.id, to.epoch, to.batch, cells, notes)


def _as_laid(line: WrittenQuantity) -> Cells:
    """The cells as the student laid them out."""
    if line.problem:
        return line.raw
    return tuple(zip(*line.cells, strict=True)) if line.turned else line.cells


def _is_told(one: WrittenQuantity, other: WrittenQuantity) -> bool:
    """Whether two lines differ in more digits than chance gives. A sign may be lost in both."""
    mine, theirs = (
        [cell for row in line.cells for cell in row if isinstance(cell, Figure)]
        for line in (one, other)
    )
    known = {abs(cell.value) for cell in mine} & {abs(cell.value) for cell in theirs}
    told = [
        sum(cell.digits for cell in cells if cell.value and abs(cell.value) not in known)
        for cells in (mine, theirs)
    ]
    return min(told) >= DIGITS_OF_ONE and sum(told) >= DIGITS_OF_BOTH


def _is_about(sheet: Sheet, place: Key, line: WrittenQuantity) -> bool:
    """Whether a line is about the key of its place, or about what the numbers written before give
    there."""
    numbers = sheet.numbers_of(line, place)
    return any(
        bool((np.abs(numbers.values - due) <= FEW_UNITS * numbers.half + NEAR * np.abs(due)).all())
        for due in (sheet.exercise.values[place], sheet.middle_from_written(place))
    )


def _stands(judged: Judged) -> bool:
    return len(judged.places(*STANDING)) == sum(map(len, judged.entries))


def _said(pair: Pair) -> Sentence:
    """``z and p``; of another update than the first ``z₁@1.2 and a₁@1.2``."""
    one, other = (
        (Symbol(id), str(At(id, epoch, batch)).removeprefix(id)) for epoch, batch, id in pair
    )
    return (*one, " and ", *other)


def _kind(step: Step) -> tuple[str, ...]:
    """What two lines are, whatever layer, parameter or update they are of."""
    return (step.role, step.state, step.id if step.role == "named" else "")


def _charged(
    judged: Judged, said: Sentence, shown: tuple[tuple[str, ...], ...], before: str | None
) -> Judged:
    """A line under the other's name: one entry of the first that counts is charged for all."""
    kept = judged.earned if before is not None else max(judged.earned - 1.0, 0.0)
    wrong: Verdict = "wrong"
    return msgspec.structs.replace(
        judged,
        verdict="wrong",
        entries=((wrong,) * len(judged.entries[0]),) * len(judged.entries),
        written=shown,
        explanations=(Explanation(((LINES_EXCHANGED, judged.id),), said),),
        earned=kept,
        spared=kept,
        root=None,
        repeated=before,
    )


def _by_place(answers: Answers) -> dict[Key, WrittenQuantity]:
    return {(each.epoch, each.batch, each.id): each for each in answers.written}
