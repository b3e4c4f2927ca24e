"""When a carried value earns nothing: marks are for work that was done.

A value that follows from an earlier mistake earns its mark, unless what it rests on makes the step
trivial (zeros, ones, a given number copied). Where most of a sheet is wrong, or only copies what is
(a linear unit, a z without a bias, a δ times 1) where the key does not, what follows does so by
chance; and so it does where most is wrong from the first mistake on, and what is named there after
many kinds of mistakes.
An update that moves no parameter is no work, whatever rounding allows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import dropwhile
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.check.model import STANDING, Judged, Trivial, Verdict
from backtrace.check.rules.intervals import Floats
from backtrace.check.sheets.digits import figures
from backtrace.check.sheets.exercise import Key
from backtrace.check.sheets.sheet import Sheet
from backtrace.check.sheets.workings import ACCUSED

MOST_RESTING = 8  # a part of what stands, that rests on zeros that came about
MOST_ALIKE = 3  # wrong quantities filled with one number, from which on nobody worked it
MOST_SLIPS = 4  # wrong numbers more than stand beside them, of somebody who works on
MOST_KINDS = 4  # of mistakes on one sheet, from which on nobody can tell them
MANY = 6  # wrong numbers that no rule fits by chance
MOST_WRONG = 2  # times as many entries as stand, on a sheet that shows work


def for_work_done(sheet: Sheet, quantities: tuple[Judged, ...]) -> tuple[Judged, ...]:
    """The quantities without the marks of carried entries that took no work.

    Who has worked at all keeps those that are only copied: the next line is so, and right; and the
    same mistake costs once.
    """
    works_on = _works_on(quantities)
    if _kinds(quantities) >= MOST_KINDS:
        shows_digits = _shows_digits(sheet, quantities)
        if not (works_on and shows_digits):
            many = MANY if shows_digits else math.inf
            quantities = tuple(_unnamed(each, many) for each in quantities)
    carried = [each for each in quantities if each.count("carried")]
    why = _reasons(sheet, carried)
    if _came_about(quantities, why):
        why = {name: each for name, each in why.items() if each and each.holds != "zeros"}
    most = sum(each.count("carried") for each in carried)
    by_chance, anyway = _idle(sheet, carried, why)
    shows_work = (
        _shows_work(quantities, most)
        or _shows_work(quantities, by_chance + anyway)
        or _shows_work(quantities, by_chance, anyway, times=1)
    )
    if not (shows_work and works_on):
        why = {each.name: Trivial(each.id, "chance") for each in carried}
    filled = _filled(sheet, quantities)
    quantities = tuple(_unnamed(q, math.inf) if q.name in filled else q for q in quantities)
    why |= {each.name: Trivial(each.id, "filled") for each in carried if each.name in filled}
    paid = [_without(sheet, each, why.get(each.name)) for each in quantities]
    idle = _unmoved(sheet, quantities)
    paid = [_not_moved(sheet, each) if each.name in idle else each for each in paid]
    if not any(each.repeated for each in quantities):
        return tuple(paid)
    unexplained = (each for each in quantities if not each.explanations)
    if not _shows_work((*unexplained, *carried), sum(_idle(sheet, carried, why)), times=1):
        return tuple(paid)
    return tuple(_charged_once(sheet, each) for each in paid)


def _came_about(quantities: tuple[Judged, ...], why: Mapping[str, Trivial | None]) -> bool:
    """Whether the zeros that carried values rest on are themselves what follows (-1 + 1 = 0), and
    only a few of all that stands rests on them: nobody has chosen them."""
    resting = [each for each in quantities if (of := why.get(each.name)) and of.holds == "zeros"]
    if not resting:
        return False
    roots = {of.id for each in resting if (of := why[each.name])}
    chosen = {each.id for each in quantities if not each.count("carried")}
    few = MOST_RESTING * sum(each.count("carried") for each in resting)
    return not roots & chosen and few <= _standing(quantities)


def _works_on(quantities: tuple[Judged, ...]) -> bool:
    """Whether what is wrong from the first mistake on is not much more than what stands there."""
    late = tuple(dropwhile(lambda each: not each.count(*ACCUSED), quantities))
    return _wrong(late) <= _standing(late) + MOST_SLIPS


def _kinds(quantities: tuple[Judged, ...]) -> int:
    """How many kinds of mistakes there are; what has no name is a kind of its own."""
    wrong = [each for each in quantities if each.verdict == "wrong"]
    return len({each.mistakes or (each.name,) for each in wrong})


def _shows_digits(sheet: Sheet, quantities: tuple[Judged, ...]) -> bool:
    """Whether any number that was worked has a second digit: of -1, 0 and 1 every mistake comes to
    one or another."""
    return any(
        cell.digits > 1
        for each in quantities
        if not sheet.exercise.is_given(_key(each))
        for cell in figures(sheet.written[_key(each)])
    )


def _unnamed(judged: Judged, many: float) -> Judged:
    """Without the mistakes that some number or other of a sheet full of them fits, unless as many
    numbers as that bear one out."""
    if judged.count("wrong") >= many or not judged.explanations:
        return judged
    return msgspec.structs.replace(judged, explanations=(), repeated=None)


def _filled(sheet: Sheet, quantities: tuple[Judged, ...]) -> set[str]:
    """Those filled with the one number, of either sign, that fills others that are wrong, as no
    work does but for a mistake that other numbers have as well."""
    fillings = {
        each.name: sizes.flat[0]
        for each in quantities
        if each.count("wrong", "carried") and _key(each) in sheet.numbers
        if ((sizes := np.abs(sheet.numbers[_key(each)].values)) == sizes.flat[0]).all()
    }
    made = [each for each in quantities if each.verdict == "wrong"]
    numbers: dict[tuple[str, ...], set[float | None]] = {}
    for each in made:
        numbers.setdefault(each.mistakes, set()).add(fillings.get(each.name))
    wrong = Counter(
        fillings[each.name]
        for each in made
        if each.name in fillings and not (each.mistakes and len(numbers[each.mistakes]) > 1)
    )
    return {name for name, number in fillings.items() if wrong[number] >= MOST_ALIKE}


def _unmoved(sheet: Sheet, quantities: tuple[Judged, ...]) -> set[str]:
    """New parameters of updates that move none at all, which some rounding or other allows."""
    updates: dict[tuple[int, int], list[Judged]] = {}
    for each in quantities:
        if sheet.exercise.steps[_key(each)].role == "updated":
            updates.setdefault((each.epoch, each.batch), []).append(each)
    found: set[str] = set()
    for update in updates.values():
        places = [_key(each) for each in update]
        if all(_is_old(sheet, at) for at in places) and any(_moves(sheet, at) for at in places):
            found |= {each.name for each in update}
    return found


def _moves(sheet: Sheet, place: Key) -> bool:
    """Whether a parameter is another after the update, by more than a unit of its last digit."""
    values = sheet.exercise.values
    change = np.abs(values[place] - values[sheet.exercise.operands[place][0]])
    return bool((change > 2 * sheet.numbers[place].unit).any())


def _is_old(sheet: Sheet, place: Key) -> bool:
    exercise, new = sheet.exercise, sheet.numbers.get(place)
    old = exercise.operands[place][0]
    before = exercise.operands[old]
    if new is None or not new.there.all() or (before and before[0] not in sheet.numbers):
        return False
    values = sheet.numbers[before[0]].values if before else exercise.values[old]
    return bool((np.abs(new.values - values) <= new.unit).all())


def _not_moved(sheet: Sheet, judged: Judged) -> Judged:
    """Without the marks of what follows; who shows the step, or the gradient, and rounded it to
    nothing has worked."""
    credit, place = sheet.exercise.credit, _key(judged)
    shows_step = all(at in sheet.written for at in sheet.exercise.operands[place][1:])
    idle: tuple[Verdict, ...] = ("carried",) if shows_step else ("rounded", "carried")
    lost = sum(judged.count(each) * credit[each] for each in idle)
    if not (lost and judged.possible) or judged.withheld is not None:
        return judged
    why = Trivial(judged.id, "unmoved")
    return msgspec.structs.replace(judged, earned=judged.earned - lost, withheld=why)


def _charged_once(sheet: Sheet, judged: Judged) -> Judged:
    """With the marks of what is wrong only by a mistake that was charged before."""
    if not (judged.repeated and judged.possible):
        return judged
    trivial = _trivial(sheet, _key(judged))
    if trivial is not None and trivial.holds == "zeros":  # which any mistake leaves as they are
        return judged
    credit = sheet.exercise.credit
    kept = judged.count("wrong") * credit["carried"]
    if not judged.slip:  # where a slip spares them
        more = credit["carried"] - credit.get("unsupported", 0.0)
        kept += judged.count("unsupported") * max(more, 0.0)
    return msgspec.structs.replace(judged, earned=judged.earned + kept, spared=kept)


def _idle(
    sheet: Sheet, carried: list[Judged], why: Mapping[str, Trivial | None]
) -> tuple[int, int]:
    """How many carried entries took no work: those copied by chance, as who invents numbers copies,
    and those that are withheld or are copies on the key as well."""
    by_chance = anyway = 0
    for each in carried:
        if why.get(each.name):
            anyway += each.count("carried")
        else:
            found, always = _copied(sheet, each)
            by_chance, anyway = by_chance + found, anyway + always
    return by_chance, anyway


def _shows_work(
    quantities: tuple[Judged, ...], idle: int, anyway: int = 0, times: int = MOST_WRONG
) -> bool:
    """Whether what is wrong or ``idle`` is at most so many times what stands by work."""
    return _wrong(quantities) + idle <= times * (_standing(quantities) - idle - anyway)


def _wrong(quantities: tuple[Judged, ...]) -> int:
    """How many entries are wrong; the same mistake made again is work that was done, and so is what
    follows from the number that was meant where a pen slipped."""
    return sum(
        each.count("wrong", "malformed") if each.slip else each.count(*ACCUSED)
        for each in quantities
        if each.repeated is None
    )


def _standing(quantities: tuple[Judged, ...]) -> int:
    return sum(each.count(*STANDING) for each in quantities)


def _key(judged: Judged) -> Key:
    return judged.epoch, judged.batch, judged.id


def _without(sheet: Sheet, judged: Judged, why: Trivial | None) -> Judged:
    if why is None or not judged.possible:
        return judged
    lost = judged.count("carried") * sheet.exercise.credit["carried"]
    return msgspec.structs.replace(judged, earned=judged.earned - lost, withheld=why)


def _reasons(sheet: Sheet, carried: list[Judged]) -> dict[str, Trivial | None]:
    """Why each carried quantity earns nothing: zeros that came of zeros are told where
    they began."""
    found: dict[str, Trivial | None] = {}
    began: dict[str, Trivial] = {}
    for each in carried:
        why = _trivial(sheet, _key(each))
        if why is not None:
            before = began.get(why.id)
            began[each.id] = why = before if before and before.holds == why.holds else why
        found[each.name] = why
    return found


def _trivial(sheet: Sheet, place: Key) -> Trivial | None:
    """What makes the step at ``place`` trivial, on this sheet."""
    for source in sheet.sources(place):
        if sheet.doubt(source).any() or sheet.vagueness(source).any():
            holds = _holds(sheet, source, sheet.numbers[source].values)
            if holds is None or (holds == "zeros" and _adds_to(sheet, place, source)):
                continue
            if holds == "ones" and sheet.exercise.steps[source].role == "slope":
                continue  # of units that are on
            if not (holds == "copy" and _is_old_beside_new_work(sheet, place, source)):
                return Trivial(source[2], holds)
    return None


def _is_old_beside_new_work(sheet: Sheet, place: Key, old: Key) -> bool:
    """Whether a parameter that was not updated is one of several things that a step takes, and
    another of them was worked."""
    return sheet.exercise.steps[old].role == "updated" and any(
        _holds(sheet, each, sheet.numbers[each].values) is None and _trivial(sheet, each) is None
        for each in sheet.sources(place)
        if each != old
    )


def _adds_to(sheet: Sheet, place: Key, zeros: Key) -> bool:
    """Whether a step adds work on other numbers of the student's to such zeros: an average of an
    earlier gradient, which came to 0, and the next."""
    others = (sheet.numbers[each].values.any() for each in sheet.sources(place) if each != zeros)
    if not any(others):
        return False
    worked, copied = sheet.middle_from_written(place), sheet.numbers[place].values
    return not _is_copied(worked, copied, [*_operands(sheet, place)]).all()


def _copied(sheet: Sheet, judged: Judged) -> tuple[int, int]:
    """How many carried entries only repeat a number that the step takes, by chance, and how many
    where it does so on the key as well."""
    place = _key(judged)
    operands = [*_operands(sheet, place)]
    if not operands:
        return 0, 0
    exact, given = sheet.exercise.values, sheet.exercise.operands[place]
    worked, written = sheet.middle_from_written(place), sheet.numbers[place].values
    found = _is_copied(worked, written, operands) & (np.array(judged.entries) == "carried")
    if not found.any():
        return 0, 0
    always = found & _is_copied(exact[place], exact[place], [exact[each] for each in given])
    return int((found & ~always).sum()), int(always.sum())


def _operands(sheet: Sheet, place: Key) -> Iterator[Floats]:
    """The numbers that a step takes, as they are written or given."""
    for source in sheet.sources(place):
        yield sheet.numbers[source].values
    for source in sheet.exercise.operands[place]:
        if sheet.exercise.is_given(source):
            yield sheet.exercise.values[source]


def _is_copied(worked: Floats, written: Floats, operands: list[Floats]) -> NDArray[np.bool_]:
    """Which numbers are 0, or one of the operands' with either sign, or are written as the one that
    stands in their place is: a bias that shows in none of its digits."""
    known = {0.0}.union(*(np.round(np.abs(values), 9).ravel().tolist() for values in operands))
    sizes = np.round(np.abs(worked), 9).tolist()
    found = np.array([[each in known for each in line] for line in sizes])
    for values in operands:
        if values.shape == written.shape:
            found |= written == values
    return found


def _holds(sheet: Sheet, source: Key, values: Floats) -> Literal["zeros", "ones", "copy"] | None:
    exact = sheet.exercise.values[source]
    if not sheet.numbers[source].there.all() or (values == exact).all():
        return None
    if not values.any():
        return "zeros"
    if values.size == 1:
        return None  # a single number may come to 1, or to that of another
    if (values == 1).all():
        return "ones"
    if (np.abs(values - exact) <= sheet.numbers[source].half).all():
        return None  # the key's, to these digits, is no other
    given = sheet.exercise.given_values
    same = any(x.shape == values.shape and (x == values).all() for x in given)
    return "copy" if same else None
