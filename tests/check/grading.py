"""The checker on synthetic sheets: what it found of each, and how often it was right."""

from typing import NamedTuple

import numpy as np

from backtrace.check.answers.reading import read_answers, reader
from backtrace.check.judge.checker import Checker
from backtrace.check.mistakes.diagnosis import MOST_EXPLANATIONS
from tests.check.generator import HONEST, generate
from tests.check.slips import SLIPS
from tests.check.twins import twins

ACCUSED = ("wrong", "unsupported", "malformed")
NO_RIGHT_SHAPE = ("wrong", "malformed")


def names(code):
    """What a mistake may be called: one entry that is off is a slip of some kind."""
    return {*SLIPS, "cut-off"} if code in SLIPS else {code}


class Outcome(NamedTuple):
    """What became of one sheet. ``accused`` are the quantities called wrong (or what amounts to
    it) besides the one that is; ``covered``: its entries that are wrong beyond doubt were found."""

    seed: int
    code: str
    digits: int
    located: bool = True
    covered: bool = True
    named: bool = True
    alone: bool = True
    accused: tuple[str, ...] = ()
    found: tuple = ()


def written(sheet):
    """The answers as a file of YAML, numbers as the student typed them."""
    lines = (f"{id}: {_typed(cells)}" for id, cells in sheet.answers.items())
    return "\n".join(lines).encode()


def _typed(cells):
    return cells if isinstance(cells, str) else f"[{', '.join(map(_typed, cells))}]"


def check(sheet):
    """The checker's report on a sheet."""
    checker = Checker(sheet.spec)
    answers = read_answers(written(sheet), "sheet.yaml", reader(checker.tape, sheet.spec))
    return checker.check(answers)


def grade(seed, code):
    """The Outcome of the sheet that ``generate(seed, code)`` gives."""
    sheet = generate(seed, code)
    quantities = _checked(sheet)
    accused = [q for q in quantities if q.verdict in ACCUSED]
    if sheet.truth is None:
        return Outcome(seed, code, sheet.habit.digits, accused=tuple(q.name for q in accused))
    first = accused[0] if accused else None
    located = first is not None and first.name == sheet.truth.id
    said = set(first.mistakes) if located else set()
    if located and (not said or not said <= names(code)):
        named, alone = _among(twins(sheet), said, code)
    else:
        named = alone = located
    return Outcome(
        seed,
        code,
        sheet.habit.digits,
        located,
        located and set(sheet.truth.entries) <= set(first.places(*NO_RIGHT_SHAPE)),
        named,
        alone,
        tuple(q.name for q in accused if q.name != sheet.truth.id),
        (sheet.truth.id, first and (first.name, first.mistakes)),
    )


def _among(alike, said, code):
    """Whether a mistake is named, and alone, that cannot be told from ``alike``: any of them is as
    right, and where there are too many to be told, none."""
    others = alike - names(code)
    if not said:
        return len(others) >= MOST_EXPLANATIONS, False
    return not said.isdisjoint(names(code) | others), said <= names(code) | others


def _checked(sheet):
    """The quantities of the report; a checker that falls says over which sheet."""
    try:
        return check(sheet).quantities
    except Exception as error:
        where = f"generate({sheet.seed}, {sheet.code!r})"
        raise AssertionError(f"the checker fell over {where}") from error


def table(outcomes, key, title):
    """Lines of a table: for each value of ``key`` the sheets and what was found of them."""
    groups = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome), []).append(outcome)
    yield f"{title:32} sheets located entries   named   alone accused"
    yield from (_row(str(name), groups[name]) for name in groups)


def _row(name, group):
    honest = all(outcome.code == HONEST for outcome in group)
    shares = [_share(group, field) for field in ("located", "covered", "named", "alone")]
    cells = [" " * 7 if honest else f"{share:6.1%} " for share in shares]
    return f"{name:32} {len(group):6} {' '.join(cells)} {sum(bool(o.accused) for o in group):6}"


def _share(group, field):
    return float(np.mean([getattr(outcome, field) for outcome in group]))
