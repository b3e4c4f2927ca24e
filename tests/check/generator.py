"""Synthetic students: sheets of answers with at most one wrong rule, and the truth about each.

``generate(seed, code)`` is the same sheet every time. The networks are worked by ``handwork``, the
mistakes are those of ``wrong_rules``; a mistake that the digits written do not reveal beyond doubt
makes no sheet, and another exercise is drawn.
"""

from typing import NamedTuple

import numpy as np

from tests.check.allowance import Rounding, Seen, departures, reaches, stands_for_itself
from tests.check.habits import Habit, numbers, random_habit, units, written_ids
from tests.check.handwork import Rule, Work
from tests.check.honest_work import worked, workings
from tests.check.published_wrong_rules import through_slope  # noqa: F401, its rows
from tests.check.random_exercises import pick, random_spec
from tests.check.rarer_wrong_rules import exchanged
from tests.check.slips import SLIPS, slipped
from tests.check.wrong_rules import (
    CATALOGUE,
    Wrong,
    first_use,
    given_texts,
    misread_values,
    misreadings,
    read_as,
    right,
    wrong_rules,
)

HONEST = "honest"
ADDED = ("penalty-misderived",)  # behind the others, whose sheets stay what they were
CODES = (*(code for code in CATALOGUE if code not in ADDED), "given-misread", *SLIPS, *ADDED)
LARGEST = 1e4
MOST_OFF = 1e2
ATTEMPTS = 1000

# What an exercise needs before a mistake can be made in it.
NEEDS = {
    "wrong-log-base": {"losses": ("binary_cross_entropy", "cross_entropy")},
    "softmax-wrong-axis": {"losses": ("cross_entropy",), "samples": 2},
    "matrix-product-for-hadamard": {"square": True},
    "hadamard-for-matrix-product": {"square": True},
    "weights-not-transposed": {"square": True},
    "transposed": {"square": True},
    "mean-omitted": {"averaged": True, "samples": 2},
    "mean-twice": {"averaged": True, "samples": 2},
    "batch-not-summed": {"samples": 2},
    "penalty-omitted": {"penalised": True},
    "penalty-misderived": {"penalised": True},
    "penalty-on-bias": {"penalised": True, "biases": ("added", "first", "last")},
    "bias-omitted": {"biases": ("added", "shared", "threshold", "first", "last")},
    "derivative-not-cancelled": {"losses": ("binary_cross_entropy", "cross_entropy")},
    "complement-omitted": {"losses": ("binary_cross_entropy",)},
    "square-omitted": {"losses": ("sse", "half_sse", "mse", "half_mse")},
    "wrong-layer": {"square": True},
    "summed-wrong-axis": {"square": True, "samples": 2},
    "old-weights-used": {"optimizers": ("sgd",), "backpropagate_through": "updated"},
    "velocity-omitted": {"optimizers": ("momentum", "nesterov"), "samples": 2, "batch_size": 1},
    "bias-correction-omitted": {"optimizers": ("adam", "adamw")},
    "correction-of-another-step": {"optimizers": ("adam", "adamw")},
    "root-omitted": {"optimizers": ("adam", "adagrad", "rmsprop")},
    "velocity-form": {"optimizers": ("momentum", "nesterov")},
    "average-shares": {"optimizers": ("adam", "adamw", "rmsprop", "momentum")},
    "summed-as-a-whole": {"samples": 2, "biases": ("added", "threshold")},
    "jacobian-diagonal-only": {"losses": ("cross_entropy",), "output_delta": "chain"},
}


class Truth(NamedTuple):
    """Where a sheet first goes wrong as written, by which rule, worked at which line; ``entries``
    are those (row, column, from 1, as on the page) that rounding can't explain."""

    id: str
    code: str
    origin: str
    entries: tuple[tuple[int, int], ...]


class Sheet(NamedTuple):
    """``answers`` are nested lists of texts in the layout of the spec, a text for a scalar;
    ``truth`` is None for an honest student. ``hidden`` counts the students drawn before whose
    mistake does not show, ``unclear`` those where the first-order judge can't tell."""

    seed: int
    code: str
    spec: object
    habit: Habit
    answers: dict
    truth: Truth | None
    hidden: int = 0
    unclear: int = 0


