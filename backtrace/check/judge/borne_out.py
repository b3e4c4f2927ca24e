"""Whether coarse scratch work, which would excuse what is wrong, has left its mark on a sheet.

By the likelihood of all lines that it would move. As usually worked, a number is mostly what the
numbers written before it give, or what it is exactly, rounded; else any of those that rounding on
the way may leave, and after a slip of the hand any of many. As coarsely worked it is mostly what
those give with their parts noted, else any that noted parts leave. A line as a whole was noted so
or was not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from copy import copy
from functools import cached_property

import msgspec
import numpy as np

from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.check.model import Explanation
from backtrace.check.rules.intervals import Floats, Interval, hull, in_any, point, some
from backtrace.check.rules.noted_lines import ROUNDED_PARTS
from backtrace.check.rules.noted_powers import ways_of
from backtrace.check.rules.noting import Noting
from backtrace.check.sheets.digits import Numbers
from backtrace.check.sheets.exercise import Exercise, Key, Work
from backtrace.check.sheets.sheet import MOST_WORK, Doubt, Sheet
from backtrace.check.sheets.workings import ACCUSED, Working, accused_entries, accused_places
from backtrace.functions.elementary import FUNCTIONS
from backtrace.tape.steps import Step

SLIPS = 30.0  # numbers that a slip may leave; mistakes that follow a rule are wrong in many
MANY = 1000.0  # numbers that a line may hold, beyond which more make no difference
KINKED = 2.0  # the same of a slope of straight pieces, which is right by chance half the time
FROM_WRITTEN, EXACTLY = 0.55, 0.25  # how often a number is what these give, rounded
NOTED = 0.95  # how often a line whose partial results may be noted was worked so
VARIED = 0.3  # how often the unwritten lines before it were rounded so, where decimals vary
ALL_NOTED = 0.2  # how often all partial results are noted with the digits of the page
IN_ONE_GO = 0.05  # how often a number of such a line was not
MOSTLY = 0.7  # how often its noted parts are those of the written numbers as they stand
WHOLE = 0.1  # how often the line itself was noted coarsely as well
UNSEEN = 0.5  # as often, where a line before it is not on the page, which may be rounded as well
BETWEEN = 0.25  # then, that it is what those give with each line between rounded
AT_EDGE = 0.3  # of what rounding may do at most, that it does so much
SLOPES = ("activation_derivative", "chain")  # which are worked from a as well
OF_ONE_PART = ("hadamard", "scale_step", "times")  # lines that are what would be noted
OF_SHARES = frozenset(("total", "sum_samples"))  # of a mean, which some note and some do not
OF_POWERS = ("activate", "activation_derivative", "softmax")  # of e
RULES = 40.0  # mistakes that have names, one as likely as the other
EXACT = 1e-12  # the unit of a number that was not rounded, relatively


def weight(coarse: Sheet, usual: Sheet, least: float = -math.inf) -> float:
    """How much likelier a sheet is as it was worked coarsely than with slips: the natural logarithm
    of the ratio. What is wrong either way says nothing. Where it is not above the ``least`` that is
    needed, anything that is not either."""
    lines = [
        _Line(coarse, usual, place)
        for place in coarse.judged
        if place in usual.judged and _is_touched(coarse, usual, place)
    ]
    powers = {at for at in coarse.exercise.steps if _ways(coarse, at) > 1}
    of_powers = [not powers.isdisjoint(_on_the_way(coarse, line.place)) for line in lines]
    in_any_way = [_told(lines, noted, of_powers, least) for noted in _so_throughout(coarse)]
    best = max((sum(told) for told in in_any_way if told is not None), default=-math.inf)
    ways = max((_ways(coarse, at) for at in powers), default=0)
    for way in range(ways):
        if coarse.exercise.trials.is_spent:
            break
        for told, noted in zip(in_any_way, _so_throughout(coarse, way), strict=True):
            if told is not None:
                enough = max(best, least) + math.log(ways)
                so = _told_of_powers(lines, noted, told, of_powers, enough)
                best = max(best, so - math.log(ways))
    return best


def _told_of_powers(
    lines: Sequence[_Line],
    noted: tuple[Sheet, Sheet],
    told: Sequence[float],
    of_powers: Sequence[bool],
    least: float,
) -> float:
    """What all lines tell where powers of e were worked in one way; what it may be at most, where
    that can't be enough."""
    by_power = [line for line, is_one in zip(lines, of_powers, strict=True) if is_one]
    others = (each for each, is_one in zip(told, of_powers, strict=True) if not is_one)
    most = math.fsum(others) + math.fsum(line.most for line in by_power)
    for line in by_power:
        if most <= least:
            return most
        most += line.told(*noted) - line.most
    return most


