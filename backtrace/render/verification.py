"""A verification on a terminal: the differences by id, kinks, published figures, what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from backtrace.check.published import Held, Holding, totals
from backtrace.notation.numbers import duration, significant, small
from backtrace.render.boxes import Line
from backtrace.render.columns import Row, table
from backtrace.render.measure import inert, text_width
from backtrace.render.page import Page
from backtrace.render.wording import Words
from backtrace.spec.problems import count, listed
from backtrace.tape.verification import Kink, Verification, Verified
from backtrace.tape.verification.cost import Cost, Way

MOST_LISTED = 6  # entries of one quantity that are listed
NARROW = 24  # columns; a text with less room beside a name stands below it
MARKS = {True: ("✓", "+"), False: ("✗", "x")}


class Findings(msgspec.Struct, frozen=True):
    """All that a page says: the update's gradients (None without a loss), the published figures."""

    title: str
    words: Words
    verification: Verification | None
    held: tuple[Holding, ...]
    samples: int

    @property
    def agrees(self) -> bool:
        well = self.verification is None or self.verification.agrees
        return well and all(holding.agrees for holding in self.held)


def lines(findings: Findings, page: Page) -> list[Line]:
    """The whole page, in lines no wider than it."""
    role = "right" if findings.agrees else "wrong"
    found = page.spread([(inert(findings.title), "title")], [(_standing(findings), role)])
    if findings.verification is not None:
        found += _gradients(findings.verification, findings, page)
    if findings.held:
        found += _published(findings.held, findings.words, page)
    if findings.verification is not None:
        found += _cost(findings.verification.cost, findings.samples, page)
    return found


def _standing(findings: Findings) -> str:
    """``all 28 entries agree``, or what does not."""
    parts = []
    if findings.verification is not None:
        quantities = findings.verification.quantities
        wrong = sum(int(each.wrong.sum()) for each in quantities)
        told = sum(int((each.checked & ~each.undecided).sum()) for each in quantities)
        all_agree = "the entry agrees" if told == 1 else f"all {told} entries agree"
        parts.append(f"{wrong} of {told} entries disagree" if wrong else all_agree)
        undecided = sum(int(each.undecided.sum()) for each in quantities)
        parts += [f"{undecided} undecided"] if undecided else []
    figures = totals(findings.held)
    astray = figures["differs"] + figures["stale"]
    if astray:
        parts.append(f"{count(astray, 'published figure')} astray")
    elif findings.held:
        parts.append("the published figures stand")
    return " · ".join(parts)


# Gradients


def _gradients(verification: Verification, findings: Findings, page: Page) -> Iterator[Line]:
    words = findings.words
    yield from page.paragraph(
        "Every entry of the tape's gradients against central differences of its forward part.",
        "fact",
        0,
    )
    for remark in (_update(verification), *verification.remarks):
        yield from page.paragraph(remark, "note", 0) if remark else ()
    yield []
    yield from page.rule("Gradients", "the largest difference of each")
    header = ("", "entries", "difference", "relative", "at", "on the tape", "by differences")
    rows = [Row(header, "label"), *(_row(each, words, page) for each in verification.quantities)]
    yield from table(rows, page, left=(0, 4))
    for each in verification.quantities:
        if not each.agrees:
            yield []
            yield from _disagreement(each, words, page)
    kinks = [line for each in verification.quantities for line in _kinks(each, words)]
    undecided = [line for each in verification.quantities for line in _undecided(each, words)]
    if kinks or undecided:
        yield []
        for sentence in (*kinks, *undecided):
            yield from page.paragraph(sentence, "note", 1)


def _update(verification: Verification) -> str:
    request = verification.request
    if (request.epoch, request.batch) == (1, 1):
        return ""
    return f"The update verified is that of epoch {request.epoch}, batch {request.batch}."