def generate(seed, code=None):
    """The sheet of that seed; ``code`` is one of CODES or HONEST, else the seed chooses."""
    kinds = (HONEST, *CODES)
    code = kinds[seed % len(kinds)] if code is None else code
    random = np.random.default_rng([seed, kinds.index(code)])
    hidden = unclear = 0
    for _ in range(ATTEMPTS):
        found = _draw(seed, code, random)
        if isinstance(found, Sheet):
            return found._replace(hidden=hidden, unclear=unclear)
        hidden, unclear = hidden + (found == "hidden"), unclear + (found == "unclear")
    raise RuntimeError(f"no exercise in {ATTEMPTS} reveals {code} (seed {seed})")


def _draw(seed, code, random):
    """A Sheet, or why there is none: ``hidden``, ``unclear`` or ``unfit``."""
    work, habit = Work(random_spec(random, **NEEDS.get(code, {}))), random_habit(random)
    if not _tame(work.exact):
        return "unfit"
    ids = written_ids(random, habit, work)
    wrong = _mistake(random, code, work, ids)
    if wrong is None and code != HONEST:
        return "unfit"
    texts, values = write_sheet(random, work, habit, ids, wrong)
    if not _tame(values) or _divides_by_nothing(work, values) or _loses_squares(work, texts):
        return "unfit"
    truth = None
    if wrong is not None:
        truth = _truth(work, habit, texts, wrong)
        if isinstance(truth, str):
            return truth
        if is_honest_work(work, habit, texts, truth):
            return "hidden"
    answers = {id: _on_page(work, id, cells) for id, cells in texts.items()}
    return Sheet(seed, code, work.spec, habit, answers, truth)


def _tame(values):
    return all(np.isfinite(x).all() and np.abs(x).max() < LARGEST for x in values.values())


def _divides_by_nothing(work, values):
    """Whether a number is out by the hundred: nobody goes on with a square that rounds to 0."""
    return any(
        np.abs(values[id]).max() > MOST_OFF * (1 + np.abs(x).max()) for id, x in work.exact.items()
    )


def _loses_squares(work, texts):
    """Whether a square that is very small is written as a bare 0: of digits that are counted from
    the first, those of 4e-16 are as good as others."""
    return any(
        ((cells == "0") & (work.exact[id] != 0)).any()
        for id, cells in texts.items()
        if work.lines[id].kind in ("vW", "vb", "vhatW", "vhatb", "sW", "sb")
    )


def _on_page(work, id, cells):
    if cells.shape == (1, 1) and work.lines[id].kind in SCALARS:
        return cells[0, 0]
    return work.page(work.lines[id].kind, cells).tolist()


SCALARS = ("loss", "data_loss", "penalty", "loss_after")


# Mistakes


def _mistake(random, code, work, ids):
    if code == HONEST:
        return None
    if code == "copied-wrong" and random.random() < 0.5:
        return _miscopied(random, work, ids)
    if code in SLIPS:
        return Wrong(code, pick(random, ids), None)
    if code == "given-misread":
        return _misreading(random, work)
    if code == "entries-exchanged" and random.random() < 0.5:
        return _exchanged_givens(random, work)
    sites = [made for line in work.lines.values() for made in wrong_rules(work, line, (code,))]
    sites = [made for made in sites if made.id in ids or not (made.free or _is_bare(work, made))]
    return pick(random, sites) if sites else None


def _is_bare(work, made):
    """Whether a mistake is none that people make on the way: −z, if z is not written down."""
    return made.code == "sign-flipped" and work.lines[made.id].kind in ("z", "a", "g")


def _misreading(random, work):
    texts = given_texts(work)
    is_class = work.spec.loss is not None and work.spec.loss.name == "hinge"  # y is no number
    used = [id for id in texts if first_use(work, id) is not None and not (is_class and id == "y")]
    id = pick(random, used)
    changed = pick(random, list(misreadings(texts[id])))
    line = work.lines[first_use(work, id)]
    values = misread_values(work, id, changed)
    return Wrong("given-misread", line.id, None, (id, values), bool(random.random() < 0.3))


def _exchanged_givens(random, work):
    id = pick(random, [id for id in given_texts(work) if first_use(work, id) is not None])
    found = list(exchanged(work.givens[id]))
    if not found:
        return None
    values = pick(random, found)(work.givens[id])
    return Wrong("entries-exchanged", first_use(work, id), None, (id, values))