def _told(
    lines: Sequence[_Line], noted: tuple[Sheet, Sheet], of_powers: Sequence[bool], least: float
) -> list[float] | None:
    """What each line tells; None where all of them can't be enough, in whichever way powers of e
    were worked."""
    told, most = [], math.fsum(line.most for line in lines)
    for line, by_power in zip(lines, of_powers, strict=True):
        if most < least:
            return None
        told.append(line.told(*noted))
        most += 0.0 if by_power else told[-1] - line.most
    return told


def _ways(coarse: Sheet, at: Key) -> int:
    step = coarse.exercise.steps[at]
    return ways_of(step) if step.operation in coarse.working.parts else 0


def _on_the_way(sheet: Sheet, place: Key) -> list[Key]:
    """A line and those before it that are not written."""
    exercise = sheet.exercise
    lines = exercise.lines_before(place, lambda at: at in sheet.written or exercise.is_given(at))
    return lines + exercise.lines_again(place)


def weight_of_cutting(cut: Sheet, usual: Sheet) -> float:
    """How much likelier a sheet is as its digits were ``cut`` off than as they were rounded, by all
    lines: the natural logarithm of the ratio. Either way all partial results were noted with the
    digits of the page, or none. An unwritten line that was cut off may make others look rounded."""
    if usual not in cut.weights:
        cut.weights[usual] = _told_by_all(cut, usual)
    return cut.weights[usual]


def _told_by_all(cut: Sheet, usual: Sheet) -> float:
    lines = {
        cut.numbers[place].values.tobytes(): place  # a copy tells nothing more
        for place in reversed(cut.judged)
        if place in usual.judged and not cut.exercise.is_given(place) and cut.written[place].cells
    }
    if not any(cut.numbers[place].values.any() for place in lines.values()):
        return 0.0  # zeros alone show no digits
    plainly = [[(1.0, each)] for each in (cut, usual)]
    if cut.exercise.trials.is_spent:
        return _ratio(plainly, lines.values())
    return _ratio([[*_in_all_ways(each)] for each in (cut, usual)], lines.values())


def _ratio(ways: Sequence[Sequence[tuple[float, Sheet]]], lines: Iterable[Key]) -> float:
    told = [_told_by(ways, place) for place in lines]
    one, other = (
        np.logaddexp.reduce(np.log([share for share, _ in each]) + sum(of_lines))
        for each, of_lines in zip(ways, zip(*told, strict=True), strict=True)
    )
    return float(one - other)


def _in_all_ways(sheet: Sheet) -> Iterator[tuple[float, Sheet]]:
    """A sheet with none of its partial results noted and with all of them, shares of a mean or
    not, with the digits of the page; or as coarsely as it is worked; and how often each is so."""
    if sheet.working.scratch is not None:
        ways = [known for known, _ in _so_throughout(sheet)]
        yield from ((1 / len(ways), known) for known in ways)
        return
    half = 0.5 * 10.0 ** -(sheet.page.usual or 0)
    noting = Noting(0.0 if sheet.digits else half, sheet.digits, cut=sheet.working.cut)
    yield 1 - ALL_NOTED, sheet
    for but in (frozenset[str](), OF_SHARES):
        working = msgspec.structs.replace(
            sheet.working,
            scratch=noting,
            parts=frozenset(ROUNDED_PARTS) - but,
            only=True,
            known=True,
        )
        yield ALL_NOTED / 2, _worked(sheet, working)


