"""The catalogue of mistakes, and which of them an exercise's numbers hide, as a page or as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from backtrace.check.mistakes.catalogue import CATALOGUE, Mistake
from backtrace.check.mistakes.revealing import Revealing
from backtrace.formats.escaping import markdown
from backtrace.formats.measure import text_width, wrapped
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import INDENT, Page
from backtrace.page.inert import inert
from backtrace.page.report_phrases import Words
from backtrace.spec.document.problems import count

FIELDS = ("title", "where", "rule", "tell", "example")
LABELS = {
    "title": "mistake",
    "where": "where",
    "rule": "wrong rule",
    "tell": "hint",
    "example": "example",
}
LABEL = 12  # columns of the longest label and the space behind it


class Blind(msgspec.Struct, frozen=True):
    """A mistake that an exercise hides at one step, and what in its numbers does so."""

    code: str
    id: str
    title: str
    symbol: str
    reason: str


class Alike(msgspec.Struct, frozen=True):
    """Mistakes that give the very same numbers at one step."""

    id: str
    symbol: str
    codes: tuple[str, ...]
    titles: tuple[str, ...]


class Sight(msgspec.Struct, frozen=True):
    """What an exercise's numbers show of the catalogue, in words."""

    heading: str
    hidden: tuple[Blind, ...]
    alike: tuple[Alike, ...]
    absent: tuple[str, ...]


def sight(title: str, found: Revealing, words: Words) -> Sight:
    return Sight(
        heading=inert(title),
        hidden=tuple(
            Blind(
                each.code,
                each.id,
                CATALOGUE[each.code].title,
                words.name(each.id),
                words.in_symbols(each.reason),
            )
            for each in found.hidden
        ),
        alike=tuple(
            Alike(id, words.name(id), codes, tuple(CATALOGUE[code].title for code in codes))
            for id, codes in found.alike
        ),
        absent=found.absent,
    )


# The catalogue


def lines(page: Page) -> list[Line]:
    """Every mistake of the catalogue with its code, in lines no wider than the page."""
    found: list[Line] = []
    for mistake in CATALOGUE.values():
        found.append([(mistake.code, "heading")])
        for field, label in LABELS.items():
            found += _labelled(label, getattr(mistake, field), page)
        found.append([])
    return found[:-1]


def _labelled(label: str, words: str, page: Page) -> Iterator[Line]:
    for at, part in enumerate(wrapped(page.say(words), page.width - INDENT - LABEL)):
        shown = label if at == 0 else ""
        yield [(" " * INDENT + shown.ljust(LABEL), "label"), (part, "")]


def markdown_lines() -> str:
    header = "| code | the mistake | where | wrong rule | hint | example |"
    rows = [
        f"| `{mistake.code}` | " + " | ".join(markdown(getattr(mistake, f)) for f in FIELDS) + " |"
        for mistake in CATALOGUE.values()
    ]
    return "\n".join([header, "|---|---|---|---|---|---|", *rows])


def document() -> dict[str, Any]:
    mistakes = [_document(mistake) for mistake in CATALOGUE.values()]
    return {"schema": "backtrace/mistakes/1", "mistakes": mistakes}


def _document(mistake: Mistake) -> dict[str, str]:
    return {"code": mistake.code} | {field: getattr(mistake, field) for field in FIELDS}


# What an exercise hides


def sight_lines(sight: Sight, page: Page) -> list[Line]:
    """What the exercise's numbers could not reveal, and which mistakes they can't tell apart."""
    told = f"{count(len(sight.hidden), 'mistake')} that these numbers could not reveal"
    told = told if sight.hidden else "every mistake that could be made here would show"
    found = page.spread([(sight.heading, "title")], [(told, "heading")])
    width = max((text_width(page.say(each.symbol)) for each in sight.hidden), default=0)
    for each in sight.hidden:
        symbol = page.say(each.symbol)
        found += _row(f" {symbol}{' ' * (width - text_width(symbol))}  ", each, page)
    if sight.alike:
        found += [[], *page.rule("Not to be told apart")]
        for same in sight.alike:
            found += page.paragraph(_alike(same), "", 1)
    if sight.absent:
        absent = "; ".join(CATALOGUE[code].title for code in sight.absent)
        found += [[], *page.rule("With no place in this exercise")]
        found += page.paragraph(absent, "fact", 1)
    return found


def _alike(same: Alike) -> str:
    return f"{same.symbol}: {'; or '.join(same.titles)}"


def _row(head: str, each: Blind, page: Page) -> Iterator[Line]:
    margin = text_width(head)
    for at, part in enumerate(wrapped(page.say(each.title), page.width - margin)):
        yield [(head if at == 0 else " " * margin, "heading"), (part, "")]
    for part in wrapped(page.say(f"hidden: {each.reason}"), page.width - margin):
        yield [(" " * margin, ""), (part, "fact")]


def sight_markdown(sight: Sight) -> str:
    rows = [f"# {markdown(sight.heading)}", "", "## What these numbers could not reveal", ""]
    if sight.hidden:
        rows += ["| step | the mistake | what hides it |", "|---|---|---|"]
    for each in sight.hidden:
        cells = (each.symbol, each.title, each.reason)
        rows.append(f"| {' | '.join(map(markdown, cells))} |")
    if not sight.hidden:
        rows.append("Nothing: every mistake that could be made here would show.")
    if sight.alike:
        rows += ["", "## Mistakes that give the same numbers", ""]
        rows += [f"- {markdown(_alike(each))}" for each in sight.alike]
    return "\n".join(rows)


def sight_document(sight: Sight) -> dict[str, Any]:
    return {
        "schema": "backtrace/hidden/1",
        "title": sight.heading,
        "hidden": [{"code": e.code, "id": e.id, "reason": e.reason} for e in sight.hidden],
        "alike": [{"id": each.id, "mistakes": each.codes} for each in sight.alike],
        "absent": sight.absent,
    }
