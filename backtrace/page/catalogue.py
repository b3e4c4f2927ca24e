"""The catalogue of mistakes, and which of them an exercise's numbers hide."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.check.mistakes.revealing import Revealing
from backtrace.page.blocks import Block, Cell, Column, Document, Paragraph, Section, Table
from backtrace.page.inert import inert
from backtrace.page.report.phrases import Words
from backtrace.spec.wording import count

LABELS = {
    "title": "mistake",
    "where": "where",
    "rule": "wrong rule",
    "tell": "hint",
    "example": "example",
}


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
                words.said(each.reason),
            )
            for each in found.hidden
        ),
        alike=tuple(
            Alike(id, words.name(id), codes, tuple(CATALOGUE[code].title for code in codes))
            for id, codes in found.alike
        ),
        absent=found.absent,
    )


def catalogue() -> Document:
    """Every mistake with its code."""
    columns = [Column(label, left=True) for label in ("code", *LABELS.values())]
    rows = [
        (Cell(mistake.code, "code"), *(Cell(getattr(mistake, field)) for field in LABELS))
        for mistake in CATALOGUE.values()
    ]
    return Document("", (Table(tuple(columns), tuple(rows), "lists"),))


HIDDEN = tuple(Column(header, left=True) for header in ("step", "the mistake", "hidden"))


def document(sight: Sight) -> Document:
    """What the exercise's numbers could not reveal, and which mistakes they can't tell apart."""
    told = f"{count(len(sight.hidden), 'mistake')} that these numbers could not reveal"
    told = told if sight.hidden else "every mistake that could be made here would show"
    return Document(sight.heading, tuple(_blocks(sight)), told)


def _blocks(sight: Sight) -> Iterator[Block]:
    if sight.hidden:
        rows = (
            (Cell(each.symbol, "heading"), Cell(each.title), Cell(each.reason, "fact"))
            for each in sight.hidden
        )
        yield Table(HIDDEN, tuple(rows), "wraps")
    if sight.alike:
        same = (f"{each.symbol}: {'; or '.join(each.titles)}" for each in sight.alike)
        yield Section("Not to be told apart", tuple(Paragraph(each, inset=1) for each in same))
    if sight.absent:
        absent = "; ".join(CATALOGUE[code].title for code in sight.absent)
        yield Section("With no place in this exercise", (Paragraph(absent, "fact", 1),))
