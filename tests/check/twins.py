"""Which other mistakes come to the same written numbers, so that nobody could tell them apart.

The other rule is put in its line and the reach of the line that shows is taken anew: a twin is
what rounding takes to every number that was written there.
"""

import copy

import numpy as np

from tests.check.allowance import Seen, reach_with, stands_for_itself
from tests.check.generator import chain, line_reaches, rounding_of, slack_of
from tests.check.habits import numbers
from tests.check.handwork import Work
from tests.check.slips import SLIPS
from tests.check.wrong_rules import given_texts, misread_values, misreadings, right, wrong_rules


def twins(sheet, codes):
    """Those of the codes whose rules also give what is written where the mistake shows; one entry
    alone may be any slip."""
    work = Work(sheet.spec)
    seen, cells, slack = _seen(work, sheet)
    written = numbers(cells)
    found = {*SLIPS, "cut-off"} & codes if len(sheet.truth.entries) == 1 else set()
    for code, reach in _others(work, sheet.truth.id, seen, rounding_of(slack, cells), codes):
        if code not in found and reach.centre.shape == written.shape:
            far = np.abs(written - reach.centre)
            if (far <= reach.radius + slack + 1e-9 * (1 + np.abs(written))).all():
                found.add(code)
                if found == codes:
                    break
    return found


def _seen(work, sheet):
    """What is written above the line that shows, and that line's texts with their slack."""
    seen = {}
    for id, cells in sheet.answers.items():
        rows = [[cells]] if isinstance(cells, str) else cells
        texts = work.page(work.lines[id].kind, np.array(rows, dtype=object))
        written, slack = numbers(texts), slack_of(sheet.habit, texts)
        if id == sheet.truth.id:
            return seen, texts, slack
        reach = line_reaches(work, id, seen, slack, texts)
        alone = stands_for_itself(reach, written)
        seen[id] = Seen(written, np.where(alone, 0.0, slack))
    raise AssertionError("a mistake shows in no line")


def _others(work, id, seen, rounding, codes):
    with np.errstate(all="ignore"):
        above = chain(work, id, seen)
        for line in above:
            for made in wrong_rules(work, work.lines[line], codes):
                if not made.free:
                    yield made.code, reach_with(work, id, seen, rounding, {line: made.rule})
        if "given-misread" not in codes:
            return
        other = copy.copy(work)
        for given, texts in given_texts(work).items():
            if any(given in right(work.lines[line]).reads for line in above):
                for changed in misreadings(texts):
                    other.givens = work.givens | {given: misread_values(work, given, changed)}
                    yield "given-misread", reach_with(other, id, seen, rounding, {})