def _told_by(ways: Sequence[Sequence[tuple[float, Sheet]]], place: Key) -> list[Floats]:
    """How likely a line is cut off and rounded, in each of these ways: natural logarithms. A 0
    counts where cutting off leaves it; of what is wrong either way nothing does, nor does how many
    numbers worst roundings leave."""
    (_, cut), (_, usual) = (each[0] for each in ways)
    numbers = cut.numbers[place]
    unit = _unit(numbers)
    others = np.maximum(*(_numbers_in(x.box(place), unit) for x in (cut, usual)))
    tells = (numbers.values != 0) | numbers.meets(point(cut.middle_from_written(place)))
    tells &= numbers.there & ~(_accused(cut, place) & _accused(usual, place))
    found = []
    for sheets in ways:
        _, first = sheets[0]
        plain = _as_usual(first, place, first.numbers[place], unit, others)
        likely = (np.log(_with_parts(x, place, unit, plain))[:, tells].sum(1) for _, x in sheets)
        found.append(np.array([np.logaddexp.reduce(x) - np.log(len(x)) for x in likely]))
    return found


def _with_parts(noted: Sheet, place: Key, unit: Floats, plain: Floats) -> Floats:
    """How likely each number is with its parts noted, in each way of working the line: powers of e
    are worked in one way in all of a line."""
    operation, numbers = noted.exercise.steps[place].operation, noted.numbers[place]
    lines = {operation, *(noted.exercise.steps[at].operation for at in _on_the_way(noted, place))}
    if not noted.working.lines and lines.isdisjoint(noted.working.parts):
        return plain[None]
    if operation in OF_POWERS:
        box = in_any((noted.ways_from_written(place, 0.0), *noted.forms_from_written(place)))
        pieces = (Interval(*ends) for ends in zip(box.lo[:, None], box.hi[:, None], strict=True))
        found = np.stack([numbers.meets(each) / _numbers_in(each, unit) for each in pieces])
    else:
        found = _as_coarse(noted, place, numbers, unit)[None]
    as_noted = IN_ONE_GO * plain + (1 - IN_ONE_GO) * found
    return np.where(_accused(noted, place), plain, as_noted)


def _unit(numbers: Numbers) -> Floats:
    return np.maximum(2 * numbers.half, EXACT * (1 + np.abs(numbers.values)))


def _so_throughout(coarse: Sheet, way: int | None = None) -> Iterator[tuple[Sheet, Sheet]]:
    """The sheet with all that may have been noted coarsely noted so, what would show next to
    nothing kept in the calculator or not, and functions worked in any ``way`` or in this one; as
    far as it is known what that gives, and wholly. Unwritten lines are rounded each to its own
    decimals."""
    scratch = coarse.working.scratch
    if scratch is None:
        yield coarse, coarse
        return
    for keeps in (False, True):
        noting = msgspec.structs.replace(scratch, keeps=keeps, way=way)
        working = msgspec.structs.replace(coarse.working, scratch=noting, only=True)
        known = msgspec.structs.replace(working, known=True)
        yield _worked(coarse, known), _worked(coarse, working)


def _worked(sheet: Sheet, working: Working) -> Sheet:
    """The same numbers in another working; to weigh it takes nothing from the search for it."""
    other = copy(sheet)
    other.working, other.boxes, other.replays = working, {}, {}
    other.work = Work(MOST_WORK, sheet.exercise.trials)
    return other


def weight_of_names(usual: Sheet, explained: Sheet, places: AbstractSet[Key]) -> float:
    """How much likelier what is wrong at these places is with mistakes as they are ``explained``
    than with slips alone: a rule, one of many, leaves all of its numbers, and what was meant what
    follows from it."""
    follow = sum(
        before.count(*ACCUSED) - each.count(*ACCUSED)
        for before, each in zip(usual.quantities, explained.quantities, strict=True)
        if (each.epoch, each.batch, each.id) in places
    )
    return weight_of_rules(explained, places) + follow * math.log(SLIPS)


def weight_of_rules(explained: Sheet, places: AbstractSet[Key]) -> float:
    """How much likelier what is wrong at these places is by the rules that it has the names of."""
    numbers = _numbers_of_rules(explained, places).values()
    return sum(max(0.0, count * math.log(SLIPS) - math.log(RULES)) for count in numbers)


def most_of_names(usual: Sheet, places: AbstractSet[Key]) -> float:
    """What that can be at most, before anything is explained: an entry has a name or follows."""
    wrong = (q for q in usual.quantities if (q.epoch, q.batch, q.id) in places)
    return sum(each.count(*ACCUSED) for each in wrong) * math.log(SLIPS)