def _row(each: Verified, words: Words, page: Page) -> Row:
    name = f" {_mark(page, agrees=each.agrees)} {page.say(words.name(each.id))}"
    checked, size = int(each.checked.sum()), each.tape.size
    entries = str(size) if checked == size else f"{checked} of {size}"
    role = "right" if each.agrees else "wrong"
    if each.worst is None:
        return Row((name, entries, "", "", "", "", ""), role)
    tape, numeric = float(each.tape[each.worst]), float(each.numeric[each.worst])
    at = f"[{each.worst[0] + 1},{each.worst[1] + 1}]"
    values = (significant(tape), significant(numeric))
    return Row((name, entries, small(each.largest), small(_relative(each)), at, *values), role)


def _mark(page: Page, *, agrees: bool) -> str:
    return MARKS[agrees][0 if page.unicode else 1]


def _relative(each: Verified) -> float:
    """The largest difference beside the size of its entry."""
    assert each.worst is not None
    size = max(abs(float(each.tape[each.worst])), abs(float(each.numeric[each.worst])))
    return each.largest / size if size > 0 else 0.0


def _disagreement(each: Verified, words: Words, page: Page) -> Iterator[Line]:
    name, wrong = words.name(each.id), [tuple(at) for at in _places(each.wrong)]
    total = int(each.checked.sum())
    if each.follows:
        earlier = words.name(each.follows)
        said = f"follows from {earlier}: worked from what the differences give, its step is right."
        yield from page.paragraph(f"{name} {said}", "mistake", 0)
        return
    told = "disagrees" if total == 1 else f"{len(wrong)} of {total} entries disagree"
    yield from page.paragraph(f"{name}: {told}.", "mistake", 0)
    for i, j in wrong[:MOST_LISTED]:
        tape, numeric = float(each.tape[i, j]), float(each.numeric[i, j])
        said = f"{name}[{i + 1},{j + 1}] is {significant(tape)} on the tape, "
        kink = each.kinks.get((i, j))
        if kink is None:
            said += f"{significant(numeric)} by differences (± {small(float(each.errors[i, j]))})"
        else:
            said += f"and neither slope of the kink there: {_slopes(kink)}"
        yield from page.paragraph(said, "")
    if len(wrong) > MOST_LISTED:
        yield from page.paragraph(f"and {len(wrong) - MOST_LISTED} more", "fact")


def _kinks(each: Verified, words: Words) -> Iterator[str]:
    for (i, j), kink in list(each.kinks.items())[:MOST_LISTED]:
        name = words.name(each.id)
        crossed = [f"{words.name(c.id)}[{c.index[0]},{c.index[1]}]" for c in kink.crossed]
        rest = len(crossed) - MOST_LISTED
        crossed = [*crossed[:MOST_LISTED], *([f"{rest} more"] if rest > 0 else [])]
        where = f" ({listed(crossed, 'and')})" if crossed else ""
        tape = significant(float(each.tape[i, j]))
        at = f"{name}[{i + 1},{j + 1}] stands at a kink{where}"
        yield f"{at}: {_slopes(kink)}; the tape has {tape}."
    rest = len(each.kinks) - MOST_LISTED
    if rest > 0:
        entries = "entry" if rest == 1 else "entries"
        yield f"{rest} more {entries} of {words.name(each.id)} at a kink."


def _slopes(kink: Kink) -> str:
    return f"slope {significant(kink.below)} below, {significant(kink.above)} above"


def _undecided(each: Verified, words: Words) -> Iterator[str]:
    places = _places(each.undecided)
    if not places:
        return
    listing = [f"[{i + 1},{j + 1}]" for i, j in places[:MOST_LISTED]]
    rest = len(places) - MOST_LISTED
    listing += [f"{rest} more"] if rest > 0 else []
    entries = f"{words.name(each.id)}{listed(listing, 'and')}"
    yield (
        f"{entries}: differences can't tell, since the loss has several kinks or an edge within "
        "reach of every step, or too many stand at one."
    )


def _places(flags: object) -> list[tuple[int, int]]:
    return [(int(i), int(j)) for i, j in np.argwhere(np.asarray(flags))]


