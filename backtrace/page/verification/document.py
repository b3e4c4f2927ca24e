"""What is said of a verification: the differences by id, kinks; figures and costs below them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from backtrace.check.judge.published import ComparedLine, totals
from backtrace.notation.numbers import significant, small
from backtrace.page.blocks import Block, Cell, Column, Document, Paragraph, Section, Table
from backtrace.page.report.phrases import Words
from backtrace.page.verification import cost, figures
from backtrace.spec.model import Arithmetic
from backtrace.spec.wording import count, listed
from backtrace.verify import Comparison, Kink, Verification
from backtrace.verify.kinks import Crossing
from backtrace.verify.results import Flags

MOST_LISTED = 6  # entries of one quantity that are listed
COLUMNS = (
    Column("", left=True),
    Column("entries"),
    Column("difference"),
    Column("relative"),
    Column("at", left=True),
    Column("on the tape"),
    Column("by differences"),
)


class VerificationReport(msgspec.Struct, frozen=True):
    """All that a page says: the update's gradients (None without a loss), the published figures.

    ``arithmetic`` is that in which the trace of the figures is worked; with ``slips`` each of those
    that the spec knows of is shown.
    """

    title: str
    words: Words
    verification: Verification | None
    held: tuple[ComparedLine, ...]
    samples: int
    arithmetic: Arithmetic = Arithmetic()
    slips: bool = False

    @property
    def agrees(self) -> bool:
        well = self.verification is None or self.verification.agrees
        return well and all(holding.agrees for holding in self.held)


def document(findings: VerificationReport) -> Document:
    """The whole page."""
    return Document(findings.title, tuple(_blocks(findings)), _standing(findings), _tone(findings))


def _blocks(findings: VerificationReport) -> Iterator[Block]:
    found, words = findings.verification, findings.words
    if found is not None:
        yield Paragraph(
            "Every entry of the tape's gradients against central differences of its forward part.",
            "fact",
        )
        for remark in filter(None, (_update(found), *found.remarks)):
            yield Paragraph(remark, "note")
        yield Section(
            "Gradients", tuple(_gradients(found, words)), "the largest difference of each"
        )
    if findings.held:
        yield figures.section(findings.held, findings.arithmetic, words, slips=findings.slips)
    if found is not None:
        yield cost.section(found.cost, findings.samples)


def _tone(findings: VerificationReport) -> str:
    """The tone of the whole: a note where nothing could be told."""
    if not findings.agrees:
        return "wrong"
    told = findings.verification is None or bool(findings.held)
    quantities = () if findings.verification is None else findings.verification.quantities
    return "right" if told or any(each.told.any() for each in quantities) else "note"


def _standing(findings: VerificationReport) -> str:
    """``all 28 entries agree``, or what does not."""
    parts: list[str] = []
    if findings.verification is not None:
        parts += _told(findings.verification.quantities)
    counts = totals(findings.held)
    astray = counts["differs"] + counts["stale"]
    if astray:
        parts.append(f"{count(astray, 'published figure')} astray")
    elif findings.held:
        parts.append("the published figures agree")
    return " · ".join(parts)


def _told(quantities: Sequence[Comparison]) -> Iterator[str]:
    """How many entries disagree or agree, are undecided, are too small to tell."""
    total, wrong, told, undecided, vague = (
        sum(int(flags.sum()) for flags in column)
        for column in zip(
            *((q.checked, q.wrong, q.told, q.undecided, q.vague) for q in quantities), strict=True
        )
    )
    if wrong:
        yield f"{wrong} of {total} entries disagree" if total > 1 else "the entry disagrees"
    elif told == total:
        yield "the entry agrees" if total == 1 else f"all {total} entries agree"
    else:
        yield f"{told} of {total} entries agree" if told else "no entry can be told"
    if undecided:
        yield f"{undecided} undecided"
    if vague:
        yield f"{vague} too small to tell"


# Gradients


def _gradients(verification: Verification, words: Words) -> Iterator[Block]:
    quantities = verification.quantities
    yield Table(COLUMNS, tuple(_row(each, words) for each in quantities))
    for each in quantities:
        if not each.agrees:
            yield Section("", tuple(_disagreement(each, words)))
    kinks = [line for each in quantities for line in _kinks(each, words)]
    sentences = (*kinks, *_untold(quantities, words))
    if sentences:
        yield Section("", tuple(Paragraph(sentence, "note", 1) for sentence in sentences))


def _update(verification: Verification) -> str:
    request = verification.request
    if (request.epoch, request.batch) == (1, 1):
        return ""
    return f"The update verified is that of epoch {request.epoch}, batch {request.batch}."


def _row(each: Comparison, words: Words) -> tuple[Cell, ...]:
    tone = "wrong" if not each.agrees else "right" if each.told.any() else "note"
    name = Cell(words.name(each.id), tone)
    checked, size = int(each.checked.sum()), each.tape.size
    entries = str(size) if checked == size else f"{checked} of {size}"
    if each.worst is None:
        return (name, *map(Cell, (entries, "", "", "", "", "")))
    tape, kink = float(each.tape[each.worst]), each.kinks.get(each.worst)
    numeric = significant(float(each.numeric[each.worst])) if kink is None else _both(kink)
    at = f"[{each.worst[0] + 1},{each.worst[1] + 1}]"
    sizes = (small(each.largest), small(_relative(each))) if np.isfinite(tape) else ("", "")
    return (name, *map(Cell, (entries, *sizes, at, significant(tape), numeric)))


def _both(kink: Kink) -> str:
    return f"{significant(kink.below)} or {significant(kink.above)}"


def _relative(each: Comparison) -> float:
    """The largest difference beside the size of its entry."""
    assert each.worst is not None
    size = max(abs(float(each.tape[each.worst])), abs(float(each.numeric[each.worst])))
    return each.largest / size if size > 0 else 0.0


def _disagreement(each: Comparison, words: Words) -> Iterator[Paragraph]:
    name, wrong = words.name(each.id), [tuple(at) for at in _places(each.wrong)]
    total = int(each.checked.sum())
    if each.follows:
        earlier = words.name(each.follows)
        said = f"follows from {earlier}: worked from what the differences give, its step is right."
        yield Paragraph(f"{name} {said}", "mistake")
        return
    told = "disagrees" if total == 1 else f"{len(wrong)} of {total} entries disagree"
    yield Paragraph(f"{name}: {told}.", "mistake")
    for i, j in wrong[:MOST_LISTED]:
        tape, numeric = float(each.tape[i, j]), float(each.numeric[i, j])
        said = f"{name}[{i + 1},{j + 1}] is {significant(tape)} on the tape, "
        kink = each.kinks.get((i, j))
        if kink is None:
            said += f"{significant(numeric)} by differences (± {small(float(each.errors[i, j]))})"
        else:
            said += f"and neither slope of the kink there: {_slopes(kink)}"
        yield Paragraph(said, inset=2)
    if len(wrong) > MOST_LISTED:
        yield Paragraph(f"and {len(wrong) - MOST_LISTED} more", "fact", 2)


def _kinks(each: Comparison, words: Words) -> Iterator[str]:
    for (i, j), kink in list(each.kinks.items())[:MOST_LISTED]:
        tape = significant(float(each.tape[i, j]))
        at = f"{words.name(each.id)}[{i + 1},{j + 1}] {_where(kink, words)}"
        yield f"{at}: {_slopes(kink)}; the tape has {tape}."
    rest = len(each.kinks) - MOST_LISTED
    if rest > 0:
        entries = "entry" if rest == 1 else "entries"
        yield f"{rest} more {entries} of {words.name(each.id)} at a kink."


def _where(kink: Kink, words: Words) -> str:
    """``stands at a kink (z₁[1,2])``; ``lies within reach of a kink (z₁[1,2] = 3e-8)``."""
    exactly = all(each.away == 0 for each in kink.crossed)
    crossed = [_crossing(each, words, exactly=exactly) for each in kink.crossed[:MOST_LISTED]]
    rest = len(kink.crossed) - MOST_LISTED
    crossed += [f"{rest} more"] if rest > 0 else []
    said = "stands at a kink" if exactly and crossed else "lies within reach of a kink"
    return f"{said} ({listed(crossed, 'and')})" if crossed else said


def _crossing(crossing: Crossing, words: Words, *, exactly: bool) -> str:
    i, j = crossing.index
    name = f"{words.name(crossing.id)}[{i},{j}]"
    if exactly:
        return name
    if crossing.place == 0:
        return f"{name} = {_signed(crossing.away)}"
    return f"{name}, {small(abs(crossing.away))} from {significant(crossing.place)}"


def _signed(value: float) -> str:
    """A small number by two digits or three, with its sign."""
    return f"-{small(-value)}" if value < 0 else small(value)


def _slopes(kink: Kink) -> str:
    return f"slope {significant(kink.below)} below, {significant(kink.above)} above"


def _untold(quantities: Sequence[Comparison], words: Words) -> Iterator[str]:
    """The entries of which nothing is known, with the reason, those of one reason together."""
    reasons: dict[str, list[str]] = {}
    for each in quantities:
        if each.undecided.any():
            reason = words.said(each.lost)
            reasons.setdefault(reason, []).append(_entries(each, each.undecided, words))
    for reason, entries in reasons.items():
        if reason:
            yield f"{reason}. Undecided for it: {listed(entries, 'and')}."
        else:
            yield (
                f"{listed(entries, 'and')}: differences can't tell, since the loss has several "
                "kinks or an edge within reach of every step, or too many stand at one."
            )
    vague = [_entries(each, each.vague, words) for each in quantities if each.vague.any()]
    if vague:
        yield (
            f"{listed(vague, 'and')}: too small to tell. They agree, and so would others: rounding "
            "alone may be more than a thousandth of them."
        )


def _entries(each: Comparison, flags: Flags, words: Words) -> str:
    """``dW₁[1,1] and [2,1]``, or how many there are."""
    places, name = _places(flags), words.name(each.id)
    if len(places) == each.tape.size and len(places) > 1:
        return f"all of {name}"
    if len(places) > MOST_LISTED:
        return f"{len(places)} entries of {name}"
    return name + listed([f"[{i + 1},{j + 1}]" for i, j in places], "and")


def _places(flags: Flags) -> list[tuple[int, int]]:
    return [(int(i), int(j)) for i, j in np.argwhere(np.asarray(flags))]