def is_told_by_one_rule(explained: Sheet) -> bool:
    """Whether all entries that are wrong, and several, have the name of one rule: then no other
    working has anything to explain."""
    numbers = _numbers_of_rules(explained, accused_places(explained.quantities))
    wrong = accused_entries(explained.quantities)
    return wrong > 1 and [*numbers.values()] == [wrong]


def _numbers_of_rules(explained: Sheet, places: AbstractSet[Key]) -> Counter[tuple[str, ...]]:
    """How many wrong entries, of those places, each rule is named for."""
    numbers = Counter[tuple[str, ...]]()
    for each in explained.quantities:
        if (each.epoch, each.batch, each.id) in places:
            for found in each.explanations[:1]:
                if _is_rule(found):
                    numbers[found.codes] += each.count("wrong")
    return numbers


def _is_rule(found: Explanation) -> bool:
    return all(CATALOGUE[code].has_rule for code in found.codes)


def _is_touched(coarse: Sheet, usual: Sheet, place: Key) -> bool:
    """Whether coarse scratch work may have moved a line; one that is right may have its slopes from
    what was written, with no power of e."""
    exercise, working, written = coarse.exercise, coarse.working, coarse.written
    if exercise.is_given(place) or not written[place].cells:
        return False
    lines = _on_the_way(coarse, place)
    if working.lines or working.unwritten is not None:
        return working.lines or len(lines) > 1
    parts = [at for at in lines if exercise.steps[at].operation in working.parts]
    is_off = _accused(usual, place).any()
    if exercise.steps[place].operation in OF_ONE_PART:
        parts = [at for at in parts if is_off or at != place]
    return any(is_off or not _has_slope_of_a(exercise, at) for at in parts)


def _has_slope_of_a(exercise: Exercise, at: Key) -> bool:
    return exercise.steps[at].operation in SLOPES and bool(exercise.forms(at))


class _Line:
    """A line that coarse scratch work may have moved, as it was usually worked."""

    def __init__(self, coarse: Sheet, usual: Sheet, place: Key) -> None:
        self.usual = usual
        self.place = place
        self.numbers = coarse.numbers[place]
        self.unit = _unit(self.numbers)
        self.was_off, self.is_off = _accused(usual, place), _accused(coarse, place)

    @cached_property
    def as_usual(self) -> Floats:
        return _as_usual(self.usual, self.place, self.numbers, self.unit)

    @cached_property
    def most(self) -> float:
        """What it can tell at most: that all of its numbers are as sure in a coarse working."""
        ratio = np.maximum(IN_ONE_GO + (1 - IN_ONE_GO) / self.as_usual, 1.0)
        return float(np.log(ratio)[self.numbers.there & ~self.is_off].sum())

    def told(self, known: Sheet, noted: Sheet) -> float:
        """What it tells of a working in which its noted parts are as far as they are ``known``, or
        wholly, ``noted`` so."""
        worked = known.replay(self.numbers.unit).step(self.place)
        differ = _differ(self.usual.box(self.place), worked, self.unit)
        tells = self.numbers.there & ~self.is_off & (self.was_off | differ)
        if not some(tells):
            return 0.0
        as_coarse = _as_coarse(known, self.place, self.numbers, self.unit, worked)
        if some(self.was_off):
            at_most = AT_EDGE * _as_coarse(noted, self.place, self.numbers, self.unit)
            as_coarse = np.where(self.was_off, np.maximum(as_coarse, at_most), as_coarse)
        ratio = as_coarse / self.as_usual
        whole = np.log(IN_ONE_GO + (1 - IN_ONE_GO) * ratio)[tells].sum()
        so = NOTED if noted.working.only else VARIED
        return float(np.logaddexp(np.log(1 - so), np.log(so) + whole))


