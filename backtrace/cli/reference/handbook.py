"""``backtrace help``."""

from __future__ import annotations

from backtrace.cli.screen import refuse, show
from backtrace.page import handbook
from backtrace.page.inert import inert
from backtrace.spec.wording import listed

MOST_SECTIONS = 3  # that are named where a word stands


def print_help(topic: str, width: int | None) -> None:
    """A chapter, or a section of one; the contents without a topic. Exits with 2 for no such."""
    from backtrace.formats.terminal import chapter

    found = handbook.find(topic) if topic else handbook.chapter(handbook.CONTENTS)
    if found is None:
        refuse([_unknown(topic)], "E506")
    show(lambda layout: chapter.lines(found, layout), width)


def _unknown(topic: str) -> str:
    from backtrace.spec.near_misses import near_miss

    near = near_miss(topic, [*handbook.topics(), *handbook.sections()])
    meant = f"Did you mean {near}? " if near else ""
    speaking = [] if near else handbook.speaking_of(topic)[:MOST_SECTIONS]
    if speaking:
        meant = f"It stands under {listed(speaking, 'and')}. "
    there = ", ".join(handbook.topics())
    return f"{inert(topic)}: no topic of the handbook. {meant}There are {there}."
