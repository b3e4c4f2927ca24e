"""A class by name: a row a student, a column a step, and what tells students of one name apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import TypeAlias

from backtrace.check.judge.checker import Checker
from backtrace.check.model import Judged, Report
from backtrace.check.sheets.exercise import Key
from backtrace.page.blocks import Block, Cell, Column, Facts, Section, Table
from backtrace.page.inert import inert
from backtrace.page.report.phrases import LEGEND, SPOKEN, Words, name_of, plain_number

WRONG = "wrong, in so many entries"

Named: TypeAlias = "list[tuple[str, Report]]"  # each report by who handed the sheet in


def roster(checker: Checker, named: Named, words: Words) -> Iterator[Block]:
    """A row a student, a column a step; below it what the signs mean."""
    reports = [report for _, report in named]
    steps = steps_of(checker, reports)
    columns = [Column("student", left=True), Column("marks")]
    columns += [Column(symbol, left=True) for symbol in symbols_of(steps, words).values()]
    found = [{judged.name: judged for judged in each.quantities} for each in reports]
    rows = (
        (
            Cell(student),
            Cell(f"{plain_number(report.score.points)}/{plain_number(report.score.of)}", "marks"),
            *(_verdict(given.get(name)) for name in steps),
        )
        for (student, report), given in zip(named, found, strict=True)
    )
    shares = [_percent([given[name] for given in found if name in given]) for name in steps]
    last = (Cell("% right", "label"), Cell(""), *(Cell(share, "heading") for share in shares))
    all_rows = (*rows, last) if len(reports) > 1 else tuple(rows)
    yield Table(tuple(columns), all_rows, "groups")
    used = {judged.verdict for given in found for judged in given.values()}
    legend = tuple(
        Cell(WRONG if verdict == "wrong" else LEGEND[verdict], verdict)
        for verdict in SPOKEN
        if verdict in used
    )
    if legend:
        yield Section("", (Facts(legend),))


def _verdict(judged: Judged | None) -> Cell:
    """The sign of a verdict; of what is wrong, how many entries, so that it is seen."""
    if judged is None:
        return Cell("")
    several = judged.verdict == "wrong" and sum(map(len, judged.entries)) > 1
    return Cell(str(len(judged.places("wrong"))) if several else "", judged.verdict)


def _percent(given: Sequence[Judged]) -> str:
    share = share_right(given)
    return "" if share is None else str(round(100 * share))


def share_right(given: Sequence[Judged]) -> float | None:
    """The share that is right of those who wrote a step or had to; None where nobody did."""
    well = sum(judged.verdict in ("right", "rounded") for judged in given)
    return well / len(given) if given else None


def steps_of(checker: Checker, reports: Iterable[Report]) -> dict[str, Key]:
    """The steps that anybody wrote or was asked for, in the order of work, by their names."""
    used = {(q.epoch, q.batch, q.id) for report in reports for q in report.quantities}
    return {name_of(step): step for step in checker.steps if step in used}


def symbols_of(steps: dict[str, Key], words: Words) -> dict[str, str]:
    """What the steps are called on a page, by their names; their update where there are several."""
    several = len({(epoch, batch) for epoch, batch, _ in steps.values()}) > 1
    return {
        name: words.symbols.name(id) + (f"@{epoch}.{batch}" if several else "")
        for name, (epoch, batch, id) in steps.items()
    }


def told_apart(reports: tuple[Report, ...]) -> list[str]:
    """The students' names; of those that several have, the file too, or which of them it is."""
    same: dict[str, list[Report]] = {}
    for report in reports:
        same.setdefault(inert(report.student), []).append(report)
    labels = {name: _labels(name, group) for name, group in same.items()}
    return [labels[inert(report.student)].pop(0) for report in reports]


def _labels(name: str, group: list[Report]) -> list[str]:
    if len(group) == 1:
        return [name]
    for shorter in (True, False):
        files = [inert(PurePath(r.file).name if shorter else r.file) for r in group]
        if len(set(files)) == len(files):
            return [f"{name} ({file})" for file in files]
    return [f"{name} ({number} of {len(group)})" for number in range(1, len(group) + 1)]
