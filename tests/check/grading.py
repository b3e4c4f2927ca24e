"""The checker on synthetic sheets: what it found of each, and how often it was right."""

from typing import NamedTuple

import numpy as np

from backtrace.check.answers.reading import read_answers, reader
from backtrace.check.diagnosis.diagnosis import MOST_EXPLANATIONS
from backtrace.check.judge.checker import Checker
from tests.check.generator import HONEST, generate
from tests.check.slips import SLIPS
from tests.check.twins import twins
from tests.check.wrong_rules import CATALOGUE

ACCUSED = ("wrong", "unsupported", "malformed")
NO_RIGHT_SHAPE = ("wrong", "malformed")


def names(code):
    """What a mistake may be called: one entry that is off is a slip of some kind."""
    return {*SLIPS, "cut-off"} if code in SLIPS else {code}


class Outcome(NamedTuple):
    """What became of one sheet. ``accused`` are the quantities called wrong (or what amounts to
    it) besides the one that is, or that shows the same mistake; ``covered``: its entries that are
    wrong beyond doubt were found."""

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
    order = [q.name for q in quantities]
    located = first is not None and _is_place(first, sheet, order)
    is_it = first is not None and (located or _shows(first, sheet))
    said = set(first.mistakes) if located else set()
    named, alone = (False, False) if not located else _is_named(sheet, said)
    return Outcome(
        seed,
        code,
        sheet.habit.digits,
        located,
        located and (first.name != sheet.truth.id or _covers(first, sheet.truth.entries)),
        named,
        alone,
        tuple(q.name for q in accused if q.name not in (sheet.truth.id, is_it and first.name)),
        (sheet.truth.id, first and (first.name, first.mistakes)),
    )


def _covers(judged, entries):
    return set(entries) <= set(judged.places(*NO_RIGHT_SHAPE))


def _is_place(first, sheet, order):
    """Whether the first line that is called wrong is the first that is so; a line before it in the
    ``order`` of the report that shows the same mistake less clearly is as good, also where
    something else is as likely."""
    if first.name == sheet.truth.id:
        return True
    earlier = order.index(first.name) < order.index(sheet.truth.id)
    is_it = sheet.truth.code not in SLIPS and sheet.truth.code in first.mistakes
    return earlier and (is_it or _shows(first, sheet))


def _shows(judged, sheet):
    """Whether a line is said to be wrong by the mistake that was made, where it was made; a report
    names no update there."""
    made = (sheet.truth.code, sheet.truth.origin.partition("@")[0])
    return any(made in each.mistakes for each in judged.explanations)


def _is_named(sheet, said):
    """Whether a mistake is named, and alone. What cannot be told from it is as right; and where
    there is too much of that to be told, none."""
    own = names(sheet.truth.code)
    if not said:
        others = twins(sheet, {*CATALOGUE} - own)
        return len(others) >= MOST_EXPLANATIONS, False
    others = said - own and twins(sheet, said - own)
    return not said.isdisjoint(own | others), said <= own | others


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
