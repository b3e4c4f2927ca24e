"""Published figures: which stand, which are slips, which are astray."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backtrace.check.judge.published import ComparedFigure, ComparedLine, stands_for, totals
from backtrace.notation.numbers import significant
from backtrace.page.blocks import Block, Cell, Labelled, Paragraph, Section
from backtrace.page.inert import inert
from backtrace.page.report.phrases import Words
from backtrace.spec.model import Arithmetic
from backtrace.spec.wording import count

EVERY_DIGIT = 17  # of a float
ARITHMETIC = {
    "float32": "in single precision",
    "exact": "in fractions",
    "rounded": "with every line rounded to {}",
}


def section(
    held: Sequence[ComparedLine], arithmetic: Arithmetic, words: Words, *, slips: bool
) -> Section:
    """The figures that stand by name, what is astray one by one, and with ``slips`` these too.

    ``arithmetic`` is that in which their trace is worked.
    """
    figures = totals(held)
    stand = f"{figures['agrees']} agree"
    marked = figures["slip"]
    if marked:
        stand += f", {count(marked, 'known slip')}"
    told = [each for each in held if slips or not _has_slips_alone(each)]
    blocks = [*_blocks(told, arithmetic, words)]
    if len(told) < len(held):
        known = "a known slip" if marked == 1 else f"{marked} known slips"
        says = f"The source has {known}, marked in the spec; `--slips` shows them."
        blocks.append(Paragraph(says, "fact", 1))
    return Section("Published figures", tuple(blocks), stand)


def _has_slips_alone(holding: ComparedLine) -> bool:
    """Whether all that does not agree in a line is known."""
    return holding.agrees and holding.count("agrees") < len(holding.figures)


def _blocks(held: Sequence[ComparedLine], arithmetic: Arithmetic, words: Words) -> Iterator[Block]:
    worked = ARITHMETIC.get(arithmetic.kind, "")
    worked = worked.format(count(arithmetic.decimals or 0, "decimal"))
    if worked:
        yield Paragraph(f"Held against the trace as it is worked {worked}.", "note", 1)
    well = [each for each in held if each.count("agrees") == len(each.figures)]
    if well:
        names = " ".join(dict.fromkeys(_called(each, words) for each in well))
        yield Labelled(((Cell("", "right"), names),), inset=1)
    for holding in held:
        if holding not in well:
            yield _line(holding, words)
    hint = _hint(held, arithmetic)
    if hint:
        yield Paragraph(hint, "note", 1)


def _hint(held: Sequence[ComparedLine], arithmetic: Arithmetic) -> str:
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


def _called(holding: ComparedLine, words: Words) -> str:
    published = holding.published
    first = (published.epoch, published.batch) == (1, 1)
    at = "" if first else f"@{published.epoch}.{published.batch}"
    times = "" if float(published.times) == 1 else f"{published.times.text}·"
    return f"{times}{words.name(published.id)}{at}"


def _line(holding: ComparedLine, words: Words) -> Labelled:
    agree = holding.count("agrees")
    said = [f"{count(agree, 'figure')} {'agrees' if agree == 1 else 'agree'}"] if agree else []
    said += [_said(each) for each in holding.figures if each.standing != "agrees"]
    text = "; ".join(said)
    if holding.published.where:
        text = f"{inert(holding.published.where)}: {text}"
    label = Cell(_called(holding, words), "right" if holding.agrees else "wrong")
    return Labelled(((label, text),), inset=1)


def _said(each: ComparedFigure) -> str:
    at = f"[{each.index[0]},{each.index[1]}]"
    if each.standing == "slip":
        return f"{at} {each.written}, a slip for {_apart(each)} ({inert(each.reason)})"
    if each.standing == "stale":
        traced = significant(each.traced, 5)
        return (
            f"{at} {each.written} is marked as a slip ({inert(each.reason)}) and agrees: {traced}"
        )
    return f"{at} {each.written} differs from {_apart(each)}"


def _apart(each: ComparedFigure) -> str:
    """The right value by five digits, or as many as show that it is not what is written."""
    texts = (significant(each.traced, digits) for digits in range(5, EVERY_DIGIT))
    shown = (text for text in texts if not stands_for(each.written, float(text)))
    return next(shown, significant(each.traced, EVERY_DIGIT))
