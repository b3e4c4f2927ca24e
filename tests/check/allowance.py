"""How far rounding alone can move a line, to first order: the judge of what a sheet reveals.

The line is worked from the nearest written numbers, once with each of them half a unit up and once
half a unit down, and so with each number of the lines between that were not written, and with each
that is noted on the way to a line; the largest changes are added up. Rounding can reach that far
and, but for what several changes do together, no further. This is no interval arithmetic, so that
the checker's may be held against it.
"""

from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np

from tests.check.scratch_paper import Paper

TINY = 1e-9
MOST_WAYS = 64  # to work a line by right rules, each with every rounding
SAFETY = 1.3
"""What lies further off than this times the reach is wrong beyond doubt."""


class Seen(NamedTuple):
    """A written quantity: its values, and how far each may be from what the student had."""

    values: np.ndarray
    slack: np.ndarray


class Rounding(NamedTuple):
    """What a line that was not written may have been rounded to: the unit of the last decimal
    kept, and how far that may be from the value (half of it, or all for those who truncate)."""

    unit: float
    slack: float


class Reach:
    """What a line comes to by one set of right rules, ``centre``, and how far rounding moves each
    entry, which is worked when it is asked for: most lines are the key's, and need it not."""

    def __init__(self, work, chain, rules, seen, rounding):
        self._chain, self._rules, self._rounding = chain, rules, rounding
        self._read = {}
        self._papers = {line: Paper() for line in chain}
        self._values = dict(work.givens)
        for line in chain:
            for id in rules[line].reads:
                if id not in self._values:
                    self._read[id] = seen[id]
                    self._values[id] = seen[id].values
            operands = [self._values[id] for id in rules[line].reads]
            self._values[line] = self._papers[line].work(rules[line], operands)
        self.centre = self._values[chain[-1]]

    @cached_property
    def radius(self):
        with np.errstate(all="ignore"):
            return self._radius()

    def _radius(self):
        loose, moved, waiting = self._loose(), {}, True
        while waiting:
            moved = _moved(self._chain, self._rules, self._values, loose)
            kept = [one for one in loose if not _idle(one, moved, self._values, self._rounding)]
            loose, waiting = kept, len(kept) < len(loose)
        change = np.abs(moved[self._chain[-1]] - self.centre)
        change = np.where(np.isfinite(change), change, np.inf)
        half = len(change) // 2
        return np.maximum(change[:half], change[half:]).sum(axis=0)

    def _loose(self):
        """What may have been rounded, as Places."""
        loose, values, rounding = [], self._values, self._rounding
        slacks = {id: read.slack for id, read in self._read.items()}
        for line in self._chain:
            reads = self._rules[line].reads
            for id in reads:
                loose += _places(id, None, slacks.pop(id)) if id in slacks else []
            touched = bool({place.id for place in loose} & set(reads))
            for number, note in enumerate(self._papers[line].notes):
                if not np.array_equal(note, values[line]):  # what is the line itself is no note
                    alone = _whole(note, rounding) & (not touched or note == 0)
                    loose += _places(line, number, np.where(alone, 0.0, rounding.slack))
            if line != self._chain[-1]:
                changes = ~_whole(values[line], rounding) | touched
                loose += _places(line, None, np.where(changes, rounding.slack, 0.0))
        return loose


def reaches(work, id, seen, rounding):
    """A Reach of line ``id`` for every choice between right rules; ``seen`` holds what is written
    above it."""
    chain = _unwritten(work, id, seen)
    return [Reach(work, chain, dict(zip(chain, rules, strict=True)), seen, rounding)
            for rules in _choices([work.lines[line] for line in chain])]  # fmt: skip


def _choices(lines):
    """The right rules of some lines, in every way; of very many ways those in which lines of one
    kind are worked alike."""
    if np.prod([len(line.rules) for line in lines]) <= MOST_WAYS:
        return product(*(line.rules for line in lines))
    kinds = dict.fromkeys(line.kind for line in lines)
    most = [max(len(line.rules) for line in lines if line.kind == kind) for kind in kinds]
    alike = (dict(zip(kinds, which, strict=True)) for which in product(*map(range, most)))
    return [[line.rules[min(of[line.kind], len(line.rules) - 1)] for line in lines] for of in alike]


