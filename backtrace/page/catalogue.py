"""The catalogue of mistakes, and which of them an exercise's numbers hide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backtrace.check.diagnosis.hiding import Hiding
from backtrace.check.diagnosis.revealing import Revealing
from backtrace.check.mistakes.catalogue import CATALOGUE, MistakePhase
from backtrace.page.blocks import Block, Cell, Column, Document, Labelled, Paragraph, Section, Table
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


PHASES: dict[MistakePhase, str] = {
    "forward": "Forward",
    "loss": "Loss",
    "backward": "Backward",
    "update": "Update",
    "any": "Anywhere",
}


def catalogue() -> Document:
    """Every mistake on a line, in the order of work."""
    sections = []
    for phase, title in PHASES.items():
        rows = [
            (Cell(each.code, "code"), Cell(each.title))
            for each in CATALOGUE.values()
            if each.phase == phase
        ]
        sections.append(Section(title, (Table((Column("", left=True),) * 2, tuple(rows)),)))
    more = "`backtrace mistakes CODE` has the wrong rule, a hint and an example."
    told = f"{len(CATALOGUE)} that are recognised"
    return Document("Mistakes", (*sections, Section("", (Paragraph(more, "fact"),))), told)


def mistake(code: str) -> Document:
    """One mistake in full."""
    found = CATALOGUE[code]
    rows = ((Cell(label), getattr(found, field)) for field, label in LABELS.items())
    return Document(code, (Section("", (Labelled(tuple(rows), inset=1),)),))


HIDDEN = tuple(Column(header, left=True) for header in ("step", "the mistake", "hidden"))


def document(title: str, found: Revealing, words: Words) -> Document:
    """What an exercise's numbers could not reveal, and which mistakes they can't tell apart."""
    told = f"{count(len(found.hidden), 'mistake')} that these numbers could not reveal"
    told = told if found.hidden else "every mistake that could be made here would show"
    return Document(inert(title), tuple(_blocks(found, words)), told)


def _blocks(found: Revealing, words: Words) -> Iterator[Block]:
    if found.hidden:
        rows = (
            (
                Cell(words.name(each.id), "heading"),
                Cell(CATALOGUE[each.code].title),
                Cell(_said(each.by, words), "fact"),
            )
            for each in found.hidden
        )
        yield Table(HIDDEN, tuple(rows), "wraps")
    if found.alike:
        same = (f"{words.name(id)}: {_titles(codes, '; or ')}" for id, codes in found.alike)
        yield Section("Not to be told apart", tuple(Paragraph(each, inset=1) for each in same))
    absent_codes = [code for code in found.absent if code not in found.of_several]
    if absent_codes:
        absent = Paragraph(_titles(absent_codes, "; "), "fact", 1)
        yield Section("With no place in this exercise", (absent,))
    if found.of_several:
        several = Paragraph(_titles(found.of_several, "; "), "fact", 1)
        yield Section("With a place if you use 3 samples", (several,))


def _said(by: Hiding, words: Words) -> str:
    """What hides a mistake, and what would mend it."""
    return "; ".join(filter(None, (words.said(by.reason), words.said(by.mend))))


def _titles(codes: Iterable[str], separator: str) -> str:
    return separator.join(CATALOGUE[code].title for code in codes)