def _as_usual(
    usual: Sheet, place: Key, numbers: Numbers, unit: Floats, others: Floats | None = None
) -> Floats:
    """How likely each number is as lines are usually worked, or after a slip."""
    from_written, exactly = (
        numbers.meets(point(x))
        for x in (usual.middle_from_written(place), usual.exercise.values[place])
    )
    for form in usual.forms_from_written(place):
        from_written = from_written | numbers.meets(form)
    others = np.minimum(_numbers_in(usual.box(place), unit) if others is None else others, SLIPS)
    known = 1.0 if _on_the_way(usual, place) == [place] else UNSEEN
    found = known * (FROM_WRITTEN * from_written + EXACTLY * exactly)
    rest = 1 - known * (FROM_WRITTEN + EXACTLY)
    if known < 1:
        box = usual.ways_from_written(place, numbers.unit)
        found = found + BETWEEN * numbers.meets(box) / _numbers_in(box, unit)
        rest -= BETWEEN
    found = found + rest / others
    if usual.explains:  # what follows from a mistake is mostly what it gives, rounded
        follows = np.array(usual.judged[place].entries) == "carried"
        found = np.where(follows, np.maximum(found, FROM_WRITTEN / 2), found)
    # What is the key's, but not the student's own, may follow from what was meant before.
    step = usual.exercise.steps[place]
    meant = exactly * (EXACTLY + FROM_WRITTEN * usual.doubt_of_operands(place, step))
    slipped = 1 / (KINKED if _is_of_pieces(step) else SLIPS)
    return np.where(_accused(usual, place), np.maximum(slipped, meant), found)


def _as_coarse(
    sheet: Sheet, place: Key, numbers: Numbers, unit: Floats, worked: Interval | None = None
) -> Floats:
    """How likely each number is in a coarse working: mostly what the numbers written before it
    give, with what lies between rounded or not; else any that its work gives; or that, noted
    coarsely itself and written with zeros."""
    replay = sheet.replay(numbers.unit)
    worked = worked or replay.step(place)
    whole = replay.noted_whole(sheet.exercise.steps[place].operation, worked)
    shares = (
        (MOSTLY / 2, _as_at_school(sheet).ways_from_written(place, 0.0)),
        (MOSTLY / 2, sheet.ways_from_written(place, numbers.unit)),
        (1 - MOSTLY - WHOLE, worked),
        (WHOLE, whole),
    )
    found = sum(share * numbers.meets(box) / _numbers_in(box, unit) for share, box in shares)
    return np.asarray(found)


def _as_at_school(sheet: Sheet) -> Sheet:
    """With ties rounded away from 0."""
    scratch = sheet.working.scratch
    if scratch is None:
        return sheet
    up = msgspec.structs.replace(scratch, up=True)
    return _worked(sheet, msgspec.structs.replace(sheet.working, scratch=up))


def _differ(one: Interval, two: Interval, unit: Floats) -> Doubt:
    """Which entries may be other numbers of a unit in one box than in another."""
    ends, others = hull(one), hull(two)
    off = np.maximum(np.abs(ends.lo - others.lo), np.abs(ends.hi - others.hi))[0]
    count = np.abs(_numbers_in(one, unit) - _numbers_in(two, unit))
    return np.asarray((off > unit / 2) | (count > 0.5))


def _is_of_pieces(step: Step) -> bool:
    """Whether a line holds slopes of straight pieces."""
    if step.operation != "activation_derivative":
        return False
    row = FUNCTIONS[step.parameters["activation"]]
    p = row.parameters | step.parameters  # of one that is learned, what it starts from
    beyond = [x + off for x in row.kinks(p) for off in (-2.0, -1.0)]
    return bool(beyond) and len({*row.derivative(np.array(beyond[:2]), p)}) == 1


def _accused(sheet: Sheet, place: Key) -> Doubt:
    return np.array([[each in ACCUSED for each in row] for row in sheet.judged[place].entries])


def _numbers_in(box: Interval, unit: Floats) -> Floats:
    """How many written numbers of a unit each entry may be, by all its pieces."""
    if len(box.lo) == 1:
        return np.asarray(np.fmin((box.hi[0] - box.lo[0]) / unit + 1, MANY))
    by_start = np.argsort(box.lo, axis=0)
    lo, hi = (np.take_along_axis(end, by_start, axis=0) for end in (box.lo, box.hi))
    reached = np.maximum.accumulate(hi, axis=0)[:-1]
    new = np.maximum(0.0, hi[1:] - np.maximum(lo[1:], reached))
    new = new + np.clip(lo[1:] - reached, 0.0, unit)  # a number beside another is one more
    found = (hi[0] - lo[0]) / unit + 1 + new.sum(axis=0) / unit
    return np.asarray(np.fmin(found, MANY))
