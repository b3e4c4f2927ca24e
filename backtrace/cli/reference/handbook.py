"""``backtrace help``."""

from __future__ import annotations

from backtrace.cli.screen import refuse, show
from backtrace.page import handbook
from backtrace.page.inert import inert


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
    there = ", ".join(handbook.topics())
    return f"{inert(topic)}: no topic of the handbook. {meant}There are {there}."