# Published figures


def _published(held: Sequence[Holding], words: Words, page: Page) -> Iterator[Line]:
    figures = totals(held)
    stand = f"{figures['agrees']} agree"
    slips = figures["slip"]
    if slips:
        stand += f", {count(slips, 'slip')} marked"
    yield []
    yield from page.rule("Published figures", stand)
    well = [each for each in held if each.count("agrees") == len(each.figures)]
    if well:
        names = dict.fromkeys(_called(each, words) for each in well)
        yield from _beside(f" {_mark(page, agrees=True)} ", " ".join(names), "right", page)
    for holding in held:
        if holding not in well:
            yield from _holding(holding, words, page)


def _called(holding: Holding, words: Words) -> str:
    published = holding.published
    first = (published.epoch, published.batch) == (1, 1)
    at = "" if first else f"@{published.epoch}.{published.batch}"
    times = "" if float(published.times) == 1 else f"{published.times.text}·"
    return f"{times}{words.name(published.id)}{at}"


def _holding(holding: Holding, words: Words, page: Page) -> Iterator[Line]:
    head = f" {_mark(page, agrees=holding.agrees)} {page.say(_called(holding, words))}  "
    agree = holding.count("agrees")
    said = [f"{count(agree, 'figure')} {'agrees' if agree == 1 else 'agree'}"] if agree else []
    said += [_said(each) for each in holding.figures if each.standing != "agrees"]
    text = "; ".join(said)
    if holding.published.where:
        text = f"{inert(holding.published.where)}: {text}"
    yield from _beside(head, text, "right" if holding.agrees else "wrong", page)


def _beside(head: str, text: str, role: str, page: Page) -> Iterator[Line]:
    """A head in its colour and a text beside it, folded, its lines under each other."""
    margin = text_width(head)
    if page.breadth - margin < NARROW:
        yield [(head.rstrip(), role)]
        yield from page.paragraph(text, "")
        return
    first, *more = page.paragraph(text, "", margin)
    yield [(head, role), ("".join(part for part, _ in first)[margin:], "")]
    yield from more


def _said(each: Held) -> str:
    at = f"[{each.index[0]},{each.index[1]}]"
    traced = significant(each.traced, 5)
    if each.standing == "slip":
        return f"{at} {each.written}, a slip for {traced} ({inert(each.reason)})"
    if each.standing == "stale":
        return (
            f"{at} {each.written} is marked as a slip ({inert(each.reason)}) and agrees: {traced}"
        )
    return f"{at} {each.written} differs from {significant(each.traced)}"


# Cost


def _cost(cost: Cost, samples: int, page: Page) -> Iterator[Line]:
    yield []
    number = count(cost.parameters, "parameter")
    yield from page.rule("What each way costs", f"{number}, {count(samples, 'sample')}")
    ways = {
        "backpropagation": cost.backpropagation,
        "finite differences": cost.finite_differences,
        "central differences": cost.central_differences,
    }
    header = ("", "passes", "multiplications", "time", "")
    rows = [Row(header, "label")]
    rows += [_way(name, way, cost.backpropagation, page) for name, way in ways.items()]
    yield from table(rows, page, left=(0, 1))
    yield from page.paragraph(
        "(J(w + h) − J(w))/h takes a forward pass for each parameter w and one for J(w); central "
        "differences take two for each. Multiplications are those of products; the times are those "
        "of one pass, measured here.",
        "fact",
        1,
    )


def _way(name: str, way: Way, cheapest: Way, page: Page) -> Row:
    forward = f"{way.forward_passes:,} forward"
    passes = f"{forward}, {way.backward_passes} backward" if way.backward_passes else forward
    ratio = way.seconds / cheapest.seconds if cheapest.seconds > 0 else 1.0
    times = "" if way == cheapest else f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.1f} ×"
    time = duration(way.seconds)
    time = time if page.unicode else time.replace("µ", "u")
    return Row((f" {name}", passes, f"{way.multiplications:,}", time, times))