def reach_with(work, id, seen, rounding, wrong):
    """A Reach of line ``id`` with other rules in some lines, by line."""
    rules = {}

    def note(line):
        """The lines that this one rests on before it: a wrong rule may reach for a later one."""
        rule = wrong.get(line, work.lines[line].rules[0])
        for read in rule.reads:
            if read not in rules and read not in seen and read not in work.givens:
                note(read)
        rules[line] = rule

    note(id)
    return Reach(work, [*rules], rules, seen, rounding)


def _unwritten(work, id, seen):
    """``id`` and all that it rests on down to what is written or given, in the order of work."""
    needed, waiting = set(), [id]
    while waiting:
        line = waiting.pop()
        if line in needed:
            continue
        needed.add(line)
        reads = {r for rule in work.lines[line].rules for r in rule.reads}
        waiting += [r for r in reads if r not in seen and r not in work.givens]
    return [line for line in work.lines if line in needed]


class Place(NamedTuple):
    """An entry that may have been rounded: of a line, or of its ``note`` of that number."""

    id: str
    note: int | None
    entry: tuple[int, ...]
    far: float
    shape: tuple[int, ...]


def _places(id, note, slack):
    entries = map(tuple, np.argwhere(slack > 0).tolist())
    return [Place(id, note, entry, slack[entry], slack.shape) for entry in entries]


def _whole(values, rounding):
    """Which values rounding leaves alone."""
    steps = values / rounding.unit
    return np.abs(steps - np.round(steps)) <= TINY * (1 + np.abs(steps))


def _idle(one, moved, centre, rounding):
    """Whether an entry between is the same whatever is rounded above it, and rounds to itself: a
    ReLU that is off is 0 and nothing else."""
    if one.note is not None or one.id not in moved:
        return False
    still = bool((moved[one.id][(..., *one.entry)] == centre[one.id][one.entry]).all())
    return still and bool(_whole(centre[one.id][one.entry], rounding))


def _moved(chain, rules, centre, loose):
    """The lines of the chain for each single change, all those upward first, each line before
    its own rounding."""
    bumps = _bumps(loose)
    found, rounded = {}, {id: value + bumps[id, None] for id, value in centre.items()
                          if (id, None) in bumps}  # fmt: skip
    for line in chain:
        operands = [rounded.get(id, centre[id]) for id in rules[line].reads]
        nudges = {note: bump for (id, note), bump in bumps.items() if id == line}
        result = Paper(nudges).work(rules[line], operands)
        found[line] = np.broadcast_to(result, (2 * len(loose), *centre[line].shape))
        rounded[line] = result + nudges.get(None, 0.0)
    return found


def _bumps(loose):
    """What each change adds, by line and note: an axis of changes before those of the entries."""
    found = {}
    for number, one in enumerate(loose):
        where = one.id, one.note
        if where not in found:
            found[where] = np.zeros((2 * len(loose), *one.shape))
        bump = found[where]
        bump[(number, *one.entry)] = one.far
        bump[(number + len(loose), *one.entry)] = -one.far
    return found


def departures(work, id, found, written, slack):
    """Entry by entry: 0 where a written line may be honest, 1 where that is hard to tell, 2 where
    it is wrong beyond doubt. ``found`` are the line's reaches, ``slack`` the written entries'."""
    exact = work.exact[id]
    doubt = _outside(exact, 0.0, written, slack, 1.0)
    for reach in found if doubt.any() else ():  # what is there if nothing else was rounded
        doubt &= _outside(reach.centre, 0.0, written, slack, 1.0)
    certain = doubt & _outside(exact, 0.0, written, slack, SAFETY)
    for reach in found:
        if not doubt.any():  # nor is anything wrong for certain then
            break
        doubt &= _outside(reach.centre, reach.radius, written, slack, 1.0)
        certain &= _outside(reach.centre, SAFETY * reach.radius, written, slack, 1.0)
    return doubt.astype(int) + (doubt & certain)


def _outside(centre, radius, written, slack, factor):
    distance = np.abs(written - centre)
    return distance > radius + factor * slack + TINY * (1 + np.abs(centre))


def stands_for_itself(found, written):
    """Which written entries are exactly the one value that the line can have."""
    exactly = np.zeros(written.shape, dtype=bool)
    for reach in found:
        same = np.abs(reach.centre - written) < TINY
        exactly |= same & (reach.radius == 0) if same.any() else same
    return exactly