def _miscopied(random, work, ids):
    """An own number of a line before, read as another in one line."""
    line = work.lines[pick(random, ids)]
    own = [read for read in right(line).reads if read in ids]
    if not own:
        return None

    def values(texts, carried):
        place = pick(random, list(np.ndindex(texts.shape)))
        others = [t for t in read_as(texts, place) if float(t) not in (0.0, float(texts[place]))]
        changed = carried.copy()
        changed[place] = float(pick(random, others))
        return changed

    return Wrong("copied-wrong", line.id, None, (pick(random, own), values), True)


# Working a sheet


def write_sheet(random, work, habit, ids, wrong=None):
    """The texts of the lines in ``ids`` and all values as the student had them, by id."""
    student = _Student(random, work, habit, set(ids), wrong)
    for id in work.lines:
        student.value(id)
    return {id: student.texts[id] for id in work.lines if id in student.texts}, student.values


def is_honest_work(work, habit, texts, truth):
    """Whether somebody who makes no mistake writes the same, to the last digit."""
    before = [*texts][: [*texts].index(truth.id) + 1]
    lines = [*work.lines][: [*work.lines].index(truth.id) + 1]
    updates = any(work.lines[id].kind.endswith("_new") for id in lines)
    for other, decimals in workings(habit, updates):
        student = _Student(None, work, other, {*texts}, None, decimals)
        if all(np.array_equal(student.text(id), texts[id]) for id in (*before[::-1], *texts)):
            return True
    return False


class _Student:
    """``decimals`` are those to which the parts of an update are noted."""

    def __init__(self, random, work, habit, ids, wrong, decimals=None):
        self.random, self.work, self.habit, self.ids, self.wrong = random, work, habit, ids, wrong
        self.decimals = decimals
        self.texts, self.lost = {}, set()
        self.values = dict(work.givens)
        if wrong is not None and wrong.misread is not None and not wrong.once:
            id, values = wrong.misread
            self.values[id] = values

    def value(self, id):
        """The value the student goes on with; worked when it is first needed."""
        if id not in self.values:
            with np.errstate(all="ignore"):
                self.values[id] = self.work_line(self.work.lines[id])
        return self.values[id]

    def text(self, id):
        """What stands on the page; None where what was worked is too large for that."""
        self.value(id)
        return self.texts.get(id)

    def work_line(self, line):
        rule = self.rule(line)
        operands = [self.value(id) for id in rule.reads]
        if self.lost & set(rule.reads):
            self.lost.add(line.id)  # worked on something that has no right shape: left out
            return self.work.exact[line.id]
        if self.misreads_here(line):
            id, values = self.wrong.misread
            if callable(values):  # what is so large that it was not written is not miscopied
                own = self.values[id]
                values = values(self.texts[id], own) if id in self.texts else own
            operands = [values if read == id else x
                        for read, x in zip(rule.reads, operands, strict=True)]  # fmt: skip
        decimals = self.decimals if line.kind.endswith("_new") else None
        value = worked(rule, operands, decimals)
        if self.wrong is not None and self.wrong.free and self.wrong.id == line.id:
            self.lost.add(line.id)
        return self.written(line, value) if _tame({line.id: value}) else value

    def rule(self, line):
        wrong = self.wrong
        if wrong is not None and wrong.id == line.id and wrong.rule is not None:
            return wrong.rule
        return line.rules[-1 if self.second_way(line) else 0]

    def second_way(self, line):
        """g from a, and from the error what else can be worked from a and y."""
        from_error = "error" in {read.partition("@")[0] for read in line.rules[-1].reads}
        return self.habit.second_way and (line.kind == "g" or from_error)

    def misreads_here(self, line):
        wrong = self.wrong
        return wrong is not None and wrong.once and wrong.id == line.id

    def written(self, line, value):
        """Puts the line on the page, if it goes there, and returns what is carried on."""
        if line.id not in self.ids and self.habit.carry != "rounded":
            return value
        texts = self.habit.write(value)
        wrong = self.wrong
        slips = wrong is not None and wrong.rule is None and wrong.misread is None
        if slips and wrong.id == line.id:
            before = numbers(texts)
            slipped(self.random, wrong.code, texts, value)
            value = slipped_too(wrong.code, value, before, numbers(texts))
        if line.id in self.ids:
            self.texts[line.id] = texts
        return value if self.habit.carry == "full" else numbers(texts)


