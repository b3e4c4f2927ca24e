"""Published figures on a terminal: which stand, which are slips, which are astray."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backtrace.check.judge.published import Held, Holding, stands_for, totals
from backtrace.formats.measure import text_width
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import Page
from backtrace.notation.numbers import significant
from backtrace.page.inert import inert
from backtrace.page.report_phrases import Words
from backtrace.spec.document.problems import count
from backtrace.spec.model import Arithmetic

EVERY_DIGIT = 17  # of a float
NARROW = 24  # columns; a text with less room beside a name stands below it
ARITHMETIC = {
    "float32": "in single precision",
    "exact": "in fractions",
    "rounded": "with every line rounded to {}",
}


def lines(
    held: Sequence[Holding], arithmetic: Arithmetic, words: Words, page: Page
) -> Iterator[Line]:
    """The figures that stand by name, the others one by one.

    ``arithmetic`` is that in which their trace is worked.
    """
    figures = totals(held)
    stand = f"{figures['agrees']} agree"
    slips = figures["slip"]
    if slips:
        stand += f", {count(slips, 'slip')} marked"
    yield []
    yield from page.rule("Published figures", stand)
    worked = ARITHMETIC.get(arithmetic.kind, "")
    worked = worked.format(count(arithmetic.decimals or 0, "decimal"))
    if worked:
        yield from page.paragraph(f"Held against the trace as it is worked {worked}.", "note", 1)
    well = [each for each in held if each.count("agrees") == len(each.figures)]
    if well:
        names = dict.fromkeys(_called(each, words) for each in well)
        yield from _beside(f" {page.mark('right')} ", " ".join(names), "right", page)
    for holding in held:
        if holding not in well:
            yield from _holding(holding, words, page)
    yield from page.paragraph(_hint(held, arithmetic), "note", 1) if _hint(held, arithmetic) else ()


def _hint(held: Sequence[Holding], arithmetic: Arithmetic) -> str:
    """What may have happened where a figure is off by one in its last digit."""
    if arithmetic.kind == "rounded":
        return ""
    close = [
        each.decimals
        for holding in held
        for each in holding.figures
        if each.standing == "differs" and each.is_close and each.decimals > 0
    ]
    if not close:
        return ""
    setting = f"`arithmetic: {{round_each_step: {max(close)}}}`"
    return f"Off by one in the last digit: worked with rounded lines? Try {setting}."


def _called(holding: Holding, words: Words) -> str:
    published = holding.published
    first = (published.epoch, published.batch) == (1, 1)
    at = "" if first else f"@{published.epoch}.{published.batch}"
    times = "" if float(published.times) == 1 else f"{published.times.text}·"
    return f"{times}{words.name(published.id)}{at}"


def _holding(holding: Holding, words: Words, page: Page) -> Iterator[Line]:
    role = "right" if holding.agrees else "wrong"
    head = f" {page.mark(role)} {page.say(_called(holding, words))}  "
    agree = holding.count("agrees")
    said = [f"{count(agree, 'figure')} {'agrees' if agree == 1 else 'agree'}"] if agree else []
    said += [_said(each) for each in holding.figures if each.standing != "agrees"]
    text = "; ".join(said)
    if holding.published.where:
        text = f"{inert(holding.published.where)}: {text}"
    yield from _beside(head, text, role, page)


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
    if each.standing == "slip":
        return f"{at} {each.written}, a slip for {_apart(each)} ({inert(each.reason)})"
    if each.standing == "stale":
        traced = significant(each.traced, 5)
        return (
            f"{at} {each.written} is marked as a slip ({inert(each.reason)}) and agrees: {traced}"
        )
    return f"{at} {each.written} differs from {_apart(each)}"


def _apart(each: Held) -> str:
    """The right value by five digits, or as many as show that it is not what is written."""
    texts = (significant(each.traced, digits) for digits in range(5, EVERY_DIGIT))
    shown = (text for text in texts if not stands_for(each.written, float(text)))
    return next(shown, significant(each.traced, EVERY_DIGIT))
