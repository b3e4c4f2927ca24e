"""What many sheets of a class have in common, so that one cause may lie behind all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from backtrace.check.model import Judged, Report
from backtrace.page.inert import inert
from backtrace.page.report.phrases import Words, convention_words
from backtrace.spec.numbers import written_number
from backtrace.spec.wording import count

FEWEST = 3  # sheets that have a thing in common
LOOK = "look at what they were given"
MISREAD, SLIP = "given-misread", "arithmetic-slip"


def common_causes(reports: Sequence[Report], words: Words) -> list[str]:
    """A sentence each, the most frequent first."""
    found: Counter[str] = Counter()
    for report in reports:
        found.update(list(dict.fromkeys(_of_sheet(report, words))))
    return [
        f"{count(students, 'sheet')} {cause}"
        for cause, students in found.most_common()
        if students >= FEWEST
    ]


def _of_sheet(report: Report, words: Words) -> Iterator[str]:
    """What may be said of this sheet and others, after their number."""
    yield from convention_words(report.conventions or {}, words)
    first = report.first_mistake
    if first is None:
        return
    likeliest = first.explanations[0] if first.explanations else None
    if likeliest is not None and likeliest.codes == (MISREAD,):
        yield f"have {words.said(likeliest.detail)}: {LOOK}"
    elif likeliest is None or SLIP in first.mistakes:
        yield from _same_number(first, words)


def _same_number(first: Judged, words: Words) -> Iterator[str]:
    """The first wrong number, where nothing explains it: others may have the very same."""
    for i, j in first.places("wrong")[:1]:
        if i <= len(first.written) and j <= len(first.written[i - 1]):
            text = inert(first.written[i - 1][j - 1])
            number = written_number(text)
            text = text if number is None else f"{number:.12g}"  # 3.7 and 3.700 are one
            single = sum(map(len, first.entries)) == 1
            where = words.name(first.name) + ("" if single else f"[{i},{j}]")
            yield f"have {text} for {where}, which no known mistake gives: {LOOK}"