def slipped_too(code, value, before, after):
    """A value that its text was a rounding of, with the slip that befell the text."""
    if code not in ("point-moved", "sign-slip"):
        return value + after - before
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(after == before, value, value * after / before)


# The truth about a sheet


def _truth(work, habit, texts, wrong):
    """The first line as written that no honest student could have written, or why none is."""
    if wrong.free:
        return _lost_shape(wrong)
    seen = {}
    for id, cells in texts.items():
        written = numbers(cells)
        slack = slack_of(habit, cells)
        found = line_reaches(work, id, seen, slack, cells)
        away = departures(work, id, found, written, slack)
        if away.max() == 2:
            if not (written.any() and _tells_activations_apart(wrong, cells, away)):
                return "unclear"  # nothing but zeros says nothing
            if not _only_a_slip(work, id, wrong, seen, written, slack, found):
                return "unclear"
            return _truth_at(work, id, wrong, away == 2)
        if away.max() == 1:
            return "unclear"
        slack = np.where(stands_for_itself(found, written), 0.0, slack)
        seen[id] = Seen(written, slack)
    return "hidden"


def _truth_at(work, id, wrong, entries):
    places = np.argwhere(work.page(work.lines[id].kind, entries)) + 1
    return Truth(id, wrong.code, wrong.id, tuple(map(tuple, places.tolist())))


def _lost_shape(wrong):
    """A matrix of a shape that fits no way round is wrong as a whole, it has no entries."""
    return Truth(wrong.id, wrong.code, wrong.id, ())


def slack_of(habit, cells):
    """Half a unit of the last digit, a whole one for a student who truncates."""
    return units(cells) * (1.0 if habit.truncates else 0.5)


def line_reaches(work, id, seen, slack, cells):
    """The line's reaches, what was not written being rounded to the last decimal in ``cells``."""
    with np.errstate(all="ignore"):
        return reaches(work, id, seen, rounding_of(slack, cells))


def rounding_of(slack, cells):
    """What a line that was not written may have been rounded to, by those that were."""
    return Rounding(float(units(cells).min()), float(slack.min()))


def _tells_activations_apart(wrong, cells, away):
    """One of a dozen activations fits nearly any few numbers: three of three digits tell them
    apart, and one entry of several that is off may be a slip."""
    significant = (len(text.lstrip("-0.").replace(".", "")) for text in cells.flat)
    enough = sum(count >= 3 for count in significant) >= 3 and (away == 2).sum() > 1
    return wrong.code != "wrong-activation" or enough


def _only_a_slip(work, id, wrong, seen, written, slack, found):
    """Whether no other mistake of the catalogue comes to what a slip has left on the page."""
    if wrong.code not in SLIPS:
        return True
    radius = 1.5 * found[0].radius + slack
    with np.errstate(all="ignore"):
        for other in _alternatives(work, id, seen):
            if other.shape == written.shape and (np.abs(other - written) <= radius + 1e-9).all():
                return False
    return True


def _alternatives(work, id, seen):
    """What line ``id`` comes to from what is seen, by every other mistake on the way to it."""
    above = chain(work, id, seen)
    for line in above:
        for made in wrong_rules(work, work.lines[line]):
            if not made.free or line == id:  # with no right shape there is no next line
                yield _replayed(work, id, seen, {line: made.rule}, {})
    for given, texts in given_texts(work).items():
        if any(given in work.lines[line].rules[0].reads for line in above):
            for changed in misreadings(texts):
                values = misread_values(work, given, changed)
                yield _replayed(work, id, seen, {}, {given: values})


def chain(work, id, seen):
    """``id`` and what it rests on down to what is written, by the usual rules."""
    found, waiting = [], [id]
    while waiting:
        line = waiting.pop()
        if line not in found:
            found.append(line)
            reads = work.lines[line].rules[0].reads
            waiting += [r for r in reads if r not in seen and r not in work.givens]
    return found


def _replayed(work, id, seen, rules, givens):
    values = work.givens | {id: one.values for id, one in seen.items()} | givens

    def value(id):
        if id not in values:
            rule: Rule = rules.get(id) or work.lines[id].rules[0]
            values[id] = rule.work(*(value(read) for read in rule.reads))
        return values[id]

    return value(id)
